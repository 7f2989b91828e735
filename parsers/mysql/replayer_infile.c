/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MySQL replayer: LOAD DATA LOCAL INFILE ("LOCAL INFILE Request" of the internals manual). A client is asked for its file by the
 * name that it gave itself, and which of the recorded answers is its own is known when all of it came: by what is in it.
 */
#include "parsers/mysql/replayer.h"

#include <stdlib.h>

struct my_infile {
	struct copy_digest *digest;
	struct slice text;
	bool more; /* another statement of the same COM_QUERY follows */
};

void my_infile_free(struct my_infile *infile)
{
	if (!infile)
		return;
	copy_digest_free(infile->digest);
	free(infile);
}

/* The message of a COM_QUERY will be gone when the file comes: what is left of it is kept, for its next file too. */
static struct slice keep_query(struct replayer *replayer, struct slice text)
{
	struct buffer kept;

	if (!replayer->query || replayer->query_text.size)
		return text;
	buffer_init(&kept, MY_REQUEST_MAX);
	buffer_append_slice(&kept, text);
	buffer_append_slice(&kept, replayer->query_rest);
	text = slice_of(kept.data, text.size);
	replayer->query_rest = slice_of(kept.data + text.size, replayer->query_rest.size);
	replayer->query_text = kept;
	(void)my_answer_read(replayer, text);
	return text;
}

static bool file_name(const struct replayer *replayer, struct slice *ret_name)
{
	for (size_t i = 0; i < replayer->sql.n_slots; i++)
		if (replayer->sql.slots[i].file) {
			*ret_name = replayer->values[i].text;
			return true;
		}
	return false;
}

bool my_infile_ask(struct replayer *replayer, const struct request *request, bool more,
		   struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct my_infile *infile;
	struct answer answer;
	struct slice name;
	size_t at;

	if (!file_name(replayer, &name) || !answers->peek(answers->context, request, &answer) ||
	    !(answer.flags & EXCHANGE_COPY_IN))
		return false;
	if (!(replayer->capabilities & MY_CLIENT_LOCAL_FILES)) {
		my_answer_unservable(
			replayer, request->text,
			SLICE("the client's own file was sent, which this client does not allow"),
			out);
		return true;
	}
	at = my_packet_begin(out);
	buffer_append_u8(out, MY_LOCAL_INFILE);
	buffer_append_slice(out, name);
	my_packet_end(out, at, &replayer->sequence);
	infile = calloc(1, sizeof(*infile));
	if (!infile)
		abort();
	infile->digest = copy_digest_new(true);
	infile->text = keep_query(replayer, request->text);
	infile->more = more;
	replayer->infile = infile;
	return true;
}

static void file_complete(struct replayer *replayer, struct buffer *out)
{
	const struct answers *answers = replayer->answers;
	struct copy_identity identity = { .end = COPY_DONE,
					  .difference = SLICE("what is in the file differs") };
	struct my_infile *infile = replayer->infile;
	struct request request =
		my_answer_request(replayer, &replayer->sql, replayer->values, infile->text);
	struct answer found;

	replayer->infile = NULL;
	copy_digest_get(infile->digest, identity.digest);
	request.copy = &identity;
	answers->find(answers->context, &request, &found);
	my_answer_give(replayer, &found, infile->text, infile->more, out);
	my_infile_free(infile);
}

void my_infile_message(struct replayer *replayer, const struct my_frame *frame, struct buffer *out)
{
	copy_digest_add(replayer->infile->digest, frame->body);
	/* It ends with an empty packet. */
	if (frame->part == FRAME_WHOLE && !frame->body.size)
		file_complete(replayer, out);
}
