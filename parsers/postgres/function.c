/* SPDX-License-Identifier: Apache-2.0 */
/* Fast-path calls; see function.h. The oids are those of pg_proc.dat in PostgreSQL's sources, which never change. */
#include "parsers/postgres/function.h"

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/cursor.h"

#define BYTEA 17
#define INT8 20
#define INT4 23
#define TEXT 25
#define OID 26

static const struct known {
	uint32_t oid;
	const char *name;
	uint8_t result;
	uint8_t n;
	uint8_t arguments[3];
} known_functions[] = {
	{ 715, "lo_create", OID, 1, { OID } },
	{ 764, "lo_import", OID, 1, { TEXT } },
	{ 765, "lo_export", INT4, 2, { OID, TEXT } },
	{ 767, "lo_import", OID, 2, { TEXT, OID } },
	{ 952, "lo_open", INT4, 2, { OID, INT4 } },
	{ 953, "lo_close", INT4, 1, { INT4 } },
	{ 954, "loread", BYTEA, 2, { INT4, INT4 } },
	{ 955, "lowrite", INT4, 2, { INT4, BYTEA } },
	{ 956, "lo_lseek", INT4, 3, { INT4, INT4, INT4 } },
	{ 957, "lo_creat", OID, 1, { INT4 } },
	{ 958, "lo_tell", INT4, 1, { INT4 } },
	{ 964, "lo_unlink", INT4, 1, { OID } },
	{ 1004, "lo_truncate", INT4, 2, { INT4, INT4 } },
	{ 3170, "lo_lseek64", INT8, 3, { INT4, INT8, INT4 } },
	{ 3171, "lo_tell64", INT8, 1, { INT4 } },
	{ 3172, "lo_truncate64", INT4, 2, { INT4, INT8 } },
};

static const struct known *find_known(uint32_t oid, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_functions); i++)
		if (known_functions[i].oid == oid && known_functions[i].n == n)
			return &known_functions[i];
	return NULL;
}

static void write_text(struct pg_call *call, const struct known *known, uint32_t oid,
		       struct arena *arena)
{
	struct buffer text;

	buffer_init(&text, 64 + 8 * PG_CALL_ARGUMENTS_MAX);
	buffer_append_string(&text, "function call ");
	if (known) {
		buffer_append_string(&text, known->name);
		call->name = slice_from_string(known->name);
	} else {
		buffer_append_string(&text, "\"oid ");
		buffer_append_unsigned(&text, oid);
		buffer_append_u8(&text, '"');
		call->name = SLICE("result");
	}
	buffer_append_u8(&text, '(');
	for (size_t i = 0; i < call->n; i++) {
		buffer_append_string(&text, i ? ", $" : "$");
		buffer_append_unsigned(&text, i + 1);
	}
	buffer_append_u8(&text, ')');
	call->text = arena_copy(arena, buffer_slice(&text));
	buffer_release(&text);
}

bool pg_call_read(struct slice body, struct arena *arena, struct pg_call *ret_call)
{
	struct cursor cursor = cursor_of(body);
	uint32_t oid = cursor_u32be(&cursor);
	size_t n_forms = cursor_u16be(&cursor);
	struct cursor forms = cursor_of(cursor_bytes(&cursor, 2 * n_forms));
	size_t n = cursor_u16be(&cursor);
	uint16_t form = n_forms == 1 ? cursor_u16be(&forms) : PARAMETER_TEXT;
	struct parameter *arguments;
	const struct known *known;

	if (cursor.failed || n > PG_CALL_ARGUMENTS_MAX || (n_forms > 1 && n_forms != n))
		return false;
	known = find_known(oid, n);
	arguments = arena_alloc(arena, (n + 1) * sizeof(*arguments));
	for (size_t i = 0; i < n; i++) {
		int32_t size = cursor_i32be(&cursor);

		if (n_forms > 1)
			form = cursor_u16be(&forms);
		if (size < -1 || form > PARAMETER_BINARY)
			return false;
		arguments[i] = (struct parameter){ .type = known ? known->arguments[i] : 0,
						   .declared = known != NULL,
						   .null = size == -1,
						   .form = (uint8_t)form };
		if (size > 0)
			arguments[i].value = cursor_bytes(&cursor, (size_t)size);
	}
	*ret_call = (struct pg_call){ .arguments = arguments,
				      .n = n,
				      .type = known ? known->result : 0,
				      .result_form = cursor_u16be(&cursor) };
	if (!cursor_done(&cursor) || ret_call->result_form > PARAMETER_BINARY)
		return false;
	write_text(ret_call, known, oid, arena);
	return true;
}

void pg_call_columns(const struct pg_call *call, struct buffer *columns)
{
	buffer_append_u16be(columns, 1);
	buffer_append_slice(columns, call->name);
	buffer_append_u8(columns, 0);
	buffer_append_u32be(columns, 0);
	buffer_append_u16be(columns, 0);
	buffer_append_u32be(columns, call->type);
	buffer_append_u16be(columns, UINT16_MAX);
	buffer_append_u32be(columns, UINT32_MAX);
	buffer_append_u16be(columns, call->result_form);
}
