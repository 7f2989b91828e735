/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of replayers share: conversations, and for those of SQL a recording whose answers follow from the
 * request's hash.
 */
#ifndef MOCKPROXY_FUZZ_REPLAY_H
#define MOCKPROXY_FUZZ_REPLAY_H

#include "parsers/protocol.h"

/* What a replayer may say at once, and how much of what it says is enough. */
#define OUT_MAX ((size_t)80 << 20)
#define ENOUGH ((size_t)1 << 20)

/* A conversation with a replayer. */
struct talk {
	const struct protocol *protocol;
	struct replayer *replayer;
	void (*between)(void *context,
			struct replayer *replayer); /* two pieces of the input; NULL: nothing */
	void *context;
	const char *refused; /* out: why it reads no further, or NULL */
};

/*
 * Feeds the input in pieces of `cut` bytes and appends what comes back, until the replayer ends the connection or refuses to
 * read on, or until there is ENOUGH: then the end may be missing.
 */
enum replay_state fuzz_play(struct talk *talk, struct slice input, size_t cut, struct buffer *all);

#define FAKE_COLUMNS_MAX 4

struct fake {
	struct answer_columns *columns;
	struct answer_value values[FAKE_COLUMNS_MAX];
	unsigned int rows_left;
	unsigned int seed;
};

/* Its columns are copied. */
void fake_init(struct fake *fake, const struct column *columns, size_t n);
void fake_release(struct fake *fake);

/* All answers but the server, results and rows. */
struct answers fake_answers(struct fake *fake);
/* For result(): is there one, with columns and chunks? As result() returns it. */
int fake_result(const struct fake *fake, uint64_t exchange, uint32_t number,
		struct answer_result *ret_result);
/* The ones of them that others are made of. */
bool fake_peek(void *context, const struct request *request, struct answer *ret_answer);
void fake_unservable(void *context, struct slice text, struct slice why);

#endif
