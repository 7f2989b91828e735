/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's words in the canonical form: which fold, which quotes mean nothing, what is secret; see
 * template.h and canonical.h. MySQL 8.4 reference manual, section 11.2.3 "Identifier Case
 * Sensitivity".
 *
 * What folds must never be a table's or a database's name, whose case counts; that a column's or a function's is written
 * in another case is no other statement.
 */
#include "parsers/sql/template.h"

/* Behind these a name of the user's comes. */
static bool is_before_name(uint8_t word)
{
	switch (word) {
	case WORD_CALL:
	case WORD_DATABASE:
	case WORD_EVENT:
	case WORD_EXISTS:
	case WORD_FROM:
	case WORD_FUNCTION:
	case WORD_INDEX:
	case WORD_INTO:
	case WORD_JOIN:
	case WORD_KEY:
	case WORD_PROCEDURE:
	case WORD_SAVEPOINT:
	case WORD_SCHEMA:
	case WORD_TABLE:
	case WORD_TO:
	case WORD_TRIGGER:
	case WORD_UPDATE:
	case WORD_USE:
	case WORD_VIEW:
		return true;
	default:
		return false;
	}
}

/* A table's name has a list of columns behind it in some places, which makes it look like a call. */
static bool is_call(const struct sql_template *template)
{
	return template->stream.next.type == SQL_TOKEN_OPEN && template->before != BEFORE_NOTHING &&
	       template->last_word != WORD_ON && template->last_word != WORD_WITH;
}

/* Statements in which every word that names no table folds. */
static bool folds_all(const struct sql_template *template)
{
	switch (template->verb.verb) {
	case SQL_BEGIN:
	case SQL_COMMIT:
	case SQL_ROLLBACK:
		return true;
	case SQL_SET:
		return true;
	case SQL_SHOW:
		return template->last_word != WORD_IN && template->last_word != WORD_FOR;
	case SQL_ADMIN:
		return template->verb.first == WORD_START && template->last_word == WORD_START;
	default:
		return false;
	}
}

static bool is_unit(uint8_t word)
{
	return word == WORD_UNIT || word == WORD_YEAR || word == WORD_MONTH || word == WORD_DAY ||
	       word == WORD_HOUR || word == WORD_MINUTE || word == WORD_SECOND;
}

/* 0X41 and 0B1 are names: only with a small letter are they strings of bytes. */
static bool is_literal_in_lower_case(struct slice text)
{
	return text.size > 2 && text.data[0] == '0' && (text.data[1] == 'X' || text.data[1] == 'B');
}

static bool folds(const struct sql_template *template, struct slice text, struct sql_word_info info)
{
	if (is_literal_in_lower_case(text))
		return false;
	if (text.data[0] == '@' || (info.flags & SQL_WORD_RESERVED))
		return true;
	if (!template->verb.any)
		return template->stream.next.type != SQL_TOKEN_DOT;
	if (info.word == WORD_SAVEPOINT && template->last_word == WORD_TO)
		return true; /* ROLLBACK TO SAVEPOINT a */
	if (is_before_name(template->last_word) || template->stream.next.type == SQL_TOKEN_DOT)
		return false;
	return (info.flags & SQL_WORD_FOLDS) || folds_all(template) || is_call(template);
}

struct sql_word_info sql_mysql_word(struct sql_template *template, struct slice text,
				    struct slice lower, bool *ret_folds)
{
	struct sql_word_info info = sql_word_lookup_mysql(lower);

	*ret_folds = false;
	if (template->last_type == SQL_TOKEN_DOT) {
		*ret_folds = template->variable; /* "@@session. name" */
		return (struct sql_word_info){ WORD_NONE, 0 };
	}
	if (is_unit(info.word)) {
		bool unit = template->unit;

		template->unit = false;
		*ret_folds = unit;
		if (!unit && !(info.flags & SQL_WORD_RESERVED))
			info = (struct sql_word_info){ WORD_NONE, 0 };
		return info;
	}
	if (info.word == WORD_INTERVAL)
		template->unit = true;
	*ret_folds = folds(template, text, info);
	return info;
}

