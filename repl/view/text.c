// SPDX-License-Identifier: GPL-3.0-or-later
// Foreign text, and the few signs that are not ASCII.
#include "view_priv.h"

const char *vw_ellipsis(const struct vw_style *style)
{
	return style->utf8 ? "…" : "...";
}

const char *vw_dot(const struct vw_style *style)
{
	return style->utf8 ? "·" : "-";
}

/* Escaped UTF-8 as ASCII: on an 8-bit terminal the second byte of U+00DB is
 * the C1 control CSI. */
static void add_ascii(struct hs_text *out, const char *s, size_t n)
{
	size_t i, len;
	uint32_t cp;

	for (i = 0; i < n; i += len) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		if (len == 1)
			hs_text_addc(out, s[i]);
		else
			hs_text_addf(out, cp > 0xffff ? "\\U%08x" : "\\u%04x",
				     cp);
		if (!len)
			break;
	}
}

void vw_foreign(struct hs_text *out, const struct vw_style *style,
		const char *s, size_t n)
{
	HS_TEXT escaped = { 0 };

	if (style->utf8) {
		hs_text_escape(out, s, n);
		return;
	}
	hs_text_escape(&escaped, s, n);
	add_ascii(out, hs_text_str(&escaped), escaped.len);
}

void vw_foreign_lines(struct hs_text *out, const struct vw_style *style,
		      const char *s, size_t n)
{
	const char *stop;
	size_t len;

	while (n) {
		stop = memchr(s, '\n', n);
		len = stop ? (size_t)(stop - s) : n;
		vw_foreign(out, style, s, len);
		hs_text_addc(out, '\n');
		len += stop != NULL;
		s += len;
		n -= len;
	}
}

/* Bytes of s that take at most columns columns. */
static size_t fitting(const char *s, size_t n, size_t columns)
{
	size_t i, len, used = 0;
	uint32_t cp;

	for (i = 0; i < n; i += len) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		len = len ? len : 1;
		used += hs_text_width(s + i, len);
		if (used > columns)
			break;
	}
	return i;
}

void vw_clip(struct hs_text *out, const struct vw_style *style, const char *s,
	     size_t columns)
{
	const char *sign = vw_ellipsis(style);
	size_t n = strlen(s), keep = hs_text_width(sign, strlen(sign));

	if (hs_text_width(s, n) <= columns) {
		hs_text_addn(out, s, n);
		return;
	}
	hs_text_addn(out, s,
		     fitting(s, n, columns > keep ? columns - keep : 0));
	hs_text_add(out, sign);
}
