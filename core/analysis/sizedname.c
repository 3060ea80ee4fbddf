// SPDX-License-Identifier: Apache-2.0
// What Pympler calls a referent (pympler/asizeof.py, _dict_refs, _refs, …):
// keys by str(), values by repr(), attributes and slots by their bare name.
#include "analysis_priv.h"

#include "text.h"

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
