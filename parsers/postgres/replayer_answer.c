/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: what answers a statement. The recording comes first; what a session can know by itself (BEGIN,
 * COMMIT, SET, DEALLOCATE, ...) is answered by the session when the recording does not hold it, with the tags that a
 * server gives. Everything else that is not recorded is a miss.
 */
#include "parsers/miss.h"
#include "parsers/postgres/replayer.h"
#include "parsers/sql/kill.h"

#include <stdlib.h>

struct request pg_answer_request(struct replayer *replayer, const struct sql_statement *sql,
				 const struct sql_value *values, struct slice text)
{
	return (struct request){
		.context = sql_session_context(replayer->session),
		.statement = sql,
		.values = values,
		.text = text,
	};
}

bool pg_answer_aborted(struct replayer *replayer, const struct sql_statement *sql,
		       struct buffer *out)
{
	if (sql_session_accepts(replayer->session, sql))
		return false;
	pg_send_error(out, &(struct pg_error){
				   .severity = "ERROR",
				   .code = "25P02",
				   .message = SLICE("current transaction is aborted, commands "
						    "ignored until end of transaction block") });
	pg_replay_failed(replayer);
	return true;
}

/* ---- what a statement does to the session ---- */

static bool last_word_is_all(struct slice canonical)
{
	return canonical.size > 4 &&
	       slice_equal(slice_of(canonical.data + canonical.size - 4, 4), SLICE(" all"));
}

/* DEALLOCATE and DISCARD also drop what Parse named: they are one space of names. */
static void deallocate(struct replayer *replayer, const struct sql_statement *sql)
{
	struct slice name = sql->canonical;
	struct arena arena;

	if (sql->verb == SQL_DISCARD || last_word_is_all(name)) {
		if (sql->verb == SQL_DEALLOCATE || last_word_is_all(name))
			pg_forget_all_prepared(replayer);
		return;
	}
	arena_init(&arena);
	pg_forget_prepared(replayer, pg_last_name(name, &arena));
	arena_release(&arena);
}

/* `text` is the statement's. */
static void statement_ended(struct replayer *replayer, const struct sql_statement *sql,
			    const struct sql_value *values, struct slice text, bool ok)
{
	bool failed_before = sql_session_transaction(replayer->session) == SQL_FAILED;

	sql_session_statement(replayer->session, sql, values, ok);
	if (replayer->notes)
		pg_notes_count(replayer);
	if (ok && replayer->notes)
		pg_notes_statement(replayer, sql, values, failed_before);
	if (!ok)
		pg_replay_failed(replayer);
	else if (sql->verb == SQL_DEALLOCATE || sql->verb == SQL_DISCARD)
		deallocate(replayer, sql);
	else if (sql->verb == SQL_PREPARE)
		pg_sql_prepared(replayer, text);
}

/* What the session answers itself; `bound` is NULL in a simple query. */
static void answer_session(struct replayer *replayer, const struct sql_statement *sql,
			   const struct sql_value *values, const struct pg_bound *bound,
			   struct buffer *out)
{
	statement_ended(replayer, sql, values, bound ? bound->prepared->text : replayer->text,
			pg_session_answer(replayer, sql, bound == NULL, out));
}

/* ---- misses ---- */

void pg_answer_miss(struct replayer *replayer, const struct answer *answer, struct slice text,
		    struct buffer *out)
{
	static const struct miss_form form = { .separator = "\n", .most = 300 };
	struct sql_options options = sql_session_options(replayer->session);
	struct buffer detail;

	buffer_init(&detail, (size_t)16 << 10);
	miss_explain(&detail, &options, text, answer, &form);
	pg_send_error(out,
		      &(struct pg_error){
			      .severity = "ERROR",
			      .code = PG_STATE_MISS,
			      .message = miss_what(answer),
			      .detail = buffer_slice(&detail),
			      .hint = SLICE("Record a run that asks this, or look at what was "
					    "recorded: sqlite3 FILE 'select * from queries'.") });
	buffer_release(&detail);
	sql_session_statement(replayer->session, &(struct sql_statement){ .verb = SQL_OTHER }, NULL,
			      false);
	pg_replay_failed(replayer);
}

/* ---- finding ---- */

/* The end of a transaction depends on how it went here; a recorded answer with another tag is not the answer. */
static bool commit_differs(struct replayer *replayer, const struct sql_statement *sql,
			   const struct answer *answer)
{
	struct answer_result result;

	if (sql->verb != SQL_COMMIT || answer->outcome != OUTCOME_OK)
		return false;
	return replayer->answers->result(replayer->answers->context, answer->exchange, 0,
					 &result) != 1 ||
	       !slice_equal(result.completion.tag, pg_session_tag(replayer, sql));
}

/* What this session has set it knows better than the recording. */
static bool shows_own(struct replayer *replayer, const struct sql_statement *sql,
		      const struct answer *answer)
{
	return sql->verb == SQL_SHOW && answer->outcome == OUTCOME_OK &&
	       pg_session_answers(replayer, sql);
}

