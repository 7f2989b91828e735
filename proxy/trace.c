/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace: see trace.h for what the lines look like.
 *
 * A slot of the table of pending connects goes: empty → waits (its event came) → empty (its result
 * came, the line is out), or empty → told (its upstream's result came first, the line is out) →
 * empty (its event came). A cookie is looked for in PROBES slots from its own on; when none of them
 * is free, the first gives way.
 */
#include "proxy/trace.h"

#include "parsers/buffer.h"
#include "parsers/json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PROBES = 16,
	LINE_BYTES = 4096,
	NS_PER_S = 1000000000,
	NS_PER_MS = 1000000,
};

enum slot_state { SLOT_EMPTY, SLOT_WAITS, SLOT_TOLD };

struct slot {
	enum slot_state state;
	struct redirect_event event; /* SLOT_TOLD: of it only the cookie */
};

struct trace {
	FILE *out;
	bool json;
	struct trace_counts counts;
	struct slot slots[TRACE_PENDING];
};

/* How a connect ended, as far as it is known. */
struct outcome {
	bool known;
	int error; /* 0: connected; REDIRECT_ERROR_UNKNOWN: closed before the kernel told */
	const struct sockaddr *upstream;
};

const char *trace_reason(uint32_t reason)
{
	static const char *const texts[REDIRECT_REASONS] = {
		[REDIRECT_BECAUSE_ENDPOINT] = "redirected",
		[REDIRECT_BECAUSE_SELF] = "own listener",
		[REDIRECT_BECAUSE_EXCLUDED] = "excluded",
		[REDIRECT_BECAUSE_NOT_NAMED] = "not named by --only",
		[REDIRECT_BECAUSE_NETNS] = "another network namespace",
		[REDIRECT_BECAUSE_DEVICE] = "bound to a device",
		[REDIRECT_BECAUSE_LINK_LOCAL] = "link-local address",
		[REDIRECT_BECAUSE_NOT_TCP] = "not TCP",
		[REDIRECT_BECAUSE_LOCAL] = "stays on this host",
		[REDIRECT_BECAUSE_DNS] = "DNS question",
		[REDIRECT_BECAUSE_PROXY] = "mockproxy's own port",
		[REDIRECT_BECAUSE_FULL] = "too many connects at once",
		[REDIRECT_BECAUSE_UNIX] = "Unix socket",
		[REDIRECT_BECAUSE_RESOLVER] = "name service",
		[REDIRECT_BECAUSE_UNSEEN] = "connected past the hook",
		[REDIRECT_BECAUSE_GONE] = "mockproxy is gone",
		[REDIRECT_BECAUSE_NOBODY] = "nobody listens there",
	};

	return reason < REDIRECT_REASONS ? texts[reason] : "unknown";
}

/* The clock of the event is the one that does not jump; people want the other. */
static struct timespec wall_clock(uint64_t monotonic_ns)
{
	struct timespec wall;
	struct timespec monotonic;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	ns = (int64_t)wall.tv_sec * NS_PER_S + wall.tv_nsec;
	ns += (int64_t)monotonic_ns - ((int64_t)monotonic.tv_sec * NS_PER_S + monotonic.tv_nsec);
	return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The app chooses its paths and its name: nothing of them may steer a terminal. */
static void append_visible(struct buffer *line, struct slice text)
{
	bool utf8 = utf8_valid(text);

	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		bool c1 = byte == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0;

		if (byte >= ' ' && byte != 0x7f && (byte < 0x80 || utf8) && !c1) {
			buffer_append_u8(line, byte);
			continue;
		}
		buffer_append_string(line, "\\x");
		buffer_append_hex(line, slice_of(&byte, 1));
		if (c1) {
			buffer_append_string(line, "\\x");
			buffer_append_hex(line, slice_of(&text.data[++i], 1));
		}
	}
}

void trace_append_address(struct buffer *line, const struct redirect_address *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (redirect_is_mapped(address))
		inet_ntop(AF_INET, &address->word[3], text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	buffer_append_string(line, text);
}

static void append_endpoint(struct buffer *line, const struct redirect_address *address,
			    uint16_t port)
{
	bool brackets = !redirect_is_mapped(address);

	if (brackets)
		buffer_append_u8(line, '[');
	trace_append_address(line, address);
	buffer_append_string(line, brackets ? "]:" : ":");
	buffer_append_unsigned(line, port);
}

static void read_sockaddr(const struct sockaddr *from, struct redirect_address *address,
			  uint16_t *ret_port)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

	if (from->sa_family == AF_INET) {
		*address = redirect_from_ipv4(v4->sin_addr.s_addr);
		*ret_port = ntohs(v4->sin_port);
	} else {
		memcpy(address, &v6->sin6_addr, sizeof(*address));
		*ret_port = ntohs(v6->sin6_port);
	}
}

