// SPDX-License-Identifier: Apache-2.0
// Sets, names and objects over the example process.
#include "lines.h"

#include "unit.h"

/* --- sets ----------------------------------------------------------------- */

static void heap_is_what_the_process_made(void **state)
{
	struct census all = census(NULL), texts = census("text");
	json_t *doc = run("heap");

	(void)state;
	assert_string_equal(text(doc, "type"), "set");
	assert_string_equal(text(doc, "command"), "heap");
	assert_string_equal(text(doc, "header"),
			    "Kind (class / dict of class)");
	assert_int_equal(number(doc, "instant"), 1);
	assert_int_equal(number(doc, "count"), all.n);
	assert_int_equal(number(doc, "size"), all.flat);
	assert_int_equal(number(doc, "held"), all.held);
	doc = run("heap.bytype");
	assert_string_equal(text(doc, "header"), "Type");
	assert_int_equal(number(kind(doc, "text"), "count"), texts.n);
	assert_int_equal(number(kind(doc, "text"), "size"), texts.flat);
	assert_int_equal(number(row(doc, n_rows(doc) - 1), "cumulative"),
			 all.flat);
	assert_int_equal(value("heap.count"), all.n);
	assert_int_equal(value("len(heap)"), all.n);
	assert_int_equal(value("heap().size"), all.flat);
	assert_int_equal(value("heap.held"), all.held);
}

static void pages_follow_one_another(void **state)
{
	uint64_t n = census(NULL).n;
	json_t *doc = run("heap.byid");

	(void)state;
	assert_int_equal(n_rows(doc), 10);
	assert_int_equal(number(doc, "more"), n - 10);
	assert_string_equal(text(doc, "kind"), "mixed");
	assert_string_equal(text(doc, "header"), "Brief");
	doc = run("_.more");
	assert_int_equal(number(doc, "first"), 10);
	assert_int_equal(number(row(doc, 0), "index"), 10);
	doc = run("_.more.more");
	assert_int_equal(number(doc, "first"), 30);
	doc = run("_.prev");
	assert_int_equal(number(doc, "first"), 20);
	doc = run("_.top");
	assert_int_equal(number(doc, "first"), 0);
	doc = run("_.all");
	assert_int_equal(n_rows(doc), n);
	assert_int_equal(number(doc, "more"), 0);
	fails("_.more", "more: the last row is shown",
	      "_.top is the first page, _.prev the one before");
	fails("_.top.prev", "prev: the first row is shown", NULL);
}

static void a_row_has_its_number_on_every_page(void **state)
{
	HS_FREE char *address = NULL;
	json_t *doc = run("heap.byid");

	(void)state;
	doc = run("_.more");
	address = hs_xstrdup(text(row(doc, 2), "address"));
	doc = run("_[12]");
	assert_int_equal(number(doc, "count"), 1);
	assert_string_equal(text(row(doc, 0), "address"), address);
	doc = run("_.theone");
	assert_string_equal(text(doc, "type"), "object");
	assert_string_equal(text(doc, "address"), address);
}

static void settings_change_pages(void **state)
{
	json_t *doc;

	(void)state;
	assert_null(run("set rows=3"));
	assert_int_equal(n_rows(run("heap.byid")), 3);
	assert_null(run("set rows 5"));
	assert_int_equal(n_rows(run("_")), 5);
	assert_null(run("set rows = 10"));
	doc = run("set");
	assert_int_equal(n_rows(doc), vb_n_settings);
	assert_int_equal(n_rows(run("_")), 10); // not the table of settings
	fails("set rows=many", "setting rows cannot be many", "set rows=N|all");
	fails("set rosw=3", "no setting rosw", "rows");
	fails("set hold=1s", "too short", NULL);
	assert_string_equal(lg_setting(&session, "hold"), "120s");
}

static void a_class_stands_for_its_kind(void **state)
{
	struct census accounts = census("bank.Account");

	(void)state;
	assert_int_equal(value("(heap & 'bank.Account').count"), accounts.n);
	assert_int_equal(value("(heap & bank.Account).size"), accounts.flat);
	assert_int_equal(value("(heap - bank.Account).count"),
			 census(NULL).n - accounts.n);
	assert_int_equal(value("(~iso(accounts)).count"), census(NULL).n - 1);
	assert_int_equal(value("(heap & (text, list)).count"),
			 census("text").n + census("list").n);
	assert_int_equal(value("(accounts | empty).count"), 2);
	assert_int_equal(value("(heap ^ accounts).count"), census(NULL).n - 1);
	assert_string_equal(text(run("(heap & bank.Account).kind"), "value"),
			    "bank.Account");
	fails("heap & 3", "& between a set and a number has no meaning", NULL);
}

