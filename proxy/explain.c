/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of --explain; see explain.h. */
#include "proxy/explain.h"

#include "parsers/http/identity.h"
#include "parsers/json.h"

#include <unistd.h>

#define TEXT_BYTES ((size_t)64 << 10)
#define LINE_COLUMNS ((size_t)100)

/* A stderr that is closed or full loses it: there is nobody else to tell. */
static void say(struct buffer *text)
{
	ssize_t written = write(STDERR_FILENO, text->data, text->size);

	(void)written;
	buffer_release(text);
}

static void append_line(struct buffer *text, const char *what, struct slice value)
{
	if (!value.size)
		return;
	buffer_append_string(text, "mockproxy:   ");
	buffer_append_string(text, what);
	buffer_append_string(text, ": ");
	buffer_append_slice(text, value);
	buffer_append_u8(text, '\n');
}

static void append_member(struct buffer *text, const char *name, struct slice value)
{
	if (!value.size)
		return;
	buffer_append_string(text, ",\"");
	buffer_append_string(text, name);
	buffer_append_string(text, "\":");
	if (!json_append_string(text, value))
		buffer_append_string(text, "null");
}

void explain_noise(bool json)
{
	struct buffer text;
	size_t start = 0;

	buffer_init(&text, TEXT_BYTES);
	buffer_append_string(&text, json ? "{\"noise\":[" :
					   "mockproxy: HTTP headers that say nothing of what is "
					   "asked, and are not compared:");
	for (size_t n = 0; http_noise(n); n++) {
		struct slice name = slice_from_string(http_noise(n));

		if (json) {
			buffer_append_string(&text, n ? ",\"" : "\"");
			buffer_append_slice(&text, name);
			buffer_append_u8(&text, '"');
			continue;
		}
		if (!n || text.size - start + name.size > LINE_COLUMNS) {
			start = text.size;
			buffer_append_string(&text, "\nmockproxy:  ");
		}
		buffer_append_u8(&text, ' ');
		buffer_append_slice(&text, name);
	}
	buffer_append_string(&text, json ? "]}\n" : "\n");
	say(&text);
}

static void append_json(struct buffer *text, const struct matcher_explanation *explanation)
{
	buffer_append_string(text, "{\"rung\":");
	buffer_append_string(text, explanation->exchange ? "\"exact\"" : "\"miss\"");
	append_member(text, "protocol", slice_from_string(explanation->protocol));
	append_member(text, "asked", explanation->asked);
	if (explanation->exchange) {
		buffer_append_string(text, ",\"exchange\":");
		buffer_append_unsigned(text, explanation->exchange);
	}
	append_member(text, "nearest", explanation->nearest);
	append_member(text, "difference", explanation->difference);
	append_member(text, "not_compared", explanation->not_compared);
	buffer_append_string(text, "}\n");
}

void explain_request(void *context, const struct matcher_explanation *explanation)
{
	const bool *json = context;
	struct buffer text;

	buffer_init(&text, TEXT_BYTES);
	if (*json) {
		append_json(&text, explanation);
		say(&text);
		return;
	}
	buffer_append_string(&text, "mockproxy: ");
	buffer_append_string(&text, explanation->protocol);
	if (explanation->exchange) {
		buffer_append_string(&text, " exact, exchange ");
		buffer_append_unsigned(&text, explanation->exchange);
	} else {
		buffer_append_string(&text, " miss");
	}
	buffer_append_string(&text, ": ");
	buffer_append_slice(&text, explanation->asked);
	buffer_append_u8(&text, '\n');
	append_line(&text, "nearest", explanation->nearest);
	append_line(&text, "difference", explanation->difference);
	append_line(&text, "not compared", explanation->not_compared);
	say(&text);
}
