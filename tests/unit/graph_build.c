// SPDX-License-Identifier: Apache-2.0
// Nodes, rows and reach of random heaps against brute force.
#include "graph.h"

#include "toyworld.h"
#include "unit.h"

struct under_test {
	struct world *w;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
};

static void begin(struct under_test *t, uint64_t seed, uint32_t n,
		  unsigned tricks, unsigned threads)
{
	t->w = world_create(seed, n);
	toy_set_tricks(t->w->toy, tricks);
	t->budget = (struct hs_budget){ 0 };
	hs_task_init(&t->task, NULL, &t->budget);
	assert_null(gr_build(toy_model(t->w->toy), &t->task, threads, &t->g));
}

static void end(struct under_test *t)
{
	gr_destroy(t->g);
	assert_int_equal(atomic_load(&t->budget.used), 0);
	world_destroy(t->w);
}

static void check_nodes(const struct under_test *t)
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

static void check_owners(const struct under_test *t)
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
		assert_int_equal(out[at] & GR_ID,
				 gr_id(t->g, target->o.addr));
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

static void check_rows(struct under_test *t)
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

static void check_reach(struct under_test *t)
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

static void check_world(uint64_t seed, uint32_t n, unsigned tricks,
			unsigned threads)
{
	struct under_test t;

	begin(&t, seed, n, tricks, threads);
	check_nodes(&t);
	check_owners(&t);
	check_rows(&t);
	check_reach(&t);
	end(&t);
}

static void random_heaps_with_one_thread(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++)
		check_world(seed, 3000, 0, 1);
}

static void random_heaps_with_three_threads(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 5; seed <= 8; seed++)
		check_world(seed, 3000, 0, 3);
}

static void thousands_outside_are_walked_by_three_threads(void **state)
{
	(void)state;
	check_world(9, 60000, 0, 3);
}

static void objects_told_of_twice_count_once(void **state)
{
	(void)state;
	check_world(10, 2000, TOY_TWICE, 1);
}

static void objects_out_of_order_are_nodes_with_rows(void **state)
{
	(void)state;
	check_world(11, 2000, TOY_BACKWARDS, 3);
	check_world(12, 2000, TOY_BACKWARDS | TOY_TWICE, 1);
}

static void strays_of_the_plugin_are_refused_and_counted(void **state)
{
	struct under_test t;

	(void)state;
	begin(&t, 13, 2000, TOY_STRAY, 1);
	check_nodes(&t);
	check_owners(&t);
	check_rows(&t);
	assert_true(gr_quality(t.g)->refused >= 4);
	end(&t);
}

static void answers_that_nobody_asked_for_are_refused(void **state)
{
	struct under_test t;

	(void)state;
	begin(&t, 14, 2000, TOY_UNASKED, 1);
	check_nodes(&t);
	check_rows(&t);
	assert_true(gr_quality(t.g)->refused > 0);
	end(&t);
}

static void quality_counts_flags_and_dangling_edges(void **state)
{
	uint64_t torn = 0, unread = 0, approximate = 0, dangling = 0;
	struct under_test t;
	uint32_t i, k;

	(void)state;
	begin(&t, 15, 3000, 0, 2);
	for (i = 0; i < t.w->n; i++) {
		const struct world_object *o = &t.w->v[i];

		if (!o->expected)
			continue;
		torn += !!(o->o.flags & HEAPSH_OBJECT_TORN);
		unread += !!(o->o.flags & HEAPSH_OBJECT_UNREAD);
		approximate += !!(o->o.flags & HEAPSH_OBJECT_APPROXIMATE);
		for (k = 0; k < o->n_edges; k++)
			dangling += !world_target(t.w, &o->edges[k]) &&
				    !(o->edges[k].flags & HEAPSH_EDGE_WEAK) &&
				    o->edges[k].target;
	}
	assert_null(gr_need_rows(t.g, &t.task));
	assert_true(torn && unread && approximate && dangling);
	assert_int_equal(gr_quality(t.g)->torn, torn);
	assert_int_equal(gr_quality(t.g)->unread, unread);
	assert_int_equal(gr_quality(t.g)->approximate, approximate);
	assert_int_equal(gr_quality(t.g)->dangling, dangling);
	end(&t);
}

