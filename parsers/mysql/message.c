/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL: the raw pieces of a recording as people and the store read them: columns, errors, how a statement ended, commands as texts. Their
 * forms are this program's own (packet.h, wire.h), around what came on the wire.
 */
#include "parsers/mysql/packet.h"

#include <errno.h>

struct my_columns my_columns_of(struct slice raw)
{
	struct my_columns columns = { .cursor = cursor_of(raw) };

	columns.form = cursor_u8(&columns.cursor);
	columns.extended = cursor_u8(&columns.cursor) & 1;
	return columns;
}

bool my_columns_next(struct my_columns *columns, struct slice *ret_payload)
{
	if (!cursor_left(&columns->cursor))
		return false;
	*ret_payload = cursor_bytes(&columns->cursor, cursor_u32be(&columns->cursor));
	return !columns->cursor.failed;
}

int my_columns_read(struct slice raw, struct column *ret_columns, size_t max, size_t *ret_n)
{
	struct my_columns columns = my_columns_of(raw);
	struct slice payload;
	size_t n = 0;

	if (columns.form > PARAMETER_BINARY)
		return -EINVAL;
	for (; my_columns_next(&columns, &payload); n++) {
		if (n == max || !my_column_read(payload, columns.extended, &ret_columns[n]))
			return -EINVAL;
		ret_columns[n].form = columns.form;
		ret_columns[n].type = my_type_name(ret_columns[n].type_id);
	}
	if (!cursor_done(&columns.cursor))
		return -EINVAL;
	*ret_n = n;
	return 0;
}

/* The code of a raw error, which stands there in five digits, as people write it. */
static struct slice code_text(struct slice raw)
{
	struct slice code = slice_of(raw.data, MY_ERROR_PIECE_CODE);

	while (code.size > 1 && code.data[0] == '0') {
		code.data++;
		code.size--;
	}
	return code;
}

int my_message_read(struct slice raw, struct message_field *ret_fields, size_t max, size_t *ret_n)
{
	struct my_err err;
	size_t n = 0;

	if (max < 4 || !my_error_piece_read(raw, &err))
		return -EINVAL;
	ret_fields[n++] = (struct message_field){ SLICE("severity"), SLICE("ERROR") };
	ret_fields[n++] = (struct message_field){ SLICE("code"), code_text(raw) };
	if (err.state.size)
		ret_fields[n++] = (struct message_field){ SLICE("sqlstate"), err.state };
	ret_fields[n++] = (struct message_field){ SLICE("message"), err.message };
	*ret_n = n;
	return 0;
}

int my_completion_read(struct slice raw, struct completion *ret_completion)
{
	struct cursor cursor = cursor_of(raw);
	struct completion completion = { .rows = (int64_t)cursor_u64be(&cursor) };

	completion.insert_id = cursor_u64be(&cursor);
	completion.warnings = cursor_u16be(&cursor);
	completion.status = cursor_u16be(&cursor);
	completion.tag = cursor_rest(&cursor);
	if (cursor.failed)
		return -EINVAL;
	*ret_completion = completion;
	return 0;
}

void my_completion_write(struct buffer *out, const struct completion *completion)
{
	buffer_append_u64be(out, (uint64_t)completion->rows);
	buffer_append_u64be(out, completion->insert_id);
	buffer_append_u16be(out, completion->warnings);
	buffer_append_u16be(out, completion->status);
	buffer_append_slice(out, completion->tag);
}

void my_name_append(struct buffer *text, struct slice name)
{
	buffer_append_u8(text, '`');
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '`')
			buffer_append_u8(text, '`');
		buffer_append_u8(text, name.data[i]);
	}
	buffer_append_u8(text, '`');
}

void my_change_user_text(struct buffer *text, struct slice user, struct slice database)
{
	buffer_append_string(text, "COM_CHANGE_USER ");
	my_name_append(text, user);
	buffer_append_u8(text, ' ');
	my_name_append(text, database);
}
