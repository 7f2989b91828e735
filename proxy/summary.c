/* SPDX-License-Identifier: Apache-2.0 */
/* The lines at the end of a run; see summary.h. Built whole and written at once, so that lines of others do not mix in. */
#include "proxy/summary.h"

#include "parsers/json.h"
#include "proxy/socket.h"
#include "proxy/trace.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_BYTES ((size_t)64 << 10)

void summary_event(struct summary *summary, const struct redirect_event *event)
{
	struct summary_place *place;
	bool unix_socket = event->type == REDIRECT_EVENT_UNIX;

	if (event->type == REDIRECT_EVENT_RESULT || event->verdict == REDIRECT_TO_PROXY ||
	    (unix_socket && event->service == REDIRECT_SERVICE_OTHER))
		return;
	for (size_t i = 0; i < summary->n_places; i++) {
		place = &summary->places[i];
		if (place->reason == event->reason && place->port == event->port &&
		    place->verdict == event->verdict && place->service == event->service &&
		    memcmp(&place->address, &event->address, sizeof(place->address)) == 0 &&
		    strncmp(place->path, event->path, REDIRECT_PATH_BYTES) == 0) {
			place->count++;
			return;
		}
	}
	if (summary->n_places == SUMMARY_PLACES) {
		summary->more_places++;
		return;
	}
	place = &summary->places[summary->n_places++];
	*place = (struct summary_place){
		.address = event->address,
		.port = event->port,
		.reason = event->reason,
		.verdict = event->verdict,
		.service = event->service,
		.count = 1,
	};
	if (unix_socket)
		memcpy(place->path, event->path, REDIRECT_PATH_BYTES);
}

/* ---- text ---- */

static void PRINTF_LIKE(2, 3) line(struct buffer *text, const char *format, ...)
{
	char bytes[1024];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(bytes, sizeof(bytes), format, arguments);
	va_end(arguments);
	if (size < 0)
		return;
	buffer_append_string(text, "mockproxy: ");
	buffer_append_string(text, bytes);
	buffer_append_u8(text, '\n');
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void place_name(const struct summary_place *place, char ret_name[SOCKET_NAME_BYTES])
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(place->port) };

	memcpy(&address.sin6_addr, &place->address, sizeof(address.sin6_addr));
	socket_name((const struct sockaddr *)&address, ret_name);
}

static void place_line(struct buffer *text, const struct summary_place *place)
{
	const char *what = place->verdict == REDIRECT_REFUSE ? "refused" : "left alone";
	char name[SOCKET_NAME_BYTES];

	if (place->path[0]) {
		bool postgres = place->service == REDIRECT_SERVICE_POSTGRESQL;

		line(text,
		     "Unix-socket connection %s (%s), %" PRIu64
		     "x: not seen by mockproxy; use a host name%s",
		     what, place->path, place->count,
		     postgres ? " (psql -h 127.0.0.1, PGHOST=127.0.0.1)" : " (-h 127.0.0.1)");
		return;
	}
	place_name(place, name);
	line(text, "%s: %s, %" PRIu64 "x (%s)", what, name, place->count,
	     trace_reason(place->reason));
}

static void written_lines(struct buffer *text, const struct summary *summary)
{
	const struct writer_summary *written = summary->written;

	if (summary->failed) {
		line(text, "the recording failed: %s", summary->failed);
		return;
	}
	line(text,
	     "recorded %" PRIu64 " exchange%s of %" PRIu64 " connection%s (%" PRIu64
	     " statement%s, %" PRIu64 " error%s) in %s, %" PRIu64 " kB",
	     written->exchanges, plural(written->exchanges), written->connections,
	     plural(written->connections), written->statements, plural(written->statements),
	     written->errors, plural(written->errors), summary->options->path,
	     (written->bytes + 1023) / 1024);
	if (written->unfinished)
		line(text, "%" PRIu64 " exchange%s did not finish", written->unfinished,
		     plural(written->unfinished));
	if (written->flagged)
		line(text,
		     "%" PRIu64
		     " exchange%s of a kind that is not stored whole yet (see exchange.flags)",
		     written->flagged, plural(written->flagged));
	if (summary->incomplete)
		line(text, "the recording is incomplete: %s", summary->incomplete);
}