static void holes_are_counted_and_the_rest_is_read(void **state)
{
	struct hs_budget budget = { 0 };
	struct hs_task task;
	struct toy *toy = toy_create();
	struct toy_object o = { .addr = 0x40000000, .flat = 64, .held = 64 };
	struct gr_graph *g;

	(void)state;
	hs_task_init(&task, NULL, &budget);
	toy_map(toy, 0x40000000, 3 << 20, true);
	toy_type(toy, "thing", 0, 0, false);
	toy_put(toy, &o);
	o.addr += 0x3000;
	toy_put(toy, &o);
	o.addr = 0x40200000 + 0x8000;
	toy_put(toy, &o);
	toy_hole(toy, 0x40001800, 0x1000);
	toy_hole(toy, 0x40100000, 1 << 20);
	toy_hole(toy, 0x40208000, 16);
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_int_equal(gr_n(g), 2);
	assert_int_equal(gr_addr(g, 1), 0x40003000);
	// Holes are counted in whole pages from where reading stopped.
	assert_int_equal(gr_quality(g)->unread_bytes,
			 0x800 + 0x1000 + (1 << 20) + 0x1000);
	gr_destroy(g);
	toy_destroy(toy);
}

static void a_type_found_late_leads_to_its_object(void **state)
{
	struct hs_task task;
	struct toy *toy = toy_create();
	struct toy_object o = { .addr = 0x40000000, .type = 1 };
	uint64_t edge = toy_edge(0x50001000, 0, 0);
	struct gr_graph *g;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, 0x40000000, 1 << 20, true);
	toy_map(toy, 0x50000000, 1 << 20, false);
	toy_type(toy, "type", 0, 0, false);
	toy_type(toy, "seen", 0, 0x50000000, true);
	toy_type(toy, "found", 0, 0x50002000, true);
	toy_put(toy, &o);
	o = (struct toy_object){ .addr = 0x50000000, .n_words = 1,
				 .words = &edge };
	toy_put(toy, &o);
	o = (struct toy_object){ .addr = 0x50001000, .type = 2 };
	toy_put(toy, &o);
	o = (struct toy_object){ .addr = 0x50002000 };
	toy_put(toy, &o);
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_int_equal(gr_n(g), 4);
	assert_int_equal(gr_addr(g, 3), 0x50002000);
	gr_destroy(g);
	toy_destroy(toy);
}

static void what_is_only_found_is_no_root(void **state)
{
	const uint64_t a = 0x50000000, b = 0x50001000;
	struct hs_task task;
	struct toy *toy = toy_create();
	uint64_t to_a = toy_edge(a, 0, 0), to_b = toy_edge(b, 0, 0);
	const struct gr_root *roots;
	struct toy_object o;
	struct gr_graph *g;
	struct gr_set *s;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, a, 1 << 20, false);
	toy_type(toy, "cycle", 0, 0, false);
	o = (struct toy_object){ .addr = a, .refcount = 1, .n_words = 1,
				 .words = &to_b };
	toy_put(toy, &o);
	o = (struct toy_object){ .addr = b, .refcount = 1, .n_words = 1,
				 .words = &to_a };
	toy_put(toy, &o);
	toy_found(toy, a);
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_int_equal(gr_n(g), 2);
	assert_int_equal(gr_roots(g, &roots), 0);
	assert_null(gr_set_unreachable(g, &task, &s));
	assert_int_equal(gr_set_count(s), 2);
	gr_set_unref(s);
	gr_destroy(g);
	toy_destroy(toy);
}

static void an_empty_heap_is_a_graph(void **state)
{
	struct hs_task task;
	struct toy *toy = toy_create();
	struct gr_graph *g;
	struct gr_set *s;
	uint32_t id = 0;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	assert_null(gr_build(toy_model(toy), &task, 0, &g));
	assert_int_equal(gr_n(g), 0);
	assert_int_equal(gr_id(g, 0x1000), GR_NONE);
	assert_null(gr_set_unreachable(g, &task, &s));
	assert_int_equal(gr_set_count(s), 0);
	assert_false(gr_set_next(s, &id));
	gr_set_unref(s);
	gr_destroy(g);
	toy_destroy(toy);
}

