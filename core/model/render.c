// SPDX-License-Identifier: Apache-2.0
// An object's text: bounded, escaped, cut to a number of columns.
#include "model_priv.h"

/** Bytes of the character that begins at s: 1 for what is no UTF-8. */
static size_t char_len(const char *s, size_t n)
{
	uint8_t c = (uint8_t)*s;
	size_t want = c < 0x80    ? 1
		      : c >= 0xf0 ? 4
		      : c >= 0xe0 ? 3
		      : c >= 0xc0 ? 2
				  : 1,
	       i;

	for (i = 1; i < want && i < n && ((uint8_t)s[i] & 0xc0) == 0x80; i++)
		;
	return i;
}

/** Most texts: nothing to escape, a column a byte. */
static bool is_plain_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return true;
}

bool md_fits(const char *s, size_t n, size_t max)
{
	return n <= max && is_plain_ascii(s, n);
}

char *md_fit(const char *s, size_t n, size_t max, bool more)
{
	HS_TEXT out = { 0 }, one = { 0 };
	size_t at, len, width, used = 0, keep = 0;

	if (!more && md_fits(s, n, max))
		return hs_xstrndup(s, n);
	for (at = 0; at < n; at += len) {
		len = char_len(s + at, n - at);
		hs_text_clear(&one);
		hs_text_escape(&one, s + at, len);
		width = hs_text_width(hs_text_str(&one), one.len);
		if (width > max - used) {
			more = true;
			break;
		}
		hs_text_addn(&out, hs_text_str(&one), one.len);
		used += width;
		// Where a cut leaves room for the sign that says so.
		if (used < max)
			keep = out.len;
	}
	if (!more)
		return hs_text_take(&out);
	hs_text_clear(&one);
	hs_text_addn(&one, hs_text_str(&out), used < max ? out.len : keep);
	if (max)
		hs_text_add(&one, "…");
	return hs_text_take(&one);
}

/** What can be said of an object whose text the plugin does not give. */
static char *plain(struct md_model *m, uint64_t addr, size_t max)
{
	struct heapsh_measure measure;
	HS_TEXT t = { 0 };
	struct md_object o;

	if (!md_object_at(m, addr, &o)) {
		hs_text_addf(&t, "<0x%llx>", (unsigned long long)addr);
	} else {
		hs_text_addf(&t, "<%s", o.type->name);
		if (md_measure(m, addr, &measure) && measure.has_length)
			hs_text_addf(&t, " of %llu",
				     (unsigned long long)measure.length);
		hs_text_addf(&t, " at 0x%llx>", (unsigned long long)addr);
	}
	return md_fit(hs_text_str(&t), t.len, max, false);
}

uint64_t md_raw(struct md_model *m, uint64_t addr, uint32_t style, char *buf,
		uint64_t cap)
{
	uint64_t len;
	struct md_call call;

	if (!m->plugin->render)
		return 0;
	if (!md_enter(m->own, MD_RENDER, m->image, &call))
		return 0;
	len = m->plugin->render(m->state, addr, style, buf, cap);
	md_leave(&call);
	return len;
}

/** Text in quotes of an object that has text and no repr, or NULL. free(). */
static char *quoted(struct md_model *m, uint64_t addr, char *buf, uint64_t cap,
		    size_t max)
{
	HS_FREE char *body = NULL;
	struct md_object o;
	uint64_t len;

	if (!m->plugin->render || max < 2 || !md_object_at(m, addr, &o) ||
	    !(o.type->flags & HEAPSH_TYPE_TEXT))
		return NULL;
	len = md_raw(m, addr, HEAPSH_RENDER_TEXT, buf, cap);
	body = md_fit(buf, len < cap ? len : cap, max - 2, len > cap);
	return hs_xasprintf("'%s'", body);
}

char *md_render(struct md_model *m, uint64_t addr, uint32_t style, size_t max)
{
	// Four bytes a character, and some for marks that take no column.
	uint64_t cap = max < MD_TEXT_MAX / 4 ? 4 * max + 64 : MD_TEXT_MAX, len;
	HS_FREE char *buf = NULL;
	char *text = NULL;

	buf = hs_xalloc(cap);
	len = md_raw(m, addr, style, buf, cap);
	if (!len && style != HEAPSH_RENDER_TEXT)
		text = quoted(m, addr, buf, cap, max);
	if (text)
		return text;
	if (!len && style != HEAPSH_RENDER_TEXT)
		return plain(m, addr, max);
	return md_fit(buf, len < cap ? len : cap, max, len > cap);
}
