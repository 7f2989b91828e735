/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters: the values of a request as exchange.parameters holds them, made by the writer and
 * made again by the matcher to compare. As sql_values_json(), and values above SCHEMA_VALUE_MAX are
 * {"part": n}: the part's number follows from the slot, so that equal requests have equal JSON.
 */
#ifndef MOCKPROXY_PARAMETERS_H
#define MOCKPROXY_PARAMETERS_H

#include "parsers/sql/identity.h"

/* Nothing is appended when there are no values. */
void parameters_json(const struct sql_value *values, size_t n, struct buffer *json);
/* Is this value kept apart? */
bool parameters_apart(const struct sql_value *value);
/* The number of the part that slot `slot` has. */
uint32_t parameters_part(size_t slot);

#endif
