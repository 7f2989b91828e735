/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the MySQL framing and recorder, over a conversation (conversation.h). The first byte chooses whether a login came
 * before, and how the second run is cut; the second which capabilities it has.
 */
#include "parsers/mysql/packet.h"
#include "tests/fuzz/conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOGIN_BYTES_MAX 1024

/* Those that change how what follows is read; compression is the choice of 32 and 64. */
static uint64_t capabilities_of(uint8_t choice)
{
	uint64_t capabilities = MY_CLIENT_PROTOCOL_41 | MY_CLIENT_SECURE_CONNECTION |
				MY_CLIENT_PLUGIN_AUTH | MY_CLIENT_MULTI_STATEMENTS |
				MY_CLIENT_MULTI_RESULTS | MY_CLIENT_LOCAL_FILES | MY_MARIADB_BULK;

	capabilities |= choice & 1 ? MY_CLIENT_DEPRECATE_EOF : 0;
	capabilities |= choice & 2 ? MY_CLIENT_SESSION_TRACK : 0;
	capabilities |= choice & 4 ? MY_CLIENT_QUERY_ATTRIBUTES : 0;
	capabilities |= choice & 8 ? MY_MARIADB_CACHE_METADATA | MY_MARIADB_PROGRESS : 0;
	capabilities |= choice & 16 ? MY_MARIADB_EXTENDED_METADATA : 0;
	capabilities |= choice & 32 ? MY_CLIENT_COMPRESS : 0;
	capabilities |= choice & 64 ? MY_CLIENT_ZSTD : 0;
	capabilities |= choice & 128 ? MY_CLIENT_OPTIONAL_METADATA : 0;
	return capabilities;
}

static void write_greeting(struct buffer *out, uint64_t capabilities)
{
	const struct my_greeting greeting = {
		.version = SLICE("10.11.6-MariaDB"),
		.capabilities = capabilities,
		.collation = 45,
		.status = MY_STATUS_AUTOCOMMIT,
		.nonce_first = SLICE("01234567"),
		.nonce_rest = SLICE("890123456789"),
		.plugin = SLICE("mysql_native_password"),
	};
	uint8_t sequence = 0;
	size_t at = my_packet_begin(out);

	my_greeting_write(out, &greeting);
	my_packet_end(out, at, &sequence);
}

static void write_login(struct buffer *out, uint64_t capabilities)
{
	const struct my_login login = {
		.capabilities = capabilities,
		.collation = 45,
		.user = SLICE("ann"),
		.plugin = SLICE("mysql_native_password"),
	};
	uint8_t sequence = 1;
	size_t at = my_packet_begin(out);

	my_login_write(out, &login);
	my_packet_end(out, at, &sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ok[] = { 7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0 };
	struct conversation conversation = { .protocol = &mysql_protocol };
	struct buffer greeting, login;

	if (size < 2)
		return 0;
	buffer_init(&greeting, LOGIN_BYTES_MAX);
	buffer_init(&login, LOGIN_BYTES_MAX);
	conversation.input = slice_of(data + 2, size - 2);
	if (data[0] & 1) {
		write_greeting(&greeting, capabilities_of(data[1]));
		write_login(&login, capabilities_of(data[1]));
		conversation.greeting = buffer_slice(&greeting);
		conversation.login[SIDE_CLIENT] = buffer_slice(&login);
		conversation.login[SIDE_SERVER] = slice_of(ok, sizeof(ok));
		conversation.inflates = data[1] & 96;
	} else {
		conversation.inflates = true; /* the login in the input may say so */
	}
	conversation_check(&conversation, 1 + (data[0] >> 1));
	buffer_release(&greeting);
	buffer_release(&login);
	return 0;
}
