/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the last head; see known_fields.h. Invariant: `places` are those of `lines`, and lie within them. */
#include "parsers/http/known_fields.h"

struct place {
	uint16_t name_at;
	uint16_t name_size;
	uint16_t value_at;
	uint16_t value_size;
};

void http_known_fields_init(struct http_known_fields *known)
{
	buffer_init(&known->lines, HTTP_KNOWN_BYTES);
	buffer_init(&known->places, HTTP_KNOWN_FIELDS * sizeof(struct place));
}

void http_known_fields_release(struct http_known_fields *known)
{
	buffer_release(&known->lines);
	buffer_release(&known->places);
}

static void remember(struct http_known_fields *known, struct slice lines,
		     const struct http_fields *fields)
{
	buffer_clear(&known->lines);
	if (lines.size > HTTP_KNOWN_BYTES || fields->n > HTTP_KNOWN_FIELDS)
		return;
	buffer_append_slice(&known->lines, lines);
	buffer_clear(&known->places);
	for (size_t i = 0; i < fields->n; i++) {
		const struct name_value *field = &fields->list[i];
		struct place place = {
			.name_at = (uint16_t)(field->name.data - lines.data),
			.name_size = (uint16_t)field->name.size,
			.value_at = (uint16_t)(field->value.data - lines.data),
			.value_size = (uint16_t)field->value.size,
		};

		buffer_append(&known->places, &place, sizeof(place));
	}
}

static void recall(const struct http_known_fields *known, struct slice lines, struct arena *arena,
		   struct http_fields *ret_fields)
{
	size_t n = known->places.size / sizeof(struct place);
	struct name_value *list = arena_alloc(arena, n * sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		struct place place;

		memcpy(&place, known->places.data + i * sizeof(place), sizeof(place));
		list[i].name = slice_of(lines.data + place.name_at, place.name_size);
		list[i].value = slice_of(lines.data + place.value_at, place.value_size);
	}
	*ret_fields = (struct http_fields){ .list = list, .n = n, .lines = lines };
}

int http_known_fields_read(struct http_known_fields *known, struct slice lines, struct arena *arena,
			   struct http_fields *ret_fields, const char **ret_why)
{
	int rc;

	if (lines.size && slice_equal(lines, buffer_slice(&known->lines))) {
		recall(known, lines, arena, ret_fields);
		return 0;
	}
	rc = http_fields_read(lines, arena, ret_fields, ret_why);
	if (rc)
		return rc;
	for (uint8_t minor = 0; minor < 2; minor++)
		known->persists[minor] = http_persists(ret_fields, minor);
	remember(known, lines, ret_fields);
	return 0;
}
