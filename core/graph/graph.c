// SPDX-License-Identifier: Apache-2.0
#include "notes_priv.h"

enum { SAMPLE = 16 };	/* part of the windows that tells of all */

static void building_init(struct gr_building *b, struct gr_graph *g,
			  struct hs_task *task)
{
	unsigned t;

	memset(b, 0, sizeof(*b));
	b->g = g;
	b->task = task;
	gr_space_init(&b->space, task, GR_SPACE_BLOCK);
	for (t = 0; t < GR_MAX_THREADS; t++) {
		gr_find_init(&b->find[t], task);
		b->outside[t].item_size = sizeof(uint64_t);
	}
}

static void building_deinit(struct gr_building *b)
{
	struct hs_budget *budget = b->task->budget;
	unsigned t;

	gr_sweep_free(b);
	gr_space_deinit(&b->space);
	hs_big_free(budget, b->swept, b->n_swept * sizeof(*b->swept));
	for (t = 0; t < GR_MAX_THREADS; t++) {
		b->g->quality.refused += b->find[t].refused;
		gr_find_deinit(&b->find[t]);
		gr_vec_deinit(budget, &b->outside[t]);
	}
}

/* Keep those that are nodes. */
static void resolve_roots(struct gr_graph *g)
{
	size_t i, to = 0;

	for (i = 0; i < g->n_roots; i++) {
		g->roots[i].id = gr_id(g, g->roots[i].address);
		if (g->roots[i].id == GR_NONE)
			free(g->roots[i].name);
		else
			g->roots[to++] = g->roots[i];
	}
	g->n_roots = to;
}

static struct hs_err *build(struct gr_building *b)
{
	struct hs_err *err;

	err = gr_jobs_init(&b->g->jobs, b->g->m, b->task);
	if (!err)
		err = gr_sweep(b);
	if (!err)
		err = gr_closure(b);
	if (!err)
		err = gr_columns(b);
	if (!err)
		err = gr_owners(b);
	if (!err)
		resolve_roots(b->g);
	return err;
}

/*
 * What the rest of the windows would take, as those before did, and as much
 * again to join what was found: not the next few bytes alone.
 */
static struct hs_err *say_need(const struct gr_building *b, uint64_t before,
			       struct hs_err *err)
{
	const struct hs_budget *budget = b->task->budget;
	uint64_t n = b->g->jobs.n_jobs, done = atomic_load(&b->next_job);
	uint64_t used, need;

	// What is had before the first window says nothing of the others.
	if (err->code != HS_ERR_NOMEM || !budget || done < n / SAMPLE)
		return err;
	used = atomic_load(&budget->used);
	used = used > before ? used - before : 0;
	done = done < n ? done : n;
	if (!done || hs_mul_overflows(used, 2 * n, &need))
		return err;
	need = before + need / done;
	need = need > budget->limit ? need : budget->limit;
	return hs_err_remedy(err, "set memory=%lluM",
			     (unsigned long long)((need >> 20) + 1));
}

struct hs_err *gr_build(struct md_model *m, struct hs_task *task,
			unsigned threads, struct gr_graph **ret)
{
	struct gr_graph *g = hs_xalloc(sizeof(*g));
	struct gr_building *b = hs_xalloc(sizeof(*b));
	struct hs_err *err;
	uint64_t used;

	g->m = m;
	g->threads = gr_threads(threads);
	hs_task_init(&g->task, NULL, task->budget);
	gr_shapes_init(&g->shapes, &g->task);
	gr_nodes_init(&g->nodes, &g->task);
	building_init(b, g, task);
	// What was read to attach is not what a sweep reads.
	md_trim(m);
	used = task->budget ? atomic_load(&task->budget->used) : 0;
	err = build(b);
	if (err)
		err = say_need(b, used, err);
	building_deinit(b);
	free(b);
	// And what the sweep's readers gave back lies between what is kept.
	md_trim(m);
	if (err) {
		gr_destroy(g);
		return hs_err_wrap(err, "sweep the heap");
	}
	*ret = g;
	return NULL;
}

/* --- numbers alone -------------------------------------------------------- */

static void add_shape(struct gr_totals *t, const struct gr_shape *s)
{
	struct gr_total *to[] = { &t->all, &t->of_type[s->type] };
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(to); i++) {
		to[i]->count += s->count;
		to[i]->flat += s->count * s->flat;
		to[i]->held += s->count * s->held;
	}
	t->torn += s->flags & HEAPSH_OBJECT_TORN ? s->count : 0;
	t->unread += s->flags & HEAPSH_OBJECT_UNREAD ? s->count : 0;
}

