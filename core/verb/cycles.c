// SPDX-License-Identifier: Apache-2.0
// cycles: a set in parts without a reference between them.
#include "verb_priv.h"

enum { KINDS = 3, FLAGS_OF_MOST = 100000 };

struct cycles {
	struct gr_graph *g;
	struct an_islands is;
};

static const struct lg_view_ops ops;

static uint64_t rows(void *data)
{
	return ((struct cycles *)data)->is.n_rows;
}

static void destroy(void *data)
{
	struct cycles *c = data;

	an_islands_deinit(&c->is);
	free(c);
}

static struct hs_err *set_of(const struct cycles *c, uint64_t i,
			     struct gr_set **ret)
{
	const struct an_island_row *r = &c->is.rows[i];

	return gr_set_of(c->g, c->is.nodes + r->first, r->n, ret);
}

static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	const struct cycles *c = lg_view_data(v, &ops);
	struct gr_set *set;
	struct hs_err *err = set_of(c, i, &set);

	(void)s;
	if (err)
		return err;
	*ret = lg_set(lg_instant_of(v), set, AN_BY_CLODO);
	gr_set_unref(set);
	return NULL;
}

/* "2 __main__.Node, 2 str, 3 more" */
static struct hs_err *kinds_of(struct lg_session *s, struct gr_set *set,
			       struct hs_text *out)
{
	struct an_partition *p;
	struct hs_err *err = an_partition(set, AN_BY_CLODO, s->task, &p);

	if (err)
		return err;
	for (size_t i = 0; i < p->n_rows && i < KINDS; i++) {
		HS_FREE char *name = an_row_name(p, i);

		hs_text_addf(out, "%s%llu %s", i ? ", " : "",
			     (unsigned long long)p->rows[i].count, name);
	}
	if (p->n_rows > KINDS)
		hs_text_addf(out, ", %zu more kinds", p->n_rows - KINDS);
	an_partition_destroy(p);
	return NULL;
}

/* Whether code of the program would run before it is freed. */
static void add_finalizers(struct hs_text *out, struct md_model *m,
			   const struct cycles *c, uint64_t i)
{
	const struct an_island_row *r = &c->is.rows[i];
	uint64_t n = r->n < FLAGS_OF_MOST ? r->n : FLAGS_OF_MOST, k;
	unsigned waiting = 0, ran = 0, never = 0;

	for (k = 0; k < n; k++) {
		uint32_t flags = md_collector_flags(
			m, gr_addr(c->g, c->is.nodes[r->first + k]));
		bool has = flags & HEAPSH_COLLECTOR_FINALIZER;
		bool done = flags & HEAPSH_COLLECTOR_FINALIZED;

		waiting += has && !done;
		ran += has && done;
		never += !!(flags & HEAPSH_COLLECTOR_NEVER);
	}
	if (waiting)
		hs_text_addf(out, "%u to run", waiting);
	if (ran)
		hs_text_addf(out, "%s%u ran", out->len ? ", " : "", ran);
	if (never)
		hs_text_addf(out, "%s%u prevent it", out->len ? ", " : "",
			     never);
}

static struct hs_err *add_row(struct lg_session *s, struct md_model *m,
			      const struct cycles *c, uint64_t i, json_t *doc)
{
	const struct an_island_row *r = &c->is.rows[i];
	HS_TEXT kinds = { 0 };
	HS_TEXT ends = { 0 };
	struct gr_set *set;
	struct hs_err *err = set_of(c, i, &set);
	json_t *row;

	if (err)
		return err;
	err = kinds_of(s, set, &kinds);
	gr_set_unref(set);
	if (err)
		return err;
	add_finalizers(&ends, m, c, i);
	row = vb_row(doc);
	vb_cell(row, wr_u64(i));
	vb_cell(row, wr_u64(r->n));
	vb_cell(row, wr_u64(r->in_cycles));
	vb_cell(row, wr_u64(r->flat));
	vb_cell(row, wr_u64(r->held));
	vb_cell_text(row, hs_text_str(&ends));
	vb_cell_text(row, hs_text_str(&kinds));
	return NULL;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	static const char *const columns[] = {
		"#Index", "#Objects", "#In cycles", "#Size", "#Held",
		"Finalizers", "Kinds", NULL,
	};
	const struct cycles *c = lg_view_data(v, &ops);
	struct md_model *m = lg_instant_model(lg_instant_of(v), s->task);
	json_t *out = vb_table(columns);
	struct hs_err *err = NULL;

	for (; first < end && !err; first++) {
		err = add_row(s, m, c, first, out);
		if (!err)
			err = hs_check_cancel(s->task);
	}
	if (err)
		json_decref(out);
	else
		*ret = out;
	return err;
}

static const struct lg_view_ops ops = {
	.words = "cycles",
	.rows = rows,
	.doc = doc,
	.item = item,
	.destroy = destroy,
};

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	struct cycles *c;
	struct hs_err *err = vb_nodes(call, &nodes);

	if (err)
		return err;
	c = hs_xalloc(sizeof(*c));
	c->g = nodes.g;
	err = an_islands(nodes.set, call->task, &c->is);
	if (err)
		free(c);
	else
		*ret = lg_view(nodes.in, &ops, c, 0);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "set: garbage, heapu" },
	{ .name = NULL },
};

const struct lg_verb vb_cycles = {
	.name = "cycles",
	.args = args,
	.options = lg_listing_options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "garbage by cycle: sizes and finalizers",
	.help = "A row for each part of a set that no reference connects with "
		"another: of garbage, a cycle and what hangs on it. In cycles "
		"counts those that lead back to themselves, or from one cycle "
		"to the next; Finalizers is code of the program that is to run "
		"before they are freed, or has run. _[0] is the set of a row.",
	.examples = "cycles garbage\ngarbage.cycles",
	.run = run,
};
