/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: what answers a statement. The recording comes first; what a session can know by itself (BEGIN, COMMIT,
 * SET, USE, ...) is answered by the session when the recording does not hold it. Everything else that is not recorded
 * is a miss.
 */
#include "parsers/miss.h"
#include "parsers/mysql/replayer.h"
#include "parsers/sql/forms.h"

#define STATE_GENERAL SLICE("HY000")

struct request my_answer_request(struct replayer *replayer, const struct sql_statement *sql,
				 const struct sql_value *values, struct slice text)
{
	return (struct request){
		.context = sql_session_context(replayer->session),
		.statement = sql,
		.values = values,
		.text = text,
	};
}

bool my_answer_housekeeping(const struct sql_statement *sql)
{
	switch (sql->verb) {
	case SQL_BEGIN:
	case SQL_COMMIT:
	case SQL_ROLLBACK:
	case SQL_SAVEPOINT:
	case SQL_RELEASE:
	case SQL_ROLLBACK_TO:
	case SQL_SET:
	case SQL_USE:
		return true;
	default:
		return false;
	}
}

void my_answer_ended(struct replayer *replayer, bool ok)
{
	if (replayer->send.told)
		return;
	replayer->send.told = true;
	sql_session_statement(replayer->session, &replayer->sql, replayer->values, ok);
}

/* ---- errors of our own ---- */

void my_answer_miss(struct replayer *replayer, const struct answer *answer, struct slice text,
		    struct buffer *out)
{
	/* Clients keep 512 bytes of a message. */
	static const struct miss_form form = { .separator = "; ", .most = 120 };
	struct sql_options options = sql_session_options(replayer->session);
	struct buffer message;

	buffer_init(&message, 4096);
	buffer_append_slice(&message, miss_what(answer));
	buffer_append_string(&message, ". ");
	miss_explain(&message, &options, text, answer, &form);
	my_write_error(replayer, MY_ERROR_OWN, STATE_GENERAL, buffer_slice(&message), out);
	buffer_release(&message);
	my_replay_failed(replayer);
}

void my_answer_unservable(struct replayer *replayer, struct slice text, struct slice why,
			  struct buffer *out)
{
	struct buffer message;

	replayer->answers->count_unservable(replayer->answers->context, text, why);
	buffer_init(&message, 8192);
	buffer_append_string(&message,
			     "mockproxy: the recorded answer cannot be given in the form that was "
			     "asked for: ");
	buffer_append_slice(&message, why);
	my_write_error(replayer, MY_ERROR_OWN, STATE_GENERAL, buffer_slice(&message), out);
	buffer_release(&message);
	my_replay_failed(replayer);
}

static void answer_housekeeping(struct replayer *replayer, bool more, struct buffer *out)
{
	struct completion completion = { .tag = SLICE("") };
	struct slice database;

	replayer->send.told = false;
	my_answer_ended(replayer, true);
	if (replayer->sql.verb == SQL_USE) {
		database = sql_session_context(replayer->session).database;
		my_write_change(replayer, SLICE("@schema"), database);
	}
	completion.status = my_write_status(replayer, 0);
	if (more)
		completion.status |= MY_STATUS_MORE_RESULTS;
	my_write_ok(replayer, &completion, out);
}

/* ---- silence ---- */

/*
 * What a client that gave up, or that was killed, is given more than it had waited then, before it is told that there is no answer, or how it
 * ended: its own clock began before its request was heard, and what it asked before took longer then.
 */
#define HOLD_MORE_NS ((int64_t)1000 * 1000000)

/* Did its client leave before all was said? */
static bool is_left(const struct answer *answer)
{
	return answer->rung == RUNG_EXACT && answer->outcome == OUTCOME_UNFINISHED &&
	       !(answer->flags & (EXCHANGE_SERVER_ENDED | EXCHANGE_SERVER_RESET));
}

/* The KILL that the answer came of; 0: of none. */
static uint64_t was_interrupted(const struct replayer *replayer, const struct answer *answer)
{
	const struct answers *answers = replayer->answers;

	return answer->rung == RUNG_EXACT && !is_left(answer) && answers->interrupted ?
		       answers->interrupted(answers->context, answer->exchange) :
		       0;
}

void my_answer_hold(struct replayer *replayer, uint64_t exchange)
{
	const struct answers *answers = replayer->answers;
	int64_t waited_ns = answers->waited ? answers->waited(answers->context, exchange) : 0;

	replayer->hold_ns = waited_ns + waited_ns / 8 + HOLD_MORE_NS;
}

