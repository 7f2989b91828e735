/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: what statements make of the transaction, the search path, the role and other settings.
 */
#include "parsers/compiler.h"
#include "parsers/sql/session.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/sql.h"

#include <stdio.h>

static void feed(struct sql_session *session, const char *text, bool ok)
{
	struct sql_options options = sql_session_options(session);
	struct sql_test test;

	sql_test_init(&test, &options, text, NULL, 0);
	sql_session_statement(session, &test.statement, test.values, ok);
	sql_test_release(&test);
}

/*
 * A script: statements between |, each a batch of its own unless it begins with &, which puts it
 * into the batch of the one before. One that begins with ! fails.
 */
static void run(struct sql_session *session, const char *script)
{
	struct sql_test_context seen = { 0 };
	bool open = false, good = true;

	sql_test_see_context(&seen, session);
	while (*script) {
		size_t size = strcspn(script, "|");
		char *copy = strndup(script, size);
		char *text = copy + strspn(copy, " ");
		bool joined = *text == '&';
		bool ok;

		text += joined;
		ok = *text != '!';
		if (open && !joined) {
			sql_session_batch_end(session, good);
			sql_test_see_context(&seen, session);
			good = true;
		}
		feed(session, text + !ok, ok);
		sql_test_see_context(&seen, session);
		good = good && ok;
		open = true;
		free(copy);
		script += size + (script[size] == '|');
	}
	if (open)
		sql_session_batch_end(session, good);
	sql_test_see_context(&seen, session);
	buffer_release(&seen.text);
}

static void check(const char *script, char transaction, const char *search_path, const char *role)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));
	struct sql_context context;

	run(session, script);
	context = sql_session_context(session);
	assert_true(slice_equal(context.database, SLICE("db")));
	if (!slice_equal(context.search_path, slice_from_string(search_path)))
		fail_msg("%s: search_path <%.*s>", script, (int)context.search_path.size,
			 (const char *)context.search_path.data);
	if (!slice_equal(context.role, slice_from_string(role)))
		fail_msg("%s: role <%.*s>", script, (int)context.role.size,
			 (const char *)context.role.data);
	if (sql_session_transaction(session) != (enum sql_transaction)transaction)
		fail_msg("%s: transaction %c", script, (char)sql_session_transaction(session));
	sql_session_free(session);
}

static void test_transaction(void **state)
{
	(void)state;
	check("", 'I', "", "");
	check("begin", 'T', "", "");
	check("start transaction isolation level serializable", 'T', "", "");
	check("begin | begin", 'T', "", "");
	check("begin | !select 1", 'E', "", "");
	check("!select 1", 'I', "", "");
	check("begin | !x | commit", 'I', "", "");
	check("begin | !x | rollback", 'I', "", "");
	check("begin | select 1 | end", 'I', "", "");
	check("begin | savepoint a | !x | rollback to a", 'T', "", "");
	check("begin | commit and chain", 'T', "", "");
	check("begin | commit and no chain", 'I', "", "");
	check("begin | rollback work and chain", 'T', "", "");
	check("begin | !x | rollback and chain", 'T', "", "");
	check("begin | !commit", 'I', "", "");
	check("commit", 'I', "", "");
	check("begin | prepare transaction 'x'", 'I', "", "");
	check("begin | !prepare transaction 'x'", 'I', "", "");
	check("begin | !x | prepare transaction 'x'", 'I', "", "");
	check("begin | set search_path = a | !x | prepare transaction 'x'", 'I', "", "");
	check("begin | commit prepared 'x'", 'T', "", "");
	check("begin | &select 1 | &!x", 'E', "", "");
}

static void test_search_path(void **state)
{
	(void)state;
	check("set search_path to a,b", 'I', "a, b", "");
	check("SET search_path=A , \"B\"", 'I', "a, \"B\"", "");
	check("set search_path = 'a, b'", 'I', "\"a, b\"", "");
	check("set search_path = 'a', b", 'I', "a, b", "");
	check("set schema 'x'", 'I', "x", "");
	check("set session search_path to \"$user\", public", 'I', "\"$user\", public", "");
	check("set search_path = ''", 'I', "\"\"", "");
	check("select set_config('search_path', 'a, \"B\",C', false)", 'I', "a, \"B\", c", "");
	check("select pg_catalog.set_config('search_path', '', false)", 'I', "\"\"", "");
	check("select set_config('search_path', 'a', true)", 'I', "", "");
	check("begin | select set_config('search_path', 'a', true)", 'T', "a", "");
	check("select x, set_config('search_path', x, false)", 'I', "", "");
	check("select 'set_config(', set_config('role', 'r', false), "
	      "set_config('search_path','q',false)",
	      'I', "q", "r");
	check("set search_path = a | reset search_path", 'I', "", "");
	check("set search_path = a | set search_path to default", 'I', "", "");
	check("set search_path = a | reset all", 'I', "", "");
	check("set search_path = a | discard all", 'I', "", "");
	check("set search_path = a | !set search_path = b", 'I', "a", "");
	check("update t set search_path = 'a'", 'I', "", "");
	check("alter role x set search_path = a", 'I', "", "");
}

