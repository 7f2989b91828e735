/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the command line, and how each option's value is read. A setter checks the whole value: what
 * it accepts is in range, what it refuses it names ("expected ...").
 */
#include "proxy/cli_table.h"

#include "parsers/compiler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 64
#define TIMEOUT_MAX_S 3600
#define QUEUE_MIN (UINT64_C(64) << 10)
#define QUEUE_MAX (UINT64_C(64) << 30)
#define HOST_MAX 255

/* Digits only, and at most `max`: strtoull alone would take signs, blanks and what follows. */
static bool read_number(const char *text, size_t size, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (size == 0 || size > 19)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number > max)
		return false;
	*ret_number = number;
	return true;
}

static bool read_port(const char *text, size_t size, uint16_t *ret_port)
{
	uint64_t number;

	if (!read_number(text, size, UINT16_MAX, &number) || number == 0)
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

static const char *keep(struct cli *cli, const char *text, size_t size)
{
	char *copy = arena_alloc(&cli->arena, size + 1);

	memcpy(copy, text, size);
	return copy;
}

static bool has_any(const char *text, size_t size, const char *bytes)
{
	for (; *bytes; bytes++)
		if (memchr(text, *bytes, size))
			return true;
	return false;
}

/*
 * "HOST", "HOST:PORT", "[ADDRESS6]:PORT", "[ADDRESS6]" or a bare "ADDRESS6" (more than one colon).
 * *ret_port is 0 where none was given.
 */
static bool read_host(struct cli *cli, const char *text, size_t size, const char **ret_host,
		      uint16_t *ret_port)
{
	const char *host = text;
	size_t host_size = size;
	const char *colon = memrchr(text, ':', size);
	const char *bracket = size > 0 && text[0] == '[' ? memchr(text, ']', size) : NULL;

	*ret_port = 0;
	if (bracket) {
		host = text + 1;
		host_size = (size_t)(bracket - host);
		colon = bracket + 1 == text + size ? NULL : bracket + 1;
		if (colon && *colon != ':')
			return false;
	} else if (colon && memchr(text, ':', (size_t)(colon - text))) {
		colon = NULL;
	} else if (colon) {
		host_size = (size_t)(colon - text);
	}
	if (colon && !read_port(colon + 1, (size_t)(text + size - colon - 1), ret_port))
		return false;
	if (host_size == 0 || host_size > HOST_MAX || has_any(host, host_size, "/[]"))
		return false;
	*ret_host = keep(cli, host, host_size);
	return true;
}

/* One more place at the end of a list in the arena; the old list stays there, which the command line's length bounds. */
static void *grow(struct cli *cli, const void *list, size_t count, size_t element_size)
{
	uint8_t *grown = arena_alloc(&cli->arena, (count + 1) * element_size);

	if (count > 0)
		memcpy(grown, list, count * element_size);
	return grown;
}

static const char *set_output(struct cli *cli, const char *value)
{
	cli->options.path = value;
	return *value ? NULL : "the name of a file";
}

static const char *set_only(struct cli *cli, const char *value)
{
	const char **list = grow(cli, cli->options.only, cli->options.n_only, sizeof(*list));

	list[cli->options.n_only++] = value;
	cli->options.only = list;
	return *value ? NULL : "HOST, CIDR, HOST:PORT or :PORT";
}

static const char *set_exclude(struct cli *cli, const char *value)
{
	const char **list = grow(cli, cli->options.exclude, cli->options.n_exclude, sizeof(*list));

	list[cli->options.n_exclude++] = value;
	cli->options.exclude = list;
	return *value ? NULL : "HOST, CIDR, HOST:PORT or :PORT";
}

static const char *set_self(struct cli *cli, const char *value)
{
	cli->options.record_self = true;
	return strcmp(value, "record") == 0 ? NULL : "the word record";
}

static const char *set_listen(struct cli *cli, const char *value)
{
	static const char expected[] = "PORT=HOST:PORT, such as 15432=db.example:5432";
	const char *equals = strchr(value, '=');
	struct listen_option listen = { 0 };
	struct listen_option *list;

	if (!equals || !read_port(value, (size_t)(equals - value), &listen.port))
		return expected;
	if (!read_host(cli, equals + 1, strlen(equals + 1), &listen.host, &listen.host_port) ||
	    listen.host_port == 0)
		return expected;
	for (size_t i = 0; i < cli->options.n_listens; i++)
		if (cli->options.listens[i].port == listen.port)
			return "a port that is not listened on already";
	list = grow(cli, cli->options.listens, cli->options.n_listens, sizeof(*list));
	list[cli->options.n_listens++] = listen;
	cli->options.listens = list;
	return NULL;
}

static const char *set_workers(struct cli *cli, const char *value)
{
	uint64_t number;

	if (!read_number(value, strlen(value), WORKERS_MAX, &number) || number == 0)
		return "a number from 1 to 64";
	cli->options.workers = (unsigned int)number;
	return NULL;
}

static const char *set_connect_timeout(struct cli *cli, const char *value)
{
	uint64_t number;

	if (!read_number(value, strlen(value), TIMEOUT_MAX_S, &number) || number == 0)
		return "seconds, from 1 to 3600";
	cli->options.connect_timeout_s = (unsigned int)number;
	return NULL;
}

static const char *set_queue(struct cli *cli, const char *value)
{
	static const char expected[] = "a size from 64K to 64G, such as 64M";
	static const struct {
		char letter;
		unsigned int shift;
	} units[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 } };
	size_t digits = strspn(value, "0123456789");
	unsigned int shift = 0;
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if ((value[digits] & ~0x20) == units[i].letter)
			shift = units[i].shift;
	if (value[digits] && (!shift || value[digits + 1]))
		return expected;
	if (!read_number(value, digits, QUEUE_MAX >> shift, &number) || number << shift < QUEUE_MIN)
		return expected;
	cli->options.queue_bytes = (size_t)(number << shift);
	return NULL;
}

