/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape: what a statement's description (its columns, its parameters' types) depends on and its
 * template does not say. `select 5`, `select 'x'` and `select $1::date` are one template, since
 * kinds are compared with the values; their columns differ.
 *
 * The shape is the kind and stated type of each slot that is not compared. A placeholder without a
 * cast can be anything.
 */
#ifndef MOCKPROXY_SQL_SHAPE_H
#define MOCKPROXY_SQL_SHAPE_H

#include "parsers/buffer.h"
#include "parsers/sql/canonical.h"

enum sql_shapes { SQL_SHAPES_DIFFER, SQL_SHAPES_AGREE, SQL_SHAPES_EQUAL };

/* Appends the shape as bytes: equal bytes are equal shapes. */
void sql_shape(const struct sql_statement *statement, struct buffer *shape);
/* Of two statements of one template. */
enum sql_shapes sql_compare_shapes(const struct sql_statement *a, const struct sql_statement *b);

#endif
