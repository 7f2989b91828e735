/* SPDX-License-Identifier: Apache-2.0 */
/* --explain: how each request was matched, told to who asked for it; see matcher_state.h. */
#include "parsers/http/identity.h"
#include "store/matcher_state.h"

#define ASKED_BYTES ((size_t)300)
#define NAMES_BYTES ((size_t)4096)

static void append_noise(struct buffer *names, const struct http_request *request)
{
	for (size_t i = 0; i < request->fields.n; i++) {
		struct slice name = request->fields.list[i].name;

		if (!http_is_noise(name))
			continue;
		if (names->size)
			buffer_append_string(names, ", ");
		buffer_append_slice(names, name);
	}
}

void explain_match(struct answers_state *state, struct slice asked, uint64_t exchange,
		   const struct http_request *request)
{
	const struct matcher_options *options = &state->matcher->options;
	struct matcher_explanation explanation = { .protocol = state->protocol,
						   .exchange = exchange };
	struct buffer line, names;

	buffer_init(&line, 4 * ASKED_BYTES);
	buffer_init(&names, NAMES_BYTES);
	nearest_line(&line, asked, ASKED_BYTES);
	if (request)
		append_noise(&names, request);
	explanation.asked = buffer_slice(&line);
	explanation.not_compared = buffer_slice(&names);
	if (!exchange) {
		explanation.nearest = buffer_slice(&state->nearest);
		explanation.difference = buffer_slice(&state->difference);
	}
	options->explain(options->explain_context, &explanation);
	buffer_release(&line);
	buffer_release(&names);
}
