/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is read from it, and what its errors say. */
#include "parsers/compiler.h"
#include "proxy/cli.h"
#include "tests/unit/cmocka.h"

#include <string.h>

#define WORDS_MAX 24

/* Splits at blanks into a fresh argv; what `line` points to must live as long as the cli. */
struct line {
	char text[512];
	char *argv[WORDS_MAX + 1];
	int argc;
	struct cli cli;
};

static struct line *parse(const char *words)
{
	struct line *line = calloc(1, sizeof(*line));
	char *save = NULL;

	assert_non_null(line);
	assert_true(strlen(words) < sizeof(line->text));
	memcpy(line->text, words, strlen(words));
	for (char *word = strtok_r(line->text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(line->argc < WORDS_MAX);
		line->argv[line->argc++] = word;
	}
	cli_parse(line->argc, line->argv, &line->cli);
	return line;
}

static void done(struct line *line)
{
	cli_release(&line->cli);
	free(line);
}

static bool text_has(struct line *line, const char *part)
{
	struct buffer *text = &line->cli.text;

	return memmem(text->data, text->size, part, strlen(part)) != NULL;
}

/* A usage error whose text holds `part`. */
static void assert_refused(const char *words, const char *part)
{
	struct line *line = parse(words);

	if (line->cli.action != CLI_PRINT || line->cli.status != 2 || !text_has(line, part))
		fail_msg("%s: action %d, status %d, text: %.*s", words, line->cli.action,
			 line->cli.status, (int)line->cli.text.size,
			 line->cli.text.data ? (const char *)line->cli.text.data : "");
	assert_int_equal(line->cli.text.data[line->cli.text.size - 1], '\n');
	done(line);
}

static void test_record_defaults(void **state)
{
	struct line *line = parse("mockproxy record -- psql -c x");
	const struct options *options = &line->cli.options;

	(void)state;
	assert_int_equal(line->cli.action, CLI_LAUNCH);
	assert_int_equal(options->mode, MODE_RECORD);
	assert_string_equal(options->path, "mocks.db");
	assert_string_equal(options->command[0], "psql");
	assert_string_equal(options->command[1], "-c");
	assert_string_equal(options->command[2], "x");
	assert_null(options->command[3]);
	assert_int_equal(options->connect_timeout_s, 30);
	assert_true(options->overwrite);
	assert_false(options->json || options->quiet || options->record_self);
	assert_int_equal(options->stage, STAGE_STORE);
	assert_int_equal(
		options->n_listens + options->n_only + options->n_exclude + options->n_maps, 0);
	done(line);
}

static void test_record_every_option(void **state)
{
	struct line *line =
		parse("mockproxy record -oa.db --only=h:1 --only 10.0.0.0/8 --exclude :53 "
		      "--self record --workers=3 --connect-timeout 5 --queue 64M --json -q "
		      "--no-overwrite --stage relay psql --only x");
	const struct options *options = &line->cli.options;

	(void)state;
	assert_int_equal(line->cli.action, CLI_LAUNCH);
	assert_string_equal(options->path, "a.db");
	assert_int_equal(options->n_only, 2);
	assert_string_equal(options->only[0], "h:1");
	assert_string_equal(options->only[1], "10.0.0.0/8");
	assert_int_equal(options->n_exclude, 1);
	assert_string_equal(options->exclude[0], ":53");
	assert_true(options->record_self && options->json && options->quiet);
	assert_int_equal(options->workers, 3);
	assert_int_equal(options->connect_timeout_s, 5);
	assert_int_equal(options->queue_bytes, 64 << 20);
	assert_false(options->overwrite);
	assert_int_equal(options->stage, STAGE_RELAY);
	/* The first word that is no option starts CMD: its options are its own. */
	assert_string_equal(options->command[0], "psql");
	assert_string_equal(options->command[1], "--only");
	done(line);
}

static void test_replay(void **state)
{
	struct line *line =
		parse("mockproxy replay --repeat cycle f.db --map old:1=new --map [::1]:5=a:6 "
		      "--map ::1=b --allow-partial --explain --timing 2.5x -- cmd -- --x");
	const struct options *options = &line->cli.options;

	(void)state;
	assert_int_equal(line->cli.action, CLI_LAUNCH);
	assert_int_equal(options->mode, MODE_REPLAY);
	assert_string_equal(options->path, "f.db");
	assert_int_equal(options->repeat, REPEAT_CYCLE);
	assert_true(options->speed == 2.5);
	assert_true(options->explain);
	assert_true(options->allow_partial);
	assert_int_equal(options->n_maps, 3);
	assert_string_equal(options->maps[0].old_host, "old");
	assert_int_equal(options->maps[0].old_port, 1);
	assert_string_equal(options->maps[0].new_host, "new");
	assert_int_equal(options->maps[0].new_port, 0);
	assert_string_equal(options->maps[1].old_host, "::1");
	assert_int_equal(options->maps[1].old_port, 5);
	assert_string_equal(options->maps[2].old_host, "::1");
	assert_int_equal(options->maps[2].old_port, 0);
	assert_string_equal(options->command[0], "cmd");
	assert_string_equal(options->command[1], "--");
	done(line);

	line = parse("mockproxy replay -- cmd");
	assert_string_equal(line->cli.options.path, "mocks.db");
	assert_string_equal(line->cli.options.command[0], "cmd");
	done(line);
}

static void test_listen(void **state)
{
	struct line *line =
		parse("mockproxy record --listen 1=h:2 --listen 65535=[fe80::1]:65535 true");
	const struct options *options = &line->cli.options;

	(void)state;
	assert_int_equal(line->cli.action, CLI_LAUNCH);
	assert_int_equal(options->n_listens, 2);
	assert_int_equal(options->listens[0].port, 1);
	assert_string_equal(options->listens[0].host, "h");
	assert_int_equal(options->listens[0].host_port, 2);
	assert_int_equal(options->listens[1].port, 65535);
	assert_string_equal(options->listens[1].host, "fe80::1");
	assert_int_equal(options->listens[1].host_port, 65535);
	done(line);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *words;
		size_t bytes;
	} sizes[] = {
		{ "mockproxy record --queue 65536 x", 65536 },
		{ "mockproxy record --queue 64k x", 65536 },
		{ "mockproxy record --queue 1G x", (size_t)1 << 30 },
		{ "mockproxy record --queue 64G x", (size_t)64 << 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct line *line = parse(sizes[i].words);

		assert_int_equal(line->cli.action, CLI_LAUNCH);
		assert_int_equal(line->cli.options.queue_bytes, sizes[i].bytes);
		done(line);
	}
	assert_refused("mockproxy record --queue 65535 x", "--queue '65535': expected a size");
	assert_refused("mockproxy record --queue 65G x", "expected a size");
	assert_refused("mockproxy record --queue 64MB x", "expected a size");
	assert_refused("mockproxy record --queue -1 x", "expected a size");
	assert_refused("mockproxy record --queue M x", "expected a size");
	assert_refused("mockproxy record --queue 99999999999999999999 x", "expected a size");
	assert_refused("mockproxy record --queue 9999999999999999999G x", "expected a size");
}

static void test_values_refused(void **state)
{
	(void)state;
	assert_refused("mockproxy record --workers 0 x", "--workers '0': expected a number");
	assert_refused("mockproxy record --workers 65 x", "expected a number");
	assert_refused("mockproxy record --workers +4 x", "expected a number");
	assert_refused("mockproxy record --connect-timeout 1s x", "expected seconds");
	assert_refused("mockproxy record --self all x", "expected the word record");
	assert_refused("mockproxy record --stage x x", "expected relay");
	assert_refused("mockproxy record --only= x", "expected HOST");
	assert_refused("mockproxy record --output= x", "expected the name of a file");
	assert_refused("mockproxy replay --repeat never -- x", "expected last, cycle or error");
	assert_refused("mockproxy replay --timing fast -- x", "expected none, recorded");
	assert_refused("mockproxy replay --timing 0x -- x", "expected none, recorded");
	assert_refused("mockproxy replay --timing 1.2.3x -- x", "expected none, recorded");
	assert_refused("mockproxy replay --timing 2xx -- x", "expected none, recorded");
	assert_refused("mockproxy replay --map a -- x", "expected OLD=NEW");
	assert_refused("mockproxy replay --map =a -- x", "expected OLD=NEW");
	assert_refused("mockproxy replay --map a:=b -- x", "expected OLD=NEW");
	assert_refused("mockproxy replay --map [a=b -- x", "expected OLD=NEW");
	assert_refused("mockproxy record --listen 5432 x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 0=h:1 x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 1=h x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 1=h:0 x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 1=h:65536 x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 1=[::1]5 x", "expected PORT=HOST:PORT");
	assert_refused("mockproxy record --listen 1=a:1 --listen 1=b:1 x",
		       "not listened on already");
	assert_refused("mockproxy record --listen 1=a:1 --only b x", "--listen redirects nothing");
}

static void test_usage_errors(void **state)
{
	(void)state;
	assert_refused("mockproxy", "usage: mockproxy");
	assert_refused("mockproxy recrod x", "unknown command 'recrod'; did you mean record?");
	assert_refused("mockproxy frobnicate", "unknown command 'frobnicate'\n");
	assert_refused("mockproxy --verbose", "unknown option '--verbose'");
	assert_refused("mockproxy record", "CMD is missing");
	assert_refused("mockproxy record --", "CMD is missing");
	assert_refused("mockproxy replay f.db", "CMD is missing");
	assert_refused("mockproxy replay f.db psql -- x",
		       "'psql' is one word too many: put -- in front");
	assert_refused("mockproxy record --exlude a x", "'--exlude'; did you mean --exclude?");
	assert_refused("mockproxy record --work=3 x", "'--work'; did you mean --workers?");
	assert_refused("mockproxy record --only-hosts a x", "'--only-hosts'; did you mean --only?");
	assert_refused("mockproxy record --zzzzzzzz a x", "unknown option '--zzzzzzzz'\n");
	assert_refused("mockproxy record -x a", "unknown option '-x'");
	assert_refused("mockproxy record -qo a b", "unknown option '-qo'");
	assert_refused("mockproxy record --repeat last x", "--repeat belongs to replay");
	assert_refused("mockproxy replay -o f -- x", "--output belongs to record");
	assert_refused("mockproxy record --json=yes x", "--json takes no value");
	assert_refused("mockproxy record -o", "--output needs FILE after it");
	assert_refused("mockproxy record --version x", "unknown option '--version'");
	assert_refused("mockproxy record --=3 x", "unknown option '--'");
	assert_refused("mockproxy doctor now", "'now' is one word too many\n");
	assert_refused("mockproxy help recrd", "did you mean record?");
	assert_refused("mockproxy record --exlude a x", "Try 'mockproxy record --help'.");
}

static void test_help(void **state)
{
	static const char *const words[] = {
		"mockproxy --help",
		"mockproxy -h",
		"mockproxy help",
		"mockproxy help replay",
		"mockproxy replay --help",
		"mockproxy replay -h",
		"mockproxy replay f.db --help -- x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct line *line = parse(words[i]);

		assert_int_equal(line->cli.action, CLI_PRINT);
		assert_int_equal(line->cli.status, 0);
		assert_true(text_has(line, "usage: mockproxy"));
		assert_true(text_has(line, "--repeat") == (i >= 3));
		assert_false(text_has(line, "--stage"));
		assert_false(line->cli.text.overflowed);
		done(line);
	}
	/* CMD's --help is CMD's. */
	struct line *line = parse("mockproxy record psql --help");

	assert_int_equal(line->cli.action, CLI_LAUNCH);
	done(line);
	line = parse("mockproxy --version");
	assert_int_equal(line->cli.status, 0);
	assert_true(text_has(line, "mockproxy " MOCKPROXY_VERSION "\n"));
	done(line);
}

/* As wide as the sources: readable in any window. */
static void test_help_width(void **state)
{
	static const char *const words[] = { "mockproxy help", "mockproxy help record",
					     "mockproxy help replay", "mockproxy help trace",
					     "mockproxy help doctor" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct line *line = parse(words[i]);
		size_t column = 0;

		for (size_t j = 0; j < line->cli.text.size; j++) {
			column = line->cli.text.data[j] == '\n' ? 0 : column + 1;
			if (column > 100)
				fail_msg("%s: a line of more than 100 columns", words[i]);
		}
		done(line);
	}
}

/* An option that leaves no room for its text beside it has it below. */
static void test_help_long_option(void **state)
{
	struct line *line = parse("mockproxy help record");

	(void)state;
	assert_true(text_has(line, "--listen PORT=HOST:PORT\n                             listen"));
	done(line);
}

static void test_doctor(void **state)
{
	struct line *line = parse("mockproxy doctor --json --");

	(void)state;
	assert_int_equal(line->cli.action, CLI_DOCTOR);
	assert_true(line->cli.options.json);
	done(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_defaults), cmocka_unit_test(test_record_every_option),
		cmocka_unit_test(test_replay),		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_sizes),		cmocka_unit_test(test_values_refused),
		cmocka_unit_test(test_usage_errors),	cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_width),	cmocka_unit_test(test_help_long_option),
		cmocka_unit_test(test_doctor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
