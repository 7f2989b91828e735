/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz: the HTTP/1 recorder, over a conversation (conversation.h). The first byte says how the second run is cut. */
#include "parsers/http/wire.h"
#include "tests/fuzz/conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversation conversation = { .protocol = &http_protocol, .ends = true };

	if (size < 1)
		return 0;
	conversation.input = slice_of(data + 1, size - 1);
	conversation_check(&conversation, 1 + data[0] % 128);
	return 0;
}