static const char *set_repeat(struct cli *cli, const char *value)
{
	static const char *const names[] = {
		[REPEAT_LAST] = "last",
		[REPEAT_CYCLE] = "cycle",
		[REPEAT_ERROR] = "error",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			cli->options.repeat = (enum repeat)i;
			return NULL;
		}
	}
	return "last, cycle or error";
}

/* "none", "recorded", or how many times as fast: "10x", "0.5x". */
static const char *set_timing(struct cli *cli, const char *value)
{
	size_t digits = strspn(value, "0123456789.");
	char *end;

	cli->options.speed = 0;
	if (strcmp(value, "none") == 0)
		return NULL;
	cli->options.speed = 1;
	if (strcmp(value, "recorded") == 0)
		return NULL;
	cli->options.speed = strtod(value, &end);
	if (digits && digits < 8 && end == value + digits && strcmp(end, "x") == 0 &&
	    cli->options.speed > 0)
		return NULL;
	return "none, recorded, or a number and x";
}

static const char *set_map(struct cli *cli, const char *value)
{
	static const char expected[] = "OLD=NEW, each HOST or HOST:PORT";
	const char *equals = strchr(value, '=');
	struct matcher_map map = { 0 };
	struct matcher_map *list;

	if (!equals ||
	    !read_host(cli, value, (size_t)(equals - value), &map.old_host, &map.old_port) ||
	    !read_host(cli, equals + 1, strlen(equals + 1), &map.new_host, &map.new_port))
		return expected;
	list = grow(cli, cli->options.maps, cli->options.n_maps, sizeof(*list));
	list[cli->options.n_maps++] = map;
	cli->options.maps = list;
	return NULL;
}

static const char *set_allow_partial(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.allow_partial = true;
	return NULL;
}

static const char *set_json(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.json = true;
	return NULL;
}

static const char *set_explain(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.explain = true;
	return NULL;
}

static const char *set_quiet(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.quiet = true;
	return NULL;
}

static const char *set_no_overwrite(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.overwrite = false;
	return NULL;
}

static const char *set_verify(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.verify = true;
	return NULL;
}

static const char *set_restless(struct cli *cli, const char *value)
{
	(void)value;
	cli->options.restless = true;
	return NULL;
}

static const char *set_stage(struct cli *cli, const char *value)
{
	static const char *const names[] = {
		[STAGE_STORE] = "store",
		[STAGE_DECODE] = "decode",
		[STAGE_RELAY] = "relay",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			cli->options.stage = (enum stage)i;
			return NULL;
		}
	}
	return "relay, decode or store";
}

