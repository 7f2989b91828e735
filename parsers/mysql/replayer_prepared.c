/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: prepared statements ("Prepared Statements" of the internals manual, MariaDB's "COM_STMT_BULK_EXECUTE"). Ids
 * are this connection's own; what is known of a statement (its columns) comes from the recording by its template.
 */
#include "parsers/binding.h"
#include "parsers/mysql/replayer.h"

#include <stdlib.h>

#define EXECUTE_COUNT_GIVEN 0x08
#define BULK_TYPES_GIVEN 128
#define TYPE_FLAG_UNSIGNED 0x80
/* Parameters of one bulk: each is a value of the statement that all of its rows make. */
#define BULK_PARAMETERS_MAX ((size_t)1 << 20)

enum bulk_indicator { BULK_VALUE, BULK_NULL, BULK_DEFAULT, BULK_IGNORE };

static void refuse(struct replayer *replayer, uint16_t code, struct slice message,
		   struct buffer *out)
{
	my_write_error(replayer, code, SLICE("HY000"), message, out);
}

static void malformed(struct replayer *replayer, struct buffer *out)
{
	refuse(replayer, MY_ERROR_MALFORMED, SLICE("Malformed communication packet"), out);
}

/* ---- the table ---- */

static void drop_long_data(struct my_statement *statement)
{
	for (size_t i = 0; statement->longs && i < statement->n_parameters; i++)
		buffer_release(&statement->longs[i].data);
	free(statement->longs);
	statement->longs = NULL;
	statement->too_long = false;
}

static void forget_long_data(struct replayer *replayer, struct my_statement *statement)
{
	for (size_t i = 0; statement->longs && i < statement->n_parameters; i++)
		replayer->long_bytes -= statement->longs[i].data.size;
	drop_long_data(statement);
}

void my_replay_statement_free(struct named *named)
{
	struct my_statement *statement = (struct my_statement *)named;
	struct arena arena;

	if (!statement)
		return;
	drop_long_data(statement);
	arena = statement->arena; /* it lies in it */
	arena_release(&arena);
}

static struct slice key_of(uint32_t id, uint8_t bytes[4])
{
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(id >> 8 * i);
	return slice_of(bytes, 4);
}

static struct my_statement *find(const struct replayer *replayer, uint32_t id)
{
	uint8_t bytes[4];

	if (id == MY_STATEMENT_LAST)
		id = replayer->prepared;
	return (struct my_statement *)names_find(&replayer->statements, key_of(id, bytes));
}

static void forget(struct replayer *replayer, struct my_statement *statement)
{
	names_take(&replayer->statements, statement->named.name);
	forget_long_data(replayer, statement);
	my_replay_statement_free(&statement->named);
}

void my_replay_forget_statements(struct replayer *replayer)
{
	names_release(&replayer->statements, my_replay_statement_free);
	names_init(&replayer->statements);
	replayer->long_bytes = 0;
	replayer->prepared = 0;
}

/* ---- COM_STMT_PREPARE ---- */

static struct my_statement *statement_new(struct replayer *replayer, struct slice text)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct my_statement *statement;
	struct arena arena;
	uint8_t *key;

	arena_init(&arena);
	statement = arena_alloc(&arena, sizeof(*statement));
	statement->arena = arena;
	statement->id = replayer->last_id + 1;
	key = arena_alloc(&statement->arena, 4);
	statement->named.name = key_of(statement->id, key);
	statement->text = arena_copy(&statement->arena, text);
	sql_canonicalize(&options, statement->text, &statement->arena, &statement->sql);
	statement->n_parameters = statement->sql.placeholders;
	return statement;
}

/*
 * Without placeholders it is known what the execution will be given: its columns are those of the statement. By the template alone
 * they may be another text's, which calls them otherwise (a literal's column is called as it is spelled), or another time's.
 */
static void columns_of_next(struct replayer *replayer, struct my_statement *statement,
			    const struct request *request)
{
	const struct answers *answers = replayer->answers;
	struct answer_result result;
	struct answer next;

	if (!statement->n_parameters && answers->peek(answers->context, request, &next) &&
	    next.outcome == OUTCOME_OK &&
	    answers->result(answers->context, next.exchange, 0, &result) == 1)
		statement->columns = result.columns;
}

