/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way to a client; see large_row.h. */
#include "parsers/large_row.h"

#include <errno.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)64 << 20)
#define BYTES_KEPT ((size_t)64 << 10) /* from one row to the next */

void large_row_init(struct large_row *row)
{
	*row = (struct large_row){ 0 };
	buffer_init(&row->bytes, BYTES_MAX);
}

void large_row_release(struct large_row *row)
{
	buffer_release(&row->bytes);
	free(row->cuts);
}

void large_row_clear(struct large_row *row)
{
	buffer_clear(&row->bytes);
	row->n_cuts = 0;
}

void large_row_add_part(struct large_row *row, const struct answer_value *value)
{
	if (row->n_cuts == row->cuts_capacity) {
		row->cuts_capacity = row->cuts_capacity ? 2 * row->cuts_capacity : 8;
		row->cuts = realloc(row->cuts, row->cuts_capacity * sizeof(*row->cuts));
		if (!row->cuts)
			abort();
	}
	row->cuts[row->n_cuts++] = (struct row_cut){ row->bytes.size, value->part, value->size };
}

bool large_row_begin(struct large_row *row, uint64_t max, uint64_t *ret_size)
{
	uint64_t size = row->bytes.size;

	for (size_t i = 0; i < row->n_cuts; i++) {
		if (row->cuts[i].left > UINT64_MAX - size)
			return false;
		size += row->cuts[i].left;
	}
	if (row->bytes.overflowed || size > max)
		return false;
	*ret_size = size;
	row->on = true;
	row->at = 0;
	row->cut = 0;
	row->sequence = 0;
	return true;
}

static struct slice bytes_until(struct large_row *row, size_t end)
{
	struct slice bytes = slice_of(row->bytes.data + row->at, end - row->at);

	row->at = end;
	return bytes;
}

static int next_piece(struct large_row *row, struct row_cut *cut, const struct answers *answers,
		      uint64_t exchange, struct slice *ret_bytes)
{
	if (answers->part(answers->context, exchange, cut->part, row->sequence++, ret_bytes) != 1 ||
	    ret_bytes->size > cut->left || !ret_bytes->size)
		return -EINVAL;
	cut->left -= ret_bytes->size;
	return 1;
}

int large_row_next(struct large_row *row, const struct answers *answers, uint64_t exchange,
		   struct slice *ret_bytes)
{
	for (; row->cut < row->n_cuts; row->cut++, row->sequence = 0) {
		struct row_cut *cut = &row->cuts[row->cut];

		if (row->at < cut->at) {
			*ret_bytes = bytes_until(row, cut->at);
			return 1;
		}
		if (cut->left)
			return next_piece(row, cut, answers, exchange, ret_bytes);
	}
	if (row->at < row->bytes.size) {
		*ret_bytes = bytes_until(row, row->bytes.size);
		return 1;
	}
	row->on = false;
	if (row->bytes.capacity > BYTES_KEPT)
		buffer_release(&row->bytes);
	return 0;
}

int row_chunk_open(const struct answers *answers, uint64_t exchange, uint32_t number,
		   uint32_t chunk, uint64_t rows_sent)
{
	const struct answer_value *values;
	int error = answers->chunk(answers->context, exchange, number, chunk);
	size_t n;

	for (uint64_t i = 0; error == 0 && i < rows_sent; i++)
		if (answers->next_row(answers->context, &values, &n) != 1)
			return -EINVAL;
	return error;
}
