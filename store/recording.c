/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a finished recording; see recording.h. The file's header is SQLite's (its documentation,
 * "Database File Format", section 1.3). It is looked at before SQLite opens the file, so that what
 * is no recording gets no log and no lock.
 */
#include "parsers/buffer.h"
#include "parsers/cursor.h"
#include "parsers/sql/canonical.h"
#include "store/partial.h"
#include "store/recording_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES 100
#define HEADER_READ_VERSION 19
#define HEADER_PAGE_SIZE 16
#define HEADER_CHANGES 24
#define HEADER_PAGES 28
#define HEADER_VERSION 60
#define HEADER_APPLICATION 68
#define HEADER_PAGES_VALID_FOR 92
#define HEADER_WAL 2

PRINTF_LIKE(3, 4)
static int say(int error, char text[STORE_ERROR_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, STORE_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return error;
}

static char *append(const char *path, const char *suffix)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s", path, suffix) < 0)
		abort();
	return joined;
}

static bool is_partial_name(const char *path)
{
	static const char suffix[] = ".partial";
	size_t size = strlen(path);

	return size >= sizeof(suffix) && strcmp(path + size - (sizeof(suffix) - 1), suffix) == 0;
}

static int refuse_partial(const char *partial, char error[STORE_ERROR_BYTES])
{
	if (partial_is_locked(partial))
		return say(-EBUSY, error, "%s is being written: the recorder has not ended",
			   partial);
	return say(-EBUSY, error,
		   "%s was left by a recorder that was killed and is incomplete: --allow-partial "
		   "replays it all the same",
		   partial);
}

/* Which file is to be read: FILE, or where there is none and it is allowed FILE.partial. */
static int choose_file(const struct recording_options *options, char **ret_path,
		       char error[STORE_ERROR_BYTES])
{
	char *partial = append(options->path, ".partial");
	int rc = 0;

	if (access(options->path, F_OK) == 0) {
		if (is_partial_name(options->path) && !options->allow_partial)
			rc = refuse_partial(options->path, error);
		else
			*ret_path = append(options->path, "");
	} else if (errno != ENOENT) {
		rc = say(-errno, error, "cannot open %s: %s", options->path, strerror(errno));
	} else if (access(partial, F_OK) < 0) {
		rc = say(-ENOENT, error,
			 "there is no recording %s: 'mockproxy record -o %s -- CMD' makes one",
			 options->path, options->path);
	} else if (!options->allow_partial) {
		rc = refuse_partial(partial, error);
	} else {
		*ret_path = append(partial, "");
	}
	free(partial);
	return rc;
}

static uint32_t header_u32(const uint8_t *header, size_t at)
{
	struct cursor cursor = cursor_of(slice_of(header + at, 4));

	return cursor_u32be(&cursor);
}

