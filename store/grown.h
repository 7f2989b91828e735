/* SPDX-License-Identifier: Apache-2.0 */
/* Grown: a list in one block of memory that doubles. */
#ifndef MOCKPROXY_STORE_GROWN_H
#define MOCKPROXY_STORE_GROWN_H

#include <stdlib.h>

/* `list` of `n` members of `size` bytes (NULL where n is 0), which only ever grew by one, with room for one more; the caller's to free. */
static inline void *grown(void *list, size_t n, size_t size)
{
	if (n & (n - 1)) /* it has room up to the next power of two */
		return list;
	list = realloc(list, (n ? 2 * n : 1) * size);
	if (!list)
		abort();
	return list;
}

#endif
