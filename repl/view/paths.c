// SPDX-License-Identifier: GPL-3.0-or-later
// Paths and trees, as Heapy prints them: guppy3 3.1.7, guppy/heapy/Path.py,
// RefPat.py.
#include "view_priv.h"

#include <inttypes.h>

void vw_paths(struct hs_text *out, const json_t *doc,
	      const struct vw_style *style)
{
	HS_FREE char *note = vw_member(doc, "note", style);
	uint64_t more = wr_get_u64(doc, "more");
	json_t *path;
	size_t i;

	json_array_foreach (json_object_get(doc, "paths"), i, path) {
		HS_FREE char *text = vw_member(path, "text", style);

		hs_text_addf(out, "%2" PRIu64 ": ", wr_get_u64(path, "index"));
		hs_text_add(out, text);
		hs_text_addc(out, '\n');
	}
	if (*note)
		hs_text_addf(out, "(%s)\n", note);
	if (more)
		hs_text_addf(out, "<... %" PRIu64 " more path%s ...>\n", more,
			     vw_s(more));
}

/* The text of a row is made by who knows the form: columns are its own. */
void vw_tree(struct hs_text *out, const json_t *doc,
	     const struct vw_style *style)
{
	HS_FREE char *title = vw_member(doc, "title", style);
	uint64_t more = wr_get_u64(doc, "more");
	size_t width = wr_get_u64(doc, "width");
	json_t *row;
	size_t i;

	if (style->width)
		width = style->width;
	if (*title)
		hs_text_addf(out, "%s\n", title);
	json_array_foreach (json_object_get(doc, "rows"), i, row) {
		HS_FREE char *text = vw_member(row, "text", style);

		if (width)
			vw_clip(out, style, text, width);
		else
			hs_text_add(out, text);
		hs_text_addc(out, '\n');
	}
	if (more)
		hs_text_addf(out,
			     "<%" PRIu64
			     " more line%s. Type e.g. '_.more' for more.>\n",
			     more, vw_s(more));
	else if (json_is_true(json_object_get(doc, "cut")))
		hs_text_add(out, "<cut here: there is more than is made>\n");
}
