/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: queue, thread and the file's life; see writer.h. What items become is ingest.c's.
 *
 * Invariants:
 *  1. `queue`, `waiting`, `most` and `closing` are read and written under `mutex`. `full` is
 *     written under it and read anywhere.
 *  2. `waiting` counts the bytes of items pushed and not yet freed, those that the thread works
 *     on included.
 *  3. Only the thread touches `database` and `ingest` between writer_open() and its end.
 *  4. `failure` is written once, before `failed` is set (release), and read only after it was
 *     seen set (acquire).
 *
 * The thread is not woken for every item: on a machine of two cores the switch costs more than the
 * row. It sleeps until something waits, then until BATCH_BYTES wait or BATCH_NS passed, and writes
 * all that in one transaction. It has a lower priority than the app and its proxy: while they need
 * all processors what they said waits in the queue, and is written when they pause. A full queue
 * makes them pause.
 *
 * synchronous is NORMAL: with a WAL the file is consistent after a kill -9 or a power cut at any
 * moment; a power cut may take the last transactions with it. Only checkpoints wait for the disk.
 */
#include "store/writer.h"

#include "parsers/sql/canonical.h"
#include "store/database.h"
#include "store/ingest.h"
#include "store/mask.h"
#include "store/partial.h"
#include "store/recording.h"
#include "store/schema.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MOCKPROXY_VERSION
#define MOCKPROXY_VERSION "unknown"
#endif

/* A recorder of any result stays under 100 MB: SQLite and the workers take less than the rest. */
#define QUEUE_BYTES ((size_t)40 * 1024 * 1024)
/*
 * Reading goes on when this much is free again: a pause is short then, and the app's next is too.
 */
#define ROOM_BYTES ((size_t)2 * 1024 * 1024)
/* The writer takes what the app leaves of the processors, and no less than a tenth of one. */
#define NICE 10
#define BATCH_BYTES ((size_t)1024 * 1024)
#define BATCH_NS 50000000L
/* A transaction is not larger than this, so that the WAL is not either. */
#define TRANSACTION_BYTES ((size_t)8 * 1024 * 1024)

struct writer {
	struct partial file;
	sqlite3 *database;
	struct ingest *ingest;
	void (*drained)(void *context);
	void *drained_context;
	size_t queue_bytes;

	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t something; /* to do for the thread */
	struct item_list queue;
	size_t waiting;
	size_t most;
	bool closing;
	atomic_bool abandoned; /* what waits is not written */
	atomic_bool full;

	atomic_bool failed;
	int failure_errno;
	char failure[STORE_ERROR_BYTES];
};

/* --- opening --- */

/* The one row of `recording`. It says incomplete from the first commit on. */
static int add_recording(sqlite3 *database, const struct writer_options *options)
{
	sqlite3_stmt *sql = NULL;
	struct buffer command;
	char cwd[PATH_MAX];
	int rc = sqlite3_prepare_v2(
		database,
		"INSERT INTO recording (id, started_at, command, cwd, program_version, "
		"canonical_version, pid) "
		"VALUES (1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?1, ?2, ?3, ?4, ?5)",
		-1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	buffer_init(&command, (size_t)16 * 1024 * 1024);
	mask_command_json(&command, options->command);
	if (command.overflowed) {
		buffer_clear(&command);
		buffer_append_slice(&command, SLICE("[]"));
	}
	database_bind(sql, 1, buffer_slice(&command));
	if (getcwd(cwd, sizeof(cwd)))
		database_bind(sql, 2, slice_from_string(cwd));
	database_bind(sql, 3, slice_from_string(MOCKPROXY_VERSION));
	sqlite3_bind_int(sql, 4, SQL_CANONICAL_VERSION);
	sqlite3_bind_int64(sql, 5, getpid());
	sqlite3_step(sql);
	rc = sqlite3_finalize(sql);
	buffer_release(&command);
	return rc;
}

/*
 * The schema is written before the file goes into WAL mode: so whoever looks at what a killed
 * recorder left finds a recording, with or without the log.
 */
static int database_create(sqlite3 *database, const struct writer_options *options)
{
	char sql[96];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		 RECORDING_APPLICATION_ID, RECORDING_VERSION);
	rc = database_exec(database, "PRAGMA page_size = 8192; PRAGMA synchronous = NORMAL;"
				     "PRAGMA temp_store = MEMORY; BEGIN");
	if (rc == SQLITE_OK)
		rc = database_exec(database, schema_sql);
	if (rc == SQLITE_OK)
		rc = database_exec(database, sql);
	if (rc == SQLITE_OK)
		rc = add_recording(database, options);
	if (rc == SQLITE_OK)
		rc = database_exec(database, "COMMIT; PRAGMA journal_mode = WAL;"
					     "PRAGMA wal_autocheckpoint = 2000;"
					     "PRAGMA cache_size = -8192");
	return rc;
}

