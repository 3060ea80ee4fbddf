/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The syntax of a line: tokens, tree, parser. Private to core/lang.
 *
 * A line is at most LG_MAX_LINE bytes and a tree at most LG_MAX_DEPTH deep, so
 * everything behind the parser may recurse on the tree.
 */
#ifndef LG_SYNTAX_H
#define LG_SYNTAX_H

#include "arena.h"
#include "lang.h"
#include "text.h"

enum {
	LG_MAX_LINE = 1 << 20,	/* bytes */
	LG_MAX_DEPTH = 200,	/* levels of the tree, and of parentheses */
	LG_MAX_ITEMS = 10000,	/* arguments of a call, items of a tuple */
};

/* --- tokens --------------------------------------------------------------- */

enum lg_token_kind {
	LG_T_END, LG_T_NAME, LG_T_INT, LG_T_FLOAT, LG_T_TEXT, LG_T_RAW,
	LG_T_ADDRESS, LG_T_OP,
};

enum lg_op {
	LG_OP_NONE,
	/* binary, in the order of precedence */
	LG_OP_EQ, LG_OP_NE, LG_OP_LT, LG_OP_LE, LG_OP_GT, LG_OP_GE, LG_OP_IN,
	LG_OP_NOT_IN,
	LG_OP_OR, LG_OP_XOR, LG_OP_AND, LG_OP_SUB,
	/* the others */
	LG_OP_INVERT, LG_OP_ASSIGN, LG_OP_LPAR, LG_OP_RPAR, LG_OP_LBRACK,
	LG_OP_RBRACK, LG_OP_DOT, LG_OP_COMMA, LG_OP_COLON, LG_OP_AT,
	/* not of this language: each has its sentence */
	LG_OP_FOREIGN,
};

struct lg_token {
	enum lg_token_kind kind;
	enum lg_op op;
	size_t at, end;		/* bytes of the line; end exclusive */
	bool blank;		/* a blank comes before it */
	uint64_t number;	/* INT, ADDRESS */
	double real;		/* FLOAT */
	const char *s;		/* NAME, TEXT, RAW: n bytes, then a NUL */
	size_t n;
};

/* --- the tree ------------------------------------------------------------- */

enum lg_node_kind {
	LG_N_NONE, LG_N_BOOL, LG_N_INT, LG_N_FLOAT, LG_N_TEXT, LG_N_RAW,
	LG_N_ADDRESS,
	LG_N_NAME,		/* s; program: @name */
	LG_N_LAST,		/* _ */
	LG_N_RESULT,		/* _3: number */
	LG_N_TUPLE,		/* items */
	LG_N_NEGATE, LG_N_INVERT,	/* a */
	LG_N_BINARY,		/* op, a, b */
	LG_N_ATTR,		/* a, s */
	LG_N_INDEX,		/* a, b */
	LG_N_SLICE,		/* a, from b to c step d; b c d may be NULL */
	LG_N_CALL,		/* a, items: of something that is not a verb */
	LG_N_VERB,		/* verb, items, options */
};

struct lg_node;
struct lg_option_node {
	const char *name, *op;
	struct lg_node *value;
	size_t at;		/* of the name */
};

/** One node; lives in the arena of its line. Unused members are 0. */
struct lg_node {
	enum lg_node_kind kind;
	enum lg_op op;
	unsigned depth;		/* 1 + the deepest below */
	bool program;		/* NAME: @name */
	bool grouped;		/* ( … ) around it */
	bool invoked;		/* CALL: not evaluated, an LG_ARG_CALL */
	size_t at, end;		/* bytes of the line */
	struct lg_node *a, *b, *c, *d;
	struct lg_node **items;
	size_t n_items;
	const struct lg_verb *verb;
	struct lg_option_node *options;
	size_t n_options;
	uint64_t number;
	double real;
	const char *s;		/* n bytes, then a NUL */
	size_t n;
};

/* --- parser --------------------------------------------------------------- */

