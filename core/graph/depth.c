// SPDX-License-Identifier: Apache-2.0
// How far nodes are from the roots, or from a set: breadth first.
#include "graph_priv.h"

enum { STEPS = 1 << 14 };

struct walk {
	struct gr_graph *g;
	struct hs_task *task;
	const uint64_t *avoid;
	size_t n_avoid;
	uint64_t *has_avoided;	/* bits of their sources, or NULL */
	uint32_t *depth;
	uint32_t *queue, head, tail;
	uint64_t steps;
	bool plain;		/* by no edge that is context */
};

static int compare(const void *key, const void *at)
{
	uint64_t a = *(const uint64_t *)key, b = *(const uint64_t *)at;

	return a < b ? -1 : a > b;
}

bool gr_is_avoided(const uint64_t *avoid, size_t n, uint32_t from, uint32_t to)
{
	uint64_t edge = (uint64_t)from << 32 | to;

	return n && bsearch(&edge, avoid, n, sizeof(edge), compare);
}

static void reach(struct walk *w, uint32_t id, uint32_t depth)
{
	if (w->depth[id] != GR_NONE)
		return;
	w->depth[id] = depth;
	w->queue[w->tail++] = id;
}

/* Reach what a node refers to; mark: GR_CONTEXT, by such edges alone, or 0. */
static struct hs_err *follow(struct walk *w, uint32_t id, uint32_t mark)
{
	bool look = w->has_avoided && hs_bit(w->has_avoided, id);
	struct hs_err *err = NULL;
	const uint32_t *out;
	size_t n = gr_out(w->g, id, &out), i;

	for (i = 0; i < n && !err; i++) {
		if (HS_UNLIKELY(!(++w->steps & (STEPS - 1))))
			err = hs_check_cancel(w->task);
		if ((out[i] & mark) != mark ||
		    (w->plain && out[i] & GR_CONTEXT) ||
		    (look && gr_is_avoided(w->avoid, w->n_avoid, id,
					   out[i] & GR_ID)))
			continue;
		reach(w, out[i] & GR_ID, w->depth[id] + 1);
	}
	return err;
}

static struct hs_err *spread(struct walk *w)
{
	struct hs_err *err = NULL;

	while (w->head < w->tail && !err) {
		err = follow(w, w->queue[w->head++], 0);
		if (!(w->head & (STEPS - 1))) {
			hs_progress_add(w->task, STEPS);
			if (!err)
				err = hs_check_cancel(w->task);
		}
	}
	return err;
}

/*
 * From what was reached without them, by the edges that are context: in the
 * order of depths, so that each gets its least one.
 */
static struct hs_err *spread_context(struct walk *w)
{
	const uint32_t plain = w->tail;
	struct hs_err *err = NULL;
	uint32_t at = 0;

	w->head = plain;
	while ((at < plain || w->head < w->tail) && !err) {
		if (w->head < w->tail &&
		    (at == plain || w->depth[w->queue[w->head]] <=
					    w->depth[w->queue[at]]))
			err = follow(w, w->queue[w->head++], 0);
		else
			err = follow(w, w->queue[at++], GR_CONTEXT);
		if (!((at + w->head) & (STEPS - 1)) && !err)
			err = hs_check_cancel(w->task);
	}
	return err;
}

/* Depths of roots that are context, and of what C holds: told apart above. */
#define CONTEXT (UINT32_C(1) << 30)
#define OF_C (UINT32_C(2) << 30)

static struct hs_err *from_named(struct walk *w, uint32_t context)
{
	uint32_t depth = context ? CONTEXT : 0;
	const struct gr_root *roots = w->g->roots;
	size_t i;

	for (i = 0; i < w->g->n_roots; i++)
		if ((roots[i].flags & HEAPSH_ROOT_CONTEXT) == context &&
		    !gr_is_avoided(w->avoid, w->n_avoid, GR_ROOTS, (uint32_t)i))
			reach(w, roots[i].id, depth);
	return spread(w);
}

/*
 * Those that a root names, and what they reach: by its own references first,
 * or every global of a program would be some coroutine's f_globals[…]; for what
 * is left, what frames run; for what is left then, what C holds.
 */
static struct hs_err *from_roots(struct walk *w)
{
	struct hs_err *err;
	uint64_t *held, id;

	err = gr_c_roots(w->g, w->task, &held);
	if (err)
		return err;
	w->plain = true;
	err = from_named(w, 0);
	w->plain = false;
	if (!err)
		err = spread_context(w);
	if (!err)
		err = from_named(w, HEAPSH_ROOT_CONTEXT);
	for (id = 0; (id = hs_bits_next(held, w->g->n, id)) < w->g->n; id++)
		reach(w, (uint32_t)id, OF_C);
	hs_big_free(w->g->task.budget, held, gr_bitmap_bytes(w->g->n));
	return err ? err : spread(w);
}

static struct hs_err *from_set(struct walk *w, struct gr_set *from)
{
	uint32_t id;

	for (id = 0; gr_set_next(from, &id); id++)
		reach(w, id, 0);
	return spread(w);
}

static struct hs_err *prepare(struct walk *w)
{
	struct hs_err *err;
	uint32_t id, from;
	size_t i;

	err = gr_alloc(w->task, w->g->n, 4, &w->depth);
	if (!err)
		err = gr_alloc(w->task, w->g->n, 4, &w->queue);
	if (!err && w->n_avoid)
		err = gr_alloc(w->task, hs_bits_words(w->g->n), 8,
			       &w->has_avoided);
	if (err)
		return err;
	for (i = 0; i < w->n_avoid; i++) {
		from = (uint32_t)(w->avoid[i] >> 32);
		if (from < w->g->n)
			hs_bit_set(w->has_avoided, from);
	}
	for (id = 0; id < w->g->n; id++)
		w->depth[id] = GR_NONE;
	return NULL;
}

struct hs_err *gr_depths(struct gr_graph *g, struct hs_task *task,
			 struct gr_set *from, const uint64_t *avoid, size_t n,
			 uint32_t **ret)
{
	struct walk w = { .g = g, .task = task, .avoid = avoid, .n_avoid = n };
	struct hs_err *err = gr_need_rows(g, task);

	if (err)
		return err;
	err = prepare(&w);
	if (!err) {
		hs_progress(task, "measuring distances", "objects", g->n);
		err = from ? from_set(&w, from) : from_roots(&w);
		hs_progress_end(task);
	}
	hs_big_free(task->budget, w.queue, (uint64_t)g->n * 4);
	hs_big_free(task->budget, w.has_avoided, gr_bitmap_bytes(g->n));
	if (err)
		hs_big_free(task->budget, w.depth, (uint64_t)g->n * 4);
	else
		*ret = w.depth;
	return err;
}

void gr_depths_free(struct gr_graph *g, uint32_t *depths)
{
	hs_big_free(g->task.budget, depths, (uint64_t)g->n * 4);
}

struct hs_err *gr_need_depth(struct gr_graph *g, struct hs_task *task,
			     const uint32_t **ret)
{
	struct hs_err *err = NULL;

	if (!g->depth)
		err = gr_depths(g, task, NULL, NULL, 0, &g->depth);
	if (!err)
		*ret = g->depth;
	return err;
}
