// SPDX-License-Identifier: Apache-2.0
// What the runtime's collector would free, without a collection, as collectors
// of cycles that stand beside reference counts find it: subtract from each
// count the references of what is tracked itself; what is left at 0, and not
// reached from the rest, is garbage. Only what nothing holds needs a look: what
// a root reaches, or what is counted more often than edges explain, is kept.
#include "analysis_priv.h"

enum { STEPS = 1 << 12 };

struct member {
	uint64_t count;		/* references that are not of the tracked */
	uint32_t flags;		/* heapsh_collector_flags */
	bool kept, freed;
};

struct work {
	struct gr_graph *g;
	struct md_model *m;
	struct hs_task *task;
	struct an_ids ids;	/* of what nothing holds, ascending */
	struct member *v;	/* by index in ids */
	uint64_t cap;
	struct an_ids stack;	/* indices */
	uint64_t steps;
};

static struct hs_err *step(struct work *w)
{
	return ++w->steps & (STEPS - 1) ? NULL : hs_check_cancel(w->task);
}

static struct member *at(struct work *w, uint32_t id, uint32_t *index)
{
	uint64_t i = an_ids_find(&w->ids, 0, w->ids.n, id);

	if (i == UINT64_MAX)
		return NULL;
	*index = (uint32_t)i;
	return &w->v[i];
}

static bool is_tracked(const struct member *m)
{
	return m->flags & HEAPSH_COLLECTOR_TRACKED;
}

static struct hs_err *collect(struct work *w)
{
	struct gr_set *dead;
	struct hs_err *err = gr_set_unreachable(w->g, w->task, &dead);
	uint32_t id;
	uint64_t i;
	void *v;

	if (err)
		return err;
	for (id = 0; !err && gr_set_next(dead, &id); id++)
		err = an_ids_push(&w->ids, w->task, id);
	gr_set_unref(dead);
	w->cap = w->ids.n;
	if (!err)
		err = hs_big_alloc(w->task, w->cap * sizeof(*w->v), &v);
	if (err)
		return err;
	w->v = v;
	for (i = 0; i < w->ids.n && !err; i++) {
		w->v[i].count = gr_refcount(w->g, w->ids.v[i]);
		w->v[i].flags = md_collector_flags(w->m,
						   gr_addr(w->g, w->ids.v[i]));
		err = step(w);
	}
	return err;
}

typedef struct hs_err *visit_fn(struct work *w, struct member *to, uint32_t i);

/* Each strong edge of ids[i] within what nothing holds. */
static struct hs_err *visit(struct work *w, uint64_t i, visit_fn *fn)
{
	const uint32_t *out;
	size_t n = gr_out(w->g, w->ids.v[i], &out), k;
	struct hs_err *err = NULL;
	struct member *to;
	uint32_t index;

	for (k = 0; k < n && !err; k++) {
		to = at(w, out[k] & GR_ID, &index);
		if (to)
			err = fn(w, to, index);
		if (!err)
			err = step(w);
	}
	return err;
}

static struct hs_err *subtract(struct work *w, struct member *to, uint32_t i)
{
	(void)w;
	(void)i;
	if (is_tracked(to) && to->count)
		to->count--;
	return NULL;
}

static struct hs_err *keep(struct work *w, struct member *to, uint32_t i)
{
	if (to->kept || !is_tracked(to))
		return NULL;
	to->kept = true;
	return an_ids_push(&w->stack, w->task, i);
}

/* What is referred to from elsewhere is kept, and what it leads to. */
static struct hs_err *keep_all(struct work *w)
{
	struct hs_err *err = NULL;
	uint64_t i;

	for (i = 0; i < w->ids.n && !err; i++)
		if (w->v[i].count || w->v[i].flags & HEAPSH_COLLECTOR_NEVER)
			err = keep(w, &w->v[i], (uint32_t)i);
	while (w->stack.n && !err)
		err = visit(w, w->stack.v[--w->stack.n], keep);
	return err;
}

/* What is not tracked goes with the last reference of what is freed. */
static struct hs_err *release(struct work *w, struct member *to, uint32_t i)
{
	if (is_tracked(to) || to->freed)
		return NULL;
	if (to->count)
		to->count--;
	if (to->count)
		return NULL;
	to->freed = true;
	return an_ids_push(&w->stack, w->task, i);
}

static struct hs_err *free_all(struct work *w)
{
	struct hs_err *err = NULL;
	uint64_t i;

	for (i = 0; i < w->ids.n && !err; i++) {
		if (!is_tracked(&w->v[i]) || w->v[i].kept)
			continue;
		w->v[i].freed = true;
		err = an_ids_push(&w->stack, w->task, (uint32_t)i);
	}
	while (w->stack.n && !err)
		err = visit(w, w->stack.v[--w->stack.n], release);
	return err;
}

static struct hs_err *run(struct work *w)
{
	struct hs_err *err = collect(w);
	uint64_t i, n = 0;

	for (i = 0; i < w->ids.n && !err; i++)
		if (is_tracked(&w->v[i]))
			err = visit(w, i, subtract);
	if (!err)
		err = keep_all(w);
	if (!err)
		err = free_all(w);
	for (i = 0; i < w->ids.n && !err; i++)
		if (w->v[i].freed)
			w->ids.v[n++] = w->ids.v[i];
	w->ids.n = n;
	return err;
}

static struct hs_err *check(struct md_model *m)
{
	if (md_status(m)->collecting)
		return hs_err_remedy(
			hs_err_new(HS_ERR_REFUSED,
				   "garbage: this instant lies within a "
				   "collection, which has changed what would "
				   "tell"),
			"snap, then garbage");
	if (!md_has_collector(m))
		return hs_err_remedy(
			hs_err_new(HS_ERR_UNSUPPORTED,
				   "garbage: what the collector of this "
				   "runtime would free is not known"),
			"heapu: what neither roots nor C hold");
	return NULL;
}

struct hs_err *an_garbage(struct gr_graph *g, struct hs_task *task,
			  struct gr_set **ret)
{
	struct work w = { .g = g, .m = gr_model(g), .task = task };
	struct hs_err *err = check(w.m);

	if (err)
		return err;
	err = run(&w);
	if (!err)
		err = gr_set_of(g, w.ids.v, w.ids.n, ret);
	hs_big_free(task->budget, w.v, w.cap * sizeof(*w.v));
	an_ids_deinit(&w.ids, task->budget);
	an_ids_deinit(&w.stack, task->budget);
	return err;
}