struct lg_parser {
	const struct lg_session *s;	/* for its verbs */
	struct hs_arena *arena;
	const char *line;	/* n bytes, then a NUL */
	size_t n;
	size_t pos;		/* after tok */
	struct lg_token tok;	/* the next one, not yet taken */
	unsigned nest;		/* open parentheses and operators */
	bool tight;		/* an argument: a blank ends it */
	bool invoke;		/* the next call of a value is an LG_ARG_CALL */
};

/** A line, parsed. */
struct lg_line {
	const char *target;	/* of an assignment, or NULL */
	struct lg_node *expr;	/* NULL: nothing was typed */
};
/**
 * Parse a whole line. The tree lives in the arena and points into line, both
 * of which must outlive it. Errors are HS_ERR_USAGE with a column.
 */
struct hs_err *lg_parse(const struct lg_session *s, struct hs_arena *arena,
			const char *line, struct lg_line *ret) HS_MUST_USE;

/* lex.c */
/** Take the next token into p->tok. */
struct hs_err *lg_next(struct lg_parser *p) HS_MUST_USE;
/** Scan again from byte at. */
struct hs_err *lg_seek(struct lg_parser *p, size_t at) HS_MUST_USE;
bool lg_is_name_byte(char c);
bool lg_is_blank(char c);
/** Text of a binary operator: "&". */
const char *lg_op_text(enum lg_op op);
/** 1 (comparison) to 5 (-) by how it binds; 0 for what is not binary. */
int lg_op_binds(enum lg_op op);
/** n bytes that may hold NULs, and a NUL behind them, in the arena. */
const char *lg_keep(struct hs_arena *arena, const char *s, size_t n);
size_t lg_skip_blanks(const char *line, size_t at);
/** The sentence for something that other languages have and this has not. */
struct hs_err *lg_unexpected(const struct lg_token *tok) HS_MUST_USE;
bool lg_is_foreign(const char *word);
/** A syntax error at a byte of the line. */
struct hs_err *lg_syntax(size_t at, const char *fmt, ...) HS_PRINTF(2, 3)
	HS_MUST_USE;

/* string.c */
/** The string that begins at p->pos (prefix included) as p->tok. */
struct hs_err *lg_lex_string(struct lg_parser *p, size_t prefix) HS_MUST_USE;

/* parse.c */
struct hs_err *lg_enter(struct lg_parser *p) HS_MUST_USE;
static inline void lg_leave(struct lg_parser *p)
{
	p->nest--;
}
/** An expression, with every operator. */
struct hs_err *lg_parse_expr(struct lg_parser *p, struct lg_node **ret)
	HS_MUST_USE;
/** A primary with its postfixes. */
struct hs_err *lg_parse_postfix(struct lg_parser *p, struct lg_node **ret)
	HS_MUST_USE;
/** New node; its depth and span are set by lg_close_node. */
struct lg_node *lg_new_node(struct lg_parser *p, enum lg_node_kind kind,
			    size_t at);
/** Set depth and end; refuses a tree that is too deep. */
struct hs_err *lg_close_node(struct lg_node *node, size_t end) HS_MUST_USE;

/** Append to node->items. */
void lg_push_item(struct lg_parser *p, struct lg_node *node,
		  struct lg_node *item);

/* call.c */
/** Arguments up to and with ')': p->tok is the '('. */
struct hs_err *lg_parse_call(struct lg_parser *p, struct lg_node *call)
	HS_MUST_USE;
/** Arguments of the command form, up to the end of the line. */
struct hs_err *lg_parse_command(struct lg_parser *p, struct lg_node *call)
	HS_MUST_USE;
/**
 * The verb that begins at byte at of the line: the longest name. *end is the
 * byte after it. call: in the form track_diff(. NULL when there is none.
 */
const struct lg_verb *lg_verb_at(const struct lg_session *s, const char *line,
				 size_t at, size_t *end);
/** "info setup": the verbs of two words that begin with name. free(); NULL. */
char *lg_verbs_beginning(const struct lg_session *s, const char *name);
const struct lg_verb *lg_verb_named(const struct lg_session *s,
				    const char *name, size_t n);
/** Declared argument i of a verb (a repeated one for all that follow). */
const struct lg_arg *lg_verb_arg(const struct lg_verb *verb, size_t i);
const struct lg_arg *lg_verb_option(const struct lg_verb *verb,
				    const char *name);
#endif
