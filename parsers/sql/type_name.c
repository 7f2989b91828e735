/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical names of types; see type_name.h. PostgreSQL 16 documentation, table 8.1 and
 * section 4.2.9 "Type Casts".
 *
 * A name is built in a struct name of fixed size; a longer one is no type as far as the canonical
 * form is concerned, and is then written as the tokens that it is made of.
 */
#include "parsers/sql/type_name.h"

#include "parsers/sql/literal.h"

#define NAME_BYTES_MAX 256

struct name {
	size_t size;
	bool overflowed;
	uint8_t bytes[NAME_BYTES_MAX];
};

static void add(struct name *name, struct slice text)
{
	if (text.size > sizeof(name->bytes) - name->size) {
		name->overflowed = true;
		return;
	}
	if (text.size)
		memcpy(name->bytes + name->size, text.data, text.size);
	name->size += text.size;
}

static void set(struct name *name, struct slice text)
{
	name->size = 0;
	add(name, text);
}

struct slice sql_fold_word(struct slice word, uint8_t *room, size_t size)
{
	if (word.size > size)
		return slice_of(NULL, 0);
	for (size_t i = 0; i < word.size; i++)
		room[i] = ascii_lower(word.data[i]);
	return slice_of(room, word.size);
}

struct sql_word_info sql_stream_word(const struct sql_stream *stream)
{
	uint8_t room[SQL_WORD_BYTES_MAX];

	if (stream->next.type != SQL_TOKEN_WORD)
		return (struct sql_word_info){ WORD_NONE, 0 };
	return sql_word_of(stream->lexer.dialect,
			   sql_fold_word(stream->next.text, room, sizeof(room)));
}

static bool take_word(struct sql_stream *stream, enum sql_word word)
{
	if (sql_stream_word(stream).word != word)
		return false;
	sql_stream_advance(stream);
	return true;
}

bool sql_is_unquotable(struct slice name)
{
	if (!name.size || (name.data[0] >= '0' && name.data[0] <= '9') || name.data[0] == '$')
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t byte = name.data[i];
		bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
			     byte == '_' || byte == '$';

		if (!plain)
			return false;
	}
	return !(sql_word_lookup(name).flags & SQL_WORD_RESERVED);
}

static bool add_quoted(struct name *name, const struct sql_token *token, struct arena *arena)
{
	static const struct sql_options options = { .dialect = SQL_POSTGRES };
	struct slice value;

	if (!sql_decode_quoted(token, &options, arena, &value) || !value.size)
		return false;
	if (sql_is_unquotable(value)) {
		add(name, value);
		return true;
	}
	add(name, SLICE("\""));
	for (size_t i = 0; i < value.size; i++)
		add(name, value.data[i] == '"' ? SLICE("\"\"") : slice_of(value.data + i, 1));
	add(name, SLICE("\""));
	return true;
}

static bool add_identifier(struct name *name, struct sql_stream *stream, struct arena *arena)
{
	uint8_t room[NAME_BYTES_MAX];
	bool good = true;

	if (stream->next.type == SQL_TOKEN_QUOTED) {
		good = add_quoted(name, &stream->next, arena);
	} else if (stream->next.type == SQL_TOKEN_WORD) {
		struct slice folded = sql_fold_word(stream->next.text, room, sizeof(room));

		good = folded.size != 0;
		add(name, folded);
	} else {
		return false;
	}
	sql_stream_advance(stream);
	return good;
}

/* "(10,2)": numbers and words, written without spaces. Nothing when no parenthesis is next. */
static bool add_modifiers(struct name *name, struct sql_stream *stream)
{
	if (stream->next.type != SQL_TOKEN_OPEN)
		return true;
	add(name, SLICE("("));
	do {
		uint8_t room[SQL_WORD_BYTES_MAX];
		struct slice text;

		sql_stream_advance(stream);
		text = stream->next.text;
		if (stream->next.type == SQL_TOKEN_WORD)
			text = sql_fold_word(text, room, sizeof(room));
		else if (stream->next.type != SQL_TOKEN_NUMBER || stream->next.irregular)
			return false;
		if (!text.size)
			return false;
		add(name, text);
		sql_stream_advance(stream);
		if (stream->next.type == SQL_TOKEN_COMMA)
			add(name, SLICE(","));
	} while (stream->next.type == SQL_TOKEN_COMMA && !name->overflowed);
	if (stream->next.type != SQL_TOKEN_CLOSE)
		return false;
	add(name, SLICE(")"));
	sql_stream_advance(stream);
	return true;
}

