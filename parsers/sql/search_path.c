/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of schema names; see search_path.h. PostgreSQL 16 documentation, section 20.11.1,
 * search_path. The empty list is written "" as the list of one empty name is: neither names a
 * schema, and nothing written would mean "not set".
 */
#include "parsers/sql/search_path.h"

static bool is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		uint8_t byte = name.data[i];
		bool digit = (byte >= '0' && byte <= '9') || byte == '$';

		if (!(byte >= 'a' && byte <= 'z') && byte != '_' && !(digit && i > 0))
			return false;
	}
	return name.size != 0;
}

void sql_search_path_append(struct buffer *list, struct slice name)
{
	if (list->size)
		buffer_append_string(list, ", ");
	if (is_plain(name)) {
		buffer_append_slice(list, name);
		return;
	}
	buffer_append_u8(list, '"');
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '"')
			buffer_append_u8(list, '"');
		buffer_append_u8(list, name.data[i]);
	}
	buffer_append_u8(list, '"');
}

static void skip_space(struct slice *text)
{
	while (text->size && is_space(text->data[0]))
		*text = slice_of(text->data + 1, text->size - 1);
}

/* The name at the front of `text`, into `name`; false when there is none. */
static bool take_name(struct slice *text, struct buffer *name)
{
	bool quoted = text->size && text->data[0] == '"';
	size_t i = quoted;

	buffer_clear(name);
	for (; i < text->size; i++) {
		uint8_t byte = text->data[i];

		if (quoted && byte == '"') {
			if (i + 1 >= text->size || text->data[i + 1] != '"')
				break;
			i++;
		} else if (!quoted && (byte == ',' || is_space(byte))) {
			break;
		}
		buffer_append_u8(name, quoted ? byte : ascii_lower(byte));
	}
	if (quoted ? i == text->size : i == 0)
		return false;
	i += quoted;
	*text = slice_of(text->data + i, text->size - i);
	return true;
}

static bool parse(struct buffer *list, struct buffer *name, struct slice text)
{
	for (;;) {
		skip_space(&text);
		if (!take_name(&text, name))
			return false;
		sql_search_path_append(list, buffer_slice(name));
		skip_space(&text);
		if (!text.size)
			return true;
		if (text.data[0] != ',')
			return false;
		text = slice_of(text.data + 1, text.size - 1);
	}
}

void sql_search_path_parse(struct buffer *list, struct slice text)
{
	struct buffer name;

	skip_space(&text);
	buffer_init(&name, text.size);
	buffer_clear(list);
	if (!text.size) {
		sql_search_path_append(list, text);
	} else if (!parse(list, &name, text)) {
		buffer_clear(list);
		sql_search_path_append(list, text);
	}
	buffer_release(&name);
}
