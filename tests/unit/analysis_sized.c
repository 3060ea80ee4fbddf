// SPDX-License-Identifier: Apache-2.0
// The tree that "asized" prints: names, order, what is shown as 0.
#include "analysis.h"

#include "toymodel.h"
#include "unit.h"

#include "text.h"

enum { LIST, STR, INT, DICT, CLASS, ROUGH };

static struct toy *toy;
static struct hs_task task;
static struct an_size_options opt;
static uint64_t next;

static uint64_t put(uint32_t type, uint32_t flat, uint32_t held,
		    const char *text, uint32_t n, const uint64_t *words)
{
	struct toy_object o = { .addr = next, .type = type, .flat = flat,
				.held = held, .n_words = n, .words = words };

	next += toy_put(toy, &o);
	if (text)
		toy_text(toy, o.addr, text);
	return o.addr;
}

static int begin(void **state)
{
	(void)state;
	hs_task_init(&task, NULL, NULL);
	an_size_options_init(&opt);
	opt.detail = 1;
	toy = toy_create();
	next = 0x40000000;
	toy_map(toy, next, 16 << 20, true);
	toy_type(toy, "list", 0, 0, false);
	toy_type(toy, "str", HEAPSH_TYPE_LEAF | HEAPSH_TYPE_TEXT, 0, false);
	toy_type(toy, "int", HEAPSH_TYPE_LEAF, 0, false);
	toy_type(toy, "dict", HEAPSH_TYPE_TABLE, 0, false);
	toy_type(toy, "type", HEAPSH_TYPE_CODE | HEAPSH_TYPE_CODE_LEAF, 0,
		 false);
	toy_type(toy, "rough", HEAPSH_TYPE_APPROXIMATE, 0, false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	toy_destroy(toy);
	return 0;
}

static void add_lines(struct hs_text *t, const struct an_sized *s,
		      unsigned depth)
{
	size_t i;

	hs_text_addf(t, "%*s%s%s size=%llu flat=%llu", (int)depth * 4, "",
		     s->approximate ? "~" : "", s->name,
		     (unsigned long long)s->size,
		     (unsigned long long)s->flat);
	if (s->held != s->flat)
		hs_text_addf(t, " held=%llu", (unsigned long long)s->held);
	hs_text_addc(t, '\n');
	for (i = 0; i < s->n_refs; i++)
		add_lines(t, &s->refs[i], depth + 1);
}

static void check(uint64_t addr, const char *want)
{
	struct an_sized s;
	HS_TEXT t = { 0 };

	assert_null(an_asized(toy_model(toy), &addr, 1, &opt, &task, &s));
	add_lines(&t, &s, 0);
	an_sized_deinit(&s);
	assert_string_equal(hs_text_str(&t), want);
}

/* The example of language.md, as CPython 3.11 lays it out. */
static void the_list_of_the_readme(void **state)
{
	uint64_t one = put(INT, 28, 28, "1", 0, NULL);
	uint64_t two = put(INT, 28, 28, "2", 0, NULL);
	uint64_t three = put(INT, 28, 28, "3", 0, NULL);
	uint64_t four = put(INT, 28, 28, "4", 0, NULL);
	uint64_t text = put(STR, 53, 53, "text", 0, NULL);
	uint64_t pair[] = { toy_edge(three, 0, HEAPSH_LABEL_INDEX),
			    toy_edge(four, 0, HEAPSH_LABEL_INDEX) };
	uint64_t tuple = put(LIST, 56, 56, "(3, 4)", 2, pair);
	uint64_t items[] = { toy_edge(one, 0, HEAPSH_LABEL_INDEX),
			     toy_edge(two, 0, HEAPSH_LABEL_INDEX),
			     toy_edge(tuple, 0, HEAPSH_LABEL_INDEX),
			     toy_edge(text, 0, HEAPSH_LABEL_INDEX) };

	(void)state;
	check(put(LIST, 88, 88, "[1, 2, (3, 4), 'text']", 4, items),
	      "[1, 2, (3, 4), 'text'] size=328 flat=88\n"
	      "    (3, 4) size=120 flat=56\n"
	      "    'text' size=56 flat=56\n"
	      "    1 size=32 flat=32\n"
	      "    2 size=32 flat=32\n");
}

static void a_dict_has_keys_and_values(void **state)
{
	uint64_t key = put(STR, 50, 50, "k\033", 0, NULL);
	uint64_t value = put(STR, 60, 60, "v", 0, NULL);
	uint64_t number = put(INT, 28, 28, "7", 0, NULL);
	uint64_t words[] = {
		toy_edge(key, HEAPSH_EDGE_KEY, HEAPSH_LABEL_KEY),
		toy_edge(value, 0, HEAPSH_LABEL_VALUE), key,
		toy_edge(number, HEAPSH_EDGE_KEY, HEAPSH_LABEL_KEY),
		toy_edge(value, 0, HEAPSH_LABEL_VALUE), number,
	};

	(void)state;
	check(put(DICT, 232, 248, "{…}", 6, words),
	      "{…} size=400 flat=232 held=248\n"
	      "    [V] k\033: 'v' size=64 flat=64\n"
	      "    [K] k\033 size=56 flat=56\n"
	      "    [K] 7 size=32 flat=32\n"
	      "    [V] 7: 'v' size=0 flat=0\n");
}

static void attributes_are_named_bare(void **state)
{
	uint64_t name = put(STR, 53, 53, "name", 0, NULL);
	uint64_t class = put(CLASS, 1000, 1000, "<class 'A'>", 0, NULL);
	uint64_t value = put(INT, 28, 28, "7", 0, NULL), words[7];
	uint64_t slot = put(ROUGH, 16, 16, NULL, 0, NULL);

	(void)state;
	toy_text(toy, 0x1000, "slot");
	words[0] = toy_edge(value, 0, HEAPSH_LABEL_ATTR);
	words[1] = name;
	words[2] = toy_edge(slot, 0, HEAPSH_LABEL_NAME);
	words[3] = 0x1000;
	// Neither context nor a weak edge is a referent; a class counts 0.
	words[4] = toy_edge(class, HEAPSH_EDGE_CONTEXT, 0);
	words[5] = toy_edge(name, HEAPSH_EDGE_WEAK, 0);
	words[6] = toy_edge(class, 0, HEAPSH_LABEL_INDEX);
	check(put(LIST, 48, 96, "<A>", 7, words),
	      "<A> size=144 flat=48 held=96\n"
	      "    name size=32 flat=32\n"
	      "    ~slot size=16 flat=16\n"
	      "    <class 'A'> size=0 flat=0\n");
}

static void detail_goes_deeper_and_above_drops_rows(void **state)
{
	uint64_t leaf = put(STR, 100, 100, "x", 0, NULL);
	uint64_t small = put(INT, 28, 28, "7", 0, NULL);
	uint64_t a[] = { toy_edge(leaf, 0, 1), toy_edge(small, 0, 1) };
	uint64_t inner = put(LIST, 64, 64, "inner", 2, a);
	uint64_t b[] = { toy_edge(small, 0, 1), toy_edge(inner, 0, 1),
			 toy_edge(leaf, 0, 1) };
	uint64_t outer = put(LIST, 72, 72, "outer", 3, b);

	(void)state;
	opt.detail = 0;
	check(outer, "outer size=272 flat=72\n");
	opt.detail = 2;
	// What inner reaches first is inner's, what came before is not.
	check(outer, "outer size=272 flat=72\n"
		     "    inner size=168 flat=64\n"
		     "        'x' size=104 flat=104\n"
		     "        7 size=0 flat=0\n"
		     "    7 size=32 flat=32\n"
		     "    'x' size=0 flat=0\n");
	opt.above = 33;
	check(outer, "outer size=272 flat=72\n"
		     "    inner size=168 flat=64\n"
		     "        'x' size=104 flat=104\n");
	opt.limit = 1;
	opt.above = 0;
	check(outer, "outer size=272 flat=72\n"
		     "    'x' size=104 flat=104\n"
		     "    inner size=64 flat=64\n"
		     "    7 size=32 flat=32\n");
}

static void a_limit_counts_from_the_argument(void **state)
{
	uint64_t edge, addr = put(INT, 16, 16, "d", 0, NULL);
	static const char *const names[] = { "c", "b", "a" };
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		edge = toy_edge(addr, 0, 1);
		addr = put(LIST, 16, 16, names[i], 1, &edge);
	}
	opt.limit = 2;
	check(addr, "a size=48 flat=16\n"
		    "    b size=32 flat=16\n");
	opt.detail = 0;
	check(addr, "a size=48 flat=16\n");
}

