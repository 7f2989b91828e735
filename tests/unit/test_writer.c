/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: what items become in a real SQLite file. */
#include "store/mask.h"
#include "tests/unit/store_replay.h"

static void test_ordinary(void **state)
{
	struct scene *scene = *state;
	struct writer_summary summary;

	push_query(scene->writer, 1, 1, "SELECT name FROM t WHERE id = 5", "five");
	push_query(scene->writer, 1, 2, "SELECT name FROM t WHERE id = 7", "seven");
	push(scene->writer, make_close(1));
	summary = scene_finish(scene);
	assert_int_equal(summary.exchanges, 2);
	assert_int_equal(summary.unfinished, 0);
	assert_int_equal(summary.connections, 1);
	assert_int_equal(summary.statements, 1);
	assert_sql(scene->folder.file, "SELECT count(*) FROM queries", "2");
	assert_sql(scene->folder.file, "SELECT sql FROM queries WHERE id = 2",
		   "SELECT name FROM t WHERE id = 7");
	assert_sql(scene->folder.file, "SELECT parameters FROM queries WHERE id = 2", "[7]");
	assert_sql(scene->folder.file, "SELECT row_count || tag FROM queries WHERE id = 1",
		   "1SELECT 1");
	assert_sql(scene->folder.file, "SELECT started_at FROM queries WHERE id = 1",
		   "2023-11-14T22:13:20.001Z");
	assert_sql(scene->folder.file, "SELECT duration_ms FROM queries WHERE id = 1", "0.5");
	assert_sql(scene->folder.file, "SELECT \"values\" FROM rows WHERE exchange = 2",
		   "[\"seven\"]");
	assert_sql(scene->folder.file, "SELECT complete FROM recording", "1");
	assert_sql(scene->folder.file, "PRAGMA journal_mode", "delete");
	assert_sql(scene->folder.file, "PRAGMA integrity_check", "ok");
	assert_sql(scene->folder.file, "SELECT count(*) FROM pragma_foreign_key_check", "0");
	assert_int_equal(access(scene->folder.partial, F_OK), -1);
}

/*
 * Texts with their values inside share a template; the first spelling is the template's, others
 * keep their own.
 */
static void test_templates(void **state)
{
	struct scene *scene = *state;

	for (uint64_t i = 1; i <= 4; i++) {
		char text[64];

		snprintf(text, sizeof(text), "SELECT v FROM t WHERE id = %d", (int)i % 2);
		push_query(scene->writer, 1, i, text, "x");
	}
	assert_int_equal(scene_finish(scene).statements, 1);
	assert_sql(scene->folder.file,
		   "SELECT group_concat(coalesce(text, '-'), '|') FROM exchange",
		   "-|SELECT v FROM t WHERE id = 0|-|SELECT v FROM t WHERE id = 0");
	assert_sql(scene->folder.file, "SELECT count(DISTINCT exact_hash) FROM exchange", "2");
	assert_sql(scene->folder.file, "SELECT times || '/' || distinct_parameters FROM repeated",
		   "4/2");
	assert_sql(scene->folder.file, "SELECT count(*) FROM columns", "1");
}

static void push_bound(struct scene *scene, uint64_t ordinal, uint32_t type, bool declared)
{
	struct item *item = make_exchange(1, ordinal, "SELECT $1");

	add_parameter(item, type, declared, PARAMETER_TEXT, SLICE("1"));
	push(scene->writer, item);
}

