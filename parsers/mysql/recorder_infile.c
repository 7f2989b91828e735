/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL recorder: LOAD DATA LOCAL INFILE ("LOCAL INFILE Request" of the internals manual). The file may be of any size: a digest of
 * what is in it is part of the request's identity (parsers/copy.h), and what it is called is not.
 */
#include "parsers/mysql/recorder.h"

bool my_infile_begin(struct recorder *recorder, struct slice name, uint8_t sequence)
{
	static const uint8_t form[4] = { 0, 1 }; /* from the client, bytes as they are */
	struct exchange_item *exchange = &recorder->log.active->exchange;

	if (exchange->flags & EXCHANGE_COPY_IN)
		return my_fail(recorder, "two files for one statement");
	my_status_add(recorder, MY_NOTE_INFILE, name);
	exchange->flags |= EXCHANGE_COPY_IN;
	exchange_piece(&recorder->log, PIECE_COPY, slice_of(form, sizeof(form)));
	recorder->file = copy_digest_new(true);
	recorder->infile = true;
	recorder->framers[SIDE_CLIENT].sequence = (uint8_t)(sequence + 1);
	return true;
}

void my_infile_drop(struct recorder *recorder)
{
	copy_digest_free(recorder->file);
	recorder->file = NULL;
}

static void add_digest(struct recorder *recorder)
{
	uint8_t bytes[1 + COPY_DIGEST_BYTES] = { COPY_DONE };

	copy_digest_get(recorder->file, bytes + 1);
	exchange_piece(&recorder->log, PIECE_COPY_END, slice_of(bytes, sizeof(bytes)));
	my_infile_drop(recorder);
}

/* It ends with an empty packet; behind that the server goes on. */
void my_infile_bytes(struct recorder *recorder, const struct my_frame *frame)
{
	if (recorder->file)
		copy_digest_add(recorder->file, frame->body);
	if (frame->part != FRAME_WHOLE || frame->body.size)
		return;
	recorder->infile = false;
	recorder->framers[SIDE_SERVER].sequence = (uint8_t)(frame->sequence + 1);
	if (recorder->file)
		add_digest(recorder);
}
