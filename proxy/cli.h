/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line (design §12): words in, one const struct options out. Reads nothing but its
 * arguments and prints nothing: what there is to say lies in `text`, for main() to print.
 */
#ifndef MOCKPROXY_CLI_H
#define MOCKPROXY_CLI_H

#include "parsers/arena.h"
#include "parsers/buffer.h"
#include "proxy/options.h"

enum cli_action {
	CLI_PRINT,  /* print `text` and exit with `status` */
	CLI_LAUNCH, /* record, replay or trace, as `options` says */
	CLI_DOCTOR, /* options.json only */
};

struct cli {
	enum cli_action action;
	int status;	    /* 0: text is a result, for stdout; 2: a usage error, for stderr */
	struct buffer text; /* ends with a newline */
	struct options options;
	struct arena arena; /* of the lists and names in options */
};

/* `argv` ends with NULL, and is borrowed by options: it lives as long as the cli. Cannot fail: errors are text. */
void cli_parse(int argc, char *const argv[], struct cli *ret_cli);
void cli_release(struct cli *cli);

#endif