/* Texts that come again and again have the statement of their context, and of what was declared. */
static void test_statements_again(void **state)
{
	static const char *const paths[] = { "a", "b", "a" };
	struct scene *scene = *state;
	uint64_t ordinal = 1;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char text[64];

		snprintf(text, sizeof(text), "SET search_path = %s", paths[i]);
		push_query(scene->writer, 1, ordinal++, text, "");
		for (int times = 0; times < 4; times++)
			push_query(scene->writer, 1, ordinal++, "SELECT a", "x");
	}
	for (int times = 0; times < 4; times++) {
		push_bound(scene, ordinal++, INT4, true);
		push_bound(scene, ordinal++, TEXT, true);
		push_bound(scene, ordinal++, TEXT, false);
	}
	scene_finish(scene);
	assert_sql(scene->folder.file,
		   "SELECT group_concat(path, '') FROM (SELECT x.search_path AS path "
		   "FROM exchange e JOIN statement s ON s.id = e.statement "
		   "JOIN context x ON x.id = s.context WHERE s.text = 'SELECT a' ORDER BY e.id)",
		   "aaaabbbbaaaa");
	assert_sql(scene->folder.file, "SELECT count(*) FROM statement WHERE text = 'SELECT a'",
		   "2");
	assert_sql(scene->folder.file,
		   "SELECT group_concat(times, ' ') FROM (SELECT count(*) AS times FROM exchange e "
		   "JOIN statement s ON s.id = e.statement WHERE s.text = 'SELECT $1' "
		   "GROUP BY s.id)",
		   "4 4 4");
}

/* The same request by another form of the protocol has the same hash. */
static void test_forms_agree(void **state)
{
	struct scene *scene = *state;
	static const uint8_t five[] = { 0, 0, 0, 5 };
	struct item *item;

	push_query(scene->writer, 1, 1, "SELECT v FROM t WHERE id = 5", "x");
	item = make_exchange(1, 2, "SELECT v FROM t WHERE id = $1");
	add_parameter(item, INT4, false, PARAMETER_TEXT, SLICE("5"));
	push(scene->writer, item);
	item = make_exchange(1, 3, "select v from t where id=$1");
	add_parameter(item, INT4, true, PARAMETER_BINARY, slice_of(five, 4));
	push(scene->writer, item);
	item = make_exchange(1, 4, "select v from t where id=$1");
	add_parameter(item, INT4, true, PARAMETER_TEXT, SLICE("+05"));
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT count(DISTINCT exact_hash) FROM exchange", "1");
	assert_sql(scene->folder.file, "SELECT group_concat(parameters, ' ') FROM exchange",
		   "[5] [\"5\"] [5] [5]");
	assert_sql(scene->folder.file, "SELECT slot_types FROM statement", "[23]");
}

static void test_values(void **state)
{
	struct scene *scene = *state;
	static const uint8_t number[] = { 0, 0, 1, 0 };
	struct buffer raw;
	struct item *item;

	item = make_exchange(1, 1, "SELECT * FROM t");
	buffer_init(&raw, 4096);
	add_column(&raw, INT4, PARAMETER_BINARY, "n");
	add_column(&raw, BYTEA, PARAMETER_BINARY, "b");
	add_column(&raw, TEXT, PARAMETER_TEXT, "t\"\xff");
	item_add_piece(item, PIECE_COLUMNS, 0, buffer_slice(&raw));
	buffer_clear(&raw);
	buffer_append_u16be(&raw, 3);
	add_value(&raw, slice_of(number, 4));
	add_value(&raw, SLICE("\1\2"));
	add_value(&raw, SLICE("tab\there \xc3\xa4"));
	buffer_append_u16be(&raw, 3);
	add_value(&raw, slice_of(NULL, 0));
	add_value(&raw, slice_of("", 0));
	add_value(&raw, SLICE("\xff"));
	item_add_piece(item, PIECE_ROWS, 0, buffer_slice(&raw))->count = 2;
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 2"));
	push(scene->writer, item);
	buffer_release(&raw);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT \"values\" FROM rows WHERE row_number = 1",
		   "[\"256\",{\"hex\":\"0102\"},\"tab\\there \xc3\xa4\"]");
	assert_sql(scene->folder.file, "SELECT \"values\" FROM rows WHERE row_number = 2",
		   "[null,{\"hex\":\"\"},{\"hex\":\"ff\"}]");
	assert_sql(scene->folder.file, "SELECT json_extract(description, '$[0].type') FROM columns",
		   "int4");
	assert_sql(scene->folder.file,
		   "SELECT json_extract(description, '$[2].name.hex') FROM columns", "7422ff");
}

