/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL replayer: what a server reports of a setting that a client asked for in words of its own, "utf-8" for UTF8 and
 * "iso" for "ISO, MDY" (chapters 20.11.2 "Locale and Formatting" and 24.3.1 "Supported Character Sets"). What is not known here is
 * reported as it was asked for.
 */
#include "parsers/postgres/replayer.h"

#define NAME_BYTES_MAX 64

/* Letters and digits alone, in lower case: how servers compare the names of encodings. */
static struct slice clean(struct slice text, uint8_t room[NAME_BYTES_MAX])
{
	size_t size = 0;

	for (size_t i = 0; i < text.size && size < NAME_BYTES_MAX; i++) {
		uint8_t byte = ascii_lower(text.data[i]);

		if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))
			room[size++] = byte;
	}
	return slice_of(room, size);
}

static struct slice encoding(struct slice asked)
{
	static const char *const names[][2] = {
		{ "utf8", "UTF8" },	      { "unicode", "UTF8" },
		{ "sqlascii", "SQL_ASCII" },  { "latin1", "LATIN1" },
		{ "iso88591", "LATIN1" },     { "latin9", "LATIN9" },
		{ "iso885915", "LATIN9" },    { "win1252", "WIN1252" },
		{ "windows1252", "WIN1252" }, { "win1251", "WIN1251" },
		{ "windows1251", "WIN1251" }, { "latin2", "LATIN2" },
		{ "iso88592", "LATIN2" },     { "win1250", "WIN1250" },
		{ "windows1250", "WIN1250" }, { "koi8r", "KOI8R" },
		{ "eucjp", "EUC_JP" },	      { "sjis", "SJIS" },
		{ "shiftjis", "SJIS" },	      { "euckr", "EUC_KR" },
		{ "euccn", "EUC_CN" },	      { "gbk", "GBK" },
		{ "gb18030", "GB18030" },     { "big5", "BIG5" },
	};
	uint8_t room[NAME_BYTES_MAX];
	struct slice name = clean(asked, room);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_equal(name, slice_from_string(names[i][0])))
			return slice_from_string(names[i][1]);
	return asked;
}

/* The next of some words between commas and spaces; false: there is none. */
static bool next_word(struct slice *text, struct slice *ret_word)
{
	size_t start = 0, end;

	if (!text->size)
		return false;
	while (start < text->size && strchr(" ,", text->data[start]))
		start++;
	for (end = start; end < text->size && !strchr(" ,", text->data[end]); end++)
		;
	*ret_word = slice_of(text->data + start, end - start);
	*text = slice_of(text->data + end, text->size - end);
	return ret_word->size != 0;
}

static bool is_word(struct slice word, const char *prefix)
{
	size_t size = strlen(prefix);

	return word.size >= size &&
	       slice_equal_nocase(slice_of(word.data, size), slice_from_string(prefix));
}

/* Reads the style and the order of a DateStyle; what is not named stays. */
static void date_style_words(struct slice text, const char **style, const char **order)
{
	bool ordered = false;
	struct slice word;

	while (next_word(&text, &word)) {
		const char *before = *order;

		if (is_word(word, "iso"))
			*style = "ISO";
		else if (is_word(word, "sql"))
			*style = "SQL";
		else if (is_word(word, "postgres"))
			*style = "Postgres";
		else if (is_word(word, "german"))
			*style = "German";
		else if (is_word(word, "ymd"))
			*order = "YMD";
		else if (is_word(word, "dmy") || is_word(word, "euro"))
			*order = "DMY";
		else if (is_word(word, "mdy") || is_word(word, "us") || is_word(word, "noneuro"))
			*order = "MDY";
		ordered |= before != *order;
		if (is_word(word, "german") && !ordered)
			*order = "DMY";
	}
}

static void date_style(struct slice asked, struct slice reported, struct buffer *text)
{
	const char *style = "ISO", *order = "MDY";

	date_style_words(reported, &style, &order);
	date_style_words(asked, &style, &order);
	buffer_append_string(text, style);
	buffer_append_string(text, ", ");
	buffer_append_string(text, order);
}

bool pg_setting_is_whole(struct slice name, struct slice asked)
{
	const char *style = NULL, *order = NULL;

	/* A number of hours has a name of the server's own: -1.5 is <-01:30>+01:30. */
	if (slice_equal(name, SLICE("TimeZone")))
		return asked.size && ascii_lower(asked.data[0]) >= 'a' &&
		       ascii_lower(asked.data[0]) <= 'z';
	if (!slice_equal(name, SLICE("DateStyle")))
		return true;
	date_style_words(asked, &style, &order);
	return style && order;
}

static void boolean(struct slice asked, struct buffer *text)
{
	static const char *const trues[] = { "on", "true", "t", "yes", "y", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(trues); i++)
		if (slice_equal_nocase(asked, slice_from_string(trues[i]))) {
			buffer_append_string(text, "on");
			return;
		}
	buffer_append_string(text, "off");
}

void pg_setting_text(struct slice name, struct slice asked, struct slice reported,
		     struct buffer *text)
{
	/* The server's spelling of a time zone, where it is the recorded one. */
	if (slice_equal_nocase(asked, reported))
		buffer_append_slice(text, reported);
	else if (slice_equal(name, SLICE("client_encoding")))
		buffer_append_slice(text, encoding(asked));
	else if (slice_equal(name, SLICE("DateStyle")))
		date_style(asked, reported, text);
	else if (slice_equal(name, SLICE("standard_conforming_strings")) ||
		 slice_equal(name, SLICE("default_transaction_read_only")))
		boolean(asked, text);
	else
		for (size_t i = 0; i < asked.size; i++)
			buffer_append_u8(text, slice_equal(name, SLICE("IntervalStyle")) ?
						       ascii_lower(asked.data[i]) :
						       asked.data[i]);
}
