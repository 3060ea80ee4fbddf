// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4180: lines end in CR LF, a field with comma or quote is quoted. A field
// never has a line break, since all text is escaped.
#include "view_priv.h"

static void add_field(struct hs_text *out, const char *s, bool first)
{
	if (!first)
		hs_text_addc(out, ',');
	if (!strpbrk(s, ",\"") && s[0] != ' ') {
		hs_text_add(out, s);
		return;
	}
	hs_text_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"')
			hs_text_addc(out, '"');
		hs_text_addc(out, *s);
	}
	hs_text_addc(out, '"');
}

static void end_record(struct hs_text *out)
{
	hs_text_add(out, "\r\n");
}

static void add_keys(struct hs_text *out, const char *const *keys)
{
	size_t i;

	for (i = 0; keys[i]; i++)
		add_field(out, keys[i], i == 0);
	end_record(out);
}

static void add_record(struct hs_text *out, const json_t *row,
		       const char *const *keys, const struct vw_style *style)
{
	size_t i;

	for (i = 0; keys[i]; i++) {
		HS_FREE char *cell = vw_member(row, keys[i], style);

		add_field(out, cell, i == 0);
	}
	end_record(out);
}

/* rows is an array of objects; heads: they are the first. */
static void print_rows(struct hs_text *out, const json_t *rows, bool heads,
		       const char *const *keys, const struct vw_style *style)
{
	size_t i;
	json_t *row;

	if (heads)
		add_keys(out, keys);
	json_array_foreach (rows, i, row)
		add_record(out, row, keys, style);
}

static void print_table(struct hs_text *out, const json_t *doc,
			const struct vw_style *style)
{
	size_t i, k;
	json_t *row, *item;

	json_array_foreach (json_object_get(doc, "columns"), i, item) {
		HS_FREE char *name = json_is_string(item)
					     ? vw_cell(item, style)
					     : vw_member(item, "name", style);

		add_field(out, name, i == 0);
	}
	end_record(out);
	json_array_foreach (json_object_get(doc, "rows"), i, row) {
		json_array_foreach (row, k, item) {
			HS_FREE char *cell = vw_cell(item, style);

			add_field(out, cell, k == 0);
		}
		end_record(out);
	}
}

/* One column, a record a value. */
static void print_value(struct hs_text *out, const json_t *doc,
			const struct vw_style *style)
{
	json_t *value = json_object_get(doc, "value"), *item;
	size_t i;

	hs_text_add(out, "value\r\n");
	json_array_foreach (value, i, item) {
		HS_TEXT t = { 0 };

		vw_inline(&t, item, style);
		add_field(out, hs_text_str(&t), true);
		end_record(out);
	}
	if (!json_is_array(value)) {
		HS_FREE char *cell = vw_cell(value, style);

		add_field(out, cell, true);
		end_record(out);
	}
}

/* A record a node, top down, depth in its first field. */
static void print_sized(struct hs_text *out, const json_t *doc,
			const struct vw_style *style)
{
	static const char *const keys[] = { "name", "size",    "flat",
					    "held", "address", NULL };
	struct level {
		const json_t *nodes;
		size_t next;
	} down, *top;
	HS_VEC(struct level) stack = { 0 };
	const json_t *node;

	hs_text_add(out, "depth,");
	add_keys(out, keys);
	down = (struct level){ .nodes = json_object_get(doc, "items") };
	hs_vec_push(&stack, down);
	while (stack.n) {
		top = &stack.v[stack.n - 1];
		node = json_array_get(top->nodes, top->next++);
		if (!node) {
			stack.n--;
			continue;
		}
		hs_text_addf(out, "%zu,", stack.n - 1);
		add_record(out, node, keys, style);
		down = (struct level){ .nodes = json_object_get(node, "refs") };
		hs_vec_push(&stack, down);
	}
	hs_vec_deinit(&stack);
}

/* Types whose rows (or which themselves, rows NULL) are records of members. */
static const struct {
	const char *type, *rows;
	const char *keys[8];
} shapes[] = {
	{ "set",
	  "rows",
	  { "index", "count", "size", "cumulative", "kind", "retained",
	    "address" } },
	{ "summary", "rows", { "type", "count", "size" } },
	{ "paths", "paths", { "index", "source", "root", "address", "text" } },
	{ "tree",
	  "rows",
	  { "line", "depth", "mark", "count", "kind", "label" } },
	{ "diff", "rows", { "kind", "count", "size" } },
	{ "object", NULL, { "address", "kind", "flat", "held", "value" } },
};

void vw_csv(struct hs_text *out, const json_t *doc,
	    const struct vw_style *style)
{
	const char *type = wr_get_text(doc, "type");
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(shapes); i++) {
		if (strcmp(type, shapes[i].type))
			continue;
		if (shapes[i].rows) {
			print_rows(out, json_object_get(doc, shapes[i].rows),
				   vw_has_head(doc), shapes[i].keys, style);
			return;
		}
		add_keys(out, shapes[i].keys);
		add_record(out, doc, shapes[i].keys, style);
		return;
	}
	if (!strcmp(type, "sized"))
		print_sized(out, doc, style);
	else if (json_is_array(json_object_get(doc, "rows")))
		print_table(out, doc, style);
	else
		print_value(out, doc, style);
}
