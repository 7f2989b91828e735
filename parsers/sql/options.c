/* SPDX-License-Identifier: Apache-2.0 */
/* Options: the ways in which a session can set its lexer; see canonical.h. */
#include "parsers/compiler.h"
#include "parsers/sql/canonical.h"

enum sql_charset sql_charset_of(struct slice name)
{
	static const struct {
		const char *name;
		uint8_t charset;
	} charsets[] = {
		{ "big5", SQL_CHARSET_BIG5 },	{ "gbk", SQL_CHARSET_GBK },
		{ "gb18030", SQL_CHARSET_GBK }, { "sjis", SQL_CHARSET_SJIS },
		{ "cp932", SQL_CHARSET_SJIS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++) {
		struct slice known = slice_from_string(charsets[i].name);

		if (name.size >= known.size &&
		    slice_equal_nocase(slice_of(name.data, known.size), known) &&
		    (name.size == known.size || name.data[known.size] == '_'))
			return (enum sql_charset)charsets[i].charset;
	}
	return SQL_CHARSET_PLAIN;
}

struct sql_options sql_options_default(enum sql_dialect dialect)
{
	return (struct sql_options){
		.dialect = (uint8_t)dialect,
		.backslash_escapes = dialect == SQL_MYSQL,
	};
}

bool sql_options_nth(enum sql_dialect dialect, size_t n, struct sql_options *ret_options)
{
	bool mysql = dialect == SQL_MYSQL;

	if (n >= (mysql ? 4 * ((size_t)SQL_CHARSET_SJIS + 1) : 2))
		return false;
	*ret_options = sql_options_default(dialect);
	if (n & 1)
		ret_options->backslash_escapes = !ret_options->backslash_escapes;
	ret_options->ansi_quotes = n & 2;
	ret_options->charset = (uint8_t)(n >> 2);
	return true;
}
