/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP exchanges into rows of exchange and http_apart (design §9).
 *
 * A body is held only until it is known to be small: up to SCHEMA_VALUE_MAX it lies in its row, readable, with its
 * content coding taken off; a larger one goes to value_part as it comes, as it came.
 */
#ifndef MOCKPROXY_HTTP_INGEST_H
#define MOCKPROXY_HTTP_INGEST_H

#include "store/ingest_state.h"

MUST_CHECK int http_ingest_exchange(struct ingest *ingest, struct connection_state *connection,
				    const struct exchange_item *item);
/* Frees what is open of the connection. */
void http_ingest_forget(struct ingest *ingest, struct connection_state *connection);

#endif
