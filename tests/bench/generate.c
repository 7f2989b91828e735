/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a recording of N distinct exchanges for `make bench`. Every answer has its own value, so that no two results are
 * the same.
 *
 *	postgres: SELECT abalance FROM pgbench_accounts WHERE aid = K; for each K from 1 to N, after what pgbench asks at
 *	          its start; with -m as one prepared statement, executed N times; with -x the statement is parsed each time
 *	mysql:    SELECT c FROM sbtest1 WHERE id=K for each K from 1 to N, as sysbench's oltp_point_select asks and MariaDB
 *	          answers; with -m as one prepared statement
 *	http:     GET /item/K, for each K from 1 to N, as wrk asks and nginx answers
 */
#include "tests/bench/conversation.h"
#include "tests/bench/net.h"
#include "tests/bench/wire.h"

#include <stdio.h>
#include <unistd.h>

#define EXCHANGES_MAX 10000000
#define MESSAGE_BYTES 4096

/* What is to be made. */
struct wanted {
	const char *path;
	const char *protocol;
	const char *database;
	uint32_t n;
	uint16_t port;
	/* How it is asked: a Query each, or with a bound parameter; the statement is prepared once, or each time. */
	enum form { QUERIES, PREPARED, EXTENDED } form;
};

/* ---- PostgreSQL ---- */

/* A Query message with this text. */
static void ask(struct conversation *conversation, struct buffer *message, struct slice text)
{
	buffer_clear(message);
	buffer_append_u8(message, 'Q');
	buffer_append_u32be(message, (uint32_t)text.size + 5);
	buffer_append_slice(message, text);
	buffer_append_u8(message, 0);
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
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
static void prepare(struct conversation *conversation, struct buffer *message)
{
	size_t at;

	buffer_clear(message);
	at = begin(message, 'P');
	buffer_append_slice(message, SLICE("P_0\0SELECT abalance FROM pgbench_accounts "
					   "WHERE aid = $1;\0\0\0"));
	end(message, at);
	end(message, begin(message, 'S'));
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
	conversation_see(conversation, SIDE_SERVER, SLICE("1\0\0\0\004" WIRE_READY));
}

/* Parse where it is done each time, Bind of one parameter as text, Describe, Execute and Sync. */
static void execute(struct conversation *conversation, struct buffer *message, uint32_t account,
		    enum form form)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", account);
	size_t at;

	buffer_clear(message);
	if (form == EXTENDED) {
		at = begin(message, 'P');
		buffer_append_slice(message, SLICE("\0SELECT abalance FROM pgbench_accounts "
						   "WHERE aid = $1;\0\0\0"));
		end(message, at);
	}
	at = begin(message, 'B');
	buffer_append_slice(message, form == EXTENDED ? SLICE("\0\0\0\0\0\001") :
							SLICE("\0P_0\0\0\0\0\001"));
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
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
}

static void log_in(struct conversation *conversation, struct buffer *message, const char *database)
{
	struct slice user = SLICE("user\0postgres\0database\0");
	struct slice rest = SLICE("\0application_name\0pgbench\0\0");

	buffer_clear(message);
	buffer_append_u32be(message, (uint32_t)(8 + user.size + strlen(database) + rest.size));
	buffer_append_u32be(message, 0x00030000);
	buffer_append_slice(message, user);
	buffer_append_string(message, database);
	buffer_append_slice(message, rest);
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
	conversation_see(conversation, SIDE_SERVER, SLICE(WIRE_LOGIN));
}

static void read_account(struct conversation *conversation, struct buffer *message,
			 uint32_t account, enum form form)
{
	uint32_t balance = account * 7919U % 1000000;
	char text[128];
	int size;

	size = snprintf(text, sizeof(text), "SELECT abalance FROM pgbench_accounts WHERE aid = %u;",
			account);
	if (form != QUERIES)
		execute(conversation, message, account, form);
	else
		ask(conversation, message, slice_of(text, (size_t)size));

	size = snprintf(text, sizeof(text), "%u", balance);
	buffer_clear(message);
	if (form == EXTENDED)
		buffer_append_slice(message, SLICE("1\0\0\0\004"));
	if (form != QUERIES)
		buffer_append_slice(message, SLICE("2\0\0\0\004"));
	buffer_append_slice(message, SLICE(WIRE_BALANCE_COLUMNS "D"));
	buffer_append_u32be(message, (uint32_t)size + 10);
	buffer_append_u16be(message, 1);
	buffer_append_u32be(message, (uint32_t)size);
	buffer_append_string(message, text);
	buffer_append_slice(message, SLICE(WIRE_ONE_ROW_TAG WIRE_READY));
	conversation_see(conversation, SIDE_SERVER, buffer_slice(message));
}