static bool is_name_byte(const struct sql_template *template, uint8_t byte)
{
	uint8_t lower = ascii_lower(byte);

	if (byte >= 0x80)
		return template->options->charset == SQL_CHARSET_PLAIN;
	return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
	       byte == '$';
}

/* A quoted name before a parenthesis may be a function of the user's where the unquoted one is the
 * server's. */
bool sql_mysql_is_unquotable(const struct sql_template *template, struct slice name, bool variable)
{
	uint8_t room[SQL_WORD_BYTES_MAX];

	if (!name.size || (!variable && name.data[0] >= '0' && name.data[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (!is_name_byte(template, name.data[i]) && !(variable && name.data[i] == '.'))
			return false;
	if (variable)
		return name.data[0] != '.' && name.data[name.size - 1] != '.';
	if (is_call(template) && !is_before_name(template->last_word))
		return false;
	return sql_word_lookup_mysql(sql_fold_word(name, room, sizeof(room))).word == WORD_NONE;
}

void sql_mysql_see_secret(struct sql_template *template, uint8_t word)
{
	if (word == WORD_IDENTIFIED)
		template->identified = true;
	if (word == WORD_PASSWORD && template->verb.verb == SQL_SET &&
	    template->last_word == WORD_SET)
		template->set_password = true;
}

/*
 * IDENTIFIED [WITH plugin] BY | AS '..', IDENTIFIED VIA plugin USING '..', PASSWORD '..',
 * PASSWORD('..'), REPLACE '..' of the password before; SET PASSWORD = '..'; and the assignments of CHANGE MASTER and START
 * REPLICA.
 */
bool sql_mysql_is_secret_place(const struct sql_template *template)
{
	bool account = template->identified || template->set_password;

	switch (template->last_word) {
	case WORD_PASSWORD:
		return true;
	case WORD_BY:
	case WORD_AS:
	case WORD_USING:
		return template->identified;
	case WORD_REPLACE:
		return account;
	default:
		break;
	}
	if (template->last_type == SQL_TOKEN_OPEN)
		return account;
	if (template->last_type != SQL_TOKEN_OPERATOR || template->before != BEFORE_COMPARISON)
		return false;
	return template->set_password || template->last_word_2 == WORD_MASTER_PASSWORD ||
	       (template->last_word_2 == WORD_PASSWORD && template->verb.verb == SQL_ADMIN);
}

bool sql_mysql_is_file_place(const struct sql_template *template)
{
	return template->verb.verb == SQL_LOAD && template->last_word == WORD_INFILE &&
	       template->last_word_2 == WORD_LOCAL;
}

static bool is_introducer(struct slice lower)
{
	static const char *const charsets[] = {
		"armscii8", "ascii",   "big5",	   "binary", "cp1250",	"cp1251",  "cp1256",
		"cp1257",   "cp850",   "cp852",	   "cp866",  "cp932",	"dec8",	   "eucjpms",
		"euckr",    "gb18030", "gb2312",   "gbk",    "geostd8", "greek",   "hebrew",
		"hp8",	    "keybcs2", "koi8r",	   "koi8u",  "latin1",	"latin2",  "latin5",
		"latin7",   "macce",   "macroman", "sjis",   "swe7",	"tis620",  "ucs2",
		"ujis",	    "utf16",   "utf16le",  "utf32",  "utf8mb3", "utf8mb4",
	};
	struct slice name = slice_of(lower.data + 1, lower.size - 1);

	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++)
		if (slice_equal(name, slice_from_string(charsets[i])))
			return true;
	return false;
}

struct slice sql_mysql_constant_type(struct sql_template *template, struct slice lower)
{
	bool bits = template->stream.next.form == SQL_FORM_BINARY ||
		    template->stream.next.form == SQL_FORM_HEX;

	if (slice_equal(lower, SLICE("_utf8")))
		return SLICE("_utf8mb3");
	if (lower.size > 1 && lower.data[0] == '_' && is_introducer(lower))
		return arena_copy(template->arena, lower);
	if (bits)
		return slice_of(NULL, 0);
	if (slice_equal(lower, SLICE("date")))
		return SLICE("date");
	if (slice_equal(lower, SLICE("time")))
		return SLICE("time");
	return slice_equal(lower, SLICE("timestamp")) ? SLICE("timestamp") : slice_of(NULL, 0);
}
