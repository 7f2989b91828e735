/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL and MariaDB framing: bytes to packets (MySQL internals manual "Client/Server Protocol", MariaDB knowledge base
 * "0-packet"); the numbers of the protocol; and what the protocol's files offer each other. packet.h reads and writes
 * what is in the packets, compression.h is the layer below the framer.
 *
 *	| length (3, little-endian) | sequence (1) | payload |
 *
 * A payload of 16777215 bytes goes on in the next packet, so that an exact multiple ends with an empty one. Here a packet is
 * all of that: what the manual calls a payload. The sequence counts packets of both sides from 0 for every command.
 *
 * A framer pulls packets out of bytes that come in any cut. A packet of at most `whole_max` bytes comes whole: borrowed from
 * the input when it lies there in one piece, else from the framer's own buffer, and valid until the next call. A larger
 * one comes as FRAME_BEGIN, FRAME_BYTES..., the last of them (it may be empty) with `last` set.
 */
#ifndef MOCKPROXY_MYSQL_WIRE_H
#define MOCKPROXY_MYSQL_WIRE_H

#include "parsers/buffer.h"
#include "parsers/compiler.h"
#include "parsers/cursor.h"
#include "parsers/frame.h"
#include "parsers/protocol.h"

#define MY_HEADER_SIZE ((size_t)4)
#define MY_SPLIT_SIZE ((size_t)0xffffff)

/* A login's packets are small; what a plugin sends (Kerberos tickets) is the largest. */
#define MY_LOGIN_MAX ((size_t)64 << 10)
/* A request is held whole up to here: text, parameters. Larger ones are relayed, flagged and not stored. */
#define MY_REQUEST_MAX ((size_t)64 << 20)
/* The shortest that a server may refuse before it has come, by its length alone; what such a request is called. */
#define MY_REFUSED_MIN ((size_t)64 << 10)
#define MY_ERROR_PACKET_TOO_LARGE 1153
void my_refused_text(struct buffer *text, uint64_t announced);
/* A row is held whole up to here; a larger one is taken apart as it comes. */
#define MY_ROW_MAX ((size_t)128 << 10)
/* Everything else that a server says. */
#define MY_ANSWER_MAX ((size_t)16 << 20)

/* ---- the numbers ---- */

/* Capabilities: bits 0 to 31 are those of both servers, 32 and up MariaDB's extended ones as it counts them. */
#define MY_CLIENT_MYSQL (1ull << 0) /* clear: a MariaDB that says extended capabilities */
#define MY_CLIENT_FOUND_ROWS (1ull << 1)
#define MY_CLIENT_LONG_FLAG (1ull << 2)
#define MY_CLIENT_CONNECT_WITH_DB (1ull << 3)
#define MY_CLIENT_NO_SCHEMA (1ull << 4)
#define MY_CLIENT_COMPRESS (1ull << 5)
#define MY_CLIENT_ODBC (1ull << 6)
#define MY_CLIENT_LOCAL_FILES (1ull << 7)
#define MY_CLIENT_IGNORE_SPACE (1ull << 8)
#define MY_CLIENT_PROTOCOL_41 (1ull << 9)
#define MY_CLIENT_INTERACTIVE (1ull << 10)
#define MY_CLIENT_SSL (1ull << 11)
#define MY_CLIENT_IGNORE_SIGPIPE (1ull << 12)
#define MY_CLIENT_TRANSACTIONS (1ull << 13)
#define MY_CLIENT_RESERVED (1ull << 14)
#define MY_CLIENT_SECURE_CONNECTION (1ull << 15)
#define MY_CLIENT_MULTI_STATEMENTS (1ull << 16)
#define MY_CLIENT_MULTI_RESULTS (1ull << 17)
#define MY_CLIENT_PS_MULTI_RESULTS (1ull << 18)
#define MY_CLIENT_PLUGIN_AUTH (1ull << 19)
#define MY_CLIENT_CONNECT_ATTRS (1ull << 20)
#define MY_CLIENT_PLUGIN_AUTH_LENENC (1ull << 21)
#define MY_CLIENT_EXPIRED_PASSWORDS (1ull << 22)
#define MY_CLIENT_SESSION_TRACK (1ull << 23)
#define MY_CLIENT_DEPRECATE_EOF (1ull << 24)
#define MY_CLIENT_OPTIONAL_METADATA (1ull << 25)
#define MY_CLIENT_ZSTD (1ull << 26)
#define MY_CLIENT_QUERY_ATTRIBUTES (1ull << 27)
#define MY_CLIENT_MULTI_FACTOR (1ull << 28)
#define MY_CLIENT_EXTENSION (1ull << 29)
#define MY_CLIENT_SSL_VERIFY (1ull << 30)
#define MY_CLIENT_REMEMBER_OPTIONS (1ull << 31)
#define MY_MARIADB_PROGRESS (1ull << 32)
#define MY_MARIADB_MULTI (1ull << 33)
#define MY_MARIADB_BULK (1ull << 34)
#define MY_MARIADB_EXTENDED_METADATA (1ull << 35)
#define MY_MARIADB_CACHE_METADATA (1ull << 36)
#define MY_MARIADB_BULK_UNIT_RESULTS (1ull << 37)
/*
 * What the decoder understands (bit 29 says that there is more); other bits are cleared on both sides. Rows of which a client
 * wants no definitions could not be read by anybody else, so that is not offered either.
 */
