// SPDX-License-Identifier: Apache-2.0
// Deep sizes of random heaps against a depth-first walk over plain arrays.
#include "analysis.h"

#include "toyworld.h"
#include "unit.h"

/* Pympler's sizer, as its source reads: depth first, each object once. */
struct oracle {
	struct world *w;
	const struct an_size_options *o;
	bool *seen;		/* by object */
};

static uint64_t rounded(const struct oracle *z, uint64_t v)
{
	uint64_t a = z->o->align > 1 ? z->o->align : 1;

	return (v + a - 1) / a * a;
}

static bool is_code(const struct oracle *z, const struct world_object *x)
{
	return !z->o->code && (x->o.type == WORLD_CODE ||
			       x->o.type == WORLD_CODE_LEAF);
}

static bool goes_on(const struct oracle *z, const struct world_object *x)
{
	return x->o.type != WORLD_LEAF &&
	       !(x->o.type == WORLD_CODE_LEAF && !z->o->code);
}

/* What the object adds now. The stack only grows by one array of the heap. */
static uint64_t oracle_size(struct oracle *z, struct world_object *first)
{
	struct world_object **todo =
		hs_xcalloc((size_t)z->w->n * 8 + 1, sizeof(*todo)), *x, *t;
	uint64_t sum = 0;
	size_t n = 0;
	uint32_t k;

	todo[n++] = first;
	z->seen[first - z->w->v] = true;
	while (n) {
		x = todo[--n];
		if (!is_code(z, x))
			sum += rounded(z, (uint64_t)x->o.held << x->o.shift);
		for (k = 0; k < x->n_edges && goes_on(z, x); k++) {
			t = world_at(z->w, x->edges[k].target);
			if (!t || z->seen[t - z->w->v] ||
			    x->edges[k].flags & (HEAPSH_EDGE_WEAK |
						 HEAPSH_EDGE_CONTEXT))
				continue;
			z->seen[t - z->w->v] = true;
			todo[n++] = t;
		}
	}
	free(todo);
	return sum;
}

/* The same as a tree of the wanted detail. */
static void oracle_tree(struct oracle *z, struct world_object *x,
			unsigned depth, const struct an_sized *got)
{
	uint64_t size = is_code(z, x) ? 0 :
					rounded(z, (uint64_t)x->o.held
							   << x->o.shift);
	uint64_t flat = is_code(z, x) ? 0 :
					rounded(z, (uint64_t)x->o.flat
							   << x->o.shift);
	size_t i;
	uint32_t k;

	assert_int_equal(got->addr, x->o.addr);
	assert_int_equal(got->flat, flat);
	assert_int_equal(got->held, size);
	if (depth == z->o->detail || !goes_on(z, x)) {
		assert_int_equal(got->n_refs, 0);
		assert_int_equal(got->size, oracle_size(z, x));
		return;
	}
	z->seen[x - z->w->v] = true;
	/*
	 * The rows are sorted by size; the order of visits is that of the
	 * edges. A target that comes twice has its size in the first row.
	 */
	for (k = 0; k < x->n_edges; k++) {
		struct world_object *t = world_at(z->w, x->edges[k].target);
		const struct an_sized *row = NULL;

		if (!t || x->edges[k].flags & (HEAPSH_EDGE_WEAK |
					       HEAPSH_EDGE_CONTEXT))
			continue;
		for (i = 0; i < got->n_refs && !row; i++)
			if (got->refs[i].addr == t->o.addr)
				row = &got->refs[i];
		assert_non_null(row);
		if (z->seen[t - z->w->v])
			continue;
		oracle_tree(z, t, depth + 1, row);
		size += row->size;
	}
	assert_int_equal(got->size, size);
	for (i = 1; i < got->n_refs; i++)
		assert_true(got->refs[i - 1].size >= got->refs[i].size);
}

struct heap {
	struct world *w;
	struct hs_budget budget;
	struct hs_task task;
	struct an_size_options o;
	struct oracle z;
};

static void begin(struct heap *h, uint64_t seed, uint32_t n)
{
	memset(h, 0, sizeof(*h));
	h->w = world_create(seed, n);
	hs_task_init(&h->task, NULL, &h->budget);
	an_size_options_init(&h->o);
	h->z = (struct oracle){ h->w, &h->o, hs_xcalloc(h->w->n, 1) };
}

