/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of `mockproxy trace`: each kind, in either order of event and result, as text and as
 * JSON.
 */
#include "parsers/json.h"
#include "proxy/trace.h"
#include "tests/unit/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct output {
	char *text;
	size_t size;
	FILE *stream;
	struct trace *trace;
};

static void open_output(struct output *output, bool json)
{
	output->stream = open_memstream(&output->text, &output->size);
	assert_non_null(output->stream);
	assert_int_equal(fflush(output->stream), 0); /* sets text and size */
	output->trace = trace_new(output->stream, json);
}

static void close_output(struct output *output)
{
	trace_free(output->trace);
	fclose(output->stream);
	free(output->text);
}

/* The last line that came, without its time. */
static void assert_line(const struct output *output, const char *want)
{
	const char *line = output->text;
	const char *end;

	assert_non_null(line);
	for (const char *at = line; (at = strchr(at, '\n')) && at[1]; at++)
		line = at + 1;
	end = strchr(line, ' ');
	assert_non_null(end);
	assert_int_equal(end - line, strlen("12:34:56.789"));
	end++;
	assert_int_equal(strlen(end), strlen(want) + 1);
	assert_memory_equal(end, want, strlen(want));
}

static struct redirect_event event_of(enum redirect_verdict verdict, enum redirect_reason reason)
{
	struct redirect_event event = { .type = REDIRECT_EVENT_CONNECT,
					.socket_cookie = 42,
					.pid = 1234,
					.verdict = verdict,
					.reason = reason,
					.port = 5432,
					.family = AF_INET,
					.protocol = REDIRECT_PROTOCOL_TCP,
					.program = "psql" };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	event.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	event.address = redirect_from_ipv4(inet_addr("10.0.0.5"));
	return event;
}

static struct redirect_origin origin_of(uint64_t cookie)
{
	struct redirect_origin origin = { .pid = 1234, .program = "psql", .socket_cookie = cookie };
	struct sockaddr_in *asked = (struct sockaddr_in *)&origin.asked;

	asked->sin_family = AF_INET;
	asked->sin_addr.s_addr = inet_addr("10.0.0.5");
	asked->sin_port = htons(5432);
	return origin;
}

static void test_redirected(void **state)
{
	struct redirect_event event = event_of(REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	struct redirect_origin origin = origin_of(42);
	const struct sockaddr *upstream = (const struct sockaddr *)&origin.asked;
	struct output output;

	(void)state;
	open_output(&output, false);
	trace_event(output.trace, &event);
	assert_int_equal(output.size, 0);
	trace_upstream(output.trace, &origin, upstream, 0);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 → proxy → 10.0.0.5:5432 connected");
	/* The upstream's result before the event: one line all the same. */
	trace_upstream(output.trace, &origin, upstream, ECONNREFUSED);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 → proxy → 10.0.0.5:5432 failed: "
			     "connection refused");
	event.pid = 1;
	trace_event(output.trace, &event);
	trace_upstream(output.trace, &origin, NULL, 0);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 → proxy connected");
	close_output(&output);
}

static void test_left_alone(void **state)
{
	struct redirect_event event = event_of(REDIRECT_PASS, REDIRECT_BECAUSE_SELF);
	struct redirect_event result = event;
	struct output output;

	(void)state;
	result.type = REDIRECT_EVENT_RESULT;
	open_output(&output, false);
	trace_event(output.trace, &event);
	assert_int_equal(output.size, 0);
	trace_event(output.trace, &result);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 left alone (own listener) connected");
	trace_event(output.trace, &event);
	result.error = EHOSTUNREACH;
	trace_event(output.trace, &result);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 left alone (own listener) failed: "
			     "no route to host");
	event.address = (struct redirect_address){ { REDIRECT_NET32(0x20010db8), 0, 0,
						     REDIRECT_NET32(5) } };
	event.protocol = REDIRECT_PROTOCOL_UDP;
	event.reason = REDIRECT_BECAUSE_NOT_TCP;
	trace_event(output.trace, &event);
	assert_line(&output, "psql[1234] udp [2001:db8::5]:5432 left alone (not TCP)");
	event.verdict = REDIRECT_REFUSE;
	event.reason = REDIRECT_BECAUSE_DNS;
	trace_event(output.trace, &event);
	assert_line(&output, "psql[1234] udp [2001:db8::5]:5432 refused (DNS question)");
	close_output(&output);
}

