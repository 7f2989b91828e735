/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations with the PostgreSQL replayer, for its tests: the recording (pg_replay_fake.c), what a client says, and what comes
 * back as text (pg_replay.c): one message a line, its type and its body. See sql_replay.h for what MySQL's tests share.
 */
#ifndef MOCKPROXY_TEST_PG_REPLAY_H
#define MOCKPROXY_TEST_PG_REPLAY_H

#include "parsers/postgres/replayer.h"
#include "tests/unit/sql_replay.h"

/* "select big" has values in parts: so large. */
#define PART_BYTES ((size_t)1 << 20)

/* The recording. */
struct answers answers_of(struct fake *fake, struct answer_cache *cache);

/* ---- what a client says ---- */

struct client {
	struct buffer bytes;
};

void client_init(struct client *client);
/* ... and logs in to the database of the recording, with application_name "me". */
void client_log_in(struct client *client);
void say_message(struct client *client, uint8_t type, struct slice body);
void say_start(struct client *client, uint32_t code, struct slice parameters);
void say_query(struct client *client, const char *sql);
void say_parse(struct client *client, const char *name, const char *sql);
/* One parameter in text, or none when it is NULL; all results in `format`. */
void say_bind(struct client *client, const char *portal, const char *name, const char *value,
	      uint16_t format);
void say_execute(struct client *client, const char *portal, uint32_t limit);
/* Describe and Close: "Sname", "Pname". */
void say_target(struct client *client, uint8_t type, const char *target);
void say_sync(struct client *client);
/* Parse, Bind, Execute of the unnamed ones. */
void say_extended(struct client *client, const char *sql, uint16_t format);

/* ---- what comes back ---- */

/* Messages as text. */
void pg_replay_render(struct buffer *text, struct slice bytes);
/* One conversation with a session of its own, what comes back as text. `fake` is emptied before. */
void converse(struct fake *fake, struct answer_cache *cache, const struct client *client,
	      size_t step, struct buffer *text);
/* A conversation whole, byte by byte, in steps that fall anywhere, and from the cache: each time, behind the answer to a login, just
 * this must come. Takes the client over. */
void expect(struct fake *fake, struct client *client, const char *expected);

#define T_INT "T ~<01>a~~~~~~~~~~<17>~<04><ff><ff><ff><ff>~~\n"
#define T_INT_BINARY "T ~<01>a~~~~~~~~~~<17>~<04><ff><ff><ff><ff>~<01>\n"
#define D(value, length) "D ~<01>~~~" length value "\n"
#define IDLE "Z I\n"
#define IN_TRANSACTION "Z T\n"
#define FAILED "Z E\n"
#define ABORTED                                                                                  \
	"E SERROR~VERROR~C25P02~Mcurrent transaction is aborted, commands ignored until end of " \
	"transaction block~~\n"
#define MISS(asked)                                                                               \
	"E SERROR~VERROR~CMP001~Mmockproxy: the recording holds no answer to this statement~"     \
	"DAsked: " asked "<0a>Nearest recorded: select nearest<0a>Difference: value 1: recorded " \
	"5, asked 7~HRecord a run that asks this, or look at what was recorded: sqlite3 FILE "    \
	"'select * from queries'.~~\n"
#define UNSERVABLE(column, type, how)                                                              \
	"E SERROR~VERROR~CMP002~Mmockproxy: the recorded answer cannot be given in the form that " \
	"was asked for~DColumn " column " of type " type " was recorded " how                      \
	".~HRecord with the driver that replays.~~\n"

#endif
