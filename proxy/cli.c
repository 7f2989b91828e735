/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line's parser (design §12).
 *
 *	mockproxy COMMAND [OPTION...] [--] CMD [ARGUMENT...]	record, trace: the first word that is no option starts CMD
 *	mockproxy replay [FILE] [OPTION...] -- CMD [ARGUMENT...]
 *
 * An option's value is the next word or follows "="; a letter's value may follow it directly. Every error names
 * the wrong word, and the known word that is nearest to it.
 */
#include "parsers/compiler.h"
#include "proxy/cli_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 16384
#define DEFAULT_PATH "mocks.db"
#define DEFAULT_TIMEOUT 30
#define WORD_MAX 24 /* longer words are near to nothing */

struct parser {
	struct cli *cli;
	const struct cli_command *command;
	char *const *word; /* the next one; ends with NULL */
	const char *file;  /* replay: FILE, once seen */
};

PRINTF_LIKE(2, 3) static void say(struct buffer *text, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buffer_append_string(text, line);
}

/* Ends the parsing with a usage error whose text is in the buffer. */
static bool refuse(struct parser *parser)
{
	struct cli *cli = parser->cli;
	const char *name = parser->command ? parser->command->name : "";

	say(&cli->text, "\nTry 'mockproxy %s%s--help'.\n", name, *name ? " " : "");
	cli->action = CLI_PRINT;
	cli->status = 2;
	return false;
}

static void begin_error(struct parser *parser)
{
	buffer_clear(&parser->cli->text);
	if (parser->command)
		say(&parser->cli->text, "mockproxy %s: ", parser->command->name);
	else
		say(&parser->cli->text, "mockproxy: ");
}

/* Levenshtein's distance, of words up to WORD_MAX. */
static size_t word_distance(const char *a, size_t a_size, const char *b)
{
	size_t b_size = strlen(b);
	size_t row[WORD_MAX + 1];

	if (a_size > WORD_MAX || b_size > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t changed = diagonal + (a[i - 1] != b[j - 1]);
			size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = changed < shorter ? changed : shorter;
		}
	}
	return row[b_size];
}

/* Whether `word` is probably `known`, better than what was found before. */
static bool is_nearer(const char *word, size_t size, const char *known, size_t *best)
{
	size_t distance = word_distance(word, size, known);

	/* "--only-host" for "--only" is an intent too. */
	if (size >= 3 &&
	    (strncmp(known, word, size) == 0 || (strlen(known) >= 3 && size > strlen(known) &&
						 strncmp(known, word, strlen(known)) == 0)))
		distance = 1;
	if (distance >= *best || distance > 1 + size / 3)
		return false;
	*best = distance;
	return true;
}

static bool refuse_option(struct parser *parser, const char *word, size_t name_size)
{
	const struct cli_option *nearest = NULL;
	size_t best = WORD_MAX;
	size_t count;
	const struct cli_option *option = cli_options(&count);
	struct buffer *text = &parser->cli->text;
	const char *name = word[1] == '-' ? word + 2 : word + 1;

	begin_error(parser);
	say(text, "unknown option '%.*s'",
	    (int)(name_size < 100 ? name_size : 100) + (int)(name - word), word);
	for (size_t i = 0; i < count; i++)
		if (option[i].help && (option[i].commands & parser->command->bit) &&
		    is_nearer(name, name_size, option[i].name, &best))
			nearest = &option[i];
	if (nearest)
		say(text, "; did you mean --%s?", nearest->name);
	return refuse(parser);
}

/* An option that exists, but for other commands. */
static bool refuse_elsewhere(struct parser *parser, const struct cli_option *option)
{
	struct buffer *text = &parser->cli->text;
	size_t count;
	const struct cli_command *command = cli_commands(&count);
	const char *between = " belongs to ";

	begin_error(parser);
	say(text, "--%s", option->name);
	for (size_t i = 0; i < count; i++) {
		if (option->commands & command[i].bit) {
			say(text, "%s%s", between, command[i].name);
			between = " and ";
		}
	}
	return refuse(parser);
}

static bool refuse_command(struct parser *parser, const char *word)
{
	const struct cli_command *nearest = NULL;
	size_t best = WORD_MAX;
	size_t count;
	const struct cli_command *command = cli_commands(&count);

	begin_error(parser);
	say(&parser->cli->text, "unknown %s '%.100s'", word[0] == '-' ? "option" : "command", word);
	for (size_t i = 0; i < count; i++)
		if (is_nearer(word, strlen(word), command[i].name, &best))
			nearest = &command[i];
	if (nearest)
		say(&parser->cli->text, "; did you mean %s?", nearest->name);
	return refuse(parser);
}

/* By its long name (of `size` bytes) or, where size is 0, by its letter. NULL: there is none. */
static const struct cli_option *find_option(const char *name, size_t size)
{
	size_t count;
	const struct cli_option *option = cli_options(&count);

	for (size_t i = 0; i < count; i++) {
		if (size == 0 && option[i].letter && option[i].letter == name[0])
			return &option[i];
		if (size > 0 && strlen(option[i].name) == size &&
		    memcmp(option[i].name, name, size) == 0)
			return &option[i];
	}
	return NULL;
}

static bool print_help(struct parser *parser)
{
	struct cli *cli = parser->cli;

	buffer_clear(&cli->text);
	cli->action = CLI_PRINT;
	cli->status = 0;
	if (parser->command)
		cli_help_command(parser->command, &cli->text);
	else
		cli_help_program(&cli->text);
	return false;
}

