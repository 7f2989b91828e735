/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: its threads and the file's life; see writer.h. What items become is ingest.c's.
 *
 * Invariants:
 *  1. Between writer_open() and the threads' end `database`, `ingest` and the transaction are touched, and items are taken out of
 *     the queue, under `writing` only: so they are written in their order. Workers never take it.
 *  2. `failure` is written once, before `failed` is set (release), and read only after it was
 *     seen set (acquire).
 *
 * The thread is not woken for every item: on a machine of two cores the switch costs more than the
 * row. It sleeps until something waits, then until a batch waits or a while passed, and writes
 * that in transactions of up to TRANSACTION_BYTES. It runs when nobody else wants to (SCHED_IDLE): while the app and its
 * proxy need all processors what they said waits in the queue, and is written when they pause; and the kernel takes a processor
 * that only it uses for an idle one, so that the worker is not kept waiting. When
 * the queue is half full, or the thread is seconds late, a second thread, of a low priority but not the lowest, helps, so that it need not become full:
 * that makes them pause. Both give `writing` back behind each item: who holds it may be off its processor for long.
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
#include "store/queue.h"
#include "store/recording.h"
#include "store/schema.h"
#include "store/tap.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MOCKPROXY_VERSION
#define MOCKPROXY_VERSION "unknown"
#endif

/*
 * A recorder of any result stays under 100 MB. What waits was allocated by the workers and is freed here, so that each one's arena may keep as much as
 * has waited of it at most: memory for about two of these queues.
 */
#define QUEUE_BYTES ((size_t)32 * 1024 * 1024)
/* The helper takes no less than a tenth of a processor. */
#define HELPER_NICE 10
/* Where the kernel refuses SCHED_IDLE. */
#define WRITER_NICE 19
/* The WAL is not larger either. */
#define TRANSACTION_BYTES ((size_t)1024 * 1024)

struct writer {
	struct partial file;
	sqlite3 *database;
	struct ingest *ingest;
	struct queue queue;
	pthread_t thread;
	pthread_t helper;
	bool helper_runs;
	pthread_mutex_t writing;
	bool in_transaction;
	size_t transaction_bytes;
	atomic_bool abandoned; /* what waits is not written */

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
static void *help(void *context);
static void stop_threads(struct writer *writer);

static int start_threads(struct writer *writer, char error[STORE_ERROR_BYTES])
{
	int rc;

	pthread_mutex_init(&writer->writing, NULL);
	rc = pthread_create(&writer->thread, NULL, run, writer);
	if (!rc) {
		rc = pthread_create(&writer->helper, NULL, help, writer);
		writer->helper_runs = !rc;
		if (rc)
			stop_threads(writer);
	}
	if (rc)
		snprintf(error, STORE_ERROR_BYTES, "cannot start the writer's thread: %s",
			 strerror(rc));
	return -rc;
}

static void close_database(struct writer *writer)
{
	ingest_free(writer->ingest);
	writer->ingest = NULL;
	sqlite3_close(writer->database);
	writer->database = NULL;
}

/* Nothing is left: SQLite removes its log where the file is still there. */
static void remove_file(struct writer *writer)
{
	close_database(writer);
	partial_remove(&writer->file);
}

static void writer_free(struct writer *writer)
{
	close_database(writer);
	partial_release(&writer->file); /* behind SQLite, whose locks go with any descriptor */
	queue_release(&writer->queue);
	free(writer);
}

int writer_open(const struct writer_options *options, struct writer **ret_writer,
		char ret_error[STORE_ERROR_BYTES])
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int rc;

	if (!writer)
		abort();
	rc = queue_init(&writer->queue, options->queue_bytes ? options->queue_bytes : QUEUE_BYTES,
			options->drained, options->drained_context);
	if (rc < 0)
		snprintf(ret_error, STORE_ERROR_BYTES, "cannot make the writer's queue: %s",
			 strerror(-rc));
	else
		rc = partial_create(&writer->file, options->path, ret_error);
	if (rc < 0) {
		queue_release(&writer->queue);
		free(writer);
		return rc;
	}
	rc = database_open(writer, options, ret_error);
	if (rc == 0)
		rc = start_threads(writer, ret_error);
	if (rc < 0) {
		remove_file(writer); /* nothing was recorded yet */
		writer_free(writer);
		return rc;
	}
	*ret_writer = writer;
	return 0;
}

/* --- the queue --- */

void writer_add_lane(struct writer *writer, struct item_list *items)
{
	items->lane = queue_add_lane(&writer->queue);
}

void writer_begin_turn(struct writer *writer, struct item_list *items)
{
	queue_begin_turn(&writer->queue, items);
}

void writer_end_turn(struct writer *writer, const struct item_list *items)
{
	queue_end_turn(&writer->queue, items);
}

void writer_push(struct writer *writer, struct item_list *items)
{
	queue_push(&writer->queue, items);
}

void writer_hurry(struct writer *writer)
{
	queue_hurry(&writer->queue);
}

bool writer_full(const struct writer *writer)
{
	return queue_full(&writer->queue);
}

