// SPDX-License-Identifier: Apache-2.0
// Verbs over the example process.
#include "lines.h"

#include "syntax.h"
#include "unit.h"

/* --- sizes ---------------------------------------------------------------- */

static void sizes_are_those_of_the_process(void **state)
{
	const struct toy_object *o =
		toy_object(&toy, toy_global(&toy, "empty"));

	(void)state;
	assert_int_equal(value("flatsize empty"), o->flat);
	assert_int_equal(value("asizeof empty"), o->held);
	assert_int_equal(value("asizeof(empty, empty)"), o->held);
	assert_string_equal(text(run("asizeof empty"), "type"), "bytes");
}

static void several_sizes_are_a_list(void **state)
{
	json_t *doc = run("flatsize empty accounts");
	const json_t *values = json_object_get(doc, "value");
	uint64_t accounts = toy_global(&toy, "accounts");

	(void)state;
	assert_string_equal(text(doc, "type"), "list");
	assert_int_equal(json_array_size(values), 2);
	assert_null(json_object_get(json_array_get(values, 0), "schema"));
	assert_int_equal(number(json_array_get(values, 1), "value"),
			 toy_object(&toy, accounts)->flat);
	doc = run("asizesof accounts");
	assert_string_equal(text(doc, "type"), "list");
	assert_int_equal(json_array_size(json_object_get(doc, "value")), 1);
	assert_int_equal(json_array_size(json_object_get(
				 run("basicsize(accounts[:3])"), "value")),
			 3);
	assert_int_equal(value("leng empty"), 0);
	assert_int_equal(value("itemsize empty"), 8);
	fails("asizeof", "asizeof: OBJ is missing",
	      "asizeof OBJ… [align=N] [limit=N|none] [code=0|1] "
	      "[stats=0|1|2|3] [cutoff=N] [compat=NAME] "
	      "[clip=N] [frames=0|1] [ignored=0|1] [infer=0|1] "
	      "[derive=0|1] [above=SIZE]");
	fails("asizeof accounts align=3",
	      "asizeof: align=3 is not a power of "
	      "two",
	      "align=8, or align=1 for none");
	fails("asizeof accounts compat=pympler",
	      "asizeof: compat=pympler: no other tool's rules are known of "
	      "Example",
	      NULL);
	fails("flatsize accounts compat=pympler",
	      "flatsize: compat=pympler: no other tool's rules are known of "
	      "Example",
	      NULL);
	fails("asizeof accounts frames=1",
	      "asizeof: option frames is of compat= only", "help compat");
	fails("asizeof accounts limit=x", "asizeof: option limit cannot be x",
	      "limit=N|none");
	fails("asizeof 5", "asizeof: a number is not an object of the program",
	      "an address is written 0x…");
	fails("leng 'accounts'",
	      "leng: a string of the shell is not an object "
	      "of the program",
	      "a name is written without quotes");
	fails("flatsize", "flatsize: OBJ is missing",
	      "flatsize OBJ… [eval=0|1] [align=N] [compat=NAME]");
}

static void trees_are_as_deep_as_asked(void **state)
{
	json_t *doc = run("asized accounts[0] detail=2"), *refs;

	(void)state;
	assert_string_equal(text(doc, "type"), "sized");
	assert_int_equal(json_array_size(json_object_get(doc, "items")), 1);
	refs = json_object_get(doc, "refs");
	assert_true(json_array_size(refs) > 0);
	assert_true(json_array_size(json_object_get(json_array_get(refs, 0),
						    "refs")) > 0);
	assert_int_equal(json_array_size(json_object_get(
				 run("asized accounts[0]"), "refs")),
			 0);
	fails("asized accounts detail=1000",
	      "asized: detail=1000: at most 64 "
	      "levels",
	      NULL);
	fails("asized accounts detail=-1", "asized: option detail cannot be -1",
	      "detail=N");
}