/* pg_cancel_backend() is what a cancel request is. */
static void cancel_named(struct replayer *replayer, const struct request *request,
			 const struct answer *answer)
{
	const struct answer_peers *peers = replayer->answers->peers;
	struct answer_aside aside = { .type = ASIDE_CANCEL };

	if (peers && answer->rung == RUNG_EXACT && answer->outcome == OUTCOME_OK &&
	    sql_kill_of(request->statement, request->values, &aside.backend) == SQL_KILLS_QUERY)
		peers->publish(peers->context, slice_of(NULL, 0), &aside);
}

/* Looks the statement up; the answer's rung is RUNG_SESSION where the session is to answer itself. */
static void find(struct replayer *replayer, const struct sql_statement *sql,
		 const struct request *request, struct answer *ret_answer)
{
	const struct answers *answers = replayer->answers;

	/* Taken when the data came: only that tells which answer it is. */
	if (sql->verb == SQL_COPY && answers->peek(answers->context, request, ret_answer) &&
	    (ret_answer->flags & EXCHANGE_COPY_IN))
		return;
	*ret_answer = (struct answer){ .rung = RUNG_SESSION };
	/* What the session can answer is no miss when it was not recorded. */
	if (!pg_session_answers(replayer, sql) ||
	    answers->peek(answers->context, request, ret_answer))
		answers->find(answers->context, request, ret_answer);
	if (ret_answer->rung == RUNG_EXACT &&
	    (commit_differs(replayer, sql, ret_answer) || shows_own(replayer, sql, ret_answer)))
		ret_answer->rung = RUNG_SESSION;
	else if ((ret_answer->rung == RUNG_MISS || pg_answer_silent(ret_answer)) &&
		 pg_session_answers(replayer, sql))
		ret_answer->rung = RUNG_SESSION;
	if (ret_answer->rung == RUNG_SESSION)
		answers->count_session(answers->context);
	cancel_named(replayer, request, ret_answer);
}

void pg_answer_read(struct replayer *replayer, struct slice text)
{
	struct sql_options options = sql_session_options(replayer->session);

	arena_reset(&replayer->arena);
	replayer->text = text;
	sql_canonicalize(&options, text, &replayer->arena, &replayer->sql);
	replayer->values = arena_alloc(&replayer->arena,
				       (replayer->sql.n_slots + 1) * sizeof(*replayer->values));
	sql_slot_values(&replayer->sql, NULL, 0, replayer->values);
}

static bool field_is(const struct answer_field *field, const char *name, const char *value)
{
	return slice_equal(field->name, slice_from_string(name)) &&
	       slice_equal(field->value, slice_from_string(value));
}

/*
 * A text that cannot be read is refused before the server looks at its transaction. It was recorded as refused by the reader, which is in
 * these files of PostgreSQL's source whatever the language of its messages.
 */
static bool is_unreadable(struct replayer *replayer, const struct request *request)
{
	const struct answers *answers = replayer->answers;
	struct answer_result result;
	struct answer answer;
	bool found = false;

	if (!answers->peek(answers->context, request, &answer) || answer.outcome != OUTCOME_ERROR ||
	    answers->result(answers->context, answer.exchange, 0, &result) != 1)
		return false;
	for (size_t i = 0; result.error && i < result.n_error; i++)
		found |= field_is(&result.error[i], "file", "scan.l") ||
			 field_is(&result.error[i], "file", "gram.y");
	return found;
}

/* ---- waiting ---- */

/*
 * What a client that gave up is given more than it had waited then, before it is told that there is no answer, or that it had cancelled: its
 * own clock began before its request was heard, and what it asked before took longer then.
 */
#define HOLD_MORE_NS ((int64_t)1000 * 1000000)

static bool was_cancelled(struct replayer *replayer, uint64_t exchange)
{
	struct answer_result result;
	unsigned int equal = 0;

	if (replayer->answers->result(replayer->answers->context, exchange, 0, &result) != 1 ||
	    !result.error)
		return false;
	for (size_t i = 0; i < result.n_error; i++)
		equal += field_is(&result.error[i], "code", "57014") ||
			 field_is(&result.error[i], "message",
				  "canceling statement due to user request");
	return equal == 2;
}

void pg_answer_hold(struct replayer *replayer, const struct answer *answer)
{
	const struct answers *answers = replayer->answers;
	bool silent = pg_answer_silent(answer);

	if (!answers->waited || !answers->peers)
		return;
	if (!silent &&
	    (answer->outcome != OUTCOME_ERROR || !was_cancelled(replayer, answer->exchange)))
		return;
	replayer->hold_ns = answers->waited(answers->context, answer->exchange);
	replayer->hold_ns += replayer->hold_ns / 8 + HOLD_MORE_NS;
	answers->peers->listen(answers->peers->context,
			       sql_session_context(replayer->session).database);
}

/* ---- answering ---- */

