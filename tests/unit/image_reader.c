// SPDX-License-Identifier: Apache-2.0
// Reads and views over literal bytes: holes, blocks, budgets, and how long a
// view lives.
#include "image.h"

#include "fakeimage.h"
#include "unit.h"

enum { BASE = 0x7000000, PAGE = 4096, BLOCK = 1 << 16, VIEWS = 4 };

static struct fakeimage fake;
static struct im_image *im;
static struct im_reader *reader;

/** Every word holds its own address. */
static void put_words(uint64_t addr, uint64_t len)
{
	HS_FREE uint64_t *words = hs_xcalloc(len / 8, 8);
	uint64_t i;

	for (i = 0; i < len / 8; i++)
		words[i] = addr + 8 * i;
	fakeimage_put(&fake, addr, words, len);
}

static void open_reader(struct hs_budget *budget)
{
	im = fakeimage_open(&fake);
	assert_null(im_reader_create(im, budget, &reader));
}

static int close_reader(void **state)
{
	(void)state;
	im_reader_destroy(reader);
	im_destroy(im);
	fakeimage_deinit(&fake);
	reader = NULL;
	im = NULL;
	return 0;
}

static bool holds_words(const void *view, uint64_t addr, uint64_t len)
{
	uint64_t word, at;

	for (at = 0; at + 8 <= len; at += 8) {
		memcpy(&word, (const char *)view + at, 8);
		if (word != addr + at)
			return false;
	}
	return true;
}

static void a_read_ends_at_a_hole(void **state)
{
	char buf[64];
	uint64_t word = 1;

	(void)state;
	put_words(BASE, 40);
	open_reader(NULL);
	assert_int_equal(im_read(im, BASE, buf, sizeof(buf)), 40);
	assert_int_equal(im_read(im, BASE + 32, buf, sizeof(buf)), 8);
	assert_int_equal(im_read(im, BASE - 8, buf, sizeof(buf)), 0);
	assert_int_equal(im_read(im, UINT64_MAX, buf, sizeof(buf)), 0);
	assert_true(im_read_u64(im, BASE + 32, &word));
	assert_int_equal(word, BASE + 32);
	assert_false(im_read_u64(im, BASE + 36, &word));
	assert_int_equal(word, BASE + 32);
}

