/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast-path calls (documentation, 55.2.5 "Function Call"): a FunctionCall as a statement with parameters, so that it has an identity
 * and people can read it. It is written as
 *
 *	function call lo_open($1, $2)		function call "oid 16385"($1)
 *
 * by the function's name where every server has it under that oid (the large objects' functions), and then the types of its arguments
 * and of its result are known too.
 */
#ifndef MOCKPROXY_POSTGRES_FUNCTION_H
#define MOCKPROXY_POSTGRES_FUNCTION_H

#include "parsers/arena.h"
#include "parsers/buffer.h"
#include "parsers/item.h"

/* The protocol counts them in 16 bits, and a server has fewer (FUNC_MAX_ARGS). */
#define PG_CALL_ARGUMENTS_MAX 100

struct pg_call {
	struct slice text;
	const struct parameter *arguments;
	size_t n;
	struct slice name;    /* the result's column */
	uint32_t type;	      /* of the result; 0: not known */
	uint16_t result_form; /* that was asked for */
};

/* Reads a FunctionCall's body, from which the arguments borrow; all else lies in the arena. False when it is malformed. */
bool pg_call_read(struct slice body, struct arena *arena, struct pg_call *ret_call);
/* A RowDescription of the result's one column. */
void pg_call_columns(const struct pg_call *call, struct buffer *columns);

#endif
