/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of made-up conversations; see conversation.h. Items are pushed in batches, as the proxy's worker does. */
#include "tests/bench/conversation.h"

#include "store/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PUSH_BYTES (256 * 1024)
#define START_NS 1700000000000000000
#define STEP_NS 25000
#define CONNECTION 1

struct conversation {
	const char *path;
	const struct protocol *protocol;
	struct recorder *recorder;
	struct writer *writer;
	struct item_list items;
	int64_t now_ns;
	/* Signalled by the writer's thread when its queue has room again. */
	pthread_mutex_t lock;
	pthread_cond_t room;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(1);
}

static void room_made(void *context)
{
	struct conversation *conversation = context;

	pthread_mutex_lock(&conversation->lock);
	pthread_cond_signal(&conversation->room);
	pthread_mutex_unlock(&conversation->lock);
}

static void push(struct conversation *conversation)
{
	const char *failed = writer_failed(conversation->writer);

	if (failed)
		die("writing", failed);
	writer_push(conversation->writer, &conversation->items);
	pthread_mutex_lock(&conversation->lock);
	while (writer_full(conversation->writer) && !writer_failed(conversation->writer))
		pthread_cond_wait(&conversation->room, &conversation->lock);
	pthread_mutex_unlock(&conversation->lock);
}

void conversation_see(struct conversation *conversation, enum side side, struct slice bytes)
{
	const char *why = "error";

	if (conversation->protocol->recorder_see(conversation->recorder, side, bytes,
						 conversation->now_ns, &conversation->items, &why))
		die("recording", why);
	conversation->now_ns += STEP_NS;
	if (conversation->items.bytes >= PUSH_BYTES)
		push(conversation);
}

struct conversation *conversation_open(const char *path, const char *protocol, const char *program,
				       uint16_t port)
{
	struct conversation *conversation = calloc(1, sizeof(*conversation));
	const char *command[] = { program, NULL };
	struct writer_options options = {
		.path = path,
		.command = command,
		.drained = room_made,
		.drained_context = conversation,
	};
	struct item *item = item_new(ITEM_CONNECTION_OPEN, CONNECTION);
	char error[STORE_ERROR_BYTES];

	if (!conversation)
		abort();
	conversation->path = path;
	conversation->now_ns = START_NS;
	pthread_mutex_init(&conversation->lock, NULL);
	pthread_cond_init(&conversation->room, NULL);
	item_list_init(&conversation->items);
	conversation->protocol = protocol_by_name(slice_from_string(protocol));
	if (!conversation->protocol)
		die(protocol, "there is no such protocol");
	if (writer_open(&options, &conversation->writer, error))
		die(path, error);
	conversation->recorder = conversation->protocol->recorder_new(CONNECTION);
	item->connection_open.start_ns = conversation->now_ns;
	item->connection_open.address = arena_copy(&item->arena, SLICE("127.0.0.1"));
	item->connection_open.port = port;
	item->connection_open.program = arena_copy(&item->arena, slice_from_string(program));
	item_list_add(&conversation->items, item);
	return conversation;
}

static void close_connection(struct conversation *conversation)
{
	struct item *item = item_new(ITEM_CONNECTION_CLOSE, CONNECTION);

	conversation->protocol->recorder_end(conversation->recorder, conversation->now_ns,
					     &conversation->items);
	item->connection_close.end_ns = conversation->now_ns;
	item->connection_close.outcome = arena_copy(&item->arena, SLICE("closed"));
	item_list_add(&conversation->items, item);
	push(conversation);
}

void conversation_close(struct conversation *conversation, uint64_t exchanges)
{
	struct writer_summary summary;
	char error[STORE_ERROR_BYTES];

	close_connection(conversation);
	conversation->protocol->recorder_free(conversation->recorder);
	item_list_release(&conversation->items);
	if (writer_close(conversation->writer, NULL, &summary, error))
		die(conversation->path, error);
	if (summary.exchanges != exchanges || summary.unfinished || summary.flagged)
		die(conversation->path, "the recording does not hold what was said");
	pthread_mutex_destroy(&conversation->lock);
	pthread_cond_destroy(&conversation->room);
	free(conversation);
}
