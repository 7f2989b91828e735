/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL values: which conversion a type has, integers, and columns; see values.h. Follows "Binary Protocol Resultset Row"
 * of the internals manual; what columns make of a value was seen at MySQL 9.7 and MariaDB 10.11.
 */
#include "parsers/mysql/values_internal.h"

#include <errno.h>

enum class {
	CLASS_NONE,
	CLASS_SAME, /* the same bytes in both forms */
	CLASS_INTEGER,
	CLASS_FLOAT,
	CLASS_DATE,
	CLASS_DATETIME,
	CLASS_TIME,
};

static const struct type {
	uint8_t type; /* enum my_type */
	uint8_t class;
	uint8_t kind; /* enum sql_kind */
	const char *name;
	const char *unsigned_name; /* NULL: the same */
} types[] = {
	{ MY_TYPE_DECIMAL, CLASS_SAME, SQL_NUMBER, "decimal", "decimal unsigned" },
	{ MY_TYPE_TINY, CLASS_INTEGER, SQL_NUMBER, "tinyint", "tinyint unsigned" },
	{ MY_TYPE_SHORT, CLASS_INTEGER, SQL_NUMBER, "smallint", "smallint unsigned" },
	{ MY_TYPE_LONG, CLASS_INTEGER, SQL_NUMBER, "int", "int unsigned" },
	{ MY_TYPE_FLOAT, CLASS_FLOAT, SQL_NUMBER, "float", "float unsigned" },
	{ MY_TYPE_DOUBLE, CLASS_FLOAT, SQL_NUMBER, "double", "double unsigned" },
	{ MY_TYPE_NULL, CLASS_NONE, SQL_STRING, "null", NULL },
	{ MY_TYPE_TIMESTAMP, CLASS_DATETIME, SQL_STRING, "timestamp", NULL },
	{ MY_TYPE_LONGLONG, CLASS_INTEGER, SQL_NUMBER, "bigint", "bigint unsigned" },
	{ MY_TYPE_INT24, CLASS_INTEGER, SQL_NUMBER, "mediumint", "mediumint unsigned" },
	{ MY_TYPE_DATE, CLASS_DATE, SQL_STRING, "date", NULL },
	{ MY_TYPE_TIME, CLASS_TIME, SQL_STRING, "time", NULL },
	{ MY_TYPE_DATETIME, CLASS_DATETIME, SQL_STRING, "datetime", NULL },
	{ MY_TYPE_YEAR, CLASS_INTEGER, SQL_NUMBER, "year", NULL },
	{ MY_TYPE_NEWDATE, CLASS_DATE, SQL_STRING, "date", NULL },
	{ MY_TYPE_VARCHAR, CLASS_SAME, SQL_STRING, "varchar", NULL },
	{ MY_TYPE_BIT, CLASS_SAME, SQL_STRING, "bit", NULL },
	{ MY_TYPE_VECTOR, CLASS_SAME, SQL_STRING, "vector", NULL },
	{ MY_TYPE_JSON, CLASS_SAME, SQL_STRING, "json", NULL },
	{ MY_TYPE_NEWDECIMAL, CLASS_SAME, SQL_NUMBER, "decimal", "decimal unsigned" },
	{ MY_TYPE_ENUM, CLASS_SAME, SQL_STRING, "enum", NULL },
	{ MY_TYPE_SET, CLASS_SAME, SQL_STRING, "set", NULL },
	{ MY_TYPE_TINY_BLOB, CLASS_SAME, SQL_STRING, "tinyblob", NULL },
	{ MY_TYPE_MEDIUM_BLOB, CLASS_SAME, SQL_STRING, "mediumblob", NULL },
	{ MY_TYPE_LONG_BLOB, CLASS_SAME, SQL_STRING, "longblob", NULL },
	{ MY_TYPE_BLOB, CLASS_SAME, SQL_STRING, "blob", NULL },
	{ MY_TYPE_VAR_STRING, CLASS_SAME, SQL_STRING, "varchar", NULL },
	{ MY_TYPE_STRING, CLASS_SAME, SQL_STRING, "char", NULL },
	{ MY_TYPE_GEOMETRY, CLASS_SAME, SQL_STRING, "geometry", NULL },
};

static const struct type *find(uint32_t type)
{
	if (type & ~(MY_TYPE_UNSIGNED | 0xff))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == (type & 0xff))
			return &types[i];
	return NULL;
}

static enum class class_of(uint32_t type) {
	const struct type *found = find(type);

	return found ? found->class : CLASS_NONE;
}

