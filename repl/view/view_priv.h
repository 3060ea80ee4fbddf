/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the files of view. */
#ifndef VW_VIEW_PRIV_H
#define VW_VIEW_PRIV_H

#include "view.h"

#include "vec.h"

/* --- grid.c: columns ------------------------------------------------------ */

struct vw_column {
	char *head; /* owned, escaped; NULL: none */
	bool right;
	size_t width; /* least; grows with the cells */
	bool fits_head; /* grows with the head, too */
};
struct vw_grid {
	HS_VEC(struct vw_column) columns;
	HS_VEC(char *) cells; /* row by row, owned, escaped */
	size_t gap; /* blanks between columns */
	size_t indent;
	bool clips; /* the last column is cut at the style's width */
};
void vw_grid_deinit(struct vw_grid *g);
#define VW_GRID HS_CLEANUP(vw_grid_deinit) struct vw_grid
/** Takes head over. */
void vw_grid_column(struct vw_grid *g, char *head, bool right, size_t width);
/** Takes cell over; rows fill from left to right. */
void vw_grid_add(struct vw_grid *g, char *cell);
void vw_grid_addf(struct vw_grid *g, const char *fmt, ...) HS_PRINTF(2, 3);
/** Head (if any column has one) and rows. Missing cells are empty. */
void vw_grid_print(const struct vw_grid *g, struct hs_text *out,
		   const struct vw_style *style);

/* --- value.c -------------------------------------------------------------- */

/** A JSON value as the text of a cell: escaped. free(). */
char *vw_cell(const json_t *value, const struct vw_style *style);
/** A member as text that is escaped; "" when absent. free(). */
char *vw_member(const json_t *doc, const char *key,
		const struct vw_style *style);
/** A document's body within a list: `328`, `'text'`, `<set of 3 objects>`. */
void vw_inline(struct hs_text *out, const json_t *body,
	       const struct vw_style *style);

/* --- one function a type; all write whole lines --------------------------- */

typedef void vw_printer(struct hs_text *out, const json_t *doc,
			const struct vw_style *style);
vw_printer vw_attached, vw_error, vw_words; /* report.c */
vw_printer vw_scalar, vw_list, vw_object, vw_any; /* value.c */
vw_printer vw_sized; /* sized.c */
vw_printer vw_set; /* set.c */
vw_printer vw_summary, vw_diff; /* summary.c */
vw_printer vw_table; /* table.c */
vw_printer vw_paths, vw_tree; /* paths.c */
vw_printer vw_csv; /* csv.c */
/** `<3 more rows. Type e.g. '_.more' to view.>` when the document says so. */
vw_printer vw_more; /* table.c */

/** A whole document, or the first of its parts. */
bool vw_has_head(const json_t *doc);

/** "s" unless n is 1. */
static inline const char *vw_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}
#endif
