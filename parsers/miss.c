/* SPDX-License-Identifier: Apache-2.0 */
/* Words for a miss; see miss.h. */
#include "parsers/miss.h"

static void append_cut(struct buffer *text, struct slice what, size_t most)
{
	while (what.size && strchr(" \t\r\n", what.data[0])) /* between statements of a Query */
		what = slice_of(what.data + 1, what.size - 1);
	buffer_append_slice(text, slice_of(what.data, what.size < most ? what.size : most));
	if (what.size > most)
		buffer_append_string(text, " ...");
}

struct slice miss_what(const struct answer *answer)
{
	return answer->used_up ?
		       SLICE("mockproxy: every recorded answer to this statement was given "
			     "already") :
		       SLICE("mockproxy: the recording holds no answer to this statement");
}

void miss_explain(struct buffer *text, const struct sql_options *options, struct slice asked,
		  const struct answer *answer, const struct miss_form *form)
{
	struct sql_statement sql;
	struct arena arena;

	arena_init(&arena);
	sql_canonicalize(options, asked, &arena, &sql);
	buffer_append_string(text, "Asked: ");
	append_cut(text, sql_mask(&sql, asked, &arena), form->most);
	if (answer->nearest.size) {
		buffer_append_string(text, form->separator);
		buffer_append_string(text, "Nearest recorded: ");
		append_cut(text, answer->nearest, form->most);
	}
	if (answer->difference.size) {
		buffer_append_string(text, form->separator);
		buffer_append_string(text, "Difference: ");
		append_cut(text, answer->difference, form->most);
	}
	arena_release(&arena);
}
