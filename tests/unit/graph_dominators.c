// SPDX-License-Identifier: Apache-2.0
// Dominators against the definition: without a node, what is not reached any
// more is what it dominates.
#include "graph.h"

#include "toyshape.h"
#include "unit.h"

static uint64_t rng;

static uint32_t below(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((rng >> 33) % n);
}

/* What the roots reach without a node (UINT32_MAX: with all). */
static void reach(const struct shape *s, uint32_t without, bool *reached)
{
	uint32_t stack[SHAPE_MAX], n = 0, i, v;

	memset(reached, 0, SHAPE_MAX);
	for (i = 0; i < s->n; i++)
		if (s->root[i] && i != without) {
			reached[i] = true;
			stack[n++] = i;
		}
	while (n) {
		v = stack[--n];
		for (i = 0; i < s->n_out[v]; i++)
			if (!reached[s->out[v][i]] && s->out[v][i] != without) {
				reached[s->out[v][i]] = true;
				stack[n++] = s->out[v][i];
			}
	}
}

static bool dominated[SHAPE_MAX][SHAPE_MAX];	/* [by][node] */

static void brute_force(const struct shape *s, bool *reached)
{
	bool left[SHAPE_MAX];
	uint32_t i, k;

	reach(s, UINT32_MAX, reached);
	memset(dominated, 0, sizeof(dominated));
	for (i = 0; i < s->n; i++) {
		if (!reached[i])
			continue;
		reach(s, i, left);
		for (k = 0; k < s->n; k++)
			dominated[i][k] = reached[k] && !left[k];
	}
}

static void check_node(struct shape *s, uint32_t v, bool reached)
{
	uint32_t want = GR_NONE, above = 0, best = 0, i, k;
	uint64_t bytes = 0;

	for (i = 0; i < s->n; i++) {
		bytes += dominated[v][i] ? s->held[i] : 0;
		if (i == v || !dominated[i][v])
			continue;
		// the nearest is the one that most others are above of
		for (above = 1, k = 0; k < s->n; k++)
			above += k != i && dominated[k][i];
		if (above > best) {
			best = above;
			want = s->id[i];
		}
	}
	if (want == GR_NONE && reached)
		want = GR_ROOTS;
	assert_int_equal(gr_dominator(s->g, s->id[v]), want);
	assert_int_equal(gr_retained(s->g, s->id[v]), bytes);
}

struct rows {
	uint32_t row[SHAPE_MAX];	/* by id */
};

static uint32_t row_of(void *arg, uint32_t id)
{
	return ((struct rows *)arg)->row[id];
}

/* Of each row, the bytes that one of its nodes dominates. */
static void check_rows(struct shape *s)
{
	enum { ROWS = 5 };
	uint64_t got[ROWS], want[ROWS] = { 0 };
	struct rows rows;
	uint32_t i, k, r;

	for (i = 0; i < s->n; i++)
		rows.row[s->id[i]] = below(2) ? below(ROWS) : GR_NONE;
	for (r = 0; r < ROWS; r++)
		for (k = 0; k < s->n; k++)
			for (i = 0; i < s->n; i++)
				if (rows.row[s->id[i]] == r &&
				    dominated[i][k]) {
					want[r] += s->held[k];
					break;
				}
	assert_null(gr_retain_rows(s->g, &s->task, row_of, &rows, ROWS, got));
	assert_memory_equal(got, want, sizeof(got));
}

static void check(struct shape *s)
{
	bool reached[SHAPE_MAX];
	uint32_t i;

	shape_begin(s, below(3) + 1);
	assert_null(gr_need_dominators(s->g, &s->task));
	assert_true(gr_has_dominators(s->g));
	brute_force(s, reached);
	for (i = 0; i < s->n; i++)
		check_node(s, i, reached[i]);
	check_rows(s);
	shape_end(s);
}

