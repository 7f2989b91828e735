/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with a replayer, and what comes back as text; see sql_replay.h. */
#include "tests/unit/sql_replay.h"

#include "parsers/sql/forms.h"

#include <stdio.h>

/* What a replayer says at once is bounded: a value is never whole. */
#define FILL_MAX (((size_t)64 << 10) + 2 * PIECE_BYTES)

void render_bytes(struct buffer *text, struct slice bytes)
{
	char hex[8];

	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t byte = bytes.data[i];

		if (byte == 0) {
			buffer_append_u8(text, '~');
		} else if (byte < ' ' || byte > '}' || byte == '<') {
			snprintf(hex, sizeof(hex), "<%02x>", byte);
			buffer_append_string(text, hex);
		} else {
			buffer_append_u8(text, byte);
		}
	}
}

static enum replay_state fill(const struct protocol *protocol, struct replayer *replayer,
			      struct buffer *all)
{
	enum replay_state state;
	struct buffer out;

	buffer_init(&out, OUT_MAX);
	do {
		buffer_clear(&out);
		state = protocol->replayer_fill(replayer, &out);
		assert_false(out.overflowed);
		assert_true(out.size < FILL_MAX);
		buffer_append_slice(all, buffer_slice(&out));
	} while (state == REPLAY_MORE);
	buffer_release(&out);
	return state;
}

enum replay_state replay_feed(const struct protocol *protocol, struct replayer *replayer,
			      struct slice input, size_t step, struct buffer *all)
{
	enum replay_state state = REPLAY_IDLE;
	const char *why;

	if (protocol->recognise_server) /* it speaks first */
		state = fill(protocol, replayer, all);
	while (input.size && state < REPLAY_CLOSE) {
		size_t size = step < input.size ? step : input.size;
		uint8_t *copy = malloc(size); /* nothing may borrow from it */

		assert_non_null(copy);
		memcpy(copy, input.data, size);
		assert_int_equal(protocol->replayer_feed(replayer, slice_of(copy, size), &why), 0);
		memset(copy, 0xdb, size);
		free(copy);
		input = slice_of(input.data + size, input.size - size);
		state = fill(protocol, replayer, all);
	}
	return state;
}

enum replay_state replay_play(const struct dialogue *dialogue, struct fake *fake,
			      struct answer_cache *cache, struct slice input, size_t step,
			      struct buffer *all)
{
	struct answers answers = dialogue->answers(fake, cache);
	struct replayer *replayer = dialogue->protocol->replayer_new(&answers, 7);
	enum replay_state state;

	answers.forms = sql_forms_new();
	state = replay_feed(dialogue->protocol, replayer, input, step, all);
	assert_false(all->overflowed);
	dialogue->protocol->replayer_free(replayer);
	sql_forms_free(answers.forms);
	return state;
}

void replay_converse(const struct dialogue *dialogue, struct fake *fake, struct answer_cache *cache,
		     struct slice input, size_t step, struct buffer *text)
{
	enum replay_state state;
	struct buffer all;

	buffer_init(&all, OUT_MAX);
	state = replay_play(dialogue, fake, cache, input, step, &all);
	dialogue->render(text, buffer_slice(&all));
	if (state >= REPLAY_CLOSE)
		buffer_append_string(text, state == REPLAY_RESET ? "reset\n" : "closed\n");
	buffer_release(&all);
}

void replay_expect(const struct dialogue *dialogue, struct fake *fake, struct buffer *input,
		   const char *expected)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7, SIZE_MAX };
	struct answer_cache *cache = answer_cache_new(64);
	const struct fake fresh = *fake;
	struct buffer text;

	buffer_init(&text, OUT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct slice got;

		*fake = fresh;
		buffer_clear(&text);
		replay_converse(dialogue, fake, i ? cache : NULL, buffer_slice(input), steps[i],
				&text);
		got = dialogue->behind_login(buffer_slice(&text));
		if (slice_equal(got, slice_from_string(expected)))
			continue;
		/* longer than cmocka's messages may be */
		fprintf(stderr, "run %zu: expected\n%s--- but got\n%.*s", i, expected,
			(int)got.size, (const char *)got.data);
		fail();
	}
	buffer_release(&text);
	answer_cache_free(cache);
	buffer_release(input);
}