static void references_have_their_objects(void **state)
{
	HS_FREE char *address = NULL;
	json_t *doc = run("refs accounts[0].history");

	(void)state;
	assert_int_equal(n_rows(doc), 1);
	doc = run("named_refs accounts[0]");
	assert_int_equal(n_rows(doc), 1);
	assert_string_equal(json_string_value(json_array_get(row(doc, 0), 1)),
			    "table");
	address = hs_xstrdup(json_string_value(json_array_get(row(doc, 0), 3)));
	assert_string_equal(text(run("_[0]"), "address"), address);
	doc = run("show accounts");
	assert_string_equal(text(doc, "type"), "object");
	assert_int_equal(n_rows(doc), 10);
	assert_int_equal(number(doc, "more"), 90);
	doc = run("_.more");
	assert_int_equal(number(doc, "first"), 10);
	assert_string_equal(text(run("_[12]"), "type"), "object");
	assert_int_equal(value("iso(accounts, empty).count"), 2);
	assert_int_equal(value("iso(accounts[:]).count"), 100);
}

static void find_looks_at_type_size_and_value(void **state)
{
	(void)state;
	assert_int_equal(value("find(type=text).count"), census("text").n);
	assert_int_equal(value("find(type=Account).count"),
			 census("bank.Account").n);
	assert_int_equal(value("find(type~Acc).count"),
			 census("bank.Account").n);
	assert_int_equal(value("find(type!=text).count"),
			 census(NULL).n - census("text").n);
	assert_int_equal(value("find(value='customer 7').count"), 1);
	assert_int_equal(value("find(type=text, value~customer).count"), 100);
	assert_int_equal(number(run("find type=text value~customer limit=3"),
				"count"),
			 3);
	assert_int_equal(value("(find(size>24) | find(size<=24)).count"),
			 census(NULL).n);
	assert_int_equal(number(run("find (heapu) type=Node"), "count"), 2);
	fails("find type=txt", "find: no object of the heap is of a type txt",
	      "find type=text");
	fails("find size~3", "find: size~ is not possible",
	      "size with one of = != < <= > >=");
	fails("find size>x", "find: size cannot be x", "size>64k");
	fails("find syze>3", "find has no option syze", "size=");
}

static void summaries_are_the_census(void **state)
{
	json_t *doc = run("summary sort=type order=ascending");
	struct census texts = census("text");

	(void)state;
	assert_string_equal(text(doc, "type"), "summary");
	assert_string_equal(text(row(doc, 0), "type"), "Node");
	for (size_t i = 0; i < n_rows(doc); i++) {
		if (strcmp(text(row(doc, i), "type"), "text"))
			continue;
		assert_int_equal(number(row(doc, i), "count"), texts.n);
		assert_int_equal(number(row(doc, i), "size"), texts.flat);
	}
	doc = run("summary heapu limit=1");
	assert_int_equal(n_rows(doc), 1);
	fails("summary sort=color", "summary: option sort cannot be color",
	      "sort=size|type|count");
	fails("summary diff",
	      "summary diff: there is no instant before "
	      "instant 1",
	      "snap, and later summary diff");
}

/* --- threads, modules ----------------------------------------------------- */

static void threads_have_frames_and_variables(void **state)
{
	json_t *doc = run("threads");

	(void)state;
	assert_string_equal(text(doc, "type"), "table");
	assert_int_equal(n_rows(doc), 2);
	assert_int_equal(n_rows(run("show threads")), 2);
	assert_int_equal(n_rows(run("frames")), 2);
	assert_int_equal(n_rows(run("threads[1].frames[0]")), 1);
	assert_string_equal(text(run("threads['worker'].frames[0].locals"
				     "['mine']"),
				 "value"),
			    "'only the worker's'");
	assert_string_equal(text(run("threads[0].frames[0].function"), "value"),
			    "run");
	assert_int_equal(value("threads[0].tid"), toy.pid);
	fails("threads['wrker']", "no thread is named 'wrker'", "worker");
	fails("frames[0].locals['hre']", "the frame has no variable 'hre'",
	      "here");
	fails("threads[2]", "row [2]: the rows are 0 to 1", NULL);
	assert_int_equal(n_rows(run("modules")), 1);
	assert_string_equal(text(run("_[0]"), "type"), "object");
}

