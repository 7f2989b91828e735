/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Template: the state of one sql_canonicalize() call, shared by canonical.c (the walk and the
 * text), operand.c (literals to slots) and place.c (which slots are compared). Nothing else
 * includes this.
 */
#ifndef MOCKPROXY_SQL_TEMPLATE_H
#define MOCKPROXY_SQL_TEMPLATE_H

#include "parsers/sql/type_name.h"
#include "parsers/sql/verb.h"

/* Deeper parentheses are written and counted, and nothing in them is compared. */
#define SQL_FRAMES_MAX 48

/* What an operand that came now would stand behind. */
enum sql_before {
	BEFORE_START,	   /* an expression begins here */
	BEFORE_COMPARISON, /* a comparison or assignment: its right side begins here */
	BEFORE_ELEMENT,	   /* an element of IN (...) or of an inserted row begins here */
	BEFORE_OPERATOR,   /* another operator: the operand is part of a larger expression */
	BEFORE_NOTHING,	   /* an operand was just here: no other can follow */
};

enum sql_frame_type {
	FRAME_GROUP, /* also arguments, subqueries and everything else */
	FRAME_CALL,
	FRAME_IN,  /* elements are compared */
	FRAME_ROW, /* elements are assigned or compared */
};

enum sql_between { BETWEEN_NO, BETWEEN_OPEN, BETWEEN_OPEN_BEHIND_SLOT };

/* One level of parentheses; the first is the statement itself. */
struct sql_frame {
	uint8_t type;	 /* enum sql_frame_type */
	uint8_t between; /* enum sql_between: its AND has not come yet */
	uint8_t tokens;	 /* how many, 2 is many */
	bool bare_slot;	 /* the last of them is a slot and nothing more */
	bool row;	 /* of FRAME_IN: its left side is a row, so its elements are */
	bool comma;
	bool slot;   /* one stands somewhere in it */
	bool insert; /* INSERT was seen: VALUES are assigned */
	bool limit;  /* MySQL: LIMIT came, and its comma did not */
	bool values; /* behind VALUES or one of its rows */
};

struct sql_template {
	const struct sql_options *options;
	struct arena *arena;
	struct sql_stream stream;
	const uint8_t *text; /* where it begins */

	uint8_t *out; /* the canonical text so far */
	size_t out_size;
	size_t out_capacity;
	bool glue;	   /* the next token is written without a space before it */
	size_t semicolons; /* not written yet: those at the end are nothing */

	struct sql_slot *slots;
	size_t n_slots;
	size_t slots_capacity;
	uint32_t placeholders;
	bool too_many; /* literals for slots of their own, see SQL_SLOTS_MAX */
	bool has_secret;
	bool may_follow; /* a word of follows.h came */

	struct sql_verb_state verb;
	/* What the last tokens were. */
	uint8_t last_type;   /* enum sql_token_type */
	uint8_t last_word;   /* enum sql_word of the last token, WORD_NONE when it was no keyword */
	uint8_t last_word_2; /* and of the one before */
	bool last_name;	     /* it may be a function's or a table's name */
	bool conninfo;	     /* a word came behind which strings may be connection strings */
	/* MySQL */
	bool variable;	 /* the last token was one, or a dot behind one */
	bool identified; /* IDENTIFIED came: strings behind BY, AS, USING and PASSWORD are secret */
	bool set_password; /* SET PASSWORD: what is assigned is secret */
	bool unit;	   /* INTERVAL came, and the unit behind its value did not */
	uint8_t folded[SQL_WORD_BYTES_MAX];

	/* place.c */
	uint8_t before;	    /* enum sql_before */
	bool left_bare;	    /* the last operand was a slot and nothing more */
	bool closed_row;    /* the last parenthesis closed a row without slots */
	bool left_compared; /* the last slot is compared unless its right side turns out to be a
			       slot */
	size_t depth;
	struct sql_frame frames[SQL_FRAMES_MAX];
};

/* canonical.c */
void sql_template_write(struct sql_template *template, struct slice text);
void sql_template_space(struct sql_template *template);

/* operand.c: each consumes what it made a slot of, and is false when it made none and consumed
 * nothing. */
void sql_operand_string(struct sql_template *template, const struct sql_token *token);
void sql_operand_number(struct sql_template *template, const struct sql_token *token,
			const uint8_t *start, bool negative);
void sql_operand_placeholder(struct sql_template *template, const struct sql_token *token);
bool sql_operand_keyword(struct sql_template *template, const struct sql_token *token,
			 enum sql_word word);
bool sql_operand_cast(struct sql_template *template, const struct sql_token *token);
bool sql_operand_constant(struct sql_template *template, const struct sql_token *token,
			  struct slice lower, struct sql_word_info info);
/* MySQL: {d '..'}, {t '..'} and {ts '..'}; the token is the brace. */
bool sql_operand_escape(struct sql_template *template, const struct sql_token *token);
/* The name of a cursor, decoded; it lies in the arena. */
void sql_operand_cursor(struct sql_template *template, const struct sql_token *token,
			struct slice name);
/* An unterminated literal behind PASSWORD: a secret slot takes its place. False: it is none. */
bool sql_operand_broken_secret(struct sql_template *template, const struct sql_token *token);

/* mysql.c: what a word is where it stands, and whether it is written in lower case. `lower` is empty
 * when it is too long to be looked up. */
struct sql_word_info sql_mysql_word(struct sql_template *template, struct slice text,
				    struct slice lower, bool *ret_folds);
/* Means the (decoded) name the same without quotes? */
bool sql_mysql_is_unquotable(const struct sql_template *template, struct slice name, bool variable);
/* A word passed behind which strings may be secret. */
void sql_mysql_see_secret(struct sql_template *template, uint8_t word);
/* Is a string that came now one? */
bool sql_mysql_is_secret_place(const struct sql_template *template);
/* Is a string that came now the name of a file of the client's? */
bool sql_mysql_is_file_place(const struct sql_template *template);
/* The type of a constant that the word and a string make; empty: they make none. */
struct slice sql_mysql_constant_type(struct sql_template *template, struct slice lower);

/*
 * place.c: called for each token, or each group that was written as one; the stream's next token is
 * the one behind it, and last_* still tell of what stands before it.
 */
void sql_place_word(struct sql_template *template, struct sql_word_info info);
void sql_place_name(struct sql_template *template);
void sql_place_operator(struct sql_template *template, struct slice text);
void sql_place_open(struct sql_template *template);
void sql_place_close(struct sql_template *template);
void sql_place_comma(struct sql_template *template);
void sql_place_variable(struct sql_template *template,
			struct slice text);		 /* MySQL's @x; behind the others */
void sql_place_bracket(struct sql_template *template);	 /* [ ; a ] is as a name */
void sql_place_statement(struct sql_template *template); /* another statement begins */
/* A slot stands here: is it compared? Its casts were read. */
bool sql_place_slot(struct sql_template *template);
/* Would a slot that ends here be compared? For the keywords that are slots only then. */
bool sql_place_is_compared(const struct sql_template *template);

#endif