static struct slice program_of(const struct redirect_event *event)
{
	return slice_of(event->program, strnlen(event->program, sizeof(event->program)));
}

/* The path of a Unix socket, an abstract one with "@" as ss(8) and netstat(8) write it. */
static void path_of(const struct redirect_event *event, struct buffer *path)
{
	size_t size = event->path_bytes;

	if (size > sizeof(event->path))
		size = sizeof(event->path);
	if (size && event->path[0] == '\0') {
		buffer_append_u8(path, '@');
		append_visible(path, slice_of(event->path + 1, size - 1));
	} else {
		append_visible(path, slice_of(event->path, size));
	}
}

/* The descriptions of libc begin with a capital, which fits no sentence. */
static void append_error(struct buffer *line, int error)
{
	const char *text = strerrordesc_np(error);

	if (error == REDIRECT_ERROR_UNKNOWN)
		text = "closed before it was connected";
	else if (!text)
		text = "unknown error";
	buffer_append_u8(line, ascii_lower((uint8_t)text[0]));
	buffer_append_string(line, text + 1);
}

static void append_time(struct buffer *line, uint64_t time_ns)
{
	struct timespec wall = wall_clock(time_ns);
	struct tm parts;
	char text[64];

	localtime_r(&wall.tv_sec, &parts);
	snprintf(text, sizeof(text), "%02d:%02d:%02d.%03ld", parts.tm_hour, parts.tm_min,
		 parts.tm_sec, wall.tv_nsec / NS_PER_MS);
	buffer_append_string(line, text);
}

/* RFC 3339, in UTC. */
static void append_json_time(struct buffer *line, uint64_t time_ns)
{
	struct timespec wall = wall_clock(time_ns);
	struct tm parts;
	char text[64];

	gmtime_r(&wall.tv_sec, &parts);
	snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"",
		 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
		 parts.tm_sec, wall.tv_nsec / NS_PER_MS);
	buffer_append_string(line, text);
}

static const char *protocol_name(const struct redirect_event *event)
{
	if (event->type == REDIRECT_EVENT_UNIX)
		return "unix";
	switch (event->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return "other";
	}
}

/*
 * What psql and mysql call their option for a host; a name that is no "localhost" makes them use
 * TCP.
 */
static const char *unix_advice(const struct redirect_event *event)
{
	switch (event->service) {
	case REDIRECT_SERVICE_POSTGRESQL:
	case REDIRECT_SERVICE_MYSQL:
		return ": not a network connection, use -h 127.0.0.1";
	default:
		return "";
	}
}

static void append_outcome(struct buffer *line, const struct outcome *outcome)
{
	if (!outcome->known) {
		buffer_append_string(line, " result not known");
	} else if (outcome->error == 0) {
		buffer_append_string(line, " connected");
	} else {
		buffer_append_string(line, " failed: ");
		append_error(line, outcome->error);
	}
}

static void append_redirected(struct buffer *line, const struct outcome *outcome)
{
	struct redirect_address address;
	uint16_t port;

	buffer_append_string(line, " → proxy");
	if (outcome->upstream) {
		read_sockaddr(outcome->upstream, &address, &port);
		buffer_append_string(line, " → ");
		append_endpoint(line, &address, port);
	}
	append_outcome(line, outcome);
}

static bool has_outcome(const struct redirect_event *event)
{
	return event->type == REDIRECT_EVENT_CONNECT && event->protocol == IPPROTO_TCP &&
	       event->verdict != REDIRECT_REFUSE && event->reason != REDIRECT_BECAUSE_UNSEEN;
}