static void test_error_and_notices(void **state)
{
	struct scene *scene = *state;
	const char *const rows[] = { "a", "b" };
	struct writer_summary summary;
	struct item *item;

	item = make_exchange(1, 1, "SELECT * FROM nowhere");
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("severity\0WARNING\0message\0careful\0"));
	item_add_piece(item, PIECE_STATUS, 0, SLICE("TimeZone\0UTC\0"));
	item_add_piece(item, PIECE_ERROR, 0,
		       SLICE("severity\0ERROR\0code\00042P01\0message\0relation \"nowhere\" does "
			     "not exist\0"));
	item->exchange.outcome = OUTCOME_ERROR;
	push(scene->writer, item);
	item = make_exchange(1, 2, "SELEC 1");
	item->exchange.kind = EXCHANGE_PARSE;
	item->exchange.outcome = OUTCOME_ERROR;
	item_add_piece(item, PIECE_ERROR, 0, SLICE("broken"));
	push(scene->writer, item);
	item = make_exchange(1, 3, "SELECT * FROM here");
	item_add_piece(item, PIECE_ERROR, 0,
		       SLICE("severity\0ERROR\0code\0001146\0sqlstate\00042S02\0message\0no such "
			     "table\0"));
	item->exchange.outcome = OUTCOME_ERROR;
	push(scene->writer, item);
	item = make_exchange(1, 4, "SELECT v FROM noisy");
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0plan\0"));
	add_rows(item, 0, NULL, rows, 2);
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0rows\0"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 2"));
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0commit\0"));
	push(scene->writer, item);
	summary = scene_finish(scene);
	assert_int_equal(summary.errors, 3);
	assert_sql(scene->folder.file, "SELECT events FROM result WHERE exchange = 4",
		   "[{\"notice\": {\"message\": \"plan\"}}, "
		   "{\"notice\": {\"message\": \"rows\"}, \"after\": 2}, "
		   "{\"notice\": {\"message\": \"commit\"}, \"after\": \"tag\"}]");
	assert_sql(scene->folder.file, "SELECT error FROM errors WHERE id = 3",
		   "ERROR 1146 (42S02): no such table");
	assert_sql(scene->folder.file, "SELECT error FROM errors",
		   "ERROR 42P01: relation \"nowhere\" does not exist");
	assert_sql(scene->folder.file, "SELECT events FROM result WHERE exchange = 1",
		   "[{\"notice\": {\"severity\": \"WARNING\", \"message\": \"careful\"}}, "
		   "{\"status\": {\"TimeZone\": \"UTC\"}}]");
	assert_sql(scene->folder.file, "SELECT error FROM errors WHERE id = 2",
		   "{\"raw\": {\"hex\": \"62726f6b656e\"}}");
}

