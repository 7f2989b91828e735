/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding: what a bound parameter is as a value, so that recording and replay cannot disagree
 * (design §7).
 *
 * Binary form: the value in canonical text where its type has one, else its bytes; the kind is that
 * of its type, declared or described. Of a type of which nothing is known (yet) the bytes are of the
 * stated type "16400", its number: binding_resolve() makes of them what they are once that is known.
 * Text form: the kind is that of the type only when the client
 * declared the type itself, else a string, since the text alone says no more than a quoted literal
 * does. Booleans and numbers of a known type are written as literals of them are: true and false,
 * no needless zeros and signs.
 */
#ifndef MOCKPROXY_BINDING_H
#define MOCKPROXY_BINDING_H

#include "parsers/arena.h"
#include "parsers/compiler.h"
#include "parsers/item.h"
#include "parsers/sql/canonical.h"
#include "parsers/types.h"

/*
 * 0, or -EINVAL when the parameter has a form that is none. The value borrows from the parameter or
 * the arena. `scope` is what is known of the database's own types; NULL: nothing.
 */
MUST_CHECK int parameter_value(const struct protocol *protocol, const struct type_scope *scope,
			       const struct parameter *parameter, struct arena *arena,
			       struct sql_value *ret_value);

/* The type of what parameter_value() makes of bytes whose type is not known; 0: the value is no such. */
uint32_t binding_open_type(const struct sql_value *value);
/* With what is known now. The value may stay as it is. */
void binding_resolve(const struct protocol *protocol, const struct type_scope *scope,
		     struct arena *arena, struct sql_value *value);

#endif
