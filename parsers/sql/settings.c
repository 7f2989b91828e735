/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings with an undo log; see settings.h. PostgreSQL 16 documentation, SET and ROLLBACK TO
 * SAVEPOINT.
 *
 * Invariants: undos are in the order of the changes; between two marks each setting has at most one
 * undo, so their number is at most SETTINGS_MAX * (SETTING_MARKS_MAX + 1); undoing from the newest
 * to a mark gives the state at the mark.
 */
#include "parsers/sql/settings.h"

#include <stdlib.h>

static struct setting_value value_of(struct slice slice)
{
	struct setting_value value = { .set = true };

	if (!slice.data)
		return value;
	value.size = slice.size < SETTING_BYTES_MAX ? slice.size : SETTING_BYTES_MAX;
	value.data = malloc(value.size + 1);
	if (!value.data)
		abort();
	memcpy(value.data, slice.data, value.size);
	return value;
}

static struct slice slice_of_value(const struct setting_value *value)
{
	return slice_of(value->data, value->size);
}

static void clear(struct setting_value *value)
{
	free(value->data);
	*value = (struct setting_value){ 0 };
}

static struct setting_value copy(const struct setting_value *value)
{
	return value->set ? value_of(slice_of_value(value)) : (struct setting_value){ 0 };
}

static void replace(struct setting_value *value, struct setting_value with)
{
	clear(value);
	*value = with;
}

static void *grow(void *array, size_t *capacity, size_t n, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 8;
	array = realloc(array, *capacity * size);
	if (!array)
		abort();
	return array;
}

static void drop_undos(struct settings *settings, size_t from)
{
	for (size_t i = from; i < settings->n_undos; i++) {
		clear(&settings->undos[i].session);
		clear(&settings->undos[i].local);
	}
	settings->n_undos = from;
}

static void drop_marks(struct settings *settings, size_t from)
{
	for (size_t i = from; i < settings->n_marks; i++)
		clear(&settings->marks[i].name);
	settings->n_marks = from;
}

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		clear(&settings->settings[i].name);
		clear(&settings->settings[i].startup);
		clear(&settings->settings[i].session);
		clear(&settings->settings[i].local);
	}
	drop_undos(settings, 0);
	drop_marks(settings, 0);
	free(settings->settings);
	free(settings->undos);
	free(settings->marks);
	*settings = (struct settings){ 0 };
}

/* Its index, or settings->n. */
static size_t find(const struct settings *settings, struct slice name)
{
	size_t i = 0;

	while (i < settings->n &&
	       !slice_equal_nocase(slice_of_value(&settings->settings[i].name), name))
		i++;
	return i;
}

static bool is_identity(struct slice name)
{
	return slice_equal_nocase(name, SLICE("search_path")) ||
	       slice_equal_nocase(name, SLICE("role")) ||
	       slice_equal_nocase(name, SLICE("session_authorization")) ||
	       slice_equal_nocase(name, SLICE("standard_conforming_strings")) ||
	       slice_equal_nocase(name, SLICE("autocommit")) ||
	       slice_equal_nocase(name, SLICE("character_set_client")) ||
	       slice_equal_nocase(name, SLICE("sql_mode")) ||
	       slice_equal_nocase(name, SLICE("transaction_isolation"));
}

/* The last four places are kept for those that are identity or change the lexer: a dialect has no more of them. */
static struct setting *find_or_add(struct settings *settings, struct slice name)
{
	size_t i = find(settings, name);

	if (i < settings->n)
		return &settings->settings[i];
	if (settings->n >= SETTINGS_MAX - (is_identity(name) ? 0 : 4))
		return NULL;
	settings->settings = grow(settings->settings, &settings->capacity, settings->n,
				  sizeof(*settings->settings));
	settings->settings[settings->n] = (struct setting){ .name = value_of(name) };
	return &settings->settings[settings->n++];
}

/* Remembers the setting as it is, once for each mark. */
static void remember(struct settings *settings, struct setting *setting)
{
	struct setting_undo *undo;

	if (!settings->n_marks || setting->last_undo > settings->marks[settings->n_marks - 1].undo)
		return;
	settings->undos = grow(settings->undos, &settings->undos_capacity, settings->n_undos,
			       sizeof(*settings->undos));
	undo = &settings->undos[settings->n_undos++];
	undo->setting = (size_t)(setting - settings->settings);
	undo->previous = setting->last_undo;
	undo->session = copy(&setting->session);
	undo->local = copy(&setting->local);
	setting->last_undo = settings->n_undos;
}

