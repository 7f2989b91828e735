/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tapes and running recorders over them; see tape.h. */
#include "tests/unit/tape.h"

#include "parsers/http/exchange.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- reading ---- */

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text;
	long size;

	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static const char *read_string(const char *at, struct buffer *body)
{
	for (at++; *at && *at != '"' && *at != '\n'; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			buffer_append_u8(body, *at == 'n' ? '\n' :
					       *at == 'r' ? '\r' :
							    (uint8_t)*at);
		} else {
			buffer_append_u8(body, (uint8_t)*at);
		}
	}
	return *at == '"' ? at + 1 : NULL;
}

/* Behind "le": bits, a colon, a number. */
static const char *read_le(const char *at, struct buffer *body)
{
	char *end;
	unsigned long bits = strtoul(at, &end, 10);

	if (*end != ':')
		return NULL;
	buffer_append_le(body, strtoull(end + 1, &end, 0), bits / 8);
	return end;
}

/* One word of a body: NULL when it is none. */
static const char *read_word(const char *at, struct buffer *body)
{
	char *end;

	if (*at == '"')
		return read_string(at, body);
	if (strncmp(at, "i16:", 4) == 0) {
		buffer_append_u16be(body, (uint16_t)strtol(at + 4, &end, 0));
		return end;
	}
	if (strncmp(at, "i32:", 4) == 0) {
		buffer_append_u32be(body, (uint32_t)strtoll(at + 4, &end, 0));
		return end;
	}
	if (strncmp(at, "le", 2) == 0)
		return read_le(at + 2, body);
	if (strncmp(at, "rep:", 4) == 0) {
		unsigned long n = strtoul(at + 4, &end, 0);

		for (at = end; n > 1 && *at == ':'; n--)
			if (!read_word(at + 1, body))
				return NULL;
		return *at == ':' ? read_word(at + 1, body) : NULL;
	}
	if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
		return NULL;
	while (isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1])) {
		const char digits[] = { at[0], at[1], 0 };

		buffer_append_u8(body, (uint8_t)strtoul(digits, NULL, 16));
		at += 2;
	}
	return at;
}

static bool read_body(const char *at, struct buffer *body)
{
	while (*at && *at != '\n' && *at != '#') {
		if (isblank((unsigned char)*at)) {
			at++;
			continue;
		}
		at = read_word(at, body);
		if (!at)
			return false;
	}
	return true;
}

static struct tape_move *move_last(struct tape *tape)
{
	return &tape->moves[tape->n_moves - 1];
}

static struct buffer *move_of(struct tape *tape, enum side side)
{
	if (!tape->n_moves || move_last(tape)->side != side || move_last(tape)->ends) {
		if (tape->n_moves == TAPE_MOVES_MAX)
			return NULL;
		tape->moves[tape->n_moves].side = side;
		buffer_init(&tape->moves[tape->n_moves++].bytes, (size_t)64 << 20);
	}
	return &move_last(tape)->bytes;
}

/* What stands before the body, by protocol: PostgreSQL's type and length, MySQL's length and sequence. */
static void put_header(struct buffer *move, const char *header, size_t size)
{
	if (*header == '#') {
		buffer_append_le(move, size, 3);
		buffer_append_u8(move, (uint8_t)strtoul(header + 1, NULL, 10));
		return;
	}
	if (*header != '-')
		buffer_append_u8(move, (uint8_t)*header);
	buffer_append_u32be(move, (uint32_t)size + 4);
}

static bool read_message(struct tape *tape, const char *line)
{
	enum side side = *line == 'c' ? SIDE_CLIENT : SIDE_SERVER;
	const char *header = line + 7; /* "client ", "server " */
	bool raw = strncmp(header, "raw ", 4) == 0;
	struct buffer *move = move_of(tape, side);
	struct buffer body;
	bool ok;

	if (strncmp(header, "end\n", 4) == 0) {
		if (move)
			move_last(tape)->ends = true;
		return move != NULL;
	}
	buffer_init(&body, (size_t)64 << 20);
	ok = move && read_body(header + strcspn(header, " \n"), &body);
	if (ok && !raw)
		put_header(move, header, body.size);
	if (ok)
		buffer_append_slice(move, buffer_slice(&body));
	buffer_release(&body);
	return ok;
}