static void verified_lines(struct buffer *text, const struct verify_report *verified)
{
	uint64_t differing = verified->checked - verified->equal;

	line(text,
	     "verified: %" PRIu64 " of %" PRIu64
	     " exchanges encode back to the bytes that passed, %" PRIu64
	     " more are not stored whole",
	     verified->equal, verified->checked, verified->not_stored);
	for (uint64_t i = 0; i < differing && i < VERIFY_DIFFERING_MAX; i++)
		line(text, "verified: exchange %" PRId64 " does not", verified->differing[i]);
}

static void matched_lines(struct buffer *text, const struct summary *summary)
{
	const struct matcher_summary *matched = summary->matched;

	line(text,
	     "replayed %s: %" PRIu64 " exact, %" PRIu64 " by the session, %" PRIu64
	     " missed, %" PRIu64 " of %" PRIu64 " recorded not used",
	     summary->options->path, matched->exact, matched->session, matched->missed,
	     matched->unused, matched->recorded);
	if (matched->repeated)
		line(text, "%" PRIu64 " answered again with an answer that was given before",
		     matched->repeated);
	if (matched->unservable)
		line(text, "%" PRIu64 " found, but not in the form that was asked for",
		     matched->unservable);
	if (matched->other_endpoint)
		line(text,
		     "%" PRIu64
		     " connection%s served by the only endpoint of their protocol and database",
		     matched->other_endpoint, plural(matched->other_endpoint));
	for (size_t i = 0; i < matched->n_misses; i++) {
		const struct matcher_miss *miss = &matched->misses[i];

		line(text, "missed %" PRIu64 "x: %.300s", miss->count, miss->asked);
		if (miss->nearest)
			line(text, "  nearest: %.300s", miss->nearest);
		if (miss->difference)
			line(text, "  difference: %.300s", miss->difference);
	}
}

static void connection_lines(struct buffer *text, const struct summary *summary)
{
	const struct worker_counts *counts = summary->counts;

	if (counts->opaque)
		line(text,
		     "%" PRIu64 " connection%s relayed and not decoded (see connection.opaque)",
		     counts->opaque, plural(counts->opaque));
	if (counts->refused_upstream + counts->timed_out_upstream)
		line(text, "%" PRIu64 " connection%s that the server refused or did not answer",
		     counts->refused_upstream + counts->timed_out_upstream,
		     plural(counts->refused_upstream + counts->timed_out_upstream));
	if (counts->tls_refused)
		line(text,
		     "%" PRIu64 " connection%s wanted TLS, which mockproxy does not record yet: "
		     "use sslmode=disable "
		     "or sslmode=prefer",
		     counts->tls_refused, plural(counts->tls_refused));
	if (counts->left_greeting)
		line(text,
		     "%" PRIu64
		     " connection%s ended at the server's greeting, which mockproxy passes "
		     "on without TLS: "
		     "a client that insists on TLS needs --skip-ssl, --ssl-mode=PREFERRED or the "
		     "like",
		     counts->left_greeting, plural(counts->left_greeting));
	if (counts->unknown_protocol)
		line(text,
		     "%" PRIu64 " connection%s of a protocol that cannot be replayed yet: reset",
		     counts->unknown_protocol, plural(counts->unknown_protocol));
	if (counts->cut)
		line(text, "%" PRIu64 " connection%s still open at the end", counts->cut,
		     plural(counts->cut));
	if (summary->strangers)
		line(text, "%" PRIu64 " connection%s from outside of the app refused",
		     summary->strangers, plural(summary->strangers));
	if (summary->out_of_descriptors)
		line(text,
		     "the descriptor limit was reached %" PRIu64
		     " time%s: connections had to wait (ulimit -n)",
		     summary->out_of_descriptors, plural(summary->out_of_descriptors));
}

static void kernel_lines(struct buffer *text, const struct summary *summary)
{
	const struct redirect_counters *kernel = summary->kernel;

	for (size_t i = 0; i < summary->n_places; i++)
		place_line(text, &summary->places[i]);
	if (summary->more_places)
		line(text, "%" PRIu64 " more left alone or refused", summary->more_places);
	if (!kernel)
		return;
	if (kernel->origins_lost || kernel->passed[REDIRECT_BECAUSE_FULL])
		line(text, "%" PRIu64 " connects found the kernel's tables full",
		     (uint64_t)(kernel->origins_lost + kernel->passed[REDIRECT_BECAUSE_FULL]));
	if (kernel->packets_dropped)
		line(text, "%" PRIu64 " packets would have left this host and were dropped",
		     (uint64_t)kernel->packets_dropped);
	if (kernel->events_lost)
		line(text, "%" PRIu64 " events of the kernel were lost",
		     (uint64_t)kernel->events_lost);
}