static void test_rollback(void **state)
{
	(void)state;
	check("set search_path = a | begin | set search_path = b | rollback", 'I', "a", "");
	check("set search_path = a | begin | set search_path = b | commit", 'I', "b", "");
	check("set search_path = a | begin | set local search_path = b", 'T', "b", "");
	check("set search_path = a | begin | set local search_path = b | commit", 'I', "a", "");
	check("begin | set local search_path = b | set search_path = c", 'T', "c", "");
	check("begin | set search_path = c | set local search_path = b | commit", 'I', "c", "");
	check("set search_path = a | begin | set local search_path to default", 'T', "", "");
	check("set search_path = a | begin | set local search_path to default | commit", 'I', "a",
	      "");
	check("set local search_path = b", 'I', "", "");
	check("begin | set search_path = a | savepoint s | set search_path = b | rollback to "
	      "savepoint s",
	      'T', "a", "");
	check("begin | savepoint s | set search_path = b | release s | rollback", 'I', "", "");
	check("begin | savepoint s | set search_path = b | release s | commit", 'I', "b", "");
	check("begin | savepoint s | set search_path = a | savepoint s | set search_path = b | "
	      "rollback to s",
	      'T', "a", "");
	check("begin | savepoint s | set search_path = a | savepoint s | set search_path = b | "
	      "release s | rollback to s",
	      'T', "", "");
	check("begin | savepoint s | set search_path = a | savepoint t | set search_path = b | "
	      "rollback to s | commit",
	      'I', "", "");
	check("begin | savepoint s | set search_path = a | rollback to s | set search_path = b | "
	      "rollback to s",
	      'T', "", "");
	check("begin | set search_path = a | savepoint s | set search_path = b | release s | "
	      "savepoint t | set search_path = c | rollback to t",
	      'T', "b", "");
	check("begin | savepoint \"S\" | set search_path = a | rollback to \"S\"", 'T', "", "");
	check("begin | set search_path = a | !x | commit", 'I', "", "");
	check("begin | savepoint s | set search_path = a | !x | rollback to s | set search_path = "
	      "b | commit",
	      'I', "b", "");
	check("begin | set search_path = a | commit and chain | set search_path = b | rollback",
	      'I', "a", "");
	check("begin | set search_path = a | prepare transaction 'x'", 'I', "a", "");
}

/* Statements of one batch are one transaction where they are in none. */
static void test_batches(void **state)
{
	(void)state;
	check("set search_path = a | &select 1", 'I', "a", "");
	check("set search_path = a | &!select 1", 'I', "", "");
	check("set search_path = a | &begin | &rollback", 'I', "", "");
	check("set search_path = a | &commit | &!x", 'I', "a", "");
	check("set search_path = a | &begin | &set search_path = b | &commit | &!x", 'I', "b", "");
	check("set local search_path = a | &select 1", 'I', "", "");
	check("begin | &set search_path = a | &!x | rollback", 'I', "", "");
}

static void test_role(void **state)
{
	(void)state;
	check("set role a", 'I', "", "a");
	check("set role = a", 'I', "", "a");
	check("set role to \"A\"", 'I', "", "A");
	check("set role 'A b'", 'I', "", "A b");
	check("set role a | set role none", 'I', "", "");
	check("set role a | reset role", 'I', "", "");
	check("set role a | reset all", 'I', "", "a");
	check("set role a | discard all", 'I', "", "");
	check("begin | set local role a | commit", 'I', "", "");
	check("begin | set local role a", 'T', "", "a");
	check("set session authorization a", 'I', "", "session a");
	check("set session session authorization a | set role b", 'I', "", "session a role b");
	check("set role b | set session authorization a", 'I', "", "session a");
	check("set session authorization a | set session authorization default", 'I', "", "");
	check("set session authorization a | reset session authorization", 'I', "", "");
	check("set session authorization a | discard all", 'I', "", "");
	check("begin | set session authorization a | rollback", 'I', "", "");
}

