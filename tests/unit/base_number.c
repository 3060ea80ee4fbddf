// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "unit.h"

/* Fails unless parse takes s and answers v. */
#define PARSES(parse, s, v) \
	do { \
		__typeof__(v) got_ = 0; \
		assert_true(parse(s, &got_)); \
		assert_true(got_ == (v)); \
	} while (0)

/* Fails unless parse refuses s and leaves the result alone. */
#define REFUSES(parse, type, s) \
	do { \
		type got_ = 77; \
		assert_false(parse(s, &got_)); \
		assert_true(got_ == 77); \
	} while (0)

static void unsigned_numbers_are_whole_strings(void **state)
{
	static const char *const wrong[] = {
		"", " 1", "1 ", "-1", "+1", "1x", "0x", "0xg", "x10", "1e3",
		"18446744073709551616", "0x10000000000000000",
		"99999999999999999999999999", "\xd9\xa1",
	};
	size_t i;

	(void)state;
	PARSES(hs_parse_u64, "0", UINT64_C(0));
	PARSES(hs_parse_u64, "007", UINT64_C(7));
	PARSES(hs_parse_u64, "18446744073709551615", UINT64_MAX);
	PARSES(hs_parse_u64, "0x7fFF", UINT64_C(0x7fff));
	PARSES(hs_parse_u64, "0Xffffffffffffffff", UINT64_MAX);
	for (i = 0; i < HS_ARRAY_SIZE(wrong); i++)
		REFUSES(hs_parse_u64, uint64_t, wrong[i]);
}

static void signed_numbers_reach_both_ends(void **state)
{
	static const char *const wrong[] = {
		"", "-", "--1", "- 1", "+1", "9223372036854775808",
		"-9223372036854775809",
	};
	size_t i;

	(void)state;
	PARSES(hs_parse_i64, "-1", INT64_C(-1));
	PARSES(hs_parse_i64, "-0x10", INT64_C(-16));
	PARSES(hs_parse_i64, "9223372036854775807", INT64_MAX);
	PARSES(hs_parse_i64, "-9223372036854775808", INT64_MIN);
	for (i = 0; i < HS_ARRAY_SIZE(wrong); i++)
		REFUSES(hs_parse_i64, int64_t, wrong[i]);
}

static void sums_of_foreign_numbers_stop_at_both_ends(void **state)
{
	(void)state;
	assert_int_equal(hs_add_i64(2, -3), -1);
	assert_int_equal(hs_sub_i64(2, -3), 5);
	assert_int_equal(hs_add_i64(INT64_MAX, 1), INT64_MAX);
	assert_int_equal(hs_add_i64(INT64_MIN, -1), INT64_MIN);
	assert_int_equal(hs_sub_i64(INT64_MIN, 1), INT64_MIN);
	assert_int_equal(hs_sub_i64(0, INT64_MIN), INT64_MAX);
}

static void sizes_have_binary_units(void **state)
{
	static const char *const wrong[] = {
		"", "5%", "k", "1 k", "1.k", ".5k", "-1k", "1kk", "1ib",
		"1.0000000001k", "20000p", "18446744073709551616", "0x10",
	};
	size_t i;

	(void)state;
	PARSES(hs_parse_size, "100", UINT64_C(100));
	PARSES(hs_parse_size, "64k", UINT64_C(65536));
	PARSES(hs_parse_size, "2GiB", UINT64_C(2) << 30);
	PARSES(hs_parse_size, "1.5g", UINT64_C(3) << 29);
	PARSES(hs_parse_size, "0.5", UINT64_C(0));
	PARSES(hs_parse_size, "7B", UINT64_C(7));
	PARSES(hs_parse_size, "16383p", UINT64_C(16383) << 50);
	for (i = 0; i < HS_ARRAY_SIZE(wrong); i++)
		REFUSES(hs_parse_size, uint64_t, wrong[i]);
}