/* --- the session ---------------------------------------------------------- */

static void results_are_kept(void **state)
{
	HS_FREE char *third = NULL;

	(void)state;
	run("heap");
	third = hs_xasprintf("_%u.count", line_number);
	run("accounts");
	assert_int_equal(value(third), census(NULL).n);
	assert_null(run("x = heapu"));
	assert_int_equal(value("_"), census(NULL).n);
	assert_int_equal(value("x.count"), 7);
	assert_null(run("x = x & Node"));
	assert_int_equal(value("x.count"), 2);
	run("help");
	run("set");
	assert_int_equal(value("_"), 2);
	assert_null(run("# nothing"));
	fails("_9999", "_9999: that line has no result", NULL);
	run("h = (1, 2.5, 'a', None, True)");
	assert_int_equal(
		json_array_size(json_object_get(run("h[1:]"), "value")), 4);
	assert_null(run("n = 1"));
	for (int i = 0; i < 33; i++)
		run("n = (n, 1)");
	fails("(n, 1)",
	      "a list too large: at most 32 levels and 1048576 "
	      "values",
	      NULL);
}

static void help_is_made_of_the_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < vb_n_verbs; i++) {
		const struct lg_verb *v = vb_verbs[i];
		json_t *doc = run("help %s", v->name);

		assert_string_equal(text(doc, "type"), "help");
		assert_non_null(strstr(text(doc, "value"), v->summary));
		assert_non_null(v->help);
		assert_non_null(v->examples);
		assert_non_null(strstr(text(run("help"), "value"), v->name));
	}
	assert_null(strstr(text(run("help"), "value"), "More:"));
	assert_non_null(strstr(text(run("sets?"), "value"), "byclodo"));
	assert_non_null(strstr(text(run("?"), "value"), "help TOPIC"));
	assert_non_null(strstr(text(run("help track"), "value"), "track diff"));
	assert_non_null(strstr(text(run("help .more"), "value"), "rows"));
	fails("help asizoef", "no help for asizoef", "help asizeof");
}

static void examples_are_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < vb_n_verbs; i++) {
		HS_FREE char *all = hs_xstrdup(vb_verbs[i]->examples);
		char *at = all;

		while (at) {
			struct hs_arena arena = { 0 };
			struct lg_line parsed = { 0 };
			char *line = strsep(&at, "\n");
			struct hs_err *err =
				lg_parse(&session, &arena, line, &parsed);

			if (err)
				fail_msg("%s: %s", line, err->message);
			assert_non_null(parsed.expr);
			hs_arena_deinit(&arena);
		}
	}
}

static void guesses_are_answered(void **state)
{
	(void)state;
	fails("info",
	      "info: no variable, no set word, and the program has no "
	      "such name",
	      "info setup");
	fails("track begin", "track is not a verb",
	      "track diff, or track start");
	fails("import os", "no 'import' here: nothing of the program is run",
	      "modules lists what it has imported");
	fails("hpy().heap()",
	      "hpy: no variable, no set word, and the program "
	      "has no such name",
	      "heap()");
	fails("show plugins", "plugins is a verb",
	      "plugins [limit=N|all] [sort=COLUMN] "
	      "[order=descending|ascending] [filter=TEXT]");
	fails("heep",
	      "heep: no variable, no set word, and the program has no such "
	      "name",
	      "heap");
	fails("type accounts", "type is not a verb", "type(accounts)");
	assert_string_equal(text(run("show modules"), "type"), "table");
	assert_string_equal(text(run("show heap"), "type"), "set");
	assert_string_equal(text(run("show iso(accounts)"), "type"), "object");
}

