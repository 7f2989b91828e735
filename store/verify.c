/* SPDX-License-Identifier: Apache-2.0 */
/* See verify.h. It is for tests, so that its statements are prepared when they are needed. */
#include "store/verify.h"

#include "parsers/protocol.h"
#include "store/database.h"
#include "store/matcher_state.h"
#include "store/recording_state.h"

/* What such an exchange lacks does not encode back. */
#define LACKING (EXCHANGE_COPY | EXCHANGE_NOT_DECODED | EXCHANGE_NOTICES_CUT)

static int keep(sqlite3 *database, const char *sql, int64_t exchange, const struct checksum *passed)
{
	sqlite3_stmt *statement = NULL;
	int rc = database_prepare(database, sql, &statement);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, exchange);
	sqlite3_bind_int64(statement, 2, (int64_t)passed->sum);
	sqlite3_bind_int64(statement, 3, (int64_t)passed->bytes);
	rc = database_run(statement);
	sqlite3_finalize(statement);
	return rc;
}

int verify_keep(sqlite3 *database, int64_t exchange, const struct checksum *passed)
{
	int rc = database_exec(database,
			       "CREATE TABLE IF NOT EXISTS passed (exchange INTEGER PRIMARY KEY, "
			       "checksum INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT");

	if (rc != SQLITE_OK)
		return rc;
	return keep(database, "INSERT INTO passed VALUES (?1, ?2, ?3)", exchange, passed);
}

/* False: there is none. */
static bool find(sqlite3 *database, int64_t exchange, struct checksum *ret_passed)
{
	sqlite3_stmt *statement = NULL;
	bool found = false;

	*ret_passed = (struct checksum){ 0 };
	if (database_prepare(database, "SELECT checksum, bytes FROM passed WHERE exchange = ?1",
			     &statement) != SQLITE_OK)
		return false; /* nothing is verified: there is no such table */
	sqlite3_bind_int64(statement, 1, exchange);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		ret_passed->sum = (uint64_t)sqlite3_column_int64(statement, 0);
		ret_passed->bytes = (uint64_t)sqlite3_column_int64(statement, 1);
		found = true;
	}
	sqlite3_finalize(statement);
	return found;
}

int verify_join(sqlite3 *database, int64_t to, int64_t from)
{
	struct checksum before, behind;
	int rc;

	if (!find(database, from, &behind) || !find(database, to, &before))
		return SQLITE_OK;
	checksum_join(&before, &behind);
	rc = keep(database, "UPDATE passed SET checksum = ?2, bytes = ?3 WHERE exchange = ?1", to,
		  &before);
	if (rc != SQLITE_OK)
		return rc;
	return keep(database, "DELETE FROM passed WHERE exchange = ?1 AND ?2 = ?2 AND ?3 = ?3",
		    from, &behind);
}

/* The exchange that `sql` stands on. */
static void verify(struct answers *answers, sqlite3_stmt *sql, struct verify_report *report)
{
	const struct protocol *protocol = protocol_by_name(database_column(sql, 3));
	struct answer answer = { .rung = RUNG_EXACT,
				 .exchange = (uint64_t)sqlite3_column_int64(sql, 0),
				 .kind = (uint8_t)sqlite3_column_int(sql, 4),
				 .outcome = (uint8_t)sqlite3_column_int(sql, 5),
				 .flags = (uint32_t)sqlite3_column_int64(sql, 6) };
	const struct checksum passed = { (uint64_t)sqlite3_column_int64(sql, 1),
					 (uint64_t)sqlite3_column_int64(sql, 2) };
	uint64_t differing = report->checked - report->equal;
	struct checksum stored;

	if (!protocol || !protocol->checksum)
		return;
	if (answer.flags & LACKING) {
		report->not_stored++;
		return;
	}
	report->checked++;
	if (protocol->checksum(answers, &answer, &stored) && checksum_equal(&stored, &passed))
		report->equal++;
	else if (differing < VERIFY_DIFFERING_MAX)
		report->differing[differing] = (int64_t)answer.exchange;
}

/* False: nothing was recorded that has a checksum. */
static bool has_checksums(sqlite3 *database)
{
	sqlite3_stmt *statement = NULL;
	int rc = database_prepare(database, "SELECT 1 FROM passed", &statement);

	sqlite3_finalize(statement);
	return rc == SQLITE_OK;
}

static int verify_all(struct matcher_reader *reader, struct verify_report *report)
{
	struct answers *answers = answers_new(reader, "postgres", SLICE(""), 0);
	sqlite3_stmt *sql = NULL;
	int rc = database_prepare(
		reader_database(reader->reader),
		"SELECT p.exchange, p.checksum, p.bytes, c.protocol, e.kind, e.outcome, "
		"e.flags FROM passed p JOIN exchange e ON e.id = p.exchange "
		"JOIN connection c ON c.id = e.connection ORDER BY 1",
		&sql);

	while (rc == SQLITE_OK && sqlite3_step(sql) == SQLITE_ROW)
		verify(answers, sql, report);
	if (sql)
		rc = sqlite3_finalize(sql);
	answers_free(answers);
	return rc;
}

int verify_recording(const char *path, struct verify_report *ret_report,
		     char ret_error[STORE_ERROR_BYTES])
{
	const struct recording_options options = { .path = path };
	struct recording *recording = NULL;
	struct matcher *matcher = NULL;
	struct matcher_reader *reader = NULL;
	int rc = recording_open(&options, &recording, ret_error);

	*ret_report = (struct verify_report){ 0 };
	if (rc == 0)
		rc = matcher_new(recording, &(struct matcher_options){ 0 }, &matcher, ret_error);
	if (rc == 0)
		rc = matcher_reader_new(matcher, &reader, ret_error);
	if (rc == 0 && has_checksums(reader_database(reader->reader))) {
		rc = verify_all(reader, ret_report);
		if (rc != SQLITE_OK)
			rc = database_error(reader_database(reader->reader), rc, path, ret_error);
	}
	matcher_reader_free(reader);
	matcher_free(matcher);
	recording_close(recording);
	return rc;
}