static void a_cycle_ends(void **state)
{
	uint64_t self = toy_edge(next, 0, 1);

	(void)state;
	opt.detail = 9;
	check(put(LIST, 64, 64, "[...]", 1, &self),
	      "[...] size=64 flat=64\n"
	      "    [...] size=0 flat=0\n");
}

static void a_deep_tree_takes_no_stack(void **state)
{
	enum { N = 200000 };
	const struct an_sized *at;
	uint64_t edge, first = next, i;
	struct an_sized s;

	(void)state;
	for (i = 0; i < N; i++) {
		edge = toy_edge(first + (i + 1) * 48, 0, 1);
		put(LIST, 16, 16, NULL, 1, &edge);
	}
	opt.detail = N + 1;
	assert_null(an_asized(toy_model(toy), &first, 1, &opt, &task, &s));
	for (at = &s, i = 0; at->n_refs; at = at->refs)
		i++;
	assert_int_equal(i, N - 1);
	assert_int_equal(s.size, N * 16);
	an_sized_deinit(&s);
}

static void each_argument_is_a_tree_and_counts_for_itself(void **state)
{
	uint64_t shared = put(STR, 40, 40, "s", 0, NULL);
	uint64_t e = toy_edge(shared, 0, 1), f[2];
	uint64_t a = put(LIST, 64, 64, "a", 1, &e), addr[3];
	struct an_sized s[3];
	int i;

	(void)state;
	f[0] = toy_edge(a, 0, 1);
	f[1] = e;
	addr[0] = put(LIST, 72, 72, "b", 2, f);
	addr[1] = addr[2] = a;
	assert_null(an_asized(toy_model(toy), addr, 3, &opt, &task, s));
	assert_int_equal(s[0].size, 112);
	assert_string_equal(s[0].refs[0].name, "'s'");
	assert_string_equal(s[0].refs[1].name, "a");
	assert_int_equal(s[0].refs[1].size, 0);
	assert_int_equal(s[1].size, 64);
	assert_int_equal(s[2].size, 0);
	assert_string_equal(s[2].name, "a");
	for (i = 0; i < 3; i++)
		an_sized_deinit(&s[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_list_of_the_readme, begin,
						end),
		cmocka_unit_test_setup_teardown(a_dict_has_keys_and_values,
						begin, end),
		cmocka_unit_test_setup_teardown(attributes_are_named_bare,
						begin, end),
		cmocka_unit_test_setup_teardown(
			detail_goes_deeper_and_above_drops_rows, begin, end),
		cmocka_unit_test_setup_teardown(
			a_limit_counts_from_the_argument, begin, end),
		cmocka_unit_test_setup_teardown(a_cycle_ends, begin, end),
		cmocka_unit_test_setup_teardown(a_deep_tree_takes_no_stack,
						begin, end),
		cmocka_unit_test_setup_teardown(
			each_argument_is_a_tree_and_counts_for_itself, begin,
			end),
	};

	return UNIT_RUN(tests);
}