static bool is_interval_field(uint8_t word)
{
	return word == WORD_YEAR || word == WORD_MONTH || word == WORD_DAY || word == WORD_HOUR ||
	       word == WORD_MINUTE || word == WORD_SECOND;
}

static bool add_interval_fields(struct name *name, struct sql_stream *stream)
{
	uint8_t room[SQL_WORD_BYTES_MAX];

	while (is_interval_field(sql_stream_word(stream).word)) {
		add(name, SLICE(" "));
		add(name, sql_fold_word(stream->next.text, room, sizeof(room)));
		sql_stream_advance(stream);
		if (!add_modifiers(name, stream))
			return false;
		if (!take_word(stream, WORD_TO))
			return true;
		add(name, SLICE(" to"));
	}
	return true;
}

static struct slice finish(const struct name *name, struct arena *arena)
{
	return arena_copy(arena, slice_of(name->bytes, name->size));
}

bool sql_interval_fields(struct sql_stream *stream, struct arena *arena, struct slice *ret_type)
{
	struct sql_stream saved = *stream;
	struct name name;

	if (!is_interval_field(sql_stream_word(stream).word))
		return false;
	name.size = 0;
	name.overflowed = false;
	set(&name, SLICE("interval"));
	if (!add_interval_fields(&name, stream) || name.overflowed) {
		*stream = saved;
		return false;
	}
	*ret_type = finish(&name, arena);
	return true;
}

/* TIME and TIMESTAMP: the zone comes behind the precision, and makes another name of it. */
static bool add_time(struct name *name, struct sql_stream *stream, struct slice plain,
		     struct slice with_zone)
{
	struct name modifiers;
	struct sql_stream saved;
	bool with = false;

	modifiers.size = 0;
	modifiers.overflowed = false;
	if (!add_modifiers(&modifiers, stream))
		return false;
	saved = *stream;
	if (take_word(stream, WORD_WITH))
		with = true;
	else if (!take_word(stream, WORD_WITHOUT))
		goto out;
	if (!take_word(stream, WORD_TIME) || !take_word(stream, WORD_ZONE)) {
		*stream = saved;
		with = false;
	}
out:
	set(name, with ? with_zone : plain);
	add(name, slice_of(modifiers.bytes, modifiers.size));
	return true;
}

/* CHARACTER and BIT: VARYING makes another name of it; without a length it is one long, but in
 * constants. */
static bool add_varying(struct name *name, struct sql_stream *stream, struct slice fixed,
			struct slice varying, bool constant)
{
	bool varies = take_word(stream, WORD_VARYING);

	set(name, varies ? varying : fixed);
	if (!varies && !constant && stream->next.type != SQL_TOKEN_OPEN)
		add(name, SLICE("(1)"));
	return add_modifiers(name, stream);
}

static bool add_float(struct name *name, struct sql_stream *stream)
{
	struct name bits;

	bits.size = 0;
	bits.overflowed = false;
	if (!add_modifiers(&bits, stream))
		return false;
	/* "(1)" to "(24)" are four bytes. */
	if (bits.size == 3 || (bits.size == 4 && (bits.bytes[1] == '1' ||
						  (bits.bytes[1] == '2' && bits.bytes[2] <= '4'))))
		set(name, SLICE("float4"));
	else
		set(name, SLICE("float8"));
	return true;
}