/* The recording knows the statement, or the session answers it itself; else the miss, the recorded error or end is said. */
static bool describe(struct replayer *replayer, struct my_statement *statement, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	bool housekeeping = my_answer_housekeeping(&statement->sql);
	struct sql_value *values =
		arena_alloc(&statement->arena, (statement->sql.n_slots + 1) * sizeof(*values));
	struct answer_description description = { 0 };
	struct answer answer = { 0 };
	struct request request;

	sql_slot_values(&statement->sql, NULL, 0, values);
	request = my_answer_request(replayer, &statement->sql, values, statement->text);
	request.only_asking = housekeeping;
	my_answer_tell_time_zone(replayer);
	if (my_end_meets(replayer, &request, out))
		return false;
	if (answers->find_parse_error(answers->context, &request, &answer)) {
		replayer->executing = NULL;
		replayer->sql = (struct sql_statement){ .verb = SQL_OTHER };
		replayer->values = NULL;
		my_send_begin(replayer, &answer);
		return false;
	}
	if (answers->describe(answers->context, &request, &description, &answer)) {
		statement->has_columns = description.has_columns;
		statement->columns = description.columns;
		statement->warnings = description.warnings;
		columns_of_next(replayer, statement, &request);
		if (statement->sql.verb == SQL_CALL) /* what it gives, no server knows before */
			statement->columns = NULL;
		return true;
	}
	if (!housekeeping)
		my_answer_miss(replayer, &answer, statement->text, out);
	return housekeeping;
}

/* As servers say what they know of a parameter, which is nothing. */
static const struct column unknown_parameter = {
	.name = { (const uint8_t *)"?", 1 },
	.type_id = MY_TYPE_VAR_STRING,
	.charset = 63,
	.flags = MY_COLUMN_BINARY,
};

static void send_prepared(struct replayer *replayer, const struct my_statement *statement,
			  struct buffer *out)
{
	bool eof = !(replayer->capabilities & MY_CLIENT_DEPRECATE_EOF);
	size_t n = statement->columns ? statement->columns->n : 0;
	struct my_prepared prepared = {
		.statement = statement->id,
		.columns = (uint16_t)n,
		.parameters = (uint16_t)statement->n_parameters,
		.warnings = statement->warnings,
		.metadata = true,
	};
	size_t at = my_packet_begin(out);

	my_prepared_write(out, replayer->capabilities, &prepared);
	my_packet_end(out, at, &replayer->sequence);
	for (size_t i = 0; i < statement->n_parameters; i++)
		my_write_column(replayer, &unknown_parameter, false, out);
	if (statement->n_parameters && eof)
		my_write_eof(replayer, statement->warnings, my_write_status(replayer, 0), out);
	for (size_t i = 0; i < n; i++)
		my_write_column(replayer, &statement->columns->columns[i], false, out);
	if (n && eof)
		my_write_eof(replayer, statement->warnings, my_write_status(replayer, 0), out);
}

/* A text without a statement: MySQL prepares none, MariaDB a comment. */
static void refuse_empty(struct replayer *replayer, struct slice text, struct buffer *out)
{
	if (my_replay_has_comment(text))
		refuse(replayer, MY_ERROR_NOT_PREPARED,
		       SLICE("This command is not supported in the prepared statement protocol "
			     "yet"),
		       out);
	else
		my_write_error(replayer, MY_ERROR_EMPTY_QUERY, SLICE("42000"),
			       SLICE("Query was empty"), out);
}