static void append_text(struct buffer *line, const struct redirect_event *event,
			const struct outcome *outcome)
{
	append_time(line, event->time_ns);
	buffer_append_u8(line, ' ');
	append_visible(line, program_of(event));
	buffer_append_u8(line, '[');
	buffer_append_unsigned(line, event->pid);
	buffer_append_string(line, "] ");
	if (event->type == REDIRECT_EVENT_UNIX) {
		buffer_append_string(line, "unix:");
		path_of(event, line);
	} else {
		if (event->protocol != IPPROTO_TCP) {
			buffer_append_string(line, protocol_name(event));
			buffer_append_u8(line, ' ');
		}
		append_endpoint(line, &event->address, event->port);
	}
	if (event->verdict == REDIRECT_TO_PROXY) {
		append_redirected(line, outcome);
		return;
	}
	buffer_append_string(line, event->verdict == REDIRECT_PASS ? " left alone" : " refused");
	if (event->type == REDIRECT_EVENT_UNIX && event->verdict == REDIRECT_PASS) {
		buffer_append_string(line, unix_advice(event));
		return;
	}
	buffer_append_string(line, " (");
	buffer_append_string(line, trace_reason(event->reason));
	buffer_append_u8(line, ')');
	if (has_outcome(event))
		append_outcome(line, outcome);
}

/* A string of the app: as it is where that is UTF-8, else with what is not shown as \xNN. */
static void append_json_member(struct buffer *line, const char *name, struct slice text)
{
	struct buffer visible;

	buffer_append_string(line, ",\"");
	buffer_append_string(line, name);
	buffer_append_string(line, "\":");
	if (json_append_string(line, text))
		return;
	buffer_init(&visible, LINE_BYTES);
	append_visible(&visible, text);
	if (!json_append_string(line, buffer_slice(&visible)))
		buffer_append_string(line, "null");
	buffer_release(&visible);
}

static void append_json_number(struct buffer *line, const char *name, uint64_t number)
{
	buffer_append_string(line, ",\"");
	buffer_append_string(line, name);
	buffer_append_string(line, "\":");
	buffer_append_unsigned(line, number);
}

static void append_json_endpoint(struct buffer *line, const char *prefix,
				 const struct redirect_address *address, uint16_t port)
{
	buffer_append_string(line, ",\"");
	buffer_append_string(line, prefix);
	buffer_append_string(line, "address\":\"");
	trace_append_address(line, address);
	buffer_append_string(line, "\",\"");
	buffer_append_string(line, prefix);
	buffer_append_string(line, "port\":");
	buffer_append_unsigned(line, port);
}

static void append_json_outcome(struct buffer *line, const struct outcome *outcome)
{
	struct redirect_address address;
	uint16_t port;
	struct buffer text;

	if (outcome->upstream) {
		read_sockaddr(outcome->upstream, &address, &port);
		append_json_endpoint(line, "upstream_", &address, port);
	}
	if (!outcome->known) {
		buffer_append_string(line, ",\"result\":null");
		return;
	}
	if (outcome->error == 0) {
		buffer_append_string(line, ",\"result\":\"connected\"");
		return;
	}
	buffer_append_string(line, ",\"result\":\"failed\"");
	if (outcome->error != REDIRECT_ERROR_UNKNOWN)
		append_json_number(line, "errno", (uint64_t)outcome->error);
	buffer_init(&text, LINE_BYTES);
	append_error(&text, outcome->error);
	append_json_member(line, "error", buffer_slice(&text));
	buffer_release(&text);
}

static void append_json(struct buffer *line, const struct redirect_event *event,
			const struct outcome *outcome)
{
	static const char *const verdicts[] = { "left alone", "redirected", "refused" };
	struct buffer path;

	buffer_append_string(line, "{\"time\":");
	append_json_time(line, event->time_ns);
	append_json_member(line, "program", program_of(event));
	append_json_number(line, "pid", event->pid);
	append_json_member(line, "protocol", slice_from_string(protocol_name(event)));
	if (event->type == REDIRECT_EVENT_UNIX) {
		buffer_init(&path, LINE_BYTES);
		path_of(event, &path);
		append_json_member(line, "path", buffer_slice(&path));
		buffer_release(&path);
	} else {
		append_json_endpoint(line, "", &event->address, event->port);
	}
	if (event->verdict < ARRAY_SIZE(verdicts))
		append_json_member(line, "verdict", slice_from_string(verdicts[event->verdict]));
	if (event->verdict != REDIRECT_TO_PROXY)
		append_json_member(line, "reason", slice_from_string(trace_reason(event->reason)));
	if (has_outcome(event))
		append_json_outcome(line, outcome);
	buffer_append_u8(line, '}');
}