/* The edges of a huge row lie elsewhere and span several slabs. */
static void a_row_longer_than_any_buffer(void **state)
{
	enum { N = (1 << 20) + 12345 };
	HS_FREE uint64_t *words = hs_xcalloc(N, sizeof(*words));
	struct toy_object o = { .addr = 0x40000000 };
	struct hs_task task;
	struct toy *toy = toy_create();
	const uint32_t *row;
	struct gr_graph *g;
	size_t i;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, 0x40000000, 2 << 20, true);
	toy_map(toy, 0x50000000, 8 * (uint64_t)N, false);
	toy_type(toy, "thing", 0, 0, false);
	for (i = 0; i < N; i++)
		words[i] = toy_edge(0x40000000 + 0x40 * (i % 3), 0, 0);
	toy_put(toy, &o);
	o.addr += 0x40;
	o.words = words;
	o.n_words = N;
	o.words_at = 0x50000000;
	toy_put(toy, &o);
	o.addr += 0x40;
	o.n_words = 5;
	o.words_at = 0;
	toy_put(toy, &o);
	assert_null(gr_build(toy_model(toy), &task, 2, &g));
	assert_null(gr_need_rows(g, &task));
	assert_int_equal(gr_out(g, 0, &row), 0);
	assert_int_equal(gr_out(g, 1, &row), N);
	for (i = 0; i < N; i++)
		assert_int_equal(row[i], i % 3);
	assert_int_equal(gr_out(g, 2, &row), 5);
	assert_int_equal(row[4], 1);
	assert_int_equal(gr_in(g, 2, &row), N / 3 + 1);
	assert_int_equal(row[0], 1);
	assert_int_equal(row[N / 3], 2);
	gr_destroy(g);
	toy_destroy(toy);
}

static void a_graph_without_room_gives_all_memory_back(void **state)
{
	struct world *w = world_create(21, 3000);
	struct hs_budget budget = { 0 };
	struct hs_err *err = NULL;
	struct gr_graph *g = NULL;
	struct hs_task task;
	unsigned refused = 0;

	(void)state;
	hs_task_init(&task, NULL, &budget);
	for (budget.limit = 1 << 16;; budget.limit += budget.limit / 3) {
		err = gr_build(toy_model(w->toy), &task, 2, &g);
		if (!err)
			err = gr_need_rows(g, &task);
		if (!err)
			break;
		assert_int_equal(err->code, HS_ERR_NOMEM);
		hs_err_free(err);
		gr_destroy(g);
		g = NULL;
		assert_int_equal(atomic_load(&budget.used), 0);
		refused++;
	}
	assert_true(refused > 3);
	assert_int_equal(gr_n(g), w->n_expected);
	gr_destroy(g);
	assert_int_equal(atomic_load(&budget.used), 0);
	world_destroy(w);
}

static void ctrl_c_ends_every_step(void **state)
{
	struct under_test t;
	struct gr_graph *g = NULL;
	struct hs_err *err;

	(void)state;
	begin(&t, 22, 3000, 0, 2);
	atomic_store(&t.task.shared->cancel, 1);
	err = gr_need_rows(t.g, &t.task);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	hs_err_free(err);
	assert_false(gr_has_rows(t.g));
	err = gr_build(toy_model(t.w->toy), &t.task, 2, &g);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	assert_string_equal(err->message, "sweep the heap: interrupted");
	hs_err_free(err);
	assert_null(g);
	atomic_store(&t.task.shared->cancel, 0);
	check_rows(&t);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_heaps_with_one_thread),
		cmocka_unit_test(random_heaps_with_three_threads),
		cmocka_unit_test(thousands_outside_are_walked_by_three_threads),
		cmocka_unit_test(objects_told_of_twice_count_once),
		cmocka_unit_test(objects_out_of_order_are_nodes_with_rows),
		cmocka_unit_test(strays_of_the_plugin_are_refused_and_counted),
		cmocka_unit_test(answers_that_nobody_asked_for_are_refused),
		cmocka_unit_test(quality_counts_flags_and_dangling_edges),
		cmocka_unit_test(holes_are_counted_and_the_rest_is_read),
		cmocka_unit_test(a_type_found_late_leads_to_its_object),
		cmocka_unit_test(what_is_only_found_is_no_root),
		cmocka_unit_test(an_empty_heap_is_a_graph),
		cmocka_unit_test(a_row_longer_than_any_buffer),
		cmocka_unit_test(a_graph_without_room_gives_all_memory_back),
		cmocka_unit_test(ctrl_c_ends_every_step),
	};

	return UNIT_RUN(tests);
}
