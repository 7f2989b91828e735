/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading side of store/ over a recording whose rows hold anything: what a person's edit, a bug
 * or an enemy may have put there. The matcher is asked everything; it may answer or fail, and must
 * do either.
 *
 * The input is a list of changes: one byte that says which column, one that says how (text, blob,
 * number, NULL), two of size, and so many bytes of value. They are made in a copy of a small
 * recording.
 */
#include "parsers/cursor.h"
#include "parsers/http/answers.h"
#include "parsers/http/wire.h"
#include "parsers/protocol.h"
#include "store/matcher.h"
#include "store/schema.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHANGES_MAX 16
#define ROWS_MAX 10000

static const char rows_sql[] =
	"PRAGMA application_id = 1836016491; PRAGMA user_version = 5;"
	"INSERT INTO recording VALUES (1, 'then', 'later', '[\"psql\"]', '/', '0', 1, NULL, 1, "
	"NULL);"
	"INSERT INTO endpoint VALUES (1, 'db', '127.0.0.1', 5432, 'postgres');"
	"INSERT INTO connection (id, endpoint, protocol, server_version, user, database, "
	"server_parameters, started_ns)"
	" VALUES (1, 1, 'postgres', '15', 'ann', 'app', '{\"TimeZone\": \"UTC\"}', 1);"
	"INSERT INTO context VALUES (1, 'app', NULL, NULL, NULL, NULL);"
	"INSERT INTO type VALUES (1, 'app', 20001, 1, 'mood', 'enum', NULL, NULL), (1, 'app', "
	"20002, "
	"1, NULL, 'composite', NULL, '[23, 20001]');"
	"INSERT INTO columns VALUES (1, '[{\"name\": \"v\", \"type\": \"text\", \"type_id\": 25, "
	"\"form\": \"text\"}]');"
	"INSERT INTO statement VALUES (1, 1, 1, 'SELECT v FROM t WHERE id = $1', 'select v from t "
	"where id = ?', 'select',"
	" NULL, NULL, '[23]', 1, 1);"
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"statement, parameters, outcome)"
	" VALUES (1, 1, 1, 1, 0, 1, 2, 1, '[5]', 1), (2, 1, 2, 2, 0, 2, 2, 1, '[{\"part\": "
	"1000000000}]', 1),"
	" (3, 1, 3, 3, 0, 3, 3, 1, NULL, 2), (4, 1, 4, 4, 0, 4, 1, 1, '[5]', 0);"
	"UPDATE exchange SET inline = 1, columns = 1, tag = 'SELECT 1', row_count = 1, rows = "
	"'[[\"in\"]]' WHERE id = 2;"
	"INSERT INTO result_apart (exchange, number, columns, tag, row_count, "
	"error, events, empty) VALUES (1, 0, 1, 'SELECT 2', 2, NULL, '[{\"notice\": {\"code\": "
	"\"1\"}}, {\"status\": {\"a\": \"b\"}}]', 0);"
	"INSERT INTO result_apart (exchange, number, columns, tag, row_count, "
	"error, events, empty) VALUES (3, 0, NULL, NULL, NULL, '{\"severity\": \"ERROR\", "
	"\"code\": "
	"{\"hex\": \"00\"}}', NULL, 0);"
	"INSERT INTO rows_apart VALUES (1, 0, 0, 1, '[[\"a\"], [null], [{\"hex\": \"00\"}], "
	"[{\"part\": 1, \"bytes\": 2}]]');"
	"INSERT INTO value_part VALUES (1, 1, 0, x'6162'), (2, 1000000000, 0, x'35');"
	"INSERT INTO endpoint VALUES (2, NULL, '127.0.0.1', 80, 'http');"
	"INSERT INTO connection (id, endpoint, protocol, started_ns) VALUES (2, 2, 'http', 1);"
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"outcome, "
	"method, authority, text, query, request_headers, parameters, status, tag, "
	"response_headers, rows) "
	"VALUES (10, 2, 1, 1, 0, 1, 6, 1, 'POST', 'a.test', '/a', 'id=1', "
	"'[[\"Content-Type\", \"application/json\"]]', '{\"a\": 1}', 200, 'OK', "
	"'[[\"Content-Length\", \"5\"], [\"X\", {\"hex\": \"ff\"}]]', 'hello'), "
	"(11, 2, 2, 2, 0, 2, 6, 1, 'GET', 'a.test', '/b', NULL, '[]', NULL, 200, 'OK', "
	"'[[\"Transfer-Encoding\", \"chunked\"], [\"Content-Encoding\", \"gzip\"]]', 'decoded'), "
	"(12, 2, 3, 3, 0, 3, 6, 1, 'GET', 'a.test', '/c', NULL, '[]', NULL, 200, 'OK', "
	"'[[\"Content-Type\", \"text/event-stream\"]]', NULL);"
	"INSERT INTO http_apart (exchange, response_coding, response_wire_body, response_trailers, "
	"interim) "
	"VALUES (11, 'gzip', x'1f8b', '[[\"T\", \"1\"]]', '[{\"status\": 103, \"headers\": []}]');"
	"INSERT INTO http_apart (exchange, response_body_part, response_body_bytes) VALUES (12, 2, "
	"6);"
	"INSERT INTO value_part VALUES (12, 2, 0, x'646174'), (12, 2, 1, x'610a0a');"
	"INSERT INTO http_stream VALUES (12, 1, 3, 5), (12, 2, 6, 6);"
	/* A WebSocket, an upload that was answered early, a body in a content coding. */
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"outcome, flags, method, authority, text, request_headers, parameters, status, tag, "
	"response_headers, rows) VALUES "
	"(13, 2, 4, 4, 0, 4, 6, 1, 0, 'GET', 'a.test', '/w', '[]', NULL, 101, 'Go', "
	"'[[\"Upgrade\", \"websocket\"]]', NULL), "
	"(14, 2, 5, 5, 0, 5, 6, 2, 512, 'POST', 'a.test', '/u', "
	"'[[\"Content-Length\", \"10\"]]', 'front', 413, 'No', "
	"'[[\"Content-Length\", \"2\"]]', 'no'), "
	"(15, 2, 6, 6, 0, 6, 6, 1, 0, 'PUT', 'a.test', '/g', "
	"'[[\"Content-Encoding\", \"gzip\"]]', 'plain', 200, 'OK', '[]', NULL);"
	"INSERT INTO http_apart (exchange, request_coding, request_body_bytes) "
	"VALUES (15, 'gzip', 25);"
	"INSERT INTO http_message VALUES "
	"(13, 1, 'server', 'text', 7, 'hello', NULL, 5, NULL, NULL, NULL, NULL, 0, 1), "
	"(13, 2, 'client', 'binary', 8, NULL, 3, 2, NULL, NULL, NULL, NULL, 0, 1), "
	"(13, 3, 'server', 'close', 9, 'bye', NULL, 3, 1000, NULL, NULL, NULL, 0, 1);"
	"INSERT INTO value_part VALUES (13, 3, 0, x'6869');"
	/* COPY both ways, of which the client's is known by its data, and what a listener hears. */
	"INSERT INTO statement VALUES (2, 1, 1, 'COPY t FROM STDIN', 'copy t from stdin', 'copy', "
	"NULL, NULL, NULL, NULL, 0), (3, 1, 1, 'COPY t TO STDOUT', 'copy t to stdout', 'copy', "
	"NULL, NULL, NULL, NULL, 0), (4, 1, 1, 'LISTEN a', 'listen a', 'listen', NULL, NULL, "
	"NULL, NULL, 0), (5, 1, 1, 'NOTIFY a, ''x''', 'notify a, ?', 'notify', NULL, NULL, NULL, "
	"NULL, 0);"
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"statement, outcome, flags, inline, tag, rows, parameters) VALUES "
	"(5, 1, 5, 5, 0, 5, 1, 2, 1, 1024, 1, 'COPY 2', '[[\"1\\n\"], [{\"hex\": \"ff0a\"}]]', "
	"NULL), "
	"(6, 1, 6, 6, 0, 6, 1, 3, 1, 2048, 1, 'COPY 1', '[[\"1\\n\"]]', NULL), "
	"(7, 1, 7, 7, 0, 7, 1, 4, 1, 0, 1, 'LISTEN', NULL, NULL), "
	"(8, 1, 8, 8, 0, 8, 1, 5, 1, 0, 1, 'NOTIFY', NULL, '[\"x\"]');"
	"INSERT INTO copy VALUES (5, 'in', 'text', 1, 'done', NULL, NULL), "
	"(6, 'out', 'text', 1, 'done', NULL, NULL);"
	"UPDATE connection SET backend = 77 WHERE id = 1;"
	"INSERT INTO connection (id, endpoint, protocol, server_version, user, database, "
	"server_parameters, backend, started_ns) VALUES (3, 1, 'postgres', '15', 'bob', 'app', "
	"'{}', 78, 1), (4, 1, 'postgres', NULL, 'eve', 'app', NULL, NULL, 1);"
	"INSERT INTO aside VALUES "
	"(1, 1, 9, 8, 0, '{\"notification\": {\"channel\": \"a\", \"payload\": \"x\", \"backend\": "
	"77}}'), "
	"(2, 1, 9, 8, 1, '{\"notification\": {\"channel\": \"b\", \"payload\": \"y\", \"backend\": "
	"78}}'), "
	"(3, 1, 9, 7, 0, '{\"notice\": {\"message\": \"m\"}}'), "
	"(4, 1, 9, 8, 0, '{\"status\": {\"a\": \"b\"}}'), "
	"(5, 4, 9, 0, 0, '{\"error\": {\"code\": \"28000\"}}');"
	/* MySQL. */
	"INSERT INTO endpoint VALUES (3, NULL, '127.0.0.1', 3306, 'mysql');"
	"INSERT INTO connection (id, endpoint, protocol, server_version, user, database, "
	"server_parameters, started_ns) VALUES (5, 3, 'mysql', '10.11-MariaDB', 'ann', 'app', "
	"'{\"capabilities\": \"4294967295\"}', 1);"
	"INSERT INTO columns VALUES (2, '[{\"name\": \"v\", \"type\": \"LONG\", \"type_id\": 3, "
	"\"form\": \"binary\", \"flags\": 1, \"decimals\": 2, \"charset\": 63, \"length\": 11}]');"
	"INSERT INTO statement VALUES (6, 1, 2, 'SELECT v FROM m WHERE id = ?', 'SELECT v FROM m "
	"WHERE id = ?', 'select', NULL, NULL, '[3]', 2, 1);"
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"statement, parameters, outcome, inline, columns, tag, row_count, rows, insert_id, "
	"warnings, "
	"server_status) VALUES (9, 5, 1, 1, 0, 1, 2, 6, '[5]', 1, 1, 2, '', 2, "
	"'[[\"7\"], [{\"hex\": \"07000000\"}]]', 3, 1, 2);"
	/* It is killed at work. */
	"UPDATE connection SET backend = 77 WHERE id = 5;"
	"INSERT INTO connection (id, endpoint, protocol, server_version, user, database, "
	"server_parameters, backend, started_ns) VALUES (40, 3, 'mysql', '10.11-MariaDB', 'ann', "
	"'app', '{}', 78, 1);"
	"INSERT INTO statement VALUES (40, 1, 2, 'KILL 77', 'kill ?', 'kill', NULL, NULL, NULL, "
	"NULL, "
	"0);"
	"INSERT INTO exchange (id, connection, ordinal, batch, batch_index, started_ns, kind, "
	"statement, parameters, outcome, inline, tag) VALUES (40, 40, 1, 1, 0, 2, 1, 40, '[77]', "
	"1, 1, "
	"'');";

