/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: what items become in a real SQLite file. */
#include "tests/unit/store_support.h"

static void test_ordinary(void **unused)
{
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT name FROM t WHERE id = 5", "five");
	push_query(writer, 1, 2, "SELECT name FROM t WHERE id = 7", "seven");
	push(writer, make_close(1));
	summary = finish_writer(writer);
	assert_int_equal(summary.exchanges, 2);
	assert_int_equal(summary.unfinished, 0);
	assert_int_equal(summary.connections, 1);
	assert_int_equal(summary.statements, 1);
	assert_sql(folder.file, "SELECT count(*) FROM queries", "2");
	assert_sql(folder.file, "SELECT sql FROM queries WHERE id = 2",
		   "SELECT name FROM t WHERE id = 7");
	assert_sql(folder.file, "SELECT parameters FROM queries WHERE id = 2", "[7]");
	assert_sql(folder.file, "SELECT row_count || tag FROM queries WHERE id = 1", "1SELECT 1");
	assert_sql(folder.file, "SELECT started_at FROM queries WHERE id = 1",
		   "2023-11-14T22:13:20.001Z");
	assert_sql(folder.file, "SELECT duration_ms FROM queries WHERE id = 1", "0.5");
	assert_sql(folder.file, "SELECT \"values\" FROM rows WHERE exchange = 2", "[\"seven\"]");
	assert_sql(folder.file, "SELECT complete FROM recording", "1");
	assert_sql(folder.file, "PRAGMA journal_mode", "delete");
	assert_sql(folder.file, "PRAGMA integrity_check", "ok");
	assert_sql(folder.file, "SELECT count(*) FROM pragma_foreign_key_check", "0");
	assert_int_equal(access(folder.partial, F_OK), -1);
	folder_remove(&folder);
}

/*
 * Texts with their values inside share a template; the first spelling is the template's, others
 * keep their own.
 */
static void test_templates(void **unused)
{
	struct writer *writer;
	struct folder folder;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	for (uint64_t i = 1; i <= 4; i++) {
		char text[64];

		snprintf(text, sizeof(text), "SELECT v FROM t WHERE id = %d", (int)i % 2);
		push_query(writer, 1, i, text, "x");
	}
	assert_int_equal(finish_writer(writer).statements, 1);
	assert_sql(folder.file, "SELECT group_concat(coalesce(text, '-'), '|') FROM exchange",
		   "-|SELECT v FROM t WHERE id = 0|-|SELECT v FROM t WHERE id = 0");
	assert_sql(folder.file, "SELECT count(DISTINCT exact_hash) FROM exchange", "2");
	assert_sql(folder.file, "SELECT times || '/' || distinct_parameters FROM repeated", "4/2");
	assert_sql(folder.file, "SELECT count(*) FROM columns", "1");
	folder_remove(&folder);
}

/* The same request by another form of the protocol has the same hash. */
static void test_forms_agree(void **unused)
{
	static const uint8_t five[] = { 0, 0, 0, 5 };
	struct writer *writer;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SELECT v FROM t WHERE id = 5", "x");
	item = make_exchange(1, 2, "SELECT v FROM t WHERE id = $1");
	add_parameter(item, INT4, false, PARAMETER_TEXT, SLICE("5"));
	push(writer, item);
	item = make_exchange(1, 3, "select v from t where id=$1");
	add_parameter(item, INT4, true, PARAMETER_BINARY, slice_of(five, 4));
	push(writer, item);
	item = make_exchange(1, 4, "select v from t where id=$1");
	add_parameter(item, INT4, true, PARAMETER_TEXT, SLICE("+05"));
	push(writer, item);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT count(DISTINCT exact_hash) FROM exchange", "1");
	assert_sql(folder.file, "SELECT group_concat(parameters, ' ') FROM exchange",
		   "[5] [\"5\"] [5] [5]");
	assert_sql(folder.file, "SELECT slot_types FROM statement", "[23]");
	folder_remove(&folder);
}

