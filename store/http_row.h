/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of an HTTP exchange: what of it is known when one of its items was taken. Nearly all come with one item, and are one
 * INSERT into `exchange`; what few have lies in http_apart.
 *
 * Everything borrows, and has to live until the call returns.
 */
#ifndef MOCKPROXY_HTTP_ROW_H
#define MOCKPROXY_HTTP_ROW_H

#include "parsers/http/exchange.h"
#include "store/ingest_state.h"

struct http_row_body {
	struct slice value;    /* readable; empty: none, or in parts, or not complete */
	struct slice coding;   /* that was taken off; data NULL: none */
	struct slice wire;     /* then: as it passed */
	struct slice trailers; /* as JSON; empty: none */
	bool in_parts;
	bool readable;	/* in parts, and a part without the content coding is beside it */
	uint64_t bytes; /* as they passed */
};

struct http_row {
	int64_t exchange;
	int64_t start_ns;
	const struct exchange_item *item;
	const struct http_response *response; /* the final one, when its head is in the item */
	struct http_row_body bodies[2];	      /* by enum http_side */
	struct slice interim;		      /* as JSON; empty: none */
	uint64_t hash;			      /* of the identity; 0: not known */
};

/* The first item of an exchange. */
MUST_CHECK int http_row_add(struct ingest *ingest, const struct connection_state *connection,
			    const struct http_row *row);
/* Another one, with which the row is completed. */
MUST_CHECK int http_row_set(struct ingest *ingest, const struct http_row *row);

#endif