static void print_line(struct trace *trace, const struct redirect_event *event,
		       const struct outcome *outcome)
{
	struct buffer line;

	buffer_init(&line, LINE_BYTES);
	if (trace->json)
		append_json(&line, event, outcome);
	else
		append_text(&line, event, outcome);
	buffer_append_u8(&line, '\n');
	fwrite(line.data, 1, line.size, trace->out);
	fflush(trace->out);
	buffer_release(&line);
	trace->counts.lines++;
	if (has_outcome(event) && !outcome->known)
		trace->counts.without_result++;
}

static void print_without_result(struct trace *trace, struct slot *slot)
{
	if (slot->state == SLOT_WAITS)
		print_line(trace, &slot->event, &(struct outcome){ 0 });
	slot->state = SLOT_EMPTY;
}

static struct slot *probe(struct trace *trace, uint64_t cookie, size_t i)
{
	return &trace->slots[(cookie + i) % TRACE_PENDING];
}

static struct slot *find_slot(struct trace *trace, uint64_t cookie)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct slot *slot = probe(trace, cookie, i);

		if (slot->state != SLOT_EMPTY && slot->event.socket_cookie == cookie)
			return slot;
	}
	return NULL;
}

static struct slot *take_slot(struct trace *trace, uint64_t cookie)
{
	for (size_t i = 0; i < PROBES; i++)
		if (probe(trace, cookie, i)->state == SLOT_EMPTY)
			return probe(trace, cookie, i);
	print_without_result(trace, probe(trace, cookie, 0));
	return probe(trace, cookie, 0);
}

static void on_connect(struct trace *trace, const struct redirect_event *event)
{
	struct slot *slot = find_slot(trace, event->socket_cookie);

	if (slot && slot->state == SLOT_TOLD) {
		slot->state = SLOT_EMPTY;
		if (event->verdict == REDIRECT_TO_PROXY)
			return;
	} else if (slot) {
		/* The socket connects anew, and nothing was heard of the time before. */
		print_without_result(trace, slot);
	}
	if (!has_outcome(event)) {
		print_line(trace, event, &(struct outcome){ 0 });
		return;
	}
	slot = take_slot(trace, event->socket_cookie);
	slot->state = SLOT_WAITS;
	slot->event = *event;
}

/*
 * The CONNECT may have been lost (the counters say so): the RESULT alone tells enough for a line.
 */
static void on_result(struct trace *trace, const struct redirect_event *event)
{
	struct outcome outcome = { .known = true, .error = event->error };
	struct slot *slot = find_slot(trace, event->socket_cookie);
	struct redirect_event connect = *event;

	if (slot && slot->state == SLOT_WAITS) {
		connect = slot->event;
		slot->state = SLOT_EMPTY;
	}
	connect.type = REDIRECT_EVENT_CONNECT;
	print_line(trace, &connect, &outcome);
}

struct trace *trace_new(FILE *out, bool json)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		abort();
	trace->out = out;
	trace->json = json;
	return trace;
}

void trace_free(struct trace *trace)
{
	free(trace);
}

void trace_event(struct trace *trace, const struct redirect_event *event)
{
	if (event->type == REDIRECT_EVENT_CONNECT)
		on_connect(trace, event);
	else if (event->type == REDIRECT_EVENT_RESULT)
		on_result(trace, event);
	else
		print_line(trace, event, &(struct outcome){ 0 });
}

void trace_upstream(struct trace *trace, const struct redirect_origin *origin,
		    const struct sockaddr *upstream, int error)
{
	struct outcome outcome = { .known = true, .error = error, .upstream = upstream };
	struct slot *slot = find_slot(trace, origin->socket_cookie);
	struct redirect_event event = { .time_ns = now_ns(),
					.socket_cookie = origin->socket_cookie,
					.pid = origin->pid,
					.protocol = IPPROTO_TCP,
					.verdict = REDIRECT_TO_PROXY };

	if (slot && slot->state == SLOT_WAITS) {
		print_line(trace, &slot->event, &outcome);
		slot->state = SLOT_EMPTY;
		return;
	}
	read_sockaddr((const struct sockaddr *)&origin->asked, &event.address, &event.port);
	memcpy(event.program, origin->program, sizeof(event.program));
	print_line(trace, &event, &outcome);
	slot = take_slot(trace, origin->socket_cookie);
	slot->state = SLOT_TOLD;
	slot->event = event;
}

void trace_finish(struct trace *trace, struct trace_counts *ret_counts)
{
	for (size_t i = 0; i < TRACE_PENDING; i++)
		print_without_result(trace, &trace->slots[i]);
	*ret_counts = trace->counts;
}
