/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL framing: bytes to messages (documentation, chapter "Frontend/Backend Protocol", 55.2 and 55.7).
 *
 *	| type (1) | length (4, itself included) | body |        every message but the first of a client
 *	           | length (4, itself included) | body |        StartupMessage, SSLRequest, CancelRequest, ...
 *
 * A framer pulls messages out of bytes that come in any cut. A message whose body is at most `whole_max` comes
 * whole: borrowed from the input when it lies there in one piece, else from the framer's own buffer, and valid
 * until the next call. A larger one comes as FRAME_BEGIN, FRAME_BYTES..., the last of them with `last` set.
 */
#ifndef MOCKPROXY_POSTGRES_WIRE_H
#define MOCKPROXY_POSTGRES_WIRE_H

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/cursor.h"
#include "parsers/frame.h"
#include "parsers/protocol.h"

#define PG_PROTOCOL(major, minor) ((uint32_t)(major) << 16 | (minor))
#define PG_SSL_REQUEST 80877103
#define PG_GSSENC_REQUEST 80877104
#define PG_CANCEL_REQUEST 80877102

/* The server's own limit for what comes before a login (MAX_STARTUP_PACKET_LENGTH). */
#define PG_STARTUP_MAX 10000
/* A request is held whole up to here: text, parameters. Larger ones are relayed, flagged and not stored. */
#define PG_REQUEST_MAX ((size_t)64 << 20)
/* A row is held whole up to here; a larger one is taken apart as it comes. */
#define PG_ROW_MAX ((size_t)128 << 10)
/* Everything else that a server says, such as an error with its texts. */
#define PG_ANSWER_MAX ((size_t)16 << 20)

enum pg_next { PG_EVENT, PG_MORE, PG_ERROR };

struct pg_frame {
	uint8_t type;	    /* 0: a startup message */
	uint8_t part;	    /* enum frame_part */
	bool last;	    /* FRAME_BYTES: the body ends here */
	uint32_t body_size; /* of the whole message */
	struct slice body;
};

struct pg_framer {
	bool server;	   /* whose messages these are */
	bool startup;	   /* the next message has no type */
	const char *error; /* sticky; static text */
	uint8_t header[5];
	uint8_t header_size;
	bool in_body;
	bool streaming;
	struct pg_frame frame;
	size_t body_left;
	struct buffer body; /* of a message that came in pieces */
};

/* A client's framer begins with a startup message; a server's does not. */
void pg_framer_init(struct pg_framer *framer, bool server);
void pg_framer_release(struct pg_framer *framer);
/* Takes bytes off the front of `input`: PG_EVENT with a frame, PG_MORE when the input is used up, PG_ERROR (sticky,
 * framer->error says why). */
enum pg_next pg_framer_next(struct pg_framer *framer, struct slice *input,
			    struct pg_frame *ret_frame);

/* Writing: pg_message_end() fills in the length. `at` is what pg_message_begin() gave. */
size_t pg_message_begin(struct buffer *out, uint8_t type);
void pg_message_end(struct buffer *out, size_t at);

/* Error and notice fields: their letters and the names that people read (chapter 55.8). */
struct slice pg_field_name(uint8_t letter); /* "severity", ...; empty when unknown */
uint8_t pg_field_letter(struct slice name); /* 0 when unknown; "field_x" is x */

/* The protocol's table (protocol.c), and its parts. */
extern const struct protocol postgres_protocol;

int pg_columns_read(struct slice raw, struct column *ret_columns, size_t max, size_t *ret_n);
int pg_message_read(struct slice raw, struct message_field *ret_fields, size_t max, size_t *ret_n);
int pg_completion_read(struct slice raw, struct completion *ret_completion);
/* What stands for a Describe of a cursor that SQL declared: DESCRIBE CURSOR "name". */
void pg_cursor_text(struct slice name, struct buffer *text);
/* The name that a canonical statement ends with, as DEALLOCATE's does: decoded, in the text or the arena. */
struct slice pg_last_name(struct slice canonical, struct arena *arena);
/* The next parameter of a startup message, behind its code; false at the end: cursor_done() says whether it was whole. */
bool pg_startup_next(struct cursor *cursor, struct slice *ret_name, struct slice *ret_value);
/* Does a startup parameter "replication" of this value ask for it? */
bool pg_wants_replication(struct slice value);
/* The SQLSTATE of raw error fields, or an empty slice. */
struct slice pg_error_code(struct slice raw);

enum recognised pg_recognise(struct slice client_bytes);
struct handshake_step pg_handshake(enum side side, struct slice bytes, struct buffer *edited);

struct recorder *pg_recorder_new(uint64_t connection);
void pg_recorder_free(struct recorder *recorder);
void pg_recorder_checksum(struct recorder *recorder);
int pg_recorder_see(struct recorder *recorder, enum side side, struct slice bytes, int64_t time_ns,
		    struct item_list *items, const char **ret_why);
void pg_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items);
void pg_recorder_broken(struct recorder *recorder, enum side side);
void pg_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items);

bool pg_checksum(const struct answers *answers, const struct answer *answer,
		 struct checksum *ret_checksum);

struct replayer *pg_replayer_new(const struct answers *answers, uint64_t connection);
void pg_replayer_free(struct replayer *replayer);
int pg_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why);
enum replay_state pg_replayer_fill(struct replayer *replayer, struct buffer *out);
int64_t pg_replayer_wait(const struct replayer *replayer);
void pg_replayer_tell(struct replayer *replayer, const struct answer_aside *aside);

#endif
