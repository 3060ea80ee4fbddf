// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

enum {
	TEXT_COLUMNS = 4000, /* of a text, which one wants to read */
	REPR_COLUMNS = 400, /* of the rest, whose items are rows */
	MAX_ROWS = 20000, /* references that are listed */
};

static json_t *row_of(struct md_model *m, const struct heapsh_edge *e)
{
	json_t *row = json_array();
	HS_FREE char *label = md_label(m, e);

	vb_cell_text(row, label);
	vb_object_cells(m, row, e->target);
	return row;
}

/* Rows below the object, each with the object that it names. */
static struct hs_err *add_rows(const struct lg_call *call,
			       struct lg_instant *in, uint64_t addr,
			       json_t *rows, struct vb_objects *targets)
{
	VB_EDGES edges = { 0 };
	struct hs_err *err = vb_edges(call, in, addr, &edges);

	for (size_t i = 0; !err && i < edges.n && i < MAX_ROWS; i++) {
		json_array_append_new(rows, row_of(in->model, &edges.v[i].e));
		hs_vec_push(&targets->addr, edges.v[i].e.target);
		err = hs_check_cancel(call->task);
	}
	return err;
}

/* Its text as we read it, or as its own code makes it. free(). */
static struct hs_err *text_of(const struct lg_call *call, struct md_model *m,
			      const struct md_object *o, char **ret)
{
	bool repr = false, str = false;
	struct hs_err *err = lg_opt_bool(call, "repr", false, &repr);

	if (!err)
		err = lg_opt_bool(call, "str", false, &str);
	if (err)
		return err;
	if (!repr && !str) {
		*ret = md_render(m, o->o.address, HEAPSH_RENDER_REPR,
				 o->type->flags & HEAPSH_TYPE_TEXT ?
					 TEXT_COLUMNS :
					 REPR_COLUMNS);
		return NULL;
	}
	err = md_ask_text(m, o->o.address,
			  repr ? HEAPSH_ASK_REPR : HEAPSH_ASK_STR,
			  TEXT_COLUMNS, ret);
	return err ? hs_err_remedy(
			     hs_err_wrap(err, "%s of %s at 0x%llx",
					 repr ? "repr" : "str", o->type->name,
					 (unsigned long long)o->o.address),
			     "show OBJ") :
		     NULL;
}

static json_t *object_doc(const struct md_object *o, const char *repr)
{
	json_t *doc = wr_doc_create("object");

	json_object_set_new(doc, "address", wr_addr(o->o.address));
	wr_set_text(doc, "kind", o->type->name, strlen(o->type->name));
	json_object_set_new(doc, "flat", wr_u64(o->o.flat));
	json_object_set_new(doc, "held", wr_u64(o->o.held));
	if (o->o.flags & HEAPSH_OBJECT_APPROXIMATE)
		json_object_set_new(doc, "approximate", json_true());
	if (o->o.flags & HEAPSH_OBJECT_TORN)
		json_object_set_new(doc, "torn", json_true());
	if (o->o.refcount)
		json_object_set_new(doc, "refcount", wr_u64(o->o.refcount));
	wr_set_text(doc, "value", repr, strlen(repr));
	return doc;
}

/* Tables, and sets of other than one object. */
static bool shows_itself(const struct lg_value *v)
{
	return lg_kind(v) == LG_NAMESPACE || lg_kind(v) == LG_TABLE ||
	       (lg_kind(v) == LG_SET && gr_set_count(lg_as_set(v)) != 1);
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	VB_OBJECTS targets = { 0 };
	HS_FREE char *text = NULL;
	struct md_object o;
	json_t *doc, *rows;
	struct hs_err *err;

	if (shows_itself(call->args[0])) {
		*ret = lg_ref(call->args[0]);
		return NULL;
	}
	err = vb_objects(call, 1, &objects);
	if (!err && !objects.addr.n)
		err = hs_err_new(HS_ERR_USAGE, "show: the set is empty");
	if (!err)
		err = vb_object_at(call, objects.in, objects.addr.v[0], &o);
	if (!err)
		err = text_of(call, objects.in->model, &o, &text);
	if (err)
		return err;
	doc = object_doc(&o, text);
	rows = json_array();
	json_object_set_new(doc, "rows", rows);
	err = add_rows(call, objects.in, o.o.address, rows, &targets);
	if (err)
		json_decref(doc);
	else
		*ret = lg_table_of(objects.in, doc, 0,
				   targets.addr.n ? targets.addr.v : NULL);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ", .kind = LG_ARG_VALUE, .help = "object" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "repr",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "the text that repr() makes, in a copy of the process" },
	{ .name = "str",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "the text that str() makes, there" },
	{ .name = NULL },
};

const struct lg_verb vb_show = {
	.name = "show",
	.args = args,
	.options = options,
	.summary = "an object: its text, type, sizes and what it refers to",
	.help = "Rows are attributes and items, with their objects: _[3] is "
		"that of row 3. Nothing of the program is run, so a class "
		"with a text form of its own is shown as <… object at "
		"0x…>; repr=1 asks it, in a disposable copy that can do "
		"nothing but compute.",
	.examples = "show __main__.cache\nshow __main__.job repr=1\n"
		    "show 0x7f12aa0456c0\nshow _[0]",
	.run = run,
};
