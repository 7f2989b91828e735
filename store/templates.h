/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: canonical forms of texts that come again and again, so that each is lexed once (design
 * §5).
 *
 * A text is kept when it comes a second time: texts with their values inside never do, and would
 * push out the others; of MySQL's their forms are kept (parsers/sql/forms.h). Bounded in number and in bytes. Used by one thread.
 */
#ifndef MOCKPROXY_TEMPLATES_H
#define MOCKPROXY_TEMPLATES_H

#include "parsers/sql/canonical.h"

struct template
{
	struct sql_statement statement;
	struct slice masked; /* the text, without secrets */
	/* Not 0: templates of equal numbers differ in the places and the literals of their slots, and in what is masked, alone. */
	uint64_t number;
};

struct templates;

struct templates *templates_new(void);
void templates_free(struct templates *templates); /* accepts NULL */

/*
 * The canonical form of a text. It lies in the cache or in the arena: valid until the next call, or
 * the arena's end.
 */
struct template templates_get(struct templates *templates, const struct sql_options *options,
			      struct slice text, struct arena *arena);

#endif
