// SPDX-License-Identifier: Apache-2.0
// Notes of who owns what against plain arrays of them, sorted.
#include "notes_priv.h"

#include "unit.h"

struct plain {
	struct gr_note *v;
	size_t n;
};

static struct hs_budget budget;
static struct hs_task task;

static void begin(uint64_t limit)
{
	memset(&budget, 0, sizeof(budget));
	budget.limit = limit;
	hs_task_init(&task, NULL, &budget);
}

static uint64_t used(void)
{
	return atomic_load(&budget.used);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1;
	return *seed >> 11;
}

static int compare(const void *a, const void *b)
{
	const struct gr_note *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static void put(struct gr_notes *to, struct plain *plain, uint64_t key,
		uint64_t value)
{
	assert_null(gr_notes_put(to, key, value));
	plain->v[plain->n++] = (struct gr_note){ key, value };
}

/* All that was put comes back by key, and then nothing of it is left. */
static void assert_drained(struct gr_notes **of, unsigned n, struct plain *p)
{
	struct gr_note *got = hs_xcalloc(p->n + 1, sizeof(*got));
	struct gr_drain d;
	uint64_t sealed;
	unsigned t;
	size_t i;

	for (t = 0; t < n; t++)
		assert_null(of[t] ? gr_notes_seal(of[t]) : NULL);
	sealed = used();
	assert_null(gr_drain_init(&d, &task, of, n));
	for (i = 0; gr_drain_next(&d, &got[i]); i++) {
		assert_true(i < p->n);
		assert_true(!i || got[i - 1].key <= got[i].key);
	}
	assert_int_equal(i, p->n);
	gr_drain_deinit(&d);
	// Their chunks went as they were read.
	assert_true(p->n == 0 || used() + GR_NOTES_CHUNK <= sealed);
	if (p->n) {
		qsort(p->v, p->n, sizeof(*p->v), compare);
		qsort(got, p->n, sizeof(*got), compare);
		assert_memory_equal(p->v, got, p->n * sizeof(*got));
	}
	free(got);
	for (t = 0; t < n; t++)
		gr_notes_destroy(of[t]);
	assert_int_equal(used(), 0);
	free(p->v);
}

static void notes_in_any_order_come_back_by_key(void **state)
{
	enum { N = 300000, THREADS = 3 };
	struct plain p = { .v = hs_xcalloc(N, sizeof(*p.v)) };
	struct gr_notes *of[THREADS + 1] = { NULL };
	uint64_t seed = 7;
	unsigned t, i;

	(void)state;
	begin(0);
	for (t = 0; t < THREADS; t++)
		of[t] = gr_notes_create(&task);
	for (i = 0; i < N; i++)
		put(of[next_random(&seed) % THREADS], &p,
		    0x7f0000000000 + next_random(&seed) % (1 << 30) * 8,
		    0x7f0000000000 + next_random(&seed) % (1 << 30) * 8);
	assert_drained(of, THREADS + 1, &p);
}

static void keys_of_all_of_64_bits_and_many_of_one_key_are_sorted(void **state)
{
	enum { N = 40000 };
	struct plain p = { .v = hs_xcalloc(N, sizeof(*p.v)) };
	struct gr_notes *of = gr_notes_create(&task);
	uint64_t seed = 9;
	unsigned i;

	(void)state;
	begin(0);
	for (i = 0; i < N / 2; i++)
		put(of, &p, next_random(&seed) << 40, next_random(&seed) << 40);
	put(of, &p, UINT64_MAX - 7, UINT64_MAX - 7);
	put(of, &p, 0, 0);
	while (p.n < N)
		put(of, &p, next_random(&seed) % 3 * 8, UINT64_MAX - 7);
	assert_drained(&of, 1, &p);
}

static void notes_of_neighbours_take_few_bytes(void **state)
{
	enum { N = 1 << 20 };
	struct plain p = { .v = hs_xcalloc(N, sizeof(*p.v)) };
	struct gr_notes *of = gr_notes_create(&task);
	unsigned i;

	(void)state;
	begin(0);
	for (i = 0; i < N; i++)
		put(of, &p, 0x7f0000000000 + i * UINT64_C(96),
		    0x7e0000000000 + i * UINT64_C(160));
	assert_true(used() < N * UINT64_C(3));
	assert_drained(&of, 1, &p);
}

static void no_notes_are_no_notes(void **state)
{
	struct plain p = { .v = NULL };
	struct gr_notes *of[] = { NULL, gr_notes_create(&task) };

	(void)state;
	begin(0);
	assert_drained(of, 2, &p);
}

static void without_memory_there_is_an_error_and_nothing_left(void **state)
{
	struct gr_notes *of = gr_notes_create(&task);
	struct hs_err *err = NULL;
	uint64_t seed = 3;
	unsigned i;

	(void)state;
	begin(1 << 20);
	for (i = 0; i < 1 << 20 && !err; i++)
		err = gr_notes_put(of, next_random(&seed) << 3,
				   next_random(&seed) << 3);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_NOMEM);
	hs_err_free(err);
	gr_notes_destroy(of);
	assert_int_equal(used(), 0);
}

/* --- what is kept --------------------------------------------------------- */

static void each_table_has_its_owner_and_others_none(void **state)
{
	enum { N = 100000 };
	uint32_t *owner = hs_xcalloc(N, sizeof(*owner)), i;
	struct gr_owned *o = gr_owned_create();
	uint64_t seed = 11;

	(void)state;
	begin(0);
	assert_int_equal(gr_owned_find(o, 5), GR_NONE);
	for (i = 0; i < N; i++) {
		owner[i] = GR_NONE;
		if (i < 10 || next_random(&seed) % 3)
			continue;
		owner[i] = (uint32_t)(next_random(&seed) % (GR_NONE - 1));
		assert_null(gr_owned_put(o, &task, i, owner[i]));
	}
	assert_null(gr_owned_put(o, &task, GR_NONE - 1, 7));
	assert_null(gr_owned_seal(o, &task));
	for (i = 0; i < N; i++)
		assert_int_equal(gr_owned_find(o, i), owner[i]);
	assert_int_equal(gr_owned_find(o, N), GR_NONE);
	assert_int_equal(gr_owned_find(o, GR_NONE - 1), 7);
	gr_owned_destroy(o, &budget);
	assert_int_equal(used(), 0);
	free(owner);
}

static void one_table_alone_has_its_owner(void **state)
{
	struct gr_owned *o = gr_owned_create();

	(void)state;
	begin(0);
	assert_null(gr_owned_put(o, &task, 9, 4));
	assert_null(gr_owned_seal(o, &task));
	assert_int_equal(gr_owned_find(o, 8), GR_NONE);
	assert_int_equal(gr_owned_find(o, 9), 4);
	assert_int_equal(gr_owned_find(o, 10), GR_NONE);
	gr_owned_destroy(o, &budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_in_any_order_come_back_by_key),
		cmocka_unit_test(
			keys_of_all_of_64_bits_and_many_of_one_key_are_sorted),
		cmocka_unit_test(notes_of_neighbours_take_few_bytes),
		cmocka_unit_test(no_notes_are_no_notes),
		cmocka_unit_test(
			without_memory_there_is_an_error_and_nothing_left),
		cmocka_unit_test(each_table_has_its_owner_and_others_none),
		cmocka_unit_test(one_table_alone_has_its_owner),
	};

	return UNIT_RUN(tests);
}