static void prepare_message(struct replayer *replayer, struct slice text, struct buffer *out)
{
	struct my_statement *statement = statement_new(replayer, text);

	replayer->prepared = 0;
	if (statement->sql.verb == SQL_EMPTY &&
	    ((replayer->offered & MY_CLIENT_MYSQL) || !my_replay_has_comment(text))) {
		my_replay_statement_free(&statement->named);
		refuse_empty(replayer, text, out);
		return;
	}
	if (replayer->statements.bytes > MY_REPLAY_STATEMENTS_MAX) {
		my_replay_statement_free(&statement->named);
		refuse(replayer, MY_ERROR_OWN, SLICE("mockproxy: too many prepared statements"),
		       out);
		return;
	}
	if (statement->sql.verb != SQL_EMPTY && !describe(replayer, statement, out)) {
		my_replay_statement_free(&statement->named);
		return;
	}
	/* More than the answer can count: every server refuses it, also what was recorded with literals. */
	if (statement->n_parameters > UINT16_MAX) {
		my_replay_statement_free(&statement->named);
		refuse(replayer, MY_ERROR_PLACEHOLDERS,
		       SLICE("Prepared statement contains too many placeholders"), out);
		return;
	}
	statement->types = arena_alloc(&statement->arena,
				       (statement->n_parameters + 1) * sizeof(*statement->types));
	statement->named.bytes = statement->arena.allocated;
	replayer->last_id = statement->id;
	replayer->prepared = statement->id;
	my_replay_statement_free(names_put(&replayer->statements, &statement->named));
	send_prepared(replayer, statement, out);
}

/* ---- values ---- */

static uint32_t read_type(struct cursor *cursor)
{
	uint32_t type = cursor_u8(cursor);

	return cursor_u8(cursor) & TYPE_FLAG_UNSIGNED ? type | MY_TYPE_UNSIGNED : type;
}

/* A binary value, without the length before it. */
static struct slice read_value(struct cursor *cursor, uint32_t type)
{
	int size = my_type_size(type);

	if (size == MY_SIZE_LENENC)
		return my_read_lenenc_bytes(cursor);
	if (size == MY_SIZE_SHORT)
		return cursor_bytes(cursor, cursor_u8(cursor));
	if (size < 0)
		cursor->failed = true;
	return cursor_bytes(cursor, size < 0 ? 0 : (size_t)size);
}

static bool is_null(struct slice bitmap, size_t i)
{
	return bitmap.data[i / 8] >> i % 8 & 1;
}

bool my_replay_skip_attributes(struct cursor *cursor)
{
	uint64_t n = my_read_lenenc(cursor), sets = my_read_lenenc(cursor);
	struct cursor types;
	struct slice nulls;

	if (cursor->failed || sets != 1 || n > cursor_left(cursor))
		return !cursor->failed && !n;
	if (!n)
		return true;
	nulls = cursor_bytes(cursor, (size_t)(n + 7) / 8);
	if (cursor_u8(cursor) != 1)
		return false;
	types = *cursor;
	for (uint64_t i = 0; i < n && !cursor->failed; i++) {
		cursor_u16le(cursor);
		my_read_lenenc_bytes(cursor);
	}
	for (uint64_t i = 0; i < n && !cursor->failed; i++) {
		uint32_t type = read_type(&types);

		my_read_lenenc_bytes(&types);
		if (!is_null(nulls, (size_t)i))
			read_value(cursor, type);
	}
	return !cursor->failed;
}

/* One parameter as a value. */
static bool bind(struct replayer *replayer, uint32_t type, bool null, struct slice bytes,
		 struct sql_value *ret_value)
{
	struct parameter parameter = {
		.type = type,
		.declared = true,
		.null = null,
		.form = PARAMETER_BINARY,
		.value = bytes,
	};

	return parameter_value(&mysql_protocol, NULL, &parameter, &replayer->arena, ret_value) == 0;
}

/* How many parameters come, attributes of the query behind them included. */
static uint64_t read_count(const struct replayer *replayer, const struct my_statement *statement,
			   uint8_t flags, struct cursor *cursor)
{
	bool attributes = replayer->capabilities & MY_CLIENT_QUERY_ATTRIBUTES;

	if (attributes && (statement->n_parameters || (flags & EXECUTE_COUNT_GIVEN)))
		return my_read_lenenc(cursor);
	return statement->n_parameters;
}

