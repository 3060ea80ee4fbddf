// SPDX-License-Identifier: GPL-3.0-or-later
// Single values, lists of them, objects, and what has no form of its own.
#include "view_priv.h"

#include <inttypes.h>

static void add_json(struct hs_text *out, const json_t *value,
		     const struct vw_style *style)
{
	HS_FREE char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	if (s)
		vw_foreign(out, style, s, strlen(s));
}

/* NULL is an absent member. */
static void add_value(struct hs_text *out, const json_t *value,
		      const struct vw_style *style)
{
	if (!value)
		return;
	switch (json_typeof(value)) {
	case JSON_STRING:
		vw_foreign(out, style, json_string_value(value),
			   json_string_length(value));
		break;
	case JSON_INTEGER:
		hs_text_addf(out, "%" JSON_INTEGER_FORMAT,
			     json_integer_value(value));
		break;
	case JSON_TRUE:
		hs_text_add(out, "True");
		break;
	case JSON_FALSE:
		hs_text_add(out, "False");
		break;
	case JSON_NULL:
		break;
	case JSON_REAL:
	case JSON_OBJECT:
	case JSON_ARRAY:
	default:
		add_json(out, value, style);
		break;
	}
}

char *vw_cell(const json_t *value, const struct vw_style *style)
{
	struct hs_text t = { 0 };

	add_value(&t, value, style);
	return hs_text_take(&t);
}

char *vw_member(const json_t *doc, const char *key,
		const struct vw_style *style)
{
	return vw_cell(json_object_get(doc, key), style);
}

static bool is_type(const json_t *doc, const char *type)
{
	return !strcmp(wr_get_text(doc, "type"), type);
}

static void inline_list(struct hs_text *out, const json_t *items,
			const struct vw_style *style);

void vw_inline(struct hs_text *out, const json_t *body,
	       const struct vw_style *style)
{
	const json_t *value = json_object_get(body, "value");
	uint64_t count;

	if (!json_is_object(body)) {
		add_value(out, body, style);
	} else if (is_type(body, "none")) {
		hs_text_add(out, "None");
	} else if (is_type(body, "text")) {
		hs_text_addc(out, '\'');
		add_value(out, value, style);
		hs_text_addc(out, '\'');
	} else if (is_type(body, "list")) {
		// Nested as deep as the decoder lets pass: 2048, in jansson.
		inline_list(out, value, style);
	} else if (is_type(body, "set")) {
		count = wr_get_u64(body, "count");
		hs_text_addf(out, "<set of %" PRIu64 " object%s>", count,
			     vw_s(count));
	} else if (value) {
		add_value(out, value, style);
	} else {
		add_json(out, body, style);
	}
}

/* As a tuple is typed: (1,), (1, 2). */
static void inline_list(struct hs_text *out, const json_t *items,
			const struct vw_style *style)
{
	size_t i;
	json_t *item;

	hs_text_addc(out, '(');
	json_array_foreach (items, i, item) {
		hs_text_add(out, i ? ", " : "");
		vw_inline(out, item, style);
	}
	hs_text_add(out, json_array_size(items) == 1 ? ",)" : ")");
}

void vw_scalar(struct hs_text *out, const json_t *doc,
	       const struct vw_style *style)
{
	if (is_type(doc, "none"))
		hs_text_add(out, "None");
	else
		add_value(out, json_object_get(doc, "value"), style);
	hs_text_addc(out, '\n');
}

void vw_list(struct hs_text *out, const json_t *doc,
	     const struct vw_style *style)
{
	inline_list(out, json_object_get(doc, "value"), style);
	hs_text_addc(out, '\n');
}

/* A row is an array of cells, or an object whose members are cells. */
static void add_object_row(struct vw_grid *g, const json_t *row,
			   const struct vw_style *style)
{
	size_t i, filled = 0;
	const char *key;
	json_t *cell;

	if (json_is_object(row)) {
		json_object_foreach ((json_t *)row, key, cell)
			if (filled < g->columns.n) {
				vw_grid_add(g, vw_cell(cell, style));
				filled++;
			}
	}
	json_array_foreach (row, i, cell)
		if (filled < g->columns.n) {
			vw_grid_add(g, vw_cell(cell, style));
			filled++;
		}
	for (; filled < g->columns.n; filled++)
		vw_grid_add(g, hs_xstrdup(""));
}

static void print_object_rows(struct hs_text *out, const json_t *rows,
			      const struct vw_style *style)
{
	VW_GRID g = { .gap = 2, .indent = 4, .clips = true };
	size_t i, n = 0, cells;
	json_t *row;

	json_array_foreach (rows, i, row) {
		cells = json_is_object(row) ? json_object_size(row)
					    : json_array_size(row);
		n = cells > n ? cells : n;
	}
	for (i = 0; i < n; i++)
		vw_grid_column(&g, NULL, false, 0);
	json_array_foreach (rows, i, row)
		add_object_row(&g, row, style);
	vw_grid_print(&g, out, style);
}

/*
 *	[1, 2, (3, 4), 'text']
 *	    list at 0x7f5e0c1d2e40 flat=88 held=104
 */
void vw_object(struct hs_text *out, const json_t *doc,
	       const struct vw_style *style)
{
	HS_FREE char *value = vw_member(doc, "value", style);
	HS_FREE char *kind = vw_member(doc, "kind", style);
	HS_FREE char *address = vw_member(doc, "address", style);
	uint64_t flat = wr_get_u64(doc, "flat"), held = wr_get_u64(doc, "held");
	bool about = json_is_true(json_object_get(doc, "approximate"));

	hs_text_addf(out, "%s\n    %s at %s flat=%s%" PRIu64, value, kind,
		     address, about ? "~" : "", flat);
	if (json_object_get(doc, "held") && held != flat)
		hs_text_addf(out, " held=%" PRIu64, held);
	hs_text_addc(out, '\n');
	print_object_rows(out, json_object_get(doc, "rows"), style);
	vw_more(out, doc, style);
}

/* A type that is newer than we are: every member on a line. */
void vw_any(struct hs_text *out, const json_t *doc,
	    const struct vw_style *style)
{
	static const char *const common[] = { "schema", "command", "instant",
					      "partial" };
	VW_GRID g = { .gap = 2, .clips = true };
	const char *key;
	json_t *value;
	size_t i;

	vw_grid_column(&g, NULL, false, 0);
	vw_grid_column(&g, NULL, false, 0);
	json_object_foreach ((json_t *)doc, key, value) {
		HS_TEXT name = { 0 };

		for (i = 0; i < HS_ARRAY_SIZE(common); i++)
			if (!strcmp(key, common[i]))
				break;
		if (i < HS_ARRAY_SIZE(common))
			continue;
		vw_foreign(&name, style, key, strlen(key));
		vw_grid_add(&g, hs_text_take(&name));
		vw_grid_add(&g, vw_cell(value, style));
	}
	vw_grid_print(&g, out, style);
}
