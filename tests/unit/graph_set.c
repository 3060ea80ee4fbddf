// SPDX-License-Identifier: Apache-2.0
// Sets against plain arrays of bool, in each of their representations.
#include "graph.h"

#include "toyworld.h"
#include "unit.h"

struct heap {
	struct world *w;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
	uint32_t n;
};

static struct heap *begin(uint64_t seed, uint32_t n)
{
	struct heap *h = hs_xalloc(sizeof(*h));

	h->w = world_create(seed, n);
	hs_task_init(&h->task, NULL, &h->budget);
	assert_null(gr_build(toy_model(h->w->toy), &h->task, 2, &h->g));
	h->n = gr_n(h->g);
	return h;
}

static void end(struct heap *h)
{
	gr_destroy(h->g);
	assert_int_equal(atomic_load(&h->budget.used), 0);
	world_destroy(h->w);
	free(h);
}

/* A set with about one of every `one_of` nodes, and its plain form. */
static struct gr_set *random_set(struct heap *h, uint64_t one_of, bool *plain)
{
	uint32_t *ids = hs_xcalloc((size_t)h->n * 2 + 2, sizeof(*ids)), i;
	struct gr_set *s;
	size_t n = 0;

	for (i = 0; i < h->n; i++) {
		plain[i] = !world_random(h->w, one_of);
		if (!plain[i])
			continue;
		ids[n++] = i;
		if (!world_random(h->w, 4))
			ids[n++] = i;
	}
	for (i = 0; n && i < n; i++) {
		size_t k = world_random(h->w, n);
		uint32_t swap = ids[i];

		ids[i] = ids[k];
		ids[k] = swap;
	}
	ids[n++] = h->n;
	ids[n++] = GR_NONE;
	assert_null(gr_set_of(h->g, ids, n, &s));
	free(ids);
	return s;
}

static void check(struct heap *h, struct gr_set *s, const bool *plain)
{
	uint64_t flat = 0, held = 0;
	uint32_t i, n = 0, id = 0;

	for (i = 0; i < h->n; i++) {
		assert_int_equal(gr_set_has(s, i), plain[i]);
		if (!plain[i])
			continue;
		assert_true(gr_set_next(s, &id));
		assert_int_equal(id++, i);
		n++;
		flat += gr_flat(h->g, i);
		held += gr_held(h->g, i);
	}
	assert_false(gr_set_next(s, &id));
	assert_false(gr_set_has(s, h->n));
	for (i = 0; i < 1000; i++) {
		uint32_t from = (uint32_t)world_random(h->w, h->n), want;

		for (want = from; want < h->n && !plain[want];)
			want++;
		assert_int_equal(gr_set_next(s, &from), want < h->n);
		if (want < h->n)
			assert_int_equal(from, want);
	}
	assert_int_equal(gr_set_count(s), n);
	assert_int_equal(gr_set_flat(s), flat);
	assert_int_equal(gr_set_held(s), held);
	assert_ptr_equal(gr_set_graph(s), h->g);
}

/* Empty, a list, a bitmap, and all: one of so many. */
static const uint64_t densities[] = { 1000000000, 900, 40, 2, 1 };

static void a_set_of_ids_drops_duplicates_and_order(void **state)
{
	struct heap *h = begin(31, 2000);
	bool *plain = hs_xcalloc(h->n, 1);
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(densities); i++) {
		struct gr_set *s = random_set(h, densities[i], plain);

		check(h, s, plain);
		gr_set_unref(s);
	}
	free(plain);
	end(h);
}

static bool combined(enum gr_op op, bool a, bool b)
{
	return op == GR_AND ? a && b :
	       op == GR_OR  ? a || b :
	       op == GR_SUB ? a && !b :
			      a != b;
}

static void check_pair(struct heap *h, struct gr_set *a, const bool *in_a,
		       struct gr_set *b, const bool *in_b)
{
	bool *want = hs_xcalloc(h->n, 1), equal = true, subset = true;
	struct gr_set *s;
	uint32_t i;
	int op;

	for (op = GR_AND; op <= GR_XOR; op++) {
		for (i = 0; i < h->n; i++)
			want[i] = combined(op, in_a[i], in_b[i]);
		assert_null(gr_set_op(op, a, b, &s));
		check(h, s, want);
		gr_set_unref(s);
	}
	for (i = 0; i < h->n; i++) {
		equal &= in_a[i] == in_b[i];
		subset &= !in_a[i] || in_b[i];
	}
	assert_int_equal(gr_set_equal(a, b), equal);
	assert_int_equal(gr_set_subset(a, b), subset);
	free(want);
}