static void check_setting(struct sql_session *session, const char *name, const char *value)
{
	struct slice found = sql_session_setting(session, slice_from_string(name));

	if (!value)
		assert_null(found.data);
	else if (!found.data || !slice_equal(found, slice_from_string(value)))
		fail_msg("%s is <%.*s>", name, (int)found.size, (const char *)found.data);
}

static void test_startup(void **state)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));

	(void)state;
	sql_session_startup(session, SLICE("search_path"), SLICE("A, b"));
	sql_session_startup(
		session, SLICE("options"),
		SLICE("-c role=r --my-app.x=a\\ b -cwork_mem=4MB -c search_path=c\\,\\ \"D\" -c"));
	sql_session_startup(session, SLICE("application_name"), SLICE("psql"));
	assert_true(slice_equal(sql_session_context(session).search_path, SLICE("c, \"D\"")));
	assert_true(slice_equal(sql_session_context(session).role, SLICE("r")));
	check_setting(session, "my_app.X", "a b");
	check_setting(session, "Work_Mem", "4MB");
	check_setting(session, "application_name", "psql");
	run(session, "set search_path = x | set role none | set work_mem = '1MB' | set "
		     "application_name to default");
	assert_true(slice_equal(sql_session_context(session).search_path, SLICE("x")));
	assert_true(slice_equal(sql_session_context(session).role, SLICE("")));
	check_setting(session, "work_mem", "1MB");
	check_setting(session, "application_name", "psql");
	run(session, "reset search_path | reset role | reset all");
	assert_true(slice_equal(sql_session_context(session).search_path, SLICE("c, \"D\"")));
	assert_true(slice_equal(sql_session_context(session).role, SLICE("r")));
	check_setting(session, "work_mem", "4MB");
	sql_session_free(session);
}

static void test_settings(void **state)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));

	(void)state;
	check_setting(session, "timezone", NULL);
	run(session, "set time zone 'UTC' | set names 'utf8' | set statement_timeout = 5000 | set "
		     "my.var to on | "
		     "set datestyle = iso, mdy | set transaction isolation level serializable | "
		     "set session characteristics as transaction read only");
	check_setting(session, "TimeZone", "UTC");
	check_setting(session, "client_encoding", "utf8");
	check_setting(session, "statement_timeout", "5000");
	check_setting(session, "my.var", "on");
	check_setting(session, "datestyle", "iso, mdy");
	run(session, "load 'my' | set my.other = 'b'");
	check_setting(session, "my.var", NULL);
	check_setting(session, "my.other", "b");
	check_setting(session, "datestyle", "iso, mdy");
	sql_session_free(session);
	sql_session_free(NULL);
}

static void test_options(void **state)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));

	(void)state;
	assert_false(sql_session_options(session).backslash_escapes);
	assert_int_equal(sql_session_options(session).dialect, SQL_POSTGRES);
	run(session, "set standard_conforming_strings = off");
	assert_true(sql_session_options(session).backslash_escapes);
	run(session, "set standard_conforming_strings to on");
	assert_false(sql_session_options(session).backslash_escapes);
	sql_session_free(session);
}

/* Neither many names nor many savepoints take memory without bound, and those of identity keep
 * working. */
static void test_bounds(void **state)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));
	char text[64];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "set a.b%d = 'x'", i);
		run(session, text);
	}
	check_setting(session, "a.b0", "x");
	check_setting(session, "a.b499", NULL);
	run(session, "set search_path = a | set role b | begin");
	for (int i = 0; i < 20000; i++)
		feed(session, "savepoint s", true);
	run(session, "set search_path = c | rollback");
	assert_true(slice_equal(sql_session_context(session).search_path, SLICE("a")));
	sql_session_free(session);
}

/* The last statement of a script, with what the session knows of it; the others were executed. */
static struct sql_session *last_of(const char *script, struct sql_test *ret_last)
{
	static const struct sql_context context = { .database = SLICE("db") };
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));
	struct sql_options options = sql_session_options(session);
	const char *last = strrchr(script, '|');
	char *before = strndup(script, (size_t)(last - script));

	run(session, before);
	free(before);
	sql_test_init(ret_last, &options, last + 1, NULL, 0);
	sql_session_resolve(session, &ret_last->statement, ret_last->values, &ret_last->arena);
	ret_last->exact = sql_exact_hash(&context, &ret_last->statement, ret_last->values);
	ret_last->loose = sql_loose_hash(&context, &ret_last->statement, ret_last->values);
	return session;
}

