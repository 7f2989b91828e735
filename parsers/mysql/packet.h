/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in MySQL's and MariaDB's packets: reading and writing payloads (the framer and my_packet_begin/end are about what is
 * around them). Readers give false when the bytes are not what they should be; slices borrow from the payload. Writers
 * append a payload and trust what they are given.
 */
#ifndef MOCKPROXY_MYSQL_PACKET_H
#define MOCKPROXY_MYSQL_PACKET_H

#include "parsers/mysql/wire.h"

/* The server's first packet, version 10. */
struct my_greeting {
	struct slice version;
	uint32_t thread;
	uint64_t
		capabilities; /* MariaDB's extended ones are there only when MY_CLIENT_MYSQL is clear */
	uint8_t collation;
	uint16_t status;
	struct slice nonce_first; /* 8 bytes */
	struct slice nonce_rest;  /* 12 and more, without the NUL behind them */
	struct slice plugin;
};
bool my_greeting_read(struct slice payload, struct my_greeting *ret_greeting);
void my_greeting_write(struct buffer *out, const struct my_greeting *greeting);

/* Of a collation's number; empty when unknown. */
struct slice my_charset_name(uint16_t collation);

/* HandshakeResponse41; an SSLRequest is its first 32 bytes alone. */
#define MY_SSL_REQUEST_SIZE 32
struct my_login {
	uint64_t capabilities;
	uint32_t max_packet;
	uint8_t collation;
	struct slice user;
	struct slice answer; /* to the nonce: secret */
	struct slice database;
	struct slice plugin;
	struct slice attributes; /* see my_attribute_next() */
	uint8_t zstd_level;
};
bool my_login_read(struct slice payload, struct my_login *ret_login);
void my_login_write(struct buffer *out, const struct my_login *login);
/* The next of the connect attributes; false at their end: cursor_done() says whether they were whole. */
bool my_attribute_next(struct cursor *attributes, struct slice *ret_name, struct slice *ret_value);

/* COM_CHANGE_USER, with its first byte. */
struct my_change_user {
	struct slice user;
	struct slice answer; /* secret */
	struct slice database;
	uint16_t collation; /* 0: not said */
	struct slice plugin;
	struct slice attributes;
};
bool my_change_user_read(struct slice payload, uint64_t capabilities,
			 struct my_change_user *ret_change);
/* What it asks, as it is recorded where it is refused. */
void my_change_user_text(struct buffer *text, struct slice user, struct slice database);
/* A name in backticks. */
void my_name_append(struct buffer *text, struct slice name);

/* OK, with 0x00, or with 0xfe behind rows. */
struct my_ok {
	uint64_t affected;
	uint64_t insert_id;
	uint16_t status;
	uint16_t warnings;
	struct slice info;
	struct slice changes; /* of the session's state: see my_change_next() */
};
bool my_ok_read(struct slice payload, uint64_t capabilities, struct my_ok *ret_ok);
/* SESSION_STATE_CHANGED in the status says whether `changes` are there. */
void my_ok_write(struct buffer *out, uint8_t header, uint64_t capabilities, const struct my_ok *ok);

enum my_change {
	MY_CHANGE_VARIABLE, /* data: lenenc name, lenenc value, maybe more of them */
	MY_CHANGE_SCHEMA,   /* lenenc name */
	MY_CHANGE_STATE,    /* "1", without a length */
	MY_CHANGE_GTIDS,    /* one byte, lenenc text */
	MY_CHANGE_CHARACTERISTICS,
	MY_CHANGE_TRANSACTION, /* lenenc, 8 letters */
};
/* The next change; false at the end: cursor_done() says whether they were whole. */
bool my_change_next(struct cursor *changes, uint8_t *ret_type, struct slice *ret_data);
/* PIECE_STATUS's names for changes that are no variables: "@schema"; empty when unknown. */
struct slice my_change_name(uint8_t type);
/* PIECE_STATUS's names for what is no change: the file that the client was asked for, and the warnings that the EOF behind columns counts. */
#define MY_NOTE_INFILE SLICE("@local_infile")
#define MY_NOTE_COLUMNS_WARNINGS SLICE("@columns_warnings")

struct my_err {
	uint16_t code;
	struct slice state; /* five characters, or empty: before a login it is not said */
	struct slice message;
};
bool my_err_read(struct slice payload, struct my_err *ret_err);
void my_err_write(struct buffer *out, const struct my_err *err);
/* PIECE_ERROR's bytes, as message_read() reads them: the code in five digits, the state in five characters (blanks: not
 * said), the message. */
#define MY_ERROR_PIECE_CODE 5
#define MY_ERROR_PIECE_MAX 16 /* so much more than the packet at most */
void my_error_piece_write(struct buffer *out, const struct my_err *err);
bool my_error_piece_read(struct slice raw, struct my_err *ret_err);

/* 0xfe and less than 9 bytes. */
bool my_is_eof(struct slice payload);
bool my_eof_read(struct slice payload, uint16_t *ret_warnings, uint16_t *ret_status);
void my_eof_write(struct buffer *out, uint16_t warnings, uint16_t status);

/* A column definition's payload, as PROTOCOL_41 has it; `extended`: with MariaDB's extended metadata. */
bool my_column_read(struct slice payload, bool extended, struct column *ret_column);
void my_column_write(struct buffer *out, const struct column *column, bool extended);

/*
 * PIECE_COLUMNS's bytes: one byte, the form of the values (enum parameter_form), one byte whose bit 0 says that extended metadata is in
 * the definitions, and for each column an u32be length and its definition's payload.
 */
struct my_columns {
	struct cursor cursor;
	uint8_t form;
	bool extended;
};
struct my_columns my_columns_of(struct slice raw);
/* The next definition; false at the end: cursor_done(&columns->cursor) says whether they were whole. */
bool my_columns_next(struct my_columns *columns, struct slice *ret_payload);

/* The answer to COM_STMT_PREPARE, without the definitions behind it. */
struct my_prepared {
	uint32_t statement;
	uint16_t columns;
	uint16_t parameters;
	uint16_t warnings;
	bool metadata; /* the definitions follow (OPTIONAL_METADATA may leave them out) */
};
bool my_prepared_read(struct slice payload, uint64_t capabilities,
		      struct my_prepared *ret_prepared);
void my_prepared_write(struct buffer *out, uint64_t capabilities,
		       const struct my_prepared *prepared);

#endif