/* ---- JSON ---- */

static void json_number(struct buffer *json, const char *name, uint64_t value)
{
	buffer_append_string(json, json->data[json->size - 1] == '{' ? "\"" : ",\"");
	buffer_append_string(json, name);
	buffer_append_string(json, "\":");
	buffer_append_unsigned(json, value);
}

static void json_text(struct buffer *json, const char *name, const char *value)
{
	buffer_append_string(json, json->data[json->size - 1] == '{' ? "\"" : ",\"");
	buffer_append_string(json, name);
	buffer_append_string(json, "\":");
	if (!value || !json_append_string(json, slice_from_string(value)))
		buffer_append_string(json, "null");
}

static void json_misses(struct buffer *json, const struct matcher_summary *matched)
{
	buffer_append_string(json, ",\"misses\":[");
	for (size_t i = 0; i < matched->n_misses; i++) {
		buffer_append_string(json, i ? ",{" : "{");
		json_number(json, "count", matched->misses[i].count);
		json_text(json, "asked", matched->misses[i].asked);
		json_text(json, "nearest", matched->misses[i].nearest);
		json_text(json, "difference", matched->misses[i].difference);
		buffer_append_u8(json, '}');
	}
	buffer_append_u8(json, ']');
}

static void json_summary(struct buffer *json, const struct summary *summary)
{
	buffer_append_u8(json, '{');
	json_text(json, "recording", summary->options->path);
	if (summary->written) {
		json_number(json, "exchanges", summary->written->exchanges);
		json_number(json, "connections", summary->written->connections);
		json_number(json, "statements", summary->written->statements);
		json_number(json, "errors", summary->written->errors);
		json_number(json, "unfinished", summary->written->unfinished);
		json_number(json, "flagged", summary->written->flagged);
		json_number(json, "bytes", summary->written->bytes);
	}
	if (summary->options->mode == MODE_RECORD) {
		json_text(json, "incomplete", summary->incomplete);
		json_text(json, "failed", summary->failed);
	}
	if (summary->matched) {
		json_number(json, "recorded", summary->matched->recorded);
		json_number(json, "exact", summary->matched->exact);
		json_number(json, "session", summary->matched->session);
		json_number(json, "missed", summary->matched->missed);
		json_number(json, "unservable", summary->matched->unservable);
		json_number(json, "repeated", summary->matched->repeated);
		json_number(json, "unused", summary->matched->unused);
		json_number(json, "other_endpoint", summary->matched->other_endpoint);
		json_misses(json, summary->matched);
	}
	json_number(json, "opaque", summary->counts->opaque);
	json_number(json, "refused_upstream", summary->counts->refused_upstream);
	json_number(json, "timed_out_upstream", summary->counts->timed_out_upstream);
	json_number(json, "tls_refused", summary->counts->tls_refused);
	json_number(json, "left_greeting", summary->counts->left_greeting);
	json_number(json, "unknown_protocol", summary->counts->unknown_protocol);
	json_number(json, "cut", summary->counts->cut);
	json_number(json, "strangers", summary->strangers);
	json_number(json, "out_of_descriptors", summary->out_of_descriptors);
	json_text(json, "processes",
		  summary->guard_text && summary->guard_text[0] ? summary->guard_text : NULL);
	buffer_append_string(json, "}\n");
}

void summary_print(const struct summary *summary)
{
	struct buffer text;
	struct slice guard_text = slice_from_string(summary->guard_text);
	ssize_t written;

	buffer_init(&text, TEXT_BYTES);
	if (summary->options->json && summary->options->mode != MODE_TRACE) {
		json_summary(&text, summary);
	} else {
		if (summary->written || summary->failed)
			written_lines(&text, summary);
		if (summary->verified)
			verified_lines(&text, summary->verified);
		if (summary->matched)
			matched_lines(&text, summary);
		connection_lines(&text, summary);
		if (summary->options->mode != MODE_TRACE)
			kernel_lines(&text, summary);
		buffer_append_slice(&text, guard_text);
		if (guard_text.size && guard_text.data[guard_text.size - 1] != '\n')
			buffer_append_u8(&text, '\n');
	}
	written = write(STDERR_FILENO, text.data, text.size);
	(void)written; /* nobody is left to tell */
	buffer_release(&text);
}
