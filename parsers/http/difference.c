/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two canonical requests side by side; see difference.h. Their lines are in order (identity.h), so that one walk over both
 * finds what only one of them has; canonical JSON has its members in order, so that two readers go in step.
 */
#include "parsers/http/difference.h"

#include "parsers/compiler.h"
#include "parsers/json.h"

#define SAID_MAX 4
#define VALUE_BYTES ((size_t)80)

struct difference {
	struct buffer *out; /* NULL: only counted */
	size_t n;
	size_t distance;
};

/* Another value is nearer than one that the other does not have at all. */
#define OTHER_VALUE 2
#define NO_VALUE 3

/* A value as far as it fits a line. */
static void say_value(struct buffer *out, struct slice value)
{
	size_t size = value.size < VALUE_BYTES ? value.size : VALUE_BYTES;

	while (size && size < value.size && (value.data[size] & 0xc0) == 0x80)
		size--; /* no half characters */
	for (size_t i = 0; i < size; i++)
		buffer_append_u8(
			out, value.data[i] >= ' ' && value.data[i] != 0x7f ? value.data[i] : ' ');
	if (size < value.size)
		buffer_append_string(out, "...");
	if (!value.size)
		buffer_append_string(out, "nothing");
}

/* One more; true when it is to be said: its subject is. */
static bool begin(struct difference *difference, size_t distance, const char *what,
		  struct slice name)
{
	difference->distance += distance;
	if (++difference->n > SAID_MAX || !difference->out) {
		if (difference->out && difference->n == SAID_MAX + 1)
			buffer_append_string(difference->out, "; ...");
		return false;
	}
	if (difference->n > 1)
		buffer_append_string(difference->out, "; ");
	buffer_append_string(difference->out, what);
	if (name.size)
		say_value(difference->out, name);
	return true;
}

static void differs(struct difference *difference, const char *what, struct slice name,
		    struct slice recorded, struct slice asked)
{
	if (!begin(difference, OTHER_VALUE, what, name))
		return;
	buffer_append_string(difference->out, ": recorded ");
	say_value(difference->out, recorded);
	buffer_append_string(difference->out, ", asked ");
	say_value(difference->out, asked);
}

static void only(struct difference *difference, const char *what, struct slice name,
		 struct slice value, bool recorded)
{
	if (!begin(difference, NO_VALUE, what, name))
		return;
	buffer_append_string(difference->out, recorded ? ": recorded " : ": asked ");
	say_value(difference->out, value);
	buffer_append_string(difference->out, recorded ? ", not asked" : ", not recorded");
}

/* ---- lines ---- */

static struct slice take_line(struct slice *text)
{
	const uint8_t *newline = text->size ? memchr(text->data, '\n', text->size) : NULL;
	struct slice line = { text->data, newline ? (size_t)(newline - text->data) : text->size };
	size_t skip = line.size + (newline != NULL);

	*text = slice_of(text->data + skip, text->size - skip);
	return line;
}

static bool is_pair(struct slice text)
{
	return text.size && text.data[0] == '?';
}

/* The body's kind, in brackets, comes behind the fields. */
static bool is_field(struct slice text)
{
	return text.size && text.data[0] != '?' && text.data[0] != '(';
}

static bool is_any(struct slice text)
{
	return text.size > 0;
}

/* "?name=value", "name: value": the name, the value behind it. */
static struct slice split(struct slice line, uint8_t sign, size_t mark, struct slice *ret_value)
{
	const uint8_t *at = line.size ? memchr(line.data, sign, line.size) : NULL;
	size_t size = at ? (size_t)(at - line.data) : line.size;
	size_t skip = size;

	if (at)
		skip += sign == ':' && line.size - size > 1 ? 2 : 1;
	*ret_value = slice_of(line.data + skip, line.size - skip);
	return slice_of(line.data + mark, size < mark ? 0 : size - mark);
}

static bool comes_before(struct slice a, struct slice b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size ? memcmp(a.data, b.data, size) : 0;

	return order ? order < 0 : a.size < b.size;
}

struct lines {
	const char *what;
	uint8_t sign; /* behind the name */
	size_t mark;  /* bytes before it */
	bool (*is_due)(struct slice text);
};

/* Lines of one kind at the front of both texts. */
static void compare_lines(struct difference *difference, const struct lines *lines,
			  struct slice *recorded, struct slice *asked)
{
	while (lines->is_due(*recorded) || lines->is_due(*asked)) {
		struct slice after_left = *recorded, after_right = *asked, value, other;
		bool has_left = lines->is_due(*recorded), has_right = lines->is_due(*asked);
		struct slice left = take_line(&after_left), right = take_line(&after_right);
		struct slice name = split(left, lines->sign, lines->mark, &value);
		struct slice name_right = split(right, lines->sign, lines->mark, &other);

		if (has_left && has_right && slice_equal(name, name_right)) {
			if (!slice_equal(left, right))
				differs(difference, lines->what, name, value, other);
			*recorded = after_left;
			*asked = after_right;
		} else if (has_left && (!has_right || comes_before(left, right))) {
			only(difference, lines->what, name, value, true);
			*recorded = after_left;
		} else {
			only(difference, lines->what, name_right, other, false);
			*asked = after_right;
		}
	}
}

