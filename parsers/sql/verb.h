/* SPDX-License-Identifier: Apache-2.0 */
/* Verb: what kind of statement it is, found out while its words pass. */
#ifndef MOCKPROXY_SQL_VERB_H
#define MOCKPROXY_SQL_VERB_H

#include "parsers/sql/canonical.h"
#include "parsers/sql/words.h"

struct sql_verb_state {
	bool mysql;
	uint8_t verb;  /* enum sql_verb */
	uint8_t first; /* enum sql_word: the one that decided; WORD_NONE: none came yet */
	bool any;      /* a word came */
	bool explain;  /* EXPLAIN came, and what it explains did not */
	bool analyze;
	bool second; /* the next word is the second */
};

/* A word passed: how deep in parentheses, and whether a parenthesis stands before it. */
void sql_verb_see(struct sql_verb_state *state, enum sql_word word, size_t depth,
		  bool behind_parenthesis);

#endif
