// SPDX-License-Identifier: Apache-2.0
// What would be freed with a set, and through which of its referrers it is
// reached: the heap is reached again without going through some nodes. Exact,
// O(all edges), two bits an object.
#include "analysis_priv.h"

#include "bits.h"

enum { STEPS = 1 << 14 };	/* nodes between two looks at Ctrl-C */

/* A reach that stops at some nodes. */
struct reach {
	struct gr_graph *g;
	struct hs_task *task;
	uint64_t *reached, *barred;	/* bits by node */
	uint32_t *stack;		/* at most each node once */
	uint64_t n, steps;
	bool meet;			/* the barred are reached, not left */
};

static uint64_t bitmap_bytes(const struct gr_graph *g)
{
	return hs_bits_words(gr_n(g)) * sizeof(uint64_t);
}

static struct hs_err *begin(struct reach *r, struct gr_set *barred,
			    struct hs_task *task)
{
	struct gr_graph *g = gr_set_graph(barred);
	void *reached = NULL, *bits = NULL, *stack = NULL;
	struct hs_err *err;
	uint32_t id;

	memset(r, 0, sizeof(*r));
	r->g = g;
	r->task = task;
	err = hs_big_alloc(task, bitmap_bytes(g), &reached);
	if (!err)
		err = hs_big_alloc(task, bitmap_bytes(g), &bits);
	if (!err)
		err = hs_big_alloc(task, (uint64_t)gr_n(g) * sizeof(uint32_t),
				   &stack);
	r->reached = reached;
	r->barred = bits;
	r->stack = stack;
	for (id = 0; !err && gr_set_next(barred, &id); id++)
		hs_bit_set(r->barred, id);
	return err;
}

static void end(struct reach *r)
{
	struct hs_budget *b = r->task->budget;

	hs_big_free(b, r->reached, bitmap_bytes(r->g));
	hs_big_free(b, r->barred, bitmap_bytes(r->g));
	hs_big_free(b, r->stack, (uint64_t)gr_n(r->g) * sizeof(*r->stack));
}

static void touch(struct reach *r, uint32_t id)
{
	bool barred = hs_bit(r->barred, id);

	if (barred && !r->meet)
		return;
	if (!hs_bit_test_set(r->reached, id) && !barred)
		r->stack[r->n++] = id;
}

static struct hs_err *spread(struct reach *r)
{
	struct hs_err *err = NULL;
	const uint32_t *out;
	size_t n, i;

	while (r->n && !err) {
		n = gr_out(r->g, r->stack[--r->n], &out);
		for (i = 0; i < n; i++)
			touch(r, out[i] & GR_ID);
		if (!(++r->steps & (STEPS - 1))) {
			err = hs_check_cancel(r->task);
			hs_progress_add(r->task, STEPS);
		}
	}
	return err;
}

/* All that is alive without the help of others: roots, and what C holds. */
static struct hs_err *from_outside(struct reach *r)
{
	const struct gr_root *roots;
	size_t n = gr_roots(r->g, &roots), i;
	struct gr_set *orphans;
	struct hs_err *err = gr_set_orphans(r->g, r->task, &orphans);
	uint32_t id;

	if (err)
		return err;
	for (i = 0; i < n; i++)
		touch(r, roots[i].id);
	for (id = 0; gr_set_next(orphans, &id); id++)
		touch(r, id);
	gr_set_unref(orphans);
	for (id = 0; id < gr_n(r->g); id++)
		if (gr_flags(r->g, id) & HEAPSH_OBJECT_IMMORTAL)
			touch(r, id);
	return spread(r);
}

struct pick {
	const struct reach *r;
	const struct gr_set *lost;
};

static bool is_freed(void *arg, uint32_t id)
{
	const struct pick *p = arg;

	return hs_bit(p->r->barred, id) ||
	       (!hs_bit(p->r->reached, id) && !gr_set_has(p->lost, id));
}

/* What is garbage already would not be freed by this: it stays out. */
static struct hs_err *pick_freed(const struct reach *r, struct gr_set **ret)
{
	struct pick p = { .r = r };
	struct gr_set *all, *lost;
	struct hs_err *err = gr_set_unreachable(r->g, r->task, &lost);

	if (err)
		return err;
	p.lost = lost;
	err = gr_set_all(r->g, &all);
	if (!err) {
		err = gr_set_filter(all, r->task, is_freed, &p, ret);
		gr_set_unref(all);
	}
	gr_set_unref(lost);
	return err;
}

struct hs_err *an_dominos(struct gr_set *set, struct hs_task *task,
			  struct gr_set **ret)
{
	struct reach r;
	struct hs_err *err = gr_need_reach(gr_set_graph(set), task);

	if (err)
		return err;
	hs_progress(task, "reaching without the set", "objects",
		    gr_n(gr_set_graph(set)));
	err = begin(&r, set, task);
	if (!err)
		err = from_outside(&r);
	if (!err)
		err = pick_freed(&r, ret);
	end(&r);
	hs_progress_end(task);
	return err;
}

static bool is_reached(void *arg, uint32_t id)
{
	return hs_bit(((const struct reach *)arg)->reached, id);
}

static struct hs_err *from_set(struct reach *r, struct gr_set *from)
{
	uint32_t id;

	for (id = 0; gr_set_next(from, &id); id++)
		touch(r, id);
	return spread(r);
}

struct hs_err *an_reach_from(struct gr_set *from, struct hs_task *task,
			     struct gr_set **ret)
{
	struct gr_graph *g = gr_set_graph(from);
	struct gr_set *none = NULL, *all = NULL;
	struct reach r = { .g = g, .task = task };
	struct hs_err *err = gr_need_rows(g, task);

	if (!err)
		err = gr_set_of(g, NULL, 0, &none);
	if (!err)
		err = gr_set_all(g, &all);
	if (!err)
		err = begin(&r, none, task);
	if (!err)
		err = from_set(&r, from);
	if (!err)
		err = gr_set_filter(all, task, is_reached, &r, ret);
	end(&r);
	gr_set_unref(none);
	gr_set_unref(all);
	return err;
}

struct hs_err *an_imdom(struct gr_set *set, struct hs_task *task,
			struct gr_set **ret)
{
	return an_imdom_from(set, NULL, task, ret);
}

struct hs_err *an_imdom_from(struct gr_set *set, struct gr_set *from,
			     struct hs_task *task, struct gr_set **ret)
{
	struct gr_set *referrers;
	struct reach r;
	struct hs_err *err = gr_set_referrers(set, task, &referrers);

	if (err)
		return err;
	hs_progress(task, "reaching the referrers", "objects",
		    gr_n(gr_set_graph(set)));
	err = begin(&r, referrers, task);
	r.meet = true;
	if (!err)
		err = from ? from_set(&r, from) : from_outside(&r);
	if (!err)
		err = gr_set_filter(referrers, task, is_reached, &r, ret);
	end(&r);
	gr_set_unref(referrers);
	hs_progress_end(task);
	return err;
}
