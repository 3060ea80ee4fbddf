// SPDX-License-Identifier: Apache-2.0
// What the roots reach, what C holds, and what is left.
//
// A node is an orphan when its count is above what is known to count it: the
// strong edges that lead to it and the roots that name it. A root that the
// runtime does not count (a borrowed one) hides a reference of C's; none is
// ever invented. Count 0 means "not counted". An edge that we do not know
// makes an orphan of its target: gr_set_unreferenced() lists those that
// nothing at all is seen to hold.
#include "graph_priv.h"

struct marker {
	struct gr_graph *g;
	struct hs_task *task;
	uint64_t *bits;
	struct gr_vec stack;		/* uint32_t */
	uint64_t steps;
};

enum { STEPS = 1 << 14 };	/* nodes between two looks at Ctrl-C */

static struct hs_err *mark(struct marker *k, uint32_t id)
{
	if (hs_bit_test_set(k->bits, id))
		return NULL;
	// Leaves need no look at their rows: they would only fill the stack.
	if (gr_rows_start(&k->g->out, id) == gr_rows_start(&k->g->out, id + 1))
		return NULL;
	return gr_vec_push(k->task, &k->stack, &id);
}

static struct hs_err *spread(struct marker *k)
{
	struct hs_err *err = NULL;
	const uint32_t *out;
	size_t n, i;

	while (k->stack.n && !err) {
		n = gr_out(k->g, ((uint32_t *)k->stack.v)[--k->stack.n], &out);
		for (i = 0; i < n && !err; i++)
			err = mark(k, out[i] & GR_ID);
		if (!(++k->steps & (STEPS - 1)) && !err) {
			err = hs_check_cancel(k->task);
			hs_progress_add(k->task, STEPS);
		}
	}
	return err;
}

static bool is_immortal(const struct gr_graph *g, uint32_t id)
{
	return gr_flags(g, id) & HEAPSH_OBJECT_IMMORTAL;
}

static uint64_t in_degree(const struct gr_graph *g, uint32_t id)
{
	return gr_rows_start(&g->in, id + 1) - gr_rows_start(&g->in, id);
}

/* root_refs: how many roots name each node that a root names. */
static bool is_orphan(const struct gr_graph *g, uint32_t id,
		      uint64_t root_refs)
{
	return !is_immortal(g, id) &&
	       gr_refcount(g, id) > in_degree(g, id) + root_refs;
}

static int by_id(const void *a, const void *b)
{
	const struct gr_root *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* What orphans and unreferenced nodes are told from: one pass over all. */
static struct hs_err *select_nodes(struct gr_graph *g, struct hs_task *task,
				   bool (*test)(const struct gr_graph *,
						uint32_t, uint64_t),
				   uint64_t **ret)
{
	HS_FREE struct gr_root *roots = hs_xcalloc(g->n_roots + 1,
						   sizeof(*roots));
	uint64_t *bits, refs;
	struct hs_err *err;
	size_t at = 0;
	uint32_t id;

	if (g->n_roots)
		memcpy(roots, g->roots, g->n_roots * sizeof(*roots));
	qsort(roots, g->n_roots, sizeof(*roots), by_id);
	err = gr_alloc(&g->task, hs_bits_words(g->n), 8, &bits);
	for (id = 0; id < g->n && !err; id++) {
		for (refs = 0; at < g->n_roots && roots[at].id == id; at++)
			refs++;
		if (test(g, id, refs))
			hs_bit_set(bits, id);
		if (!(id & (STEPS - 1)))
			err = hs_check_cancel(task);
	}
	if (err)
		hs_big_free(g->task.budget, bits, gr_bitmap_bytes(g->n));
	else
		*ret = bits;
	return err;
}

static bool is_c_root(const struct gr_graph *g, uint32_t id, uint64_t root_refs)
{
	return !hs_bit(g->reached, id) &&
	       (is_immortal(g, id) || is_orphan(g, id, root_refs));
}

struct hs_err *gr_c_roots(struct gr_graph *g, struct hs_task *task,
			  uint64_t **ret)
{
	struct hs_err *err = gr_need_reach(g, task);

	return err ? err : select_nodes(g, task, is_c_root, ret);
}

static struct hs_err *mark_roots(struct marker *k)
{
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < k->g->n_roots && !err; i++)
		err = mark(k, k->g->roots[i].id);
	return err ? err : spread(k);
}

