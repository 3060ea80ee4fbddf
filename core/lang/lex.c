// SPDX-License-Identifier: Apache-2.0
#include "syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

/*
 * Tokens are scanned one at a time, because what an argument is made of is the
 * verb's own choice: the parser scans a bare word itself (call.c).
 */

/* Longest first where one begins with another. */
static const struct {
	const char *text;
	enum lg_op op;
	int binds;
} ops[] = {
	{ "==", LG_OP_EQ, 1 },      { "!=", LG_OP_NE, 1 },
	{ "<=", LG_OP_LE, 1 },      { ">=", LG_OP_GE, 1 },
	{ "<<", LG_OP_FOREIGN, 0 }, { ">>", LG_OP_FOREIGN, 0 },
	{ "<", LG_OP_LT, 1 },       { ">", LG_OP_GT, 1 },
	{ "in", LG_OP_IN, 1 },      { "not in", LG_OP_NOT_IN, 1 },
	{ "|", LG_OP_OR, 2 },       { "^", LG_OP_XOR, 3 },
	{ "&&", LG_OP_FOREIGN, 0 }, { "&", LG_OP_AND, 4 },
	{ "-", LG_OP_SUB, 5 },      { "~", LG_OP_INVERT, 0 },
	{ "=", LG_OP_ASSIGN, 0 },   { "(", LG_OP_LPAR, 0 },
	{ ")", LG_OP_RPAR, 0 },     { "[", LG_OP_LBRACK, 0 },
	{ "]", LG_OP_RBRACK, 0 },   { ".", LG_OP_DOT, 0 },
	{ ",", LG_OP_COMMA, 0 },    { ":", LG_OP_COLON, 0 },
	{ "@", LG_OP_AT, 0 },       { "+", LG_OP_FOREIGN, 0 },
	{ "*", LG_OP_FOREIGN, 0 },  { "/", LG_OP_FOREIGN, 0 },
	{ "%", LG_OP_FOREIGN, 0 },  { "!", LG_OP_FOREIGN, 0 },
	{ "?", LG_OP_FOREIGN, 0 },
};

struct hs_err *lg_syntax(size_t at, const char *fmt, ...)
{
	struct hs_err *err;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	err = hs_err_new(HS_ERR_USAGE, "%s", text ? text : "syntax error");
	err->column = (int)at;
	free(text);
	return err;
}

bool lg_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** Letters of any script count: names are the program's, UTF-8. */
bool lg_is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *lg_op_text(enum lg_op op)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(ops); i++)
		if (ops[i].op == op)
			return ops[i].text;
	return "?";
}

int lg_op_binds(enum lg_op op)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(ops); i++)
		if (ops[i].op == op)
			return ops[i].binds;
	return 0;
}

const char *lg_keep(struct hs_arena *arena, const char *s, size_t n)
{
	char *copy = hs_arena_alloc(arena, n + 1);

	memcpy(copy, s, n);
	return copy;
}

static void set_text(struct lg_token *t, struct hs_arena *arena, const char *s,
		     size_t n)
{
	t->s = lg_keep(arena, s, n);
	t->n = n;
}

size_t lg_skip_blanks(const char *line, size_t at)
{
	while (lg_is_blank(line[at]))
		at++;
	return at;
}

/* The word that ends in a name byte and begins at from. */
static size_t name_end(const char *line, size_t from)
{
	while (lg_is_name_byte(line[from]))
		from++;
	return from;
}

/* "not" and, blanks later, "in": one operator. */
static bool lex_not_in(struct lg_parser *p)
{
	size_t i = lg_skip_blanks(p->line, p->tok.end);

	if (name_end(p->line, i) - i != 2 || strncmp(p->line + i, "in", 2))
		return false;
	p->tok.kind = LG_T_OP;
	p->tok.op = LG_OP_NOT_IN;
	p->tok.end = i + 2;
	return true;
}

static struct hs_err *lex_name(struct lg_parser *p)
{
	struct lg_token *t = &p->tok;

	t->kind = LG_T_NAME;
	t->end = name_end(p->line, t->at);
	set_text(t, p->arena, p->line + t->at, t->end - t->at);
	if (!strcmp(t->s, "in")) {
		t->kind = LG_T_OP;
		t->op = LG_OP_IN;
	} else if (!strcmp(t->s, "not")) {
		lex_not_in(p);
	}
	return NULL;
}

/* Digits of a base, '_' between them: 1_000. */
static struct hs_err *digits(const struct lg_parser *p, size_t from, size_t to,
			     unsigned base, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = from; i < to; i++) {
		int c = tolower((unsigned char)p->line[i]);
		unsigned d = c >= 'a' ? (unsigned)(c - 'a' + 10)
				      : (unsigned)(c - '0');

		if (c == '_' && i > from && i + 1 < to)
			continue;
		if (!isalnum(c) || d >= base)
			return lg_syntax(p->tok.at, "not a number: %.*s",
					 (int)(to - p->tok.at),
					 p->line + p->tok.at);
		if (hs_mul_overflows(v, base, &v) || hs_add_overflows(v, d, &v))
			return lg_syntax(p->tok.at,
					 "number beyond 64 bits: %.*s",
					 (int)(to - p->tok.at),
					 p->line + p->tok.at);
	}
	if (from == to)
		return lg_syntax(p->tok.at, "number without digits");
	*ret = v;
	return NULL;
}