static void forget(struct heap *h)
{
	memset(h->z.seen, 0, h->w->n);
}

static void end(struct heap *h)
{
	assert_int_equal(atomic_load(&h->budget.used), 0);
	free(h->z.seen);
	world_destroy(h->w);
}

static struct world_object *some(struct heap *h)
{
	return &h->w->v[world_random(h->w, h->w->n)];
}

static void check_asizeof(struct heap *h)
{
	struct world_object *x = some(h), *y = some(h);
	uint64_t addr[] = { x->o.addr, y->o.addr, x->o.addr }, got, want;
	struct md_model *m = toy_model(h->w->toy);

	forget(h);
	assert_null(an_asizeof(m, addr, 1, &h->o, &h->task, &got));
	want = oracle_size(&h->z, x);
	assert_int_equal(got, want);
	if (!h->z.seen[y - h->w->v])
		want += oracle_size(&h->z, y);
	assert_null(an_asizeof(m, addr, 3, &h->o, &h->task, &got));
	assert_int_equal(got, want);
}

static void deep_sizes_of_random_heaps(void **state)
{
	struct heap h;
	uint64_t seed;
	int i;

	(void)state;
	for (seed = 41; seed < 44; seed++) {
		begin(&h, seed, 1000);
		for (i = 0; i < 20; i++)
			check_asizeof(&h);
		h.o.code = true;
		for (i = 0; i < 5; i++)
			check_asizeof(&h);
		h.o.align = seed == 41 ? 0 : seed == 42 ? 1 : 64;
		for (i = 0; i < 5; i++)
			check_asizeof(&h);
		end(&h);
	}
}

static void deep_sizes_on_several_threads(void **state)
{
	struct heap h;
	int i;

	(void)state;
	begin(&h, 44, 40000);
	for (i = 0; i < 4; i++)
		check_asizeof(&h);
	end(&h);
}

static void asizesof_charges_the_first_that_reaches(void **state)
{
	enum { N = 6 };
	struct world_object *x[N];
	uint64_t addr[N], got[N], sum = 0, all;
	struct heap h;
	int i, k;

	(void)state;
	begin(&h, 45, 500);
	for (k = 0; k < 20; k++) {
		for (i = 0; i < N; i++) {
			x[i] = i == 4 ? x[1] : some(&h);
			addr[i] = x[i]->o.addr;
		}
		assert_null(an_asizesof(toy_model(h.w->toy), addr, N, &h.o,
					&h.task, got));
		forget(&h);
		for (i = 0; i < N; i++)
			h.z.seen[x[i] - h.w->v] = true;
		for (sum = i = 0; i < N; i++) {
			bool again = false;
			int j;

			for (j = 0; j < i; j++)
				again |= x[j] == x[i];
			assert_int_equal(got[i], again ? 0 :
						 oracle_size(&h.z, x[i]));
			sum += got[i];
		}
		assert_null(an_asizeof(toy_model(h.w->toy), addr, N, &h.o,
				       &h.task, &all));
		assert_int_equal(all, sum);
	}
	end(&h);
}

static void a_limit_is_a_depth(void **state)
{
	struct hs_task task;
	struct an_size_options o;
	struct toy *toy = toy_create();
	uint64_t addr = 0x40000000, got, i;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	an_size_options_init(&o);
	toy_map(toy, addr, 1 << 20, true);
	toy_type(toy, "node", 0, 0, false);
	for (i = 0; i < 10000; i++) {
		uint64_t next = toy_edge(addr + (i + 1) * 48, 0, 0);
		struct toy_object x = { .addr = addr + i * 48, .flat = 10,
					.held = 13, .n_words = i < 9999,
					.words = &next };

		toy_put(toy, &x);
	}
	for (i = 0; i < 5; i++) {
		o.limit = i;
		assert_null(an_asizeof(toy_model(toy), &addr, 1, &o, &task,
				       &got));
		assert_int_equal(got, (i + 1) * 16);
	}
	o.limit = UINT64_MAX;
	assert_null(an_asizeof(toy_model(toy), &addr, 1, &o, &task, &got));
	assert_int_equal(got, 160000);
	toy_destroy(toy);
}