/* From a copy of reached on: orphans and immortals, and what they reach. */
static struct hs_err *mark_held(struct marker *k)
{
	const struct gr_graph *g = k->g;
	struct hs_err *err;
	uint64_t *orphans;
	uint32_t id;

	err = select_nodes(k->g, k->task, is_orphan, &orphans);
	if (err)
		return err;
	memcpy(k->bits, g->reached, gr_bitmap_bytes(g->n));
	for (id = 0; id < g->n && !err; id++) {
		if (hs_bit(orphans, id) || is_immortal(g, id))
			err = mark(k, id);
		if (!err && k->stack.n > STEPS)
			err = spread(k);
	}
	hs_big_free(g->task.budget, orphans, gr_bitmap_bytes(g->n));
	return err ? err : spread(k);
}

static struct hs_err *run(struct gr_graph *g, struct hs_task *task,
			  struct hs_err *(*fn)(struct marker *), uint64_t **ret)
{
	struct marker k = { .g = g, .task = task,
			    .stack.item_size = sizeof(uint32_t) };
	struct hs_err *err;

	err = gr_alloc(&g->task, hs_bits_words(g->n), 8, &k.bits);
	if (err)
		return err;
	hs_progress(task, "marking", "objects", g->n);
	err = fn(&k);
	hs_progress_end(task);
	gr_vec_deinit(task->budget, &k.stack);
	if (err)
		hs_big_free(g->task.budget, k.bits, gr_bitmap_bytes(g->n));
	else
		*ret = k.bits;
	return err;
}

struct hs_err *gr_need_reach(struct gr_graph *g, struct hs_task *task)
{
	struct hs_err *err;

	if (g->reached)
		return NULL;
	err = gr_need_rows(g, task);
	return err ? err : run(g, task, mark_roots, &g->reached);
}

bool gr_has_reach(const struct gr_graph *g)
{
	return g->reached;
}

/* A set of the nodes in a & ~b; a NULL: all, b NULL: none. */
static struct hs_err *set_minus(struct gr_graph *g, const uint64_t *a,
				const uint64_t *b, struct gr_set **ret)
{
	size_t n = hs_bits_words(g->n), i;
	struct hs_err *err;
	uint64_t *bits;

	err = gr_alloc(&g->task, n, sizeof(*bits), &bits);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		bits[i] = (a ? a[i] : UINT64_MAX) & ~(b ? b[i] : 0);
	if (!a && g->n & 63)
		bits[n - 1] &= (UINT64_C(1) << (g->n & 63)) - 1;
	return gr_set_from_bits(g, bits, ret);
}

struct hs_err *gr_set_reachable(struct gr_graph *g, struct hs_task *task,
				struct gr_set **ret)
{
	struct hs_err *err = gr_need_reach(g, task);

	return err ? err : set_minus(g, g->reached, NULL, ret);
}

bool gr_is_counted(const struct gr_graph *g)
{
	uint32_t id;

	for (id = 0; id < gr_n(g); id++)
		if (gr_refcount(g, id))
			return true;
	return false;
}

struct hs_err *gr_set_orphans(struct gr_graph *g, struct hs_task *task,
			      struct gr_set **ret)
{
	struct hs_err *err = gr_need_rows(g, task);
	uint64_t *bits;

	if (!err)
		err = select_nodes(g, task, is_orphan, &bits);
	return err ? err : gr_set_from_bits(g, bits, ret);
}

static bool is_unreferenced(const struct gr_graph *g, uint32_t id,
			    uint64_t root_refs)
{
	return !is_immortal(g, id) && !root_refs && !in_degree(g, id);
}

struct hs_err *gr_set_unreferenced(struct gr_graph *g, struct hs_task *task,
				   struct gr_set **ret)
{
	struct hs_err *err = gr_need_rows(g, task);
	uint64_t *bits;

	if (!err)
		err = select_nodes(g, task, is_unreferenced, &bits);
	return err ? err : gr_set_from_bits(g, bits, ret);
}

struct hs_err *gr_set_unreachable(struct gr_graph *g, struct hs_task *task,
				  struct gr_set **ret)
{
	struct hs_err *err = gr_need_reach(g, task);

	if (!err && !g->alive)
		err = run(g, task, mark_held, &g->alive);
	return err ? err : set_minus(g, NULL, g->alive, ret);
}