/* What somebody types who comes from another tool, and our line for it. */
static void words_of_other_tools_are_answered(void **state)
{
	static const struct {
		const char *line, *remedy;
	} words[] = {
		{ "h = hpy()", "heap" },
		{ "hp.heap()", "heap()" },
		{ "h.iso(x).sp", "iso(x).sp" },
		{ "from guppy import hpy", "heap" },
		{ "muppy.get_objects()", "heap" },
		{ "summary.print_(summary.summarize(muppy.get_objects()))",
		  "summary" },
		{ "tr = tracker.SummaryTracker()",
		  "track start, then track diff" },
		{ "tr.print_diff()", "track diff" },
		{ "asizeof.asizeof(accounts)", "asizeof(accounts)" },
		{ "asizeof.Asizer()", "asizeof OBJ" },
		{ "objgraph.show_most_common_types()", "heap.bytype" },
		{ "objgraph.by_type('Account')", "find type=Account" },
		{ "objgraph.show_backrefs([accounts], filename='x')",
		  "refbrowser accounts" },
		{ "gc.get_referrers(accounts[0], 1)",
		  "iso(accounts[0]).referrers" },
		{ "gc.get_referents(f(x))", "refs OBJ" },
		{ "gc.collect()", "garbage: what a collection would free; "
				  "nothing is collected" },
		{ "sys.getsizeof(accounts)", "flatsize accounts" },
		{ "'getsizeof' + sys.getsizeof(x)", "flatsize x" },
		{ "snapshot.statistics('lineno')",
		  "heap.byprod, of a program that takes notes" },
		{ "dir(accounts)", "show accounts" },
		{ "accounts.keys()", "show accounts" },
		{ "[x for x in dir(y)]", "(a, b) is a list of values" },
		{ "@profile", "a table by line is not in this version: "
			      "heap.byprod, of a program that takes notes" },
		{ "watch heap",
		  "track start, then track diff when you like" },
	};

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(words); i++)
		fails(words[i].line, NULL, words[i].remedy);
}

/* Is word among what Tab offers at the end of line? */
static bool offered(const char *line, const char *word)
{
	json_t *all = lg_complete(&session, line, strlen(line));
	json_t *words = json_object_get(all, "words"), *w;
	bool found = false;
	size_t i;

	json_array_foreach (words, i, w)
		found |= !strcmp(text(w, "text"), word);
	json_decref(all);
	return found;
}

static void tab_offers_what_can_follow(void **state)
{
	(void)state;
	assert_true(offered("", "asizeof"));
	assert_true(offered("", "heap"));
	assert_true(offered("acc", "accounts"));
	assert_false(offered("acc", "heap"));
	assert_true(offered("asizeof acc", "accounts"));
	assert_true(offered("asizeof accounts al", "align="));
	assert_true(offered("summary sort=", "count"));
	assert_true(offered("summary sort=c", "count"));
	assert_true(offered("heap.by", "bytype"));
	assert_true(offered("heap.bytype.mo", "more"));
	assert_true(offered("accounts[0].ow", "owner"));
	assert_true(offered("x = accounts[0].", "history"));
	assert_true(offered("threads[0].fr", "frames"));
	assert_true(offered("threads[0].frames[0].lo", "locals"));
	assert_true(offered("find type=ban", "bank.Account"));
	assert_true(offered("set ro", "rows="));
	assert_true(offered("help asiz", "asized"));
	assert_true(offered("help se", "sets"));
	assert_true(offered("track ", "diff"));
	assert_true(offered("asizeof(acc", "accounts"));
	assert_false(offered("heap.count.", "more"));
	assert_false(offered("accounts['acc", "accounts"));
	assert_true(offered("Clo", "Clodo"));
	assert_true(offered("heap.by", "by"));
	assert_true(offered("heap.dom", "domisize"));
}

