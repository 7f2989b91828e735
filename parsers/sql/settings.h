/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: a session's variables with PostgreSQL's transaction rules: a value for the session, one
 * that ends with the transaction (LOCAL), the startup's, and what to go back to at ROLLBACK and
 * ROLLBACK TO.
 *
 * Bounded: SETTINGS_MAX names, values of SETTING_BYTES_MAX, SETTING_MARKS_MAX savepoints. What is
 * beyond is not kept, but for search_path, role and session_authorization, which always have a
 * place.
 */
#ifndef MOCKPROXY_SQL_SETTINGS_H
#define MOCKPROXY_SQL_SETTINGS_H

#include "parsers/slice.h"

#define SETTINGS_MAX 128
#define SETTING_BYTES_MAX 65536
#define SETTING_MARKS_MAX 16384

struct setting_value {
	bool set;
	uint8_t *data; /* NULL with `set`: back to the startup's value until the transaction ends */
	size_t size;
};

struct setting {
	struct setting_value name;
	struct setting_value startup;
	struct setting_value session;
	struct setting_value local;
	size_t last_undo; /* one more than the index of its newest undo; 0: none */
};

struct setting_undo {
	size_t setting;
	size_t previous; /* last_undo of before */
	struct setting_value session;
	struct setting_value local;
};

/* Where a transaction or a savepoint began. */
struct setting_mark {
	struct setting_value name; /* not set: the transaction */
	size_t undo;		   /* how many undos there were */
};

struct settings {
	struct setting *settings;
	size_t n;
	size_t capacity;
	struct setting_undo *undos;
	size_t n_undos;
	size_t undos_capacity;
	struct setting_mark *marks;
	size_t n_marks;
	size_t marks_capacity;
	uint64_t changes; /* goes up whenever a value may be another */
};

enum setting_scope { SETTING_STARTUP, SETTING_SESSION, SETTING_LOCAL };

void settings_release(struct settings *settings);

/* A value with data NULL: back to what the startup said. Names are compared without case. */
void settings_set(struct settings *settings, enum setting_scope scope, struct slice name,
		  struct slice value);
/* RESET ALL: all but those that it leaves alone. */
void settings_reset_all(struct settings *settings);
/* A library that was loaded judges the values that were given to its settings, whose names have a dot: what they are now is not known. */
void settings_doubt_own(struct settings *settings);
/* The value in force; data NULL: none was given. */
struct slice settings_get(const struct settings *settings, struct slice name);

/* A transaction begins; nothing happens when one is open. */
void settings_begin(struct settings *settings);
void settings_commit(struct settings *settings);
void settings_rollback(struct settings *settings);
void settings_savepoint(struct settings *settings, struct slice name);
void settings_release_savepoint(struct settings *settings, struct slice name);
void settings_rollback_to(struct settings *settings, struct slice name);

#endif
