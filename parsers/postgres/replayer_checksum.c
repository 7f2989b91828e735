/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: the checksum of an exchange as it is sent (record --verify; protocol.h), to a client that asks for each
 * value in the form in which it was recorded.
 */
#include "parsers/postgres/replayer.h"

bool pg_checksum(const struct answers *answers, const struct answer *answer,
		 struct checksum *ret_checksum)
{
	struct replayer *replayer = pg_replayer_new(answers, 0);
	struct buffer out;
	bool done, ok;

	*ret_checksum = (struct checksum){ 0 };
	/* As much as a worker has: see playback.c. */
	buffer_init(&out, (size_t)64 << 20);
	replayer->query = answer->kind == EXCHANGE_SIMPLE;
	pg_send_begin(replayer, answer);
	replayer->send.as_recorded = true;
	replayer->send.call = answer->kind == EXCHANGE_FUNCTION;
	do {
		done = pg_send_more(replayer, &out);
		checksum_add(ret_checksum, buffer_slice(&out));
		ok = !out.overflowed;
		buffer_clear(&out);
	} while (!done && ok);
	ok &= !replayer->send.unservable;
	buffer_release(&out);
	pg_replayer_free(replayer);
	return ok;
}
