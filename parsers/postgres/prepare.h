/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL's PREPARE: what it prepares, for clients that execute it by Bind (PQexecPrepared, pg_execute) and not by EXECUTE. Statements of
 * PREPARE and of Parse are one space of names (55.2.3), so recorder and replayer keep both alike.
 */
#ifndef MOCKPROXY_POSTGRES_PREPARE_H
#define MOCKPROXY_POSTGRES_PREPARE_H

#include "parsers/compiler.h"
#include "parsers/sql/canonical.h"

struct pg_prepare {
	struct slice name;
	struct slice text;     /* what stands behind AS */
	const uint32_t *types; /* that are written behind the name; 0: none that is built in */
	size_t n_types;
};

/* Reads PREPARE name (types) AS statement; slices lie in the text or in the arena. False: it is something else. */
MUST_CHECK bool pg_prepare_read(const struct sql_options *options, struct slice text,
				struct arena *arena, struct pg_prepare *ret_prepare);

#endif