static void a_string_ends_at_its_nul_or_where_bytes_end(void **state)
{
	char buf[8];

	(void)state;
	fakeimage_put(&fake, BASE, "heap", 5);
	fakeimage_put(&fake, BASE + 16, "cut off", 3);
	open_reader(NULL);
	assert_int_equal(im_read_str(im, BASE, buf, sizeof(buf)), 4);
	assert_string_equal(buf, "heap");
	assert_int_equal(im_read_str(im, BASE, buf, 3), 2);
	assert_string_equal(buf, "he");
	assert_int_equal(im_read_str(im, BASE + 16, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "cut");
	assert_int_equal(im_read_str(im, BASE + 8, buf, sizeof(buf)), -1);
}

static void a_view_never_covers_a_hole(void **state)
{
	uint64_t at;

	(void)state;
	put_words(BASE, 3 * PAGE);
	put_words(BASE + 4 * PAGE, PAGE + 24);
	open_reader(NULL);
	for (at = 0; at < 6 * PAGE; at += 8) {
		bool there = at + 16 <= 3 * PAGE ||
			     (at >= 4 * PAGE && at + 16 <= 5 * PAGE + 24);
		const void *v = im_view(reader, BASE + at, 16);

		assert_int_equal(v != NULL, there);
		if (v)
			assert_true(holds_words(v, BASE + at, 16));
	}
	assert_non_null(im_view(reader, BASE, 3 * PAGE));
	assert_null(im_view(reader, BASE, 3 * PAGE + 1));
}

static void absurd_views_are_refused(void **state)
{
	(void)state;
	put_words(BASE, PAGE);
	open_reader(NULL);
	assert_null(im_view(reader, BASE, UINT64_MAX));
	assert_null(im_view(reader, BASE, (64 << 20) + 1));
	assert_null(im_view(reader, UINT64_MAX - 7, 8));
	assert_null(im_view(reader, UINT64_MAX, 1));
	assert_null(im_view(reader, 0, 8));
}

static void a_block_is_fetched_once_or_twice(void **state)
{
	uint64_t reads, i;

	(void)state;
	put_words(BASE, 2 * BLOCK);
	open_reader(NULL);
	assert_non_null(im_view(reader, BASE, 8));
	reads = fake.reads;
	for (i = 0; i < BLOCK; i += 8) {
		assert_true(holds_words(im_view(reader, BASE + i, 8), BASE + i,
					8));
		// A quarter of it, and the rest with the first page beyond.
		assert_int_equal(fake.reads, reads + (i >= BLOCK / 4));
	}
	assert_true(holds_words(im_view(reader, BASE + BLOCK - 8, 16),
				BASE + BLOCK - 8, 16));
	assert_int_equal(fake.reads, reads + 2);
}

static void what_is_lent_is_not_read(void **state)
{
	uint64_t lent[4] = { 1, 2, 3, 4 }, reads;

	(void)state;
	put_words(BASE, PAGE);
	open_reader(NULL);
	im_reader_lend(reader, BASE + 64, lent, sizeof(lent));
	reads = fake.reads;
	assert_ptr_equal(im_view(reader, BASE + 64, 32), lent);
	assert_ptr_equal(im_view(reader, BASE + 88, 8), &lent[3]);
	assert_int_equal(fake.reads, reads);
	// Across its end, before it, and after it was taken back: the image's.
	assert_true(holds_words(im_view(reader, BASE + 88, 16), BASE + 88,
				16));
	assert_true(holds_words(im_view(reader, BASE + 56, 16), BASE + 56,
				16));
	im_reader_lend(reader, 0, NULL, 0);
	assert_true(holds_words(im_view(reader, BASE + 64, 8), BASE + 64, 8));
}

/* xorshift64: G. Marsaglia, Xorshift RNGs, 2003. */
static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/** Lengths that lie in one block, across two, and across many. */
static uint64_t some_length(uint64_t *x)
{
	static const uint64_t longest[] = { 64, 64, 64, 5000, BLOCK, 300000 };

	return 8 + (next(x) % longest[next(x) % HS_ARRAY_SIZE(longest)] &
		    ~UINT64_C(7));
}

/** Where a view may begin; size is of the whole. */
static uint64_t any_place(uint64_t *x, uint64_t size, uint64_t *len)
{
	*len = some_length(x);
	return next(x) % (size - *len) & ~UINT64_C(7);
}

/** In a block as before, in any block, or across the ends of two. */
static uint64_t small_place(uint64_t *x, uint64_t size, uint64_t *len)
{
	uint64_t block = next(x) % (size / BLOCK - 1) * BLOCK;

	*len = 64;
	switch (next(x) % 4) {
	case 0:
		return BLOCK;
	case 1:
		return block + BLOCK - 32;
	default:
		return block;
	}
}

typedef uint64_t place_fn(uint64_t *x, uint64_t size, uint64_t *len);

/** Any mix of views: the last four hold what they were asked for. */
static void four_views_live(uint64_t size, unsigned rounds, place_fn *place)
{
	struct {
		const void *view;
		uint64_t addr, len;
	} last[VIEWS] = { 0 };
	uint64_t x = 0x2545f4914f6cdd1d;
	unsigned i, k;

	for (i = 0; i < rounds; i++) {
		uint64_t len, at = place(&x, size, &len);

		last[i % VIEWS].addr = BASE + at;
		last[i % VIEWS].len = len;
		last[i % VIEWS].view = im_view(reader, BASE + at, len);
		assert_non_null(last[i % VIEWS].view);
		for (k = 0; k < VIEWS && k <= i; k++)
			assert_true(holds_words(last[k].view, last[k].addr,
						last[k].len));
	}
}

static void four_views_stay_valid(void **state)
{
	(void)state;
	put_words(BASE, 8 << 20);
	open_reader(NULL);
	four_views_live(8 << 20, 20000, any_place);
}

static void four_views_stay_valid_while_blocks_are_evicted(void **state)
{
	struct hs_budget budget = { .limit = 24 * BLOCK + (2 << 20) };

	(void)state;
	put_words(BASE, 8 << 20);
	open_reader(&budget);
	four_views_live(8 << 20, 20000, any_place);
	assert_in_range(budget.peak, 8 * BLOCK, budget.limit);
	im_reader_destroy(reader);
	reader = NULL;
	assert_int_equal(budget.used, 0);
}

static void four_views_stay_valid_with_the_fewest_blocks(void **state)
{
	struct hs_budget budget = { .limit = 8 * BLOCK + VIEWS * PAGE };

	(void)state;
	put_words(BASE, 2 << 20);
	open_reader(&budget);
	four_views_live(2 << 20, 50000, small_place);
	assert_true(budget.peak <= budget.limit);
}

/* Look at each block of so many bytes, so many times. */
static void go_round(uint64_t size, unsigned rounds)
{
	uint64_t i;

	while (rounds--)
		for (i = 0; i < size; i += BLOCK)
			assert_non_null(im_view(reader, BASE + i, 64));
}

static void only_what_is_looked_at_again_is_worth_memory(void **state)
{
	struct hs_budget budget = { 0 };

	(void)state;
	put_words(BASE, 8 << 20);
	open_reader(&budget);
	go_round(8 << 20, 1);
	assert_int_equal(budget.used, 1 << 20);
	go_round(8 << 20, 3);
	assert_int_equal(budget.used, 8 << 20);
}

/* Four are valid, the last of them by the block that is looked at first. */
static void a_trimmed_reader_keeps_what_is_looked_at(void **state)
{
	struct hs_budget budget = { 0 };
	const void *view[VIEWS];
	uint64_t i, k;

	(void)state;
	put_words(BASE, 8 << 20);
	open_reader(&budget);
	go_round(8 << 20, 3);
	for (i = 0; i < 8 << 20; i += BLOCK)
		view[i / BLOCK % VIEWS] = im_view(reader, BASE + i, 64);
	assert_int_equal(budget.used, 8 << 20);
	im_reader_trim(reader);
	assert_int_equal(budget.used, VIEWS * BLOCK);
	for (k = 1; k <= VIEWS; k++)
		assert_true(holds_words(view[(i / BLOCK - k) % VIEWS],
					BASE + i - k * BLOCK, 64));
	four_views_live(8 << 20, 5000, any_place);
}

static void blocks_are_a_small_part_of_the_budget(void **state)
{
	struct hs_budget budget = { .limit = 16 * 20 * BLOCK };

	(void)state;
	put_words(BASE, 8 << 20);
	open_reader(&budget);
	go_round(8 << 20, 3);
	assert_int_equal(budget.used, 20 * BLOCK);
}

static void a_view_needs_no_budget_within_a_block(void **state)
{
	struct hs_budget budget = { .limit = 1 };
	uint64_t i;

	(void)state;
	put_words(BASE, 4 << 20);
	open_reader(&budget);
	for (i = 0; i < 4 << 20; i += BLOCK / 2)
		assert_true(holds_words(im_view(reader, BASE + i, 64),
					BASE + i, 64));
	assert_int_equal(budget.used, 8 * BLOCK);
}

static void a_view_needs_no_budget_across_two_blocks(void **state)
{
	struct hs_budget budget = { .limit = 1 };
	uint64_t i;

	(void)state;
	put_words(BASE, 4 << 20);
	open_reader(&budget);
	for (i = BLOCK - 32; i < (4 << 20) - BLOCK; i += BLOCK)
		assert_true(holds_words(im_view(reader, BASE + i, 64),
					BASE + i, 64));
	assert_in_range(budget.used, 8 * BLOCK, 8 * BLOCK + VIEWS * PAGE);
	assert_null(im_view(reader, BASE, BLOCK + 1));
}

static void at_hand_is_what_costs_no_read(void **state)
{
	const uint64_t lent[2] = { 1, 2 };

	(void)state;
	put_words(BASE, 2 * BLOCK);
	open_reader(NULL);
	assert_null(im_view_at_hand(reader, BASE, 8));
	assert_non_null(im_view(reader, BASE + PAGE, 8));
	assert_true(holds_words(im_view_at_hand(reader, BASE + 64, PAGE),
				BASE + 64, PAGE));
	assert_null(im_view_at_hand(reader, BASE + BLOCK, 8));
	assert_non_null(im_view(reader, BASE + BLOCK, 8));
	assert_null(im_view_at_hand(reader, BASE + BLOCK - 8, 16));
	assert_null(im_view_at_hand(reader, BASE, 0));
	assert_null(im_view_at_hand(reader, UINT64_MAX, 8));
	assert_null(im_view_at_hand(reader, BASE, UINT64_MAX));
	im_reader_lend(reader, BASE + BLOCK - 8, lent, sizeof(lent));
	assert_ptr_equal(im_view_at_hand(reader, BASE + BLOCK - 8, 16), lent);
	im_reader_lend(reader, 0, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_read_ends_at_a_hole, close_reader),
		cmocka_unit_test_teardown(
			a_string_ends_at_its_nul_or_where_bytes_end,
			close_reader),
		cmocka_unit_test_teardown(a_view_never_covers_a_hole,
					  close_reader),
		cmocka_unit_test_teardown(absurd_views_are_refused,
					  close_reader),
		cmocka_unit_test_teardown(a_block_is_fetched_once_or_twice,
					  close_reader),
		cmocka_unit_test_teardown(what_is_lent_is_not_read,
					  close_reader),
		cmocka_unit_test_teardown(four_views_stay_valid, close_reader),
		cmocka_unit_test_teardown(
			four_views_stay_valid_while_blocks_are_evicted,
			close_reader),
		cmocka_unit_test_teardown(
			four_views_stay_valid_with_the_fewest_blocks,
			close_reader),
		cmocka_unit_test_teardown(
			only_what_is_looked_at_again_is_worth_memory,
			close_reader),
		cmocka_unit_test_teardown(
			a_trimmed_reader_keeps_what_is_looked_at,
			close_reader),
		cmocka_unit_test_teardown(blocks_are_a_small_part_of_the_budget,
					  close_reader),
		cmocka_unit_test_teardown(a_view_needs_no_budget_within_a_block,
					  close_reader),
		cmocka_unit_test_teardown(
			a_view_needs_no_budget_across_two_blocks,
			close_reader),
		cmocka_unit_test_teardown(at_hand_is_what_costs_no_read,
					  close_reader),
	};

	return UNIT_RUN(tests);
}
