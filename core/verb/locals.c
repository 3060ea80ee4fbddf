// SPDX-License-Identifier: Apache-2.0
// locals: what variables of frames, and threads, keep alive alone.
#include "verb_priv.h"

#include <inttypes.h>

enum {
	LIMIT = 15,
	MAX_LIMIT = 100000,
	MAX_THREADS = 64,	/* each costs a walk through the heap */
	MAX_REFERRERS = 1000,
	TEXT_COLUMNS = 60,
};

struct local {
	size_t root;
	uint64_t alone, below;
};

struct locals {
	const struct lg_call *call;
	struct lg_instant *in;
	struct md_model *m;
	struct gr_graph *g;
	const struct gr_root *roots;
	size_t n_roots;
	struct hs_map named;		/* id -> roots that are no context */
	struct hs_map context;		/* id of a root that is */
};

static void count_names(struct locals *l)
{
	l->n_roots = gr_roots(l->g, &l->roots);
	for (size_t i = 0; i < l->n_roots; i++) {
		const struct gr_root *r = &l->roots[i];
		uint64_t *found;

		if (r->flags & HEAPSH_ROOT_CONTEXT) {
			hs_map_put(&l->context, r->id, 1);
			continue;
		}
		found = hs_map_get(&l->named, r->id);
		if (found)
			++*found;
		else
			hs_map_put(&l->named, r->id, 1);
	}
}

static bool is_below(const struct gr_graph *g, uint32_t id, uint32_t top)
{
	while (id < GR_ROOTS && id != top)
		id = gr_dominator(g, id);
	return id == top || id == GR_NONE;
}

/*
 * Does nothing but this variable hold the object? Its frame's own object, and
 * what hangs on the object itself, do not count.
 */
static bool is_alone(const struct locals *l, uint32_t id)
{
	const uint32_t *in;
	size_t n = gr_in(l->g, id, &in), i;

	if (gr_dominator(l->g, id) != GR_ROOTS || n > MAX_REFERRERS ||
	    *hs_map_get(&l->named, id) != 1)
		return false;
	for (i = 0; i < n; i++)
		if (!hs_map_get(&l->context, in[i]) &&
		    !is_below(l->g, in[i], id))
			return false;
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	const struct local *x = a, *y = b;

	if (x->alone != y->alone)
		return x->alone > y->alone ? -1 : 1;
	if (x->below != y->below)
		return x->below > y->below ? -1 : 1;
	return x->root < y->root ? -1 : x->root > y->root;
}

static struct hs_err *by_variable(struct locals *l, size_t limit,
				  struct lg_value **ret)
{
	static const char *const columns[] = { "#Alone", "#Retained",
					       "Variable", "Type", "Value",
					       NULL };
	json_t *doc = vb_table(columns);
	HS_VEC(struct local) rows = { 0 };
	HS_VEC(uint64_t) addr = { 0 };
	size_t i;

	for (i = 0; i < l->n_roots; i++) {
		const struct gr_root *r = &l->roots[i];
		struct local row = { .root = i,
				     .below = gr_retained(l->g, r->id) };

		if (!(r->flags & HEAPSH_ROOT_LOCAL))
			continue;
		row.alone = is_alone(l, r->id) ? row.below : 0;
		hs_vec_push(&rows, row);
	}
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), by_bytes);
	for (i = 0; i < rows.n && i < MAX_LIMIT; i++) {
		const struct gr_root *r = &l->roots[rows.v[i].root];
		HS_FREE char *value = md_render(l->m, r->address,
						HEAPSH_RENDER_SHORT,
						TEXT_COLUMNS);
		json_t *row = vb_row(doc);

		vb_cell(row, wr_u64(rows.v[i].alone));
		vb_cell(row, wr_u64(rows.v[i].below));
		vb_cell_text(row, r->name);
		vb_cell_text(row, md_type(l->m, gr_type(l->g, r->id))->name);
		vb_cell_text(row, value);
		hs_vec_push(&addr, r->address);
	}
	*ret = lg_table_of(l->in, doc, limit, addr.v);
	hs_vec_deinit(&rows);
	hs_vec_deinit(&addr);
	return NULL;
}

/* --- by thread ------------------------------------------------------------ */

/* Roots are named "threads[0].frames[2].locals['x']": plugin.h. */
static bool is_of_thread(const struct gr_root *r, unsigned thread)
{
	char prefix[32];
	int n = snprintf(prefix, sizeof(prefix), "threads[%u].", thread);

	return !strncmp(r->name, prefix, (size_t)n);
}