static void tab_offers_the_keys_of_a_mapping(void **state)
{
	HS_FREE char *globals = hs_xstrdup(
		text(run("(heap & 'table').byid[0].theone"), "address"));
	HS_FREE char *line = hs_xasprintf("asizeof %s['acc", globals);

	(void)state;
	assert_true(offered(line, "accounts']"));
	assert_false(offered(line, "evil']"));
	line[strlen(line) - 4] = '"';
	assert_true(offered(line, "accounts\"]"));
	assert_false(offered("accounts['", "accounts']"));
	assert_false(offered("heap & 'acc", "accounts'"));
}

/* --- instants: last, because the process changes -------------------------- */

static void add_accounts(unsigned n)
{
	char line[256];

	fprintf(toy.in, "add %u\n", n);
	fflush(toy.in);
	do {
		assert_non_null(fgets(line, sizeof(line), toy.out));
	} while (strncmp(line, "ready\t", 6));
}

static int64_t difference(const json_t *doc, const char *type)
{
	for (size_t i = 0; i < n_rows(doc); i++)
		if (!strcmp(text(row(doc, i), "type"), type))
			return wr_get_i64(row(doc, i), "count");
	return 0;
}

static void instants_are_compared(void **state)
{
	json_t *doc;

	(void)state;
	fails("track diff", "track diff: nothing is tracked yet",
	      "track start");
	assert_null(run("before = heap"));
	assert_null(run("first = accounts"));
	run("track start");
	assert_int_equal(n_rows(run("track diff")), 0);
	add_accounts(7);
	doc = run("track diff");
	assert_true(json_is_true(json_object_get(doc, "diff")));
	assert_int_equal(difference(doc, "bank.Account"), 7);
	assert_int_equal(difference(doc, "list"), 7);
	assert_int_equal(difference(doc, "text"), 7);
	assert_int_equal(n_rows(run("track diff")), 0);
	assert_int_equal(difference(run("summary diff 1"), "table"), 7);
	assert_int_equal(difference(run("summary diff 4 @1"), "table"), -7);
	assert_int_equal(n_rows(run("snaps")), 5);
	assert_int_equal(value("((heap - before) & Account).count"), 7);
	assert_int_equal(value("(before - heap).count"), 0);
	assert_int_equal(value("(before & heap).count"), value("before.count"));
	assert_true(truth("first in heap"));
	assert_true(truth("before <= heap"));
	assert_false(truth("heap <= before"));
	assert_true(truth("first == accounts"));
	fails("before | heap",
	      "a set holds objects of one instant: those of "
	      "instant 5 are not all in instant 1",
	      "& and - work across instants");
	fails("asizeof(first, accounts)",
	      "asizeof: the objects are of "
	      "instants 1 and 5",
	      NULL);
	run("use 1");
	assert_int_equal(value("heap.count"), census(NULL).n);
	instants[0]->released = true;
	fails("asizeof accounts",
	      "asizeof: read objects of instant 1: it was "
	      "released",
	      "snap takes a new one");
	assert_int_equal(value("heap.count"), census(NULL).n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_the_process),
		cmocka_unit_test(several_sizes_are_a_list),
		cmocka_unit_test(trees_are_as_deep_as_asked),
		cmocka_unit_test(references_have_their_objects),
		cmocka_unit_test(find_looks_at_type_size_and_value),
		cmocka_unit_test(summaries_are_the_census),
		cmocka_unit_test(threads_have_frames_and_variables),
		cmocka_unit_test(results_are_kept),
		cmocka_unit_test(help_is_made_of_the_records),
		cmocka_unit_test(examples_are_lines),
		cmocka_unit_test(guesses_are_answered),
		cmocka_unit_test(words_of_other_tools_are_answered),
		cmocka_unit_test(tab_offers_what_can_follow),
		cmocka_unit_test(tab_offers_the_keys_of_a_mapping),
		cmocka_unit_test(instants_are_compared),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_session, close_session);
}
