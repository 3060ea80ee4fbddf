// SPDX-License-Identifier: Apache-2.0
#include "syntax.h"

#include <ctype.h>

/*
 * String literals: '…' "…" with the prefixes b, r and u, on one line. What
 * \N{…} and f'…' would need is not here.
 */

struct literal {
	struct lg_parser *p;
	struct hs_text out;
	size_t i; /* next byte of the line */
	bool raw, bytes;
};

/* A lone surrogate is kept in three bytes: a program's text may hold one. */
static void add_code_point(struct hs_text *t, uint32_t c)
{
	if (c < 0x80) {
		hs_text_addc(t, (char)c);
	} else if (c < 0x800) {
		hs_text_addc(t, (char)(0xc0 | c >> 6));
		hs_text_addc(t, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		hs_text_addc(t, (char)(0xe0 | c >> 12));
		hs_text_addc(t, (char)(0x80 | (c >> 6 & 0x3f)));
		hs_text_addc(t, (char)(0x80 | (c & 0x3f)));
	} else {
		hs_text_addc(t, (char)(0xf0 | c >> 18));
		hs_text_addc(t, (char)(0x80 | (c >> 12 & 0x3f)));
		hs_text_addc(t, (char)(0x80 | (c >> 6 & 0x3f)));
		hs_text_addc(t, (char)(0x80 | (c & 0x3f)));
	}
}

static void add_value(struct literal *l, uint32_t c)
{
	if (l->bytes)
		hs_text_addc(&l->out, (char)c);
	else
		add_code_point(&l->out, c);
}

static struct hs_err *hex_escape(struct literal *l, int digits)
{
	const char *s = l->p->line + l->i;
	uint32_t v = 0;

	for (int k = 0; k < digits; k++) {
		int c = tolower((unsigned char)s[k]);

		if (!isxdigit(c))
			return lg_syntax(l->i - 2, "\\%c needs %d hex digits",
					 s[-1], digits);
		v = v << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	if (v > 0x10ffff)
		return lg_syntax(l->i - 2, "no such character: \\U%08x", v);
	l->i += (size_t)digits;
	add_value(l, v);
	return NULL;
}

static void octal_escape(struct literal *l)
{
	uint32_t v = 0;

	for (int k = 0; k < 3; k++) {
		char c = l->p->line[l->i];

		if (c < '0' || c > '7')
			break;
		v = v << 3 | (uint32_t)(c - '0');
		l->i++;
	}
	add_value(l, l->bytes ? v & 0xff : v);
}

/* After a backslash; l->i is on the byte that follows it. */
static struct hs_err *escape(struct literal *l)
{
	static const char plain[] = "\\'\"abfnrtv";
	static const char meant[] = "\\'\"\a\b\f\n\r\t\v";
	char c = l->p->line[l->i];
	const char *at = c ? strchr(plain, c) : NULL;

	if (at) {
		hs_text_addc(&l->out, meant[at - plain]);
		l->i++;
		return NULL;
	}
	if (c >= '0' && c <= '7') {
		octal_escape(l);
		return NULL;
	}
	l->i++;
	if (c == 'x')
		return hex_escape(l, 2);
	if (!l->bytes && c == 'u')
		return hex_escape(l, 4);
	if (!l->bytes && c == 'U')
		return hex_escape(l, 8);
	if (!l->bytes && c == 'N')
		return lg_syntax(l->i - 2,
				 "\\N{…} is not known here: use \\uXXXX");
	hs_text_addc(&l->out, '\\');
	hs_text_addc(&l->out, c);
	return NULL;
}

static struct hs_err *body(struct literal *l, char quote)
{
	const char *line = l->p->line;
	struct hs_err *err = NULL;

	while (!err && l->i < l->p->n && line[l->i] != quote) {
		if (line[l->i] != '\\' || l->i + 1 >= l->p->n) {
			hs_text_addc(&l->out, line[l->i++]);
			continue;
		}
		l->i++;
		if (!l->raw) {
			err = escape(l);
			continue;
		}
		hs_text_addc(&l->out, '\\');
		hs_text_addc(&l->out, line[l->i++]);
	}
	if (!err && l->i >= l->p->n)
		err = lg_syntax(l->p->tok.at, "string without its end %c",
				quote);
	return err;
}

struct hs_err *lg_lex_string(struct lg_parser *p, size_t prefix)
{
	struct lg_token *t = &p->tok;
	struct literal l = { .p = p, .i = t->at + prefix + 1 };
	struct hs_err *err;

	for (size_t k = 0; k < prefix; k++) {
		int c = tolower((unsigned char)p->line[t->at + k]);

		if (c == 'f')
			return lg_syntax(t->at, "f'…' would run code");
		l.raw |= c == 'r';
		l.bytes |= c == 'b';
	}
	err = body(&l, p->line[t->at + prefix]);
	if (!err) {
		t->kind = l.bytes ? LG_T_RAW : LG_T_TEXT;
		t->n = l.out.len;
		t->s = lg_keep(p->arena, hs_text_str(&l.out), l.out.len);
		t->end = l.i + 1;
	}
	hs_text_deinit(&l.out);
	return err;
}
