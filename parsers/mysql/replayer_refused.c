/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: requests that the server refused before all of them had come, since their headers announced more than max_allowed_packet.
 * Nothing but that length decides there, so that it is what was asked (my_refused_text), whatever the request says.
 *
 * The server ends the session with its error, and reads no more: a client that could send all of its request reads the error, one that could
 * not finds its connection broken. So it is here: nothing more is read, and the connection is reset when there was time for the first.
 *
 * Where all refusals of a length were given a statement of this length counts first that was recorded whole: the limit may have been raised.
 */
#include "parsers/mysql/replayer.h"

/* For a client to send what the kernel takes of it, and to read. */
#define REFUSED_HOLD_NS ((int64_t)1000 * 1000000)

/* Is what has come known otherwise? Only of texts that is looked up. */
static bool was_answered(struct replayer *replayer, const struct my_frame *frame)
{
	struct cursor cursor = cursor_of(frame->body);
	struct request request;
	struct answer answer;

	if (frame->part != FRAME_WHOLE || cursor_u8(&cursor) != MY_COM_QUERY ||
	    ((replayer->capabilities & MY_CLIENT_QUERY_ATTRIBUTES) &&
	     !my_replay_skip_attributes(&cursor)))
		return false;
	request = my_answer_read(replayer, cursor_rest(&cursor));
	return replayer->answers->peek(replayer->answers->context, &request, &answer);
}

/* True: it was refused, and that is what comes next; it is given. */
static bool find(struct replayer *replayer, const struct my_frame *frame, struct slice text,
		 struct answer *ret_answer)
{
	const struct answers *answers = replayer->answers;
	struct request request = my_answer_read(replayer, text);

	if (!answers->peek(answers->context, &request, ret_answer))
		return false;
	if (ret_answer->used_up) {
		if (!frame || was_answered(replayer, frame))
			return false;
		request = my_answer_read(replayer, text);
	}
	answers->find(answers->context, &request, ret_answer);
	return ret_answer->rung == RUNG_EXACT;
}

bool my_refused(struct replayer *replayer, const struct my_frame *frame, struct buffer *out)
{
	const struct my_framer *framer = &replayer->framer;
	struct answer answer;

	if (replayer->phase != MY_READY || replayer->infile || (!frame && !framer->in_packet) ||
	    framer->announced < MY_REFUSED_MIN ||
	    (!frame && framer->announced == replayer->looked_up))
		return false;
	replayer->looked_up = frame ? 0 : framer->announced;
	buffer_clear(&replayer->text);
	my_refused_text(&replayer->text, framer->announced);
	if (!find(replayer, frame, buffer_slice(&replayer->text), &answer))
		return false;
	replayer->refused = true;
	replayer->executing = NULL;
	replayer->sequence = (uint8_t)(framer->frame.sequence + 1);
	replayer->compressed_sequence = replayer->sequence;
	return my_answer_give(replayer, &answer, buffer_slice(&replayer->text), false, out);
}

void my_refused_end(struct replayer *replayer)
{
	replayer->hold_ns = REFUSED_HOLD_NS;
}
