/* SPDX-License-Identifier: Apache-2.0 */
/* Loose: a value's hash by its shape, made without knowing its type (design §7). */
#ifndef MOCKPROXY_SQL_LOOSE_H
#define MOCKPROXY_SQL_LOOSE_H

#include "parsers/slice.h"

/*
 * Equal for texts that a common type would find equal: decimals ("1.0", "1.00", "10e-1"), instants
 * with a zone, timestamps without, uuids, truth values, JSON documents. *ret_shaped: it is one of
 * these.
 */
uint64_t sql_loose_text_hash(struct slice text, uint64_t seed, bool *ret_shaped);

#endif
