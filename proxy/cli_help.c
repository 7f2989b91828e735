/* SPDX-License-Identifier: Apache-2.0 */
/* The --help texts, made from the tables. */
#include "proxy/cli_table.h"

#include <string.h>

#define HELP_COLUMN 29

static void pad(struct buffer *text, size_t from, size_t column)
{
	for (size_t i = from; i < column; i++)
		buffer_append_u8(text, ' ');
}

/* "  -o, --output FILE          the recording to write", and further lines under its text. */
static void append_option(const struct cli_option *option, struct buffer *text)
{
	size_t start = text->size;
	const char *line = option->help;

	buffer_append_string(text, "  ");
	if (option->letter) {
		buffer_append_u8(text, '-');
		buffer_append_u8(text, (uint8_t)option->letter);
		buffer_append_string(text, ", ");
	} else {
		buffer_append_string(text, "    ");
	}
	buffer_append_string(text, "--");
	buffer_append_string(text, option->name);
	if (option->argument) {
		buffer_append_u8(text, ' ');
		buffer_append_string(text, option->argument);
	}
	if (text->size - start >= HELP_COLUMN) { /* no room beside it: its text begins below */
		buffer_append_u8(text, '\n');
		start = text->size;
	}
	for (bool first = true; *line; first = false) {
		size_t size = strcspn(line, "\n");

		pad(text, first ? text->size - start : 0, HELP_COLUMN);
		buffer_append(text, line, size);
		buffer_append_u8(text, '\n');
		line += line[size] ? size + 1 : size;
	}
}

void cli_help_command(const struct cli_command *command, struct buffer *text)
{
	size_t count;
	const struct cli_option *option = cli_options(&count);

	buffer_append_string(text, "usage: mockproxy ");
	buffer_append_string(text, command->name);
	buffer_append_u8(text, ' ');
	buffer_append_string(text, command->synopsis);
	buffer_append_string(text, "\n\n");
	buffer_append_string(text, command->details);
	buffer_append_string(text, "\nOptions:\n");
	for (size_t i = 0; i < count; i++)
		if (option[i].help && (option[i].commands & command->bit))
			append_option(&option[i], text);
	if (command->bit & CLI_RUNS)
		buffer_append_string(text,
				     "\nExit status: that of CMD when it is not 0 (128+n for a "
				     "signal), else 3 for\n"
				     "misses or an incomplete recording. Before CMD runs: 2 usage, "
				     "125 failure of\n"
				     "mockproxy, 126 CMD cannot be executed, 127 CMD not found.\n");
}

void cli_help_program(struct buffer *text)
{
	size_t count;
	const struct cli_command *command = cli_commands(&count);

	buffer_append_string(text,
			     "usage: mockproxy COMMAND [OPTION...] [-- CMD [ARGUMENT...]]\n\n"
			     "Records what a program asks its databases and HTTP servers, and "
			     "answers it from the\nrecording.\n\nCommands:\n");
	for (size_t i = 0; i < count; i++) {
		size_t start = text->size;

		buffer_append_string(text, "  ");
		buffer_append_string(text, command[i].name);
		pad(text, text->size - start, 12);
		buffer_append_string(text, command[i].summary);
		buffer_append_u8(text, '\n');
	}
	buffer_append_string(text,
			     "  help        say more about a command: mockproxy help COMMAND\n"
			     "\nOptions:\n"
			     "  -h, --help     this text\n"
			     "  -V, --version  the version\n"
			     "\nExamples:\n"
			     "  mockproxy record -o mocks.db -- psql -h db.example -c 'select 1'\n"
			     "  mockproxy replay mocks.db -- psql -h db.example -c 'select 1'\n"
			     "\nSee mockproxy(1).\n");
}
