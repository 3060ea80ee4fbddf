// SPDX-License-Identifier: Apache-2.0
// The table of nodes: which shape each is of.
#include "graph_priv.h"

void gr_nodes_init(struct gr_nodes *x, struct hs_task *task)
{
	unsigned t;

	memset(x, 0, sizeof(*x));
	x->task = task;
	x->runs.item_size = sizeof(struct gr_run);
	for (t = 0; t <= GR_MAX_THREADS; t++)
		x->map[t].item_size = sizeof(uint32_t);
	for (t = 0; t < GR_MAX_THREADS; t++) {
		x->slabs[t].item_size = sizeof(struct gr_slab);
		x->local[t].item_size = sizeof(uint32_t);
	}
}

static void free_own(struct gr_run *r, struct hs_budget *b)
{
	if (r->own)
		hs_big_free(b, r->v, (uint64_t)r->n * sizeof(uint32_t));
	r->own = false;
}

static void free_slabs(struct gr_vec *slabs, struct hs_budget *b)
{
	struct gr_slab *slab = slabs->v;
	uint64_t i;

	for (i = 0; i < slabs->n; i++)
		hs_big_free(b, slab[i].v, slab[i].bytes);
	gr_vec_deinit(b, slabs);
}

void gr_nodes_deinit(struct gr_nodes *x)
{
	struct hs_budget *b = x->task ? x->task->budget : NULL;
	struct gr_run *r = x->runs.v;
	uint64_t i;
	unsigned t;

	for (i = 0; i < x->runs.n; i++)
		free_own(&r[i], b);
	gr_vec_deinit(b, &x->runs);
	for (t = 0; t < GR_MAX_THREADS; t++)
		free_slabs(&x->slabs[t], b);
	for (t = 0; t <= GR_MAX_THREADS; t++)
		gr_vec_deinit(b, &x->map[t]);
	gr_nodes_seal(x);
	hs_big_free(b, x->near, ((uint64_t)(x->n >> GR_NEAR_SHIFT) + 1) *
					sizeof(*x->near));
	hs_big_free(b, x->outside,
		    (uint64_t)x->n_outside * sizeof(*x->outside));
	x->near = x->outside = NULL;
}

/* --- joining ------------------------------------------------------------ */

struct joining {
	struct gr_nodes *x;
	const struct gr_graph *g;
	uint32_t at;			/* ids up to here are in a run */
	uint32_t n_outside;
};

static struct hs_err *push(struct joining *j, const struct gr_run *r)
{
	j->at = r->first + r->n;
	return r->n ? gr_vec_push(j->x->task, &j->x->runs, r) : NULL;
}

/* Whatever there is up to id end, no job has found. */
static struct hs_err *push_outside(struct joining *j, uint32_t end)
{
	const struct gr_run r = {
		.v = j->x->outside + j->n_outside,
		.first = j->at,
		.n = end - j->at,
		.map = GR_DIRECT,
		.wide = true,
	};

	j->n_outside += r.n;
	return push(j, &r);
}

/* A job's objects from id first on, but for what others found in between. */
static struct hs_err *push_job(struct joining *j, const struct gr_run *job,
			       uint32_t first)
{
	const uint64_t *outside = j->g->outside;
	size_t size = job->wide ? sizeof(uint32_t) : sizeof(uint16_t);
	struct hs_err *err = NULL;
	uint32_t done = 0, end, most;
	struct gr_run r = *job;

	if (job->n && first > j->at)
		err = push_outside(j, first);
	while (done < job->n && j->at < j->g->n && !err) {
		most = job->n - done < j->g->n - j->at ? job->n - done :
							 j->g->n - j->at;
		end = (uint32_t)hs_bits_next(outside, j->at + most, j->at);
		r.v = (char *)job->v + done * size;
		r.first = j->at;
		r.n = end - j->at;
		done += r.n;
		err = push(j, &r);
		for (end = j->at; done < job->n && end < j->g->n &&
		     hs_bit(outside, end); end++)
			;
		if (end > j->at && !err)
			err = push_outside(j, end);
	}
	return err;
}

static struct hs_err *find_near(struct gr_nodes *x)
{
	const struct gr_run *r = x->runs.v;
	uint64_t n = (uint64_t)(x->n >> GR_NEAR_SHIFT) + 1, i, run = 0;
	struct hs_err *err;

	err = gr_alloc(x->task, n, sizeof(*x->near), &x->near);
	for (i = 0; i < n && !err; i++) {
		while (run + 1 < x->runs.n &&
		       r[run + 1].first <= i << GR_NEAR_SHIFT)
			run++;
		x->near[i] = (uint32_t)run;
	}
	return err;
}

struct hs_err *gr_nodes_join(struct gr_nodes *x, const struct gr_graph *g,
			     const struct gr_run *jobs)
{
	const struct gr_jobs *js = &g->jobs;
	struct joining j = { .x = x, .g = g };
	struct hs_err *err;
	uint64_t i;

	x->n = g->n;
	x->n_outside = (uint32_t)hs_bits_count(g->outside, g->n);
	err = gr_alloc(x->task, x->n_outside, sizeof(*x->outside),
		       &x->outside);
	for (i = 0; i < js->n_jobs && !err; i++)
		err = push_job(&j, &jobs[i],
			       gr_index_rank(&g->index,
					     js->pieces[js->jobs[i].first_piece]
						     .start));
	if (!err)
		err = push_outside(&j, g->n);
	return err ? err : find_near(x);
}

/* --- changes ------------------------------------------------------------ */

static struct hs_err *widen(struct gr_nodes *x, struct gr_run *r)
{
	const uint16_t *from = r->v;
	struct hs_err *err;
	uint32_t *to, i;

	err = gr_alloc(x->task, r->n, sizeof(*to), &to);
	if (err)
		return err;
	for (i = 0; i < r->n; i++)
		to[i] = from[i];
	r->v = to;
	r->wide = r->own = true;
	return NULL;
}

/* *ret: the shape's number in a map, added if it has none. */
static struct hs_err *number_in(struct gr_nodes *x, unsigned map,
				uint32_t shape, uint32_t *ret)
{
	struct gr_vec *local = &x->local[map];
	uint32_t *number, i, n = (uint32_t)x->map[map].n;
	const uint32_t *to = x->map[map].v;
	struct hs_err *err;

	err = gr_vec_reserve(x->task, local, (uint64_t)shape + 1);
	if (err)
		return err;
	number = local->v;
	if (!local->n)
		for (i = 0; i < n; i++)
			if (to[i] <= shape)
				number[to[i]] = i + 1;
	local->n = local->cap;
	if (!number[shape]) {
		err = gr_vec_push(x->task, &x->map[map], &shape);
		number[shape] = n + 1;
	}
	*ret = number[shape] - 1;
	return err;
}

struct hs_err *gr_nodes_set(struct gr_nodes *x, uint32_t id, uint32_t shape)
{
	struct gr_run *r = gr_nodes_run(x, id);
	uint32_t number = shape;
	struct hs_err *err = NULL;

	if (r->map != GR_DIRECT)
		err = number_in(x, r->map, shape, &number);
	if (!err && number >= GR_NARROW && !r->wide)
		err = widen(x, r);
	if (err)
		return err;
	if (r->wide)
		((uint32_t *)r->v)[id - r->first] = number;
	else
		((uint16_t *)r->v)[id - r->first] = (uint16_t)number;
	return NULL;
}

void gr_nodes_seal(struct gr_nodes *x)
{
	struct hs_budget *b = x->task ? x->task->budget : NULL;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++)
		gr_vec_deinit(b, &x->local[t]);
}