/* What may be changed; each sets ?1. */
static const char *const changes[] = {
	"UPDATE result_rows SET rows = ?1",
	"UPDATE columns SET description = ?1",
	"UPDATE exchange SET parameters = ?1",
	"UPDATE exchange SET parameters = ?1, exact_hash = 1",
	"UPDATE exchange SET text = ?1",
	"UPDATE exchange SET kind = ?1",
	"UPDATE exchange SET outcome = ?1",
	"UPDATE exchange SET flags = ?1",
	"UPDATE exchange SET statement = ?1",
	"UPDATE exchange SET connection = ?1",
	"UPDATE OR IGNORE exchange SET id = ?1 WHERE id = 4",
	"UPDATE statement SET text = ?1",
	"UPDATE statement SET canonical = ?1",
	"UPDATE statement SET slot_types = ?1",
	"UPDATE statement SET columns = ?1",
	"UPDATE statement SET dialect = ?1",
	"UPDATE statement SET context = ?1",
	"UPDATE exchange SET inline = ?1",
	"UPDATE result SET columns = ?1",
	"UPDATE result SET tag = ?1",
	"UPDATE result SET error = ?1",
	"UPDATE result SET events = ?1",
	"UPDATE OR IGNORE result_apart SET number = ?1",
	"UPDATE OR IGNORE rows_apart SET chunk = ?1",
	"UPDATE connection SET server_parameters = ?1",
	"UPDATE connection SET database = ?1",
	"UPDATE connection SET endpoint = ?1",
	"UPDATE endpoint SET address = ?1",
	"UPDATE endpoint SET port = ?1",
	"UPDATE OR IGNORE type SET type_id = ?1",
	"UPDATE type SET kind = ?1",
	"UPDATE type SET element = ?1",
	"UPDATE type SET attributes = ?1",
	"UPDATE type SET database = ?1",
	"UPDATE context SET database = ?1",
	"UPDATE context SET search_path = ?1",
	"UPDATE recording SET canonical_version = ?1",
	"UPDATE value_part SET bytes = ?1",
	"UPDATE OR IGNORE value_part SET part = ?1 WHERE exchange = 2",
	"UPDATE http_request SET method = ?1",
	"UPDATE http_request SET authority = ?1",
	"UPDATE http_request SET path = ?1",
	"UPDATE http_request SET query = ?1",
	"UPDATE http_request SET headers = ?1",
	"UPDATE http_request SET body = ?1",
	"UPDATE http_request SET coding = ?1",
	"UPDATE http_request SET body_part = ?1",
	"UPDATE http_request SET target = ?1",
	"UPDATE http_response SET status = ?1",
	"UPDATE http_response SET reason = ?1",
	"UPDATE http_response SET headers = ?1",
	"UPDATE http_response SET trailers = ?1",
	"UPDATE http_response SET interim = ?1",
	"UPDATE http_response SET body = ?1",
	"UPDATE http_response SET coding = ?1",
	"UPDATE http_response SET wire_body = ?1",
	"UPDATE http_response SET body_part = ?1",
	"UPDATE http_response SET body_bytes = ?1",
	"UPDATE http_response SET version = ?1",
	"UPDATE OR IGNORE http_stream SET body_bytes = ?1",
	"UPDATE OR IGNORE value_part SET sequence = ?1 WHERE exchange = 12 AND sequence = 1",
	"UPDATE OR IGNORE http_message SET number = ?1 WHERE number = 2",
	"UPDATE http_message SET side = ?1",
	"UPDATE http_message SET kind = ?1",
	"UPDATE http_message SET body = ?1",
	"UPDATE http_message SET body_part = ?1",
	"UPDATE http_message SET close_code = ?1",
	"UPDATE http_message SET at_ns = ?1",
	"UPDATE copy SET direction = ?1",
	"UPDATE copy SET format = ?1",
	"UPDATE copy SET columns = ?1",
	"UPDATE copy SET ended = ?1",
	"UPDATE copy SET digest = ?1",
	"UPDATE aside SET event = ?1",
	"UPDATE aside SET ordinal = ?1",
	"UPDATE aside SET connection = ?1",
	"UPDATE aside SET at_ns = ?1",
	"UPDATE connection SET backend = ?1",
	"UPDATE connection SET client_parameters = ?1",
	"UPDATE connection SET protocol = ?1",
	"UPDATE statement SET verb = ?1",
	"UPDATE exchange SET started_ns = ?1",
	"UPDATE exchange SET duration_ns = ?1",
	"UPDATE exchange SET insert_id = ?1, warnings = ?1, server_status = ?1",
	"UPDATE http_request SET scheme = ?1",
	"UPDATE http_request SET body_bytes = ?1",
	"UPDATE http_apart SET response_readable_part = ?1",
};