static bool read_line(struct tape *tape, const char *line)
{
	if (*line == '#' || *line == '\n')
		return true;
	if (strncmp(line, "end\n", 4) == 0) {
		tape->ends = true;
		return true;
	}
	return (strncmp(line, "client ", 7) == 0 || strncmp(line, "server ", 7) == 0) &&
	       read_message(tape, line);
}

bool tape_read(struct tape *tape, const char *path)
{
	const char *line;

	memset(tape, 0, sizeof(*tape));
	tape->path = strdup(path);
	tape->text = read_file(path);
	for (line = tape->text; line && *line && strncmp(line, "---\n", 4) != 0;) {
		const char *end = strchr(line, '\n');

		if (!end || !read_line(tape, line)) {
			fprintf(stderr, "%s: not understood: %.60s\n", path, line);
			return false;
		}
		line = end + 1;
	}
	if (!line || !*line) {
		fprintf(stderr, "%s: no tape, or no line ---\n", path);
		return false;
	}
	tape->head_size = (size_t)(line - tape->text) + 4;
	return true;
}

void tape_release(struct tape *tape)
{
	for (size_t i = 0; i < tape->n_moves; i++)
		buffer_release(&tape->moves[i].bytes);
	free(tape->path);
	free(tape->text);
}

/* ---- items as text ---- */