/* A result that comes in several items, with a value in parts: stored as it comes. */
static void test_streamed(void **state)
{
	struct scene *scene = *state;
	const char *const first[] = { "a", "b" };
	struct writer_summary summary;
	struct buffer raw;
	struct item *item;

	item = make_exchange(1, 1, "SET search_path = other");
	item->exchange.closes = false;
	push(scene->writer, item);
	/* Opened while the first, which changes the context, still waits for its end. */
	item = make_exchange(1, 2, "SELECT v FROM big");
	item->exchange.closes = false;
	add_rows(item, 0, "", first, 2);
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange = (struct exchange_item){ .ordinal = 1,
						 .closes = true,
						 .outcome = OUTCOME_OK,
						 .pieces_end = &item->exchange.pieces,
						 .end_ns = 1700000000002000000 };
	item_add_piece(item, PIECE_TAG, 0, SLICE("SET"));
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 2;
	item_add_piece(item, PIECE_VALUE, 0, SLICE("hello "))->part = 1;
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 2;
	item->exchange.closes = true;
	item->exchange.outcome = OUTCOME_OK;
	item->exchange.end_ns = 1700000000003000000;
	item_add_piece(item, PIECE_VALUE, 0, SLICE("world"))->part = 1;
	buffer_init(&raw, 4096);
	buffer_append_u16be(&raw, 1);
	buffer_append_u32be(&raw, (uint32_t)ROW_VALUE_IN_PART);
	buffer_append_u32be(&raw, 1);
	buffer_append_u64be(&raw, 11);
	item_add_piece(item, PIECE_ROWS, 0, buffer_slice(&raw))->count = 1;
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 3"));
	push(scene->writer, item);
	buffer_release(&raw);
	summary = scene_finish(scene);
	assert_int_equal(summary.unfinished, 0);
	assert_sql(scene->folder.file,
		   "SELECT group_concat(\"values\", ' ') FROM rows WHERE exchange = 2",
		   "[\"a\"] [\"b\"] [{\"part\":1,\"bytes\":11}]");
	assert_sql(scene->folder.file,
		   "SELECT group_concat(sequence || CAST(bytes AS TEXT), '') FROM value_part",
		   "0hello 1world");
	assert_sql(scene->folder.file, "SELECT row_count || tag FROM result WHERE exchange = 2",
		   "3SELECT 3");
	assert_sql(scene->folder.file,
		   "SELECT c.search_path FROM exchange e JOIN statement s ON s.id = e.statement "
		   "JOIN context c ON c.id = s.context WHERE e.id = 2",
		   "other");
	/* Its identity is another than it was opened with: made anew when it is needed. */
	assert_sql(scene->folder.file, "SELECT exact_hash IS NULL FROM exchange WHERE id = 2", "1");
}

/* An item that ends behind a result's tag: the next result's beginning, and a late notice, leave the tag as it was. */
static void test_results_between_items(void **state)
{
	const char *const values[] = { "a" };
	struct scene *scene = *state;
	struct item *item;

	item = make_exchange(1, 1, "CALL p()");
	item->exchange.closes = false;
	add_rows(item, 0, "SELECT 1", values, 1);
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 1;
	add_rows(item, 1, "SELECT 1", values, 1);
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 1;
	item_add_piece(item, PIECE_NOTICE, 1, SLICE("message\0late\0"));
	push(scene->writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 1;
	item->exchange.closes = true;
	item->exchange.outcome = OUTCOME_OK;
	item_add_piece(item, PIECE_TAG, 2, SLICE("CALL"));
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file,
		   "SELECT group_concat(number || coalesce(tag, '-') || "
		   "coalesce(events, ''), ' ') FROM result",
		   "0SELECT 1 1SELECT 1[{\"notice\": {\"message\": \"late\"}, \"after\": \"tag\"}] "
		   "2CALL");
}

static void push_in_two(struct scene *scene, uint64_t ordinal, const char *text,
			struct item *answer)
{
	struct item *item = make_exchange(1, ordinal, text);

	item->exchange.closes = false;
	push(scene->writer, item);
	answer->exchange.opens = false;
	push(scene->writer, answer);
}

/* An answer that took its time came in an item of its own: what its statement gives is known all the same. */
static void test_late_columns(void **state)
{
	struct scene *scene = *state;
	const char *const a[] = { "a" };
	struct item *item;

	item = make_exchange(1, 1, "");
	add_rows(item, 0, "SELECT 1", a, 1);
	push_in_two(scene, 1, "SELECT slow()", item);
	item = make_exchange(1, 2, "");
	item_add_piece(item, PIECE_TAG, 0, SLICE("UPDATE 1"));
	push_in_two(scene, 2, "UPDATE slow SET a = 1", item);
	item = make_exchange(1, 3, "");
	item->exchange.outcome = OUTCOME_ERROR;
	push_in_two(scene, 3, "DELETE FROM slow", item);
	push(scene->writer, make_close(1));
	scene_finish(scene);
	assert_sql(
		scene->folder.file,
		"SELECT group_concat(verb || described || ':' || coalesce(description, '-'), ' ') "
		"FROM statement s LEFT JOIN columns c ON c.id = s.columns",
		"select1:[{\"name\": \"v\", \"type\": \"text\", \"type_id\": 25, \"modifier\": -1, "
		"\"length\": -1, \"form\": \"text\"}] update1:- delete0:-");
}

