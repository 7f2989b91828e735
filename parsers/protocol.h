/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol is a const table of functions; parsers/<protocol>/protocol.c defines one. Adding a protocol is a
 * folder and a line in protocols[].
 *
 * Three parts: recognising and shaking hands (the only step that may answer by itself, design §3.1), recording
 * (bytes of both sides -> items), and replaying (bytes of a client -> bytes for it, with answers from
 * answers.h). None of them knows sockets, clocks or threads: the shell passes bytes and times in.
 */
#ifndef MOCKPROXY_PROTOCOL_H
#define MOCKPROXY_PROTOCOL_H

#include "parsers/answers.h"
#include "parsers/buffer.h"
#include "parsers/column.h"
#include "parsers/compiler.h"
#include "parsers/item.h"
#include "parsers/types.h"

enum side { SIDE_CLIENT, SIDE_SERVER };

enum recognised { RECOGNISED_NO, RECOGNISED_YES, RECOGNISED_MORE };

enum handshake_action {
	HANDSHAKE_MORE, /* not enough bytes yet: keep them */
	HANDSHAKE_SEND, /* take `consumed` bytes away, send `reply` back to who sent them, ask again */
	HANDSHAKE_FORWARD, /* take `consumed` bytes away, pass `reply` on in their place, ask again unless `done` */
	HANDSHAKE_DONE,	   /* nothing left to answer: relay everything from here on, as received */
	HANDSHAKE_REFUSED, /* this is not the protocol after all: relay opaque */
};

struct handshake_step {
	enum handshake_action action;
	size_t consumed;
	struct slice reply; /* static, or what the call wrote into `edited` */
	bool done; /* FORWARD: behind these bytes nothing is left to answer, on either side */
};

/* A part of a server's message about an error or a notice, as the store shows it: {"severity": "ERROR", ...}. */
struct message_field {
	struct slice name;
	struct slice value;
};
#define MESSAGE_FIELDS_MAX 32

struct recorder;
struct replayer;

/* What a replayer says of the work that is left (see replayer_fill). */
enum replay_state {
	REPLAY_IDLE, /* everything that was asked is answered */
	REPLAY_MORE, /* stopped at the buffer's limit: call again when it was sent */
	REPLAY_WAIT, /* send what is there, call again when replayer_wait() has passed; nothing is fed meanwhile */
	REPLAY_HOLD, /* the same, but the time is what it is, and may end sooner: behind replayer_tell(), when replayer_wait() is 0 */
	REPLAY_TUNNEL, /* send what is there; what follows is a connection of its own, see replayer_tunnel() */
	REPLAY_CLOSE, /* send what is there, then close */
	REPLAY_RESET, /* the same with a reset: what was recorded did not end in order */
};

struct protocol {
	const char *name;
	uint8_t dialect; /* enum sql_dialect; 0: not SQL */

	/* From the client's first bytes. MORE only while fewer than `recognise_max` bytes are there. */
	enum recognised (*recognise)(struct slice client_bytes);
	size_t recognise_max;
	/* In some protocols the server speaks first: from its first bytes, MORE as above. NULL: not in this one. */
	enum recognised (*recognise_server)(struct slice server_bytes);
	/*
	 * With a side's bytes that were not yet passed on. Bounded by `handshake_max` bytes. The recorder sees what was
	 * passed on. `edited` is empty and the caller's.
	 */
	struct handshake_step (*handshake)(enum side side, struct slice bytes,
					   struct buffer *edited);
	size_t handshake_max;
	/* Its client's bytes may be passed on before they are recognised: its handshake changes none. */
	bool recognised_late;

	/*
	 * Recording. see() takes all the bytes and adds the items that are ready; an error (negative errno) is
	 * final and *ret_why says it in a static text: the connection is opaque from there on. No bytes: the side ended
	 * in order, which for some is the end of a message.
	 * flush() emits what has been open since before `before_ns`, so that an unfinished exchange is in the file;
	 * end() emits the rest when the connection is gone.
	 */
	struct recorder *(*recorder_new)(uint64_t connection);
	void (*recorder_free)(struct recorder *recorder);
	MUST_CHECK int (*recorder_see)(struct recorder *recorder, enum side side,
				       struct slice bytes, int64_t time_ns, struct item_list *items,
				       const char **ret_why);
	void (*recorder_flush)(struct recorder *recorder, int64_t before_ns,
			       struct item_list *items);
	void (*recorder_end)(struct recorder *recorder, int64_t time_ns, struct item_list *items);
	/* Before end(): a side's connection was broken, not ended. NULL: it does not matter. */
	void (*recorder_broken)(struct recorder *recorder, enum side side);
	/*
	 * Where a connection may become a tunnel to another place, as behind an HTTP proxy's answer to CONNECT; NULL: nowhere.
	 * may_tunnel(), of all that the client says, one piece after the other: may what it says now ask for one? `*memory` is 0 at first,
	 * and the function's own. Until it is true span() and tunnel() need not be asked. span() is asked before bytes of the server are passed on: how many of them to pass and see before tunnel() is asked,
	 * which says whether what follows is a connection of its own, and to where. Valid until the recorder is freed.
	 */
	bool (*may_tunnel)(uint64_t *memory, struct slice client_bytes);
	size_t (*recorder_span)(const struct recorder *recorder, struct slice server_bytes);
	bool (*recorder_tunnel)(const struct recorder *recorder, struct slice *ret_host,
				uint16_t *ret_port);

