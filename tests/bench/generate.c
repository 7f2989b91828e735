/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a recording of N distinct exchanges for `make bench`: SELECT abalance FROM pgbench_accounts WHERE aid = K; for
 * each K from 1 to N, after what pgbench asks at its start. It makes the bytes of the conversation and passes them
 * through the program's own recorder and writer, so that the file is what recording such a run would have given.
 * Every answer has its own value, so that no two results are the same. -m: one prepared statement, executed N times.
 */
#include "parsers/buffer.h"
#include "parsers/protocol.h"
#include "store/writer.h"
#include "tests/bench/net.h"
#include "tests/bench/wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXCHANGES_MAX 10000000
#define MESSAGE_BYTES 4096
#define PUSH_BYTES (256 * 1024)
#define START_NS 1700000000000000000
#define EXCHANGE_NS 50000
#define CONNECTION 1

/* Signalled by the writer's thread when its queue has room again. */
struct room {
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

struct conversation {
	const struct protocol *protocol;
	struct recorder *recorder;
	struct writer *writer;
	struct room *room;
	struct item_list items;
	struct buffer message;
	int64_t now_ns;
	bool prepared; /* the statement is prepared once and its parameter bound; else each is a Query */
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(1);
}

static void room_made(void *context)
{
	struct room *room = context;

	pthread_mutex_lock(&room->lock);
	pthread_cond_signal(&room->changed);
	pthread_mutex_unlock(&room->lock);
}

static void push(struct conversation *conversation)
{
	const char *failed = writer_failed(conversation->writer);

	if (failed)
		die("writing", failed);
	writer_push(conversation->writer, &conversation->items);
	pthread_mutex_lock(&conversation->room->lock);
	while (writer_full(conversation->writer) && !writer_failed(conversation->writer))
		pthread_cond_wait(&conversation->room->changed, &conversation->room->lock);
	pthread_mutex_unlock(&conversation->room->lock);
}

static void see(struct conversation *conversation, enum side side, struct slice bytes)
{
	const char *why = "error";

	if (conversation->protocol->recorder_see(conversation->recorder, side, bytes,
						 conversation->now_ns, &conversation->items, &why))
		die("recording", why);
	conversation->now_ns += EXCHANGE_NS / 2;
	if (conversation->items.bytes >= PUSH_BYTES)
		push(conversation);
}

/* A Query message with this text. */
static void ask(struct conversation *conversation, struct slice text)
{
	struct buffer *message = &conversation->message;

	buffer_clear(message);
	buffer_append_u8(message, 'Q');
	buffer_append_u32be(message, (uint32_t)text.size + 5);
	buffer_append_slice(message, text);
	buffer_append_u8(message, 0);
	see(conversation, SIDE_CLIENT, buffer_slice(message));
}

static size_t begin(struct buffer *message, uint8_t type)
{
	size_t at = message->size;

	buffer_append_u8(message, type);
	buffer_append_u32be(message, 0);
	return at;
}

static void end(struct buffer *message, size_t at)
{
	size_t size = message->size - at - 1;

	message->data[at + 3] = (uint8_t)(size >> 8);
	message->data[at + 4] = (uint8_t)size;
}

/* As pgbench -M prepared does: Parse and Sync. */
static void prepare(struct conversation *conversation)
{
	struct buffer *message = &conversation->message;
	size_t at;

	buffer_clear(message);
	at = begin(message, 'P');
	buffer_append_slice(message, SLICE("P_0\0SELECT abalance FROM pgbench_accounts "
					   "WHERE aid = $1;\0\0\0"));
	end(message, at);
	end(message, begin(message, 'S'));
	see(conversation, SIDE_CLIENT, buffer_slice(message));
	see(conversation, SIDE_SERVER, SLICE("1\0\0\0\004" WIRE_READY));
}

/* Bind of one parameter as text, Describe, Execute and Sync. */
static void execute(struct conversation *conversation, uint32_t account)
{
	struct buffer *message = &conversation->message;
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", account);
	size_t at;

	buffer_clear(message);
	at = begin(message, 'B');
	buffer_append_slice(message, SLICE("\0P_0\0\0\0\0\001"));
	buffer_append_u32be(message, (uint32_t)size);
	buffer_append_string(message, text);
	buffer_append_slice(message, SLICE("\0\001\0\0"));
	end(message, at);
	at = begin(message, 'D');
	buffer_append_slice(message, SLICE("P\0"));
	end(message, at);
	at = begin(message, 'E');
	buffer_append_slice(message, SLICE("\0\0\0\0\0"));
	end(message, at);
	end(message, begin(message, 'S'));
	see(conversation, SIDE_CLIENT, buffer_slice(message));
}

static void log_in(struct conversation *conversation, const char *database)
{
	struct buffer *message = &conversation->message;
	struct slice user = SLICE("user\0postgres\0database\0");
	struct slice rest = SLICE("\0application_name\0pgbench\0\0");

	buffer_clear(message);
	buffer_append_u32be(message, (uint32_t)(8 + user.size + strlen(database) + rest.size));
	buffer_append_u32be(message, 0x00030000);
	buffer_append_slice(message, user);
	buffer_append_string(message, database);
	buffer_append_slice(message, rest);
	see(conversation, SIDE_CLIENT, buffer_slice(message));
	see(conversation, SIDE_SERVER, SLICE(WIRE_LOGIN));
}

static void read_account(struct conversation *conversation, uint32_t account)
{
	struct buffer *message = &conversation->message;
	uint32_t balance = account * 7919U % 1000000;
	char text[128];
	int size;

	size = snprintf(text, sizeof(text), "SELECT abalance FROM pgbench_accounts WHERE aid = %u;",
			account);
	if (conversation->prepared)
		execute(conversation, account);
	else
		ask(conversation, slice_of(text, (size_t)size));

	size = snprintf(text, sizeof(text), "%u", balance);
	buffer_clear(message);
	if (conversation->prepared)
		buffer_append_slice(message, SLICE("2\0\0\0\004"));
	buffer_append_slice(message, SLICE(WIRE_BALANCE_COLUMNS "D"));
	buffer_append_u32be(message, (uint32_t)size + 10);
	buffer_append_u16be(message, 1);
	buffer_append_u32be(message, (uint32_t)size);
	buffer_append_string(message, text);
	buffer_append_slice(message, SLICE(WIRE_ONE_ROW_TAG WIRE_READY));
	see(conversation, SIDE_SERVER, buffer_slice(message));
}

static void open_connection(struct conversation *conversation, uint16_t port)
{
	struct item *item = item_new(ITEM_CONNECTION_OPEN, CONNECTION);

	item->connection_open.start_ns = conversation->now_ns;
	item->connection_open.address = arena_copy(&item->arena, SLICE("127.0.0.1"));
	item->connection_open.port = port;
	item->connection_open.program = arena_copy(&item->arena, SLICE("pgbench"));
	item_list_add(&conversation->items, item);
}

static void close_connection(struct conversation *conversation)
{
	struct item *item = item_new(ITEM_CONNECTION_CLOSE, CONNECTION);

	conversation->protocol->recorder_end(conversation->recorder, conversation->now_ns,
					     &conversation->items);
	item->connection_close.end_ns = conversation->now_ns;
	item->connection_close.outcome = arena_copy(&item->arena, SLICE("closed"));
	item_list_add(&conversation->items, item);
}

static void converse(struct conversation *conversation, uint32_t n, uint16_t port,
		     const char *database)
{
	open_connection(conversation, port);
	log_in(conversation, database);
	ask(conversation, SLICE(WIRE_SCALE_QUERY));
	see(conversation, SIDE_SERVER, SLICE(WIRE_SCALE_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	ask(conversation, SLICE(WIRE_PARTITIONS_QUERY));
	see(conversation, SIDE_SERVER, SLICE(WIRE_PARTITIONS_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	if (conversation->prepared)
		prepare(conversation);
	for (uint32_t account = 1; account <= n; account++)
		read_account(conversation, account);
	see(conversation, SIDE_CLIENT, SLICE("X\0\0\0\x04"));
	close_connection(conversation);
	push(conversation);
}

static void generate(const char *path, uint32_t n, uint16_t port, const char *database,
		     bool prepared)
{
	struct room room = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER };
	const char *command[] = { "pgbench", "-S", NULL };
	struct writer_options options = {
		.path = path, .command = command, .drained = room_made, .drained_context = &room
	};
	struct conversation conversation = { .room = &room,
					     .now_ns = START_NS,
					     .prepared = prepared };
	struct writer_summary summary;
	char error[STORE_ERROR_BYTES];

	conversation.protocol = protocol_by_name(SLICE("postgres"));
	if (!conversation.protocol)
		die("protocol", "postgres is not there");
	if (writer_open(&options, &conversation.writer, error))
		die(path, error);
	conversation.recorder = conversation.protocol->recorder_new(CONNECTION);
	item_list_init(&conversation.items);
	buffer_init(&conversation.message, MESSAGE_BYTES);

	converse(&conversation, n, port, database);

	conversation.protocol->recorder_free(conversation.recorder);
	item_list_release(&conversation.items);
	buffer_release(&conversation.message);
	if (writer_close(conversation.writer, NULL, &summary, error))
		die(path, error);
	if (summary.exchanges != (uint64_t)n + 2 || summary.unfinished || summary.flagged)
		die(path, "the recording does not hold what was said");
}

int main(int argc, char **argv)
{
	const char *path = NULL, *database = "bench";
	uint32_t n = 0, port = 0;
	bool prepared = false;
	int option;

	while ((option = getopt(argc, argv, "o:n:p:d:m")) != -1) {
		if (option == 'o')
			path = optarg;
		else if (option == 'n')
			n = net_number(optarg, EXCHANGES_MAX);
		else if (option == 'p')
			port = net_number(optarg, UINT16_MAX);
		else if (option == 'd')
			database = optarg;
		else if (option == 'm')
			prepared = true;
	}
	if (!path || !n || !port || strlen(database) > 63 || optind != argc) {
		fprintf(stderr,
			"usage: generate -o FILE -n EXCHANGES -p PORT [-d DATABASE] [-m]\n");
		return 2;
	}
	generate(path, n, (uint16_t)port, database, prepared);
	return 0;
}