static void compare_last(const char *one, const char *other, bool equal)
{
	struct sql_test a, b;
	struct sql_session *first = last_of(one, &a);
	struct sql_session *second = last_of(other, &b);

	if (sql_test_equal(&a, &b) != equal)
		fail_msg("<%s> and <%s> are %s", one, other, equal ? "not one" : "one");
	sql_test_release(&a);
	sql_test_release(&b);
	sql_session_free(first);
	sql_session_free(second);
}

/* A cursor is the query that it walks and the place where it stands, not its name. */
static void test_cursors(void **state)
{
	static const char *const equal[][2] = {
		{ "| declare a cursor for select 1", "| DECLARE \"B c\" CURSOR FOR SELECT 1" },
		{ "begin | declare a cursor for select 1 | fetch 2 from a",
		  "begin | declare \"B\" cursor for select 1 | FETCH 2 FROM \"B\"" },
		{ "begin | declare a cursor for select 1 where x = 5 | fetch a",
		  "begin | declare b cursor for select 1 where x = '5' | fetch b" },
		{ "begin | declare a cursor for select 1 | fetch 2 from a | move 1 in a | fetch a",
		  "begin | declare b cursor for select 1 | fetch 2 from b | move 1 in b | fetch "
		  "b" },
		{ "begin | declare a cursor for select 1 | describe cursor \"a\"",
		  "begin | declare b cursor for select 1 | describe cursor \"b\"" },
		{ "begin | declare a cursor for select 1 | close a",
		  "begin | declare b cursor for select 2 | fetch b | close b" },
		/* WITH HOLD lives on */
		{ "declare a cursor with hold for select 1 | fetch a",
		  "begin | declare b cursor with hold for select 1 | commit | fetch b" },
		/* what failed did not move it */
		{ "begin | declare a cursor for select 1 | !fetch x from a | fetch a",
		  "begin | declare b cursor for select 1 | fetch b" },
		{ "| fetch a", "| fetch a" },
		/* so is PREPARE */
		{ "| prepare a as select $1", "| prepare b as select $1" },
		{ "prepare a (int) as select $1 | execute a (5)",
		  "begin | PREPARE \"B\" (int) AS SELECT $1 | rollback | execute \"B\" (5)" },
		{ "prepare a as select 1 | execute a",
		  "begin | declare a cursor for select 2 | prepare a as select 1 | execute a" },
		{ "| close all", "begin | declare a cursor for select 1 | close all" },
	};
	static const char *const different[][2] = {
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a cursor for select 2 | fetch a" },
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a binary cursor for select 1 | fetch a" },
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a cursor for select 1 | fetch a | fetch a" },
		{ "begin | declare a cursor for select 1 | fetch 2 from a | fetch a",
		  "begin | declare a cursor for select 1 | fetch 3 from a | fetch a" },
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a cursor for select 1 | move a" },
		/* gone */
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a cursor for select 1 | commit | fetch a" },
		{ "begin | declare a cursor for select 1 | fetch a",
		  "begin | declare a cursor for select 1 | close a | fetch a" },
		{ "begin | declare a cursor for select 1 | close a",
		  "begin | declare a cursor for select 1 | close all | close a" },
		{ "begin | declare a cursor with hold for select 1 | commit | fetch a",
		  "begin | declare a cursor with hold for select 1 | rollback | fetch a" },
		{ "begin | declare a cursor for select ' with hold ' | fetch a",
		  "begin | declare a cursor for select ' with hold ' | commit | fetch a" },
		{ "prepare a as select 1 | execute a", "prepare a as select 2 | execute a" },
		{ "prepare a (int) as select $1 | execute a (5)",
		  "prepare a (text) as select $1 | execute a (5)" },
		{ "prepare a (int) as select $1 | execute a (5)",
		  "prepare a (int) as select $1 | execute a (6)" },
		{ "prepare a as select 1 | execute a",
		  "prepare a as select 1 | deallocate all | execute a" },
		{ "prepare a as select 1 | execute a", "!prepare a as select 1 | execute a" },
		{ "| execute a", "| execute b" },
		{ "| prepare transaction 'a'", "| prepare transaction 'b'" },
		/* never known: the name is what it is */
		{ "| fetch a", "| fetch b" },
		{ "| fetch a", "| fetch \"A\"" },
		{ "| close a", "| close b" },
		{ "begin | declare a cursor for select 1 | fetch b",
		  "begin | declare a cursor for select 1 | fetch a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		compare_last(equal[i][0], equal[i][1], true);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		compare_last(different[i][0], different[i][1], false);
}

/* A descriptor of a large object is the object and what was done with it since; numbers are given as the server does. */
static void test_descriptors(void **state)
{
	(void)state;
	compare_last("begin | function call lo_open(5, 1) | function call loread(0, 9)",
		     "begin | function call lo_open(5, 1) | function call loread(0, 9)", true);
	compare_last("begin | function call lo_open(5, 1) | function call lo_close(0) | "
		     "function call lo_open(6, 1) | function call lo_tell(0)",
		     "begin | function call lo_open(6, 1) | function call lo_tell(0)", true);
	compare_last("begin | function call lo_open(5, 1) | commit | begin | "
		     "function call lo_open(6, 1) | function call lo_tell(0)",
		     "begin | function call lo_open(6, 1) | function call lo_tell(0)", true);
	compare_last("begin | function call lo_open(5, 1) | function call loread(0, 9)",
		     "begin | function call lo_open(6, 1) | function call loread(0, 9)", false);
	compare_last("begin | function call lo_open(5, 1) | function call loread(0, 9)",
		     "begin | function call lo_open(5, 1) | function call loread(0, 9) | "
		     "function call loread(0, 9)",
		     false);
	compare_last("begin | function call lo_open(5, 1) | function call lo_open(6, 1) | "
		     "function call lo_tell(0)",
		     "begin | function call lo_open(5, 1) | function call lo_open(6, 1) | "
		     "function call lo_tell(1)",
		     false);
}

/* More cursors than are kept, and a query longer than is kept. */
static void test_cursor_bounds(void **state)
{
	struct sql_session *session = sql_session_new(SQL_POSTGRES, SLICE("db"));
	char *text = malloc(20000);
	char *other;

	(void)state;
	run(session, "begin");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, 20000, "declare c%d cursor for select 1", i);
		feed(session, text, true);
	}
	sql_session_free(session);
	memset(text, 'x', 20000);
	memcpy(text, "begin | declare a cursor for select ", 36);
	memcpy(text + 19000, " | fetch a", 11);
	other = strdup(text);
	compare_last(text, other, true);
	other[18999] = 'y';
	compare_last(text, other, false);
	free(other);
	free(text);
}

