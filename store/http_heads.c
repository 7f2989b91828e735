/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as JSON; see http_heads.h. Invariant: a head's `json` was made of its `lines`. */
#include "store/http_heads.h"

#include "parsers/http/credentials.h"
#include "store/encode.h"

#include <stdlib.h>
#include <xxhash.h>

#define HEADS 64
/* Of the lines that are remembered; larger heads are made anew each time. */
#define LINES_BYTES ((size_t)2 << 10)
#define JSON_BYTES ((size_t)16 << 10)
/* Of any head: the recorder bounds what it is made of. */
#define LARGE_BYTES ((size_t)16 << 20)
#define KEPT_BYTES ((size_t)64 << 10)

struct head {
	struct buffer lines; /* empty: nothing is remembered */
	struct buffer json;
};

struct http_heads {
	struct head heads[HEADS];
	struct buffer large;
};

struct http_heads *http_heads_new(void)
{
	struct http_heads *heads = calloc(1, sizeof(*heads));

	if (!heads)
		abort();
	for (size_t i = 0; i < HEADS; i++) {
		buffer_init(&heads->heads[i].lines, LINES_BYTES);
		buffer_init(&heads->heads[i].json, JSON_BYTES);
	}
	buffer_init(&heads->large, LARGE_BYTES);
	return heads;
}

void http_heads_free(struct http_heads *heads)
{
	if (!heads)
		return;
	for (size_t i = 0; i < HEADS; i++) {
		buffer_release(&heads->heads[i].lines);
		buffer_release(&heads->heads[i].json);
	}
	buffer_release(&heads->large);
	free(heads);
}

void http_heads_append(struct buffer *json, const struct http_fields *fields)
{
	struct buffer masked;

	buffer_init(&masked, LARGE_BYTES);
	buffer_append_u8(json, '[');
	for (size_t i = 0; i < fields->n; i++) {
		const struct name_value *field = &fields->list[i];

		buffer_append_string(json, i ? ",\n [" : "[");
		encode_text(json, field->name);
		buffer_append_string(json, ", ");
		buffer_clear(&masked);
		http_mask_field(&masked, field->name, field->value);
		encode_text(json, buffer_slice(&masked));
		buffer_append_u8(json, ']');
	}
	buffer_append_u8(json, ']');
	buffer_release(&masked);
}

struct slice http_heads_json(struct http_heads *heads, const struct http_fields *fields)
{
	struct slice lines = fields->lines;
	struct head *head;

	if (lines.size && lines.size <= LINES_BYTES) {
		head = &heads->heads[XXH3_64bits(lines.data, lines.size) % HEADS];
		if (slice_equal(buffer_slice(&head->lines), lines))
			return buffer_slice(&head->json);
		buffer_clear(&head->lines);
		buffer_clear(&head->json);
		http_heads_append(&head->json, fields);
		if (!head->json.overflowed) {
			buffer_append_slice(&head->lines, lines);
			return buffer_slice(&head->json);
		}
	}
	if (heads->large.capacity > KEPT_BYTES)
		buffer_release(&heads->large);
	buffer_clear(&heads->large);
	http_heads_append(&heads->large, fields);
	return buffer_slice(&heads->large);
}