static void add_found(struct gr_totals *t, struct gr_find *f)
{
	uint32_t i;

	gr_find_count(f);
	for (i = 0; i < f->shapes.all.n; i++)
		add_shape(t, gr_shapes_at(&f->shapes, i));
}

static struct hs_err *count_all(struct gr_building *b, struct gr_totals *t)
{
	struct hs_err *err;
	unsigned i;

	err = gr_jobs_init(&b->g->jobs, b->g->m, b->task);
	if (!err)
		err = gr_sweep(b);
	if (!err)
		err = gr_closure(b);
	if (err)
		return err;
	t->n_types = md_n_types(b->g->m);
	t->of_type = hs_xcalloc((size_t)t->n_types + 1, sizeof(*t->of_type));
	for (i = 0; i < GR_MAX_THREADS; i++)
		add_found(t, &b->find[i]);
	t->unread_bytes = b->g->quality.unread_bytes;
	return NULL;
}

struct hs_err *gr_totals(struct md_model *m, struct hs_task *task,
			 unsigned threads, struct gr_totals *ret)
{
	struct gr_graph *g = hs_xalloc(sizeof(*g));
	struct gr_building *b = hs_xalloc(sizeof(*b));
	struct gr_totals t = { .of_type = NULL };
	struct hs_err *err;
	unsigned i;

	g->m = m;
	g->threads = gr_threads(threads);
	hs_task_init(&g->task, NULL, task->budget);
	building_init(b, g, task);
	b->totals = true;
	for (i = 0; i < GR_MAX_THREADS; i++)
		b->find[i].totals = true;
	md_trim(m);
	err = count_all(b, &t);
	building_deinit(b);
	free(b);
	gr_destroy(g);
	md_trim(m);
	if (err)
		return hs_err_wrap(err, "count the heap");
	*ret = t;
	return NULL;
}

void gr_totals_deinit(struct gr_totals *t)
{
	free(t->of_type);
	t->of_type = NULL;
}

void gr_shed(struct gr_graph *g)
{
	struct hs_budget *b = g->task.budget;

	gr_drop_rows(g);
	hs_big_free(b, g->reached, gr_bitmap_bytes(g->n));
	hs_big_free(b, g->alive, gr_bitmap_bytes(g->n));
	g->reached = g->alive = NULL;
	gr_dom_deinit(&g->dom, g->n, b);
	gr_depths_free(g, g->depth);
	g->depth = NULL;
}

void gr_destroy(struct gr_graph *g)
{
	struct hs_budget *b;
	size_t i;

	if (!g)
		return;
	b = g->task.budget;
	gr_jobs_deinit(&g->jobs);
	gr_index_deinit(&g->index);
	gr_shapes_deinit(&g->shapes);
	gr_nodes_deinit(&g->nodes);
	hs_big_free(b, g->outside, gr_bitmap_bytes(g->n));
	gr_owned_destroy(g->owned, b);
	gr_shed(g);
	for (i = 0; i < g->n_roots; i++)
		free(g->roots[i].name);
	free(g->roots);
	free(g);
}

struct md_model *gr_model(const struct gr_graph *g)
{
	return g->m;
}

const struct gr_quality *gr_quality(const struct gr_graph *g)
{
	return &g->quality;
}

uint32_t gr_n(const struct gr_graph *g)
{
	return g->n;
}

uint32_t gr_id(const struct gr_graph *g, uint64_t addr)
{
	return gr_index_id(&g->index, addr);
}

uint64_t gr_addr(const struct gr_graph *g, uint32_t id)
{
	return gr_index_addr(&g->index, id);
}

uint32_t gr_shape(const struct gr_graph *g, uint32_t id)
{
	return gr_nodes_get(&g->nodes, id);
}

size_t gr_shapes(const struct gr_graph *g, const struct gr_shape **ret)
{
	*ret = g->shapes.all.v;
	return g->shapes.all.n;
}

static const struct gr_shape *shape_of(const struct gr_graph *g, uint32_t id)
{
	return gr_shapes_at(&g->shapes, gr_shape(g, id));
}

uint32_t gr_type(const struct gr_graph *g, uint32_t id)
{
	return shape_of(g, id)->type;
}

uint32_t gr_owner_type(const struct gr_graph *g, uint32_t id)
{
	return shape_of(g, id)->owner_type;
}

uint64_t gr_flat(const struct gr_graph *g, uint32_t id)
{
	return shape_of(g, id)->flat;
}

uint64_t gr_held(const struct gr_graph *g, uint32_t id)
{
	return shape_of(g, id)->held;
}

uint32_t gr_flags(const struct gr_graph *g, uint32_t id)
{
	return shape_of(g, id)->flags;
}

size_t gr_roots(const struct gr_graph *g, const struct gr_root **ret)
{
	*ret = g->roots;
	return g->n_roots;
}