static const struct cli_command commands[] = {
	{ "record", CLI_RECORD, "[-o FILE] [OPTION...] [--] CMD [ARGUMENT...]",
	  "run CMD and record what it says to its servers",
	  "Runs CMD, sees every PostgreSQL, MySQL, MariaDB and HTTP/1 conversation that it and "
	  "its\n"
	  "descendants have, and keeps each request with its answer in one SQLite file. CMD is "
	  "not\n"
	  "changed and does not know.\n" },
	{ "replay", CLI_REPLAY, "[FILE] [OPTION...] -- CMD [ARGUMENT...]",
	  "run CMD again and answer it from a recording",
	  "Runs CMD with nothing outside: every answer comes from FILE (mocks.db where not "
	  "given),\n"
	  "found by what was asked. What the recording cannot answer is an error that CMD sees, "
	  "and\n"
	  "that the summary explains.\n" },
	{ "trace", CLI_TRACE, "[OPTION...] [--] CMD [ARGUMENT...]",
	  "run CMD and show its connects, and where they went",
	  "Runs CMD and prints one line for each connect() as it happens: time, program[pid], the\n"
	  "destination that was asked for, where it went, and the result. Nothing is recorded.\n" },
	{ "doctor", CLI_CHECK, "[--json]", "say whether this machine can redirect connects",
	  "Checks the kernel, the mounts and the rights that record, replay and trace need, one "
	  "line\n"
	  "each, and says what to do about what is missing. Exit status 0: nothing is missing; "
	  "1.\n" },
};

static const struct cli_option options[] = {
	{ "output", 'o', "FILE", CLI_RECORD, set_output,
	  "the recording to write (default: mocks.db)" },
	{ "no-overwrite", 0, NULL, CLI_RECORD, set_no_overwrite,
	  "refuse when FILE exists, in place of writing over it at the end" },
	{ "allow-partial", 0, NULL, CLI_REPLAY, set_allow_partial,
	  "accept FILE.partial, the remains of a recording that was killed" },
	{ "repeat", 0, "WHAT", CLI_REPLAY, set_repeat,
	  "when all answers to a request were given: last (default),\ncycle or error" },
	{ "timing", 0, "PACE", CLI_REPLAY, set_timing,
	  "pauses in streams and between a WebSocket's messages: none (default),\nrecorded, or so "
	  "many times as fast: 10x" },
	{ "map", 0, "OLD=NEW", CLI_REPLAY, set_map,
	  "NEW, HOST[:PORT], is answered as OLD was recorded; repeatable" },
	{ "explain", 0, NULL, CLI_REPLAY, set_explain,
	  "say of each request how it was matched, and which headers of\nHTTP are not compared" },
	{ "only", 0, "WHERE", CLI_RUNS, set_only,
	  "redirect only connects to HOST, CIDR, HOST:PORT, :PORT; repeatable" },
	{ "exclude", 0, "WHERE", CLI_RUNS, set_exclude,
	  "leave connects to WHERE alone; repeatable" },
	{ "self", 0, "record", CLI_RUNS, set_self,
	  "also the connections between processes of CMD itself" },
	{ "listen", 0, "PORT=HOST:PORT", CLI_RUNS, set_listen,
	  "listen on 127.0.0.1:PORT for HOST:PORT, in place of redirecting:\n"
	  "needs no rights; CMD is told the port by hand; repeatable" },
	{ "workers", 0, "N", CLI_RUNS, set_workers,
	  "event loops at most (default: as many as cores, at most 4)" },
	{ "connect-timeout", 0, "SECONDS", CLI_RECORD | CLI_TRACE, set_connect_timeout,
	  "how long to wait for a server (default: 30)" },
	{ "queue", 0, "SIZE", CLI_RECORD, set_queue,
	  "memory for what is not written yet, such as 64M; when it is\nfull, reading waits" },
	{ "stage", 0, "STAGE", CLI_RECORD, set_stage, NULL },
	{ "verify", 0, NULL, CLI_RECORD, set_verify, NULL },
	{ "restless", 0, NULL, CLI_RECORD | CLI_REPLAY, set_restless, NULL },
	{ "json", 0, NULL, CLI_RUNS | CLI_CHECK, set_json, "results as JSON" },
	{ "quiet", 'q', NULL, CLI_RUNS, set_quiet, "no summary at the end" },
	{ "help", 'h', NULL, CLI_RUNS | CLI_CHECK, NULL, "this text" },
	{ "version", 'V', NULL, 0, NULL, "the version" },
};

const struct cli_command *cli_commands(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(commands);
	return commands;
}

const struct cli_option *cli_options(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(options);
	return options;
}

const struct cli_command *cli_find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
