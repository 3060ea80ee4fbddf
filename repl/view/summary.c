// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of muppy (Pympler 1.1, pympler/summary.py, format_) and Heapy's diff
// (guppy3 3.1.7, guppy/heapy/Part.py).
#include "view_priv.h"

#include <inttypes.h>

/* pp() of what may be negative: muppy prints "-5242880     B", which nobody
 * can read; the sign goes before the number instead. */
static char *size_cell(int64_t size)
{
	HS_TEXT t = { 0 };
	const char *s;
	int blanks;

	hs_text_size_muppy(&t, size < 0 ? -(uint64_t)size : (uint64_t)size);
	if (size >= 0)
		return hs_text_take(&t);
	s = hs_text_str(&t);
	blanks = (int)strspn(s, " ");
	return hs_xasprintf("%*s-%s", blanks ? blanks - 1 : 0, "", s + blanks);
}

static void print_bar(struct hs_text *out, const size_t *width)
{
	size_t i, k;

	for (i = 0; i < 3; i++) {
		hs_text_add(out, i ? " | " : "");
		for (k = 0; k < width[i]; k++)
			hs_text_addc(out, '=');
	}
	hs_text_addc(out, '\n');
}

static void print_cells(struct hs_text *out, char *const *cells,
			const size_t *width)
{
	size_t i, n;

	for (i = 0; i < 3; i++) {
		n = hs_text_width(cells[i], strlen(cells[i]));
		hs_text_addf(out, "%s%*s%s", i ? " | " : "",
			     (int)(width[i] - n), "", cells[i]);
	}
	hs_text_addc(out, '\n');
}

/* The longest of a column, and a blank on either side. */
static void measure(char *const *cells, size_t n_rows, size_t *width)
{
	size_t i, n;

	for (i = 0; i < 3 * n_rows; i++) {
		n = hs_text_width(cells[i], strlen(cells[i])) + 2;
		if (n > width[i % 3])
			width[i % 3] = n;
	}
}

void vw_summary(struct hs_text *out, const json_t *doc,
		const struct vw_style *style)
{
	const json_t *rows = json_object_get(doc, "rows");
	size_t width[3] = { 0 }, n = json_array_size(rows) + 1, i;
	HS_FREE char **cells = hs_xcalloc(3 * n, sizeof(*cells));
	json_t *row;

	cells[0] = hs_xstrdup("types");
	cells[1] = hs_xstrdup("# objects");
	cells[2] = hs_xstrdup("total size");
	json_array_foreach (rows, i, row) {
		cells[3 * i + 3] = vw_member(row, "type", style);
		cells[3 * i + 4] =
			hs_xasprintf("%" PRId64, wr_get_i64(row, "count"));
		cells[3 * i + 5] = size_cell(wr_get_i64(row, "size"));
	}
	measure(cells, n, width);
	for (i = 0; i < n; i++) {
		print_cells(out, cells + 3 * i, width);
		if (i == 0)
			print_bar(out, width);
	}
	for (i = 0; i < 3 * n; i++)
		free(cells[i]);
	vw_more(out, doc, style);
}

static void print_side(struct hs_text *out, const char *name, int64_t count,
		       int64_t size)
{
	hs_text_addf(out, "  %-3s %7" PRId64 " %8" PRId64, name, count, size);
}

static void print_sides(struct hs_text *out, const json_t *a, const json_t *b)
{
	int64_t size_a = wr_get_i64(a, "size"), size_b = wr_get_i64(b, "size");
	int64_t count_a = wr_get_i64(a, "count");
	int64_t count_b = wr_get_i64(b, "count");

	hs_text_add(out, "Summary of difference operation (A-B).\n"
			 "        Count     Size\n");
	print_side(out, "A", count_a, size_a);
	hs_text_addc(out, '\n');
	print_side(out, "B", count_b, size_b);
	hs_text_addc(out, '\n');
	print_side(out, "A-B", hs_sub_i64(count_a, count_b),
		   hs_sub_i64(size_a, size_b));
	if (size_b)
		hs_text_addf(out, "  = %9.3g %% of B",
			     100.0 * (double)hs_sub_i64(size_a, size_b) /
				     (double)size_b);
	hs_text_add(out, "\n\n");
}

void vw_diff(struct hs_text *out, const json_t *doc,
	     const struct vw_style *style)
{
	const json_t *b = json_object_get(doc, "b");
	int64_t whole = wr_get_i64(b, "size"), cumulative = 0, size;
	VW_GRID g = { .gap = 1, .clips = true };
	char *header = vw_member(doc, "header", style);
	size_t i;
	json_t *row;

	print_sides(out, json_object_get(doc, "a"), b);
	if (!json_array_size(json_object_get(doc, "rows"))) {
		free(header);
		return;
	}
	hs_text_add(out, "Differences by kind, largest absolute size diffs "
			 "first.\n");
	vw_grid_column(&g, hs_xstrdup("Index"), true, 6);
	vw_grid_column(&g, hs_xstrdup("Count"), true, 6);
	vw_grid_column(&g, hs_xstrdup("Size"), true, 8);
	vw_grid_column(&g, hs_xstrdup(" Cumulative"), true, 9);
	vw_grid_column(&g, hs_xstrdup("% of B"), true, 9);
	vw_grid_column(&g, header, false, 0);
	json_array_foreach (json_object_get(doc, "rows"), i, row) {
		size = wr_get_i64(row, "size");
		cumulative = hs_add_i64(cumulative, size);
		if (json_object_get(row, "cumulative"))
			cumulative = wr_get_i64(row, "cumulative");
		vw_grid_addf(&g, "%" PRIu64, json_object_get(row, "index") ?
						     wr_get_u64(row, "index") :
						     i);
		vw_grid_addf(&g, "%" PRId64, wr_get_i64(row, "count"));
		vw_grid_addf(&g, "%" PRId64, size);
		vw_grid_addf(&g, "%" PRId64, cumulative);
		vw_grid_addf(&g, "%.3g",
			     whole ? 100.0 * (double)cumulative /
					     (double)whole : 0);
		vw_grid_add(&g, vw_member(row, "kind", style));
	}
	vw_grid_print(&g, out, style);
	vw_more(out, doc, style);
}