static void operators_of_all_representations(void **state)
{
	struct heap *h = begin(32, 2000);
	bool *in_a = hs_xcalloc(h->n, 1), *in_b = hs_xcalloc(h->n, 1);
	size_t i, k;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(densities); i++) {
		struct gr_set *a = random_set(h, densities[i], in_a);

		check_pair(h, a, in_a, a, in_a);
		for (k = 0; k < HS_ARRAY_SIZE(densities); k++) {
			struct gr_set *b = random_set(h, densities[k], in_b);
			struct gr_set *both;

			check_pair(h, a, in_a, b, in_b);
			assert_null(gr_set_op(GR_AND, a, b, &both));
			assert_true(gr_set_subset(both, a));
			assert_true(gr_set_subset(both, b));
			gr_set_unref(both);
			gr_set_unref(b);
		}
		gr_set_unref(a);
	}
	free(in_a);
	free(in_b);
	end(h);
}

static void sets_of_two_instants_do_not_combine(void **state)
{
	struct heap *h = begin(33, 300), *k = begin(33, 300);
	struct gr_set *a, *b, *c = NULL;
	struct hs_err *err;

	(void)state;
	assert_null(gr_set_all(h->g, &a));
	assert_null(gr_set_all(k->g, &b));
	err = gr_set_op(GR_OR, a, b, &c);
	assert_int_equal(err->code, HS_ERR_USAGE);
	assert_string_equal(err->message, "combine two sets: they are of "
					  "different instants");
	hs_err_free(err);
	assert_null(c);
	assert_false(gr_set_equal(a, b));
	assert_false(gr_set_subset(a, b));
	gr_set_unref(a);
	gr_set_unref(b);
	end(h);
	end(k);
}

static bool is_third(void *arg, uint32_t id)
{
	(void)arg;
	return id % 3 == 0;
}

static void a_filter_keeps_members_only(void **state)
{
	struct heap *h = begin(34, 2000);
	bool *plain = hs_xcalloc(h->n, 1);
	struct gr_set *s = random_set(h, 2, plain), *third;
	struct hs_err *err;
	uint32_t i;

	(void)state;
	assert_null(gr_set_filter(s, &h->task, is_third, NULL, &third));
	for (i = 0; i < h->n; i++)
		plain[i] &= i % 3 == 0;
	check(h, third, plain);
	gr_set_unref(third);
	gr_set_unref(gr_set_ref(s));
	gr_set_unref(s);
	free(plain);
	end(h);

	h = begin(34, 20000);
	assert_null(gr_set_all(h->g, &s));
	atomic_store(&h->task.shared->cancel, 1);
	err = gr_set_filter(s, &h->task, is_third, NULL, &third);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	hs_err_free(err);
	gr_set_unref(s);
	end(h);
}

static void neighbours_of_a_set(void **state)
{
	struct heap *h = begin(35, 2000);
	bool *in = hs_xcalloc(h->n, 1), *want = hs_xcalloc(h->n, 1);
	struct gr_set *s = random_set(h, 50, in), *to, *from;
	uint32_t i, k, id;

	(void)state;
	assert_null(gr_set_referents(s, &h->task, &to));
	assert_null(gr_set_referrers(s, &h->task, &from));
	for (i = 0; i < h->w->n; i++) {
		const struct world_object *o = &h->w->v[i], *t;

		for (k = 0; k < o->n_edges && o->expected; k++) {
			t = world_target(h->w, &o->edges[k]);
			if (!t || o->edges[k].flags & HEAPSH_EDGE_WEAK)
				continue;
			id = gr_id(h->g, t->o.addr);
			want[id] |= in[gr_id(h->g, o->o.addr)];
			if (in[id])
				assert_true(gr_set_has(
					from, gr_id(h->g, o->o.addr)));
		}
	}
	check(h, to, want);
	for (id = 0; gr_set_next(from, &id); id++) {
		const uint32_t *out;
		size_t n = gr_out(h->g, id, &out);
		bool any = false;

		while (n--)
			any |= in[out[n] & GR_ID];
		assert_true(any);
	}
	gr_set_unref(to);
	gr_set_unref(from);
	gr_set_unref(s);
	free(in);
	free(want);
	end(h);
}

static void numbers_are_sorted_whatever_they_are(void **state)
{
	enum { N = 5000 };
	struct world *w = world_create(36, 10);
	uint64_t *v = hs_xcalloc(N, 8), *tmp = hs_xcalloc(N, 8), sum, was;
	size_t n, i, shift;

	(void)state;
	for (shift = 0; shift < 64; shift += 9)
		for (n = 0; n <= N; n = n * 3 + 1) {
			for (was = i = 0; i < n; i++) {
				v[i] = world_random(w, 1 << 30) << shift;
				was += v[i];
			}
			gr_sort_u64(v, tmp, n);
			for (sum = i = 0; i < n; i++) {
				assert_true(!i || v[i - 1] <= v[i]);
				sum += v[i];
			}
			assert_int_equal(sum, was);
		}
	free(v);
	free(tmp);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_of_ids_drops_duplicates_and_order),
		cmocka_unit_test(operators_of_all_representations),
		cmocka_unit_test(sets_of_two_instants_do_not_combine),
		cmocka_unit_test(a_filter_keeps_members_only),
		cmocka_unit_test(neighbours_of_a_set),
		cmocka_unit_test(numbers_are_sorted_whatever_they_are),
	};

	return UNIT_RUN(tests);
}