static void test_values(void **unused)
{
	static const uint8_t number[] = { 0, 0, 1, 0 };
	struct writer *writer;
	struct folder folder;
	struct buffer raw;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
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
	push(writer, item);
	buffer_release(&raw);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT \"values\" FROM rows WHERE row_number = 1",
		   "[\"256\",{\"hex\":\"0102\"},\"tab\\there \xc3\xa4\"]");
	assert_sql(folder.file, "SELECT \"values\" FROM rows WHERE row_number = 2",
		   "[null,{\"hex\":\"\"},{\"hex\":\"ff\"}]");
	assert_sql(folder.file, "SELECT json_extract(description, '$[0].type') FROM columns",
		   "int4");
	assert_sql(folder.file, "SELECT json_extract(description, '$[2].name.hex') FROM columns",
		   "7422ff");
	folder_remove(&folder);
}

static void test_error_and_notices(void **unused)
{
	const char *const rows[] = { "a", "b" };
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT * FROM nowhere");
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("severity\0WARNING\0message\0careful\0"));
	item_add_piece(item, PIECE_STATUS, 0, SLICE("TimeZone\0UTC\0"));
	item_add_piece(item, PIECE_ERROR, 0,
		       SLICE("severity\0ERROR\0code\00042P01\0message\0relation \"nowhere\" does "
			     "not exist\0"));
	item->exchange.outcome = OUTCOME_ERROR;
	push(writer, item);
	item = make_exchange(1, 2, "SELEC 1");
	item->exchange.kind = EXCHANGE_PARSE;
	item->exchange.outcome = OUTCOME_ERROR;
	item_add_piece(item, PIECE_ERROR, 0, SLICE("broken"));
	push(writer, item);
	item = make_exchange(1, 3, "SELECT * FROM here");
	item_add_piece(item, PIECE_ERROR, 0,
		       SLICE("severity\0ERROR\0code\0001146\0sqlstate\00042S02\0message\0no such "
			     "table\0"));
	item->exchange.outcome = OUTCOME_ERROR;
	push(writer, item);
	item = make_exchange(1, 4, "SELECT v FROM noisy");
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0plan\0"));
	add_rows(item, 0, NULL, rows, 2);
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0rows\0"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 2"));
	item_add_piece(item, PIECE_NOTICE, 0, SLICE("message\0commit\0"));
	push(writer, item);
	summary = finish_writer(writer);
	assert_int_equal(summary.errors, 3);
	assert_sql(folder.file, "SELECT events FROM result WHERE exchange = 4",
		   "[{\"notice\": {\"message\": \"plan\"}}, "
		   "{\"notice\": {\"message\": \"rows\"}, \"after\": 2}, "
		   "{\"notice\": {\"message\": \"commit\"}, \"after\": \"tag\"}]");
	assert_sql(folder.file, "SELECT error FROM errors WHERE id = 3",
		   "ERROR 1146 (42S02): no such table");
	assert_sql(folder.file, "SELECT error FROM errors",
		   "ERROR 42P01: relation \"nowhere\" does not exist");
	assert_sql(folder.file, "SELECT events FROM result WHERE exchange = 1",
		   "[{\"notice\": {\"severity\": \"WARNING\", \"message\": \"careful\"}}, "
		   "{\"status\": {\"TimeZone\": \"UTC\"}}]");
	assert_sql(folder.file, "SELECT error FROM errors WHERE id = 2",
		   "{\"raw\": {\"hex\": \"62726f6b656e\"}}");
	folder_remove(&folder);
}

