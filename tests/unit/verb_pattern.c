// SPDX-License-Identifier: Apache-2.0
#include "pattern.h"

#include "unit.h"

static bool found(const char *pattern, const char *text)
{
	struct vb_pattern *p;
	bool ret;

	assert_null(vb_pattern_create(pattern, &p));
	ret = vb_pattern_found(p, text, strlen(text));
	vb_pattern_destroy(p);
	return ret;
}

static void what_every_match_has_is_found(void **state)
{
	static const struct {
		const char *pattern, *literal;
	} cases[] = {
		{ "plain", "plain" },	   { "ab.cde", "cde" },
		{ "abc*de", "ab" },	   { "abc?d", "ab" },
		{ "abc{0,2}defg", "defg" }, { "abc+d", "abc" },
		{ "a|b", "" },		   { "(abc)?x", "x" },
		{ "(a[)]c)dd", "dd" },	   { "[abc]dd", "dd" },
		{ "[]abc]dd", "dd" },	   { "[^]x]dd", "dd" },
		{ "[[:alpha:]]dd", "dd" }, { "a\\.b", "a.b" },
		{ "\\d+abc\\w", "abc" },   { "^abc$", "abc" },
		{ "", "" },		   { "abc\\", "abc" },
		{ "ab(", "ab" },	   { "ab[", "ab" },
		{ "ab{", "a" },
	};

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(cases); i++) {
		HS_FREE char *s = vb_pattern_literal(cases[i].pattern);

		assert_string_equal(s, cases[i].literal);
	}
}

static void expressions_match_anywhere(void **state)
{
	(void)state;
	assert_true(found("b.d", "abcde"));
	assert_false(found("^b.d", "abcde"));
	assert_true(found("(x|bc)d", "abcde"));
	assert_true(found("\\d{3}$", "a123"));
	assert_false(found("\\d{4}", "a123"));
	assert_true(found("a\\.b", "xa.b"));
	assert_false(found("a\\.b", "xacb"));
	assert_true(found("a\\D", "ab"));
	assert_true(found("[.]b", "a.b"));
	assert_true(found("abc*d", "abd"));
	assert_true(found("abc?d", "abd"));
	assert_true(found("", ""));
	assert_true(found("\xe2\x82\xac", "10 \xe2\x82\xac"));
}

static void a_wrong_one_is_told(void **state)
{
	struct vb_pattern *p = NULL;
	struct hs_err *err = vb_pattern_create("a(b", &p);

	(void)state;
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_USAGE);
	assert_non_null(strstr(err->message, "the expression 'a(b' is wrong"));
	assert_null(p);
	hs_err_free(err);
	vb_pattern_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_every_match_has_is_found),
		cmocka_unit_test(expressions_match_anywhere),
		cmocka_unit_test(a_wrong_one_is_told),
	};

	return UNIT_RUN(tests);
}
