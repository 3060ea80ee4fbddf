/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"

void cpython_put(struct cpython_out *o, const char *s, uint64_t n)
{
	uint64_t room = o->len < o->cap ? o->cap - o->len : 0;

	if (room > 0)
		memcpy(o->buf + o->len, s, n < room ? n : room);
	o->len += n;
}

void cpython_puts(struct cpython_out *o, const char *s)
{
	cpython_put(o, s, strlen(s));
}

void cpython_putf(struct cpython_out *o, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		cpython_put(o, line, (size_t)n < sizeof(line)
					     ? (size_t)n : sizeof(line) - 1);
}

static int utf8_of(uint32_t c, char *buf)
{
	if (c < 0x80) {
		buf[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		buf[0] = (char)(0xc0 | c >> 6);
		buf[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		buf[0] = (char)(0xe0 | c >> 12);
		buf[1] = (char)(0x80 | (c >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | (c >> 18 & 7));
	buf[1] = (char)(0x80 | (c >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (c >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

void cpython_put_char(struct cpython_out *o, uint32_t c)
{
	char buf[4];

	cpython_put(o, buf, (uint64_t)utf8_of(c, buf));
}

static unsigned bits(uint32_t word, int from, int n)
{
	return from < 0 ? 0 : word >> from & ((1u << n) - 1);
}

/*
 * Compact strings keep their characters behind the structure; others point to
 * them; those of 3.8 to 3.11 that are not "ready" have them as wchar_t.
 * CPython 3.8-3.13, Include/cpython/unicodeobject.h, "There are 4 forms".
 */
bool cpython_str_open(const struct cpython_mem *m, uint64_t obj,
		      struct cpython_str *ret)
{
	const struct cpython_layout *l = m->lay;
	int64_t length = cpython_i64(m, obj, l->str_length, -1);
	uint32_t state = (uint32_t)cpython_i32(m, obj, l->str_state, 0);
	int kind = (int)bits(state, l->str_kind_bit, 3);

	if (!(cpython_flags_of(m, obj) & CPYTHON_TP_UNICODE))
		return false;
	if (kind == 0) {
		length = cpython_i64(m, obj, l->str_wstr_length, -1);
		ret->data = cpython_field(m, obj, l->str_wstr);
		kind = 4;
	} else if (!bits(state, l->str_compact_bit, 1)) {
		ret->data = cpython_field(m, obj, l->str_data);
	} else {
		ret->data = obj + (unsigned)(bits(state, l->str_ascii_bit, 1)
						     ? l->sizeof_str_ascii
						     : l->sizeof_str_compact);
	}
	ret->length = (uint64_t)length;
	ret->kind = kind;
	return length >= 0 && !(length >> 44) && kind != 3 && kind <= 4 &&
	       ret->data != 0;
}

uint32_t cpython_str_char(const struct cpython_mem *m,
			  const struct cpython_str *s, uint64_t i)
{
	uint32_t c = 0;

	// the machine is little-endian: probe() refuses others
	if (!cpython_copy(m, s->data + i * (unsigned)s->kind, &c,
			  (unsigned)s->kind) || c > 0x10ffff)
		return UINT32_MAX;
	return c;
}

bool cpython_str_equal(const struct cpython_mem *m, uint64_t obj,
		       const char *utf8, uint64_t n)
{
	struct cpython_str s;
	uint64_t at = 0;

	if (!cpython_str_open(m, obj, &s) || s.length > n)
		return false;
	for (uint64_t i = 0; i < s.length; i++) {
		uint32_t c = cpython_str_char(m, &s, i);
		char buf[4];
		uint64_t len;

		if (c == UINT32_MAX)
			return false;
		len = (uint64_t)utf8_of(c, buf);
		if (len > n - at || memcmp(buf, utf8 + at, len) != 0)
			return false;
		at += len;
	}
	return at == n;
}

int cpython_str_copy(const struct cpython_mem *m, uint64_t obj, char *buf,
		     int cap)
{
	struct cpython_out o = { .buf = buf, .cap = (unsigned)cap - 1 };
	struct cpython_str s;
	uint64_t end = 0;

	buf[0] = '\0';
	if (!cpython_str_open(m, obj, &s))
		return -1;
	for (uint64_t i = 0; i < s.length; i++) {
		uint32_t c = cpython_str_char(m, &s, i);

		if (c == UINT32_MAX)
			break;
		cpython_put_char(&o, c);
		if (cpython_full(&o))
			break;
		end = o.len;
	}
	buf[end] = '\0';
	return (int)end;
}

/* As many as are ASCII, from the first on. */
static uint64_t put_ascii(const struct cpython_mem *m, struct cpython_out *o,
			  const struct cpython_str *s)
{
	char part[256];
	uint64_t i = 0, n, k;

	while (i < s->length && !cpython_full(o)) {
		n = s->length - i;
		n = n < sizeof(part) ? n : sizeof(part);
		if (!cpython_copy(m, s->data + i, part, n))
			break;
		for (k = 0; k < n && (part[k] & 0x80) == 0; k++)
			;
		cpython_put(o, part, k);
		i += k;
		if (k < n)
			break;
	}
	return i;
}

bool cpython_put_str(const struct cpython_mem *m, struct cpython_out *o,
		     uint64_t obj)
{
	struct cpython_str s;

	uint64_t i = 0;

	if (!cpython_str_open(m, obj, &s))
		return false;
	if (s.kind == 1)
		i = put_ascii(m, o, &s);
	for (; i < s.length && !cpython_full(o); i++) {
		uint32_t c = cpython_str_char(m, &s, i);

		if (c == UINT32_MAX)
			break;
		cpython_put_char(o, c);
	}
	return true;
}

static void put_escaped(struct cpython_out *o, uint32_t c, uint32_t quote,
			int minor)
{
	if (c == quote || c == '\\')
		cpython_putf(o, "\\%c", (int)c);
	else if (c == '\t')
		cpython_puts(o, "\\t");
	else if (c == '\n')
		cpython_puts(o, "\\n");
	else if (c == '\r')
		cpython_puts(o, "\\r");
	else if (c < ' ' || c == 0x7f)
		cpython_putf(o, "\\x%02x", (unsigned)c);
	else if (c < 0x7f || cpython_printable(c, minor))
		cpython_put_char(o, c);
	else if (c <= 0xff)
		cpython_putf(o, "\\x%02x", (unsigned)c);
	else if (c <= 0xffff)
		cpython_putf(o, "\\u%04x", (unsigned)c);
	else
		cpython_putf(o, "\\U%08x", (unsigned)c);
}

/*
 * The quote that Python chooses: ' unless there is one and no ". Only as far
 * is looked as the text will be shown, or a gigabyte would be read for a line.
 */
static uint32_t str_quote(const struct cpython_mem *m,
			  const struct cpython_str *s, uint64_t most)
{
	bool single = false;

	for (uint64_t i = 0; i < s->length && i < most; i++) {
		uint32_t c = cpython_str_char(m, s, i);

		if (c == UINT32_MAX || c == '"')
			return '\'';
		single |= c == '\'';
	}
	return single ? '"' : '\'';
}

bool cpython_repr_str(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	struct cpython_str s;
	uint32_t quote;

	if (!cpython_str_open(m, obj, &s))
		return false;
	quote = str_quote(m, &s, o->cap);
	cpython_put_char(o, quote);
	for (uint64_t i = 0; i < s.length && !cpython_full(o); i++) {
		uint32_t c = cpython_str_char(m, &s, i);

		if (c == UINT32_MAX)
			break;
		put_escaped(o, c, quote, m->minor);
	}
	cpython_put_char(o, quote);
	return true;
}

bool cpython_bytes_open(const struct cpython_mem *m, uint64_t obj,
			enum cpython_form form, uint64_t *data, uint64_t *n)
{
	int64_t size = cpython_i64(m, obj, m->lay->ob_size, -1);

	*data = obj + (unsigned)m->lay->bytes_data;
	if (form == CPYTHON_FORM_BYTEARRAY)
		*data = cpython_field(m, obj, m->lay->bytearray_start);
	*n = (uint64_t)size;
	return size >= 0 && !(size >> 44) && (size == 0 || *data != 0);
}

static char bytes_quote(const struct cpython_mem *m, uint64_t data,
			uint64_t n)
{
	bool single = false;

	for (uint64_t i = 0; i < n; i++) {
		int c = cpython_u8(m, data + i, 0, -1);

		if (c < 0 || c == '"')
			return '\'';
		single |= c == '\'';
	}
	return single ? '"' : '\'';
}

static void put_byte(struct cpython_out *o, int c, char quote)
{
	if (c == quote || c == '\\')
		cpython_putf(o, "\\%c", c);
	else if (c == '\t')
		cpython_puts(o, "\\t");
	else if (c == '\n')
		cpython_puts(o, "\\n");
	else if (c == '\r')
		cpython_puts(o, "\\r");
	else if (c < ' ' || c >= 0x7f)
		cpython_putf(o, "\\x%02x", (unsigned)c);
	else
		cpython_put_char(o, (uint32_t)c);
}

bool cpython_repr_bytes(const struct cpython_mem *m, struct cpython_out *o,
			uint64_t obj, enum cpython_form form)
{
	uint64_t data, n;
	char quote;

	if (!cpython_bytes_open(m, obj, form, &data, &n))
		return false;
	quote = bytes_quote(m, data, n < o->cap ? n : o->cap);
	cpython_putf(o, "b%c", quote);
	for (uint64_t i = 0; i < n && !cpython_full(o); i++) {
		int c = cpython_u8(m, data + i, 0, -1);

		if (c < 0)
			break;
		put_byte(o, c, quote);
	}
	cpython_put(o, &quote, 1);
	return true;
}
