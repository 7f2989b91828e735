/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A direct-mapped cache of canonical forms; see templates.h. Invariants: `bytes` is what all kept
 * entries hold, at most BYTES_MAX and one entry more; an entry's template borrows from its own
 * arena alone.
 */
#include "store/templates.h"

#include "parsers/sql/forms.h"

#include <stdlib.h>
#include <xxhash.h>

#define SLOTS ((size_t)4096)
#define TEXT_MAX ((size_t)64 * 1024)
#define BYTES_MAX ((size_t)16 * 1024 * 1024)

struct entry {
	uint64_t seen; /* hash of the text that was last asked for here */
	bool kept;
	struct sql_options options;
	struct slice text;
	struct template template;
	struct arena arena;
};

struct templates {
	struct entry entries[SLOTS];
	uint64_t kept; /* how many were, ever */
	size_t bytes;
	struct sql_forms *forms; /* owned */
};

struct templates *templates_new(void)
{
	struct templates *templates = calloc(1, sizeof(*templates));

	if (!templates)
		abort();
	templates->forms = sql_forms_new();
	return templates;
}

static void entry_drop(struct templates *templates, struct entry *entry)
{
	templates->bytes -= entry->arena.allocated;
	arena_release(&entry->arena);
	entry->kept = false;
}

void templates_free(struct templates *templates)
{
	if (!templates)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		entry_drop(templates, &templates->entries[i]);
	sql_forms_free(templates->forms);
	free(templates);
}

static struct template make(struct templates *templates, const struct sql_options *options,
			    struct slice text, struct arena *arena)
{
	struct template template;

	/* Forms have even numbers, entries odd ones. */
	template.number = 2 * sql_forms_canonicalize(templates->forms, options, text, arena,
						     &template.statement);
	template.masked = text;
	if (template.statement.has_secret)
		template.masked = sql_mask(&template.statement, text, arena);
	return template;
}

struct template templates_get(struct templates *templates, const struct sql_options *options,
			      struct slice text, struct arena *arena)
{
	uint64_t hash = XXH3_64bits(text.data, text.size);
	struct entry *entry = &templates->entries[hash & (SLOTS - 1)];

	if (entry->kept && slice_equal(entry->text, text) &&
	    sql_options_equal(&entry->options, options))
		return entry->template;
	if (entry->seen != hash || text.size > TEXT_MAX) {
		entry->seen = hash;
		return make(templates, options, text, arena);
	}
	entry_drop(templates, entry);
	if (templates->bytes > BYTES_MAX)
		return make(templates, options, text, arena);
	entry->text = arena_copy(&entry->arena, text);
	entry->options = *options;
	entry->template = make(templates, options, entry->text, &entry->arena);
	entry->template.number = 2 * templates->kept++ + 1;
	entry->kept = true;
	templates->bytes += entry->arena.allocated;
	return entry->template;
}
