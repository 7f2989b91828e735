/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer: the thread that owns the recording while it grows (design §5, §9).
 *
 *	workers ──writer_push()──▶ queue, bounded in bytes ──▶ writer thread ──▶ FILE.partial (WAL, batches)
 *	                                                       └─ tap.h: recorders of what passed
 *	        ◀──writer_full()──
 *
 * Everything that costs is made here and not on the relay's path: decoding, canonical form, hashes, readable values. A
 * push never blocks and never drops: when the queue is above its limit writer_full() says so, the worker pauses
 * reading, and `drained` is called (from the writer's thread) when there is room again.
 *
 * When SQLite fails (disk full, I/O error) the writer stops recording, frees whatever is pushed from then on, and
 * reports the error at close; the file stays as the last commit left it, marked incomplete from its first commit.
 */
#ifndef MOCKPROXY_WRITER_H
#define MOCKPROXY_WRITER_H

#include "parsers/compiler.h"
#include "parsers/item.h"

#define STORE_ERROR_BYTES 512

struct writer;

struct writer_options {
	const char *path;	    /* FILE; it is written as FILE.partial until it ended well */
	const char *const *command; /* the app's argv, NULL-terminated; secrets are masked here */
	size_t queue_bytes;	    /* 0: the default, 32 MiB */
	void (*drained)(void *context); /* the queue was full and has room again */
	void *drained_context;
};

struct writer_summary {
	uint64_t exchanges;  /* opened */
	uint64_t unfinished; /* not closed, cut or suspended */
	uint64_t errors;     /* whose outcome is an error */
	uint64_t connections;
	uint64_t opaque; /* connections */
	uint64_t statements;
	uint64_t flagged;	   /* exchanges with a flag that says something is not stored */
	uint64_t bytes;		   /* of the file */
	uint64_t queue_bytes_most; /* the most that waited */
};

/*
 * Creates FILE.partial exclusively and starts the thread. 0, or -errno with a sentence for people in `ret_error`:
 * -EEXIST when FILE.partial exists (another recorder, or one that was killed: the text says which and what to do).
 */
MUST_CHECK int writer_open(const struct writer_options *options, struct writer **ret_writer,
			   char ret_error[STORE_ERROR_BYTES]);

/*
 * Lanes and turns of queue.h, for workers that run side by side: a new lane for the list, before any thread runs; and on the list's thread.
 * Whoever has none of them pushes in the order in which things happened.
 */
void writer_add_lane(struct writer *writer, struct item_list *items);
void writer_begin_turn(struct writer *writer, struct item_list *items);
void writer_end_turn(struct writer *writer, const struct item_list *items);
/* Takes over all items of the list; any thread. The list is empty afterwards. */
void writer_push(struct writer *writer, struct item_list *items);
/* Somebody waits for what was pushed to be written; any thread. */
void writer_hurry(struct writer *writer);
/* Should the caller pause reading? Any thread; one relaxed load. */
bool writer_full(const struct writer *writer);
/* The error that ended recording, or NULL; any thread. Valid until writer_close(). */
const char *writer_failed(const struct writer *writer);

/*
 * Writes what is left, makes the indexes, marks the recording complete (incomplete_reason NULL) or incomplete,
 * takes it out of WAL mode and renames it over FILE; an incomplete one is renamed too. After a failure the
 * .partial stays where it is. Stops the thread and frees the writer. 0, or -errno with a sentence in `ret_error`.
 */
MUST_CHECK int writer_close(struct writer *writer, const char *incomplete_reason,
			    struct writer_summary *ret_summary, char ret_error[STORE_ERROR_BYTES]);

/* Leaves the file as a killed recorder would: for tests and for the shell's panic path. */
void writer_abandon(struct writer *writer);
/* There is no recording: removes what was written. */
void writer_discard(struct writer *writer);

#endif
