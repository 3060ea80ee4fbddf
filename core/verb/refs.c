// SPDX-License-Identifier: Apache-2.0
// refs and named_refs: what an object refers to, with and without its name.
#include "verb_priv.h"

enum { NAME_COLUMNS = 40 };

/* Pympler's words: "[K] key", "[V] key: ", an attribute's name, or NULL. */
static char *name_of(struct md_model *m, const struct heapsh_edge *e,
		     const struct heapsh_edge *before)
{
	HS_FREE char *key = NULL;

	if (e->flags & HEAPSH_EDGE_KEY) {
		key = md_render(m, e->target, HEAPSH_RENDER_SHORT,
				NAME_COLUMNS);
		return hs_xasprintf("[K] %s", key);
	}
	if (before && before->flags & HEAPSH_EDGE_KEY) {
		key = md_render(m, before->target, HEAPSH_RENDER_SHORT,
				NAME_COLUMNS);
		return hs_xasprintf("[V] %s", key);
	}
	switch (e->label) {
	case HEAPSH_LABEL_ATTR:
	case HEAPSH_LABEL_LOCAL:
		return md_render(m, e->a, HEAPSH_RENDER_TEXT, NAME_COLUMNS);
	case HEAPSH_LABEL_NAME:
	case HEAPSH_LABEL_FIELD:
		return e->text ? hs_xstrdup(e->text) : NULL;
	case HEAPSH_LABEL_SCALAR:
	case HEAPSH_LABEL_PART:
	case HEAPSH_LABEL_OFFSET:
		return md_label(m, e);
	case HEAPSH_LABEL_NONE:
	case HEAPSH_LABEL_INDEX:
	case HEAPSH_LABEL_VALUE:
	case HEAPSH_LABEL_KEY:
	case HEAPSH_LABEL_STACK:
	case HEAPSH_LABEL_MEMBER:
	default:
		return NULL;
	}
}

struct listing {
	json_t *doc;
	HS_VEC(uint64_t) addr;
	bool named;
};

static struct hs_err *list_one(const struct lg_call *call,
			       struct lg_instant *in, uint64_t addr,
			       struct listing *l)
{
	struct md_model *m = in->model;
	VB_EDGES edges = { 0 };
	struct hs_err *err = vb_edges(call, in, addr, &edges);

	for (size_t i = 0; !err && i < edges.n; i++) {
		const struct heapsh_edge *e = &edges.v[i].e;
		HS_FREE char *name = NULL;
		json_t *row;

		err = hs_check_cancel(call->task);
		if (l->named)
			name = name_of(m, e, i ? &edges.v[i - 1].e : NULL);
		if (l->named && !name)
			continue;
		row = vb_row(l->doc);
		vb_cell(row, wr_u64(l->addr.n));
		if (l->named)
			vb_cell_text(row, name);
		vb_object_cells(m, row, e->target);
		hs_vec_push(&l->addr, e->target);
	}
	return err;
}

static struct hs_err *run(const struct lg_call *call, bool named,
			  struct lg_value **ret)
{
	static const char *const plain[] = { "#Index", "Type", "Address",
					     "Value", NULL };
	static const char *const with_name[] = { "#Index",  "Name",  "Type",
						 "Address", "Value", NULL };
	struct listing l = { .named = named };
	VB_OBJECTS objects = { 0 };
	struct hs_err *err = vb_objects(call, VB_MAX_LISTED, &objects);

	l.doc = vb_table(named ? with_name : plain);
	for (size_t i = 0; !err && i < objects.addr.n; i++)
		err = list_one(call, objects.in, objects.addr.v[i], &l);
	if (err)
		json_decref(l.doc);
	else
		*ret = lg_table_of(objects.in, l.doc, 0,
				   l.addr.n ? l.addr.v : NULL);
	hs_vec_deinit(&l.addr);
	return err;
}

static struct hs_err *run_refs(const struct lg_call *call,
			       struct lg_value **ret)
{
	return run(call, false, ret);
}

static struct hs_err *run_named(const struct lg_call *call,
				struct lg_value **ret)
{
	return run(call, true, ret);
}

const struct lg_verb vb_refs = {
	.name = "refs",
	.args = vb_objects_args,
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "objects that an object refers to",
	.help = "In the object's own order, duplicates kept; not its class "
		"and not what it refers to weakly. _[3] is the object of row "
		"3. For a set: SET.referents.",
	.examples = "refs __main__.cache",
	.run = run_refs,
};
const struct lg_verb vb_named_refs = {
	.name = "named_refs",
	.args = vb_objects_args,
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "as refs, with names, of those that have one",
	.help = "[K] is a key of a dict, [V] the value of that key; "
		"attributes and variables have their own names. ->+0x18 is a "
		"word of the object that has none; ->?? is what only code of "
		"the program tells of, kept in other memory of the object's.",
	.examples = "named_refs __main__.cache",
	.run = run_named,
};
