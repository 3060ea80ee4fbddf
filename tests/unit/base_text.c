// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "unit.h"

static void empty_text_is_an_empty_string(void **state)
{
	struct hs_text t = { 0 };
	char *s;

	(void)state;
	assert_string_equal(hs_text_str(&t), "");
	hs_text_clear(&t);
	s = hs_text_take(&t);
	assert_string_equal(s, "");
	free(s);
	hs_text_deinit(&t);
}

static void pieces_are_joined(void **state)
{
	HS_TEXT t = { 0 };

	(void)state;
	hs_text_add(&t, "ab");
	hs_text_addn(&t, "cdef", 2);
	hs_text_addc(&t, '-');
	hs_text_addf(&t, "%03d", 7);
	hs_text_addn(&t, NULL, 0);
	assert_string_equal(hs_text_str(&t), "abcd-007");
	assert_int_equal(t.len, 8);
}

static void a_nul_byte_is_a_byte(void **state)
{
	HS_TEXT t = { 0 };

	(void)state;
	hs_text_addc(&t, '\0');
	hs_text_addn(&t, "a\0b", 3);
	assert_int_equal(t.len, 4);
	assert_memory_equal(hs_text_str(&t), "\0a\0b", 5);
}

static void growing_keeps_what_is_there(void **state)
{
	HS_TEXT t = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		hs_text_addc(&t, (char)('a' + i % 26));
	assert_int_equal(t.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(t.s[i], 'a' + i % 26);
	assert_int_equal(t.s[i], '\0');
}

static void take_leaves_an_empty_text(void **state)
{
	HS_TEXT t = { 0 };
	char *s;

	(void)state;
	hs_text_add(&t, "x");
	s = hs_text_take(&t);
	assert_string_equal(s, "x");
	assert_string_equal(hs_text_str(&t), "");
	assert_int_equal(t.len, 0);
	free(s);
}

static void nearest_word_within_a_third(void **state)
{
	static const char *const words[] = { "heap", "heapu", "asized",
					     "asizeof", "help" };
	size_t n = HS_ARRAY_SIZE(words);

	(void)state;
	assert_string_equal(hs_nearest("heap", words, n), "heap");
	assert_string_equal(hs_nearest("haep", words, n), "heap");
	assert_string_equal(hs_nearest("hlep", words, n), "help");
	assert_string_equal(hs_nearest("asizedd", words, n), "asized");
	assert_string_equal(hs_nearest("asizoef", words, n), "asizeof");
	// At the same distance the first.
	assert_string_equal(hs_nearest("hea", words, n), "heap");
}

static void nothing_near_is_null(void **state)
{
	static const char *const words[] = { "heap", "a", "" };
	size_t n = HS_ARRAY_SIZE(words);

	(void)state;
	assert_null(hs_nearest("summary", words, n));
	assert_null(hs_nearest("hxxp", words, n));
	// One letter has nothing in common with another.
	assert_null(hs_nearest("b", words, n));
	assert_null(hs_nearest("heap", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_text_is_an_empty_string),
		cmocka_unit_test(pieces_are_joined),
		cmocka_unit_test(a_nul_byte_is_a_byte),
		cmocka_unit_test(growing_keeps_what_is_there),
		cmocka_unit_test(take_leaves_an_empty_text),
		cmocka_unit_test(nearest_word_within_a_third),
		cmocka_unit_test(nothing_near_is_null),
	};

	return UNIT_RUN(tests);
}
