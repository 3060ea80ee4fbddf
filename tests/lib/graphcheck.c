// SPDX-License-Identifier: Apache-2.0
#include "graphcheck.h"

#include "unit.h"

void graph_begin(struct under_test *t, uint64_t seed, uint32_t n,
		 unsigned tricks, unsigned threads)
{
	t->w = world_create(seed, n);
	toy_set_tricks(t->w->toy, tricks);
	t->budget = (struct hs_budget){ 0 };
	hs_task_init(&t->task, NULL, &t->budget);
	assert_null(gr_build(toy_model(t->w->toy), &t->task, threads, &t->g));
}

void graph_end(struct under_test *t)
{
	gr_destroy(t->g);
	assert_int_equal(atomic_load(&t->budget.used), 0);
	world_destroy(t->w);
}

void graph_check_nodes(const struct under_test *t)
{
	const struct world *w = t->w;
	const struct gr_graph *g = t->g;
	uint32_t id = 0, i;

	assert_int_equal(gr_n(g), w->n_expected);
	for (i = 0; i < w->n; i++) {
		const struct world_object *o = &w->v[i];

		assert_int_equal(gr_id(g, o->o.addr + 8), GR_NONE);
		if (!o->expected) {
			assert_int_equal(gr_id(g, o->o.addr), GR_NONE);
			continue;
		}
		assert_int_equal(gr_id(g, o->o.addr), id);
		assert_int_equal(gr_addr(g, id), o->o.addr);
		assert_int_equal(gr_type(g, id), o->o.type);
		assert_int_equal(gr_flags(g, id), o->o.flags);
		assert_int_equal(gr_flat(g, id),
				 (uint64_t)o->o.flat << o->o.shift);
		assert_int_equal(gr_held(g, id),
				 (uint64_t)o->o.held << o->o.shift);
		id++;
	}
}

void graph_check_shapes(const struct under_test *t)
{
	const struct gr_shape *shapes;
	size_t n = gr_shapes(t->g, &shapes), i, k;
	uint64_t *count = hs_xcalloc(n, sizeof(*count));
	uint32_t id;

	for (id = 0; id < gr_n(t->g); id++)
		count[gr_shape(t->g, id)]++;
	for (i = 0; i < n; i++) {
		assert_int_equal(count[i], shapes[i].count);
		for (k = 0; k < i && n < 2000; k++)
			assert_false(shapes[i].type == shapes[k].type &&
				     shapes[i].flat == shapes[k].flat &&
				     shapes[i].held == shapes[k].held &&
				     shapes[i].flags == shapes[k].flags &&
				     shapes[i].owner_type ==
					     shapes[k].owner_type);
	}
	free(count);
}

void graph_check_owners(const struct under_test *t)
{
	const struct world *w = t->w;
	const struct gr_graph *g = t->g;
	uint32_t i, id, owned = 0;

	for (i = 0; i < w->n; i++) {
		const struct world_object *o = &w->v[i], *owner;

		if (!o->expected)
			continue;
		id = gr_id(g, o->o.addr);
		if (o->owner == UINT32_MAX) {
			assert_int_equal(gr_owner(g, id), GR_NONE);
			assert_int_equal(gr_owner_type(g, id), GR_NONE);
			continue;
		}
		owner = &w->v[o->owner];
		assert_int_equal(gr_owner(g, id), gr_id(g, owner->o.addr));
		assert_int_equal(gr_owner_type(g, id), owner->o.type);
		owned++;
	}
	assert_true(owned > 0);
}

static void check_out(const struct under_test *t, const struct world_object *o)
{
	const struct world_object *target;
	const uint32_t *out;
	size_t n, at = 0;
	uint32_t k;

	n = gr_out(t->g, gr_id(t->g, o->o.addr), &out);
	for (k = 0; k < o->n_edges; k++) {
		target = world_target(t->w, &o->edges[k]);
		if (!target || o->edges[k].flags & HEAPSH_EDGE_WEAK)
			continue;
		assert_true(at < n);
		assert_int_equal(out[at] & GR_ID, gr_id(t->g, target->o.addr));
		assert_int_equal(!!(out[at] & GR_CONTEXT),
				 !!(o->edges[k].flags & HEAPSH_EDGE_CONTEXT));
		at++;
	}
	assert_int_equal(at, n);
}

static void check_in(const struct under_test *t, const struct world_object *o)
{
	uint32_t id = gr_id(t->g, o->o.addr), found = 0;
	const uint32_t *in, *out;
	size_t n, m, i, k;

	n = gr_in(t->g, id, &in);
	assert_int_equal(n, o->in_degree);
	for (i = 0; i < n; i++) {
		assert_true(!i || in[i] >= in[i - 1]);
		if (i && in[i] == in[i - 1])
			continue;
		m = gr_out(t->g, in[i], &out);
		for (k = 0; k < m; k++)
			found += (out[k] & GR_ID) == id;
	}
	assert_int_equal(found, n);
}

void graph_check_rows(struct under_test *t)
{
	uint32_t i;

	assert_false(gr_has_rows(t->g));
	assert_null(gr_need_rows(t->g, &t->task));
	assert_true(gr_has_rows(t->g));
	assert_null(gr_need_rows(t->g, &t->task));
	for (i = 0; i < t->w->n; i++) {
		const struct world_object *o = &t->w->v[i];

		if (!o->expected)
			continue;
		check_out(t, o);
		check_in(t, o);
		assert_int_equal(gr_refcount(t->g, gr_id(t->g, o->o.addr)),
				 o->o.refcount);
	}
}

typedef struct hs_err *set_fn(struct gr_graph *, struct hs_task *,
			      struct gr_set **);

static void check_set(struct under_test *t, set_fn *fn, size_t member,
		      bool wanted)
{
	struct gr_set *s;
	uint32_t i, n = 0;
	uint64_t flat = 0;

	assert_null(fn(t->g, &t->task, &s));
	for (i = 0; i < t->w->n; i++) {
		const struct world_object *o = &t->w->v[i];
		bool in = *((const bool *)o + member) == wanted;

		if (!o->expected)
			continue;
		assert_int_equal(gr_set_has(s, gr_id(t->g, o->o.addr)), in);
		n += in;
		flat += in ? (uint64_t)o->o.flat << o->o.shift : 0;
	}
	assert_int_equal(gr_set_count(s), n);
	assert_int_equal(gr_set_flat(s), flat);
	gr_set_unref(s);
}

void graph_check_reach(struct under_test *t)
{
	check_set(t, gr_set_reachable, offsetof(struct world_object, reached),
		  true);
	check_set(t, gr_set_orphans, offsetof(struct world_object, orphan),
		  true);
	check_set(t, gr_set_unreachable, offsetof(struct world_object, alive),
		  false);
	check_set(t, gr_set_unreferenced,
		  offsetof(struct world_object, unreferenced), true);
}

void graph_check_world(uint64_t seed, uint32_t n, unsigned tricks,
		       unsigned threads)
{
	struct under_test t;

	graph_begin(&t, seed, n, tricks, threads);
	graph_check_nodes(&t);
	graph_check_shapes(&t);
	graph_check_owners(&t);
	graph_check_rows(&t);
	graph_check_reach(&t);
	graph_end(&t);
}