static void PRINTF_LIKE(2, 3) print(struct buffer *text, const char *format, ...)
{
	char bytes[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(bytes, sizeof(bytes), format, arguments);
	va_end(arguments);
	buffer_append_string(text, bytes);
}

static void print_slice(struct buffer *text, const char *name, struct slice slice)
{
	print(text, " %s=\"", name);
	for (size_t i = 0; i < slice.size && i < 200; i++) {
		if (isprint(slice.data[i]) && slice.data[i] != '"' && slice.data[i] != '\\')
			buffer_append_u8(text, slice.data[i]);
		else
			print(text, "\\x%02x", slice.data[i]);
	}
	print(text, slice.size > 200 ? "...\"(%zu)" : "\"", slice.size);
}

/* Not their times, which depend on how the bytes were cut. False: the piece is none of these. */
static bool print_http_piece(struct buffer *text, const struct piece *piece)
{
	struct http_message message;
	uint64_t bytes;
	int64_t at_ns;

	if (piece->type == PIECE_ARRIVED) {
		if (http_arrival_read(piece, &bytes, &at_ns))
			abort();
		print(text, "  %" PRIu32 " arrived bytes=%" PRIu64 "\n", piece->result, bytes);
		return true;
	}
	if (piece->type != PIECE_MESSAGE)
		return false;
	if (http_message_read(piece, &message))
		abort();
	print(text, "  %d message %" PRIu32 " kind=%u%s%s", message.side, message.number,
	      message.kind, message.deflated ? " deflated" : "",
	      message.complete ? "" : " incomplete");
	if (message.payload.size)
		print_slice(text, "payload", message.payload);
	print(text, "\n");
	return true;
}

static const char *const piece_names[] = { "columns", "rows",	      "value",	 "tag",
					   "empty",   "error",	      "notice",	 "status",
					   "body",    "notification", "copy",	 "copy-end",
					   "arrived", "message body", "message", "end" };

static void print_pieces(struct buffer *text, const struct exchange_item *exchange)
{
	for (const struct piece *piece = exchange->pieces; piece; piece = piece->next) {
		if (print_http_piece(text, piece))
			continue;
		print(text, "  %" PRIu32 " %s", piece->result, piece_names[piece->type]);
		if (piece->type == PIECE_ROWS)
			print(text, " count=%" PRIu32, piece->count);
		if (piece->type == PIECE_VALUE)
			print(text, " part=%" PRIu32, piece->part);
		print_slice(text, "bytes", piece->bytes);
		print(text, "\n");
	}
}

static void print_fields(struct buffer *text, const char *what, const struct http_fields *fields)
{
	for (size_t i = 0; i < fields->n; i++) {
		print(text, "    %s", what);
		print_slice(text, "name", fields->list[i].name);
		print_slice(text, "value", fields->list[i].value);
		print(text, "\n");
	}
}

static void print_http(struct buffer *text, const struct exchange_item *exchange)
{
	static const char *const forms[] = { "origin", "absolute", "authority", "asterisk" };
	const struct http_request *request = exchange->request;

	if (request) {
		print(text, "  request 1.%u %s", request->minor, forms[request->form]);
		print_slice(text, "method", request->method);
		print_slice(text, "scheme", request->scheme);
		print_slice(text, "authority", request->authority);
		print_slice(text, "path", request->path);
		if (request->query.data)
			print_slice(text, "query", request->query);
		print(text, "\n");
		print_fields(text, "header", &request->fields);
	}
	for (const struct http_response *r = exchange->responses; r; r = r->next) {
		print(text, "  response 1.%u %u", r->minor, r->status);
		print_slice(text, "reason", r->reason);
		print(text, "\n");
		print_fields(text, "header", &r->fields);
	}
	for (size_t i = 0; i < 2; i++)
		if (exchange->trailers[i])
			print_fields(text, i ? "response trailer" : "request trailer",
				     exchange->trailers[i]);
}

static void print_exchange(struct buffer *text, const struct exchange_item *exchange)
{
	static const char *const kinds[] = { "?",	 "simple",  "extended", "parse",
					     "function", "command", "http" };
	static const char *const outcomes[] = { "unfinished", "ok", "error", "suspended" };

	print(text, "exchange %" PRIu64 " batch=%" PRIu64 " index=%" PRIu32, exchange->ordinal,
	      exchange->batch, exchange->index);
	if (exchange->opens) {
		print(text, " %s %c", kinds[exchange->kind], exchange->transaction);
		print_slice(text, "text", exchange->text);
	}
	if (exchange->closes)
		print(text, " %s flags=%" PRIu32, outcomes[exchange->outcome], exchange->flags);
	print(text, "\n");
	for (size_t i = 0; i < exchange->n_parameters; i++) {
		const struct parameter *parameter = &exchange->parameters[i];

		print(text, "  $%zu type=%" PRIu32 "%s %s", i + 1, parameter->type,
		      parameter->declared ? " declared" : "",
		      parameter->form == PARAMETER_BINARY ? "binary" : "text");
		if (parameter->null)
			print(text, " null");
		else
			print_slice(text, "value", parameter->value);
		print(text, "\n");
	}
	print_http(text, exchange);
	print_pieces(text, exchange);
}

static void print_session(struct buffer *text, const struct session_item *session)
{
	print(text, "session");
	print_slice(text, "user", session->user);
	print_slice(text, "database", session->database);
	print_slice(text, "version", session->server_version);
	print(text, "%s%s\n", session->replication ? " replication" : "",
	      session->refused ? " refused" : "");
	for (size_t i = 0; i < session->n_client_parameters; i++) {
		print(text, "  client");
		print_slice(text, "name", session->client_parameters[i].name);
		print_slice(text, "value", session->client_parameters[i].value);
		print(text, "\n");
	}
	for (size_t i = 0; i < session->n_server_parameters; i++) {
		print(text, "  server");
		print_slice(text, "name", session->server_parameters[i].name);
		print_slice(text, "value", session->server_parameters[i].value);
		print(text, "\n");
	}
}

static void print_item(struct buffer *text, const struct item *item)
{
	switch (item->type) {
	case ITEM_SESSION:
		print_session(text, &item->session);
		break;
	case ITEM_EXCHANGE:
		print_exchange(text, &item->exchange);
		break;
	case ITEM_STATEMENT:
		print(text, "statement");
		print_slice(text, "text", item->statement.text);
		for (size_t i = 0; i < item->statement.n_parameter_types; i++)
			print(text, " $%zu=%" PRIu32, i + 1, item->statement.parameter_types[i]);
		if (item->statement.has_columns)
			print_slice(text, "columns", item->statement.columns);
		if (item->statement.warnings)
			print(text, " behind %" PRIu64 " with %u warnings",
			      item->statement.prepared_behind - 1, item->statement.warnings);
		print(text, "\n");
		break;
	case ITEM_ASIDE:
		print(text, "aside behind %" PRIu64 "%s %s", item->aside.ordinal,
		      item->aside.within ? " within" : "", piece_names[item->aside.type]);
		print_slice(text, "bytes", item->aside.bytes);
		print(text, "\n");
		break;
	case ITEM_BATCH_MERGE:
		print(text, "merge batch=%" PRIu64, item->batch_merge.batch);
		print_slice(text, "text", item->batch_merge.text);
		print(text, "\n");
		break;
	default:
		print(text, "item of type %d\n", (int)item->type);
		break;
	}
}

/* ---- running ---- */

/* Memory whose last byte is followed by a page that cannot be read. */
struct guarded {
	uint8_t *map;
	size_t size; /* readable */
};

static struct guarded guarded_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct guarded guarded = { NULL, (size + page) / page * page };

	guarded.map = mmap(NULL, guarded.size + page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guarded.map == MAP_FAILED || mprotect(guarded.map + guarded.size, page, PROT_NONE) < 0)
		abort();
	return guarded;
}

