/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the PostgreSQL and the MySQL replayer share: a small recording in memory (sql_replay_fake.c), and conversations
 * with a replayer that asks it (sql_replay.c). What a protocol adds is in pg_replay*.c and my_replay*.c.
 */
#ifndef MOCKPROXY_TEST_SQL_REPLAY_H
#define MOCKPROXY_TEST_SQL_REPLAY_H

#include "parsers/protocol.h"
#include "tests/unit/cmocka.h"

#define OUT_MAX ((size_t)64 << 20)

/* ---- the recording ---- */

#define FAKE_ENTRIES_MAX 64
/* Values in parts (fake.part_bytes of them) come in pieces of that size. */
#define PIECE_BYTES ((size_t)100000)

/* The exchange of a KILL, by which others were interrupted. */
#define FAKE_KILLER 77

struct fake_entry {
	const char *key; /* the canonical text, and |value for each slot */
	const struct answer_columns *columns;
	const char *rows; /* of one column, separated by commas; a - is null */
	const char *tag;
	const char *error;	 /* its code */
	const char *change;	 /* of the session, NAME=VALUE */
	const char *second;	 /* tag of a second result */
	const char *second_rows; /* a second result's, of the same columns */
	uint8_t kind;		 /* of the exchange; 0: EXCHANGE_SIMPLE */
	uint8_t value_kind;	 /* of all but nulls; 0: ANSWER_TEXT */
	uint32_t flags;
	uint16_t prepare_warnings;
	/* PostgreSQL's: */
	const char *severity;
	const char *file; /* of the server's source, that an error came from */
	/* With one digit for its place in front, and more of them behind commas; 9 is the last. */
	const char *notice;
	uint32_t slot_type;
	bool binary;	  /* COPY data; its direction is in the flags */
	uint8_t copy_end; /* enum copy_end; its text is `failure` */
	const char *failure;
	struct answer_aside said; /* behind it; without channel and fields: nothing */
	/* MySQL's: */
	const char *content; /* of the client's file; `binary` */
	int64_t affected;
	uint64_t insert_id;
	uint16_t status;
	bool interrupted; /* by a KILL, which is FAKE_KILLER */
	uint16_t warnings;
};

struct fake {
	/* What it is of: */
	const struct fake_entry *entries;
	size_t n_entries;
	bool fold; /* keys are compared without case */
	uint64_t part_bytes;
	const char *plugin;   /* that the recorded server greeted with */
	const char *refused;  /* the code with which it let nobody in; NULL: it did not */
	bool refused_at_once; /* before it asked who it is */
	uint64_t capabilities;
	uint32_t backend; /* the number of the session that is played; 0: none was recorded */
	/* What happened: */
	bool used[FAKE_ENTRIES_MAX];
	unsigned int found;
	unsigned int session;
	unsigned int unservable;
	/* What is lent: */
	const struct fake_entry *open; /* the chunk's */
	uint32_t number;
	uint32_t chunk;
	uint32_t row;
	struct answer_value value;
	struct answer_field server[4];
	struct answer_field refusal[3];
	struct answer_field fields[3];
	struct answer_field asides[8];
	struct answer_event events[8];
	char digits[24];
};

/* What it answers whatever the protocol: all but server() and result(). */
struct answers fake_answers(struct fake *fake, struct answer_cache *cache);
/* For result(): columns and rows; notices and a change as events. */
void fake_result_rows(const struct fake_entry *entry, uint32_t number,
		      struct answer_result *result);
void fake_result_events(struct fake *fake, const struct fake_entry *entry,
			struct answer_result *result);
uint32_t fake_count_rows(const struct fake_entry *entry, uint32_t number);

/* ---- conversations ---- */

struct dialogue {
	const struct protocol *protocol;
	/* Its answers, from the recording. */
	struct answers (*answers)(struct fake *fake, struct answer_cache *cache);
	/* Messages as text: a line each. */
	void (*render)(struct buffer *text, struct slice bytes);
	/* Without what every conversation begins with. */
	struct slice (*behind_login)(struct slice text);
};

/* ~ is a NUL, and <ff> a byte that is no printable character. */
void render_bytes(struct buffer *text, struct slice bytes);

/* Feeds all bytes in steps, and appends what came; from REPLAY_CLOSE on the connection is over. */
enum replay_state replay_feed(const struct protocol *protocol, struct replayer *replayer,
			      struct slice input, size_t step, struct buffer *all);
/* One conversation with a session of its own, what comes back as bytes ... */
enum replay_state replay_play(const struct dialogue *dialogue, struct fake *fake,
			      struct answer_cache *cache, struct slice input, size_t step,
			      struct buffer *all);
/* ... and as text. */
void replay_converse(const struct dialogue *dialogue, struct fake *fake, struct answer_cache *cache,
		     struct slice input, size_t step, struct buffer *text);
/* A conversation whole, byte by byte, in steps that fall anywhere, and from the cache: each time, with the recording as it was
 * given, just this must come behind the login. Takes the input over. */
void replay_expect(const struct dialogue *dialogue, struct fake *fake, struct buffer *input,
		   const char *expected);

#endif