	/*
	 * Checking what was recorded (record --verify). recorder_checksum(): from now on exchanges carry the checksum of the bytes that
	 * answered them: results and errors, not what the session itself adds. checksum(): the same of a stored one, as replay would encode
	 * it for a client that asks in the recorded form; false: it cannot be encoded. Both NULL: not checked.
	 */
	void (*recorder_checksum)(struct recorder *recorder);
	bool (*checksum)(const struct answers *answers, const struct answer *answer,
			 struct checksum *ret_checksum);

	/* Reading raw pieces for the store. -EINVAL when the bytes are not what they should be. */
	MUST_CHECK int (*columns_read)(struct slice raw, struct column *ret_columns, size_t max,
				       size_t *ret_n);
	MUST_CHECK int (*message_read)(struct slice raw, struct message_field *ret_fields,
				       size_t max, size_t *ret_n);
	struct slice (*type_name)(uint32_t type); /* of a built-in one */
	enum sql_kind (*type_kind)(const struct type_scope *scope, uint32_t type);
	/* Binary value to text, only where encoding the text gives the identical bytes: else -ENOTSUP/-EINVAL. */
	MUST_CHECK int (*value_to_text)(const struct type_scope *scope, uint32_t type,
					struct slice bytes, struct buffer *text);
	/*
	 * Where databases have types of their own: which results tell of them, and what a row does (parsers/postgres/catalogue.h).
	 * Both NULL: they have none.
	 */
	void (*types_places)(const struct column *columns, size_t n,
			     struct type_places *ret_places);
	size_t (*types_row)(const struct type_places *places, const struct type_row *row,
			    const struct sql_statement *statement, const struct sql_value *values,
			    struct arena *arena, struct type_entry ret_entries[TYPE_ROW_ENTRIES]);
	/* Reads what PIECE_TAG holds. -EINVAL when it is not what it should be. */
	MUST_CHECK int (*completion_read)(struct slice raw, struct completion *ret_completion);

	/*
	 * Replaying; replayer_new NULL: not of this protocol. Where the server speaks first, fill() is called before anything was fed. feed() takes all the bytes, and is called only when fill() last said REPLAY_IDLE; fill() appends answers to `out` until nothing is left to say or
	 * out->max is near, and tells which. A request is only answered in fill(), so that memory is bounded by
	 * what the client sent and not by what it asked for.
	 */
	/* What it calls answers.login() with: all that was asked for at login, or "user" alone, since the rest changes from run to run. */
	enum { LOGIN_NOT_TOLD, LOGIN_PARAMETERS, LOGIN_USER } tells_login;
	struct replayer *(*replayer_new)(const struct answers *answers, uint64_t connection);
	void (*replayer_free)(struct replayer *replayer);
	MUST_CHECK int (*replayer_feed)(struct replayer *replayer, struct slice bytes,
					const char **ret_why);
	enum replay_state (*replayer_fill)(struct replayer *replayer, struct buffer *out);
	/* Nanoseconds: REPLAY_WAIT's of the recorded time, only where answers->paced. NULL where neither is ever said. */
	int64_t (*replayer_wait)(const struct replayer *replayer);
	/*
	 * Where the connection leads from here on, and what the client has said already; valid until the next call. False: nowhere that
	 * is known. NULL where REPLAY_TUNNEL is never said.
	 */
	bool (*replayer_tunnel)(const struct replayer *replayer, struct slice *ret_host,
				uint16_t *ret_port, struct slice *ret_unread);
	/*
	 * Something that the client is to be told unasked: from another connection, or since its time has come. It is copied; fill()
	 * says it as soon as the protocol lets a server say it. NULL: not in this protocol.
	 */
	void (*replayer_tell)(struct replayer *replayer, const struct answer_aside *aside);
};

/* All protocols, ends with NULL. */
extern const struct protocol *const protocols[];
const struct protocol *protocol_by_name(struct slice name); /* NULL: none of that name */
/* May a client's bytes, of which it is not known yet what they are, be passed on and be recognised all the same? */
bool protocol_recognises_late(struct slice client_bytes);
/* The protocol whose first bytes of a side these are. NULL: none; with *ret_more: not known before more came. */
const struct protocol *protocol_recognise(enum side side, struct slice bytes, bool *ret_more);

#endif
