/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials in headers: never stored, and never compared (design §9). What is left says that there was one, and of what
 * scheme; the writer and the replayer call the same function, so identities agree.
 *
 *	Authorization: Bearer eyJhb...   ──▶  Bearer ***
 *	Cookie: session=8f3a; theme=dark ──▶  session=***; theme=***
 *	X-Api-Key: 0123                  ──▶  ***
 *
 * Set-Cookie stays as it is: it is part of the answer, which replay gives as it was.
 */
#ifndef MOCKPROXY_HTTP_CREDENTIALS_H
#define MOCKPROXY_HTTP_CREDENTIALS_H

#include "parsers/buffer.h"

/* Is the value of a field of this name kept otherwise than it is? */
bool http_is_secret(struct slice name);
/* Appends the value of the field `name` as it may be kept. True when something was taken out. */
bool http_mask_field(struct buffer *out, struct slice name, struct slice value);
/* "user:password@host" without what is secret in it: "user:***@host". True when something was taken out. */
bool http_mask_authority(struct buffer *out, struct slice authority);

#endif
