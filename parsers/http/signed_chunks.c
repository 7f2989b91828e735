/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See signed_chunks.h. Amazon S3, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
 *
 *	SIZE ──▶ DATA ──▶ DATA_END ──▶ SIZE
 *	 └──of 0──▶ TRAILERS               any ──what is not so──▶ BROKEN
 */
#include "parsers/http/signed_chunks.h"

enum { SIZE, DATA, DATA_END, TRAILERS, BROKEN };

bool http_has_signed_chunks(const struct http_fields *fields)
{
	/* Of STREAMING-UNSIGNED-PAYLOAD-TRAILER all bytes are the same each time. */
	return slice_starts_with(http_field(fields, SLICE("x-amz-content-sha256")),
				 SLICE("STREAMING-AWS4-"));
}

void http_signed_chunks_init(struct http_signed_chunks *chunks)
{
	chunks->left = 0;
	chunks->state = SIZE;
	chunks->n = 0;
}

static int hex_digit(uint8_t byte)
{
	uint8_t lower = ascii_lower(byte);

	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* How much of "SIZE;chunk-signature=SIGNATURE" counts; 0: it is no such line. */
static size_t read_size(struct http_signed_chunks *chunks, struct slice line)
{
	const struct slice name = SLICE(";chunk-signature=");
	size_t at = 0;

	chunks->left = 0;
	while (at < line.size && at < 15 && hex_digit(line.data[at]) >= 0)
		chunks->left = 16 * chunks->left + (uint64_t)hex_digit(line.data[at++]);
	if (!at || !slice_starts_with(slice_of(line.data + at, line.size - at), name))
		return 0;
	chunks->state = chunks->left ? DATA : TRAILERS;
	return at + name.size;
}

static size_t counts_of_trailer(struct slice line)
{
	const struct slice name = SLICE("x-amz-trailer-signature:");

	if (line.size >= name.size && slice_equal_nocase(slice_of(line.data, name.size), name))
		return name.size;
	return line.size;
}

/* A line is there, with its end: how much of it counts. */
static size_t read_line(struct http_signed_chunks *chunks, struct slice line)
{
	size_t counts = 0;

	if (chunks->state == TRAILERS)
		return counts_of_trailer(line);
	if (chunks->state == SIZE) {
		counts = read_size(chunks, line);
		if (!counts)
			chunks->state = BROKEN;
	} else {
		chunks->state = slice_equal(line, SLICE("\r\n")) ? SIZE : BROKEN;
	}
	return counts;
}

/* Up to the end of a line: false where it has not come. */
static bool take_line(struct http_signed_chunks *chunks, struct slice *bytes)
{
	while (bytes->size && chunks->n < HTTP_SIGNED_LINE_MAX) {
		uint8_t byte = bytes->data[0];

		*bytes = slice_of(bytes->data + 1, bytes->size - 1);
		chunks->line[chunks->n++] = byte;
		if (byte == '\n')
			return true;
	}
	if (chunks->n == HTTP_SIGNED_LINE_MAX)
		chunks->state = BROKEN;
	return false;
}

static void take_data(struct http_signed_chunks *chunks, struct slice *bytes,
		      struct slice *ret_counts)
{
	size_t size = bytes->size < chunks->left ? bytes->size : (size_t)chunks->left;

	*ret_counts = slice_of(bytes->data, size);
	*bytes = slice_of(bytes->data + size, bytes->size - size);
	chunks->left -= size;
	if (!chunks->left)
		chunks->state = DATA_END;
}

bool http_signed_chunks_next(struct http_signed_chunks *chunks, struct slice *bytes,
			     struct slice *ret_counts)
{
	struct slice line;

	while (bytes->size && chunks->state != BROKEN) {
		if (chunks->state == DATA) {
			take_data(chunks, bytes, ret_counts);
			return true;
		}
		if (!take_line(chunks, bytes))
			continue;
		line = slice_of(chunks->line, chunks->n);
		chunks->n = 0;
		*ret_counts = slice_of(line.data, read_line(chunks, line));
		if (ret_counts->size)
			return true;
	}
	return false;
}

bool http_signed_chunks_whole(const struct http_signed_chunks *chunks)
{
	return chunks->state == TRAILERS && !chunks->n;
}