/* Ways without the frames of a thread: its variables, and what it runs. */
static size_t without(const struct locals *l, unsigned thread, uint64_t *avoid)
{
	struct hs_map frames = { 0 };
	size_t n = 0, i;

	for (i = 0; i < l->n_roots; i++)
		if (is_of_thread(&l->roots[i], thread) &&
		    l->roots[i].flags & HEAPSH_ROOT_CONTEXT)
			hs_map_put(&frames, l->roots[i].id, 1);
	for (i = 0; i < l->n_roots; i++)
		if (is_of_thread(&l->roots[i], thread) ||
		    (l->roots[i].flags & HEAPSH_ROOT_CONTEXT &&
		     hs_map_get(&frames, l->roots[i].id)))
			avoid[n++] = (uint64_t)GR_ROOTS << 32 | i;
	hs_map_deinit(&frames);
	return n;
}

/* What the roots do not reach without the thread's. */
static struct hs_err *retained_by(struct locals *l, unsigned thread,
				  uint64_t *avoid, uint64_t *bytes,
				  uint64_t *objects)
{
	size_t n = without(l, thread, avoid);
	struct hs_err *err;
	uint32_t *depth, id;

	*bytes = *objects = 0;
	err = gr_depths(l->g, l->call->task, NULL, avoid, n, &depth);
	if (err)
		return err;
	for (id = 0; id < gr_n(l->g); id++)
		if (depth[id] == GR_NONE &&
		    gr_dominator(l->g, id) != GR_NONE) {
			++*objects;
			*bytes += gr_held(l->g, id);
		}
	gr_depths_free(l->g, depth);
	return hs_check_cancel(l->call->task);
}

static struct hs_err *by_thread(struct locals *l, size_t limit,
				struct lg_value **ret)
{
	static const char *const columns[] = { "#Thread", "#Objects",
					       "#Retained", "Name", NULL };
	uint64_t *avoid = hs_xcalloc(l->n_roots + 1, sizeof(*avoid));
	json_t *doc = vb_table(columns);
	struct hs_err *err = NULL;
	struct heapsh_thread t;
	unsigned i;

	for (i = 0; i < MAX_THREADS && !err && md_thread(l->m, i, &t); i++) {
		HS_FREE char *name = hs_xstrndup(t.name.s, t.name.n);
		uint64_t bytes, objects;
		json_t *row;

		err = retained_by(l, i, avoid, &bytes, &objects);
		if (err)
			break;
		row = vb_row(doc);
		vb_cell(row, wr_u64(i));
		vb_cell(row, wr_u64(objects));
		vb_cell(row, wr_u64(bytes));
		vb_cell_text(row, name);
	}
	free(avoid);
	if (err)
		json_decref(doc);
	else
		*ret = lg_table_of(l->in, doc, limit, NULL);
	return err;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct locals l = { .call = call };
	unsigned by = 0;
	uint64_t limit;
	struct hs_err *err = lg_opt_word(call, "by", 0, &by);

	if (!err)
		err = lg_opt_size(call, "limit", LIMIT, &limit);
	if (!err && limit == UINT64_MAX)
		limit = MAX_LIMIT; // "all"
	if (!err && (!limit || limit > MAX_LIMIT))
		err = hs_err_new(HS_ERR_USAGE, "locals: limit=%" PRIu64
				 ": 1 to %d", limit, MAX_LIMIT);
	if (!err)
		err = lg_current(call->session, &l.in);
	if (!err)
		err = lg_instant_graph(l.in, call->task, &l.g);
	if (!err)
		err = gr_need_dominators(l.g, call->task);
	if (err)
		return err;
	l.m = lg_instant_model(l.in, call->task);
	count_names(&l);
	err = by ? by_thread(&l, limit, ret) : by_variable(&l, limit, ret);
	hs_map_deinit(&l.named);
	hs_map_deinit(&l.context);
	return err;
}

static const struct lg_arg options[] = {
	{ .name = "by",
	  .kind = LG_ARG_OPTION,
	  .values = "variable|thread",
	  .help = "what a row is; variable" },
	LG_LISTING_15,
	{ .name = NULL },
};

const struct lg_verb vb_locals = {
	.name = "locals",
	.options = options,
	.flags = LG_VERB_LISTS,
	.summary = "what the variables of frames, or threads, keep alive alone",
	.help = "A row for each variable of each thread's frames. Alone: bytes "
		"that would be freed if the variable went, 0 where something "
		"else holds its object, too; Retained: what the object keeps "
		"alive. by=thread: all variables of a thread together.",
	.examples = "locals\nlocals by=thread",
	.run = run,
};
