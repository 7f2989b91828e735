/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE.partial; see partial.h. The lock is flock()'s, which SQLite's own locks (fcntl) do not meet;
 * it goes away with its process, however that ends.
 */
#include "store/partial.h"

#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *append(const char *path, const char *suffix)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s", path, suffix) < 0)
		abort();
	return joined;
}

bool partial_is_locked(const char *partial_path)
{
	int fd = open(partial_path, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

/* One number out of an unfinished recording; -1 when it cannot be read. */
static int64_t ask(const char *partial_path, const char *sql)
{
	sqlite3 *database = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_open_v2(partial_path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_busy_timeout(database, 1000) == SQLITE_OK &&
	    sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return number;
}

/* Whose FILE.partial is it? */
static int explain_existing(const struct partial *partial, char error[STORE_ERROR_BYTES])
{
	int64_t number;

	if (partial_is_locked(partial->partial_path)) {
		number = ask(partial->partial_path, "SELECT pid FROM recording");
		snprintf(error, STORE_ERROR_BYTES,
			 "%s is being written by another recorder (process %lld): wait for it, or "
			 "name "
			 "another file with -o",
			 partial->partial_path, (long long)number);
		return -EEXIST;
	}
	number = ask(partial->partial_path, "SELECT count(*) FROM exchange");
	if (number < 0)
		snprintf(error, STORE_ERROR_BYTES,
			 "%s was left by a recorder that was killed, and holds nothing that can be "
			 "read: remove it",
			 partial->partial_path);
	else
		snprintf(error, STORE_ERROR_BYTES,
			 "%s was left by a recorder that was killed: it holds %lld exchanges; "
			 "'mockproxy replay "
			 "--allow-partial' reads it, or remove it",
			 partial->partial_path, (long long)number);
	return -EEXIST;
}

static int create(struct partial *partial, char error[STORE_ERROR_BYTES])
{
	static const char *const leftovers[] = { "-wal", "-shm", "-journal" };
	struct stat status;

	if (stat(partial->path, &status) == 0 && !S_ISREG(status.st_mode)) {
		bool is_folder = S_ISDIR(status.st_mode);

		snprintf(error, STORE_ERROR_BYTES, "%s is %s, not a file", partial->path,
			 is_folder ? "a folder" : "a device, a pipe or a socket");
		return is_folder ? -EISDIR : -EINVAL;
	}
	partial->fd = open(partial->partial_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (partial->fd < 0 && errno == EEXIST)
		return explain_existing(partial, error);
	if (partial->fd < 0) {
		int why = errno;

		snprintf(error, STORE_ERROR_BYTES, "cannot create %s: %s", partial->partial_path,
			 strerror(why));
		return -why;
	}
	/* Where flock() is not supported, the exclusive creation alone has to do. */
	(void)!flock(partial->fd, LOCK_EX | LOCK_NB);
	/* A log of a file that is gone would be taken for this one's. */
	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
		char *path = append(partial->partial_path, leftovers[i]);

		unlink(path);
		free(path);
	}
	return 0;
}

int partial_create(struct partial *partial, const char *path, char error[STORE_ERROR_BYTES])
{
	struct stat status;
	int rc;

	*partial = (struct partial){ .fd = -1 };
	if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
		partial->path = realpath(path, NULL); /* it is not the link that is written over */
	if (!partial->path)
		partial->path = append(path, "");
	partial->partial_path = append(partial->path, ".partial");
	rc = create(partial, error);
	if (rc < 0)
		partial_release(partial);
	return rc;
}

/* The folder's entry is on the disk when the folder is. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = append(slash ? path : ".", "");
	int fd;

	if (slash)
		folder[slash == path ? 1 : slash - path] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return;
	fsync(fd); /* a file system that cannot do it has nothing to say about it */
	close(fd);
}

int partial_publish(struct partial *partial, char error[STORE_ERROR_BYTES])
{
	if (fsync(partial->fd) < 0 || rename(partial->partial_path, partial->path) < 0) {
		int why = errno;

		snprintf(error, STORE_ERROR_BYTES, "cannot make %s of %s: %s", partial->path,
			 partial->partial_path, strerror(why));
		return -why;
	}
	sync_folder(partial->path);
	return 0;
}

void partial_remove(struct partial *partial)
{
	if (partial->partial_path)
		unlink(partial->partial_path);
}

void partial_release(struct partial *partial)
{
	if (!partial->path)
		return;
	if (partial->fd >= 0)
		close(partial->fd);
	free(partial->path);
	free(partial->partial_path);
	*partial = (struct partial){ .fd = -1 };
}