struct slice my_type_name(uint32_t type)
{
	const struct type *found = find(type);

	if (type == MY_TYPE_BULK_DEFAULT)
		return SLICE("default");
	if (type == MY_TYPE_BULK_IGNORE)
		return SLICE("ignore");
	if (!found)
		return slice_of(NULL, 0);
	if ((type & MY_TYPE_UNSIGNED) && found->unsigned_name)
		return slice_from_string(found->unsigned_name);
	return slice_from_string(found->name);
}

enum sql_kind my_type_kind(uint32_t type)
{
	const struct type *found = find(type);

	if (type == MY_TYPE_BULK_DEFAULT || type == MY_TYPE_BULK_IGNORE)
		return SQL_TYPED;
	return found ? found->kind : SQL_STRING;
}

bool my_type_same_bytes(uint32_t type)
{
	return class_of(type) == CLASS_SAME;
}

/* ---- integers ---- */

static int integer_to_text(uint32_t type, struct slice bytes, struct buffer *text)
{
	size_t size = (size_t)my_type_size(type);
	uint64_t value = 0;

	if (bytes.size != size)
		return -EINVAL;
	for (size_t i = size; i-- > 0;)
		value = value << 8 | bytes.data[i];
	if ((type & MY_TYPE_UNSIGNED) || !(bytes.data[size - 1] & 0x80)) {
		buffer_append_unsigned(text, value);
		return 0;
	}
	for (size_t i = size; i < 8; i++)
		value |= 0xffULL << (8 * i);
	buffer_append_signed(text, (int64_t)value);
	return 0;
}

/* Digits, with zeros before them where a column is filled with them. */
static int integer_to_binary(uint32_t type, struct slice text, struct buffer *bytes)
{
	size_t size = (size_t)my_type_size(type);
	bool negative = text.size && text.data[0] == '-';
	uint64_t most = UINT64_MAX >> (64 - 8 * size), value = 0;

	if (!(type & MY_TYPE_UNSIGNED))
		most = (most >> 1) + negative;
	else if (negative)
		return -EINVAL;
	if (text.size == negative)
		return -EINVAL;
	for (size_t i = negative; i < text.size; i++) {
		uint64_t digit = (uint64_t)text.data[i] - '0';

		if (digit > 9 || value > most / 10 || 10 * value > most - digit)
			return -EINVAL;
		value = 10 * value + digit;
	}
	buffer_append_le(bytes, negative ? 0 - value : value, size);
	return 0;
}

/* ---- every type ---- */

static unsigned int float_width(uint32_t type)
{
	return (type & 0xff) == MY_TYPE_FLOAT ? 4 : 8;
}

static int to_text(uint32_t type, struct slice bytes, struct buffer *text)
{
	switch (class_of(type)) {
	case CLASS_SAME:
		buffer_append_slice(text, bytes);
		return 0;
	case CLASS_INTEGER:
		return integer_to_text(type, bytes, text);
	case CLASS_FLOAT:
		return my_float_to_text(float_width(type), bytes, text);
	case CLASS_DATE:
	case CLASS_DATETIME:
		return my_date_to_text(class_of(type) == CLASS_DATETIME, bytes, text);
	case CLASS_TIME:
		return my_time_to_text(bytes, text);
	default:
		return -ENOTSUP;
	}
}

static int to_binary(uint32_t type, struct slice text, struct buffer *bytes)
{
	switch (class_of(type)) {
	case CLASS_SAME:
		buffer_append_slice(bytes, text);
		return 0;
	case CLASS_INTEGER:
		return integer_to_binary(type, text, bytes);
	case CLASS_FLOAT:
		return my_float_to_binary(float_width(type), text, bytes);
	case CLASS_DATE:
	case CLASS_DATETIME:
		return my_date_to_binary(class_of(type) == CLASS_DATETIME, text, bytes);
	case CLASS_TIME:
		return my_time_to_binary(text, bytes);
	default:
		return -ENOTSUP;
	}
}

/* The end of a conversion: the error to return, and nothing appended where there is one. */
static int finish(struct buffer *buffer, size_t before, int error)
{
	if (!error && buffer->overflowed)
		error = -EMSGSIZE;
	if (error)
		buffer->size = before;
	return error;
}

/* Only dates and times have forms that their text does not give back. */
static bool gives_back(uint32_t type, struct slice text, struct slice bytes)
{
	struct buffer back;
	bool same;

	if (my_type_size(type) != MY_SIZE_SHORT)
		return true;
	buffer_init(&back, 64);
	same = to_binary(type, text, &back) == 0 && slice_equal(buffer_slice(&back), bytes);
	buffer_release(&back);
	return same;
}

