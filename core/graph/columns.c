// SPDX-License-Identifier: Apache-2.0
// From what the threads found, in whatever order, to columns in the order of
// ids.
#include "graph_priv.h"

/* The threads' shapes are the graph's; g->nodes.map says which. */
static struct hs_err *join_shapes(struct gr_building *b)
{
	struct gr_shapes *all = &b->g->shapes;
	struct gr_vec *map = b->g->nodes.map;
	struct hs_err *err = NULL;
	struct gr_shape *s;
	uint32_t i, n, number;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS && !err; t++) {
		n = (uint32_t)b->find[t].shapes.all.n;
		gr_find_count(&b->find[t]);
		for (i = 0; i < n && !err; i++) {
			s = gr_shapes_at(&b->find[t].shapes, i);
			err = gr_shapes_put(all, s, &number);
			if (!err)
				err = gr_vec_push(b->task, &map[t], &number);
			if (!err)
				gr_shapes_at(all, number)->count += s->count;
		}
	}
	return err;
}

typedef struct hs_err *late_fn(struct gr_graph *g, uint32_t id,
			       uint32_t shape);

static struct hs_err *mark_late(struct gr_graph *g, uint32_t id,
				uint32_t shape)
{
	(void)shape;
	hs_bit_set(g->outside, id);
	return NULL;
}

static struct hs_err *set_late(struct gr_graph *g, uint32_t id,
			       uint32_t shape)
{
	return gr_nodes_set(&g->nodes, id, shape);
}

/* Those that came late have ids in between: by look-up. */
static struct hs_err *each_late(struct gr_building *b, late_fn *fn)
{
	struct gr_graph *g = b->g;
	const uint32_t *shape, *map;
	struct hs_err *err = NULL;
	const uint64_t *addr;
	unsigned t;
	uint64_t i;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		addr = b->find[t].late_addr.v;
		shape = b->find[t].late_shape.v;
		map = g->nodes.map[t].v;
		for (i = 0; i < b->find[t].late_addr.n && !err; i++)
			err = fn(g, gr_index_id(&g->index, addr[i]),
				 map[shape[i]]);
	}
	return err;
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

struct hs_err *gr_columns(struct gr_building *b)
{
	struct gr_graph *g = b->g;
	struct hs_err *err;

	hs_big_free(b->task->budget, b->swept, b->n_swept * sizeof(*b->swept));
	b->swept = NULL;
	err = gr_index_init(&g->index, &b->space, b->task);
	if (err)
		return err;
	g->n = g->index.n;
	err = gr_alloc(b->task, hs_bits_words(g->n), 8, &g->outside);
	if (!err)
		err = join_shapes(b);
	if (!err)
		err = each_late(b, mark_late);
	if (!err)
		err = gr_nodes_join(&g->nodes, g, b->runs);
	if (!err)
		err = each_late(b, set_late);
	if (!err)
		count_quality(g);
	return err ? err : hs_check_cancel(b->task);
}
