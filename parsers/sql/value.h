/* SPDX-License-Identifier: Apache-2.0 */
/* Value: what the literal and the bound form of the same value have in common. */
#ifndef MOCKPROXY_SQL_VALUE_H
#define MOCKPROXY_SQL_VALUE_H

#include "parsers/sql/canonical.h"

/*
 * Canonical text where it can be had by cutting: a boolean's spellings are true and false, an
 * integer has no plus and no zeros before it. For bound values and for literals with a stated type.
 */
void sql_value_normalise(struct sql_value *value);

/*
 * What of a value's type is identity where its slot is compared: empty for a value that means the
 * same whatever the other side's type makes of its text ('5', 5, int4 5), else the type
 * ('1.5'::int4 is not '1.5').
 */
struct slice sql_value_compared_type(const struct sql_value *value);

#endif