static int database_open(struct writer *writer, const struct writer_options *options,
			 char error[STORE_ERROR_BYTES])
{
	char what[STORE_ERROR_BYTES / 2];
	int rc = sqlite3_open_v2(writer->file.partial_path, &writer->database,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = database_create(writer->database, options);
	if (rc == SQLITE_OK)
		rc = ingest_new(writer->database, &writer->ingest);
	if (rc == SQLITE_OK)
		return 0;
	snprintf(what, sizeof(what), "cannot write %s", writer->file.partial_path);
	return database_error(writer->database, rc, what, error);
}

static void *run(void *context);

static int start_thread(struct writer *writer, char error[STORE_ERROR_BYTES])
{
	pthread_condattr_t attributes;
	int rc;

	item_list_init(&writer->queue);
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->something, &attributes);
	pthread_condattr_destroy(&attributes);
	rc = pthread_create(&writer->thread, NULL, run, writer);
	if (rc)
		snprintf(error, STORE_ERROR_BYTES, "cannot start the writer's thread: %s",
			 strerror(rc));
	return -rc;
}

static void writer_free(struct writer *writer)
{
	ingest_free(writer->ingest);
	sqlite3_close(writer->database);
	partial_release(&writer->file); /* behind SQLite, whose locks go with any descriptor */
	free(writer);
}

int writer_open(const struct writer_options *options, struct writer **ret_writer,
		char ret_error[STORE_ERROR_BYTES])
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int rc;

	if (!writer)
		abort();
	writer->queue_bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
	writer->drained = options->drained;
	writer->drained_context = options->drained_context;
	rc = partial_create(&writer->file, options->path, ret_error);
	if (rc < 0) {
		free(writer);
		return rc;
	}
	rc = database_open(writer, options, ret_error);
	if (rc == 0)
		rc = start_thread(writer, ret_error);
	if (rc < 0) {
		partial_remove(&writer->file); /* nothing was recorded yet */
		writer_free(writer);
		return rc;
	}
	*ret_writer = writer;
	return 0;
}

/* --- the queue --- */

void writer_push(struct writer *writer, struct item_list *items)
{
	bool wake;

	if (!items->first)
		return;
	pthread_mutex_lock(&writer->mutex);
	/*
	 * Wakes a thread that has nothing to do, and one that waits for a batch to become large
	 * enough.
	 */
	wake = !writer->queue.first || (writer->queue.bytes < BATCH_BYTES &&
					writer->queue.bytes + items->bytes >= BATCH_BYTES);
	writer->waiting += items->bytes;
	if (writer->waiting > writer->most)
		writer->most = writer->waiting;
	if (writer->waiting >= writer->queue_bytes)
		atomic_store_explicit(&writer->full, true, memory_order_relaxed);
	item_list_move(&writer->queue, items);
	if (wake)
		pthread_cond_signal(&writer->something);
	pthread_mutex_unlock(&writer->mutex);
}

bool writer_full(const struct writer *writer)
{
	return atomic_load_explicit(&writer->full, memory_order_relaxed);
}

const char *writer_failed(const struct writer *writer)
{
	return atomic_load_explicit(&writer->failed, memory_order_acquire) ? writer->failure : NULL;
}

/* Items of `bytes` were freed. */
static void account(struct writer *writer, size_t bytes)
{
	bool drained = false;

	pthread_mutex_lock(&writer->mutex);
	writer->waiting -= bytes;
	if (atomic_load_explicit(&writer->full, memory_order_relaxed) &&
	    (writer->waiting <= writer->queue_bytes / 2 ||
	     writer->queue_bytes - writer->waiting >= ROOM_BYTES)) {
		atomic_store_explicit(&writer->full, false, memory_order_relaxed);
		drained = true;
	}
	pthread_mutex_unlock(&writer->mutex);
	if (drained && writer->drained)
		writer->drained(writer->drained_context);
}

static struct timespec batch_deadline(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_nsec += BATCH_NS;
	if (deadline.tv_nsec >= 1000000000L) {
		deadline.tv_nsec -= 1000000000L;
		deadline.tv_sec++;
	}
	return deadline;
}

/* Waits for a batch. False: there is nothing left and will not be. */
static bool take_batch(struct writer *writer, struct item_list *batch)
{
	struct timespec deadline;
	int rc = 0;

	item_list_init(batch);
	pthread_mutex_lock(&writer->mutex);
	while (!writer->queue.first && !writer->closing)
		pthread_cond_wait(&writer->something, &writer->mutex);
	deadline = batch_deadline();
	while (writer->queue.bytes < BATCH_BYTES && !writer->closing && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&writer->something, &writer->mutex, &deadline);
	item_list_move(batch, &writer->queue);
	pthread_mutex_unlock(&writer->mutex);
	return batch->first != NULL;
}

