/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP out of a recording: requests as they are compared, responses as they are given. Results are those of reader.h:
 * 1 found, 0 not there, -EBADMSG for rows that cannot be meant, -EIO. Slices lie in the arena.
 */
#ifndef MOCKPROXY_HTTP_READER_H
#define MOCKPROXY_HTTP_READER_H

#include "parsers/http/answers.h"
#include "store/reader.h"

/* Without its body. */
MUST_CHECK int reader_http_request(struct reader *reader, int64_t exchange, struct arena *arena,
				   struct http_request *ret_request);
/* The canonical text (identity.h) of the stored request. Valid until the next call. */
MUST_CHECK int reader_http_canonical(struct reader *reader, int64_t exchange,
				     struct slice *ret_canonical);
MUST_CHECK int reader_http_response(struct reader *reader, int64_t exchange, struct arena *arena,
				    struct http_stored *ret_stored);

/* What came of the body of a request that was cut, as it passed; 0: that is not known, or it was not cut. */
MUST_CHECK int reader_http_front(struct reader *reader, int64_t exchange,
				 struct http_front *ret_front);

/* http_stream_reader.c: the one behind number `after`. */
MUST_CHECK int reader_http_message(struct reader *reader, int64_t exchange, uint32_t after,
				   struct http_stored_message *ret_message);
MUST_CHECK int reader_http_arrival(struct reader *reader, int64_t exchange, uint32_t after,
				   struct http_stored_arrival *ret_arrival);

/* What reader_http_canonical() remembers. */
struct http_texts;
void http_texts_free(struct http_texts *texts); /* accepts NULL */

#endif
