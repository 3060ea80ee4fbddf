// SPDX-License-Identifier: GPL-3.0-or-later
// What is for people: attached, errors, words.
#include "view_priv.h"

#include <inttypes.h>

enum {
	PROGRAM_COLUMNS = 60, /* of the target's command line */
	CARET_INDENT = 4,
};

/* Of what is attached, a part after the colon: " · RSS 131 MiB". */
static void add_part(struct hs_text *out, const struct vw_style *style,
		     const char *text)
{
	hs_text_addf(out, " %s %s", vw_dot(style), text);
}

static void add_numbers(struct hs_text *out, const json_t *doc,
			const struct vw_style *style)
{
	uint64_t rss = wr_get_u64(doc, "rss");
	uint64_t pause = wr_get_u64(doc, "pause_ns");

	if (rss) {
		add_part(out, style, "RSS ");
		hs_text_size(out, rss);
	}
	if (pause) {
		add_part(out, style, "paused ");
		hs_text_duration(out, pause);
	}
}

/* "frozen clone" is what one expects; of anything else one is told. */
static void add_state(struct hs_text *out, const json_t *doc,
		      const struct vw_style *style)
{
	HS_FREE char *rung = vw_member(doc, "rung", style);

	if (*rung && strcmp(rung, "frozen clone"))
		add_part(out, style, rung);
	// All of it may change under the reader, not one container.
	if (!strcmp(rung, "live"))
		add_part(out, style, "may be inconsistent");
	else if (json_is_false(json_object_get(doc, "settled")))
		add_part(out, style, "mid-mutation");
	if (json_is_true(json_object_get(doc, "collecting")))
		add_part(out, style, "collecting");
}

void vw_attached(struct hs_text *out, const json_t *doc,
		 const struct vw_style *style)
{
	HS_FREE char *program = vw_member(doc, "program", style);
	HS_FREE char *runtime = vw_member(doc, "runtime", style);
	HS_FREE char *version = vw_member(doc, "version", style);
	uint64_t pid = wr_get_u64(doc, "pid");
	HS_TEXT clipped = { 0 };

	vw_clip(&clipped, style, program, PROGRAM_COLUMNS);
	if (json_is_true(json_object_get(doc, "again")))
		hs_text_addf(out, "Instant %" PRIu64 " of ",
			     wr_get_u64(doc, "instant"));
	else
		hs_text_add(out, "Attached to ");
	if (pid)
		hs_text_addf(out, "%" PRIu64, pid);
	if (*program && !json_is_true(json_object_get(doc, "again")))
		hs_text_addf(out, "%s(%s)", pid ? " " : "",
			     hs_text_str(&clipped));
	hs_text_addf(out, ": %s%s%s", runtime, *version ? " " : "", version);
	add_numbers(out, doc, style);
	add_state(out, doc, style);
	hs_text_addc(out, '\n');
}

/* The line, and a caret under the byte at column. */
static void add_caret(struct hs_text *out, const json_t *doc,
		      const struct vw_style *style)
{
	const char *line = wr_get_text(doc, "command");
	size_t n = strlen(line), column;
	HS_TEXT before = { 0 };

	column = (size_t)wr_get_u64(doc, "column");
	column = column < n ? column : n;
	vw_foreign(&before, style, line, column);
	hs_text_addf(out, "%*s", CARET_INDENT, "");
	vw_foreign(out, style, line, n);
	hs_text_addf(out, "\n%*s%s^%s\n",
		     (int)(CARET_INDENT +
			   hs_text_width(hs_text_str(&before), before.len)),
		     "", style->color ? "\033[1;31m" : "",
		     style->color ? "\033[0m" : "");
}

void vw_error(struct hs_text *out, const json_t *doc,
	      const struct vw_style *style)
{
	HS_FREE char *message = vw_member(doc, "message", style);
	HS_FREE char *remedy = vw_member(doc, "remedy", style);

	hs_text_addf(out, "%sheapsh:%s %s\n", style->color ? "\033[1;31m" : "",
		     style->color ? "\033[0m" : "", message);
	if (json_object_get(doc, "column"))
		add_caret(out, doc, style);
	if (*remedy)
		hs_text_addf(out, "  try: %s\n", remedy);
}

void vw_words(struct hs_text *out, const json_t *doc,
	      const struct vw_style *style)
{
	const json_t *value = json_object_get(doc, "value");

	vw_foreign_lines(out, style, json_string_value(value),
			 json_string_length(value));
}