static void converse_postgres(const struct wanted *wanted, struct buffer *message)
{
	struct conversation *conversation =
		conversation_open(wanted->path, wanted->protocol, "pgbench", wanted->port);

	log_in(conversation, message, wanted->database);
	ask(conversation, message, SLICE(WIRE_SCALE_QUERY));
	conversation_see(conversation, SIDE_SERVER,
			 SLICE(WIRE_SCALE_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	ask(conversation, message, SLICE(WIRE_PARTITIONS_QUERY));
	conversation_see(conversation, SIDE_SERVER,
			 SLICE(WIRE_PARTITIONS_ROWS WIRE_ONE_ROW_TAG WIRE_READY));
	if (wanted->form == PREPARED)
		prepare(conversation, message);
	for (uint32_t account = 1; account <= wanted->n; account++)
		read_account(conversation, message, account, wanted->form);
	conversation_see(conversation, SIDE_CLIENT, SLICE("X\0\0\0\x04"));
	conversation_close(conversation, (uint64_t)wanted->n + 2);
}

/* ---- MySQL ---- */

#define COM_QUERY 0x03
#define COM_STMT_PREPARE 0x16
#define COM_STMT_EXECUTE 0x17

#define MY_SELECT "SELECT c FROM sbtest1 WHERE id="
#define MY_VALUE_BYTES 119 /* of c */

/* The length is set by my_end(). */
static size_t my_begin(struct buffer *message, uint8_t sequence)
{
	size_t at = message->size;

	buffer_append_slice(message, SLICE("\0\0\0"));
	buffer_append_u8(message, sequence);
	return at;
}

static void my_end(struct buffer *message, size_t at)
{
	size_t size = message->size - at - 4;

	message->data[at] = (uint8_t)size;
	message->data[at + 1] = (uint8_t)(size >> 8);
}

static void my_ask(struct conversation *conversation, struct buffer *message, uint8_t command,
		   struct slice rest)
{
	size_t at;

	buffer_clear(message);
	at = my_begin(message, 0);
	buffer_append_u8(message, command);
	buffer_append_slice(message, rest);
	my_end(message, at);
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
}

/* As sysbench does: utf8mb4, transactions, multiple statements and results, plugin names, no password. */
static void my_log_in(struct conversation *conversation, struct buffer *message,
		      const char *database)
{
	size_t at;

	conversation_see(conversation, SIDE_SERVER, SLICE(WIRE_MY_GREETING));
	buffer_clear(message);
	at = my_begin(message, 1);
	buffer_append_slice(message, SLICE("\215\242\013\000\000\000\000\001\055"));
	buffer_append_slice(message, SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	buffer_append_slice(message, SLICE("bench\0\0"));
	buffer_append_string(message, database);
	buffer_append_slice(message, SLICE("\0mysql_native_password\0"));
	my_end(message, at);
	conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
	conversation_see(conversation, SIDE_SERVER, SLICE(WIRE_MY_LOGIN));
}

static void my_read_row(struct conversation *conversation, struct buffer *message, uint32_t id,
			enum form form)
{
	char text[MY_VALUE_BYTES + 1];
	size_t at;
	int size;

	if (form == QUERIES) {
		size = snprintf(text, sizeof(text), MY_SELECT "%u", id);
		my_ask(conversation, message, COM_QUERY, slice_of(text, (size_t)size));
	} else {
		/* statement 1, no cursor, once; no NULL; the first time the type, which is LONGLONG; the value */
		buffer_clear(message);
		at = my_begin(message, 0);
		buffer_append_u8(message, COM_STMT_EXECUTE);
		buffer_append_slice(message, SLICE("\1\0\0\0\0\1\0\0\0\0"));
		buffer_append_slice(message, id == 1 ? SLICE("\1\010\0") : SLICE("\0"));
		for (int shift = 0; shift < 64; shift += 8)
			buffer_append_u8(message, (uint8_t)((uint64_t)id >> shift));
		my_end(message, at);
		conversation_see(conversation, SIDE_CLIENT, buffer_slice(message));
	}
	snprintf(text, sizeof(text),
		 "%011u-41614490774-55023138173-20368527733-63918937250-"
		 "92196994960-71571124570-98479589566-67374951936-%011u",
		 id * 7919U % 1000000, id);
	buffer_clear(message);
	buffer_append_slice(message, SLICE(WIRE_MY_COLUMNS));
	at = my_begin(message, 4);
	if (form == QUERIES)
		buffer_append_u8(message, MY_VALUE_BYTES);
	else
		buffer_append_slice(message, SLICE("\0\0\167"));
	buffer_append_string(message, text);
	my_end(message, at);
	buffer_append_slice(message, SLICE(WIRE_MY_EOF("\005")));
	conversation_see(conversation, SIDE_SERVER, buffer_slice(message));
}

static void converse_mysql(const struct wanted *wanted, struct buffer *message)
{
	struct conversation *conversation =
		conversation_open(wanted->path, wanted->protocol, "sysbench", wanted->port);

	my_log_in(conversation, message, wanted->database);
	if (wanted->form != QUERIES) {
		my_ask(conversation, message, COM_STMT_PREPARE, SLICE(MY_SELECT "?"));
		conversation_see(conversation, SIDE_SERVER, SLICE(WIRE_MY_PREPARED));
	}
	for (uint32_t id = 1; id <= wanted->n; id++)
		my_read_row(conversation, message, id, wanted->form);
	conversation_close(conversation, wanted->n);
}

/* ---- HTTP ---- */

/* The bytes are those of wrk 4.1 and nginx 1.22. */
static void get_item(struct conversation *conversation, uint32_t item, uint16_t port)
{
	char text[512], body[32];
	int size;

	size = snprintf(text, sizeof(text), "GET /item/%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
			item, port);
	conversation_see(conversation, SIDE_CLIENT, slice_of(text, (size_t)size));
	snprintf(body, sizeof(body), "/item/%u\n", item);
	size = snprintf(text, sizeof(text),
			"HTTP/1.1 200 OK\r\n"
			"Server: nginx/1.22.1\r\n"
			"Date: Wed, 25 Nov 2026 12:%02u:%02u GMT\r\n"
			"Content-Type: text/plain\r\n"
			"Content-Length: %zu\r\n"
			"Connection: keep-alive\r\n\r\n%s",
			item / 1200000 % 60, item / 20000 % 60, strlen(body), body);
	conversation_see(conversation, SIDE_SERVER, slice_of(text, (size_t)size));
}

static void converse_http(const struct wanted *wanted)
{
	struct conversation *conversation =
		conversation_open(wanted->path, wanted->protocol, "wrk", wanted->port);

	for (uint32_t item = 1; item <= wanted->n; item++)
		get_item(conversation, item, wanted->port);
	conversation_close(conversation, wanted->n);
}

int main(int argc, char **argv)
{
	struct wanted wanted = { .protocol = "postgres", .database = "bench" };
	struct buffer message;
	int option;

	while ((option = getopt(argc, argv, "o:n:p:d:P:mx")) != -1) {
		if (option == 'o')
			wanted.path = optarg;
		else if (option == 'n')
			wanted.n = net_number(optarg, EXCHANGES_MAX);
		else if (option == 'p')
			wanted.port = (uint16_t)net_number(optarg, UINT16_MAX);
		else if (option == 'd')
			wanted.database = optarg;
		else if (option == 'P')
			wanted.protocol = optarg;
		else if (option == 'm')
			wanted.form = PREPARED;
		else if (option == 'x')
			wanted.form = EXTENDED;
	}
	if (!wanted.path || !wanted.n || !wanted.port || strlen(wanted.database) > 63 ||
	    optind != argc) {
		fprintf(stderr, "usage: generate -o FILE -n EXCHANGES -p PORT [-d DATABASE] "
				"[-P postgres|mysql|http] [-m|-x]\n");
		return 2;
	}
	if (strcmp(wanted.protocol, "http") == 0) {
		converse_http(&wanted);
		return 0;
	}
	buffer_init(&message, MESSAGE_BYTES);
	if (strcmp(wanted.protocol, "mysql") == 0)
		converse_mysql(&wanted, &message);
	else
		converse_postgres(&wanted, &message);
	buffer_release(&message);
	return 0;
}