/* Types, where they are new; those behind the statement's own are of attributes. */
static bool read_types(const struct replayer *replayer, struct my_statement *statement,
		       uint64_t count, struct cursor *cursor)
{
	bool names = replayer->capabilities & MY_CLIENT_QUERY_ATTRIBUTES;
	uint8_t given = cursor_u8(cursor);

	if (given != 1)
		return !cursor->failed && !given && (statement->bound || !statement->n_parameters);
	for (uint64_t i = 0; i < count && !cursor->failed; i++) {
		uint32_t type = read_type(cursor);

		if (names)
			my_read_lenenc_bytes(cursor);
		if (i < statement->n_parameters)
			statement->types[i] = type;
	}
	statement->bound = !cursor->failed;
	return statement->bound;
}

/* Reads COM_STMT_EXECUTE's values; 0, or the error's code. */
static uint16_t execute_values(struct replayer *replayer, struct my_statement *statement,
			       uint8_t flags, struct cursor *cursor, struct sql_value *values)
{
	uint64_t count = read_count(replayer, statement, flags, cursor);
	struct slice nulls;

	if (!count && !statement->n_parameters)
		return cursor->failed ? MY_ERROR_MALFORMED : 0;
	if (cursor->failed || count < statement->n_parameters || count / 8 > cursor_left(cursor))
		return MY_ERROR_MALFORMED;
	nulls = cursor_bytes(cursor, (size_t)(count + 7) / 8);
	if (cursor->failed || !read_types(replayer, statement, count, cursor))
		return cursor->failed ? MY_ERROR_MALFORMED : MY_ERROR_ARGUMENTS;
	for (size_t i = 0; i < statement->n_parameters; i++) {
		bool given = statement->longs && statement->longs[i].given;
		bool null = !given &&
			    (is_null(nulls, i) || (statement->types[i] & 0xff) == MY_TYPE_NULL);
		struct slice bytes = slice_of(NULL, 0);

		if (given)
			bytes = arena_copy(&replayer->arena,
					   buffer_slice(&statement->longs[i].data));
		else if (!null)
			bytes = arena_copy(&replayer->arena,
					   read_value(cursor, statement->types[i]));
		if (cursor->failed || !bind(replayer, statement->types[i], null, bytes, &values[i]))
			return MY_ERROR_MALFORMED;
	}
	return 0;
}

/* ---- COM_STMT_EXECUTE ---- */

/* MariaDB names the command, MySQL what it does before all of them. */
static void unknown_statement(struct replayer *replayer, uint32_t id, const char *where,
			      struct buffer *out)
{
	struct buffer message;

	if (replayer->offered & MY_CLIENT_MYSQL)
		where = "mysql_stmt_precheck";
	buffer_init(&message, 256);
	buffer_append_string(&message, "Unknown prepared statement handler (");
	buffer_append_unsigned(&message, id);
	buffer_append_string(&message, ") given to ");
	buffer_append_string(&message, where);
	refuse(replayer, MY_ERROR_UNKNOWN_STATEMENT, buffer_slice(&message), out);
	buffer_release(&message);
}

/* The values of the placeholders as those of the statement's slots. */
static void take_values(struct replayer *replayer, const struct sql_statement *sql,
			const struct sql_value *values, size_t n)
{
	replayer->sql = *sql;
	replayer->values =
		arena_alloc(&replayer->arena, (sql->n_slots + 1) * sizeof(*replayer->values));
	sql_slot_values(sql, values, n, replayer->values);
}

static void execute_message(struct replayer *replayer, struct cursor *cursor, struct buffer *out)
{
	uint32_t id = cursor_u32le(cursor);
	uint8_t flags = cursor_u8(cursor);
	struct my_statement *statement = find(replayer, id);
	struct sql_value *values;
	uint16_t code = 0;

	cursor_u32le(cursor); /* how often: once */
	if (cursor->failed || !statement) {
		if (cursor->failed)
			malformed(replayer, out);
		else
			unknown_statement(replayer, id, "mysqld_stmt_execute", out);
		return;
	}
	statement->cursor = false;
	arena_reset(&replayer->arena);
	values = arena_alloc(&replayer->arena, (statement->n_parameters + 1) * sizeof(*values));
	if (statement->too_long)
		code = MY_ERROR_PACKET_TOO_LARGE;
	else
		code = execute_values(replayer, statement, flags, cursor, values);
	forget_long_data(replayer, statement); /* they are for one execution */
	if (code) {
		refuse(replayer, code,
		       code == MY_ERROR_ARGUMENTS ?
			       SLICE("Incorrect arguments to mysqld_stmt_execute") :
			       SLICE("Malformed communication packet"),
		       out);
		return;
	}
	if (statement->sql.verb == SQL_EMPTY) {
		my_replay_empty(replayer, statement->text, out);
		return;
	}
	take_values(replayer, &statement->sql, values, statement->n_parameters);
	my_answer_execute(replayer, statement, statement->text, flags & MY_EXECUTE_CURSOR, out);
}

