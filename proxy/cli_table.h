/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line knows: its commands and its options, as tables. The parser (cli.c), the help
 * (cli_help.c) and the suggestions all read these, so that a new option is one row.
 */
#ifndef MOCKPROXY_CLI_TABLE_H
#define MOCKPROXY_CLI_TABLE_H

#include "parsers/buffer.h"
#include "proxy/cli.h"

/* The commands, as bits: which of them take an option. */
enum cli_command_bit {
	CLI_RECORD = 1 << 0,
	CLI_REPLAY = 1 << 1,
	CLI_TRACE = 1 << 2,
	CLI_CHECK = 1 << 3, /* doctor */
};
#define CLI_RUNS (CLI_RECORD | CLI_REPLAY | CLI_TRACE) /* those that run an app */

struct cli_command {
	const char *name;
	unsigned int bit;
	const char *synopsis;
	const char *summary;
	const char *details; /* for its own --help */
};

struct cli_option {
	const char *name;     /* without its dashes */
	char letter;	      /* 0: none */
	const char *argument; /* its name in the help; NULL: takes none */
	unsigned int commands;
	/* Stores the value; NULL, or what was expected in its place. NULL itself: --help and --version, known to the parser. */
	const char *(*set)(struct cli *cli, const char *value);
	const char *help; /* NULL: not shown */
};

const struct cli_command *cli_commands(size_t *ret_count);
const struct cli_option *cli_options(size_t *ret_count);
const struct cli_command *cli_find_command(const char *name); /* NULL: there is none */

void cli_help_program(struct buffer *text);
void cli_help_command(const struct cli_command *command, struct buffer *text);

#endif
