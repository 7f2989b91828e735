/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: one row, in the text or the binary form ("Text Resultset Row", "Binary Protocol Resultset Row"). A row with
 * values that the recording holds in parts is sent as it is read, in packets of 16 MB.
 */
#include "parsers/mysql/replayer.h"
#include "parsers/mysql/values.h"

#include <errno.h>

/* A part is bytes of the recorded form; only types whose two forms are the same bytes can go as the other. */
static int encode_part(struct my_send *send, const struct column *column, uint16_t form,
		       const struct answer_value *value, struct buffer *out)
{
	if (!my_type_same_bytes(column->type_id) &&
	    (form != PARAMETER_TEXT || column->form != PARAMETER_TEXT))
		return -ENOTSUP;
	if (value->size > UINT32_MAX)
		return -EINVAL;
	my_write_lenenc(out, value->size);
	large_row_add_part(&send->large, value);
	return 0;
}

/* The value's bytes in the form, in `scratch` or as they are stored. */
static int value_bytes(struct replayer *replayer, const struct column *column, uint16_t form,
		       const struct answer_value *value, struct slice *ret_bytes)
{
	bool same = my_type_same_bytes(column->type_id);
	int error;

	*ret_bytes = value->bytes;
	if (value->kind == ANSWER_RAW)
		return same || form == column->form ? 0 : -ENOTSUP;
	if (same || (form == PARAMETER_TEXT && column->form == PARAMETER_TEXT))
		return 0;
	buffer_clear(&replayer->scratch);
	error = my_value_encode(column, form, value->bytes, &replayer->scratch);
	*ret_bytes = buffer_slice(&replayer->scratch);
	return error;
}

static int encode_value(struct replayer *replayer, const struct column *column,
			const struct answer_value *value, struct buffer *out)
{
	uint16_t form = replayer->send.binary ? PARAMETER_BINARY : PARAMETER_TEXT;
	int size = my_type_size(column->type_id), error;
	struct slice bytes;

	if (answer_is_part(value))
		return encode_part(&replayer->send, column, form, value, out);
	error = value_bytes(replayer, column, form, value, &bytes);
	if (error)
		return error;
	if (form == PARAMETER_TEXT || size == MY_SIZE_LENENC) {
		my_write_lenenc_bytes(out, bytes);
		return 0;
	}
	if (size == MY_SIZE_SHORT) {
		if (bytes.size > 12)
			return -EINVAL;
		buffer_append_u8(out, (uint8_t)bytes.size);
	} else if (size < 0 || bytes.size != (size_t)size) {
		return -EINVAL;
	}
	buffer_append_slice(out, bytes);
	return 0;
}

/* The binary row's header and its bits of nulls, which count from 2. */
static void begin_binary(const struct answer_value *values, size_t n, struct buffer *out)
{
	uint8_t bits = 0;
	size_t i;

	buffer_append_u8(out, 0);
	for (i = 0; i < n; i++) {
		if (values[i].kind == ANSWER_NULL)
			bits |= (uint8_t)(1U << (i + 2) % 8);
		if ((i + 2) % 8 == 7) {
			buffer_append_u8(out, bits);
			bits = 0;
		}
	}
	if ((n + 2) % 8)
		buffer_append_u8(out, bits);
}

/* A row's payload; on error *ret_column is the column that it is about. */
static int encode_row(struct replayer *replayer, const struct answer_value *values, size_t n,
		      struct buffer *out, const struct column **ret_column)
{
	const struct answer_columns *columns = replayer->send.result.columns;
	int error = 0;

	*ret_column = NULL;
	if (!columns || columns->n != n || !n)
		return -EINVAL;
	if (replayer->send.binary)
		begin_binary(values, n, out);
	for (size_t i = 0; i < n && !error; i++) {
		*ret_column = &columns->columns[i];
		if (values[i].kind != ANSWER_NULL)
			error = encode_value(replayer, *ret_column, &values[i], out);
		else if (!replayer->send.binary)
			buffer_append_u8(out, 0xfb);
	}
	return error;
}

/* ---- rows with parts ---- */

/* Everything but the parts at once, and then both in turn (my_replay_row_more). */
static int begin_large(struct replayer *replayer, const struct answer_value *values, size_t n,
		       const struct column **ret_column)
{
	struct my_send *send = &replayer->send;
	int error;

	large_row_clear(&send->large);
	error = encode_row(replayer, values, n, &send->large.bytes, ret_column);
	if (error)
		return error;
	if (!large_row_begin(&send->large, UINT64_MAX, &send->left))
		return -EINVAL;
	send->piece_left = 0;
	send->full = true; /* the first header follows */
	return 0;
}

/* The next of the packet's bytes, with headers where they are due. */
static void stream(struct replayer *replayer, struct slice bytes, struct buffer *out)
{
	struct my_send *send = &replayer->send;

	for (;;) {
		size_t size;

		if (!send->piece_left && send->full) {
			size = send->left < MY_SPLIT_SIZE ? (size_t)send->left : MY_SPLIT_SIZE;
			my_header_write(out, size, replayer->sequence++);
			send->piece_left = size;
			send->full = size == MY_SPLIT_SIZE;
		}
		size = bytes.size < send->piece_left ? bytes.size : send->piece_left;
		if (!size)
			return;
		buffer_append(out, bytes.data, size);
		bytes = slice_of(bytes.data + size, bytes.size - size);
		send->piece_left -= size;
		send->left -= size;
	}
}

bool my_replay_row_more(struct replayer *replayer, struct buffer *out)
{
	struct my_send *send = &replayer->send;
	struct slice bytes;
	int found = 1;

	while (found == 1 && out->size < MY_FILL_BYTES) {
		found = large_row_next(&send->large, replayer->answers, send->exchange, &bytes);
		if (found == 1)
			stream(replayer, bytes, out);
	}
	return found >= 0;
}

int my_replay_row(struct replayer *replayer, struct buffer *out, const struct column **ret_column)
{
	const struct answers *answers = replayer->answers;
	struct my_send *send = &replayer->send;
	const struct answer_value *values;
	size_t n, at;
	int found = answers->next_row(answers->context, &values, &n);

	*ret_column = NULL;
	if (found != 1)
		return found;
	send->position.row++;
	send->rows++;
	if (row_has_parts(values, n)) {
		send->cacheable = false;
		found = begin_large(replayer, values, n, ret_column);
		return found ? found : 1;
	}
	at = my_packet_begin(out);
	found = encode_row(replayer, values, n, out, ret_column);
	if (found) {
		out->size = at;
		return found;
	}
	my_packet_end(out, at, &replayer->sequence);
	return 1;
}
