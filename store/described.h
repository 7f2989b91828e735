/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Described: what a statement's parameters and columns were where that changed with time, since its tables were made anew. A
 * statement is prepared behind something: the exchange that its connection had last. Who is given that exchange, and then prepares
 * the statement, is told what was told there. So are the warnings of MySQL's PREPARE, which have no other place.
 */
#ifndef MOCKPROXY_DESCRIBED_H
#define MOCKPROXY_DESCRIBED_H

#include "parsers/compiler.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct described {
	struct described_statement {
		int64_t statement;
		uint64_t behind;       /* the exchange */
		const uint32_t *types; /* of the slots, owned; NULL: the statement's */
		size_t n_types;
		int64_t columns; /* 0: the statement's */
		uint16_t warnings;
	} * list; /* by statement and exchange */
	size_t n;
};

/* SQLITE_OK, or an error; release it in any case. A recording may have nothing of it. */
MUST_CHECK int described_load(struct described *described, sqlite3 *database);
void described_release(struct described *described);

/* NULL: what the statement's row says. */
const struct described_statement *described_find(const struct described *described,
						 int64_t statement, uint64_t behind);

#endif
