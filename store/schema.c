/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema's text, taken from its file when this is assembled (from the project's root, as make
 * runs).
 */
#include "store/schema.h"

__asm__(".section .rodata\n"
	".global schema_sql\n"
	".type schema_sql, @object\n"
	"schema_sql:\n"
	".incbin \"store/schema.sql\"\n"
	".byte 0\n"
	".size schema_sql, . - schema_sql\n"
	".text\n");

const char schema_indexes_sql[] =
	"CREATE INDEX exchange_by_statement ON exchange (statement) WHERE statement IS NOT NULL;";