int my_value_show(uint32_t type, struct slice bytes, struct buffer *text)
{
	size_t before = text->size;

	return finish(text, before, to_text(type, bytes, text));
}

int my_value_to_text(uint32_t type, struct slice bytes, struct buffer *text)
{
	size_t before = text->size;
	int error = to_text(type, bytes, text);

	if (!error && !text->overflowed && text->size > before &&
	    !gives_back(type, slice_of(text->data + before, text->size - before), bytes))
		error = -ENOTSUP;
	return finish(text, before, error);
}

int my_value_to_binary(uint32_t type, struct slice text, struct buffer *bytes)
{
	size_t before = bytes->size;

	return finish(bytes, before, to_binary(type, text, bytes));
}

/* ---- columns ---- */

static bool is_zerofill(const struct column *column)
{
	return column->flags & MY_COLUMN_ZEROFILL;
}

/* Puts zeros before what was appended behind `before`. */
static int fill_zeros(const struct column *column, size_t before, struct buffer *out)
{
	size_t size = out->size - before, missing;

	if (!is_zerofill(column) || out->overflowed || column->length <= (int64_t)size)
		return 0;
	if (column->length > MY_ZEROFILL_MAX || out->data[before] == '-')
		return -EINVAL;
	missing = (size_t)column->length - size;
	if (!buffer_reserve(out, missing))
		return -EMSGSIZE;
	memmove(out->data + before + missing, out->data + before, size);
	memset(out->data + before, '0', missing);
	out->size += missing;
	return 0;
}

/* From the canonical text of a binary value. */
static int to_column_text(const struct column *column, struct slice text, struct buffer *out)
{
	uint32_t type = column->type_id;
	size_t before = out->size;
	int error = 0;

	switch (class_of(type)) {
	case CLASS_INTEGER:
		/* The year 0 is four zeros in a table, and one where it was computed. */
		if ((type & 0xff) == MY_TYPE_YEAR && text.size < 4 && !is_zerofill(column))
			return -ENOTSUP;
		buffer_append_slice(out, text);
		return fill_zeros(column, before, out);
	case CLASS_FLOAT:
		error = my_float_for_column(float_width(type), column->decimals, text, out);
		return error ? error : fill_zeros(column, before, out);
	case CLASS_DATETIME:
	case CLASS_TIME:
		return my_fraction_for_column(column->decimals, text, out);
	case CLASS_NONE:
		return -ENOTSUP;
	default:
		buffer_append_slice(out, text);
		return 0;
	}
}

/* A number's text without the zeros that only fill its column. */
static struct slice without_fill(const struct column *column, struct slice text)
{
	if (!is_zerofill(column))
		return text;
	while (text.size > 1 && text.data[0] == '0' && text.data[1] >= '0' && text.data[1] <= '9')
		text = slice_of(text.data + 1, text.size - 1);
	return text;
}

/* Of a text that was rounded only zero is known, and that only where the digits are not counted. */
static int float_from_text(const struct column *column, struct slice text, struct buffer *out)
{
	unsigned int width = float_width(column->type_id);
	size_t before = out->size;
	struct buffer again;
	int error;

	text = without_fill(column, text);
	if (column->decimals < MY_DECIMALS_FREE)
		return -ENOTSUP;
	if (width == 4 && !slice_equal(text, SLICE("0")) && !slice_equal(text, SLICE("-0")))
		return -ENOTSUP;
	error = my_float_to_binary(width, text, out);
	if (error || out->overflowed)
		return error;
	buffer_init(&again, 512);
	error = my_float_to_text(width, slice_of(out->data + before, out->size - before), &again);
	if (!error && !slice_equal(buffer_slice(&again), text))
		error = -ENOTSUP;
	buffer_release(&again);
	return error;
}

int my_value_encode(const struct column *column, uint16_t form, struct slice text,
		    struct buffer *out)
{
	size_t before = out->size;
	int error = 0;

	if (form == PARAMETER_TEXT && column->form == PARAMETER_TEXT)
		buffer_append_slice(out, text);
	else if (form == PARAMETER_TEXT)
		error = to_column_text(column, text, out);
	else if (column->form == PARAMETER_TEXT && class_of(column->type_id) == CLASS_FLOAT)
		error = float_from_text(column, text, out);
	else
		error = to_binary(column->type_id, text, out);
	return finish(out, before, error);
}
