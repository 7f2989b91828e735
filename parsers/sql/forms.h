/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms: canonical forms of texts that were seen before, whatever plain literals stand in them, so that an app that writes its
 * values into its texts is not lexed anew for each of them. For MySQL only.
 *
 * A text's form is the text without its plain literals: whole numbers as a server writes them, and strings between single quotes
 * without a quote or a backslash, both between bytes that can belong to no literal. Of the second text of a form the canonical
 * form is kept, but only where its slots are exactly these literals, each with its own text for a value. Then the lexer, which
 * reads from left to right, meets the same tokens in every text of the form, and nothing but the slots' values depends on
 * what the literals are.
 */
#ifndef MOCKPROXY_SQL_FORMS_H
#define MOCKPROXY_SQL_FORMS_H

#include "parsers/sql/canonical.h"

struct sql_forms;

struct sql_forms *sql_forms_new(void);
void sql_forms_free(struct sql_forms *forms); /* accepts NULL */

/*
 * As sql_canonicalize(), with the same result; nothing of it lies in `forms`, which may be NULL. Not 0: the text was of a form that is kept, whose number it
 * is: what two calls with equal numbers give differs in the slots' places and literals alone.
 */
uint64_t sql_forms_canonicalize(struct sql_forms *forms, const struct sql_options *options,
				struct slice text, struct arena *arena,
				struct sql_statement *ret_statement);

#endif
