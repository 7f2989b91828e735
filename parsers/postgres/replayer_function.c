/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: fast-path calls (55.2.5), found like statements by the text that function.h gives them. A call ends its batch
 * as a Query does: its result or error, then ReadyForQuery.
 */
#include "parsers/binding.h"
#include "parsers/postgres/function.h"
#include "parsers/postgres/replayer.h"

/* The call as the statement under way; false when an argument cannot be read. */
static bool make_statement(struct replayer *replayer, const struct pg_call *call)
{
	struct sql_options options = sql_session_options(replayer->session);
	struct sql_value *values = arena_alloc(&replayer->arena, (call->n + 1) * sizeof(*values));

	for (size_t i = 0; i < call->n; i++)
		if (parameter_value(&postgres_protocol, NULL, &call->arguments[i], &replayer->arena,
				    &values[i]))
			return false;
	sql_canonicalize(&options, call->text, &replayer->arena, &replayer->sql);
	replayer->values = arena_alloc(&replayer->arena,
				       (replayer->sql.n_slots + 1) * sizeof(*replayer->values));
	sql_slot_values(&replayer->sql, values, call->n, replayer->values);
	sql_session_resolve(replayer->session, &replayer->sql, replayer->values, &replayer->arena);
	return true;
}

void pg_function_message(struct replayer *replayer, struct slice body, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct pg_send *send = &replayer->send;
	struct request request;
	struct answer answer;
	struct pg_call call;
	struct slice copy;

	arena_reset(&replayer->arena);
	copy = arena_copy(&replayer->arena, body);
	/* A Query of no more statements: what follows the answer is the same. */
	replayer->query = true;
	replayer->query_begins = false;
	replayer->query_failed = false;
	replayer->query_rest = slice_of(NULL, 0);
	replayer->executing = NULL;
	if (!pg_call_read(copy, &replayer->arena, &call) || !make_statement(replayer, &call)) {
		pg_send_error(out,
			      &(struct pg_error){ .severity = "ERROR",
						  .code = "08P01",
						  .message = SLICE("malformed FunctionCall") });
		sql_session_statement(replayer->session,
				      &(struct sql_statement){ .verb = SQL_OTHER }, NULL, false);
		pg_replay_failed(replayer);
		return;
	}
	if (pg_answer_aborted(replayer, &replayer->sql, out))
		return;
	request = pg_answer_request(replayer, &replayer->sql, replayer->values, call.text);
	answers->find(answers->context, &request, &answer);
	if (answer.rung == RUNG_MISS) {
		pg_answer_miss(replayer, &answer, call.text, out);
		return;
	}
	pg_send_begin(replayer, &answer);
	send->describe = false;
	send->call = true;
	send->call_form = call.result_form;
	send->formats = &send->call_form;
	send->n_formats = 1;
}
