// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

void vb_edges_deinit(struct vb_edges *e)
{
	free(e->v);
}

/** Content; and of the context what its runtime has a word of its own for. */
static bool is_shown(const struct heapsh_edge *e)
{
	return !(e->flags & HEAPSH_EDGE_WEAK) &&
	       (!(e->flags & HEAPSH_EDGE_CONTEXT) ||
		e->label == HEAPSH_LABEL_PART);
}

struct hs_err *vb_edges(const struct lg_call *call, struct lg_instant *in,
			uint64_t addr, struct vb_edges *ret)
{
	struct md_model *m = lg_instant_model(in, call->task);
	struct hs_err *err = md_edges(m, addr, &ret->v, &ret->n);
	size_t n = 0;

	if (err)
		return err;
	for (size_t i = 0; i < ret->n; i++)
		if (is_shown(&ret->v[i].e))
			ret->v[n++] = ret->v[i];
	ret->n = n;
	return NULL;
}

void vb_object_cells(struct md_model *m, json_t *row, uint64_t addr)
{
	HS_FREE char *value = NULL;
	struct md_object o;

	if (!md_object_at(m, addr, &o)) {
		vb_cell(row, json_string("<unread>"));
		vb_cell(row, wr_addr(addr));
		vb_cell(row, json_string(""));
		return;
	}
	value = md_render(m, addr, HEAPSH_RENDER_SHORT, VB_VALUE_COLUMNS);
	vb_cell_text(row, o.type->name);
	vb_cell(row, wr_addr(addr));
	vb_cell_text(row, value);
}