void my_answer_held(struct replayer *replayer, struct buffer *out)
{
	replayer->hold_ns = 0;
	if (replayer->refused)
		replayer->closed = replayer->reset = true;
	if (replayer->refused || replayer->send.on || replayer->killed)
		return;
	my_write_error(
		replayer, MY_ERROR_OWN, STATE_GENERAL,
		SLICE("mockproxy: recorded without an answer, or without all of it: its client "
		      "gave up"),
		out);
	my_replay_failed(replayer);
}

/* ---- finding ---- */

void my_answer_tell_time_zone(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;
	uint64_t changes = sql_session_changes(replayer->session);

	if (changes == replayer->told_changes)
		return;
	replayer->told_changes = changes;
	answers->time_zone(answers->context,
			   sql_session_setting(replayer->session, SLICE("time_zone")));
}

/* Looks the statement up; the answer's rung is RUNG_SESSION where the session is to answer itself. */
static void find(struct replayer *replayer, const struct request *request,
		 struct answer *ret_answer)
{
	const struct answers *answers = replayer->answers;
	struct sql_options options = sql_session_options(replayer->session);
	/* Several in one text are not one that the session knows. */
	bool housekeeping = my_answer_housekeeping(request->statement) &&
			    sql_count(&options, request->text) == 1;

	*ret_answer = (struct answer){ .rung = RUNG_SESSION };
	/* What the session can answer is no miss when it was not recorded. */
	if (!housekeeping || answers->peek(answers->context, request, ret_answer))
		answers->find(answers->context, request, ret_answer);
	if (housekeeping && (ret_answer->rung == RUNG_MISS || is_left(ret_answer)))
		ret_answer->rung = RUNG_SESSION;
	if (ret_answer->rung == RUNG_SESSION)
		answers->count_session(answers->context);
}

bool my_answer_give(struct replayer *replayer, const struct answer *found, struct slice text,
		    bool more, struct buffer *out)
{
	replayer->awaited = was_interrupted(replayer, found);
	if (replayer->awaited)
		my_answer_hold(replayer, found->exchange);
	if (found->rung == RUNG_SESSION) {
		answer_housekeeping(replayer, more, out);
	} else if (found->rung == RUNG_MISS) {
		my_answer_miss(replayer, found, text, out);
	} else {
		my_send_begin(replayer, found);
		replayer->send.more = more;
		return true;
	}
	return false;
}

/* The statement is in replayer->sql and ->values; true: an answer of the recording is under way. */
static bool answer(struct replayer *replayer, struct slice text, bool more, struct buffer *out)
{
	struct request request =
		my_answer_request(replayer, &replayer->sql, replayer->values, text);
	struct answer found;

	my_answer_tell_time_zone(replayer);
	if (my_end_meets(replayer, &request, out))
		return false;
	my_end_passed(replayer, my_answer_housekeeping(&replayer->sql));
	if (my_infile_ask(replayer, &request, more, out))
		return false;
	find(replayer, &request, &found);
	my_kill_answered(replayer, &request, &found);
	return my_answer_give(replayer, &found, text, more, out);
}

struct request my_answer_read(struct replayer *replayer, struct slice text)
{
	struct sql_options options = sql_session_options(replayer->session);

	arena_reset(&replayer->arena);
	sql_forms_canonicalize(replayer->answers->forms, &options, text, &replayer->arena,
			       &replayer->sql);
	replayer->values = arena_alloc(&replayer->arena,
				       (replayer->sql.n_slots + 1) * sizeof(*replayer->values));
	sql_slot_values(&replayer->sql, NULL, 0, replayer->values);
	return my_answer_request(replayer, &replayer->sql, replayer->values, text);
}

void my_answer_text(struct replayer *replayer, struct slice text, bool more, struct buffer *out)
{
	(void)my_answer_read(replayer, text);
	replayer->executing = NULL;
	answer(replayer, text, more, out);
}

void my_answer_execute(struct replayer *replayer, struct my_statement *statement, struct slice text,
		       bool cursor, struct buffer *out)
{
	replayer->executing = NULL;
	if (!answer(replayer, text, false, out))
		return;
	replayer->executing = statement;
	replayer->send.binary = true;
	replayer->send.ask_cursor = cursor;
	statement->answer = (struct answer){ .exchange = replayer->send.exchange,
					     .flags = replayer->send.flags };
	statement->position = (struct my_position){ 0 };
}

void my_answer_sent(struct replayer *replayer)
{
	struct my_statement *statement = replayer->executing;

	if (statement && replayer->send.fetch)
		statement->position = replayer->send.position;
	/* A cursor's answer goes on. */
	if (!statement || !statement->cursor)
		my_end_given(replayer, replayer->send.exchange);
	replayer->executing = NULL;
	if (replayer->send.failed)
		my_replay_failed(replayer);
}
