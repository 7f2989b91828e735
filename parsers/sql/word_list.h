/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables of words are made of: one list for each first letter, so that a look-up compares
 * sizes before it compares bytes. Only words*.c include this.
 */
#ifndef MOCKPROXY_SQL_WORD_LIST_H
#define MOCKPROXY_SQL_WORD_LIST_H

#include "parsers/compiler.h"
#include "parsers/sql/words.h"

struct word {
	const char *text;
	uint8_t size;
	uint8_t word;
	uint8_t flags;
};

struct word_list {
	const struct word *words;
	size_t n;
};

#define WORD_TEXT(literal) literal, sizeof(literal) - 1
#define LIST(letter, index_letter) \
	[index_letter - 'a'] = { letter##_words, ARRAY_SIZE(letter##_words) }

static inline struct sql_word_info word_find(const struct word_list lists[26], struct slice lower)
{
	const struct word *words;
	unsigned int letter;

	if (!lower.size || lower.data[0] < 'a' || lower.data[0] > 'z')
		return (struct sql_word_info){ WORD_NONE, 0 };
	letter = lower.data[0] - 'a';
	words = lists[letter].words;
	for (size_t i = 0; i < lists[letter].n; i++) {
		if (words[i].size == lower.size &&
		    memcmp(words[i].text, lower.data, lower.size) == 0)
			return (struct sql_word_info){ words[i].word, words[i].flags };
	}
	return (struct sql_word_info){ WORD_NONE, 0 };
}

#endif
