/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that AWS' clients sign chunk by chunk (Content-Encoding: aws-chunked, as SDKs upload to S3 where there is no TLS): the
 * signatures, which are others each time, do not count.
 *
 *	10;chunk-signature=SIGNATURE\r\n
 *	16 bytes of data\r\n
 *	0;chunk-signature=SIGNATURE\r\n
 *	x-amz-checksum-crc32c:sOO8/Q==\r\n
 *	x-amz-trailer-signature:SIGNATURE\r\n
 *	\r\n
 *
 * It holds no memory.
 */
#ifndef MOCKPROXY_HTTP_SIGNED_CHUNKS_H
#define MOCKPROXY_HTTP_SIGNED_CHUNKS_H

#include "parsers/http/exchange.h"

#define HTTP_SIGNED_LINE_MAX 1024

struct http_signed_chunks {
	uint64_t left; /* of the data of a chunk */
	uint8_t state;
	size_t n; /* of the line that is coming */
	uint8_t line[HTTP_SIGNED_LINE_MAX];
};

/* Does the head say that its body is one? */
bool http_has_signed_chunks(const struct http_fields *fields);

void http_signed_chunks_init(struct http_signed_chunks *chunks);
/* Takes what it can off `bytes`, however they are cut: the next of it that counts, valid until the next call. False: all is taken. */
bool http_signed_chunks_next(struct http_signed_chunks *chunks, struct slice *bytes,
			     struct slice *ret_counts);
/* Behind the last byte: was it such a body, and whole? */
bool http_signed_chunks_whole(const struct http_signed_chunks *chunks);

#endif
