/* SPDX-License-Identifier: Apache-2.0 */
/* Loose: a value's hash by its shape, made without knowing its type (design §7). */
#ifndef MOCKPROXY_SQL_LOOSE_H
#define MOCKPROXY_SQL_LOOSE_H

#include "parsers/sql/canonical.h"

/*
 * Equal for texts that a common type would find equal: decimals ("1.0", "1.00", "10e-1"), instants
 * with a zone, timestamps without, uuids, truth values, JSON documents. MySQL: its dates, times and
 * timestamps also with zeros left out ("1970-1-1 0:0:0"), and no instants and truth values.
 * *ret_shaped: it is one of these.
 */
uint64_t sql_loose_text_hash(enum sql_dialect dialect, struct slice text, bool *ret_shaped);

#endif
