// SPDX-License-Identifier: Apache-2.0
#include "err.h"

#include "unit.h"

#include <errno.h>

static void message_is_formatted_and_column_is_none(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;

	(void)state;
	err = hs_err_new(HS_ERR_NAME, "find %s: not in %d places", "x", 3);
	assert_int_equal(err->code, HS_ERR_NAME);
	assert_string_equal(err->message, "find x: not in 3 places");
	assert_int_equal(err->column, -1);
	assert_int_equal(err->errnum, 0);
	assert_null(err->remedy);
}

static void os_error_keeps_errno_and_says_it(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;

	(void)state;
	err = hs_err_os(ENOENT, "open %s", "/x");
	assert_int_equal(err->code, HS_ERR_OS);
	assert_int_equal(err->errnum, ENOENT);
	assert_string_equal(err->message, "open /x: No such file or directory");
}

static void wrap_goes_before_and_keeps_the_rest(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;

	(void)state;
	err = hs_err_new(HS_ERR_FAULT, "not mapped");
	err->addr = 0x10;
	err = hs_err_wrap(err, "read type of 0x%x", 0x10);
	assert_string_equal(err->message, "read type of 0x10: not mapped");
	assert_int_equal(err->code, HS_ERR_FAULT);
	assert_int_equal(err->addr, 0x10);
}

static void no_error_stays_no_error(void **state)
{
	(void)state;
	assert_null(hs_err_wrap(NULL, "read"));
	assert_null(hs_err_remedy(NULL, "do"));
	hs_err_free(NULL);
}

static void last_remedy_wins(void **state)
{
	HS_ERR_GUARD struct hs_err *err = NULL;

	(void)state;
	err = hs_err_remedy(hs_err_new(HS_ERR_DENIED, "no"), "first");
	err = hs_err_remedy(err, "set memory=%dG", 4);
	assert_string_equal(err->remedy, "set memory=4G");
}

static void catch_takes_its_code_only(void **state)
{
	struct hs_err *err = hs_err_new(HS_ERR_TORN, "torn");

	(void)state;
	assert_false(hs_err_catch(&err, HS_ERR_FAULT));
	assert_non_null(err);
	assert_true(hs_err_catch(&err, HS_ERR_TORN));
	assert_null(err);
	assert_false(hs_err_catch(&err, HS_ERR_TORN));
}

static void codes_have_distinct_names(void **state)
{
	int a, b;

	(void)state;
	for (a = HS_ERR_OTHER; a <= HS_ERR_PLUGIN; a++) {
		for (b = a + 1; b <= HS_ERR_PLUGIN; b++)
			assert_string_not_equal(hs_code_name(a),
						hs_code_name(b));
	}
	assert_string_equal(hs_code_name(HS_ERR_CANCELLED), "cancelled");
	assert_string_equal(hs_code_name(0), "other");
	assert_string_equal(hs_code_name(12345), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_formatted_and_column_is_none),
		cmocka_unit_test(os_error_keeps_errno_and_says_it),
		cmocka_unit_test(wrap_goes_before_and_keeps_the_rest),
		cmocka_unit_test(no_error_stays_no_error),
		cmocka_unit_test(last_remedy_wins),
		cmocka_unit_test(catch_takes_its_code_only),
		cmocka_unit_test(codes_have_distinct_names),
	};

	return UNIT_RUN(tests);
}
