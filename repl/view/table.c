// SPDX-License-Identifier: GPL-3.0-or-later
#include "view_priv.h"

#include <inttypes.h>

void vw_more(struct hs_text *out, const json_t *doc,
	     const struct vw_style *style)
{
	uint64_t more = wr_get_u64(doc, "more");

	(void)style;
	if (more)
		hs_text_addf(out,
			     "<%" PRIu64
			     " more row%s. Type e.g. '_.more' to view.>\n",
			     more, vw_s(more));
}

static char *head_of(const json_t *column, const struct vw_style *style)
{
	HS_FREE char *name = NULL, *unit = NULL;

	if (json_is_string(column))
		return vw_cell(column, style);
	name = vw_member(column, "name", style);
	unit = vw_member(column, "unit", style);
	return *unit ? hs_xasprintf("%s (%s)", name, unit) : hs_take(name);
}

static void add_columns(struct vw_grid *g, const json_t *columns,
			const struct vw_style *style)
{
	json_t *column;
	bool right;
	size_t i;

	json_array_foreach (columns, i, column) {
		right = !strcmp(wr_get_text(column, "align"), "right");
		vw_grid_column(g, head_of(column, style), right, 0);
		g->columns.v[i].fits_head = true;
	}
}

enum { WIDEST = 60 }; /* columns of a cell that others follow */

/* The name of a thread may have a thousand characters: the rest of the row is
 * to be seen all the same. JSON and CSV have it whole. */
static char *bounded(char *cell, const struct vw_style *style)
{
	HS_FREE char *whole = cell;
	struct hs_text t = { 0 };

	if (hs_text_width(cell, strlen(cell)) <= WIDEST)
		return hs_take(whole);
	vw_clip(&t, style, cell, WIDEST);
	return hs_text_take(&t);
}

/* Cells past the last column are joined to it: nothing is lost. */
static void add_row(struct vw_grid *g, const json_t *row,
		    const struct vw_style *style)
{
	size_t i, n = json_array_size(row), columns = g->columns.n;

	for (i = 0; i < columns; i++) {
		char *cell = vw_cell(json_array_get(row, i), style);

		if (g->clips && i + 1 < columns)
			cell = bounded(cell, style);
		vw_grid_add(g, cell);
	}
	for (; i < n; i++) {
		HS_FREE char *last = g->cells.v[g->cells.n - 1];
		HS_FREE char *cell = vw_cell(json_array_get(row, i), style);

		g->cells.v[g->cells.n - 1] = hs_xasprintf("%s %s", last, cell);
	}
}

void vw_table(struct hs_text *out, const json_t *doc,
	      const struct vw_style *style)
{
	HS_FREE char *title = vw_member(doc, "title", style);
	// What is to be read to its end, or typed, says so (doctor).
	VW_GRID g = { .gap = 2, .clips = !json_is_true(
				json_object_get(doc, "whole")) };
	size_t i;
	json_t *row;

	if (*title)
		hs_text_addf(out, "%s\n", title);
	add_columns(&g, json_object_get(doc, "columns"), style);
	if (!g.columns.n)
		vw_grid_column(&g, NULL, false, 0);
	json_array_foreach (json_object_get(doc, "rows"), i, row)
		add_row(&g, row, style);
	vw_grid_print(&g, out, style);
	vw_more(out, doc, style);
}