struct run {
	const struct protocol *protocol;
	struct recorder *recorder;
	struct item_list items;
	struct guarded guarded;
	const char *why;
	int64_t now_ns;
};

static void feed(struct run *run, enum side side, struct slice bytes)
{
	uint8_t *at = run->guarded.map + run->guarded.size - bytes.size;

	if (run->why)
		return;
	if (bytes.size)
		memcpy(at, bytes.data, bytes.size);
	if (run->protocol->recorder_see(run->recorder, side, slice_of(at, bytes.size),
					++run->now_ns, &run->items, &run->why) == 0)
		run->why = NULL;
	memset(at, 0xdb, bytes.size); /* nothing may still borrow it */
}

size_t tape_bytes(const struct tape *tape)
{
	size_t bytes = 0;

	for (size_t i = 0; i < tape->n_moves; i++)
		bytes += tape->moves[i].bytes.size;
	return bytes;
}

static void feed_move(struct run *run, const struct tape_move *move, size_t cut)
{
	struct slice bytes = buffer_slice(&move->bytes);

	if (cut == TAPE_BYTE_BY_BYTE) {
		for (size_t i = 0; i < bytes.size; i++)
			feed(run, move->side, slice_of(bytes.data + i, 1));
	} else if (cut && cut < bytes.size) {
		feed(run, move->side, slice_of(bytes.data, cut));
		feed(run, move->side, slice_of(bytes.data + cut, bytes.size - cut));
	} else if (bytes.size) {
		feed(run, move->side, bytes);
	}
	if (move->ends)
		feed(run, move->side, slice_of(NULL, 0));
}

const char *tape_items(const struct tape *tape, const struct protocol *protocol, size_t cut,
		       bool checksum, struct item_list *items)
{
	struct run run = { .protocol = protocol };
	size_t largest = 1;

	for (size_t i = 0; i < tape->n_moves; i++)
		if (tape->moves[i].bytes.size > largest)
			largest = tape->moves[i].bytes.size;
	run.guarded = guarded_new(largest);
	run.recorder = protocol->recorder_new(1);
	if (checksum && protocol->recorder_checksum)
		protocol->recorder_checksum(run.recorder);
	item_list_init(&run.items);
	for (size_t i = 0; i < tape->n_moves; i++) {
		const struct tape_move *move = &tape->moves[i];

		feed_move(&run, move, cut);
		if (cut != TAPE_BYTE_BY_BYTE)
			cut = cut > move->bytes.size ? cut - move->bytes.size : 0;
	}
	if (tape->ends || run.why)
		protocol->recorder_end(run.recorder, ++run.now_ns, &run.items);
	item_list_move(items, &run.items);
	protocol->recorder_free(run.recorder);
	munmap(run.guarded.map, run.guarded.size + (size_t)sysconf(_SC_PAGESIZE));
	return run.why;
}

void tape_record(const struct tape *tape, const struct protocol *protocol, size_t cut,
		 struct buffer *text)
{
	struct item_list items;
	const char *why;

	item_list_init(&items);
	why = tape_items(tape, protocol, cut, false, &items);
	for (const struct item *item = items.first; item; item = item->next)
		print_item(text, item);
	if (why)
		print(text, "opaque: %s\n", why);
	item_list_release(&items);
}

bool tape_expect(const struct tape *tape, struct slice text)
{
	struct slice expected = slice_from_string(tape->text + tape->head_size);
	FILE *file;

	if (getenv("UPDATE")) {
		file = fopen(tape->path, "we");
		if (!file)
			return false;
		fwrite(tape->text, 1, tape->head_size, file);
		fwrite(text.data, 1, text.size, file);
		return fclose(file) == 0;
	}
	if (slice_equal(expected, text))
		return true;
	fprintf(stderr, "%s: expected\n%.*s--- but got\n%.*s", tape->path, (int)expected.size,
		(const char *)expected.data, (int)text.size, (const char *)text.data);
	return false;
}
