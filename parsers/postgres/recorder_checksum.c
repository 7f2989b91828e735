/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL recorder: the checksum of the messages that answer an exchange (record --verify; protocol.h). Which exchange a
 * message belongs to is seen from outside: it is the one that has more pieces behind the message than before.
 */
#include "parsers/postgres/recorder.h"

void pg_recorder_checksum(struct recorder *recorder)
{
	recorder->checksum = true;
}

/* A notice may come while a portal is planned. */
static struct item *answered(struct recorder *recorder, uint8_t type)
{
	struct pg_operation *head = pg_operations_head(recorder);

	if (type == 'N' && head && head->type == OPERATION_BIND && head->item)
		return head->item;
	return recorder->log.active ? recorder->log.active : recorder->log.last;
}

/* Rows, the values of calls, and COPY data: they come while an exchange is active, and many go into one piece. */
static bool is_data(uint8_t type)
{
	return type == 'D' || type == 'V' || type == 'H' || type == 'd' || type == 'c';
}

/*
 * What the session adds by itself (its state, its settings, what is described before it is executed, that it wants COPY data) is no
 * part of an answer.
 */
static bool is_answer(uint8_t type, const struct item *item)
{
	switch (type) {
	case 'C':
	case 'I':
	case 'E':
	case 'N':
		return true;
	case 'T':
		return item->exchange.kind == EXCHANGE_SIMPLE;
	default:
		return is_data(type);
	}
}

/* Large messages come in several frames; their header is made again. */
static void add_frame(struct checksum *checksum, const struct pg_frame *frame)
{
	uint8_t header[5] = { frame->type };
	uint32_t size = frame->body_size + 4;

	for (size_t i = 0; i < 4; i++)
		header[1 + i] = (uint8_t)(size >> (24 - 8 * i));
	if (frame->part != FRAME_BYTES)
		checksum_add(checksum, slice_of(header, sizeof(header)));
	checksum_add(checksum, frame->body);
}

/* What is said of a Parse waits for who executes its statement. */
static bool parse_notice(struct recorder *recorder, const struct pg_frame *frame)
{
	struct pg_operation *head = pg_operations_head(recorder);
	struct pg_statement *statement =
		frame->type == 'N' && head && head->type == OPERATION_PARSE ? head->statement :
									      NULL;
	struct pg_notice **end = statement ? statement->notices_end : NULL;

	if (!statement)
		return false;
	if (pg_server_message(recorder, frame) && statement->notices_end != end)
		add_frame(&statement->passed, frame);
	return true;
}

static bool message_checksum(struct recorder *recorder, const struct pg_frame *frame)
{
	const struct item *before = answered(recorder, frame->type);
	struct piece **end = before ? before->exchange.pieces_end : NULL;
	bool ok = pg_server_message(recorder, frame);
	struct item *item = answered(recorder, frame->type);

	if (ok && item && is_answer(frame->type, item) &&
	    (item != before || item->exchange.pieces_end != end || is_data(frame->type)))
		add_frame(&item->exchange.passed, frame);
	return ok;
}

bool pg_server_message_checksum(struct recorder *recorder, const struct pg_frame *frame)
{
	if (parse_notice(recorder, frame))
		return !recorder->error;
	return message_checksum(recorder, frame);
}
