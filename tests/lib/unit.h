/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every unit test includes after the headers of its room: cmocka with the
 * headers that it needs, and main()'s last line.
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			cmocka_unit_test(union_counts_a_node_once),
 *		};
 *		return UNIT_RUN(tests);
 *	}
 */
#ifndef HS_TESTS_UNIT_H
#define HS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/** Run as TAP; the exit status is 0 when all passed. */
#define UNIT_RUN(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), \
	 cmocka_run_group_tests(tests, NULL, NULL) != 0)

#endif