#define MY_CAPABILITIES_KNOWN                                                                     \
	((0xffffffffull & ~(MY_CLIENT_SSL | MY_CLIENT_EXTENSION | MY_CLIENT_OPTIONAL_METADATA)) | \
	 MY_MARIADB_PROGRESS | MY_MARIADB_BULK | MY_MARIADB_EXTENDED_METADATA |                   \
	 MY_MARIADB_CACHE_METADATA | MY_MARIADB_BULK_UNIT_RESULTS)

enum my_command {
	MY_COM_SLEEP = 0x00,
	MY_COM_QUIT = 0x01,
	MY_COM_INIT_DB = 0x02,
	MY_COM_QUERY = 0x03,
	MY_COM_FIELD_LIST = 0x04,
	MY_COM_CREATE_DB = 0x05,
	MY_COM_DROP_DB = 0x06,
	MY_COM_REFRESH = 0x07,
	MY_COM_SHUTDOWN = 0x08,
	MY_COM_STATISTICS = 0x09,
	MY_COM_PROCESS_INFO = 0x0a,
	MY_COM_PROCESS_KILL = 0x0c,
	MY_COM_DEBUG = 0x0d,
	MY_COM_PING = 0x0e,
	MY_COM_CHANGE_USER = 0x11,
	MY_COM_BINLOG_DUMP = 0x12,
	MY_COM_TABLE_DUMP = 0x13,
	MY_COM_REGISTER_SLAVE = 0x15,
	MY_COM_STMT_PREPARE = 0x16,
	MY_COM_STMT_EXECUTE = 0x17,
	MY_COM_STMT_SEND_LONG_DATA = 0x18,
	MY_COM_STMT_CLOSE = 0x19,
	MY_COM_STMT_RESET = 0x1a,
	MY_COM_SET_OPTION = 0x1b,
	MY_COM_STMT_FETCH = 0x1c,
	MY_COM_BINLOG_DUMP_GTID = 0x1e,
	MY_COM_RESET_CONNECTION = 0x1f,
	MY_COM_STMT_BULK_EXECUTE = 0xfa, /* MariaDB */
};

/* MariaDB: the statement that was prepared last. */
#define MY_STATEMENT_LAST 0xffffffffu

/* Of an EXECUTE's flags: a cursor is asked for. */
#define MY_EXECUTE_CURSOR 0x07

/* Server status flags. */
#define MY_STATUS_IN_TRANS 0x0001
#define MY_STATUS_AUTOCOMMIT 0x0002
#define MY_STATUS_MORE_RESULTS 0x0008
/* How a SELECT was executed; of a cursor's the answer to its EXECUTE says so, what is fetched does not. */
#define MY_STATUS_INDEXES 0x0030
#define MY_STATUS_CURSOR_EXISTS 0x0040
#define MY_STATUS_LAST_ROW_SENT 0x0080
#define MY_STATUS_NO_BACKSLASH_ESCAPES 0x0200
#define MY_STATUS_METADATA_CHANGED 0x0400
#define MY_STATUS_QUERY_WAS_SLOW 0x0800
#define MY_STATUS_PS_OUT_PARAMS 0x1000
#define MY_STATUS_IN_TRANS_READONLY 0x2000
#define MY_STATUS_SESSION_STATE_CHANGED 0x4000
#define MY_STATUS_ANSI_QUOTES 0x8000 /* MariaDB */

