/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "layout.h"
#include "plain.h"

/* Longest table that is looked at: some hundred thousand lines have 1 MB. */
enum { MAX_TABLE = 64 << 20 };

/* Bytes of a line table, one after the other. */
struct table {
	const struct cpython_mem *m;
	uint64_t data, n, i;
};

static int next_byte(struct table *t)
{
	return t->i < t->n ? cpython_u8(t->m, t->data + t->i++, 0, -1) : -1;
}

/*
 * 3.8, 3.9: co_lnotab, pairs of unsigned address and signed line increments
 * (Objects/lnotab_notes.txt).
 */
static int64_t line_8(struct table *t, int64_t line, int offset)
{
	int64_t at = 0;

	for (;;) {
		int address = next_byte(t), lines = next_byte(t);

		if (address < 0 || lines < 0)
			return line;
		at += address;
		if (at > offset)
			return line;
		line += (int8_t)lines;
	}
}

/*
 * 3.10: co_linetable, pairs of the length of a range and the signed distance
 * of its line from the last; -128: this range has none (PEP 626).
 */
static int64_t line_10(struct table *t, int64_t line, int offset)
{
	int64_t end = 0;

	for (;;) {
		int length = next_byte(t), lines = next_byte(t);

		if (length < 0 || lines < 0)
			return 0;
		end += length;
		if (lines != 0x80)
			line += (int8_t)lines;
		if (end > offset)
			return lines == 0x80 ? 0 : line;
	}
}

/* Six bits a byte, lowest first, as long as bit 6 is set. */
static uint32_t varint(struct table *t)
{
	uint32_t v = 0;

	for (int shift = 0; shift < 30; shift += 6) {
		int b = next_byte(t);

		if (b < 0)
			return v;
		v |= (uint32_t)(b & 63) << shift;
		if (!(b & 64))
			break;
	}
	return v;
}

static int signed_varint(struct table *t)
{
	uint32_t v = varint(t);

	return v & 1 ? -(int)(v >> 1) : (int)(v >> 1);
}

/* How far the line of an entry is from the last; Objects/locations.md */
static int line_delta(struct table *t, int code)
{
	switch (code) {
	case 10:
	case 11:
	case 12:
		return code - 10;	// "one line" forms
	case 13:
	case 14:
		return signed_varint(t);	// without columns; long
	default:
		return 0;	// short forms, and 15: no location
	}
}

/*
 * From 3.11: co_linetable, entries of varying length whose first byte alone
 * has bit 7 set: bits 3-6 a code, 0-2 the length in code units less one.
 */
static int64_t line_11(struct table *t, int64_t line, int offset)
{
	int64_t end = 0;

	for (;;) {
		int first = next_byte(t), code;

		if (first < 0)
			return 0;
		if (!(first & 0x80))
			continue;	// what is left of the last entry
		code = first >> 3 & 15;
		line += line_delta(t, code);
		end += ((first & 7) + 1) * 2;
		if (end > offset)
			return code == 15 ? 0 : line;
	}
}

static int64_t find(struct table *t, int64_t line, int offset)
{
	if (t->m->minor < 10)
		return line_8(t, line, offset);
	if (t->m->minor == 10)
		return line_10(t, line, offset);
	return line_11(t, line, offset);
}

int cpython_code_line(const struct cpython_mem *m, uint64_t code, int offset)
{
	int64_t line = cpython_i32(m, code, m->lay->code_firstlineno, 0);
	uint64_t bytes = cpython_field(m, code, m->lay->code_linetable);
	struct table t = { .m = m };

	if (offset >= 0) {
		if (!(cpython_flags_of(m, bytes) & CPYTHON_TP_BYTES) ||
		    !cpython_bytes_open(m, bytes, CPYTHON_FORM_BYTES, &t.data,
					&t.n) || t.n > MAX_TABLE)
			return 0;
		line = find(&t, line, offset);
	}
	return line < 0 || line > INT32_MAX ? 0 : (int)line;
}

/* A line that the frame object itself has was set by a tracer, or before the
 * frame ran; up to 3.9 it counts only while there is one (frame_getlineno). */
int cpython_frame_line(const struct cpython_mem *m,
		       const struct cpython_frame *f)
{
	int line;

	if (f->code == 0)
		return 0;
	line = cpython_i32(m, f->object, m->lay->frame_lineno, 0);
	if (line > 0 &&
	    (m->minor >= 10 ||
	     cpython_field(m, f->object, m->lay->frame_trace) != 0))
		return line;
	return cpython_code_line(m, f->code, f->offset);
}