void pg_answer_simple(struct replayer *replayer, struct slice text, struct buffer *out)
{
	struct request request;
	struct answer answer;

	pg_answer_read(replayer, text);
	request = pg_answer_request(replayer, &replayer->sql, replayer->values, text);
	if (!sql_session_accepts(replayer->session, &replayer->sql) &&
	    !is_unreadable(replayer, &request)) {
		pg_answer_aborted(replayer, &replayer->sql, out);
		return;
	}
	sql_session_resolve(replayer->session, &replayer->sql, replayer->values, &replayer->arena);
	request.whole = true;
	find(replayer, &replayer->sql, &request, &answer);
	replayer->executing = NULL;
	if (answer.rung == RUNG_SESSION)
		answer_session(replayer, &replayer->sql, replayer->values, NULL, out);
	else if (answer.rung == RUNG_MISS)
		pg_answer_miss(replayer, &answer, text, out);
	else if (answer.flags & EXCHANGE_COPY_IN)
		pg_copy_in_begin(replayer, &answer, NULL, text, out);
	else
		pg_send_begin(replayer, &answer);
	if (replayer->send.on)
		pg_answer_hold(replayer, &answer);
}

/*
 * The request of a portal. Binary values whose type this client left to the server were recorded as bytes when the recorded one
 * did not ask for it either: so they are tried in both ways.
 */
static struct request portal_request(struct replayer *replayer, struct pg_bound *bound)
{
	const struct pg_prepared *prepared = bound->prepared;
	const struct answers *answers = replayer->answers;
	struct request request =
		pg_answer_request(replayer, &prepared->sql, bound->values, prepared->text);
	struct request raw = request;
	struct answer answer;

	sql_session_resolve(replayer->session, &prepared->sql, bound->values, &bound->arena);
	if (bound->raw_values)
		sql_session_resolve(replayer->session, &prepared->sql, bound->raw_values,
				    &bound->arena);
	raw.values = bound->raw_values;
	if (raw.values && !answers->peek(answers->context, &request, &answer) &&
	    answers->peek(answers->context, &raw, &answer))
		return raw;
	return request;
}

static void find_portal(struct replayer *replayer, struct pg_bound *bound, bool only_asking,
			bool whole)
{
	const struct pg_prepared *prepared = bound->prepared;
	struct request request;

	if (bound->found)
		return;
	request = portal_request(replayer, bound);
	request.only_asking = only_asking;
	request.whole = whole;
	bound->answer.rung = RUNG_SESSION;
	if (prepared->sql.verb != SQL_EMPTY)
		find(replayer, &prepared->sql, &request, &bound->answer);
	bound->found = !only_asking || bound->answer.rung != RUNG_MISS;
}

bool pg_answer_known(struct replayer *replayer, struct pg_bound *bound)
{
	find_portal(replayer, bound, true, false);
	return bound->found;
}

bool pg_answer_find(struct replayer *replayer, struct pg_bound *bound, bool whole,
		    struct buffer *out)
{
	find_portal(replayer, bound, false, whole);
	if (bound->answer.rung != RUNG_MISS)
		return true;
	pg_answer_miss(replayer, &bound->answer, bound->prepared->text, out);
	return false;
}

void pg_answer_portal(struct replayer *replayer, struct pg_bound *bound, uint64_t limit,
		      struct buffer *out)
{
	if (!pg_answer_find(replayer, bound, !limit, out))
		return;
	if (bound->prepared->sql.verb == SQL_EMPTY) {
		pg_message_end(out, pg_message_begin(out, 'I'));
		replayer->answers->count_session(replayer->answers->context);
		return;
	}
	if (bound->answer.rung == RUNG_SESSION) {
		answer_session(replayer, &bound->prepared->sql, bound->values, bound, out);
		return;
	}
	if (bound->answer.flags & EXCHANGE_COPY_IN) {
		pg_copy_in_begin(replayer, &bound->answer, bound, bound->prepared->text, out);
		return;
	}
	replayer->executing = bound;
	pg_send_begin(replayer, &bound->answer);
	replayer->send.limit = limit;
	replayer->send.formats = bound->formats;
	replayer->send.n_formats = bound->n_formats;
	replayer->send.position = bound->position;
	if (!bound->position.begun)
		pg_answer_hold(replayer, &bound->answer);
}

void pg_answer_sent(struct replayer *replayer)
{
	struct pg_bound *bound = replayer->executing;
	bool ok = !replayer->send.failed;

	replayer->executing = NULL;
	if (replayer->notes && !(bound && bound->begun))
		pg_notes_given(replayer, replayer->send.exchange);
	if (!bound) {
		statement_ended(replayer, &replayer->sql, replayer->values, replayer->text, ok);
		return;
	}
	bound->position = replayer->send.position;
	if (!ok || !bound->begun)
		statement_ended(replayer, &bound->prepared->sql, bound->values,
				bound->prepared->text, ok);
	bound->begun = true;
}
