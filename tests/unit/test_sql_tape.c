/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tapes of tests/fixtures/sql: texts, and the canonical form and slots that must come of them.
 *
 *	# a comment
 *	@ mysql		(with: ansi_quotes, no_backslash_escapes; or: @ backslash, for PostgreSQL with
 *			standard_conforming_strings off)
 *	> SELECT 1 FROM t
 *	> WHERE a = $1::date	the text, its lines joined with newlines
 *	= select ? from t where a = ?
 *	! select		verb
 *	? 1			a slot: its value as it is stored
 *	? compared $1::date
 *
 * Each text ends at a page that cannot be read. UPDATE=1 writes what came out into the tape instead
 * of comparing.
 */
#include "parsers/sql/identity.h"
#include "tests/unit/cmocka.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FOLDER "tests/fixtures/sql"
#define TAPE_BYTES_MAX ((size_t)1 << 20)

static void read_file(const char *path, struct buffer *out)
{
	FILE *file = fopen(path, "rb");
	uint8_t bytes[4096];
	size_t size;

	if (!file)
		fail_msg("%s: cannot be opened", path);
	while ((size = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buffer_append(out, bytes, size);
	(void)fclose(file);
}

static void write_file(const char *path, const struct buffer *content)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(content->data, 1, content->size, file), content->size);
	assert_int_equal(fclose(file), 0);
}

static void render_slot(const struct sql_slot *slot, struct buffer *out)
{
	struct buffer json;

	buffer_append_string(out, slot->compared ? "? compared " : "? ");
	if (slot->secret)
		buffer_append_string(out, "secret ");
	if (slot->placeholder) {
		buffer_append_u8(out, '$');
		buffer_append_unsigned(out, slot->placeholder);
		if (slot->cast.size)
			buffer_append_string(out, "::");
		buffer_append_slice(out, slot->cast);
	} else {
		buffer_init(&json, TAPE_BYTES_MAX);
		sql_values_json(&slot->literal, 1, &json);
		buffer_append(out, json.data + 1, json.size - 2);
		buffer_release(&json);
	}
	buffer_append_u8(out, '\n');
}

/* What comes of a text, as the tape has it. */
static void render(const struct sql_options *options, struct slice text, struct buffer *out)
{
	struct sql_statement statement;
	struct arena arena;

	arena_init(&arena);
	sql_canonicalize(options, text, &arena, &statement);
	buffer_append_string(out, "= ");
	for (size_t i = 0; i < statement.canonical.size; i++) {
		buffer_append_u8(out, statement.canonical.data[i]);
		if (statement.canonical.data[i] == '\n')
			buffer_append_string(out, "= ");
	}
	buffer_append_string(out, "\n! ");
	buffer_append_string(out, sql_verb_name(statement.verb));
	buffer_append_u8(out, '\n');
	for (size_t i = 0; i < statement.n_slots; i++)
		render_slot(&statement.slots[i], out);
	arena_release(&arena);
}

struct guarded {
	uint8_t *pages;
	size_t page;
	size_t n_pages;
};