static void test_unfinished(void **state)
{
	struct scene *scene = *state;
	struct writer_summary summary;
	struct item *item;

	item = make_exchange(1, 1, "SELECT pg_sleep(1000)");
	item->exchange.closes = false;
	push(scene->writer, item);
	item = make_exchange(1, 2, "COPY t FROM STDIN");
	item->exchange.flags = EXCHANGE_COPY | EXCHANGE_CUT;
	push(scene->writer, item);
	item = make_exchange(1, 3, "SELECT pg_sleep(1001)");
	item->exchange.flags = EXCHANGE_CUT;
	push(scene->writer, item);
	push(scene->writer, make_close(1));
	summary = scene_finish(scene);
	assert_int_equal(summary.unfinished, 3);
	assert_int_equal(summary.flagged, 1); /* not those that were only cut */
	assert_sql(scene->folder.file, "SELECT duration_ms IS NULL FROM queries WHERE id = 1", "1");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged WHERE id = 1", "unfinished");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged WHERE id = 2",
		   "copy-data-not-stored cut");
}

/* Results that did not fit the split: the batch's exchanges become one. */
static void test_merge(void **state)
{
	struct scene *scene = *state;
	const char *const a[] = { "a" };
	const char *const b[] = { "b", "c" };
	struct item *item;

	item = make_exchange(1, 1, "SELECT 1");
	item->exchange.batch = 7;
	add_rows(item, 0, "SELECT 1", a, 1);
	push(scene->writer, item);
	item = make_exchange(1, 2, "CALL p()");
	item->exchange.batch = 7;
	item->exchange.index = 1;
	add_rows(item, 0, "SELECT 2", b, 2);
	push(scene->writer, item);
	item = item_new(ITEM_BATCH_MERGE, 1);
	item->batch_merge =
		(struct batch_merge_item){ .batch = 7, .text = SLICE("SELECT 1; CALL p()") };
	push(scene->writer, item);
	push_query(scene->writer, 1, 8, "SELECT 8", "eight");
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT count(*) FROM exchange", "2");
	assert_sql(scene->folder.file,
		   "SELECT sql || '|' || tag || '|' || row_count FROM queries WHERE id = 1",
		   "SELECT 1; CALL p()|SELECT 1; SELECT 2|3");
	assert_sql(scene->folder.file,
		   "SELECT group_concat(\"values\") FROM rows WHERE exchange = 1",
		   "[\"a\"],[\"b\"],[\"c\"]");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged", "merged");
	assert_sql(scene->folder.file, "SELECT edited FROM exchange WHERE id = 1", "0");
}

/* One statement that gave several results, and whose text left with the first piece of it: the text stays. */
static void test_merge_of_one(void **state)
{
	const char *const a[] = { "a" };
	struct scene *scene = *state;
	struct item *item;

	item = make_exchange(1, 1, "INSERT INTO v VALUES (1)");
	item->exchange.batch = 7;
	add_rows(item, 0, "SELECT 1", a, 1);
	push(scene->writer, item);
	item = item_new(ITEM_BATCH_MERGE, 1);
	item->batch_merge = (struct batch_merge_item){ .batch = 7 };
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT sql FROM queries", "INSERT INTO v VALUES (1)");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged", "merged");
	assert_sql(scene->folder.file, "SELECT count(*) FROM exchange WHERE exact_hash IS NULL",
		   "0");
}