static void asized_is_pymplers_tree(void **state)
{
	struct an_sized got[2];
	struct heap h;
	unsigned detail;
	int i, k;

	(void)state;
	begin(&h, 46, 300);
	for (detail = 0; detail <= 4; detail++)
		for (i = 0; i < 8; i++) {
			struct world_object *x[2] = { some(&h), some(&h) };
			uint64_t addr[2] = { x[0]->o.addr, x[1]->o.addr };

			h.o.detail = detail;
			assert_null(an_asized(toy_model(h.w->toy), addr, 2,
					      &h.o, &h.task, got));
			forget(&h);
			h.z.seen[x[0] - h.w->v] = true;
			h.z.seen[x[1] - h.w->v] = true;
			for (k = 0; k < 2; k++) {
				if (x[0] != x[1])
					oracle_tree(&h.z, x[k], 0, &got[k]);
				an_sized_deinit(&got[k]);
			}
		}
	end(&h);
}

static void what_is_no_object_is_an_error(void **state)
{
	struct heap h;
	struct hs_err *err;
	struct an_sized sized;
	uint64_t addr = 0xdead0, got = 7;

	(void)state;
	begin(&h, 47, 20);
	err = an_asizeof(toy_model(h.w->toy), &addr, 1, &h.o, &h.task, &got);
	assert_int_equal(err->code, HS_ERR_NAME);
	assert_string_equal(err->message,
			    "size 0xdead0: no object begins there");
	hs_err_free(err);
	assert_int_equal(got, 7);
	addr = h.w->v[0].o.addr;
	h.o.align = 3;
	err = an_asized(toy_model(h.w->toy), &addr, 1, &h.o, &h.task, &sized);
	assert_int_equal(err->code, HS_ERR_USAGE);
	assert_string_equal(err->message,
			    "round sizes to align=3: not a power of two");
	hs_err_free(err);
	end(&h);
}

static void ctrl_c_ends_sizing(void **state)
{
	struct an_sized sized;
	struct hs_err *err;
	struct heap h;
	uint64_t addr, got;

	(void)state;
	begin(&h, 48, 300);
	addr = h.w->v[0].o.addr;
	h.o.detail = 3;
	atomic_store(&h.task.shared->cancel, 1);
	err = an_asizeof(toy_model(h.w->toy), &addr, 1, &h.o, &h.task, &got);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	hs_err_free(err);
	err = an_asized(toy_model(h.w->toy), &addr, 1, &h.o, &h.task, &sized);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	hs_err_free(err);
	end(&h);
}

static void sizes_that_cannot_be_add_up_to_the_most(void **state)
{
	uint64_t edge = toy_edge(0x40000040, 0, 0), addr = 0x40000000, got;
	struct toy_object x = { .addr = addr, .held = UINT32_MAX, .shift = 32,
				.n_words = 1, .words = &edge };
	struct toy *toy = toy_create();
	struct an_size_options o;
	struct hs_task task;

	(void)state;
	hs_task_init(&task, NULL, NULL);
	an_size_options_init(&o);
	toy_map(toy, addr, 1 << 20, true);
	toy_type(toy, "node", 0, 0, false);
	toy_put(toy, &x);
	x.addr += 0x40;
	x.n_words = 0;
	toy_put(toy, &x);
	assert_null(an_asizeof(toy_model(toy), &addr, 1, &o, &task, &got));
	assert_true(got == UINT64_MAX);
	toy_destroy(toy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep_sizes_of_random_heaps),
		cmocka_unit_test(deep_sizes_on_several_threads),
		cmocka_unit_test(asizesof_charges_the_first_that_reaches),
		cmocka_unit_test(a_limit_is_a_depth),
		cmocka_unit_test(asized_is_pymplers_tree),
		cmocka_unit_test(what_is_no_object_is_an_error),
		cmocka_unit_test(ctrl_c_ends_sizing),
		cmocka_unit_test(sizes_that_cannot_be_add_up_to_the_most),
	};

	return UNIT_RUN(tests);
}