/* The keyword `word`, which begins a type's name with a grammar of its own, was taken. */
static bool add_keyword_type(struct name *name, struct sql_stream *stream, uint8_t word,
			     bool constant)
{
	switch (word) {
	case WORD_BIT:
		return add_varying(name, stream, SLICE("bit"), SLICE("varbit"), constant);
	case WORD_NATIONAL:
		if (!take_word(stream, WORD_CHARACTER) && !take_word(stream, WORD_CHAR))
			return false;
		/* fallthrough */
	case WORD_CHAR:
	case WORD_CHARACTER:
		return add_varying(name, stream, SLICE("bpchar"), SLICE("varchar"), constant);
	case WORD_DOUBLE:
		set(name, SLICE("float8"));
		return take_word(stream, WORD_PRECISION);
	case WORD_FLOAT:
		return add_float(name, stream);
	case WORD_INTERVAL:
		set(name, SLICE("interval"));
		return add_interval_fields(name, stream) && add_modifiers(name, stream);
	case WORD_TIME:
		return add_time(name, stream, SLICE("time"), SLICE("timetz"));
	case WORD_TIMESTAMP:
		return add_time(name, stream, SLICE("timestamp"), SLICE("timestamptz"));
	default:
		return add_modifiers(name, stream);
	}
}

/* Words that are another type's name; those of several words are above. */
static struct slice alias_of(struct slice word)
{
	static const struct {
		const char *word;
		const char *type;
	} aliases[] = {
		{ "int", "int4" },	  { "integer", "int4" }, { "bigint", "int8" },
		{ "smallint", "int2" },	  { "real", "float4" },	 { "boolean", "bool" },
		{ "decimal", "numeric" }, { "dec", "numeric" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (slice_equal(word, slice_from_string(aliases[i].word)))
			return slice_from_string(aliases[i].type);
	return word;
}

static bool add_array(struct name *name, struct sql_stream *stream)
{
	bool array = take_word(stream, WORD_ARRAY);

	while (stream->next.type == SQL_TOKEN_OPEN_BRACKET) {
		array = true;
		sql_stream_advance(stream);
		if (stream->next.type == SQL_TOKEN_NUMBER)
			sql_stream_advance(stream);
		if (stream->next.type != SQL_TOKEN_CLOSE_BRACKET)
			return false;
		sql_stream_advance(stream);
	}
	/* PostgreSQL ignores how many dimensions were written, and their sizes. */
	if (array)
		add(name, SLICE("[]"));
	return true;
}

static bool add_type(struct name *name, struct sql_stream *stream, bool constant,
		     struct arena *arena)
{
	struct sql_word_info info = sql_stream_word(stream);
	struct slice alias;

	if (info.word == WORD_NATIONAL || (info.flags & SQL_WORD_TYPE)) {
		if (!add_identifier(name, stream, arena))
			return false;
		alias = alias_of(slice_of(name->bytes, name->size));
		if (alias.data != name->bytes)
			set(name, alias);
		return add_keyword_type(name, stream, info.word, constant);
	}
	if ((info.flags & SQL_WORD_RESERVED) || !add_identifier(name, stream, arena))
		return false;
	while (stream->next.type == SQL_TOKEN_DOT) {
		add(name, SLICE("."));
		sql_stream_advance(stream);
		if (!add_identifier(name, stream, arena))
			return false;
	}
	return add_modifiers(name, stream);
}

bool sql_type_name(struct sql_stream *stream, bool constant, struct arena *arena,
		   struct slice *ret_type)
{
	struct name name;

	name.size = 0;
	name.overflowed = false;
	if (!add_type(&name, stream, constant, arena) || !add_array(&name, stream) ||
	    name.overflowed)
		return false;
	*ret_type = finish(&name, arena);
	return true;
}

bool sql_is_constant_type(struct slice lower)
{
	static const char *const types[] = {
		"bool",	    "box",     "bpchar",  "bytea",  "cidr",	   "circle", "citext",
		"date",	    "float4",  "float8",  "hstore", "inet",	   "int2",   "int4",
		"int8",	    "json",    "jsonb",	  "line",   "lseg",	   "ltree",  "macaddr",
		"money",    "name",    "oid",	  "path",   "pg_lsn",	   "point",  "polygon",
		"regclass", "regproc", "regtype", "text",   "timestamptz", "timetz", "tsquery",
		"tsvector", "uuid",    "varbit",  "xml",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (slice_equal(lower, slice_from_string(types[i])))
			return true;
	return false;
}