static void test_statement_seen(void **state)
{
	struct scene *scene = *state;
	static const uint32_t types[] = { INT4, TEXT };
	struct buffer raw;
	struct item *item;

	item = item_new(ITEM_STATEMENT, 1);
	buffer_init(&raw, 4096);
	add_column(&raw, INT4, PARAMETER_TEXT, "id");
	item->statement = (struct statement_item){
		.text = SLICE("SELECT id FROM t WHERE a = $1 AND b = 5 AND c = $2"),
		.parameter_types = types,
		.n_parameter_types = 2,
		.has_columns = true,
		.columns = arena_copy(&item->arena, buffer_slice(&raw))
	};
	push(scene->writer, item);
	buffer_release(&raw);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT slot_types || described FROM statement",
		   "[23, 0, 25]1");
	assert_sql(scene->folder.file,
		   "SELECT json_extract(description, '$[0].name') FROM columns c JOIN statement s "
		   "ON s.columns = c.id",
		   "id");
}

/* A login on a connection that has one: the session begins anew, the connection's row tells the first. */
static void test_session_again(void **state)
{
	struct scene *scene = *state;
	struct item *again = make_session(1, "other");

	again->session.user = SLICE("zoe");
	push_query(scene->writer, 1, 1, "SET search_path = mine", "");
	push_query(scene->writer, 1, 2, "SELECT a", "1");
	push(scene->writer, again);
	push_query(scene->writer, 1, 3, "SELECT a", "2");
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT user || '@' || database FROM connection", "ann@app");
	assert_sql(scene->folder.file,
		   "SELECT group_concat(x.database || ':' || ifnull(x.search_path, '-'), ' ') "
		   "FROM exchange e JOIN statement s ON s.id = e.statement "
		   "JOIN context x ON x.id = s.context WHERE s.text = 'SELECT a' ORDER BY e.id",
		   "app:mine other:-");
	assert_sql(scene->folder.file, "SELECT group_concat(database) FROM queries",
		   "app,app,other");
}

/* Does the file hold these bytes anywhere? */
static bool file_holds(const char *path, const char *bytes)
{
	FILE *file = fopen(path, "re");
	struct buffer whole;
	char piece[4096];
	size_t size;
	bool holds;

	assert_non_null(file);
	buffer_init(&whole, (size_t)16 << 20);
	while ((size = fread(piece, 1, sizeof(piece), file)) > 0)
		buffer_append(&whole, piece, size);
	fclose(file);
	assert_false(whole.overflowed);
	holds = memmem(whole.data, whole.size, bytes, strlen(bytes)) != NULL;
	buffer_release(&whole);
	return holds;
}

/* Secrets are not in the file, not even in its free pages. */
static void test_secrets(void **unused)
{
	const char *const command[] = { "env",
					"PGPASSWORD=hunter2",
					"psql",
					"postgresql://ann:hunter2@db/app",
					"host=x password = 'hunter2' user=y",
					"--password",
					"hunter2",
					"--api-token=hunter2",
					"mysql",
					"-phunter2",
					"-P3306",
					"-eCREATE USER a IDENTIFIED BY \"hunter2\"",
					"SET PASSWORD FOR a = PASSWORD('hunter2')",
					NULL };
	struct writer_options options = { .command = command };
	char error[STORE_ERROR_BYTES];
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	options.path = folder.file;
	assert_int_equal(writer_open(&options, &writer, error), 0);
	push_session(writer, 1);
	push_query(writer, 1, 1, "ALTER ROLE ann PASSWORD 'hunter2'", "x");
	finish_writer(writer);
	assert_sql(
		folder.file, "SELECT command FROM recording",
		"[\"env\", \"PGPASSWORD=***\", \"psql\", \"postgresql://ann:***@db/app\", "
		"\"host=x password = *** user=y\", \"--password\", \"***\", \"--api-token=***\", "
		"\"mysql\", \"-p***\", \"-P3306\", "
		"\"-eCREATE USER a IDENTIFIED BY ***\", \"SET PASSWORD FOR a = PASSWORD(***)\"]");
	assert_sql(folder.file, "SELECT sql FROM queries", "ALTER ROLE ann PASSWORD '***'");
	assert_false(file_holds(folder.file, "hunter2"));
	assert_true(file_holds(folder.file, "ALTER ROLE ann"));
	folder_remove(&folder);
}