/* A result that comes in several items, with a value in parts: stored as it comes. */
static void test_streamed(void **unused)
{
	const char *const first[] = { "a", "b" };
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	struct buffer raw;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SET search_path = other");
	item->exchange.closes = false;
	push(writer, item);
	/* Opened while the first, which changes the context, still waits for its end. */
	item = make_exchange(1, 2, "SELECT v FROM big");
	item->exchange.closes = false;
	add_rows(item, 0, "", first, 2);
	push(writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange = (struct exchange_item){ .ordinal = 1,
						 .closes = true,
						 .outcome = OUTCOME_OK,
						 .pieces_end = &item->exchange.pieces,
						 .end_ns = 1700000000002000000 };
	item_add_piece(item, PIECE_TAG, 0, SLICE("SET"));
	push(writer, item);
	item = item_new(ITEM_EXCHANGE, 1);
	item->exchange.ordinal = 2;
	item_add_piece(item, PIECE_VALUE, 0, SLICE("hello "))->part = 1;
	push(writer, item);
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
	push(writer, item);
	buffer_release(&raw);
	summary = finish_writer(writer);
	assert_int_equal(summary.unfinished, 0);
	assert_sql(folder.file, "SELECT group_concat(\"values\", ' ') FROM rows WHERE exchange = 2",
		   "[\"a\"] [\"b\"] [{\"part\":1,\"bytes\":11}]");
	assert_sql(folder.file,
		   "SELECT group_concat(sequence || CAST(bytes AS TEXT), '') FROM value_part",
		   "0hello 1world");
	assert_sql(folder.file, "SELECT row_count || tag FROM result WHERE exchange = 2",
		   "3SELECT 3");
	assert_sql(folder.file,
		   "SELECT c.search_path FROM exchange e JOIN statement s ON s.id = e.statement "
		   "JOIN context c ON c.id = s.context WHERE e.id = 2",
		   "other");
	/* Its identity is another than it was opened with: made anew when it is needed. */
	assert_sql(folder.file, "SELECT exact_hash IS NULL FROM exchange WHERE id = 2", "1");
	folder_remove(&folder);
}

static void test_unfinished(void **unused)
{
	struct writer_summary summary;
	struct writer *writer;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT pg_sleep(1000)");
	item->exchange.closes = false;
	push(writer, item);
	item = make_exchange(1, 2, "COPY t FROM STDIN");
	item->exchange.flags = EXCHANGE_COPY | EXCHANGE_CUT;
	push(writer, item);
	push(writer, make_close(1));
	summary = finish_writer(writer);
	assert_int_equal(summary.unfinished, 2);
	assert_int_equal(summary.flagged, 1);
	assert_sql(folder.file, "SELECT duration_ms IS NULL FROM queries WHERE id = 1", "1");
	assert_sql(folder.file, "SELECT flags FROM flagged WHERE id = 1", "unfinished");
	assert_sql(folder.file, "SELECT flags FROM flagged WHERE id = 2",
		   "copy-data-not-stored cut");
	folder_remove(&folder);
}

/* Results that did not fit the split: the batch's exchanges become one. */
static void test_merge(void **unused)
{
	const char *const a[] = { "a" };
	const char *const b[] = { "b", "c" };
	struct writer *writer;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	item = make_exchange(1, 1, "SELECT 1");
	item->exchange.batch = 7;
	add_rows(item, 0, "SELECT 1", a, 1);
	push(writer, item);
	item = make_exchange(1, 2, "CALL p()");
	item->exchange.batch = 7;
	item->exchange.index = 1;
	add_rows(item, 0, "SELECT 2", b, 2);
	push(writer, item);
	item = item_new(ITEM_BATCH_MERGE, 1);
	item->batch_merge =
		(struct batch_merge_item){ .batch = 7, .text = SLICE("SELECT 1; CALL p()") };
	push(writer, item);
	push_query(writer, 1, 8, "SELECT 8", "eight");
	finish_writer(writer);
	assert_sql(folder.file, "SELECT count(*) FROM exchange", "2");
	assert_sql(folder.file,
		   "SELECT sql || '|' || tag || '|' || row_count FROM queries WHERE id = 1",
		   "SELECT 1; CALL p()|SELECT 1; SELECT 2|3");
	assert_sql(folder.file, "SELECT group_concat(\"values\") FROM rows WHERE exchange = 1",
		   "[\"a\"],[\"b\"],[\"c\"]");
	assert_sql(folder.file, "SELECT flags FROM flagged", "merged");
	assert_sql(folder.file, "SELECT edited FROM exchange WHERE id = 1", "0");
	folder_remove(&folder);
}

static void test_statement_seen(void **unused)
{
	static const uint32_t types[] = { INT4, TEXT };
	struct writer *writer;
	struct folder folder;
	struct buffer raw;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
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
	push(writer, item);
	buffer_release(&raw);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT slot_types || described FROM statement", "[23, 0, 25]1");
	assert_sql(folder.file,
		   "SELECT json_extract(description, '$[0].name') FROM columns c JOIN statement s "
		   "ON s.columns = c.id",
		   "id");
	folder_remove(&folder);
}

/* A login on a connection that has one: the session begins anew, the connection's row tells the first. */
static void test_session_again(void **unused)
{
	struct writer *writer;
	struct folder folder;
	struct item *again = make_session(1, "other");
	(void)unused;

	again->session.user = SLICE("zoe");
	folder_make(&folder);
	writer = start_session(folder.file);
	push_query(writer, 1, 1, "SET search_path = mine", "");
	push_query(writer, 1, 2, "SELECT a", "1");
	push(writer, again);
	push_query(writer, 1, 3, "SELECT a", "2");
	finish_writer(writer);
	assert_sql(folder.file, "SELECT user || '@' || database FROM connection", "ann@app");
	assert_sql(folder.file,
		   "SELECT group_concat(x.database || ':' || ifnull(x.search_path, '-'), ' ') "
		   "FROM exchange e JOIN statement s ON s.id = e.statement "
		   "JOIN context x ON x.id = s.context WHERE s.text = 'SELECT a' ORDER BY e.id",
		   "app:mine other:-");
	assert_sql(folder.file, "SELECT group_concat(database) FROM queries", "app,app,other");
	folder_remove(&folder);
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
	push(writer, make_open(1, "127.0.0.1", 5432));
	push(writer, make_session(1, "app"));
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

/* A large parameter lies in pieces, outside of the row. */
static void test_large_parameter(void **unused)
{
	const size_t size = 600 * 1024;
	struct writer *writer;
	struct folder folder;
	struct item *item;
	char *large = malloc(size);
	(void)unused;

	folder_make(&folder);
	writer = start_session(folder.file);
	memset(large, 'x', size);
	item = make_exchange(1, 1, "INSERT INTO t VALUES ($1, $2)");
	add_parameter(item, TEXT, true, PARAMETER_TEXT, SLICE("small"));
	add_parameter(item, TEXT, true, PARAMETER_TEXT, slice_of(large, size));
	push(writer, item);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT parameters FROM exchange",
		   "[\"small\", {\"part\": 1000000001, \"bytes\": 614400}]");
	assert_sql(folder.file, "SELECT count(*) || ' ' || sum(length(bytes)) FROM value_part",
		   "3 614400");
	free(large);
	folder_remove(&folder);
}

/* Items that no recorder makes: nothing is lost but they, and nothing crashes. */
static void test_strange_items(void **unused)
{
	struct writer *writer;
	struct folder folder;
	struct item *item;
	(void)unused;

	folder_make(&folder);
	writer = start_writer(folder.file);
	push_query(writer, 1, 1, "SELECT 'before the connection'", "x");
	push(writer, make_open(1, "127.0.0.1", 5432));
	push(writer, make_open(1, "127.0.0.1", 5432));
	push_query(writer, 1, 1, "SELECT 'before the session'", "x");
	push(writer, make_session(1, "app"));
	push(writer, make_session(1, "other"));
	item = make_exchange(1, 9, "");
	item->exchange.opens = false; /* of an exchange that is not open */
	push(writer, item);
	item = make_exchange(1, 10, "SELECT 10");
	item_add_piece(item, PIECE_ROWS, 0, SLICE("\0\2\0"))->count = 3; /* cut off */
	item_add_piece(item, PIECE_COLUMNS, 1, SLICE("nonsense"));
	item_add_piece(item, PIECE_TAG, 0, SLICE("SELECT 1")); /* goes back */
	push(writer, item);
	finish_writer(writer);
	assert_sql(folder.file, "SELECT count(*) FROM exchange", "1");
	assert_sql(folder.file, "SELECT flags FROM flagged", "not-decoded");
	assert_sql(folder.file, "SELECT database FROM connection", "app");
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),	  cmocka_unit_test(test_templates),
		cmocka_unit_test(test_forms_agree),	  cmocka_unit_test(test_values),
		cmocka_unit_test(test_error_and_notices), cmocka_unit_test(test_streamed),
		cmocka_unit_test(test_unfinished),	  cmocka_unit_test(test_merge),
		cmocka_unit_test(test_statement_seen),	  cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_large_parameter),	  cmocka_unit_test(test_strange_items),
		cmocka_unit_test(test_session_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
