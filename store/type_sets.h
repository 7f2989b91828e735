/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recording knows of types that are not built in (table `type`), by place and database. Read when a replay begins, const
 * from then on.
 */
#ifndef MOCKPROXY_TYPE_SETS_H
#define MOCKPROXY_TYPE_SETS_H

#include "parsers/types.h"
#include "store/endpoints.h"

struct type_sets {
	struct type_set *list;
	size_t n;
};

/* SQLITE_OK, or an error. Release it in any case. Rows that cannot be meant are left out. */
MUST_CHECK int type_sets_load(struct type_sets *sets, const struct endpoints *endpoints,
			      sqlite3 *database);
void type_sets_release(struct type_sets *sets);

/* NULL: nothing is known. */
const struct types *type_sets_find(const struct type_sets *sets, uint32_t place,
				   struct slice database);

#endif