/* ---- COM_STMT_BULK_EXECUTE ---- */

/* The values of all rows, in a list that grows in the arena; *ret_rows is their number. 0, or the error's code. */
static uint16_t bulk_values(struct replayer *replayer, struct my_statement *statement,
			    struct cursor *cursor, struct sql_value **ret_values, size_t *ret_rows)
{
	size_t n = statement->n_parameters, room = n, used = 0;
	struct sql_value *values = arena_alloc(&replayer->arena, room * sizeof(*values));

	while (cursor_left(cursor)) {
		if (used + n > BULK_PARAMETERS_MAX)
			return MY_ERROR_PACKET_TOO_LARGE;
		if (used + n > room) {
			struct sql_value *more =
				arena_alloc(&replayer->arena, 2 * room * sizeof(*values));

			memcpy(more, values, used * sizeof(*values));
			values = more;
			room *= 2;
		}
		for (size_t i = 0; i < n; i++) {
			uint8_t indicator = cursor_u8(cursor);
			uint32_t type = indicator == BULK_DEFAULT ? MY_TYPE_BULK_DEFAULT :
					indicator == BULK_IGNORE  ? MY_TYPE_BULK_IGNORE :
								    statement->types[i];
			struct slice bytes = slice_of(NULL, 0);

			if (indicator == BULK_VALUE)
				bytes = read_value(cursor, type);
			if (cursor->failed || indicator > BULK_IGNORE ||
			    !bind(replayer, type, indicator != BULK_VALUE, bytes, &values[used++]))
				return MY_ERROR_MALFORMED;
		}
		++*ret_rows;
	}
	*ret_values = values;
	return *ret_rows ? 0 : MY_ERROR_MALFORMED;
}

/* A bulk is its statement once for each row: what a recorder makes of it. */
static void answer_bulk(struct replayer *replayer, struct my_statement *statement,
			const struct sql_value *values, size_t rows, struct buffer *out)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct sql_statement sql;
	struct buffer text;

	buffer_init(&text, MY_REQUEST_MAX);
	for (size_t i = 0; i < rows && !text.overflowed; i++) {
		if (i)
			buffer_append_string(&text, "; ");
		buffer_append_slice(&text, statement->text);
	}
	if (text.overflowed) {
		refuse(replayer, MY_ERROR_PACKET_TOO_LARGE, SLICE("mockproxy: a bulk too large"),
		       out);
	} else {
		struct slice copy = arena_copy(&replayer->arena, buffer_slice(&text));

		sql_canonicalize(&options, copy, &replayer->arena, &sql);
		take_values(replayer, &sql, values, rows * statement->n_parameters);
		my_answer_execute(replayer, statement, copy, false, out);
	}
	buffer_release(&text);
}

static void bulk_message(struct replayer *replayer, struct cursor *cursor, struct buffer *out)
{
	uint32_t id = cursor_u32le(cursor);
	uint16_t flags = cursor_u16le(cursor);
	struct my_statement *statement = find(replayer, id);
	struct sql_value *values = NULL;
	size_t rows = 0;
	uint16_t code;

	if (cursor->failed || !statement) {
		unknown_statement(replayer, id, "mysqld_stmt_bulk_execute", out);
		return;
	}
	for (size_t i = 0; (flags & BULK_TYPES_GIVEN) && i < statement->n_parameters; i++)
		statement->types[i] = read_type(cursor);
	statement->bound |= flags & BULK_TYPES_GIVEN;
	arena_reset(&replayer->arena);
	code = !statement->bound || !statement->n_parameters ?
		       MY_ERROR_ARGUMENTS :
		       bulk_values(replayer, statement, cursor, &values, &rows);
	forget_long_data(replayer, statement);
	if (code)
		refuse(replayer, code, SLICE("mockproxy: a malformed or too large bulk"), out);
	else
		answer_bulk(replayer, statement, values, rows, out);
}

