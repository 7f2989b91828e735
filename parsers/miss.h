/* SPDX-License-Identifier: Apache-2.0 */
/* Miss: the words that a replayer finds for a request that was not recorded, as every protocol has room for them. */
#ifndef MOCKPROXY_MISS_H
#define MOCKPROXY_MISS_H

#include "parsers/answers.h"

struct miss_form {
	const char *separator; /* between the parts */
	size_t most;	       /* bytes of each */
};

/* In one sentence what is the matter. */
struct slice miss_what(const struct answer *answer);
/* "Asked: ...", without its secrets, "Nearest recorded: ...", "Difference: ...". */
void miss_explain(struct buffer *text, const struct sql_options *options, struct slice asked,
		  const struct answer *answer, const struct miss_form *form);

#endif
