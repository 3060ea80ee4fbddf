// SPDX-License-Identifier: GPL-3.0-or-later
// Sets, as Heapy prints them: guppy3 3.1.7, guppy/heapy/Part.py.
#include "view_priv.h"

#include <inttypes.h>

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static bool is_by_id(const json_t *doc)
{
	return !strcmp(wr_get_text(doc, "by"), "id");
}

/* Partition of a set of 3 objects. / Set of 3 <str> objects. */
static void print_label(struct hs_text *out, const json_t *doc,
			const struct vw_style *style)
{
	uint64_t count = wr_get_u64(doc, "count");
	HS_FREE char *kind = vw_member(doc, "kind", style);

	if (is_by_id(doc))
		hs_text_addf(out, "Set of %" PRIu64 "%s%s%s object%s.", count,
			     *kind ? " <" : "", kind, *kind ? ">" : "",
			     vw_s(count));
	else
		hs_text_addf(out, "Partition of a set of %" PRIu64 " object%s.",
			     count, vw_s(count));
	hs_text_addf(out, " Total size = %" PRIu64 " bytes.\n",
		     wr_get_u64(doc, "size"));
}

static bool any_retained(const json_t *rows)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row)
		if (json_object_get(row, "retained"))
			return true;
	return false;
}

/* Parts of one table are aligned: no number in them has more digits than what
 * all sum up to. */
static size_t width(const json_t *doc, size_t least)
{
	char digits[24];
	int n;

	if (!vw_is_part(doc))
		return least;
	n = snprintf(digits, sizeof(digits), "%" PRIu64,
		     wr_get_u64(doc, least > 6 ? "size" : "count"));
	return n > (int)least ? (size_t)n : least;
}

/* Widths and heads are those of Heapy's format strings: '%6d %6d %3d %8d %3d
 * %9d %3d ' and, by id, '%6d %8d %5.1f %9d %5.1f '. */
static void add_columns(struct vw_grid *g, const json_t *doc, bool retained,
			const struct vw_style *style)
{
	bool by_id = is_by_id(doc);
	const char *percent_head = by_id ? "%  " : "%";
	size_t percent_width = by_id ? 5 : 3, i;

	vw_grid_column(g, hs_xstrdup("Index"), true, width(doc, 6));
	if (!by_id) {
		vw_grid_column(g, hs_xstrdup("Count"), true, width(doc, 6));
		vw_grid_column(g, hs_xstrdup("%"), true, percent_width);
	}
	vw_grid_column(g, hs_xstrdup("Size"), true, width(doc, 8));
	vw_grid_column(g, hs_xstrdup(percent_head), true, percent_width);
	vw_grid_column(g, hs_xstrdup("Cumulative"), true, width(doc, 9));
	vw_grid_column(g, hs_xstrdup(percent_head), true, percent_width);
	if (retained)
		vw_grid_column(g, hs_xstrdup("Retained"), true, 9);
	vw_grid_column(g, vw_member(doc, "header", style), false, 0);
	for (i = 0; i < g->columns.n && !vw_has_head(doc); i++) {
		free(g->columns.v[i].head);
		g->columns.v[i].head = NULL;
	}
}

static void add_row(struct vw_grid *g, const json_t *doc, const json_t *row,
		    bool retained, const struct vw_style *style)
{
	uint64_t count = wr_get_u64(row, "count"), size, cumulative, total;
	int digits = is_by_id(doc) ? 1 : 0;

	size = wr_get_u64(row, "size");
	cumulative = wr_get_u64(row, "cumulative");
	total = wr_get_u64(doc, "size");
	vw_grid_addf(g, "%" PRIu64, wr_get_u64(row, "index"));
	if (!is_by_id(doc)) {
		vw_grid_addf(g, "%" PRIu64, count);
		vw_grid_addf(g, "%.0f",
			     percent(count, wr_get_u64(doc, "count")));
	}
	vw_grid_addf(g, "%" PRIu64, size);
	vw_grid_addf(g, "%.*f", digits, percent(size, total));
	vw_grid_addf(g, "%" PRIu64, cumulative);
	vw_grid_addf(g, "%.*f", digits, percent(cumulative, total));
	if (retained)
		vw_grid_add(g,
			    vw_cell(json_object_get(row, "retained"), style));
	vw_grid_add(g, vw_member(row, "kind", style));
}

static void print_unreachable(struct hs_text *out, const json_t *doc)
{
	const json_t *part = json_object_get(doc, "unreachable");
	uint64_t n = wr_get_u64(part, "objects");

	if (n)
		hs_text_addf(out,
			     "%" PRIu64 " object%s of these (%" PRIu64
			     " bytes) %s unreachable: 'heapu' shows %s.\n",
			     n, vw_s(n), wr_get_u64(part, "bytes"),
			     n == 1 ? "is" : "are", n == 1 ? "it" : "them");
}

void vw_set(struct hs_text *out, const json_t *doc,
	    const struct vw_style *style)
{
	const json_t *rows = json_object_get(doc, "rows");
	HS_FREE char *note = vw_member(doc, "note", style);
	bool retained = any_retained(rows);
	VW_GRID g = { .gap = 1, .clips = true };
	size_t i;
	json_t *row;

	if (vw_has_head(doc))
		print_label(out, doc, style);
	add_columns(&g, doc, retained, style);
	json_array_foreach (rows, i, row)
		add_row(&g, doc, row, retained, style);
	vw_grid_print(&g, out, style);
	if (vw_goes_on(doc))
		return;
	vw_more(out, doc, style);
	print_unreachable(out, doc);
	if (*note)
		hs_text_addf(out, "%s.\n", note);
}
