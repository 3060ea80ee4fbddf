// SPDX-License-Identifier: Apache-2.0
// Nodes, rows and reach of random heaps against brute force.
#include "graphcheck.h"

#include "unit.h"

static void random_heaps_with_one_thread(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++)
		graph_check_world(seed, 3000, 0, 1);
}

static void random_heaps_with_three_threads(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 5; seed <= 8; seed++)
		graph_check_world(seed, 3000, 0, 3);
}

static void thousands_outside_are_walked_by_three_threads(void **state)
{
	(void)state;
	graph_check_world(9, 60000, 0, 3);
}

static void more_nodes_than_a_page_of_rows_has(void **state)
{
	struct under_test t;

	(void)state;
	graph_begin(&t, 16, 900000, 0, 2);
	assert_true(gr_n(t.g) > 65536 + 1000);
	graph_check_rows(&t);
	graph_check_reach(&t);
	graph_end(&t);
}

static void quality_counts_flags_and_dangling_edges(void **state)
{
	uint64_t torn = 0, unread = 0, approximate = 0, dangling = 0;
	struct under_test t;
	uint32_t i, k;

	(void)state;
	graph_begin(&t, 15, 3000, 0, 2);
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
	graph_end(&t);
}

/* A range that begins and ends within a page, and what shares these pages. */
static void neighbours_of_a_range_in_its_pages(void **state)
{
	enum { A = 0x40000000, FROM = A + 0x800, TO = A + 0x5800 };
	static const uint64_t at[] = { A + 0x100, FROM, FROM + 0x100,
				       TO - 64,   TO,   TO + 0x100,
				       A + 0x9000 };
	const struct gr_shape *shapes;
	struct hs_task task;
	struct toy *toy = toy_create();
	struct gr_graph *g;
	uint64_t words[7], i;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, A, 1 << 20, false);
	toy_claim(toy, FROM, TO - FROM);
	toy_type(toy, "thing", 0, 0, false);
	for (i = 0; i < HS_ARRAY_SIZE(at); i++)
		words[i] = toy_edge(at[i], 0, 0);
	for (i = 0; i < HS_ARRAY_SIZE(at); i++) {
		// The last is outside and names them all, the swept ones too.
		struct toy_object o = { .addr = at[i],
					.flat = 10,
					.words = &words[i == 6 ? 0 : 6],
					.n_words = i == 1   ? 1
						   : i == 6 ? 7
							    : 0 };

		toy_put(toy, &o);
	}
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_int_equal(gr_n(g), HS_ARRAY_SIZE(at));
	for (i = 0; i < HS_ARRAY_SIZE(at); i++)
		assert_int_equal(gr_addr(g, (uint32_t)i), at[i]);
	assert_int_equal(gr_shapes(g, &shapes), 1);
	assert_int_equal(shapes[0].count, HS_ARRAY_SIZE(at));
	assert_null(gr_need_rows(g, &task));
	for (i = 0; i < HS_ARRAY_SIZE(at); i++)
		assert_int_equal(gr_in(g, (uint32_t)i,
				       &(const uint32_t *){ NULL }),
				 i == 6 ? 2 : 1);
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
	o = (struct toy_object){ .addr = 0x50000000,
				 .n_words = 1,
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
	o = (struct toy_object){
		.addr = a, .refcount = 1, .n_words = 1, .words = &to_b
	};
	toy_put(toy, &o);
	o = (struct toy_object){
		.addr = b, .refcount = 1, .n_words = 1, .words = &to_a
	};
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

/* a refers to b, b to c, c to d; and a, as its context, to d and to e. */
static void context_is_no_short_cut(void **state)
{
	enum { A = 0x50000000, STEP = 0x1000 };
	const uint64_t to[5][3] = {
		{ toy_edge(A + STEP, 0, 0),
		  toy_edge(A + 3 * STEP, HEAPSH_EDGE_CONTEXT, 0),
		  toy_edge(A + 4 * STEP, HEAPSH_EDGE_CONTEXT, 0) },
		{ toy_edge(A + 2 * STEP, 0, 0) },
		{ toy_edge(A + 3 * STEP, 0, 0) },
	};
	static const uint32_t want[] = { 0, 1, 2, 3, 1 };
	struct toy *toy = toy_create();
	struct hs_task task;
	const uint32_t *depth;
	struct gr_graph *g;
	uint32_t i;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, A, 1 << 20, false);
	toy_type(toy, "thing", 0, 0, false);
	for (i = 0; i < 5; i++) {
		struct toy_object o = { .addr = A + i * STEP,
					.n_words = i ? i < 3 : 3,
					.words = to[i] };

		toy_put(toy, &o);
	}
	toy_root(toy, A, "a");
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_null(gr_need_depth(g, &task, &depth));
	for (i = 0; i < 5; i++)
		assert_int_equal(depth[i], want[i]);
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

/* The first threads' jobs tell shapes in two bytes, the later in four. */
static void more_shapes_than_two_bytes_can_tell(void **state)
{
	enum { N = 3 << 16, A = 0x40000000, STEP = 48, EACH = 1000,
	       WINDOW = 1 << 20, IN_WINDOW = WINDOW / STEP };
	struct hs_task task;
	struct toy *toy = toy_create();
	struct gr_graph *g;
	uint64_t edge;
	uint32_t i;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	toy_map(toy, A, (uint64_t)(N / IN_WINDOW + 1) * WINDOW, true);
	toy_type(toy, "owner", 0, 0, false);
	toy_type(toy, "table", 0, 0, false);
	for (i = 0; i < N; i++) {
		struct toy_object o = { .addr = A + i / IN_WINDOW * WINDOW +
						i % IN_WINDOW * STEP,
					.type = 1,
					.flat = N - i };

		if (i % EACH == 0) {	// it owns the next
			o.type = 0;
			edge = toy_edge(o.addr + STEP, HEAPSH_EDGE_TABLE, 0);
			o.words = &edge;
			o.n_words = 1;
		}
		toy_put(toy, &o);
	}
	assert_null(gr_build(toy_model(toy), &task, 2, &g));
	assert_int_equal(gr_n(g), N);
	for (i = 0; i < N; i++) {
		assert_int_equal(gr_flat(g, i), N - i);
		assert_int_equal(gr_type(g, i), i % EACH != 0);
		assert_int_equal(gr_owner_type(g, i),
				 i % EACH == 1 ? 0 : GR_NONE);
	}
	gr_destroy(g);
	toy_destroy(toy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_heaps_with_one_thread),
		cmocka_unit_test(random_heaps_with_three_threads),
		cmocka_unit_test(thousands_outside_are_walked_by_three_threads),
		cmocka_unit_test(more_nodes_than_a_page_of_rows_has),
		cmocka_unit_test(quality_counts_flags_and_dangling_edges),
		cmocka_unit_test(neighbours_of_a_range_in_its_pages),
		cmocka_unit_test(a_type_found_late_leads_to_its_object),
		cmocka_unit_test(what_is_only_found_is_no_root),
		cmocka_unit_test(context_is_no_short_cut),
		cmocka_unit_test(an_empty_heap_is_a_graph),
		cmocka_unit_test(a_row_longer_than_any_buffer),
		cmocka_unit_test(more_shapes_than_two_bytes_can_tell),
	};

	return UNIT_RUN(tests);
}
