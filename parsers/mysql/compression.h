/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression below the packets (internals manual "Compression"): from the login's OK on, both sides' bytes come in frames
 *
 *	| length (3) | sequence (1) | length before compression (3) | zlib or zstd data, or stored bytes when that length is 0 |
 *
 * that know nothing of packets. Memory is bounded by what is given out at a time, whatever a frame says of its length.
 */
#ifndef MOCKPROXY_MYSQL_COMPRESSION_H
#define MOCKPROXY_MYSQL_COMPRESSION_H

#include "parsers/mysql/wire.h"

enum my_compression { MY_STORED, MY_ZLIB, MY_ZSTD };

/* What the capabilities of both sides together mean; zlib wins over zstd as it does at the servers. */
enum my_compression my_compression_of(uint64_t capabilities);

struct my_decompressor; /* of one side's bytes */

struct my_decompressor *my_decompressor_new(enum my_compression method);
void my_decompressor_free(struct my_decompressor *decompressor); /* accepts NULL */
/* Takes bytes off the front of `input`: MY_EVENT with the next plain bytes, valid until the next call, MY_MORE when the input
 * is used up, MY_ERROR with *ret_why (sticky). */
enum my_next my_decompressor_next(struct my_decompressor *decompressor, struct slice *input,
				  struct slice *ret_plain, const char **ret_why);

struct my_compressor;

struct my_compressor *my_compressor_new(enum my_compression method, int zstd_level);
void my_compressor_free(struct my_compressor *compressor); /* accepts NULL */
/* Appends frames that hold `plain`; *sequence moves on. What would not become smaller is stored. */
void my_compress(struct my_compressor *compressor, struct slice plain, struct buffer *out,
		 uint8_t *sequence);

#endif