static bool apply_option(struct parser *parser, const struct cli_option *option,
			 const char *attached)
{
	struct buffer *text = &parser->cli->text;
	const char *value = attached;
	const char *expected;

	if (!(option->commands & parser->command->bit))
		return refuse_elsewhere(parser, option);
	if (!option->set)
		return print_help(parser);
	if (option->argument && !value)
		value = *parser->word ? *parser->word++ : NULL;
	if (option->argument && !value) {
		begin_error(parser);
		say(text, "--%s needs %s after it", option->name, option->argument);
		return refuse(parser);
	}
	if (!option->argument && value) {
		begin_error(parser);
		say(text, "--%s takes no value, but was given '%.100s'", option->name, value);
		return refuse(parser);
	}
	expected = option->set(parser->cli, value);
	if (!expected)
		return true;
	begin_error(parser);
	say(text, "--%s '%.100s': expected %s", option->name, value, expected);
	return refuse(parser);
}

/* One word that starts with '-'; false when parsing ends here. */
static bool parse_option(struct parser *parser)
{
	const char *word = *parser->word++;
	const struct cli_option *option;
	const char *equals;
	size_t size;

	if (word[1] != '-') {
		option = find_option(word + 1, 0);
		if (!option)
			return refuse_option(parser, word, strlen(word + 1));
		if (!word[2])
			return apply_option(parser, option, NULL);
		if (!option->argument) /* "-qx" */
			return refuse_option(parser, word, strlen(word + 1));
		return apply_option(parser, option, word + 2);
	}
	equals = strchr(word, '=');
	size = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	option = size > 0 ? find_option(word + 2, size) : NULL;
	if (!option || !option->commands)
		return refuse_option(parser, word, size);
	return apply_option(parser, option, equals ? equals + 1 : NULL);
}

/* A word in front of "--" that is no option: replay's FILE, the start of CMD, or one too many. */
static bool parse_operand(struct parser *parser, bool *ret_command_starts)
{
	const char *word = *parser->word;

	*ret_command_starts = false;
	if (parser->command->bit & (CLI_RECORD | CLI_TRACE)) {
		*ret_command_starts = true;
		return true;
	}
	parser->word++;
	if (parser->command->bit == CLI_REPLAY && !parser->file) {
		parser->file = word;
		return true;
	}
	begin_error(parser);
	say(&parser->cli->text, "'%.100s' is one word too many%s", word,
	    parser->file ? ": put -- in front of CMD" : "");
	return refuse(parser);
}

static bool finish(struct parser *parser)
{
	struct cli *cli = parser->cli;
	struct options *options = &cli->options;

	cli->action = parser->command->bit == CLI_CHECK ? CLI_DOCTOR : CLI_LAUNCH;
	if (cli->action == CLI_DOCTOR)
		return true;
	if (!*parser->word) {
		begin_error(parser);
		say(&cli->text, "CMD is missing: mockproxy %s %s", parser->command->name,
		    parser->command->synopsis);
		return refuse(parser);
	}
	options->command = parser->word;
	if (options->n_listens > 0 && options->n_only + options->n_exclude > 0) {
		begin_error(parser);
		say(&cli->text, "--only and --exclude choose what is redirected, and --listen "
				"redirects nothing");
		return refuse(parser);
	}
	if (parser->file)
		options->path = parser->file;
	return true;
}

/* The words after the command's own. */
static bool parse_words(struct parser *parser)
{
	bool command_starts = false;

	while (*parser->word && !command_starts) {
		const char *word = *parser->word;
		bool ok;

		if (strcmp(word, "--") == 0) {
			parser->word++;
			if (parser->command->bit != CLI_CHECK)
				break;
			continue;
		}
		ok = word[0] == '-' && word[1] ? parse_option(parser) :
						 parse_operand(parser, &command_starts);
		if (!ok)
			return false;
	}
	return finish(parser);
}

static bool parse_help_topic(struct parser *parser)
{
	if (*parser->word) {
		parser->command = cli_find_command(*parser->word);
		if (!parser->command)
			return refuse_command(parser, *parser->word);
	}
	return print_help(parser);
}

static bool parse_version(struct parser *parser)
{
	parser->cli->action = CLI_PRINT;
	say(&parser->cli->text, "mockproxy %s\n", MOCKPROXY_VERSION);
	return false;
}

void cli_parse(int argc, char *const argv[], struct cli *ret_cli)
{
	struct parser parser = { .cli = ret_cli, .word = argv + (argc > 0) };
	const char *first = *parser.word;

	*ret_cli = (struct cli){ .action = CLI_PRINT };
	buffer_init(&ret_cli->text, TEXT_MAX);
	arena_init(&ret_cli->arena);
	ret_cli->options = (struct options){
		.path = DEFAULT_PATH,
		.connect_timeout_s = DEFAULT_TIMEOUT,
		.overwrite = true,
	};
	if (!first) {
		cli_help_program(&ret_cli->text);
		ret_cli->status = 2;
		return;
	}
	parser.word++;
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
	    strcmp(first, "help") == 0) {
		parse_help_topic(&parser);
		return;
	}
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
		parse_version(&parser);
		return;
	}
	parser.command = cli_find_command(first);
	if (!parser.command) {
		refuse_command(&parser, first);
		return;
	}
	if (parser.command->bit == CLI_REPLAY)
		ret_cli->options.mode = MODE_REPLAY;
	else if (parser.command->bit == CLI_TRACE)
		ret_cli->options.mode = MODE_TRACE;
	parse_words(&parser);
}

void cli_release(struct cli *cli)
{
	buffer_release(&cli->text);
	arena_release(&cli->arena);
}