static char path[64];
static uint8_t *pristine;
static size_t pristine_size;

static void remove_file(void)
{
	unlink(path);
	free(pristine);
	pristine = NULL;
}

/* The recording that every input changes, as bytes. */
static void make_pristine(void)
{
	sqlite3_int64 size = 0;
	sqlite3 *database;

	if (sqlite3_open(":memory:", &database) != SQLITE_OK ||
	    sqlite3_exec(database, schema_sql, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(database, rows_sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s\n", sqlite3_errmsg(database));
		abort();
	}
	uint8_t *bytes = sqlite3_serialize(database, "main", &size, 0);

	pristine_size = (size_t)size;
	pristine = malloc(pristine_size);
	if (!bytes || !pristine)
		abort();
	memcpy(pristine, bytes, pristine_size);
	sqlite3_free(bytes);
	sqlite3_close(database);
	/* In memory: a file on a disk is waited for several times for each input. */
	snprintf(path, sizeof(path), "%s/mockproxy-fuzz-%d.db",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	atexit(remove_file);
}

static void write_pristine(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, pristine, pristine_size) != (ssize_t)pristine_size)
		abort();
	close(fd);
}

static void bind(sqlite3_stmt *sql, uint8_t how, struct slice value)
{
	struct cursor cursor = cursor_of(value);

	switch (how % 4) {
	case 0:
		sqlite3_bind_text64(sql, 1, (const char *)value.data, value.size, SQLITE_STATIC,
				    SQLITE_UTF8);
		break;
	case 1:
		sqlite3_bind_blob64(sql, 1, value.data ? (const void *)value.data : "", value.size,
				    SQLITE_STATIC);
		break;
	case 2:
		sqlite3_bind_int64(sql, 1,
				   value.size >= 8 ? (int64_t)cursor_u64be(&cursor) :
						     cursor_u8(&cursor));
		break;
	case 3:
		break; /* NULL */
	}
}

/* Some changes are refused by the schema: that is its part of the work. */
static void apply(struct slice input)
{
	struct cursor cursor = cursor_of(input);
	sqlite3 *database;

	if (sqlite3_open(path, &database) != SQLITE_OK)
		abort();
	sqlite3_exec(database, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN",
		     NULL, NULL, NULL);
	for (int i = 0; i < CHANGES_MAX && cursor_left(&cursor); i++) {
		const char *change = changes[cursor_u8(&cursor) % ARRAY_SIZE(changes)];
		uint8_t how = cursor_u8(&cursor);
		size_t size = cursor_u16be(&cursor);
		sqlite3_stmt *sql = NULL;

		if (size > cursor_left(&cursor))
			size = cursor_left(&cursor);
		if (sqlite3_prepare_v2(database, change, -1, &sql, NULL) != SQLITE_OK)
			abort();
		bind(sql, how, cursor_bytes(&cursor, size));
		sqlite3_step(sql);
		sqlite3_finalize(sql);
	}
	sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(database);
}

static void read_result(struct answers *answers, uint64_t exchange, uint32_t number)
{
	const struct answer_value *values;
	struct answer_result result;
	struct slice bytes;
	size_t rows = 0;
	size_t n;

	if (answers->result(answers->context, exchange, number, &result) <= 0)
		return;
	for (size_t i = 0; result.columns && i < result.columns->n; i++)
		if (result.columns->columns[i].name.size > 1 << 20)
			abort();
	for (uint32_t chunk = 0; chunk < result.chunks && chunk < 4; chunk++) {
		if (answers->chunk(answers->context, exchange, number, chunk) < 0)
			return;
		while (rows++ < ROWS_MAX && answers->next_row(answers->context, &values, &n) > 0)
			for (size_t i = 0; i < n; i++)
				if (values[i].kind == ANSWER_PART_TEXT ||
				    values[i].kind == ANSWER_PART_RAW)
					(void)answers->part(answers->context, exchange,
							    values[i].part, 0, &bytes);
	}
}

static void ask(struct answers *answers, enum sql_dialect dialect, const char *text,
		struct sql_value *value, struct arena *arena)
{
	const struct sql_options options = sql_options_default(dialect);
	const struct copy_identity copy = { .end = COPY_DONE, .difference = SLICE("the data") };
	struct answer_description description;
	struct sql_statement statement;
	struct answer answer;
	struct request request = { .context.database = SLICE("app"),
				   .statement = &statement,
				   .values = value,
				   .text = slice_from_string(text) };

	sql_canonicalize(&options, slice_from_string(text), arena, &statement);
	for (int i = 0; i < 3; i++)
		answers->find(answers->context, &request, &answer);
	(void)answers->peek(answers->context, &request, &answer);
	(void)answers->is_merged(answers->context, &request);
	(void)answers->find_parse_error(answers->context, &request, &answer);
	(void)answers->describe(answers->context, &request, &description, &answer);
	request.copy = &copy;
	if (statement.verb == SQL_COPY)
		answers->find(answers->context, &request, &answer);
}

/* What is said beside the answers: each is given once. */
static void read_asides(struct answers *answers, uint64_t exchange)
{
	const struct answer_aside *aside;
	size_t at = 0, n = 0;

	while (answers->aside && (aside = answers->aside(answers->context, exchange, &at)))
		if (aside->type > ASIDE_ERROR || n++ > ROWS_MAX)
			abort();
}

static void ask_everything(struct matcher *matcher, struct matcher_reader *reader)
{
	struct sql_value value = { .kind = SQL_NUMBER, .text = SLICE("5") };
	struct answers *answers = answers_new(reader, "postgres", SLICE("127.0.0.1"), 5432);
	struct matcher_summary summary;
	struct answer_server server;
	struct arena arena;

	arena_init(&arena);
	(void)answers->server(answers->context, SLICE("app"), SLICE("ann"), &server);
	(void)answers->server(answers->context, SLICE("app"), SLICE("eve"), &server);
	ask(answers, SQL_POSTGRES, "SELECT v FROM t WHERE id = $1", &value, &arena);
	value.text = SLICE("6");
	ask(answers, SQL_POSTGRES, "SELECT v FROM t WHERE id = $1", &value, &arena);
	ask(answers, SQL_POSTGRES, "SELECT w FROM u WHERE id = 6", &value, &arena);
	ask(answers, SQL_POSTGRES, "COPY t FROM STDIN", &value, &arena);
	for (uint64_t exchange = 0; exchange < 10; exchange++) {
		struct answer_copy copy;

		for (uint32_t number = 0; number < 2; number++)
			read_result(answers, exchange, number);
		(void)answers->copy(answers->context, exchange, &copy);
		read_asides(answers, exchange);
	}
	answers_free(answers);
	answers = answers_new(reader, "mysql", SLICE("127.0.0.1"), 3306);
	value.text = SLICE("5");
	(void)answers->server(answers->context, SLICE("app"), SLICE("ann"), &server);
	ask(answers, SQL_MYSQL, "SELECT v FROM m WHERE id = ?", &value, &arena);
	read_result(answers, 9, 0);
	answers_free(answers);
	matcher_summarize(matcher, &summary);
	if (summary.unused > summary.recorded)
		abort();
	arena_release(&arena);
}

/* What the app gets is whole heads, whatever the rows hold. */
static void converse_http(struct matcher_reader *reader, struct slice asked)
{
	struct answers *answers = answers_new(reader, "http", SLICE("127.0.0.1"), 80);
	struct replayer *replayer = http_replayer_new(answers, 1);
	enum replay_state state = REPLAY_MORE;
	struct buffer out;
	const char *why;

	buffer_init(&out, (size_t)8 << 20);
	if (http_replayer_feed(replayer, asked, &why))
		abort();
	for (int i = 0;
	     i < 100 && (state == REPLAY_MORE || state == REPLAY_WAIT || state == REPLAY_HOLD);
	     i++) {
		buffer_clear(&out);
		state = http_replayer_fill(replayer, &out);
		if (!i && !slice_starts_with(buffer_slice(&out), SLICE("HTTP/1.")))
			abort();
	}
	http_replayer_free(replayer);
	buffer_release(&out);
	answers_free(answers);
}

static void ask_http(struct matcher_reader *reader)
{
	static const char asked[] =
		"POST /a?id=1 HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
		"Content-Length: 7\r\n\r\n{\"a\":1}"
		"GET /b HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n"
		"GET /b HTTP/1.1\r\nHost: a.test\r\n\r\nGET /c HTTP/1.1\r\nHost: a.test\r\n\r\n"
		"PUT /g HTTP/1.1\r\nHost: a.test\r\nContent-Encoding: gzip\r\n"
		"Content-Length: 25\r\n\r\n"
		"\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b\xc8\x49\xcc\xcc\x03\0\xcf\x62\x20\x19\x05\0\0\0"
		"POST /u HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nfront";
	/* Its messages, masked with a key of zeros. */
	static const char talked[] =
		"GET /w HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
		"\x82\x82\0\0\0\0hi\x88\x80\0\0\0\0";
	struct answers *answers;
	struct http_stored_message message;
	struct http_stored stored;

	converse_http(reader, slice_of(asked, sizeof(asked) - 1));
	converse_http(reader, slice_of(talked, sizeof(talked) - 1));
	answers = answers_new(reader, "http", SLICE("127.0.0.1"), 80);
	for (uint64_t exchange = 9; exchange < 17; exchange++) {
		(void)answers->http->response(answers->context, exchange, &stored);
		(void)answers->http->message(answers->context, exchange, 0, &message);
	}
	answers_free(answers);
}

size_t fuzz_share(void);

/* Each input is a database that is opened, for make test only; libFuzzer does not ask. */
size_t fuzz_share(void)
{
	return 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct recording_options how = { .path = path };
	const struct matcher_options options = { .repeat = size % 2 ? REPEAT_CYCLE : REPEAT_LAST };
	struct recording *recording = NULL;
	struct matcher_reader *reader = NULL;
	struct matcher *matcher = NULL;
	char error[STORE_ERROR_BYTES];

	if (!pristine)
		make_pristine();
	write_pristine();
	apply(slice_of(data, size));
	if (recording_open(&how, &recording, error) < 0)
		return 0;
	if (matcher_new(recording, &options, &matcher, error) == 0 &&
	    matcher_reader_new(matcher, &reader, error) == 0)
		ask_everything(matcher, reader);
	if (reader)
		ask_http(reader);
	matcher_reader_free(reader);
	matcher_free(matcher);
	recording_close(recording);
	return 0;
}
