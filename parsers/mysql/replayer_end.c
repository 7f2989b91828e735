/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: sessions that the server ended by itself between requests. That stands behind the exchange which was answered last
 * there: the session that is given it ends when the recorded time has passed since, or when it asks what met the end then. Asked
 * anything else it goes on: nobody knows that its server would have ended it.
 */
#include "parsers/mysql/replayer.h"

void my_end_given(struct replayer *replayer, uint64_t exchange)
{
	const struct answers *answers = replayer->answers;
	const struct answer_peers *peers = answers->peers;
	const struct answer_aside *aside;
	size_t at = 0;

	while (answers->aside && (aside = answers->aside(answers->context, exchange, &at))) {
		if (aside->type != ASIDE_ERROR && aside->type != ASIDE_END)
			continue;
		replayer->end =
			(struct my_end){ .aside = aside, .behind = aside->behind, .due = !peers };
		if (peers)
			peers->later(peers->context, aside);
	}
}

/* A session's last packet answers nothing: MySQL's counts from 0, MariaDB's as if it did. */
static void say(struct replayer *replayer, struct buffer *out)
{
	const struct answer_aside *aside = replayer->end.aside;
	struct my_err err;

	replayer->sequence = replayer->offered & MY_CLIENT_MYSQL ? 0 : 1;
	replayer->compressed_sequence = replayer->sequence;
	if (aside->type == ASIDE_END)
		replayer->reset = slice_equal(aside->fields[0].value, SLICE("reset"));
	else if (my_error_of(aside->fields, aside->n_fields, &err))
		my_write_error(replayer, err.code, err.state, err.message, out);
	replayer->end.aside = NULL;
	replayer->closed = true;
}

bool my_end_say(struct replayer *replayer, struct buffer *out)
{
	bool due = replayer->end.due && !replayer->end.behind;

	if (!replayer->end.aside || (!due && !replayer->killed))
		return false;
	say(replayer, out);
	return true;
}

bool my_end_meets(struct replayer *replayer, const struct request *request, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	const struct answer_aside *aside = replayer->end.aside;

	if (!aside || replayer->end.behind || !aside->asked || !answers->is_asked ||
	    !answers->is_asked(answers->context, request, aside->asked))
		return false;
	say(replayer, out);
	return true;
}

bool my_end_meets_text(struct replayer *replayer, struct slice text, struct buffer *out)
{
	struct request request;

	if (!replayer->end.aside)
		return false;
	request = my_answer_read(replayer, text);
	return my_end_meets(replayer, &request, out);
}

void my_end_passed(struct replayer *replayer, bool housekeeping)
{
	if (housekeeping && replayer->end.behind)
		replayer->end.behind--;
	else
		replayer->end.aside = NULL;
}
