// SPDX-License-Identifier: GPL-3.0-or-later
#include "split.h"

#include "unit.h"

/* "text{sink}to;…", with ! for what sh runs; an error is its column. */
static char *flat(const char *line)
{
	static const char *const signs[] = { "", "{|}", "{>}", "{>>}", "{>|}" };
	struct sh_commands c = { 0 };
	struct hs_err *err;
	char *all = hs_xstrdup(""), *more;
	size_t i;

	err = sh_split(line, &c);
	if (err) {
		free(all);
		all = hs_xasprintf("%d: %s", err->column, err->message);
		hs_err_free(err);
		return all;
	}
	for (i = 0; i < c.n; i++) {
		more = hs_xasprintf("%s%s%s%s%s%s", all, i ? ";" : "",
				    c.v[i].escape ? "!" : c.v[i].text,
				    c.v[i].escape ? c.v[i].escape : "",
				    signs[c.v[i].sink],
				    c.v[i].to ? c.v[i].to : "");
		free(all);
		all = more;
	}
	sh_commands_deinit(&c);
	return all;
}

static void assert_splits(const char *line, const char *expected)
{
	HS_FREE char *got = flat(line);

	if (strcmp(got, expected))
		fail_msg("%s: got %s, not %s", line, got, expected);
}

static void commands_end_at_semicolons_and_comments(void **state)
{
	(void)state;
	assert_splits("", "");
	assert_splits("  ;; ; # nothing", "");
	assert_splits("heap", "heap");
	assert_splits("  heap ;_.more;  x = 1 # y; z", "heap;_.more;x = 1");
	assert_splits("find value~';#' ; heap", "find value~';#';heap");
	assert_splits("a[';'] ; b[\"\\\";\"]", "a[';'];b[\"\\\";\"]");
	assert_splits("f(a; b)", "f(a; b)");
	assert_splits("'never closed ; heap | x", "'never closed ; heap | x");
}

static void a_blank_before_the_sign_makes_it_a_sink(void **state)
{
	(void)state;
	assert_splits("heap | less", "heap{|}less");
	assert_splits("heap |less -S", "heap{|}less -S");
	assert_splits("heap| dict", "heap| dict");
	assert_splits("heap > f", "heap{>}f");
	assert_splits("heap >f", "heap{>}f");
	assert_splits("heap >> f", "heap{>>}f");
	assert_splits("heap >| f", "heap{>|}f");
	assert_splits("find size>10", "find size>10");
	assert_splits("a >= b", "a >= b");
	assert_splits("heap | sort | head > f", "heap{|}sort | head > f");
	assert_splits("heap | awk '{print $1; x}'; y",
		      "heap{|}awk '{print $1; x}';y");
	assert_splits("a == b | less", "a == b{|}less");
}

static void in_brackets_quotes_and_assignments_they_are_operators(void **state)
{
	(void)state;
	assert_splits("(a | b) > f", "(a | b){>}f");
	assert_splits("x = heap | dict > y; z | w",
		      "x = heap | dict > y;z{|}w");
	assert_splits("x=heap | dict", "x=heap | dict");
	assert_splits("d[a | b]", "d[a | b]");
	assert_splits("f(a > b)", "f(a > b)");
	assert_splits("d['a | b > c']", "d['a | b > c']");
	assert_splits("set rows=5 | cat", "set rows=5{|}cat");
}

static void an_exclamation_mark_takes_the_rest_of_the_line(void **state)
{
	(void)state;
	assert_splits("!ls | wc; echo '#' # x", "!ls | wc; echo '#' # x");
	assert_splits("heap; ! ls ; x", "heap;!ls ; x");
	assert_splits("!", "!");
	assert_splits("a != b", "a != b");
}

static void file_names_are_read_as_sh_reads_them(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	assert_splits("h > 'a b'", "h{>}a b");
	assert_splits("h > a\\ \"b\\\"c\"", "h{>}a b\"c");
	assert_splits("h > ~/x", "h{>}/home/me/x");
	assert_splits("h > '~/x'", "h{>}~/x");
	assert_splits("h > ~x", "h{>}~x");
}

static void what_is_missing_has_its_column(void **state)
{
	(void)state;
	assert_splits("h >", "3: the name of a file is missing");
	assert_splits("h > a b", "5: one file, and no more");
	assert_splits("h |  ; x", "3: the command to pipe into is missing");
	// Nothing before the sign is the engine's syntax error.
	assert_splits("| x", "| x");
}

static size_t start(const char *line, bool *names_file)
{
	return sh_split_start(line, strlen(line), names_file);
}

static void completion_knows_the_command_it_is_in(void **state)
{
	bool file;

	(void)state;
	assert_int_equal(start("hea", &file), 0);
	assert_false(file);
	assert_int_equal(start("heap;  __main__.", &file), 7);
	assert_false(file);
	assert_int_equal(start("a[';", &file), 0);
	start("heap > /tm", &file);
	assert_true(file);
	start("x = heap > ", &file);
	assert_false(file);
	start("heap; source /e", &file);
	assert_true(file);
	start("!ls /", &file);
	assert_true(file);
	assert_int_equal(sh_split_start("a;b;c", 3, &file), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_end_at_semicolons_and_comments),
		cmocka_unit_test(a_blank_before_the_sign_makes_it_a_sink),
		cmocka_unit_test(
			in_brackets_quotes_and_assignments_they_are_operators),
		cmocka_unit_test(
			an_exclamation_mark_takes_the_rest_of_the_line),
		cmocka_unit_test(file_names_are_read_as_sh_reads_them),
		cmocka_unit_test(what_is_missing_has_its_column),
		cmocka_unit_test(completion_knows_the_command_it_is_in),
	};
	return UNIT_RUN(tests);
}