/* ---- the other commands ---- */

static void fetch_message(struct replayer *replayer, struct cursor *cursor, struct buffer *out)
{
	uint32_t id = cursor_u32le(cursor), rows = cursor_u32le(cursor);
	struct my_statement *statement = find(replayer, id);

	if (cursor->failed || !statement) {
		unknown_statement(replayer, id, "mysqld_stmt_fetch", out);
		return;
	}
	if (!statement->cursor) {
		refuse(replayer, MY_ERROR_NO_CURSOR, SLICE("The statement has no open cursor."),
		       out);
		return;
	}
	my_send_begin(replayer, &statement->answer);
	replayer->executing = statement;
	replayer->send.binary = true;
	replayer->send.fetch = true;
	replayer->send.told = true;
	replayer->send.limit = rows;
	replayer->send.position = statement->position;
}

/* Nothing is answered: what is wrong is said when it is executed. */
static void long_data_message(struct replayer *replayer, struct cursor *cursor)
{
	struct my_statement *statement = find(replayer, cursor_u32le(cursor));
	size_t i = cursor_u16le(cursor);
	struct slice bytes = cursor_rest(cursor);

	if (cursor->failed || !statement || i >= statement->n_parameters)
		return;
	if (!statement->longs) {
		statement->longs = calloc(statement->n_parameters, sizeof(*statement->longs));
		if (!statement->longs)
			abort();
		for (size_t k = 0; k < statement->n_parameters; k++)
			buffer_init(&statement->longs[k].data, MY_REQUEST_MAX);
	}
	if (bytes.size > MY_REPLAY_STATEMENTS_MAX - replayer->long_bytes) {
		statement->too_long = true;
		return;
	}
	statement->longs[i].given = true;
	buffer_append_slice(&statement->longs[i].data, bytes);
	replayer->long_bytes += bytes.size;
}

static void reset_message(struct replayer *replayer, struct cursor *cursor, struct buffer *out)
{
	struct completion completion = { .tag = SLICE("") };
	uint32_t id = cursor_u32le(cursor);
	struct my_statement *statement = find(replayer, id);

	if (cursor->failed || !statement) {
		unknown_statement(replayer, id, "mysqld_stmt_reset", out);
		return;
	}
	statement->cursor = false;
	forget_long_data(replayer, statement);
	completion.status = my_write_status(replayer, 0);
	my_write_ok(replayer, &completion, out);
	replayer->answers->count_session(replayer->answers->context);
}

static void close_message(struct replayer *replayer, struct cursor *cursor)
{
	uint32_t id = cursor_u32le(cursor);
	struct my_statement *statement = find(replayer, id);

	if (cursor->failed || !statement)
		return;
	if (statement->id == replayer->prepared)
		replayer->prepared = 0;
	forget(replayer, statement);
}

bool my_statement_message(struct replayer *replayer, uint8_t command, struct slice body,
			  struct buffer *out)
{
	struct cursor cursor = cursor_of(body);

	switch (command) {
	case MY_COM_STMT_PREPARE:
		prepare_message(replayer, body, out);
		return true;
	case MY_COM_STMT_EXECUTE:
		execute_message(replayer, &cursor, out);
		return true;
	case MY_COM_STMT_BULK_EXECUTE:
		bulk_message(replayer, &cursor, out);
		return true;
	case MY_COM_STMT_FETCH:
		fetch_message(replayer, &cursor, out);
		return true;
	case MY_COM_STMT_SEND_LONG_DATA:
		long_data_message(replayer, &cursor);
		return true;
	case MY_COM_STMT_RESET:
		reset_message(replayer, &cursor, out);
		return true;
	case MY_COM_STMT_CLOSE:
		close_message(replayer, &cursor);
		return true;
	default:
		return false;
	}
}
