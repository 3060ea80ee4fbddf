// SPDX-License-Identifier: GPL-3.0-or-later
#include "view_priv.h"

#include <stdarg.h>

enum { LEAST_CLIP = 12 }; /* a column cut shorter says nothing */

void vw_grid_deinit(struct vw_grid *g)
{
	size_t i;

	for (i = 0; i < g->columns.n; i++)
		free(g->columns.v[i].head);
	for (i = 0; i < g->cells.n; i++)
		free(g->cells.v[i]);
	hs_vec_deinit(&g->columns);
	hs_vec_deinit(&g->cells);
}

void vw_grid_column(struct vw_grid *g, char *head, bool right, size_t width)
{
	struct vw_column c = { .head = head, .right = right, .width = width };

	hs_vec_push(&g->columns, c);
}

void vw_grid_add(struct vw_grid *g, char *cell)
{
	hs_vec_push(&g->cells, cell);
}

void vw_grid_addf(struct vw_grid *g, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = hs_xstrdup("");
	va_end(ap);
	vw_grid_add(g, s);
}

static size_t columns_of(const char *s)
{
	return hs_text_width(s, strlen(s));
}

/* Widths that fit every cell. free(). */
static size_t *widths(const struct vw_grid *g)
{
	size_t *w = hs_xcalloc(g->columns.n + 1, sizeof(*w)), i, n;

	for (i = 0; i < g->columns.n; i++) {
		w[i] = g->columns.v[i].width;
		if (!g->columns.v[i].fits_head || !g->columns.v[i].head)
			continue;
		n = columns_of(g->columns.v[i].head);
		w[i] = n > w[i] ? n : w[i];
	}
	for (i = 0; i < g->cells.n; i++) {
		n = columns_of(g->cells.v[i]);
		if (n > w[i % g->columns.n])
			w[i % g->columns.n] = n;
	}
	return w;
}

static void blanks(struct hs_text *out, size_t n)
{
	while (n--)
		hs_text_addc(out, ' ');
}

/*
 * A head that is longer than its column ends where the column ends if there is
 * room on its left, and else runs over into the blanks of the next one: Heapy's
 * "Cumulative" stands over nine digits.
 */
static void print_head(const struct vw_grid *g, const size_t *w,
		       struct hs_text *out)
{
	size_t i, at = 0, start = 0, length, from;
	const char *head;

	for (i = 0; i < g->columns.n; i++) {
		head = g->columns.v[i].head ? g->columns.v[i].head : "";
		length = columns_of(head);
		from = start;
		if (g->columns.v[i].right && start + w[i] > length)
			from = start + w[i] - length;
		if (from < at + (i ? 1 : 0))
			from = at + (i ? 1 : 0);
		if (g->columns.v[i].right && from < start)
			from = start;
		blanks(out, from - at);
		hs_text_add(out, head);
		at = from + length;
		start += w[i] + g->gap;
	}
}

static void print_row(const struct vw_grid *g, const size_t *w, size_t row,
		      struct hs_text *out, const struct vw_style *style)
{
	size_t i, used = g->indent, n_columns = g->columns.n, length;
	const char *cell;

	for (i = 0; i < n_columns; i++) {
		cell = row * n_columns + i < g->cells.n
			       ? g->cells.v[row * n_columns + i]
			       : "";
		length = columns_of(cell);
		if (g->columns.v[i].right)
			blanks(out, w[i] - length);
		if (i + 1 == n_columns && g->clips && style->width &&
		    style->width > used + LEAST_CLIP)
			vw_clip(out, style, cell, style->width - used);
		else
			hs_text_add(out, cell);
		if (i + 1 == n_columns)
			break;
		if (!g->columns.v[i].right)
			blanks(out, w[i] - length);
		blanks(out, g->gap);
		used += w[i] + g->gap;
	}
}

/* No blanks at the end of a line. */
static void end_line(struct hs_text *out, size_t start)
{
	while (out->len > start && out->s[out->len - 1] == ' ')
		out->s[--out->len] = '\0';
	hs_text_addc(out, '\n');
}

static bool has_head(const struct vw_grid *g)
{
	size_t i;

	for (i = 0; i < g->columns.n; i++)
		if (g->columns.v[i].head)
			return true;
	return false;
}

void vw_grid_print(const struct vw_grid *g, struct hs_text *out,
		   const struct vw_style *style)
{
	HS_FREE size_t *w = NULL;
	size_t row, rows, start;

	if (!g->columns.n)
		return;
	w = widths(g);
	rows = (g->cells.n + g->columns.n - 1) / g->columns.n;
	if (has_head(g)) {
		hs_text_add(out, style->color ? "\033[1m" : "");
		blanks(out, g->indent);
		print_head(g, w, out);
		hs_text_add(out, style->color ? "\033[0m" : "");
		hs_text_addc(out, '\n');
	}
	for (row = 0; row < rows; row++) {
		start = out->len;
		blanks(out, g->indent);
		print_row(g, w, row, out, style);
		end_line(out, start);
	}
}