static void change(struct settings *settings, struct setting *setting, enum setting_scope scope,
		   struct slice value)
{
	remember(settings, setting);
	settings->changes++;
	if (scope == SETTING_LOCAL) {
		replace(&setting->local, value_of(value));
		return;
	}
	clear(&setting->local);
	replace(&setting->session, value.data ? value_of(value) : (struct setting_value){ 0 });
}

void settings_set(struct settings *settings, enum setting_scope scope, struct slice name,
		  struct slice value)
{
	struct setting *setting = find_or_add(settings, name);

	if (!setting)
		return;
	if (scope != SETTING_STARTUP) {
		change(settings, setting, scope, value);
		return;
	}
	settings->changes++;
	replace(&setting->startup, value_of(value));
}

void settings_reset_all(struct settings *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		struct setting *setting = &settings->settings[i];
		struct slice name = slice_of_value(&setting->name);

		if (slice_equal_nocase(name, SLICE("role")) ||
		    slice_equal_nocase(name, SLICE("session_authorization")))
			continue;
		if (setting->session.set || setting->local.set)
			change(settings, setting, SETTING_SESSION, slice_of(NULL, 0));
	}
}

void settings_doubt_own(struct settings *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		struct setting *setting = &settings->settings[i];

		if (memchr(setting->name.data, '.', setting->name.size) &&
		    (setting->session.set || setting->local.set))
			change(settings, setting, SETTING_SESSION, slice_of(NULL, 0));
	}
}

struct slice settings_get(const struct settings *settings, struct slice name)
{
	size_t i = find(settings, name);
	const struct setting *setting;

	if (i == settings->n)
		return slice_of(NULL, 0);
	setting = &settings->settings[i];
	if (setting->local.set && setting->local.data)
		return slice_of_value(&setting->local);
	if (setting->session.set && !setting->local.set)
		return slice_of_value(&setting->session);
	return slice_of_value(&setting->startup);
}

static void add_mark(struct settings *settings, struct setting_value name)
{
	settings->marks = grow(settings->marks, &settings->marks_capacity, settings->n_marks,
			       sizeof(*settings->marks));
	settings->marks[settings->n_marks++] =
		(struct setting_mark){ .name = name, .undo = settings->n_undos };
}

void settings_begin(struct settings *settings)
{
	if (!settings->n_marks)
		add_mark(settings, (struct setting_value){ 0 });
}

static void undo_to(struct settings *settings, size_t from)
{
	while (settings->n_undos > from) {
		struct setting_undo *undo = &settings->undos[--settings->n_undos];
		struct setting *setting = &settings->settings[undo->setting];

		settings->changes++;
		replace(&setting->session, undo->session);
		replace(&setting->local, undo->local);
		setting->last_undo = undo->previous;
	}
}

void settings_commit(struct settings *settings)
{
	drop_undos(settings, 0);
	drop_marks(settings, 0);
	for (size_t i = 0; i < settings->n; i++) {
		settings->changes += settings->settings[i].local.set;
		clear(&settings->settings[i].local);
		settings->settings[i].last_undo = 0;
	}
}

void settings_rollback(struct settings *settings)
{
	undo_to(settings, 0);
	settings_commit(settings);
}

void settings_savepoint(struct settings *settings, struct slice name)
{
	if (settings->n_marks && settings->n_marks < SETTING_MARKS_MAX)
		add_mark(settings, value_of(name));
}

/* The newest savepoint of that name; 0, which is the transaction, when there is none. */
static size_t find_mark(const struct settings *settings, struct slice name)
{
	size_t mark = settings->n_marks;

	while (mark > 1 && !slice_equal(slice_of_value(&settings->marks[mark - 1].name), name))
		mark--;
	return mark ? mark - 1 : 0;
}

void settings_release_savepoint(struct settings *settings, struct slice name)
{
	size_t mark = find_mark(settings, name);
	size_t outer, kept;

	if (!mark)
		return;
	kept = settings->marks[mark].undo;
	outer = settings->marks[mark - 1].undo;
	drop_marks(settings, mark);
	/* What the outer mark remembers already is older, and so is what it has to go back to. */
	for (size_t i = kept; i < settings->n_undos; i++) {
		struct setting_undo *undo = &settings->undos[i];
		struct setting *setting = &settings->settings[undo->setting];

		if (undo->previous > outer) {
			setting->last_undo = undo->previous;
			clear(&undo->session);
			clear(&undo->local);
			continue;
		}
		settings->undos[kept++] = *undo;
		setting->last_undo = kept;
	}
	settings->n_undos = kept;
}

void settings_rollback_to(struct settings *settings, struct slice name)
{
	size_t mark = find_mark(settings, name);

	if (!mark)
		return;
	undo_to(settings, settings->marks[mark].undo);
	drop_marks(settings, mark + 1);
}