static void random_shape(struct shape *s, uint32_t n)
{
	uint32_t edges = n * below(4) + below(n), i, from, to;

	memset(s, 0, sizeof(*s));
	s->n = n;
	for (i = 0; i < n; i++) {
		s->held[i] = 1 + below(1000);
		s->root[i] = !below(n);
	}
	s->root[below(n)] = true;
	// half of the edges lead a little forward: trees and chains
	for (i = 0; i < edges; i++) {
		from = below(n);
		to = below(2) ? below(n) : (from + 1 + below(5)) % n;
		if (s->n_out[from] < 30 && from % 7)
			shape_edge(s, from, to);
	}
}

static void of_thousands_of_random_graphs(void **state)
{
	struct shape *s = hs_xalloc(sizeof(*s));
	uint32_t i;

	(void)state;
	rng = 1;
	for (i = 0; i < 4000; i++) {
		random_shape(s, 1 + below(i % 40 ? 24 : 200));
		check(s);
	}
	free(s);
}

/* A tree whose children point back at their parents. */
static void of_a_tree_with_parent_pointers(void **state)
{
	struct shape s = { .n = 3, .held = { 100, 100, 100 },
			   .root = { true } };

	(void)state;
	shape_edge(&s, 0, 1);
	shape_edge(&s, 1, 0);
	shape_edge(&s, 1, 2);
	shape_edge(&s, 2, 1);
	shape_begin(&s, 1);
	assert_null(gr_need_dominators(s.g, &s.task));
	assert_int_equal(gr_retained(s.g, s.id[0]), 300);
	assert_int_equal(gr_retained(s.g, s.id[1]), 200);
	assert_int_equal(gr_retained(s.g, s.id[2]), 100);
	shape_end(&s);
}

static void of_a_doubly_linked_list_of_four(void **state)
{
	struct shape s = { .n = 4, .held = { 100, 100, 100, 100 },
			   .root = { true } };
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		shape_edge(&s, i, i + 1);
		shape_edge(&s, i + 1, i);
	}
	shape_begin(&s, 1);
	assert_null(gr_need_dominators(s.g, &s.task));
	for (i = 0; i < 4; i++)
		assert_int_equal(gr_retained(s.g, s.id[i]), 400 - 100 * i);
	assert_int_equal(gr_dominator(s.g, s.id[0]), GR_ROOTS);
	assert_int_equal(gr_dominator(s.g, s.id[3]), s.id[2]);
	shape_end(&s);
}

static void what_c_alone_holds_is_a_root(void **state)
{
	struct shape s = { .n = 4, .held = { 1, 10, 100, 1000 },
			   .root = { true }, .refcount = { 1, 1, 1, 1 } };

	(void)state;
	shape_edge(&s, 1, 2);	// 1 has a count that nothing explains
	shape_edge(&s, 3, 3);	// 3 is a cycle of its own
	shape_begin(&s, 1);
	assert_null(gr_need_dominators(s.g, &s.task));
	assert_int_equal(gr_dominator(s.g, s.id[1]), GR_ROOTS);
	assert_int_equal(gr_retained(s.g, s.id[1]), 110);
	assert_int_equal(gr_dominator(s.g, s.id[3]), GR_NONE);
	assert_int_equal(gr_retained(s.g, s.id[3]), 0);
	shape_end(&s);
}

static void an_interrupted_search_keeps_nothing(void **state)
{
	struct shape *s = hs_xalloc(sizeof(*s));
	struct hs_err *err;

	(void)state;
	rng = 7;
	random_shape(s, 200);
	shape_begin(s, 2);
	assert_null(gr_need_rows(s->g, &s->task));
	atomic_store(&s->task.shared->cancel, 1);
	err = gr_need_dominators(s->g, &s->task);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	hs_err_free(err);
	assert_false(gr_has_dominators(s->g));
	atomic_store(&s->task.shared->cancel, 0);
	assert_null(gr_need_dominators(s->g, &s->task));
	shape_end(s);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_tree_with_parent_pointers),
		cmocka_unit_test(of_a_doubly_linked_list_of_four),
		cmocka_unit_test(what_c_alone_holds_is_a_root),
		cmocka_unit_test(an_interrupted_search_keeps_nothing),
		cmocka_unit_test(of_thousands_of_random_graphs),
	};

	return UNIT_RUN(tests);
}
