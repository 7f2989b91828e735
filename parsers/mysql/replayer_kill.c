/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: numbers of sessions, and KILL ("KILL Statement" of the reference manual, COM_PROCESS_KILL). What answers a KILL comes from
 * the recording; then the session of this replay that was told the number ends, or gives up what it does.
 *
 * The greeting tells a session its number before it is known who logs in: it is that of the recorded session that was greeted next, whoever
 * that was (answers->backend). Where sessions come in another order than they were recorded a number is another one's than it was; a KILL
 * by it is found all the same (answers->find). A KILL that says no number (KILL USER, KILL @x) reaches those whose answers wait for it: what
 * was recorded of them is that they were cut, or interrupted.
 *
 * A recorded answer that came of a KILL waits for it (answers->interrupted), as an answer does that never came; see my_answer_hold() in
 * replayer_answer.c.
 */
#include "parsers/mysql/replayer.h"
#include "parsers/sql/kill.h"

/* Sessions that were not recorded have numbers from here on, to which no server comes. */
#define OWN_NUMBERS ((uint64_t)1 << 30)

void my_kill_number(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;
	uint32_t own = (uint32_t)((OWN_NUMBERS + replayer->connection) & 0x7fffffff);

	replayer->backend = answers->backend ? answers->backend(answers->context, own) : own;
}

void my_kill_join(struct replayer *replayer)
{
	const struct answers *answers = replayer->answers;

	if (answers->interrupted && answers->peers)
		answers->peers->listen(answers->peers->context, slice_of(NULL, 0));
}

void my_kill_answered(struct replayer *replayer, const struct request *request,
		      const struct answer *answer)
{
	const struct answer_peers *peers = replayer->answers->peers;
	struct answer_aside aside = { .type = ASIDE_KILL };
	enum sql_kill kill;

	if (request->statement->verb != SQL_KILL || answer->rung != RUNG_EXACT ||
	    answer->outcome != OUTCOME_OK || !peers)
		return;
	kill = sql_kill_of(request->statement, request->values, &aside.backend);
	if (kill != SQL_KILLS_SESSION)
		aside.type = ASIDE_KILL_QUERY;
	if (!kill) { /* whoever it was */
		aside.backend = 0;
		aside.asked = answer->exchange;
	}
	peers->publish(peers->context, slice_of(NULL, 0), &aside);
}

void my_kill_tell(struct replayer *replayer, const struct answer_aside *aside)
{
	if (!aside->backend && aside->asked == replayer->awaited && replayer->send.on)
		replayer->hold_ns = 0;
	if (!aside->backend || aside->backend != replayer->backend)
		return;
	if (aside->type == ASIDE_KILL)
		replayer->killed = true;
	/* Silence has no answer to give up for: its client left before the KILL. */
	if (replayer->killed || (aside->type == ASIDE_KILL_QUERY && replayer->send.on))
		replayer->hold_ns = 0;
}
