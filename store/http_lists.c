/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers that were read before; see http_lists.h. Invariant: `bytes` are the names and values that `json` says, one behind the
 * other, and `sizes` theirs.
 */
#include "store/http_lists.h"

#include "parsers/http/message.h"
#include "store/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#define LISTS 64
/* Larger ones are read anew each time. */
#define JSON_BYTES ((size_t)4 << 10)
#define FIELDS ((size_t)128)

struct list {
	struct buffer json; /* empty: nothing is remembered */
	struct buffer bytes;
	struct buffer sizes; /* uint16_t, of a name and its value in turn */
};

struct http_lists {
	struct list lists[LISTS];
};

struct http_lists *http_lists_new(void)
{
	struct http_lists *lists = calloc(1, sizeof(*lists));

	if (!lists)
		abort();
	for (size_t i = 0; i < LISTS; i++) {
		buffer_init(&lists->lists[i].json, JSON_BYTES);
		buffer_init(&lists->lists[i].bytes, JSON_BYTES);
		buffer_init(&lists->lists[i].sizes, 2 * FIELDS * sizeof(uint16_t));
	}
	return lists;
}

void http_lists_free(struct http_lists *lists)
{
	if (!lists)
		return;
	for (size_t i = 0; i < LISTS; i++) {
		buffer_release(&lists->lists[i].json);
		buffer_release(&lists->lists[i].bytes);
		buffer_release(&lists->lists[i].sizes);
	}
	free(lists);
}

static void keep_slice(struct list *list, struct slice bytes)
{
	uint16_t size = (uint16_t)bytes.size; /* at most JSON_BYTES, else `bytes` overflows */

	buffer_append_slice(&list->bytes, bytes);
	buffer_append(&list->sizes, &size, sizeof(size));
}

static void remember(struct list *list, struct slice json, const struct http_fields *fields)
{
	buffer_clear(&list->json);
	buffer_clear(&list->bytes);
	buffer_clear(&list->sizes);
	for (size_t i = 0; i < fields->n; i++) {
		keep_slice(list, fields->list[i].name);
		keep_slice(list, fields->list[i].value);
	}
	if (!list->bytes.overflowed && !list->sizes.overflowed)
		buffer_append_slice(&list->json, json);
}

static struct slice next_slice(const struct list *list, size_t i, const uint8_t **at)
{
	struct slice slice = { *at, 0 };
	uint16_t size;

	memcpy(&size, list->sizes.data + i * sizeof(size), sizeof(size));
	slice.size = size;
	*at += size;
	return size ? slice : slice_of("", 0);
}

static void recall(const struct list *list, struct arena *arena, struct http_fields *ret_fields)
{
	size_t n = list->sizes.size / (2 * sizeof(uint16_t));
	struct name_value *pairs = arena_alloc(arena, (n + 1) * sizeof(*pairs));
	const uint8_t *at = arena_copy(arena, buffer_slice(&list->bytes)).data;

	for (size_t i = 0; i < n; i++) {
		pairs[i].name = next_slice(list, 2 * i, &at);
		pairs[i].value = next_slice(list, 2 * i + 1, &at);
	}
	*ret_fields = (struct http_fields){ .list = pairs, .n = n };
}

int http_lists_read(struct http_lists *lists, struct slice json, struct arena *arena,
		    struct http_fields *ret_fields)
{
	struct list *list = NULL;
	int rc;

	*ret_fields = (struct http_fields){ 0 };
	if (!json.data)
		return 0;
	if (json.size && json.size <= JSON_BYTES)
		list = &lists->lists[XXH3_64bits(json.data, json.size) % LISTS];
	if (list && slice_equal(buffer_slice(&list->json), json)) {
		recall(list, arena, ret_fields);
		return 0;
	}
	rc = decode_pairs(arena_copy(arena, json), arena, HTTP_FIELDS_MAX, &ret_fields->list,
			  &ret_fields->n);
	if (rc == 0 && list)
		remember(list, json, ret_fields);
	return rc;
}