static void append_notification(void *context, struct slice channel, struct slice payload)
{
	struct buffer *text = context;

	buffer_append_slice(text, channel);
	buffer_append_u8(text, ':');
	buffer_append_slice(text, payload);
	buffer_append_u8(text, ' ');
}

static void notifies(const char *text, const char *expected)
{
	const struct sql_value bound[] = { { .text = SLICE("jobs") },
					   { .text = SLICE("x") },
					   { .null = true } };
	struct sql_test test;
	struct buffer found;

	buffer_init(&found, 1000);
	sql_test_init(&test, &sql_test_postgres, text, bound, ARRAY_SIZE(bound));
	sql_notifications(&test.statement, test.values,
			  &(struct sql_notify){ &found, append_notification });
	buffer_append_u8(&found, 0);
	if (strcmp((const char *)found.data, expected) != 0)
		fail_msg("%s: <%s>", text, (const char *)found.data);
	sql_test_release(&test);
	buffer_release(&found);
}

static void test_notifications(void **state)
{
	(void)state;
	notifies("NOTIFY Jobs", "jobs: ");
	notifies("notify \"Jobs\", 'it''s'", "Jobs:it's ");
	notifies("notify", "");
	notifies("notify jobs,", "");
	notifies("select pg_notify('jobs', 'x')", "jobs:x ");
	notifies("select pg_catalog.pg_notify($1::text, $2), pg_notify('b', '')", "jobs:x b: ");
	notifies("select pg_notify('jobs', name) from t", "");
	notifies("select pg_notify(null, 'x')", "");
	notifies("select pg_notify('jobs', null), pg_notify('b', $3)", "jobs: b: ");
	notifies("select pg_notify", "");
	notifies("select pg_notify('jobs'", "");
	notifies("insert into t select pg_notify('jobs', 'x')", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transaction),   cmocka_unit_test(test_search_path),
		cmocka_unit_test(test_rollback),      cmocka_unit_test(test_batches),
		cmocka_unit_test(test_role),	      cmocka_unit_test(test_startup),
		cmocka_unit_test(test_settings),      cmocka_unit_test(test_options),
		cmocka_unit_test(test_bounds),	      cmocka_unit_test(test_cursors),
		cmocka_unit_test(test_cursor_bounds), cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_notifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