static void durations_have_units_and_default_to_seconds(void **state)
{
	static const char *const wrong[] = { "", "s", "1x", "1 s", "-1s",
					     "1.s", "999999999999h" };
	size_t i;

	(void)state;
	PARSES(hs_parse_duration, "2s", UINT64_C(2000000000));
	PARSES(hs_parse_duration, "150ms", UINT64_C(150000000));
	PARSES(hs_parse_duration, "1.5", UINT64_C(1500000000));
	PARSES(hs_parse_duration, "0.25us", UINT64_C(250));
	PARSES(hs_parse_duration, "5min", UINT64_C(300000000000));
	PARSES(hs_parse_duration, "1h", UINT64_C(3600000000000));
	for (i = 0; i < HS_ARRAY_SIZE(wrong); i++)
		REFUSES(hs_parse_duration, uint64_t, wrong[i]);
}

static void percents_are_of_a_hundred(void **state)
{
	static const char *const wrong[] = { "", "5", "%", "101%", "-1%" };
	size_t i;

	(void)state;
	PARSES(hs_parse_percent, "5%", (uint32_t)500);
	PARSES(hs_parse_percent, "0.25%", (uint32_t)25);
	PARSES(hs_parse_percent, "100%", (uint32_t)10000);
	for (i = 0; i < HS_ARRAY_SIZE(wrong); i++)
		REFUSES(hs_parse_percent, uint32_t, wrong[i]);
}

static void prints(void (*add)(struct hs_text *, uint64_t), uint64_t v,
		   const char *want)
{
	HS_TEXT t = { 0 };

	add(&t, v);
	assert_string_equal(hs_text_str(&t), want);
}

/* Expected: pp() of Pympler 1.1, run in Python; PB and EB by its rule. */
static void muppy_sizes_are_muppys(void **state)
{
	(void)state;
	prints(hs_text_size_muppy, 0, "   0     B");
	prints(hs_text_size_muppy, 672, " 672     B");
	prints(hs_text_size_muppy, 1024, "1024     B");
	prints(hs_text_size_muppy, 1025, "   1.00 KB");
	prints(hs_text_size_muppy, 3386900, "   3.23 MB");
	prints(hs_text_size_muppy, UINT64_C(1) << 20, "1024.00 KB");
	prints(hs_text_size_muppy, UINT64_C(3) << 40, "   3.00 TB");
	prints(hs_text_size_muppy, UINT64_C(3) << 50, "   3.00 PB");
	prints(hs_text_size_muppy, UINT64_MAX, "  16.00 EB");
}

static void sizes_have_two_digits_that_matter(void **state)
{
	(void)state;
	prints(hs_text_size, 0, "0 B");
	prints(hs_text_size, 1023, "1023 B");
	prints(hs_text_size, 1024, "1.0 KiB");
	prints(hs_text_size, 4096, "4.0 KiB");
	prints(hs_text_size, 10188, "9.9 KiB");
	prints(hs_text_size, 10190, "10 KiB");
	prints(hs_text_size, UINT64_C(131) << 20, "131 MiB");
	prints(hs_text_size, (UINT64_C(1) << 20) - 1, "1.0 MiB");
	prints(hs_text_size, UINT64_MAX, "16 EiB");
}

static void durations_choose_their_unit(void **state)
{
	(void)state;
	prints(hs_text_duration, 0, "0 ns");
	prints(hs_text_duration, 999, "999 ns");
	prints(hs_text_duration, 1000, "1.0 us");
	prints(hs_text_duration, 3100000, "3.1 ms");
	prints(hs_text_duration, 999990, "1.0 ms");
	prints(hs_text_duration, 2000000000, "2.0 s");
	prints(hs_text_duration, UINT64_C(90000000000), "90.0 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers_are_whole_strings),
		cmocka_unit_test(signed_numbers_reach_both_ends),
		cmocka_unit_test(sums_of_foreign_numbers_stop_at_both_ends),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(percents_are_of_a_hundred),
		cmocka_unit_test(durations_have_units_and_default_to_seconds),
		cmocka_unit_test(muppy_sizes_are_muppys),
		cmocka_unit_test(sizes_have_two_digits_that_matter),
		cmocka_unit_test(durations_choose_their_unit),
	};

	return UNIT_RUN(tests);
}