static int check_header(const char *path, const uint8_t *header, uint64_t size,
			char error[STORE_ERROR_BYTES])
{
	uint32_t page_size = (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
	uint64_t whole = header_u32(header, HEADER_PAGES);

	if (memcmp(header, "SQLite format 3", 16) != 0 ||
	    header_u32(header, HEADER_APPLICATION) != RECORDING_APPLICATION_ID)
		return say(-EBADMSG, error, "%s is not a recording of mockproxy", path);
	if (header_u32(header, HEADER_VERSION) > RECORDING_VERSION)
		return say(-ENOTSUP, error,
			   "%s has version %u of the format, made by a newer mockproxy: this one "
			   "reads up to %d",
			   path, header_u32(header, HEADER_VERSION), RECORDING_VERSION);
	if (!header_u32(header, HEADER_VERSION))
		return say(-EBADMSG, error, "%s is damaged: it has no format version", path);
	if (header_u32(header, HEADER_VERSION) < RECORDING_VERSION)
		return say(-ENOTSUP, error,
			   "%s has version %u of the format, of a mockproxy before its first "
			   "release: record it again",
			   path, header_u32(header, HEADER_VERSION));
	whole *= page_size == 1 ? 65536 : page_size;
	if (size < whole && header[HEADER_READ_VERSION] != HEADER_WAL &&
	    header_u32(header, HEADER_CHANGES) == header_u32(header, HEADER_PAGES_VALID_FOR))
		return say(-EBADMSG, error, "%s is damaged: it is cut off, %llu of %llu bytes",
			   path, (unsigned long long)size, (unsigned long long)whole);
	return 0;
}

/*
 * SQLite refuses to read a WAL file without its log where it cannot make one: then there is nothing
 * to be read but the file.
 */
static bool is_wal_without_log(const char *path, const uint8_t *header)
{
	char *log = append(path, "-wal");
	struct stat status;
	bool none = stat(log, &status) < 0 || status.st_size == 0;

	free(log);
	return header[HEADER_READ_VERSION] == HEADER_WAL && none;
}

static int look_at_file(struct recording *recording, char error[STORE_ERROR_BYTES])
{
	const char *path = recording->path ? recording->path : "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t header[HEADER_BYTES];
	struct stat status;
	ssize_t n;

	if (fd < 0)
		return say(-errno, error, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return say(-EBADMSG, error, "%s is not a file", path);
	}
	n = pread(fd, header, sizeof(header), 0);
	close(fd);
	if (n != (ssize_t)sizeof(header))
		return say(-EBADMSG, error, "%s is not a recording of mockproxy", path);
	recording->immutable = is_wal_without_log(path, header);
	return check_header(path, header, (uint64_t)status.st_size, error);
}

/* A file name as a URI with immutable=1; its special characters escaped. */
static char *immutable_uri(const char *path)
{
	struct buffer uri;

	buffer_init(&uri, (size_t)64 * 1024);
	buffer_append_slice(&uri, SLICE("file:"));
	for (const char *at = path; *at; at++) {
		if (*at == '?' || *at == '#' || *at == '%') {
			buffer_append_u8(&uri, '%');
			buffer_append_hex(&uri, slice_of(at, 1));
		} else {
			buffer_append_u8(&uri, (uint8_t)*at);
		}
	}
	buffer_append_slice(&uri, SLICE("?immutable=1"));
	buffer_append_u8(&uri, 0);
	return (char *)uri.data;
}

int recording_connect(const struct recording *recording, sqlite3 **ret_database,
		      char ret_error[STORE_ERROR_BYTES])
{
	char *uri = recording->immutable ? immutable_uri(recording->path) : NULL;
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | (uri ? SQLITE_OPEN_URI : 0);
	char what[STORE_ERROR_BYTES / 2];
	sqlite3 *database = NULL;
	int rc = sqlite3_open_v2(uri ? uri : recording->path, &database, flags, NULL);

	free(uri);
	if (rc == SQLITE_OK) {
		sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_busy_timeout(database, 1000);
		/*
		 * Pages come from the file by mmap(): the memory that they take is the page
		 * cache's. What lies behind that is read, so that a huge recording does not look
		 * like a huge process.
		 */
		rc = database_exec(database, "PRAGMA mmap_size = 268435456;"
					     "PRAGMA cache_size = -1024;"
					     "BEGIN;"
					     "SELECT 1 FROM sqlite_schema LIMIT 1");
	}
	if (rc == SQLITE_OK) {
		*ret_database = database;
		return 0;
	}
	snprintf(what, sizeof(what), "cannot read %s", recording->path);
	rc = database_error(database, rc, what, ret_error);
	sqlite3_close(database);
	return rc;
}

/* Views of the same names would run whatever they hold: only tables are read. */
static int check_tables(sqlite3 *database, int *ret_found)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(
		database,
		"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
		"sql NOT LIKE 'CREATE VIRTUAL%' "
		"AND name IN ('recording', 'endpoint', 'connection', "
		"'context', 'columns', 'statement', "
		"'exchange', 'result_apart', 'rows_apart', 'value_part', 'aside', "
		"'http_apart', 'http_message', 'http_stream', 'copy')",
		-1, &sql, NULL);

	*ret_found = 0;
	if (rc == SQLITE_OK && sqlite3_step(sql) == SQLITE_ROW)
		*ret_found = sqlite3_column_int(sql, 0);
	return rc == SQLITE_OK ? sqlite3_finalize(sql) : rc;
}

static int read_recording(struct recording *recording)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(recording->database,
				    "SELECT complete, incomplete_reason, canonical_version "
				    "FROM recording LIMIT 1",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(sql);
	if (rc == SQLITE_ROW) {
		const char *why = (const char *)sqlite3_column_text(sql, 1);

		if (!sqlite3_column_int(sql, 0))
			recording->incomplete = append(why ? why : "the recorder was killed", "");
		recording->stale = sqlite3_column_int(sql, 2) != SQL_CANONICAL_VERSION;
	}
	sqlite3_finalize(sql);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int open_database(struct recording *recording, char error[STORE_ERROR_BYTES])
{
	char what[STORE_ERROR_BYTES / 2];
	int found = 0;
	int rc = recording_connect(recording, &recording->database, error);

	if (rc < 0)
		return rc;
	rc = check_tables(recording->database, &found);
	if (rc == SQLITE_OK && found != 15)
		return say(-EBADMSG, error, "%s is damaged: it lacks tables of a recording",
			   recording->path);
	if (rc == SQLITE_OK)
		rc = read_recording(recording);
	if (rc == SQLITE_OK)
		return 0;
	snprintf(what, sizeof(what), "cannot read %s", recording->path);
	return database_error(recording->database, rc, what, error);
}

int recording_open(const struct recording_options *options, struct recording **ret_recording,
		   char ret_error[STORE_ERROR_BYTES])
{
	struct recording *recording = calloc(1, sizeof(*recording));
	int rc;

	if (!recording)
		abort();
	rc = choose_file(options, &recording->path, ret_error);
	if (rc == 0)
		rc = look_at_file(recording, ret_error);
	if (rc == 0)
		rc = open_database(recording, ret_error);
	if (rc < 0) {
		recording_close(recording);
		return rc;
	}
	table_pages_open(&recording->pages, recording->path, recording->immutable);
	*ret_recording = recording;
	return rc;
}

void recording_close(struct recording *recording)
{
	if (!recording)
		return;
	table_pages_close(&recording->pages);
	sqlite3_close(recording->database);
	free(recording->incomplete);
	free(recording->path);
	free(recording);
}

const char *recording_incomplete(const struct recording *recording)
{
	return recording->incomplete;
}
