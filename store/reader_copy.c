/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY data out of a recording; see reader.h. A client's data is known by its digest, which is in the file unless a person edited
 * the rows: then it is made of them, as the recorder made it of what passed.
 */
#include "store/reader_state.h"

#include <errno.h>

int reader_copy(struct reader *reader, uint64_t exchange, struct answer_copy *ret_copy)
{
	sqlite3_stmt *sql = reader->sql[GET_COPY];
	struct slice digest;
	int64_t columns;
	int rc;

	sqlite3_bind_int64(sql, 1, (int64_t)exchange);
	rc = reader_step(sql);
	if (rc <= 0)
		return rc;
	*ret_copy = (struct answer_copy){ 0 };
	columns = sqlite3_column_int64(sql, 2);
	ret_copy->form.to_client = slice_equal(database_column(sql, 0), SLICE("out"));
	ret_copy->form.binary = slice_equal(database_column(sql, 1), SLICE("binary"));
	ret_copy->form.columns = (uint16_t)columns;
	ret_copy->end = (uint8_t)copy_end_by_name(database_column(sql, 3));
	digest = database_column(sql, 4);
	ret_copy->has_digest = digest.size == COPY_DIGEST_BYTES;
	if (ret_copy->has_digest)
		memcpy(ret_copy->digest, digest.data, COPY_DIGEST_BYTES);
	sqlite3_reset(sql);
	return columns < 0 || columns > INT16_MAX ? -EBADMSG : 1;
}

static void add_number(struct copy_digest *digest, uint64_t number, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number >> 8 * (size - 1 - i));
	copy_digest_add(digest, slice_of(bytes, size));
}

static int add_part(struct reader *reader, uint64_t exchange, const struct answer_value *value,
		    struct copy_digest *digest)
{
	struct slice piece = { NULL, 0 };
	uint32_t sequence = 0;
	int rc;

	while ((rc = reader_part(reader, (int64_t)exchange, value->part, sequence++, &piece)) > 0)
		copy_digest_add(digest, piece);
	return rc;
}

/* A row as it stands in the data. */
static int add_row(struct reader *reader, uint64_t exchange, bool binary,
		   const struct answer_value *values, size_t n, struct copy_digest *digest)
{
	int rc = 0;

	if (binary)
		add_number(digest, n, 2);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		bool apart =
			values[i].kind == ANSWER_PART_TEXT || values[i].kind == ANSWER_PART_RAW;

		if (binary && values[i].kind == ANSWER_NULL)
			add_number(digest, UINT32_MAX, 4);
		else if (binary)
			add_number(digest, apart ? values[i].size : values[i].bytes.size, 4);
		if (apart)
			rc = add_part(reader, exchange, &values[i], digest);
		else
			copy_digest_add(digest, values[i].bytes);
	}
	return rc;
}

static int add_rows(struct reader *reader, uint64_t exchange, bool binary,
		    struct copy_digest *digest)
{
	const struct answer_value *values;
	struct answer_result result;
	struct stored_result stored;
	size_t n;
	int rc;

	stored_result_init(&stored);
	rc = reader_result(reader, &stored, exchange, 0, &result);
	for (uint32_t chunk = 0; rc > 0 && chunk < result.chunks; chunk++) {
		rc = reader_chunk(reader, &stored, exchange, 0, chunk);
		while (rc >= 0 && (rc = reader_next_row(reader, &stored, &values, &n)) > 0)
			rc = add_row(reader, exchange, binary, values, n, digest);
		rc = rc < 0 ? rc : 1;
	}
	stored_result_release(&stored);
	return rc;
}

int reader_copy_identity(struct reader *reader, uint64_t exchange, struct copy_identity *ret_copy)
{
	struct copy_digest *digest;
	struct answer_copy copy;
	int rc = reader_copy(reader, exchange, &copy);

	if (rc <= 0)
		return rc;
	*ret_copy = (struct copy_identity){ .end = copy.end };
	memcpy(ret_copy->digest, copy.digest, COPY_DIGEST_BYTES);
	if (copy.has_digest)
		return 1;
	digest = copy_digest_new(copy.form.binary);
	rc = add_rows(reader, exchange, copy.form.binary, digest);
	copy_digest_get(digest, ret_copy->digest);
	copy_digest_free(digest);
	return rc;
}
