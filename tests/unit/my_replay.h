/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations with the MySQL replayer, for its tests: the recording (my_replay_fake.c), what a client says, and what comes back
 * as text (my_replay.c): one packet a line, its sequence and its payload. See sql_replay.h for what PostgreSQL's tests share.
 */
#ifndef MOCKPROXY_TEST_MY_REPLAY_H
#define MOCKPROXY_TEST_MY_REPLAY_H

#include "parsers/mysql/replayer.h"
#include "tests/unit/sql_replay.h"

/* "select big" has a value in parts: so large. */
#define PART_BYTES (MY_SPLIT_SIZE + 95)

/* The recording. */
void my_fake_init(struct fake *fake);
struct answers my_answers_of(struct fake *fake, struct answer_cache *cache);

/* ---- what a client says ---- */

/* As MySQL's and MariaDB's own clients: sequence 0 for a command. */
#define CAPABILITIES_OLD                                                                  \
	(MY_CLIENT_MYSQL | MY_CLIENT_PROTOCOL_41 | MY_CLIENT_SECURE_CONNECTION |          \
	 MY_CLIENT_PLUGIN_AUTH | MY_CLIENT_CONNECT_WITH_DB | MY_CLIENT_MULTI_STATEMENTS | \
	 MY_CLIENT_MULTI_RESULTS | MY_CLIENT_LOCAL_FILES)
#define CAPABILITIES_NEW (CAPABILITIES_OLD | MY_CLIENT_DEPRECATE_EOF | MY_CLIENT_SESSION_TRACK)

struct my_client {
	struct buffer bytes;
	uint64_t capabilities;
};

void my_client_init(struct my_client *client, uint64_t capabilities);
void my_say_packet(struct my_client *client, uint8_t sequence, struct slice payload);
void my_say_login_as(struct my_client *client, const char *plugin, struct slice answer);
/* mysql_native_password, to the database shop. */
void my_say_login(struct my_client *client);
void my_say_command(struct my_client *client, uint8_t command, struct slice body);
void my_say_query(struct my_client *client, const char *sql);
void my_say_prepare(struct my_client *client, const char *sql);
/* One INT parameter, or none (`value` < 0). */
void my_say_execute(struct my_client *client, uint32_t id, uint8_t flags, int32_t value);

/* ---- what comes back ---- */

/* One conversation with a session of its own: the bytes that come back; true: the connection is over then. */
bool my_play(struct fake *fake, struct answer_cache *cache, const struct my_client *client,
	     size_t step, struct buffer *all);
void my_render(struct buffer *text, struct slice bytes);
/* ... and as text. */
void my_converse(struct fake *fake, struct answer_cache *cache, const struct my_client *client,
		 size_t step, struct buffer *text);
/* A conversation whole, byte by byte, in steps that fall anywhere, and from the cache: each time, behind the greeting, just
 * this must come. Takes the client over. */
void my_expect(struct fake *fake, struct my_client *client, const char *expected);

/* The login's MY_OK, MY_OK packets without and with a transaction. */
#define MY_LOGGED_IN "2 ~~~<02>~~~\n"
/* A client of CAPABILITIES_NEW is told of the database that it logged in to. */
#define MY_LOGGED_IN_NEW "2 ~~~<02>@~~~<07><01><05><04>shop\n"
#define MY_OK(sequence) sequence " ~~~<02>~~~\n"
#define MY_OK_IN_TRANSACTION(sequence) sequence " ~~~<03>~~~\n"
#define MY_EOF_PACKET(sequence) sequence " <fe>~~<02>~\n"
#define MY_COUNT(sequence) sequence " <01>\n"
/* Of an int, of a string. */
#define MY_DEF_INT(sequence) sequence " <03>def~<01>t<01>t<01>a<01>a<0c>?~<0b>~~~<03>~~~~~\n"
#define MY_DEF_TEXT(sequence) sequence " <03>def~<01>t<01>t<01>b<01>b<0c>-~<ff>~~~<fd>~~~~~\n"
#define MY_DEF_PARAMETER(sequence) sequence " <03>def~~~<01>?~<0c>?~~~~~<fd><80>~~~~\n"
#define MY_MISS(sequence, asked)                                                     \
	sequence " <ff>Q<04>#HY000mockproxy: the recording holds no answer to this " \
		 "statement. Asked: " asked "; Nearest recorded: select nearest; "   \
		 "Difference: value 1: recorded 5, asked 7\n"

#endif