static void sets_are_compared(void **state)
{
	(void)state;
	assert_true(truth("heap == heap"));
	assert_true(truth("accounts in heap"));
	assert_true(truth("accounts not in heap & text"));
	assert_true(truth("iso(accounts) < heap"));
	assert_true(truth("iso(accounts) <= iso(accounts)"));
	assert_false(truth("iso(accounts) < iso(accounts)"));
	assert_false(truth("heap <= iso(accounts)"));
	assert_true(truth("heap > iso(accounts)"));
	assert_true(truth("heap != iso(accounts)"));
	assert_true(truth("accounts == accounts"));
	assert_true(truth("accounts != empty"));
	assert_true(truth("accounts in (empty, accounts)"));
	assert_true(truth("heap.count - 1 < heap.count"));
}

static void slices_are_unions_of_rows(void **state)
{
	json_t *doc = run("heap.bytype");
	uint64_t n = n_rows(doc), size = 0;

	(void)state;
	assert_int_equal(number(doc, "more"), 0);
	for (size_t i = 0; i < n; i += 2)
		size += number(row(doc, i), "size");
	assert_int_equal(value("heap.bytype[::2].size"), size);
	size = number(row(run("heap.bytype"), n - 1), "size");
	assert_int_equal(value("heap.bytype[-1].size"), size);
	assert_int_equal(value("heap.bytype[:].count"), census(NULL).n);
	assert_int_equal(value("heap.bytype[5:2].count"), 0);
	assert_int_equal(value("heap.bytype[::-1].count"), census(NULL).n);
	fails("heap.bytype[100]", "row [100]: the rows are 0 to 5", NULL);
	fails("heap.bytype['text']",
	      "rows of a set are counted, not looked "
	      "up by a string of the shell",
	      "objects of a class: SET & CLASS");
}

static void unreachable_objects_are_told_apart(void **state)
{
	json_t *doc = run("heapu");

	(void)state;
	// two nodes, their tables, the word of each, and "finally"
	assert_int_equal(number(doc, "count"), 7);
	assert_int_equal(number(kind(doc, "Node"), "count"), 2);
	assert_int_equal(value("heap.reachable.count") + value("heapu.count") +
				 value("orphans.count"),
			 census(NULL).n);
	doc = run("heap");
	assert_int_equal(number(json_object_get(doc, "unreachable"), "objects"),
			 7);
	assert_true(truth("(heapu & Node).referents & 'table' == "
			  "heapu & 'table'"));
}

/* --- objects -------------------------------------------------------------- */

static void objects_are_found_by_name_and_address(void **state)
{
	uint64_t addr = toy_global(&toy, "accounts");
	HS_FREE char *hex = hs_xasprintf("0x%llx", (unsigned long long)addr);

	(void)state;
	assert_string_equal(text(run("accounts"), "address"), hex);
	assert_string_equal(text(run("@accounts"), "address"), hex);
	assert_string_equal(text(run("%s", hex), "address"), hex);
	assert_string_equal(text(run("main.accounts"), "address"), hex);
	assert_string_equal(text(run("id(accounts)"), "value"), hex);
	assert_string_equal(text(run("type(accounts)"), "value"), "list");
	assert_string_equal(text(run("threads[0].frames[0].locals['here']"),
				 "address"),
			    hex);
	assert_string_equal(text(run("frames[0].locals.here"), "address"), hex);
	assert_string_equal(text(run("accounts[0].owner"), "value"),
			    "'customer 0'");
	assert_string_equal(text(run("root.accounts[-1 - -2].owner"), "value"),
			    "'customer 1'");
	assert_int_equal(
		json_array_size(json_object_get(run("accounts[1:4]"), "value")),
		3);
	fails("accounst",
	      "accounst: no variable, no set word, and the "
	      "program has no such name",
	      "accounts");
	fails("@heap", "@heap: the program has no such name", NULL);
	fails("accounts.ownr", said("list at %s has no attribute ownr", hex),
	      NULL);
	fails("accounts['x']", said("list at %s has no item ['x']", hex), NULL);
	fails("accounts.more", said("list at %s has no attribute more", hex),
	      "of a set: iso(OBJ).more");
	fails("accounts.sp", said("list at %s has no attribute sp", hex),
	      "sp OBJ");
	// a variable of that name is not the other tool
	fails("hp.bysiz",
	      "hp: no variable, no set word, and the program has no such name",
	      "heap");
	run("hp = heap");
	fails("hp.bysiz", "a set has no attribute bysiz", "bysize");
	fails("0x10", "0x10: no object begins there", NULL);
	fails("accounts()",
	      "call an object of the program: nothing of the "
	      "program is run",
	      "write it without ( )");
}

