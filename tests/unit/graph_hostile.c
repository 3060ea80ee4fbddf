// SPDX-License-Identifier: Apache-2.0
// Graphs of plugins that misbehave, of memory with holes, without memory.
#include "graphcheck.h"

#include "unit.h"

static void objects_told_of_twice_count_once(void **state)
{
	(void)state;
	graph_check_world(10, 2000, TOY_TWICE, 1);
}

static void objects_out_of_order_are_nodes_with_rows(void **state)
{
	(void)state;
	graph_check_world(11, 2000, TOY_BACKWARDS, 3);
	graph_check_world(12, 2000, TOY_BACKWARDS | TOY_TWICE, 1);
}

/* As a live process may be: the second pass does not see what the first saw. */
static void rows_of_objects_that_came_late_before(void **state)
{
	struct under_test t;

	(void)state;
	graph_begin(&t, 17, 2000, TOY_BACKWARDS, 2);
	toy_set_tricks(t.w->toy, 0);
	graph_check_rows(&t);
	graph_end(&t);
	graph_begin(&t, 18, 2000, 0, 2);
	toy_set_tricks(t.w->toy, TOY_BACKWARDS);
	assert_null(gr_need_rows(t.g, &t.task));
	graph_end(&t);
}

static void strays_of_the_plugin_are_refused_and_counted(void **state)
{
	struct under_test t;

	(void)state;
	graph_begin(&t, 13, 2000, TOY_STRAY, 1);
	graph_check_nodes(&t);
	graph_check_shapes(&t);
	graph_check_owners(&t);
	graph_check_rows(&t);
	assert_true(gr_quality(t.g)->refused >= 4);
	graph_end(&t);
}

static void answers_that_nobody_asked_for_are_refused(void **state)
{
	struct under_test t;

	(void)state;
	graph_begin(&t, 14, 2000, TOY_UNASKED, 1);
	graph_check_nodes(&t);
	graph_check_shapes(&t);
	graph_check_rows(&t);
	assert_true(gr_quality(t.g)->refused > 0);
	graph_end(&t);
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
	// Where the buffer still holds an object of another window.
	toy_hole(toy, 0x40203000, 0x1000);
	o.addr = 0x40202000;
	toy_put(toy, &o);
	assert_null(gr_build(toy_model(toy), &task, 1, &g));
	assert_int_equal(gr_n(g), 3);
	assert_int_equal(gr_addr(g, 1), 0x40003000);
	assert_int_equal(gr_addr(g, 2), 0x40202000);
	// Holes are counted in whole pages from where reading stopped.
	assert_int_equal(gr_quality(g)->unread_bytes,
			 0x800 + 0x1000 + (1 << 20) + 0x1000 + 0x1000);
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
	graph_begin(&t, 22, 3000, 0, 2);
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
	graph_check_rows(&t);
	graph_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_told_of_twice_count_once),
		cmocka_unit_test(objects_out_of_order_are_nodes_with_rows),
		cmocka_unit_test(rows_of_objects_that_came_late_before),
		cmocka_unit_test(strays_of_the_plugin_are_refused_and_counted),
		cmocka_unit_test(answers_that_nobody_asked_for_are_refused),
		cmocka_unit_test(holes_are_counted_and_the_rest_is_read),
		cmocka_unit_test(a_graph_without_room_gives_all_memory_back),
		cmocka_unit_test(ctrl_c_ends_every_step),
	};

	return UNIT_RUN(tests);
}
