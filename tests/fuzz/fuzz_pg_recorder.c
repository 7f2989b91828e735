/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz: the PostgreSQL framing and recorder, over a conversation (conversation.h). The first byte chooses whether a login
 * came before, and how the second run is cut.
 */
#include "parsers/postgres/wire.h"
#include "tests/fuzz/conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char login_client[] = "\0\0\0\x12\0\3\0\0user\0ann\0\0";
static const char login_server[] = "R\0\0\0\x08\0\0\0\0S\0\0\0\x19server_version\0"
				   "15.18\0"
				   "Z\0\0\0\5I";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversation conversation = { .protocol = &postgres_protocol };

	if (size < 1)
		return 0;
	conversation.input = slice_of(data + 1, size - 1);
	if (data[0] & 1) {
		conversation.login[SIDE_CLIENT] = slice_of(login_client, sizeof(login_client) - 1);
		conversation.login[SIDE_SERVER] = slice_of(login_server, sizeof(login_server) - 1);
	}
	conversation_check(&conversation, 1 + (data[0] >> 1));
	return 0;
}
