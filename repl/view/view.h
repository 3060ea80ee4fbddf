/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * view: documents become lines. No state, no files, no terminal: text goes to
 * a string builder. What was not written by us is escaped here again, whoever
 * escaped it before: no control byte leaves this room but newlines and, with
 * color, our own SGR sequences.
 */
#ifndef VW_VIEW_H
#define VW_VIEW_H

#include "text.h"

#include "doc.h"

enum vw_format { VW_TEXT, VW_JSON, VW_CSV };

struct vw_style {
	enum vw_format format;
	size_t width; /* columns; 0: no terminal, nothing is cut */
	bool utf8; /* else all is ASCII: \uNNNN, '-', "..." */
	bool color;
};

/** A document in the style's format, whole lines. Any document is printable. */
void vw_doc(struct hs_text *out, const json_t *doc,
	    const struct vw_style *style);
/** One of several with the rows of one (doc.h): they print as one. */
static inline bool vw_is_part(const json_t *doc)
{
	return json_object_get(doc, "part");
}
/** A part after which others come. */
bool vw_goes_on(const json_t *doc);
/** What is to be printed when, after such a part, none comes. */
void vw_cut_off(struct hs_text *out, const struct vw_style *style);
/** True for documents that are for people: errors, words, attached. */
bool vw_is_words(const json_t *doc);

/** Foreign text on one line: escaped, ASCII where the style says so. */
void vw_foreign(struct hs_text *out, const struct vw_style *style,
		const char *s, size_t n);
/** The same, where newlines stay: help, several sentences. */
void vw_foreign_lines(struct hs_text *out, const struct vw_style *style,
		      const char *s, size_t n);
/** "…" or "..." and "·" or "-". */
const char *vw_ellipsis(const struct vw_style *style);
const char *vw_dot(const struct vw_style *style);
/**
 * Append at most columns columns of s, which is escaped; what is longer ends in
 * an ellipsis.
 */
void vw_clip(struct hs_text *out, const struct vw_style *style, const char *s,
	     size_t columns);
#endif