/* First bytes of what a server says. */
enum my_answer {
	MY_OK = 0x00,
	MY_AUTH_MORE = 0x01,
	MY_AUTH_NEXT_FACTOR = 0x02,
	MY_LOCAL_INFILE = 0xfb, /* also a null in a text row */
	MY_EOF = 0xfe,		/* also an OK behind rows, a switch of the authentication plugin */
	MY_ERR = 0xff,
};
/* The code of an ERR that is none: MariaDB's progress reports. */
#define MY_PROGRESS_CODE 0xffff

enum my_type {
	MY_TYPE_DECIMAL = 0,
	MY_TYPE_TINY = 1,
	MY_TYPE_SHORT = 2,
	MY_TYPE_LONG = 3,
	MY_TYPE_FLOAT = 4,
	MY_TYPE_DOUBLE = 5,
	MY_TYPE_NULL = 6,
	MY_TYPE_TIMESTAMP = 7,
	MY_TYPE_LONGLONG = 8,
	MY_TYPE_INT24 = 9,
	MY_TYPE_DATE = 10,
	MY_TYPE_TIME = 11,
	MY_TYPE_DATETIME = 12,
	MY_TYPE_YEAR = 13,
	MY_TYPE_NEWDATE = 14,
	MY_TYPE_VARCHAR = 15,
	MY_TYPE_BIT = 16,
	MY_TYPE_TIMESTAMP2 = 17,
	MY_TYPE_DATETIME2 = 18,
	MY_TYPE_TIME2 = 19,
	MY_TYPE_VECTOR = 242,
	MY_TYPE_JSON = 245,
	MY_TYPE_NEWDECIMAL = 246,
	MY_TYPE_ENUM = 247,
	MY_TYPE_SET = 248,
	MY_TYPE_TINY_BLOB = 249,
	MY_TYPE_MEDIUM_BLOB = 250,
	MY_TYPE_LONG_BLOB = 251,
	MY_TYPE_BLOB = 252,
	MY_TYPE_VAR_STRING = 253,
	MY_TYPE_STRING = 254,
	MY_TYPE_GEOMETRY = 255,
};
/* A type_id is the type byte, and this when it is unsigned. */
#define MY_TYPE_UNSIGNED 0x8000u
/* MariaDB's bulk parameters that have no value: the column's default, or the row's old value. */
#define MY_TYPE_BULK_DEFAULT 0xfe01u
#define MY_TYPE_BULK_IGNORE 0xfe02u

/* Column definition flags. */
#define MY_COLUMN_NOT_NULL 0x0001
#define MY_COLUMN_UNSIGNED 0x0020
#define MY_COLUMN_ZEROFILL 0x0040
#define MY_COLUMN_BINARY 0x0080

/* ---- integers and strings of a length that is said ---- */

/* 1, 3, 4 or 9 bytes. 0xfb (null) and 0xff are failures here. */
uint64_t my_read_lenenc(struct cursor *cursor);
struct slice my_read_lenenc_bytes(struct cursor *cursor);
void my_write_lenenc(struct buffer *out, uint64_t value);
void my_write_lenenc_bytes(struct buffer *out, struct slice bytes);

/*
 * The size of a binary value of this type (the unsigned bit is ignored): 0 for those of no bytes, MY_SIZE_LENENC when a
 * length stands before it, MY_SIZE_SHORT when one byte of length does (dates and times). -1: no such type.
 */
#define MY_SIZE_LENENC 100
#define MY_SIZE_SHORT 101
int my_type_size(uint32_t type);

/* ---- the framer ---- */

enum my_next { MY_EVENT, MY_MORE, MY_ERROR };

struct my_frame {
	uint8_t part;	  /* enum frame_part */
	bool last;	  /* FRAME_BYTES: the packet ends here */
	bool split;	  /* its first 16 MB are full: only then can a row begin with 0xfe */
	uint8_t sequence; /* of its last piece so far */
	struct slice body;
};

