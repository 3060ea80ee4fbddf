// SPDX-License-Identifier: Apache-2.0
// why: one object on one screen. How one comes to it, what it hangs on, who
// else holds it.
#include "verb_priv.h"

#include <inttypes.h>

enum {
	DOMINATORS = 12,	/* rows of them; then the count of the rest */
	REFERRERS = 8,
	TEXT_COLUMNS = 60,
	ROWS = 64,		/* of the table: more than there can be */
};

struct why {
	const struct lg_call *call;
	struct md_model *m;
	struct gr_graph *g;
	struct gr_set *set;
	uint32_t id;
	json_t *doc;
	HS_VEC(uint64_t) addr;		/* a row's object, or 0 */
};

static void add_row(struct why *w, const char *what, uint64_t addr,
		    json_t *retained, const char *kind, const char *text)
{
	json_t *row = vb_row(w->doc);

	vb_cell(row, json_string(what));
	vb_cell(row, retained);
	vb_cell_text(row, kind);
	vb_cell_text(row, text);
	hs_vec_push(&w->addr, addr);
}

static void add_node(struct why *w, const char *what, uint32_t id,
		     const char *label)
{
	uint64_t addr = gr_addr(w->g, id);
	HS_FREE char *kind =
		md_kind_name(w->m, gr_type(w->g, id), gr_owner_type(w->g, id));
	HS_FREE char *text =
		md_render(w->m, addr, HEAPSH_RENDER_SHORT, TEXT_COLUMNS);
	HS_FREE char *both = hs_xasprintf("%s%s%s", label ? label : "",
					  label ? " of " : "", text);

	add_row(w, what, addr, wr_u64(gr_retained(w->g, id)), kind, both);
}

/* The shortest path, by name; or why there is none. */
static struct hs_err *add_path(struct why *w)
{
	const struct an_paths_of of = { .to = w->set };
	struct an_paths *p;
	struct an_path path;
	HS_FREE char *text = NULL;
	struct hs_err *err = an_paths(w->g, &of, w->call->task, &p);

	if (err)
		return err;
	if (!an_paths_count(p))
		err = vb_no_path(w->call, w->set, &text);
	else
		err = an_paths_get(p, 0, w->call->task, &path);
	if (!err && an_paths_count(p)) {
		text = vb_path_text(w->m, p, &path, NULL);
		free(path.hops);
	}
	if (!err)
		add_row(w, an_paths_count(p) ? "path" : "lost", 0, json_null(),
			"", text);
	if (!err && an_paths_count(p) > 1) {
		HS_FREE char *more =
			hs_xasprintf("… and %" PRIu64 " more of that length",
				     an_paths_count(p) - 1);

		add_row(w, "", 0, json_null(), "", more);
	}
	an_paths_destroy(p);
	return err;
}

static void add_dominators(struct why *w)
{
	uint32_t at = gr_dominator(w->g, w->id), n = 0;
	HS_FREE char *more = NULL;

	for (; at < GR_ROOTS && n < DOMINATORS; n++) {
		add_node(w, n ? "" : "hangs on", at, NULL);
		at = gr_dominator(w->g, at);
	}
	for (n = 0; at < GR_ROOTS; n++)
		at = gr_dominator(w->g, at);
	if (n) {
		more = hs_xasprintf("… %u more up to the roots", n);
		add_row(w, "", 0, json_null(), "", more);
	}
	if (gr_dominator(w->g, w->id) == GR_ROOTS)
		add_row(w, "hangs on", 0, json_null(), "",
			"the roots alone: no one object holds it");
}

static void add_referrers(struct why *w)
{
	const uint32_t *in;
	size_t n = gr_in(w->g, w->id, &in), i, nth = 0;
	HS_FREE char *more = NULL;

	for (i = 0; i < n && i < REFERRERS; i++) {
		HS_FREE char *label = NULL;
		struct md_edge e;

		nth = i && in[i] == in[i - 1] ? nth + 1 : 0;
		if (md_edge_to(w->m, gr_addr(w->g, in[i]),
			       gr_addr(w->g, w->id), (uint32_t)nth, &e))
			label = md_label(w->m, &e.e);
		add_node(w, i ? "" : "held by", in[i], label ? label : ".??");
	}
	if (n > REFERRERS) {
		more = hs_xasprintf("… %zu more: pathsin", n - REFERRERS);
		add_row(w, "", 0, json_null(), "", more);
	}
}

static void add_title(struct why *w)
{
	HS_FREE char *text = md_render(w->m, gr_addr(w->g, w->id),
				       HEAPSH_RENDER_SHORT, TEXT_COLUMNS);
	HS_TEXT t = { 0 };

	hs_text_addf(&t, "%s: flat=%" PRIu64 " held=%" PRIu64, text,
		     gr_flat(w->g, w->id), gr_held(w->g, w->id));
	hs_text_addf(&t, " retained=%" PRIu64, gr_retained(w->g, w->id));
	if (gr_refcount(w->g, w->id))
		hs_text_addf(&t, " refcount=%" PRIu64,
			     gr_refcount(w->g, w->id));
	wr_set_text(w->doc, "title", hs_text_str(&t), t.len);
}

static struct hs_err *fill(struct why *w)
{
	static const char *const columns[] = { "What", "#Retained", "Kind",
					       "Object", NULL };
	struct hs_err *err;

	w->doc = vb_table(columns);
	add_title(w);
	add_node(w, "object", w->id, NULL);
	err = add_path(w);
	if (err)
		return err;
	add_dominators(w);
	add_referrers(w);
	return hs_check_cancel(w->call->task);
}

static struct hs_err *not_one(const struct lg_call *call, uint32_t n)
{
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"%s: a set of %u objects, where one "
					"is wanted",
					call->verb->name, n),
			     "%s SET.byid[0]", call->verb->name);
}

struct hs_err *vb_node(const struct lg_call *call, struct vb_nodes *nodes,
		       uint32_t *ret)
{
	struct hs_err *err = vb_nodes(call, nodes);

	if (err)
		return err;
	*ret = 0;
	if (gr_set_count(nodes->set) != 1 || !gr_set_next(nodes->set, ret))
		return not_one(call, gr_set_count(nodes->set));
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	struct why w = { .call = call };
	struct hs_err *err = vb_node(call, &nodes, &w.id);

	if (!err)
		err = gr_need_dominators(nodes.g, call->task);
	if (err)
		return err;
	w.m = lg_instant_model(nodes.in, call->task);
	w.g = nodes.g;
	w.set = nodes.set;
	err = fill(&w);
	if (err)
		json_decref(w.doc);
	else
		*ret = lg_table_of(nodes.in, w.doc, ROWS, w.addr.v);
	hs_vec_deinit(&w.addr);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .help = "object, or set of one" },
	{ .name = NULL },
};

const struct lg_verb vb_why = {
	.name = "why",
	.args = args,
	.flags = LG_VERB_OF_SETS,
	.summary = "why an object is alive: path, dominators, who holds it",
	.help = "Its shortest path by name; what it hangs on, that is, each "
		"object without which it would be freed, the nearest first, "
		"and the bytes that each retains; and the references to it. "
		"_[N] is the object of row N.",
	.examples = "why __main__.cache\nwhy heap.bysize[0].byid[0]",
	.run = run,
};