/* What a client says of itself at login; MySQL's programs may name it what they like. */
static void test_secret_parameters(void **unused)
{
	static const struct name_value parameters[] = {
		{ SLICE("program_name"), SLICE("mysql://ann:hunter2@db") },
		{ SLICE("_client_name"), SLICE("libmysql") },
		{ SLICE("api_token"), SLICE("hunter2") },
	};
	struct buffer json;
	(void)unused;

	buffer_init(&json, 4096);
	mask_parameters_json(&json, parameters, 3);
	buffer_append_u8(&json, 0);
	assert_string_equal(
		(const char *)json.data,
		"{\"program_name\": \"mysql://ann:***@db\", \"_client_name\": \"libmysql\", "
		"\"api_token\": \"***\"}");
	buffer_release(&json);
}

/* A large parameter lies in pieces, outside of the row. */
static void test_large_parameter(void **state)
{
	struct scene *scene = *state;
	const size_t size = 600 * 1024;
	struct item *item;
	char *large = malloc(size);

	memset(large, 'x', size);
	item = make_exchange(1, 1, "INSERT INTO t VALUES ($1, $2)");
	add_parameter(item, TEXT, true, PARAMETER_TEXT, SLICE("small"));
	add_parameter(item, TEXT, true, PARAMETER_TEXT, slice_of(large, size));
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT parameters FROM exchange",
		   "[\"small\", {\"part\": 1000000001, \"bytes\": 614400}]");
	assert_sql(scene->folder.file,
		   "SELECT count(*) || ' ' || sum(length(bytes)) FROM value_part", "3 614400");
	free(large);
}

/* Items that no recorder makes: nothing is lost but they, and nothing crashes. */
static void test_strange_items(void **state)
{
	struct scene *scene = *state;
	struct item *item;

	push_query(scene->writer, 1, 1, "SELECT 'before the connection'", "x");
	push(scene->writer, make_open(1, "127.0.0.1", 5432));
	push(scene->writer, make_open(1, "127.0.0.1", 5432));
	push_query(scene->writer, 1, 1, "SELECT 'before the session'", "x");
	push(scene->writer, make_session(1, "app"));
	push(scene->writer, make_session(1, "other"));
	item = make_exchange(1, 9, "");
	item->exchange.opens = false; /* of an exchange that is not open */
	push(scene->writer, item);
	item = make_exchange(1, 10, "SELECT 10");
	item_add_piece(item, PIECE_ROWS, 0, SLICE("\0\2\0"))->count = 3; /* cut off */
	item_add_piece(item, PIECE_COLUMNS, 1, SLICE("nonsense"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 1")); /* goes back */
	push(scene->writer, item);
	scene_finish(scene);
	assert_sql(scene->folder.file, "SELECT count(*) FROM exchange", "1");
	assert_sql(scene->folder.file, "SELECT flags FROM flagged", "not-decoded");
	assert_sql(scene->folder.file, "SELECT database FROM connection", "app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_ordinary),
		SCENE(test_templates),
		SCENE(test_statements_again),
		SCENE(test_forms_agree),
		SCENE(test_values),
		SCENE(test_error_and_notices),
		SCENE(test_streamed),
		SCENE(test_results_between_items),
		SCENE(test_late_columns),
		SCENE(test_unfinished),
		SCENE(test_merge),
		SCENE(test_merge_of_one),
		SCENE(test_statement_seen),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_secret_parameters),
		SCENE(test_large_parameter),
		BARE_SCENE(test_strange_items),
		SCENE(test_session_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