static struct hs_err *lex_float(struct lg_parser *p, size_t end)
{
	struct lg_token *t = &p->tok;
	char *stop;

	t->kind = LG_T_FLOAT;
	t->end = end;
	set_text(t, p->arena, p->line + t->at, end - t->at);
	errno = 0;
	t->real = strtod(t->s, &stop);
	if (*stop)
		return lg_syntax(t->at, "not a number: %s", t->s);
	return NULL;
}

/* End of a number that has a point or an exponent, else of its digits. */
static size_t number_end(const char *s, size_t i, bool *is_float)
{
	while (is_digit(s[i]) || s[i] == '_')
		i++;
	if (s[i] == '.' && is_digit(s[i + 1])) {
		*is_float = true;
		for (i++; is_digit(s[i]); i++)
			;
	}
	if ((s[i] == 'e' || s[i] == 'E') &&
	    (is_digit(s[i + 1]) ||
	     ((s[i + 1] == '-' || s[i + 1] == '+') && is_digit(s[i + 2])))) {
		*is_float = true;
		for (i += 2; is_digit(s[i]); i++)
			;
	}
	return i;
}

static unsigned base_of(char c)
{
	switch (tolower((unsigned char)c)) {
	case 'x':
		return 16;
	case 'o':
		return 8;
	case 'b':
		return 2;
	default:
		return 10;
	}
}

static struct hs_err *lex_number(struct lg_parser *p)
{
	struct lg_token *t = &p->tok;
	unsigned base =
		p->line[t->at] == '0' ? base_of(p->line[t->at + 1]) : 10;
	bool is_float = false;
	size_t end = name_end(p->line, t->at);
	struct hs_err *err;

	if (base == 10)
		end = number_end(p->line, t->at, &is_float);
	if (name_end(p->line, end) != end)
		return hs_err_remedy(
			lg_syntax(t->at, "not a number: %.*s",
				  (int)(name_end(p->line, end) - t->at),
				  p->line + t->at),
			"sizes such as 64k are values of options: size>64k");
	if (is_float)
		return lex_float(p, end);
	t->kind = base == 16 ? LG_T_ADDRESS : LG_T_INT;
	t->end = end;
	err = digits(p, base == 10 ? t->at : t->at + 2, end, base, &t->number);
	if (!err && base != 16 && t->number > INT64_MAX)
		return lg_syntax(t->at, "number beyond 64 bits: %.*s",
				 (int)(end - t->at), p->line + t->at);
	return err;
}

static struct hs_err *lex_op(struct lg_parser *p)
{
	struct lg_token *t = &p->tok;

	for (size_t i = 0; i < HS_ARRAY_SIZE(ops); i++) {
		size_t n = strlen(ops[i].text);

		if (isalpha((unsigned char)ops[i].text[0]) ||
		    strncmp(p->line + t->at, ops[i].text, n))
			continue;
		t->kind = LG_T_OP;
		t->op = ops[i].op;
		t->end = t->at + n;
		set_text(t, p->arena, ops[i].text, n);
		return NULL;
	}
	if (isprint((unsigned char)p->line[t->at]))
		return lg_syntax(t->at, "'%c' has no meaning here",
				 p->line[t->at]);
	return lg_syntax(t->at, "byte 0x%02x has no meaning here",
			 (unsigned char)p->line[t->at]);
}

/* Bytes of a string's prefix (b, r, rb, u) before its quote, or -1. */
static int string_prefix(const char *s)
{
	int i = 0;

	while (i < 2 && s[i] && strchr("bBrRuUfF", s[i]))
		i++;
	return s[i] == '\'' || s[i] == '"' ? i : -1;
}

struct hs_err *lg_next(struct lg_parser *p)
{
	struct hs_err *err;
	const char *s;
	int prefix;

	p->tok = (struct lg_token){ 0 };
	while (p->pos < p->n && lg_is_blank(p->line[p->pos])) {
		p->tok.blank = true;
		p->pos++;
	}
	p->tok.at = p->tok.end = p->pos;
	s = p->line + p->pos;
	if (p->pos >= p->n || *s == '#')
		return NULL;
	prefix = string_prefix(s);
	if (prefix >= 0)
		err = lg_lex_string(p, (size_t)prefix);
	else if (is_digit(*s))
		err = lex_number(p);
	else if (lg_is_name_byte(*s))
		err = lex_name(p);
	else
		err = lex_op(p);
	p->pos = p->tok.end;
	return err;
}

struct hs_err *lg_seek(struct lg_parser *p, size_t at)
{
	p->pos = at;
	return lg_next(p);
}
