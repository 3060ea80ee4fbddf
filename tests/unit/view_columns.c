// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of any size stand in their columns: each ends below the last letter
// of its column's head, whatever is in the rows above and below it.
#include "view.h"

#include "unit.h"

static const struct vw_style plain = { .utf8 = true };

/* Smallest, usual, and largest numbers: beyond 2^53 documents have text. */
#define SMALL "0"
#define USUAL "123456"
#define LARGE "\"18446744073709551615\""
#define BELOW "\"-9223372036854775807\""

static char *shown(const char *type, const char *members)
{
	HS_FREE char *json =
		hs_xasprintf("{\"type\":\"%s\",\"command\":\"\",\"instant\":1,"
			     "\"partial\":false,%s}",
			     type, members);
	struct hs_text t = { 0 };
	json_error_t why;
	json_t *doc = json_loads(json, 0, &why);

	if (!doc)
		fail_msg("%s: %s", json, why.text);
	vw_doc(&t, doc, &plain);
	json_decref(doc);
	return hs_text_take(&t);
}

/* Where word number i (from 0) of a line ends; 0: there is no such word. */
static size_t word_end(const char *line, size_t i)
{
	size_t at = strspn(line, " "), n = strcspn(line, "\n");

	while (i-- && at < n) {
		at += strcspn(line + at, " \n");
		at += strspn(line + at, " ");
	}
	return at < n ? at + strcspn(line + at, " \n") : 0;
}

static const char *line_of(const char *s, size_t i)
{
	while (i-- && s)
		s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
	return s;
}

/*
 * Rows from first on, n of them: their first words end as those of head do, but
 * those with a bit in free.
 */
static void assert_some(const char *s, size_t head, size_t first, size_t n,
			size_t words, unsigned free)
{
	const char *heads = line_of(s, head);

	for (size_t i = 0; i < n; i++) {
		const char *row = line_of(s, first + i);

		assert_non_null(row);
		for (size_t k = 0; k < words; k++)
			if (!(free >> k & 1) &&
			    word_end(heads, k) != word_end(row, k))
				fail_msg("column %zu of row %zu:\n%s", k, i,
					 s);
	}
}

static void assert_aligned(const char *s, size_t head, size_t first, size_t n,
			   size_t words)
{
	assert_some(s, head, first, n, words, 0);
}

#define ROW(index, n, more) \
	"{\"index\":" index ",\"count\":" n ",\"size\":" n ",\"held\":" n \
	",\"cumulative\":" n ",\"kind\":\"str\"" more "}"

static void rows_of_sets(void **state)
{
	HS_FREE char *s = NULL;

	(void)state;
	s = shown("set",
		  "\"count\":" LARGE ",\"size\":" LARGE ",\"by\":\"type\","
		  "\"header\":\"Type\",\"first\":0,\"more\":" LARGE
		  ",\"rows\":["
		  ROW("0", LARGE, "") "," ROW("1", USUAL, "") ","
		  ROW("1234567", SMALL, "") "]");
	// Index Count % Size % Cumulative %
	assert_aligned(s, 1, 2, 3, 7);
}

static void rows_with_what_they_retain(void **state)
{
	HS_FREE char *s = NULL;

	(void)state;
	s = shown("set",
		  "\"count\":" LARGE ",\"size\":" LARGE ",\"by\":\"type\","
		  "\"header\":\"Type\",\"first\":0,\"more\":0,\"rows\":["
		  ROW("0", LARGE, ",\"retained\":" LARGE) ","
		  ROW("1", USUAL, ",\"retained\":" SMALL) "]");
	assert_aligned(s, 1, 2, 2, 3);
	assert_non_null(strstr(s, "18446744073709551615"));
}

static void rows_of_objects(void **state)
{
	HS_FREE char *s = NULL;

	(void)state;
	s = shown("set",
		  "\"count\":3,\"size\":" LARGE ",\"by\":\"id\","
		  "\"kind\":\"mixed\",\"header\":\"Brief\",\"first\":0,"
		  "\"more\":0,\"rows\":["
		  ROW("0", LARGE, ",\"address\":\"0x10\"") ","
		  ROW("12345678", SMALL, ",\"address\":\"0x20\"") "]");
	// Index Size % Cumulative %: Heapy's own heads of percents are wider
	assert_some(s, 1, 2, 2, 5, 1 << 2 | 1 << 4);
}

static void rows_of_differences(void **state)
{
	HS_FREE char *s = NULL;
	size_t at = 0;

	(void)state;
	s = shown("diff",
		  "\"header\":\"Type\",\"a\":{\"count\":" LARGE
		  ",\"size\":" LARGE "},\"b\":{\"count\":1,\"size\":2},"
		  "\"first\":0,\"more\":0,\"rows\":["
		  ROW("0", BELOW, "") "," ROW("1", USUAL, "") ","
		  ROW("2", SMALL, "") "]");
	while (line_of(s, at) && strncmp(line_of(s, at), " Index", 6))
		at++;
	// Index Count Size Cumulative
	assert_aligned(s, at, at + 1, 3, 4);
}

#define TYPE(name, n) \
	"{\"type\":\"" name "\",\"count\":" n ",\"size\":" n "}"

/* Its columns are parted by '|': these stand below each other. */
static void rows_of_summaries(void **state)
{
	HS_FREE char *s = NULL;
	size_t bar;

	(void)state;
	s = shown("summary",
		  "\"first\":0,\"more\":0,\"rows\":[" TYPE("str", LARGE) ","
		  TYPE("a.rather.long.name.of.a.type", SMALL) ","
		  TYPE("int", BELOW) "]");
	bar = strcspn(s, "|");
	for (size_t i = 0; i < 5; i++) {
		const char *line = line_of(s, i), *second;

		assert_int_equal(strcspn(line, "|\n"), bar);
		second = line + bar + 1;
		assert_int_equal(strcspn(second, "|\n"),
				 strcspn(line_of(s, 0) + bar + 1, "|\n"));
		assert_int_equal(strcspn(line, "\n"), strcspn(s, "\n"));
	}
}

static void cells_of_tables(void **state)
{
	HS_FREE char *s = NULL;

	(void)state;
	s = shown("table",
		  "\"columns\":[{\"name\":\"Count\",\"align\":\"right\"},"
		  "{\"name\":\"Size\",\"align\":\"right\"},"
		  "{\"name\":\"Type\",\"align\":\"left\"}],\"first\":0,"
		  "\"more\":0,\"rows\":[[" LARGE "," SMALL ",\"a\"],["
		  SMALL "," LARGE ",\"b\"],[" USUAL "," BELOW ",\"c\"]]");
	assert_aligned(s, 0, 1, 3, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_sets),
		cmocka_unit_test(rows_with_what_they_retain),
		cmocka_unit_test(rows_of_objects),
		cmocka_unit_test(rows_of_differences),
		cmocka_unit_test(rows_of_summaries),
		cmocka_unit_test(cells_of_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
