/* SPDX-License-Identifier: Apache-2.0 */
/* See sessions.h. Few recordings have such statements, so that most look-ups end at once. */
#include "store/sessions.h"

#include "store/database.h"

#include <stdlib.h>

static uint32_t zone_number(struct sessions *sessions, struct slice name)
{
	uint32_t *known;

	if (!name.data)
		return 0;
	known = intern_find(&sessions->zones, name);
	if (!known) {
		known = intern_add(&sessions->zones, name, sizeof(*known));
		*known = ++sessions->n_zones;
	}
	return *known;
}

int sessions_load(struct sessions *sessions, struct endpoints *endpoints, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	size_t capacity = 0;
	struct slice user;
	int rc = sqlite3_prepare_v2(
		database,
		"SELECT s.id, c.user, c.time_zone FROM statement s JOIN context c ON "
		"c.id = s.context WHERE coalesce(c.user, c.time_zone) IS NOT NULL ORDER BY s.id",
		-1, &sql, NULL);

	intern_init(&sessions->zones, SIZE_MAX);
	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		if (sessions->n == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			sessions->statements = realloc(sessions->statements,
						       capacity * sizeof(*sessions->statements));
			if (!sessions->statements)
				abort();
		}
		user = database_column(sql, 1);
		sessions->statements[sessions->n++] = (struct session_statement){
			.id = sqlite3_column_int64(sql, 0),
			.login = user.size ? endpoints_add_user(endpoints, user) : 0,
			.zone = zone_number(sessions, database_column(sql, 2)),
		};
	}
	return sqlite3_finalize(sql);
}

void sessions_release(struct sessions *sessions)
{
	intern_release(&sessions->zones);
	free(sessions->statements);
	*sessions = (struct sessions){ 0 };
}

uint32_t sessions_zone(const struct sessions *sessions, struct slice name)
{
	const uint32_t *known = name.data ? intern_find(&sessions->zones, name) : NULL;

	return known ? *known : 0;
}

uint32_t sessions_tag(uint32_t login, uint32_t zone)
{
	return login ^ zone << 16;
}

uint32_t sessions_of(const struct sessions *sessions, int64_t statement, uint32_t login)
{
	size_t low = 0;
	size_t high = sessions->n;
	const struct session_statement *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sessions->statements[middle].id < statement)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sessions->n || sessions->statements[low].id != statement)
		return login;
	found = &sessions->statements[low];
	return sessions_tag(found->login ? found->login : login, found->zone);
}
