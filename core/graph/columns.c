// SPDX-License-Identifier: Apache-2.0
// From what the threads found, in whatever order, to columns in the order of
// ids.
#include "graph_priv.h"

/* *ret[t]: number of each of thread t's shapes in the graph. */
static struct hs_err *join_shapes(struct gr_building *b, uint32_t **ret)
{
	struct gr_shapes *all = &b->g->shapes;
	struct gr_shape *s;
	struct hs_err *err = NULL;
	unsigned t;
	uint32_t i, n;

	for (t = 0; t < GR_MAX_THREADS && !err; t++) {
		n = (uint32_t)b->find[t].shapes.all.n;
		err = gr_alloc(b->task, n, sizeof(**ret), &ret[t]);
		for (i = 0; i < n && !err; i++) {
			s = gr_shapes_at(&b->find[t].shapes, i);
			err = gr_shapes_put(all, s, &ret[t][i]);
			if (!err)
				gr_shapes_at(all, ret[t][i])->count +=
					s->count;
		}
	}
	return err;
}

/* Those that came late have ids in between: by look-up. */
static void fill_late(struct gr_building *b, uint32_t *const *map)
{
	struct gr_graph *g = b->g;
	const uint64_t *addr;
	const uint32_t *shape;
	unsigned t;
	uint64_t i;
	uint32_t id;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		addr = b->find[t].late_addr.v;
		shape = b->find[t].late_shape.v;
		for (i = 0; i < b->find[t].late_addr.n; i++) {
			id = gr_index_id(&g->index, addr[i]);
			g->shape[id] = map[t][shape[i]];
			hs_bit_set(g->outside, id);
		}
	}
}

/* The rest is in order within each job, whose first id is a rank. */
struct filling {
	struct gr_building *b;
	uint32_t *const *map;
	_Atomic uint64_t next_job;
	_Atomic bool stop;
};

static void fill_run(struct gr_graph *g, const struct gr_run *run,
		     const uint32_t *to, uint32_t id)
{
	for (uint32_t i = 0; i < run->n; i++, id++) {
		while (hs_bit(g->outside, id))
			id++;
		g->shape[id] = to[run->shape[i]];
	}
}

static struct hs_err *fill_part(void *arg, unsigned thread)
{
	struct filling *f = arg;
	struct gr_graph *g = f->b->g;
	const struct gr_jobs *j = &g->jobs;
	const struct gr_run *run;
	uint64_t r, start;

	(void)thread;
	while ((r = atomic_fetch_add(&f->next_job, 1)) < j->n_jobs) {
		if (atomic_load(&f->stop) || hs_cancelled(f->b->task))
			break;
		run = &f->b->runs[r];
		start = j->pieces[j->jobs[r].first_piece].start;
		fill_run(g, run, f->map[run->thread],
			 gr_index_rank(&g->index, start));
	}
	return hs_check_cancel(f->b->task);
}

static struct hs_err *fill_runs(struct gr_building *b, uint32_t *const *map)
{
	struct filling f = { .b = b, .map = map };

	return gr_parallel(b->g->threads, fill_part, &f, &f.stop);
}

static void count_quality(struct gr_graph *g)
{
	const struct gr_shape *s = g->shapes.all.v;
	uint64_t i;

	for (i = 0; i < g->shapes.all.n; i++, s++) {
		if (s->flags & HEAPSH_OBJECT_TORN)
			g->quality.torn += s->count;
		if (s->flags & HEAPSH_OBJECT_UNREAD)
			g->quality.unread += s->count;
		if (s->flags & HEAPSH_OBJECT_APPROXIMATE)
			g->quality.approximate += s->count;
	}
}

static void free_maps(struct gr_building *b, uint32_t **map)
{
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++)
		hs_big_free(b->task->budget, map[t],
			    b->find[t].shapes.all.n * sizeof(**map));
}

struct hs_err *gr_columns(struct gr_building *b)
{
	uint32_t *map[GR_MAX_THREADS] = { NULL };
	struct gr_graph *g = b->g;
	struct hs_err *err;

	hs_big_free(b->task->budget, b->swept, b->n_swept * sizeof(*b->swept));
	b->swept = NULL;
	err = gr_index_init(&g->index, &b->space, b->task);
	if (err)
		return err;
	g->n = g->index.n;
	err = join_shapes(b, map);
	if (!err)
		err = gr_alloc(b->task, g->n, sizeof(*g->shape), &g->shape);
	if (!err)
		err = gr_alloc(b->task, hs_bits_words(g->n), 8, &g->outside);
	if (!err) {
		fill_late(b, map);
		count_quality(g);
		err = fill_runs(b, map);
	}
	free_maps(b, map);
	return err;
}
