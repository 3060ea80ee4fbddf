// SPDX-License-Identifier: Apache-2.0
// What a terminal may be shown of bytes that are not ours.
#include "text.h"

#include <wchar.h>

/* Unicode 15.1, table 3-7 "Well-Formed UTF-8 Byte Sequences": by first byte,
 * the range of the second. All further bytes are 80..BF. */
struct utf8_row {
	uint8_t first_lo, first_hi, second_lo, second_hi, len;
};
static const struct utf8_row utf8_rows[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },	/* no overlong forms */
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },	/* no surrogates */
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },	/* no overlong forms */
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },	/* nothing past U+10FFFF */
};

/* Code points beyond DEL that move the cursor or reorder what is around. */
static const struct {
	uint32_t lo, hi;
} unsafe_ranges[] = {
	{ 0x0080, 0x009f },	/* C1: CSI, OSC, NEL */
	{ 0x061c, 0x061c },	/* ARABIC LETTER MARK */
	{ 0x200e, 0x200f },	/* LEFT-TO-RIGHT MARK, RIGHT-TO-LEFT MARK */
	{ 0x2028, 0x202e },	/* separators, embeddings and overrides */
	{ 0x2066, 0x2069 },	/* isolates */
};

static const struct utf8_row *find_row(uint8_t first)
{
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(utf8_rows); i++) {
		if (first >= utf8_rows[i].first_lo &&
		    first <= utf8_rows[i].first_hi)
			return &utf8_rows[i];
	}
	return NULL;
}

size_t hs_utf8_decode(const char *s, size_t n, uint32_t *ret)
{
	// Bits of the code point in the first byte, by length.
	static const uint8_t first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const uint8_t *u = (const uint8_t *)s;
	const struct utf8_row *row;
	uint32_t cp;
	size_t i;

	row = n ? find_row(u[0]) : NULL;
	if (!row || row->len > n)
		return 0;
	if (row->len > 1 && (u[1] < row->second_lo || u[1] > row->second_hi))
		return 0;
	cp = u[0] & first_mask[row->len];
	for (i = 1; i < row->len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (u[i] & 0x3f);
	}
	*ret = cp;
	return row->len;
}

static bool is_unsafe(uint32_t cp)
{
	size_t i;

	if (cp < 0x7f)
		return cp < 0x20;
	if (cp == 0x7f)
		return true;
	for (i = 0; i < HS_ARRAY_SIZE(unsafe_ranges); i++) {
		if (cp >= unsafe_ranges[i].lo && cp <= unsafe_ranges[i].hi)
			return true;
	}
	return false;
}

static void add_escaped(struct hs_text *t, uint32_t cp)
{
	switch (cp) {
	case '\n':
		hs_text_add(t, "\\n");
		break;
	case '\t':
		hs_text_add(t, "\\t");
		break;
	case '\r':
		hs_text_add(t, "\\r");
		break;
	default:
		hs_text_addf(t, cp < 0x80 ? "\\x%02x" : "\\u%04x", cp);
	}
}

void hs_text_escape(struct hs_text *t, const char *s, size_t n)
{
	size_t i, len, plain = 0;
	uint32_t cp;

	// s[plain..i) is harmless and not yet copied.
	for (i = 0; i < n; i += len ? len : 1) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		if (len && !is_unsafe(cp))
			continue;
		hs_text_addn(t, s + plain, i - plain);
		if (len)
			add_escaped(t, cp);
		else
			hs_text_addf(t, "\\x%02x", (uint8_t)s[i]);
		plain = i + (len ? len : 1);
	}
	hs_text_addn(t, s + plain, n - plain);
}

size_t hs_text_width(const char *s, size_t n)
{
	size_t i, len, width = 0;
	uint32_t cp;
	int w;

	for (i = 0; i < n; i += len ? len : 1) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		// In the C locale wcwidth() knows ASCII only and answers -1.
		w = len ? wcwidth((wchar_t)cp) : 1;
		width += w < 0 ? 1 : (size_t)w;
	}
	return width;
}

/* Where character number i begins, or n past the last. */
static size_t at_character(const char *s, size_t n, size_t i)
{
	size_t at = 0;

	while (at < n && i--)
		while (++at < n && ((uint8_t)s[at] & 0xc0) == 0x80)
			;
	return at;
}

bool hs_text_middle(const char *s, size_t n, size_t most, size_t *head,
		    size_t *tail)
{
	size_t count = 0, half = most / 2;

	for (size_t i = 0; i < n; i++)
		count += ((uint8_t)s[i] & 0xc0) != 0x80;
	if (count <= most || half <= 2)
		return false;
	half -= 2;
	*head = at_character(s, n, half);
	*tail = at_character(s, n, count - half);
	return true;
}