/* Memory whose end is followed by a page that cannot be read. */
static void guarded_init(struct guarded *guarded)
{
	guarded->page = (size_t)sysconf(_SC_PAGESIZE);
	guarded->n_pages = 16;
	guarded->pages = mmap(NULL, (guarded->n_pages + 1) * guarded->page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(guarded->pages != MAP_FAILED);
	assert_int_equal(mprotect(guarded->pages + guarded->n_pages * guarded->page, guarded->page,
				  PROT_NONE),
			 0);
}

static struct slice guarded_copy(const struct guarded *guarded, struct slice text)
{
	uint8_t *copy = guarded->pages + guarded->n_pages * guarded->page - text.size;

	assert_true(text.size <= guarded->n_pages * guarded->page);
	if (text.size)
		memcpy(copy, text.data, text.size);
	return slice_of(copy, text.size);
}

static void guarded_release(struct guarded *guarded)
{
	assert_int_equal(munmap(guarded->pages, (guarded->n_pages + 1) * guarded->page), 0);
}

/* Every beginning of the text must be read without leaving it, whatever comes of it. */
static void read_beginnings(const struct sql_options *options, const struct guarded *guarded,
			    struct slice text)
{
	for (size_t size = 0; size < text.size; size++) {
		struct sql_statement statement;
		struct slice beginning = guarded_copy(guarded, slice_of(text.data, size));
		struct arena arena;

		arena_init(&arena);
		sql_canonicalize(options, beginning, &arena, &statement);
		(void)sql_count(options, beginning);
		arena_release(&arena);
	}
}

struct player {
	struct sql_options options;
	struct buffer text;
	struct buffer result; /* the tape as it should be */
	struct guarded guarded;
	size_t cases;
};

static void finish_case(struct player *player)
{
	struct slice text = buffer_slice(&player->text);

	if (!text.size)
		return;
	read_beginnings(&player->options, &player->guarded, text);
	render(&player->options, guarded_copy(&player->guarded, text), &player->result);
	buffer_clear(&player->text);
	player->options = (struct sql_options){ .dialect = SQL_POSTGRES };
	player->cases++;
}

static bool contains(struct slice line, const char *word)
{
	return memmem(line.data, line.size, word, strlen(word)) != NULL;
}

static void read_options(struct sql_options *options, struct slice line)
{
	options->dialect = contains(line, "mysql") ? SQL_MYSQL : SQL_POSTGRES;
	options->backslash_escapes = !contains(line, "no_backslash_escapes");
	options->ansi_quotes = contains(line, "ansi_quotes");
}

static void play_line(struct player *player, struct slice line)
{
	switch (line.size ? line.data[0] : '\n') {
	case '=':
	case '!':
	case '?':
		return; /* what came out is written by finish_case() */
	case '@':
		read_options(&player->options, line);
		break;
	case '>':
		if (player->text.size)
			buffer_append_u8(&player->text, '\n');
		if (line.size > 2)
			buffer_append(&player->text, line.data + 2, line.size - 2);
		break;
	default:
		finish_case(player);
		break;
	}
	buffer_append_slice(&player->result, line);
	buffer_append_u8(&player->result, '\n');
}

static void play(const char *path)
{
	const char *update = getenv("UPDATE");
	struct player player = { .options = { .dialect = SQL_POSTGRES } };
	struct buffer tape;
	struct slice rest;

	buffer_init(&tape, TAPE_BYTES_MAX);
	buffer_init(&player.text, TAPE_BYTES_MAX);
	buffer_init(&player.result, 4 * TAPE_BYTES_MAX);
	guarded_init(&player.guarded);
	read_file(path, &tape);
	rest = buffer_slice(&tape);
	while (rest.size) {
		const uint8_t *newline = memchr(rest.data, '\n', rest.size);
		size_t size = newline ? (size_t)(newline - rest.data) : rest.size;

		play_line(&player, slice_of(rest.data, size));
		size += newline != NULL;
		rest = slice_of(rest.data + size, rest.size - size);
	}
	finish_case(&player);
	assert_true(player.cases > 0 && !tape.overflowed && !player.result.overflowed);
	if (update && *update && *update != '0') {
		write_file(path, &player.result);
	} else if (!slice_equal(buffer_slice(&tape), buffer_slice(&player.result))) {
		buffer_append_u8(&tape, 0);
		buffer_append_u8(&player.result, 0);
		assert_string_equal((char *)player.result.data, (char *)tape.data);
	}
	guarded_release(&player.guarded);
	buffer_release(&tape);
	buffer_release(&player.text);
	buffer_release(&player.result);
}

static void test_tapes(void **state)
{
	DIR *folder = opendir(FOLDER);
	size_t tapes = 0;
	struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char path[512];

		if (!strstr(entry->d_name, ".tape"))
			continue;
		assert_true(snprintf(path, sizeof(path), "%s/%s", FOLDER, entry->d_name) <
			    (int)sizeof(path));
		play(path);
		tapes++;
	}
	assert_int_equal(closedir(folder), 0);
	assert_true(tapes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