static struct redirect_event unix_event(const char *path, size_t size,
					enum redirect_service service)
{
	struct redirect_event event = event_of(REDIRECT_PASS, REDIRECT_BECAUSE_UNIX);

	event.type = REDIRECT_EVENT_UNIX;
	event.family = AF_UNIX;
	event.protocol = 0;
	event.service = (uint16_t)service;
	event.path_bytes = (uint16_t)size;
	memcpy(event.path, path, size);
	return event;
}

static void test_unix(void **state)
{
	struct redirect_event event =
		unix_event("/run/postgresql/.s.PGSQL.5432", 29, REDIRECT_SERVICE_POSTGRESQL);
	struct output output;

	(void)state;
	open_output(&output, false);
	trace_event(output.trace, &event);
	assert_line(&output, "psql[1234] unix:/run/postgresql/.s.PGSQL.5432 left alone: not a "
			     "network connection, use -h 127.0.0.1");
	/* What the app chose must not steer the terminal. */
	event = unix_event("\0a\033[2J\xff", 7, REDIRECT_SERVICE_OTHER);
	memcpy(event.program, "p\nq\xc2\x9b", 6);
	trace_event(output.trace, &event);
	assert_line(&output, "p\\x0aq\\xc2\\x9b[1234] unix:@a\\x1b[2J\\xff left alone");
	event.path_bytes = UINT16_MAX;
	trace_event(output.trace, &event);
	close_output(&output);
}

/* Full, and at the end: what waits is printed and counted, never forgotten. */
static void test_pending(void **state)
{
	enum { CONNECTS = 3 * TRACE_PENDING };
	struct redirect_event event = event_of(REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	struct trace_counts counts;
	struct output output;
	size_t lines = 0;

	(void)state;
	open_output(&output, false);
	for (event.socket_cookie = 1; event.socket_cookie <= CONNECTS; event.socket_cookie++)
		trace_event(output.trace, &event);
	trace_finish(output.trace, &counts);
	for (size_t i = 0; i < output.size; i++)
		lines += output.text[i] == '\n';
	assert_int_equal(lines, CONNECTS);
	assert_int_equal(counts.lines, CONNECTS);
	assert_int_equal(counts.without_result, CONNECTS);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 → proxy result not known");
	close_output(&output);
}

/* The socket connects anew: the time before has its own line. */
static void test_connect_again(void **state)
{
	struct redirect_event event = event_of(REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	struct trace_counts counts;
	struct output output;

	(void)state;
	open_output(&output, false);
	trace_event(output.trace, &event);
	trace_event(output.trace, &event);
	assert_line(&output, "psql[1234] 10.0.0.5:5432 → proxy result not known");
	trace_finish(output.trace, &counts);
	assert_int_equal(counts.lines, 2);
	close_output(&output);
}

static void assert_json(struct output *output)
{
	const char *line = output->text;

	while (*line) {
		const char *end = strchr(line, '\n');
		struct json_reader reader;
		enum json_token token;

		assert_non_null(end);
		json_reader_init(&reader, slice_of(line, (size_t)(end - line)));
		while ((token = json_next(&reader)) > JSON_END)
			;
		assert_int_equal(token, JSON_END);
		line = end + 1;
	}
}

static void test_json(void **state)
{
	struct redirect_event redirected = event_of(REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	struct redirect_event left = unix_event("\0a\"\xff", 4, REDIRECT_SERVICE_OTHER);
	struct redirect_origin origin = origin_of(42);
	struct output output;

	(void)state;
	open_output(&output, true);
	trace_event(output.trace, &redirected);
	trace_upstream(output.trace, &origin, (const struct sockaddr *)&origin.asked, ECONNREFUSED);
	assert_non_null(strstr(output.text,
			       "\"program\":\"psql\",\"pid\":1234,\"protocol\":\"tcp\","
			       "\"address\":\"10.0.0.5\",\"port\":5432,\"verdict\":\"redirected\","
			       "\"upstream_address\":\"10.0.0.5\",\"upstream_port\":5432,"
			       "\"result\":\"failed\",\"errno\":111,"
			       "\"error\":\"connection refused\"}"));
	memcpy(left.program, "\xff\"", 3);
	trace_event(output.trace, &left);
	assert_non_null(strstr(output.text, "\"program\":\"\\\\xff\\\"\""));
	assert_non_null(strstr(output.text, "\"path\":\"@a\\\"\\\\xff\""));
	assert_json(&output);
	close_output(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirected),    cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_unix),	      cmocka_unit_test(test_pending),
		cmocka_unit_test(test_connect_again), cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