/* --- the thread --- */

static void fail(struct writer *writer, int code)
{
	char what[STORE_ERROR_BYTES / 2];

	snprintf(what, sizeof(what), "recording to %s stopped", writer->file.partial_path);
	writer->failure_errno = -database_error(writer->database, code, what, writer->failure);
	atomic_store_explicit(&writer->failed, true, memory_order_release);
	if (!sqlite3_get_autocommit(writer->database))
		(void)!database_exec(writer->database, "ROLLBACK");
}

/* The next items of the batch, up to a transaction's size, in one transaction. */
static void write_transaction(struct writer *writer, struct item_list *batch)
{
	bool failed = atomic_load_explicit(&writer->failed, memory_order_relaxed);
	struct item *next = batch->first;
	size_t bytes = 0;
	int rc = SQLITE_OK;

	if (!failed)
		rc = database_exec(writer->database, "BEGIN");
	while (next && bytes < TRANSACTION_BYTES) {
		struct item *item = next;

		next = item->next;
		bytes += item->arena.allocated;
		if (rc == SQLITE_OK && !failed)
			rc = ingest_item(writer->ingest, item);
		item_free(item);
	}
	batch->first = next;
	if (rc == SQLITE_OK && !failed)
		rc = database_exec(writer->database, "COMMIT");
	if (rc != SQLITE_OK)
		fail(writer, rc);
	account(writer, bytes);
}

static void *run(void *context)
{
	struct writer *writer = context;
	struct item_list batch;

	/* Of this thread alone, as Linux has it. It cannot be taken back, so it lasts. */
	(void)!setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICE);
	while (take_batch(writer, &batch)) {
		while (batch.first && !writer->abandoned)
			write_transaction(writer, &batch);
		item_list_release(&batch);
	}
	return NULL;
}

/* --- closing --- */

static void stop_thread(struct writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	writer->closing = true;
	pthread_cond_signal(&writer->something);
	pthread_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
	pthread_mutex_destroy(&writer->mutex);
	pthread_cond_destroy(&writer->something);
}

static int set_ended(sqlite3 *database, const char *incomplete_reason)
{
	sqlite3_stmt *sql = NULL;
	int rc = sqlite3_prepare_v2(database,
				    "UPDATE recording SET ended_at = "
				    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), pid = NULL, "
				    "complete = ?1 IS NULL, incomplete_reason = ?1",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	database_bind(sql, 1, slice_from_string(incomplete_reason));
	sqlite3_step(sql);
	return sqlite3_finalize(sql);
}

/*
 * All that makes a recording of what is in the file, in an order that leaves an incomplete one at
 * any failure.
 */
static int finish(struct writer *writer, const char *incomplete_reason)
{
	int rc = database_exec(writer->database, "BEGIN");

	if (rc == SQLITE_OK)
		rc = database_exec(writer->database, schema_indexes_sql);
	if (rc == SQLITE_OK)
		rc = set_ended(writer->database, incomplete_reason);
	if (rc == SQLITE_OK)
		rc = database_exec(writer->database, "COMMIT");
	ingest_free(writer->ingest); /* its statements would keep the file in WAL mode */
	writer->ingest = NULL;
	if (rc == SQLITE_OK)
		rc = database_exec(writer->database, "PRAGMA wal_checkpoint(TRUNCATE);"
						     "PRAGMA journal_mode = DELETE");
	if (rc == SQLITE_OK)
		rc = sqlite3_close(writer->database);
	if (rc == SQLITE_OK)
		writer->database = NULL;
	return rc;
}

static void summarize(const struct writer *writer, struct writer_summary *ret_summary)
{
	*ret_summary = *ingest_summary(writer->ingest);
	ret_summary->queue_bytes_most = writer->most;
}

int writer_close(struct writer *writer, const char *incomplete_reason,
		 struct writer_summary *ret_summary, char ret_error[STORE_ERROR_BYTES])
{
	struct stat status;
	int rc = SQLITE_OK;

	stop_thread(writer);
	summarize(writer, ret_summary);
	if (!writer->failed) {
		rc = finish(writer, incomplete_reason);
		if (rc != SQLITE_OK)
			fail(writer, rc);
	}
	if (fstat(writer->file.fd, &status) == 0)
		ret_summary->bytes = (uint64_t)status.st_size;
	if (writer->failed) {
		rc = -writer->failure_errno;
		memcpy(ret_error, writer->failure, STORE_ERROR_BYTES);
	} else {
		rc = partial_publish(&writer->file, ret_error);
	}
	writer_free(writer);
	return rc;
}

void writer_abandon(struct writer *writer)
{
	writer->abandoned = true;
	stop_thread(writer);
	sqlite3_db_config(writer->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	writer_free(writer);
}