const char *writer_failed(const struct writer *writer)
{
	return atomic_load_explicit(&writer->failed, memory_order_acquire) ? writer->failure : NULL;
}

/* --- the threads --- */

static void fail(struct writer *writer, int code)
{
	char what[STORE_ERROR_BYTES / 2];

	snprintf(what, sizeof(what), "recording to %s stopped", writer->file.partial_path);
	writer->failure_errno = -database_error(writer->database, code, what, writer->failure);
	atomic_store_explicit(&writer->failed, true, memory_order_release);
	if (!sqlite3_get_autocommit(writer->database))
		(void)!database_exec(writer->database, "ROLLBACK");
}

/* What came out of a spool. */
static int take(void *context, struct item *item)
{
	struct writer *writer = context;
	int rc = ingest_item(writer->ingest, item);

	item_free(item);
	return rc;
}

static int write_item(struct writer *writer, struct item *item, uint64_t until)
{
	if (item->type == ITEM_SPOOL)
		return tap_play(item, until, take, writer);
	if (item->type == ITEM_CONNECTION_CLOSE)
		tap_close(item);
	return ingest_item(writer->ingest, item);
}

/* Recording is over: nothing of it is written. */
static void drop_item(struct item *item)
{
	if (item->type == ITEM_SPOOL)
		(void)!tap_play(item, UINT64_MAX, NULL, NULL);
	if (item->type == ITEM_CONNECTION_CLOSE)
		tap_close(item);
}

/* Under `writing`. */
static void commit(struct writer *writer)
{
	int rc = ingest_flush(writer->ingest);

	if (rc == SQLITE_OK)
		rc = database_exec(writer->database, "COMMIT");
	if (rc != SQLITE_OK)
		fail(writer, rc);
	writer->in_transaction = false;
}

/* The item, or what may be written of it now. Under `writing`. */
static void write_in_transaction(struct writer *writer, struct item *item, uint64_t until)
{
	int rc = SQLITE_OK;

	if (writer->failed || writer->abandoned) {
		drop_item(item);
		return;
	}
	if (!writer->in_transaction) {
		rc = database_exec(writer->database, "BEGIN");
		writer->transaction_bytes = 0;
		writer->in_transaction = true;
	}
	if (rc == SQLITE_OK)
		rc = write_item(writer, item, until);
	if (rc != SQLITE_OK) {
		fail(writer, rc);
		drop_item(item);
	}
}

/* Writes what is next, when the other thread has written its. False: there is nothing that may be written now. */
static bool write_next(struct writer *writer)
{
	struct item *item;
	size_t bytes = 0;
	uint64_t until;

	pthread_mutex_lock(&writer->writing);
	item = queue_next(&writer->queue, &until);
	if (item)
		write_in_transaction(writer, item, until);
	if (item && tap_is_played(item)) {
		queue_take(&writer->queue);
		bytes = item->arena.allocated;
		item_free(item);
		writer->transaction_bytes += bytes;
	}
	if (writer->in_transaction && !writer->failed &&
	    (writer->transaction_bytes >= TRANSACTION_BYTES || !queue_next(&writer->queue, &until)))
		commit(writer);
	pthread_mutex_unlock(&writer->writing);
	queue_done(&writer->queue, bytes);
	return item;
}

/* Of this thread alone, as Linux has it. It cannot be taken back, so it lasts. */
static void be_nice(int more)
{
	(void)!setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + more);
}

/* What is there has to wait for a worker, which pushes in a moment. */
static void nap(void)
{
	(void)!poll(NULL, 0, 1);
}

static void *run(void *context)
{
	struct writer *writer = context;

	pthread_setname_np(pthread_self(), "writer");
	if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) < 0)
		be_nice(WRITER_NICE);
	while (queue_wait_some(&writer->queue)) {
		while (write_next(writer))
			;
		nap();
	}
	return NULL;
}

static void *help(void *context)
{
	struct writer *writer = context;

	pthread_setname_np(pthread_self(), "writer's help");
	be_nice(HELPER_NICE);
	while (queue_wait_much(&writer->queue))
		if (!write_next(writer))
			nap();
	return NULL;
}

/* --- closing --- */

static void stop_threads(struct writer *writer)
{
	queue_close(&writer->queue);
	if (writer->helper_runs)
		pthread_join(writer->helper, NULL);
	pthread_join(writer->thread, NULL);
	pthread_mutex_destroy(&writer->writing);
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
	ret_summary->queue_bytes_most = (uint64_t)writer->queue.most;
}

int writer_close(struct writer *writer, const char *incomplete_reason,
		 struct writer_summary *ret_summary, char ret_error[STORE_ERROR_BYTES])
{
	struct stat status;
	int rc = SQLITE_OK;

	stop_threads(writer);
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
	stop_threads(writer);
	sqlite3_db_config(writer->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	writer_free(writer);
}

void writer_discard(struct writer *writer)
{
	writer->abandoned = true;
	stop_threads(writer);
	remove_file(writer);
	writer_free(writer);
}