static void hostile_text_is_escaped(void **state)
{
	const char *shown = text(run("evil"), "value");

	(void)state;
	for (const char *c = shown; *c; c++)
		assert_true((unsigned char)*c >= ' ');
	assert_null(strstr(shown, "\xe2\x80\xae"));
}

/* --- paths and dominators ------------------------------------------------- */

static void paths_begin_at_a_root(void **state)
{
	json_t *doc = run("sp (heap & text)"), *path;
	uint64_t n = number(doc, "count");

	(void)state;
	assert_string_equal(text(doc, "type"), "paths");
	path = json_array_get(json_object_get(doc, "paths"), 0);
	assert_true(*text(path, "text"));
	assert_non_null(json_object_get(path, "steps"));
	assert_true(n >= census("text").n - value("(heapu & text).count"));
	assert_int_equal(value("(heap & text).sp.numpaths"), n);
	assert_int_equal(value("len((heap & text).sp)"), n);
	doc = run("heapu.sp");
	assert_int_equal(number(doc, "count"), 0);
	fails("sp heap maxpaths=0", "sp: maxpaths=0: 1 to 100000", NULL);
	fails("heap.sp.nosuch", "paths have no attribute nosuch", NULL);
}

static void rows_are_ordered_by_what_they_retain(void **state)
{
	json_t *doc = run("heap.bytype.retained");
	size_t i;

	(void)state;
	assert_string_equal(text(doc, "by"), "type");
	for (i = 1; i < n_rows(doc); i++)
		assert_true(number(row(doc, i - 1), "retained") >=
			    number(row(doc, i), "retained"));
	doc = run("top 3 by held");
	assert_int_equal(n_rows(doc), 3);
	assert_true(number(row(doc, 0), "held") >=
		    number(row(doc, 1), "held"));
	fails("top 3 by colour",
	      "top: by colour: it orders by retained, size or held", NULL);
	fails("why heap[0:0]", "why: a set of 0 objects, where one is wanted",
	      "why SET.byid[0]");
}

/* Each once, for those who look at memory. */
static void every_view_of_the_graph_answers(void **state)
{
	static const struct {
		const char *line, *type;
	} lines[] = {
		{ "heap.rp", "tree" },
		{ "heap.rp[0]", "set" },
		{ "heap.rp.paths(0)", "tree" },
		{ "heap.rp(bf=1)", "tree" },
		{ "heap.rp(imdom=1)", "tree" },
		{ "heap.rp(nocyc=1)", "tree" },
		{ "heap.by(findex(text))", "set" },
		{ "heap.byid[0].biper(1)", "set" },
		{ "heap.sp.sets", "list" },
		{ "heap.sp.Src", "set" },
		{ "heap.sp.Dst", "set" },
		{ "(heap & text).rp(depth=2)", "tree" },
		{ "heap.sp.avoided(-1)", "paths" },
		{ "heap.sp[0]", "set" },
		{ "pathsin heap.byid[0]", "paths" },
		{ "pathsout heap.byid[0]", "paths" },
		{ "why heap.byid[0]", "table" },
		{ "cycles heapu", "table" },
		{ "cycles(heap)[0]", "set" },
		{ "refbrowser heap.byid[0]", "tree" },
		{ "refbrowser heap.byid[0] of=referents repeat=1", "tree" },
		{ "graph heap.byid[0]", "dot" },
		{ "duplicates", "table" },
		{ "audit heap", "table" },
		{ "locals", "table" },
		{ "locals by=thread", "table" },
		{ "heap.retained[0]", "set" },
	};

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(lines); i++)
		assert_string_equal(text(run("%s", lines[i].line), "type"),
				    lines[i].type);
}

static void what_the_runtime_does_not_tell_is_said(void **state)
{
	(void)state;
	assert_true(truth("garbage <= heapu"));
	assert_string_equal(text(run("waste"), "type"), "table");
	fails("rp heap depth=0", "rp: depth=0: 1 to 60", NULL);
	fails("refbrowser heap[0:0]",
	      "refbrowser: a set of 0 objects, where one is wanted",
	      "refbrowser SET.byid[0]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_is_what_the_process_made),
		cmocka_unit_test(pages_follow_one_another),
		cmocka_unit_test(a_row_has_its_number_on_every_page),
		cmocka_unit_test(settings_change_pages),
		cmocka_unit_test(a_class_stands_for_its_kind),
		cmocka_unit_test(sets_are_compared),
		cmocka_unit_test(slices_are_unions_of_rows),
		cmocka_unit_test(unreachable_objects_are_told_apart),
		cmocka_unit_test(objects_are_found_by_name_and_address),
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(paths_begin_at_a_root),
		cmocka_unit_test(rows_are_ordered_by_what_they_retain),
		cmocka_unit_test(every_view_of_the_graph_answers),
		cmocka_unit_test(what_the_runtime_does_not_tell_is_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_session, close_session);
}
