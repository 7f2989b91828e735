/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tapes: the bytes of a conversation by side, and what must come out of them (tests/fixtures/<protocol>/ *.tape).
 *
 *	# a comment
 *	client Q "select 1" 00		a message: type, then its body; the length is made
 *	server D i16:1 i32:1 "1"	"text" with \n \r \" \\ , hex bytes, i16: i32: big-endian numbers,
 *					le16: le32: le64: little-endian ones,
 *					rep:1000:78 is a word 1000 times
 *	client - i16:3 i16:0 ...	a message without a type: start-up
 *	client #0 03 "select 1"		MySQL: a packet, with its sequence
 *	server raw 4e			bytes as they are, without a frame
 *	server end			this side ended in order
 *	end				the connection ends here
 *	---
 *	expected items, one a line
 */
#ifndef MOCKPROXY_TEST_TAPE_H
#define MOCKPROXY_TEST_TAPE_H

#include "parsers/buffer.h"
#include "parsers/protocol.h"

#define TAPE_MOVES_MAX 512

struct tape_move {
	enum side side;
	bool ends; /* behind its bytes the side ended */
	struct buffer bytes;
};

struct tape {
	char *path;
	char *text;	  /* of the whole file */
	size_t head_size; /* up to and with "---\n" */
	struct tape_move
		moves[TAPE_MOVES_MAX]; /* messages of one side that follow each other are one */
	size_t n_moves;
	bool ends;
};

/* Reads a tape; false, with a line on stderr, when it is none. */
bool tape_read(struct tape *tape, const char *path);
void tape_release(struct tape *tape);

/* How the moves are cut: all bytes of a move at once, one by one, or in two at `cut` bytes of all moves together. */
#define TAPE_WHOLE 0
#define TAPE_BYTE_BY_BYTE SIZE_MAX
size_t tape_bytes(const struct tape *tape);
/* Runs the protocol's recorder over it; each slice ends at a page that cannot be read. Appends the items as text. */
void tape_record(const struct tape *tape, const struct protocol *protocol, size_t cut,
		 struct buffer *text);

/*
 * The items themselves, added to `items`; with checksums where `checksum` says so and the protocol makes them. Why the recorder gave up, or
 * NULL.
 */
const char *tape_items(const struct tape *tape, const struct protocol *protocol, size_t cut,
		       bool checksum, struct item_list *items);

/*
 * All tapes of a folder: whole, byte by byte and at every cut each gives the items that it says; bytes changed are survived. False, with a
 * line on stderr, when one does not, or when there are fewer than `least`.
 */
bool tapes_hold(const char *pattern, const struct protocol *protocol, size_t least);

/* Compares with the expected part, or rewrites it when UPDATE is set in the environment; false when it differs. */
bool tape_expect(const struct tape *tape, struct slice text);

#endif