/* Any sequence is right. */
#define MY_SEQUENCE_ANY (-1)

struct my_framer {
	size_t whole_max; /* may be set between packets */
	int sequence; /* what the next packet must have, or MY_SEQUENCE_ANY; set it between packets */
	bool or_zero;	   /* ... or 0, of its first piece: set it with `sequence` */
	bool unordered;	   /* sequences are not checked at all: inside of compression they jump */
	const char *error; /* sticky; static text */
	uint8_t header[MY_HEADER_SIZE];
	uint8_t header_size;
	bool in_packet; /* a packet has begun and not ended */
	bool in_piece;	/* ... and its header is complete */
	bool full;	/* the piece has 16 MB: another follows */
	bool streaming;
	bool begun; /* FRAME_BEGIN was given out */
	struct my_frame frame;
	uint64_t
		announced; /* payload of the packet under way, or the last one, as its headers so far tell */
	size_t piece_left;
	struct buffer body; /* of a packet that came in pieces */
};

void my_framer_init(struct my_framer *framer, size_t whole_max);
void my_framer_release(struct my_framer *framer);
/* Is it between two packets? Then whole_max and sequence may be set. */
static inline bool my_framer_between(const struct my_framer *framer)
{
	return !framer->in_packet && !framer->header_size;
}
/* Takes bytes off the front of `input`: MY_EVENT with a frame, MY_MORE when the input is used up, MY_ERROR (sticky,
 * framer->error says why). */
enum my_next my_framer_next(struct my_framer *framer, struct slice *input,
			    struct my_frame *ret_frame);

/*
 * Writing a packet: its payload goes behind what my_packet_begin() appended; my_packet_end() fills the header in, splits a payload of 16 MB or more and
 * moves *sequence on. `at` is what my_packet_begin() gave.
 */
size_t my_packet_begin(struct buffer *out);
void my_packet_end(struct buffer *out, size_t at, uint8_t *sequence);
/* A header alone, for payloads that are written piece by piece: size <= MY_SPLIT_SIZE. */
void my_header_write(struct buffer *out, size_t size, uint8_t sequence);

/* ---- the protocol's table (protocol.c), and its parts ---- */

extern const struct protocol mysql_protocol;

/* message.c */
int my_columns_read(struct slice raw, struct column *ret_columns, size_t max, size_t *ret_n);
int my_message_read(struct slice raw, struct message_field *ret_fields, size_t max, size_t *ret_n);
int my_completion_read(struct slice raw, struct completion *ret_completion);
/* What completion_read() reads. */
void my_completion_write(struct buffer *out, const struct completion *completion);

/* handshake.c */
enum recognised my_recognise(struct slice client_bytes);
enum recognised my_recognise_server(struct slice server_bytes);
struct handshake_step my_handshake(enum side side, struct slice bytes, struct buffer *edited);

/* values.c */
struct slice my_type_name(uint32_t type);
enum sql_kind my_type_kind(uint32_t type);
int my_value_to_text(uint32_t type, struct slice bytes, struct buffer *text);
/* The same of forms that are longer than needed, too: to compare the value, not to make its bytes again. */
int my_value_show(uint32_t type, struct slice bytes, struct buffer *text);

struct recorder *my_recorder_new(uint64_t connection);
void my_recorder_free(struct recorder *recorder);
int my_recorder_see(struct recorder *recorder, enum side side, struct slice bytes, int64_t time_ns,
		    struct item_list *items, const char **ret_why);
void my_recorder_flush(struct recorder *recorder, int64_t before_ns, struct item_list *items);
void my_recorder_end(struct recorder *recorder, int64_t time_ns, struct item_list *items);
void my_recorder_broken(struct recorder *recorder, enum side side);

struct replayer *my_replayer_new(const struct answers *answers, uint64_t connection);
void my_replayer_free(struct replayer *replayer);
int my_replayer_feed(struct replayer *replayer, struct slice bytes, const char **ret_why);
enum replay_state my_replayer_fill(struct replayer *replayer, struct buffer *out);
int64_t my_replayer_wait(const struct replayer *replayer);
void my_replayer_tell(struct replayer *replayer, const struct answer_aside *aside);

#endif
