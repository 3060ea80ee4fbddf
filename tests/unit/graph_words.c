// SPDX-License-Identifier: Apache-2.0
// Words that are looked at now or later, over the toy's memory.
#include "words_priv.h"

#include "toymodel.h"
#include "unit.h"

enum { WORDS = 4, FAR = 1 << 20, MANY = 64, PLACE = 0x7000000 };

struct seen {
	struct toy *toy;
	struct hs_budget budget;
	struct hs_task task;
	struct im_reader *reader;
	struct gr_words words;
	uint64_t v[2 * MANY * WORDS];
	size_t n;
};

static void see(void *arg, uint64_t word)
{
	struct seen *s = arg;

	assert_true(s->n < HS_ARRAY_SIZE(s->v));
	s->v[s->n++] = word;
}

static uint64_t place(unsigned i)
{
	return PLACE + (uint64_t)i * FAR;
}

/* Each word holds its own address, but for the last of them: that is 0. */
static void put(struct seen *s, uint64_t at)
{
	const uint64_t words[] = { at, at + 8, at + 16, 0 };
	const struct toy_object o = { .addr = PLACE - 4096,
				      .n_words = WORDS,
				      .words = words,
				      .words_at = at };

	toy_put(s->toy, &o);
}

static struct seen *begin(void)
{
	struct seen *s = hs_xalloc(sizeof(*s));
	unsigned i;

	s->toy = toy_create();
	hs_task_init(&s->task, NULL, &s->budget);
	toy_map(s->toy, PLACE - 4096, (uint64_t)(MANY + 1) * FAR, false);
	for (i = 0; i < MANY; i++)
		put(s, place(i));
	assert_null(md_reader_create(toy_model(s->toy), &s->budget,
				     &s->reader));
	gr_words_init(&s->words, &s->task, s->reader, see, s);
	return s;
}

static void end(struct seen *s)
{
	gr_words_deinit(&s->words);
	md_reader_destroy(s->reader);
	assert_int_equal(atomic_load(&s->budget.used), 0);
	toy_destroy(s->toy);
	free(s);
}

static void take(struct seen *s, uint64_t at, uint64_t n)
{
	assert_null(gr_words_take(&s->words, at, n));
}

static void words_far_from_each_other_are_seen_later_by_address(void **state)
{
	struct seen *s = begin();
	unsigned i, k;

	(void)state;
	for (i = 0; i < MANY; i++)
		take(s, place(i * 37 % MANY), WORDS);
	assert_int_equal(s->n, 0);
	assert_null(gr_words_rest(&s->words));
	assert_int_equal(s->n, MANY * (WORDS - 1));
	for (i = 0; i < MANY; i++)
		for (k = 0; k < WORDS - 1; k++)
			assert_int_equal(s->v[i * (WORDS - 1) + k],
					 place(i) + k * UINT64_C(8));
	end(s);
}

static void words_that_many_claim_are_seen_once(void **state)
{
	struct seen *s = begin();
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		take(s, place(i % 2) + i % 3 * 8, WORDS - i % 3);
		take(s, place(9), (uint64_t)FAR * 10 / 8);
	}
	assert_null(gr_words_rest(&s->words));
	assert_int_equal(s->n, 12 * (WORDS - 1));
	end(s);
}

static void what_ends_at_a_hole_hides_nothing_behind_it(void **state)
{
	struct seen *s = begin();

	(void)state;
	toy_hole(s->toy, place(3), 4096);
	take(s, place(1), (uint64_t)FAR * 20 / 8);
	take(s, place(5), WORDS);
	take(s, place(3), WORDS);
	take(s, place(1), (uint64_t)FAR * 20 / 8);
	assert_null(gr_words_rest(&s->words));
	assert_int_equal(s->n, 3 * (WORDS - 1));
	assert_int_equal(s->v[0], place(1));
	assert_int_equal(s->v[2 * (WORDS - 1)], place(5));
	end(s);
}

static void words_at_hand_or_in_a_row_are_seen_at_once(void **state)
{
	struct seen *s = begin();
	uint64_t lent[WORDS] = { 5, 0, 6, 7 };
	unsigned i;

	(void)state;
	md_reader_lend(s->reader, place(7), lent, sizeof(lent));
	take(s, place(7), WORDS);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->v[1], 6);
	md_reader_lend(s->reader, 0, NULL, 0);
	for (i = 0; i < 10; i++)
		take(s, place(20) + i * UINT64_C(4096), WORDS);
	take(s, place(20), WORDS);
	assert_int_equal(s->n, 6);
	end(s);
}

static void what_is_no_address_is_dropped(void **state)
{
	struct seen *s = begin();

	(void)state;
	take(s, place(1) + 4, WORDS);
	take(s, place(1), 0);
	take(s, place(1), UINT64_MAX / 8);
	take(s, place(1), UINT64_MAX / 16 + 1);
	take(s, UINT64_MAX - 7, 2);
	assert_null(gr_words_rest(&s->words));
	assert_int_equal(s->n, 0);
	end(s);
}

static void ctrl_c_ends_a_long_look(void **state)
{
	struct seen *s = begin();
	struct hs_err *err;

	(void)state;
	take(s, place(0), (uint64_t)FAR * MANY / 8);
	atomic_store(&s->task.shared->cancel, 1);
	err = gr_words_rest(&s->words);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_CANCELLED);
	assert_true(s->n <= WORDS);
	hs_err_free(err);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			words_far_from_each_other_are_seen_later_by_address),
		cmocka_unit_test(words_that_many_claim_are_seen_once),
		cmocka_unit_test(what_ends_at_a_hole_hides_nothing_behind_it),
		cmocka_unit_test(words_at_hand_or_in_a_row_are_seen_at_once),
		cmocka_unit_test(what_is_no_address_is_dropped),
		cmocka_unit_test(ctrl_c_ends_a_long_look),
	};

	return UNIT_RUN(tests);
}
