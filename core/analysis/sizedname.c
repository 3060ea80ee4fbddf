// SPDX-License-Identifier: Apache-2.0
// What Pympler calls a referent (pympler/asizeof.py, _dict_refs, _refs, …):
// keys by str(), values by repr(), attributes and slots by their bare name.
#include "analysis_priv.h"

#include "text.h"

enum { MAX_TEXT = 1 << 20 };	/* bytes of a table's items */

/* str() of an object: the bare text, or its repr. */
static void add_str(struct md_model *m, struct hs_text *t, uint64_t addr)
{
	struct md_object o;
	uint32_t style = HEAPSH_RENDER_REPR;
	HS_FREE char *s = NULL;

	if (md_object_at(m, addr, &o) && o.type->flags & HEAPSH_TYPE_TEXT)
		style = HEAPSH_RENDER_TEXT;
	s = md_render(m, addr, style, AN_CLIP);
	hs_text_add(t, s);
}

static void add_repr(struct md_model *m, struct hs_text *t, uint64_t addr)
{
	HS_FREE char *s = md_render(m, addr, HEAPSH_RENDER_REPR, AN_CLIP);

	hs_text_add(t, s);
}

static void add_name(struct md_model *m, struct hs_text *t,
		     const struct heapsh_edge *e)
{
	HS_FREE char *label = NULL;

	switch ((enum heapsh_label)e->label) {
	case HEAPSH_LABEL_VALUE:
		hs_text_add(t, "[V] ");
		add_str(m, t, e->a);
		hs_text_add(t, ": ");
		break;
	case HEAPSH_LABEL_ATTR:
	case HEAPSH_LABEL_LOCAL:
		add_str(m, t, e->a);
		return;
	case HEAPSH_LABEL_NAME:
	case HEAPSH_LABEL_FIELD:
		if (!e->text)
			break;
		hs_text_escape(t, e->text, strlen(e->text));
		return;
	case HEAPSH_LABEL_SCALAR:
	case HEAPSH_LABEL_PART:
	case HEAPSH_LABEL_OFFSET:
		label = md_label(m, e);
		hs_text_add(t, label);
		hs_text_add(t, ": ");
		break;
	case HEAPSH_LABEL_NONE:
	case HEAPSH_LABEL_INDEX:
	case HEAPSH_LABEL_KEY:
	case HEAPSH_LABEL_STACK:
	case HEAPSH_LABEL_MEMBER:
	default:
		break;
	}
	add_repr(m, t, e->target);
}

char *an_sized_name(struct md_model *m, const struct heapsh_edge *e)
{
	HS_TEXT t = { 0 };

	if (e->flags & HEAPSH_EDGE_KEY) {
		hs_text_add(&t, "[K] ");
		add_str(m, &t, e->target);
	} else {
		add_name(m, &t, e);
	}
	return hs_text_take(&t);
}

/* --- by another tool's rules -------------------------------------------- */

static void add_clipped(struct md_model *m, struct hs_text *t, uint64_t addr,
			bool as_str, size_t clip)
{
	uint32_t style = HEAPSH_RENDER_REPR;
	HS_FREE char *s = NULL;
	struct md_object o;

	if (as_str && md_object_at(m, addr, &o) &&
	    o.type->flags & HEAPSH_TYPE_TEXT)
		style = HEAPSH_RENDER_TEXT;
	s = md_render_clipped(m, addr, style, clip);
	hs_text_add(t, s);
}

/* Items of a table that an instance would be given: "{'a': 1}". */
static void add_pairs(struct md_model *m, struct hs_text *t, uint64_t id)
{
	struct md_edge *edges = NULL;
	size_t n = 0;

	// what cannot be read is not shown: its sizes say so
	hs_err_free(md_compat_edges(m, id, &edges, &n));
	hs_text_addc(t, '{');
	for (size_t i = 0; i + 1 < n && t->len < MAX_TEXT; i += 2) {
		HS_FREE char *k = md_render_clipped(m, edges[i].e.target,
						    HEAPSH_RENDER_REPR, 0);
		HS_FREE char *v = md_render_clipped(m, edges[i + 1].e.target,
						    HEAPSH_RENDER_REPR, 0);

		hs_text_addf(t, "%s%s: %s", i ? ", " : "", k, v);
	}
	hs_text_addc(t, '}');
	free(edges);
}

char *an_compat_text(struct md_model *m, uint64_t id, size_t clip)
{
	size_t head, tail;
	HS_TEXT all = { 0 };

	if (!(id & HEAPSH_COMPAT_MADE))
		return md_render_clipped(m, id, HEAPSH_RENDER_REPR, clip);
	add_pairs(m, &all, id);
	if (!hs_text_middle(all.s, all.len, clip, &head, &tail))
		return hs_text_take(&all);
	return hs_xasprintf("%.*s....%s", (int)head, all.s, all.s + tail);
}

/* What it calls a thing that no edge names: its own name, or its repr. */
static char *own_name(struct md_model *m, uint64_t id, size_t clip)
{
	struct md_compat_words w = { 0 };
	HS_TEXT t = { 0 };

	if (md_compat_words(m, id, &w) && w.name)
		hs_text_add(&t, w.name);
	md_compat_words_deinit(&w);
	return t.len ? hs_text_take(&t) : an_compat_text(m, id, clip);
}

char *an_compat_name(struct md_model *m, uint64_t id,
		     const struct heapsh_edge *e, size_t clip)
{
	HS_TEXT t = { 0 };

	if (e && e->flags & HEAPSH_EDGE_KEY) {
		hs_text_add(&t, "[K] ");
		add_clipped(m, &t, id, true, 0);
	} else if (e && e->label == HEAPSH_LABEL_VALUE) {
		hs_text_add(&t, "[V] ");
		add_clipped(m, &t, e->a, true, 0);
		hs_text_add(&t, ": ");
		add_clipped(m, &t, id, false, AN_CLIP);
	} else if (e && e->label == HEAPSH_LABEL_ATTR) {
		add_clipped(m, &t, e->a, true, 0);
	} else if (e && e->label == HEAPSH_LABEL_NAME && e->text) {
		hs_text_escape(&t, e->text, strlen(e->text));
	} else {
		return own_name(m, id, clip);
	}
	return hs_text_take(&t);
}
