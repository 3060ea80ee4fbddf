// SPDX-License-Identifier: Apache-2.0
// Lines and what the parser makes of them: tests/unit/lang_lines.corpus.
#include "lang_tree.h"

#include "unit.h"

struct entry {
	char line[512], tree[512], error[512], remedy[512];
	unsigned number; /* line of the corpus */
};

static FILE *corpus(void)
{
	const char *dir = getenv("abs_top_srcdir");
	HS_FREE char *path = hs_xasprintf("%s/tests/unit/lang_lines.corpus",
					  dir ? dir : ".");

	return fopen(path, "r");
}

static void keep(char *to, const char *from)
{
	snprintf(to, sizeof(((struct entry *)0)->line), "%s", from);
}

/* The next entry; false at the end. */
static bool next(FILE *f, struct entry *e, unsigned *at)
{
	char buf[512];

	*e = (struct entry){ 0 };
	while (fgets(buf, sizeof(buf), f)) {
		buf[strcspn(buf, "\n")] = 0;
		++*at;
		if (!*buf && e->number)
			return true;
		if (!strncmp(buf, ">", 1)) {
			e->number = *at;
			keep(e->line, buf[1] ? buf + 2 : "");
		} else if (e->number && !strncmp(buf, "! ", 2)) {
			keep(e->error, buf + 2);
		} else if (e->number && !strncmp(buf, "~ ", 2)) {
			keep(e->remedy, buf + 2);
		} else if (e->number) {
			keep(e->tree, buf);
		}
	}
	return e->number;
}

static bool differs(const struct entry *e, const char *what, const char *is,
		    const char *should)
{
	if (!strcmp(is, should))
		return false;
	print_message("# corpus line %u: %s\n#   %s is:     %s\n"
		      "#   %s should: %s\n",
		      e->number, e->line, what, is, what, should);
	return true;
}

/* Number of differences. */
static int check(const struct lg_session *s, const struct entry *e)
{
	struct hs_arena arena = { 0 };
	struct lg_line line = { 0 };
	struct hs_err *err = lg_parse(s, &arena, e->line, &line);
	HS_FREE char *tree = err ? hs_xstrdup("") : tree_text(&line);
	HS_FREE char *error =
		err ? hs_xasprintf("%d %s", err->column, err->message)
		    : hs_xstrdup("");
	int n = differs(e, "tree", tree, e->tree);

	n += differs(e, "error", error, e->error);
	n += differs(e, "remedy", err && err->remedy ? err->remedy : "",
		     e->remedy);
	hs_err_free(err);
	hs_arena_deinit(&arena);
	return n;
}

static void every_line_of_the_corpus(void **state)
{
	FILE *f = corpus();
	struct lg_session s;
	struct hs_task task;
	struct entry e;
	unsigned at = 0, entries = 0;
	int wrong = 0;

	(void)state;
	assert_non_null(f);
	tree_session(&s, &task);
	while (next(f, &e, &at)) {
		wrong += check(&s, &e);
		entries++;
	}
	fclose(f);
	lg_session_deinit(&s);
	assert_true(entries > 100);
	assert_int_equal(wrong, 0);
}

/* n times open, then inside, then n times close. */
static char *nested(const char *open, const char *inside, const char *close,
		    size_t n)
{
	struct hs_text t = { 0 };

	for (size_t i = 0; i < n; i++)
		hs_text_add(&t, open);
	hs_text_add(&t, inside);
	for (size_t i = 0; i < n; i++)
		hs_text_add(&t, close);
	return hs_text_take(&t);
}

static struct hs_err *parse(const char *line)
{
	struct hs_arena arena = { 0 };
	struct lg_line parsed = { 0 };
	struct lg_session s;
	struct hs_task task;
	struct hs_err *err;

	tree_session(&s, &task);
	err = lg_parse(&s, &arena, line, &parsed);
	hs_arena_deinit(&arena);
	lg_session_deinit(&s);
	return err;
}

static void depth_is_bounded(void **state)
{
	static const struct {
		const char *open, *inside, *close;
	} ways[] = {
		{ "(", "a", ")" },   { "-", "a", "" },
		{ "~", "a", "" },    { "a[", "0", "]" },
		{ "f(", "a", ")" },  { "asizeof(", "a", ")" },
		{ "", "a", ".b" },   { "a - ", "a", "" },
		{ "", "a", "[0]" },  { "", "a", "()" },
		{ "(1,", "2", ")" },
	};

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(ways); i++) {
		HS_FREE char *fits =
			nested(ways[i].open, ways[i].inside, ways[i].close, 20);
		HS_FREE char *deep = nested(ways[i].open, ways[i].inside,
					    ways[i].close, 20000);
		struct hs_err *err = parse(fits);

		assert_null(err);
		err = parse(deep);
		assert_non_null(err);
		assert_string_equal(err->message, "more than 200 levels deep");
		assert_true(err->column >= 0);
		hs_err_free(err);
	}
}

static void length_is_bounded(void **state)
{
	HS_FREE char *line = hs_xalloc(LG_MAX_LINE + 2);
	struct hs_err *err;

	(void)state;
	memset(line, ' ', LG_MAX_LINE + 1);
	err = parse(line);
	assert_non_null(err);
	assert_int_equal(err->code, HS_ERR_USAGE);
	hs_err_free(err);
	line[LG_MAX_LINE] = 0;
	assert_null(parse(line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_of_the_corpus),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(length_is_bounded),
	};

	return UNIT_RUN(tests);
}