/* "METHOD scheme://authority/path" */
static void split_first(struct slice line, struct slice parts[3])
{
	const uint8_t *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
	size_t method = space ? (size_t)(space - line.data) : line.size;
	struct slice url = slice_of(line.data + method + (space != NULL),
				    line.size - method - (space != NULL));
	const uint8_t *scheme = url.size ? memmem(url.data, url.size, "://", 3) : NULL;
	size_t start = scheme ? (size_t)(scheme - url.data) + 3 : 0;
	const uint8_t *slash =
		url.size > start ? memchr(url.data + start, '/', url.size - start) : NULL;
	size_t host = slash ? (size_t)(slash - url.data) : url.size;

	parts[0] = slice_of(line.data, method);
	parts[1] = slice_of(url.data, host);
	parts[2] = slice_of(url.data + host, url.size - host);
}

static void compare_first(struct difference *difference, struct slice *recorded,
			  struct slice *asked)
{
	static const char *const names[] = { "method", "host", "path" };
	struct slice left[3], right[3];

	split_first(take_line(recorded), left);
	split_first(take_line(asked), right);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!slice_equal(left[i], right[i]))
			differs(difference, names[i], slice_of(NULL, 0), left[i], right[i]);
}

/* ---- bodies ---- */

struct step {
	struct slice key; /* of an object's member, as it is written */
	size_t index;	  /* of an array's element */
	bool array;
};

struct path {
	struct step steps[JSON_DEPTH_MAX + 1];
	size_t depth;
};

/* A token was read where `path` stands: the path of what comes next. */
static void advance(struct path *path, enum json_token token, struct slice text)
{
	struct step *top = &path->steps[path->depth];

	switch (token) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		top->index++;
		if (path->depth < JSON_DEPTH_MAX)
			path->depth++;
		path->steps[path->depth] = (struct step){ .array = token == JSON_ARRAY };
		break;
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		path->depth -= path->depth != 0;
		break;
	case JSON_KEY:
		top->key = text;
		break;
	default:
		top->index++;
	}
}

static void say_path(struct buffer *out, const struct path *path)
{
	buffer_append_string(out, "body $");
	for (size_t i = 1; i <= path->depth; i++) {
		const struct step *step = &path->steps[i];

		/* Those that enclose others are counted when they open. */
		if (step->array) {
			buffer_append_u8(out, '[');
			buffer_append_unsigned(out, step->index - (i < path->depth));
			buffer_append_u8(out, ']');
		} else if (step->key.data) {
			buffer_append_u8(out, '.');
			say_value(out, step->key);
		}
	}
}

/* What stands where the reader is: a value whole, a member's name, or nothing. */
static struct slice value_at(struct json_reader reader)
{
	struct json_reader look = reader;
	struct slice value;

	if (json_next(&look) == JSON_KEY)
		return slice_of(look.text.data - 1, look.text.size + 2);
	return json_next_element(&reader, &value) ? value : slice_of(NULL, 0);
}

static void compare_json(struct difference *difference, struct slice recorded, struct slice asked)
{
	struct json_reader left, right;
	struct path path = { .depth = 0 };
	enum json_token token;

	json_reader_init(&left, recorded);
	json_reader_init(&right, asked);
	do {
		struct json_reader before_left = left, before_right = right;

		token = json_next(&left);
		if (token == json_next(&right) && slice_equal(left.text, right.text)) {
			advance(&path, token, left.text);
			continue;
		}
		if (!begin(difference, OTHER_VALUE, "", slice_of(NULL, 0)))
			return;
		if (token == JSON_KEY || right.token == JSON_KEY)
			path.steps[path.depth].key = slice_of(NULL, 0);
		say_path(difference->out, &path);
		buffer_append_string(difference->out, ": recorded ");
		say_value(difference->out, value_at(before_left));
		buffer_append_string(difference->out, ", asked ");
		say_value(difference->out, value_at(before_right));
		return;
	} while (token > JSON_END);
}

static void compare_bytes(struct difference *difference, struct slice recorded, struct slice asked)
{
	size_t at = 0;

	while (at < recorded.size && at < asked.size && recorded.data[at] == asked.data[at])
		at++;
	if (!begin(difference, OTHER_VALUE, "body, byte ", slice_of(NULL, 0)))
		return;
	buffer_append_unsigned(difference->out, at + 1);
	buffer_append_string(difference->out, ": recorded ");
	say_value(difference->out, slice_of(recorded.data + at, recorded.size - at));
	buffer_append_string(difference->out, ", asked ");
	say_value(difference->out, slice_of(asked.data + at, asked.size - at));
}

static void compare_bodies(struct difference *difference, struct slice recorded, struct slice asked)
{
	static const struct lines form = { "form field ", '=', 0, is_any };
	struct slice kind = take_line(&recorded), other = take_line(&asked);

	if (!slice_equal(kind, other)) {
		differs(difference, "kind of body", slice_of(NULL, 0), kind, other);
		return;
	}
	if (slice_equal(recorded, asked))
		return;
	if (slice_equal(kind, SLICE("(json)")))
		compare_json(difference, recorded, asked);
	else if (slice_equal(kind, SLICE("(form)")))
		compare_lines(difference, &form, &recorded, &asked);
	else if (slice_starts_with(kind, SLICE("(large")))
		differs(difference, "size and digest of the body", slice_of(NULL, 0), recorded,
			asked);
	else
		compare_bytes(difference, recorded, asked);
}

size_t http_difference(struct slice recorded, struct slice asked, struct buffer *out)
{
	static const struct lines query = { "query ", '=', 1, is_pair };
	static const struct lines fields = { "header ", ':', 0, is_field };
	struct difference difference = { .out = out };

	compare_first(&difference, &recorded, &asked);
	compare_lines(&difference, &query, &recorded, &asked);
	compare_lines(&difference, &fields, &recorded, &asked);
	compare_bodies(&difference, recorded, asked);
	return difference.distance;
}
