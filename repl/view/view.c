// SPDX-License-Identifier: GPL-3.0-or-later
#include "view_priv.h"

#include <inttypes.h>

static const struct {
	const char *type;
	vw_printer *print;
	bool words; /* for people, in every format but JSON */
} printers[] = {
	{ "attached", vw_attached, true }, { "bytes", vw_scalar, false },
	{ "number", vw_scalar, false },    { "bool", vw_scalar, false },
	{ "none", vw_scalar, false },      { "text", vw_scalar, false },
	{ "list", vw_list, false },        { "sized", vw_sized, false },
	{ "set", vw_set, false },          { "summary", vw_summary, false },
	{ "diff", vw_diff, false },        { "table", vw_table, false },
	{ "object", vw_object, false },    { "error", vw_error, true },
	{ "dot", vw_words, false },
	{ "paths", vw_paths, false },      { "tree", vw_tree, false },
	{ "words", vw_words, true },       { "help", vw_words, false },
	{ "profile", vw_words, false },
};

static size_t find(const json_t *doc)
{
	const char *type = wr_get_text(doc, "type");
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(printers); i++)
		if (!strcmp(type, printers[i].type))
			break;
	return i;
}

bool vw_is_words(const json_t *doc)
{
	size_t i = find(doc);

	return i < HS_ARRAY_SIZE(printers) && printers[i].words;
}

/* What every document may say of itself: that it is not whole. */
static void print_gaps(struct hs_text *out, const json_t *doc)
{
	static const char *const words[] = { "unread", "torn" };
	const json_t *gap;
	uint64_t n, bytes;
	size_t i;

	if (json_is_true(json_object_get(doc, "partial")))
		hs_text_add(out, "<Partial: it was interrupted before all was "
				 "read.>\n");
	for (i = 0; i < HS_ARRAY_SIZE(words); i++) {
		gap = json_object_get(doc, words[i]);
		n = wr_get_u64(gap, "objects");
		bytes = wr_get_u64(gap, "bytes");
		if (n || bytes)
			hs_text_addf(out,
				     "<%s: %" PRIu64 " object%s, %" PRIu64
				     " bytes.>\n",
				     words[i], n, vw_s(n), bytes);
	}
}

static void print_text(struct hs_text *out, const json_t *doc,
		       const struct vw_style *style)
{
	size_t i = find(doc);

	if (i < HS_ARRAY_SIZE(printers))
		printers[i].print(out, doc, style);
	else
		vw_any(out, doc, style);
	if (!vw_goes_on(doc))
		print_gaps(out, doc);
}

/* Without the bracket at each end, when bare. */
static void add_json(struct hs_text *out, const json_t *j, bool bare,
		     const struct vw_style *style)
{
	HS_FREE char *line = wr_doc_encode(j);
	size_t i, n = strlen(line) - bare, len;
	uint32_t cp;

	for (i = bare; i < n; i += len) {
		len = hs_utf8_decode(line + i, n - i, &cp);
		len = len ? len : 1;
		if (len == 1 || style->utf8)
			hs_text_addn(out, line + i, len);
		else if (cp <= 0xffff)
			hs_text_addf(out, "\\u%04" PRIx32, cp);
		else
			hs_text_addf(out, "\\u%04" PRIx32 "\\u%04" PRIx32,
				     0xd800 + ((cp - 0x10000) >> 10),
				     0xdc00 + ((cp - 0x10000) & 0x3ff));
	}
}

bool vw_has_head(const json_t *doc)
{
	return !vw_is_part(doc) || !strcmp(wr_get_text(doc, "part"), "first");
}

/* Of a document in parts, what is known only when all rows are made. */
static const char *const below[] = { "more", "unreachable", "note", "unread",
				     "torn" };

/* Members of the document but rows: those below them, or the others. */
static json_t *members(const json_t *doc, bool of_below)
{
	json_t *ret = json_object(), *value;
	const char *key;
	bool is_below;
	size_t i;

	json_object_foreach ((json_t *)doc, key, value) {
		is_below = false;
		for (i = 0; i < HS_ARRAY_SIZE(below); i++)
			is_below |= !strcmp(key, below[i]);
		if (is_below == of_below && strcmp(key, "rows") &&
		    strcmp(key, "part"))
			json_object_set(ret, key, value);
	}
	return ret;
}

/* One line for all parts: head and rows, rows, rows and what is below. */
static void print_part(struct hs_text *out, const json_t *doc,
		       const struct vw_style *style)
{
	const json_t *rows = json_object_get(doc, "rows");
	json_t *rest = members(doc, !vw_has_head(doc));

	if (vw_has_head(doc)) {
		hs_text_addc(out, '{');
		add_json(out, rest, true, style);
		hs_text_add(out, ",\"rows\":[");
	} else if (json_array_size(rows)) {
		hs_text_addc(out, ',');
	}
	add_json(out, rows, true, style);
	if (!vw_goes_on(doc)) {
		hs_text_add(out, "],");
		add_json(out, rest, true, style);
		hs_text_add(out, "}\n");
	}
	json_decref(rest);
}

bool vw_goes_on(const json_t *doc)
{
	return vw_is_part(doc) && strcmp(wr_get_text(doc, "part"), "last");
}

void vw_cut_off(struct hs_text *out, const struct vw_style *style)
{
	if (style->format == VW_JSON)
		hs_text_add(out, "],\"cut_off\":true}\n");
}

static void print_json(struct hs_text *out, const json_t *doc,
		       const struct vw_style *style)
{
	if (vw_is_part(doc) && json_is_array(json_object_get(doc, "rows"))) {
		print_part(out, doc, style);
		return;
	}
	add_json(out, doc, false, style);
	hs_text_addc(out, '\n');
}

void vw_doc(struct hs_text *out, const json_t *doc,
	    const struct vw_style *style)
{
	switch (style->format) {
	case VW_JSON:
		print_json(out, doc, style);
		break;
	case VW_CSV:
		if (vw_is_words(doc))
			print_text(out, doc, style);
		else
			vw_csv(out, doc, style);
		break;
	case VW_TEXT:
	default:
		print_text(out, doc, style);
		break;
	}
}
