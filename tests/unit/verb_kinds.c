// SPDX-License-Identifier: Apache-2.0
// Relations, kinds and statistics over the example process.
#include "lines.h"

#include <unistd.h>

#include "unit.h"

static void a_type_is_a_kind_and_a_set(void **state)
{
	struct census texts = census("text"), accounts = census("bank.Account");

	(void)state;
	assert_int_equal(value("Type('text').count"), texts.n);
	assert_int_equal(value("(heap & Type('Account')).size"),
			 accounts.flat);
	assert_int_equal(value("Clodo('bank.Account').count"), accounts.n);
	assert_int_equal(value("Clodo(dictof=Node).count"), 2);
	assert_int_equal(value("Clodo(dictof=()).count") +
				 value("heap.dictof.count"),
			 census("table").n);
	assert_true(truth("Type('Node').dictof == Clodo(dictof=Node)"));
	assert_true(truth("Clodo(dictof=Node).owners == Type('Node')"));
	assert_string_equal(text(run("Type('Account').kind"), "value"),
			    "bank.Account");
	assert_true(truth("heap & iso(accounts[0]).kind == Type('Account')"));
	fails("Type('Acount')", "no object of the heap is of a type 'Acount'",
	      "Account");
	fails("Type(3)", "Type takes a class, not a number",
	      "Type(type(OBJ)), Type(CLASS)");
}

static void sizes_have_alternatives(void **state)
{
	uint64_t n = census(NULL).n;

	(void)state;
	assert_int_equal(value("Size(24).count") +
				 value("Size(24).alt('!=').count"),
			 n);
	assert_int_equal(value("Size(100).alt('<').count") +
				 value("Size(100).alt('>=').count"),
			 n);
	assert_true(truth("Size(100).alt('>') <= Size(100).alt('>=')"));
	assert_string_equal(text(run("Size(3)"), "note"),
			    "no object of the heap is of the kind <size = 3>");
	fails("Size(3).alt('~')", "alt takes one of == != < <= > >=", NULL);
	fails("heap.alt('<')",
	      "alt is of kinds that Type and Size have made", NULL);
	fails("Size('x')", "Size is not called so", NULL);
}

static void rows_by_relations_that_are_given(void **state)
{
	json_t *doc = run("heap.by('Type&Size')");
	uint64_t n = 0;

	(void)state;
	assert_string_equal(text(doc, "by"), "type&size");
	assert_string_equal(text(doc, "header"), "Type & Individual Size");
	doc = run("heap.by(Type & Size).all");
	for (size_t i = 0; i < n_rows(doc); i++)
		n += number(row(doc, i), "count");
	assert_int_equal(n, census(NULL).n);
	assert_true(truth("heap.by(Type)[0] == heap.bytype[0]"));
	assert_string_equal(text(run("heap.by(Type.refdby)"), "header"),
			    "Referrers by Type");
	assert_string_equal(text(run("heap.by('')"), "by"), "unity");
	fails("heap.by('Sise')",
	      "by: no relation 'Sise': there are Clodo Type Size Id Unity "
	      "Dictof Module Rcs RcsType Via Prod",
	      "by('Size')");
	fails("heap.by", "by is called with arguments", "by('Clodo&Size')");
	fails("heap & Type", "a relation is not a set: it makes kinds", NULL);
	fails("heap.byrsc", "a set has no attribute byrsc", "byrcs");
	fails("heap.xyzzy", "a set has no attribute xyzzy",
	      "help sets lists them");
	assert_string_equal(text(run("heap.byprod"), "header"),
			    "Producer (line of allocation)");
	fails("heap(x=1)", "options are for verbs", "to compare: a == b");
}

static void referrers_have_kinds_and_names(void **state)
{
	(void)state;
	// both nodes are in the table of the other, under one name each
	assert_true(truth("Rcs(Clodo(dictof=Node)) >= Type('Node')"));
	assert_true(truth("Via(\"['other']\") == Type('Node')"));
	// one of the tables is in the other, too: what is to be run at the end
	assert_int_equal(value("Via('->table').count") + 1,
			 value("heap.dictof.count"));
	assert_int_equal(
		value("Via('->table', \"['finally']\").count"), 1);
	assert_string_equal(text(run("Via('.nosuch')"), "note"),
			    "no object of the heap is of the kind '.nosuch'");
	assert_string_equal(text(row(run("iso(accounts).byvia"), 0), "kind"),
			    "\"['accounts']\", \"['here']\"");
	fails("Via(3)", "Via takes names of references, not a number", NULL);
	fails("Module('x')", "no object of the heap is of the kind x", NULL);
}

static void differences_are_kind_by_kind(void **state)
{
	struct census all = census(NULL), texts = census("text");
	json_t *doc = run("heap.diff(Type('text'))");

	(void)state;
	assert_string_equal(text(doc, "type"), "diff");
	assert_int_equal(number(json_object_get(doc, "a"), "size"), all.flat);
	assert_int_equal(number(json_object_get(doc, "b"), "size"),
			 texts.flat);
	assert_null(kind(doc, "text"));
	assert_int_equal(number(row(doc, n_rows(doc) - 1), "cumulative"),
			 all.flat - texts.flat);
	doc = run("heap.stat - heap.stat");
	assert_int_equal(n_rows(doc), 0);
	fails("heap.stat - heap.bytype.stat",
	      "the difference of rows by 'Kind (class / dict of class)' and "
	      "rows by 'Type'",
	      "make both by the same: SET.bytype");
	fails("heap.diff()", "diff takes one set or stat", "SET.diff(SET)");
}

static void statistics_are_written_and_read(void **state)
{
	char path[] = "/tmp/heapsh-stat-XXXXXX";
	HS_CLOSE int fd = mkstemp(path);
	HS_FREE char *remedy = NULL;
	json_t *doc;

	(void)state;
	assert_true(fd >= 0);
	run("heap.dump('%s')", path);
	run("heap.bytype.dump('%s')", path);
	run("(heap & 'Node').byid.dump('%s')", path);
	doc = run("load %s", path);
	assert_int_equal(number(doc, "count"), census(NULL).n);
	assert_int_equal(number(kind(doc, "bank.Account"), "size"),
			 census("bank.Account").flat);
	doc = run("heap.diff(load('%s'))", path);
	assert_int_equal(n_rows(doc), 0);
	doc = run("load %s record=2", path);
	assert_int_equal(n_rows(doc), 2);
	remedy = hs_xasprintf("load %s record=2", path);
	fails(said("load %s record=3", path), NULL, remedy);
	assert_int_equal(ftruncate(fd, 100), 0);
	fails(said("load %s", path), NULL, NULL);
	assert_int_equal(ftruncate(fd, 0), 0);
	fails(said("load %s", path), NULL, NULL);
	assert_int_equal(write(fd, "no statistic\n", 13), 13);
	fails(said("load %s", path), NULL, NULL);
	unlink(path);
	fails(said("load %s", path), NULL, NULL);
}

static void what_hangs_on_a_set(void **state)
{
	struct census accounts = census("bank.Account");

	(void)state;
	// the list alone holds the accounts: with it all of them would go
	assert_true(truth("Type('Account') <= iso(accounts).dominos"));
	assert_true(value("iso(accounts).domisize") > accounts.held);
	assert_true(truth("iso(accounts[0]).imdom == iso(accounts)"));
	assert_true(truth("Type('Account').imdom == iso(accounts)"));
	// each keeps the other: freeing one frees nothing that is alive
	assert_true(truth("Type('Node').dominos == Type('Node')"));
	assert_true(truth("heap[0].disjoint(heap[1])"));
	assert_true(truth("heap.test_contains(iso(accounts))"));
	assert_int_equal(value("Type('Account').maprox.owner.count"),
			 accounts.n);
	assert_true(truth("iso(accounts).maprox[0] == iso(accounts[0])"));
	assert_int_equal(value("iso(accounts).maprox.nosuch.count"), 0);
	assert_int_equal(value("(iso(accounts) | Type('Account'))"
			       ".maprox[0].count"), 1);
	assert_int_equal(json_array_size(json_object_get(
				 run("heap.bytype.parts"), "value")),
			 value("len(heap.bytype.stat)"));
}

static void rows_are_ordered_and_filtered(void **state)
{
	uint64_t n = value("len(heap.bytype.stat)"), last = UINT64_MAX;
	json_t *doc = run("rows heap.bytype sort=count");

	(void)state;
	assert_int_equal(n_rows(doc), n);
	for (size_t i = 0; i < n_rows(doc); i++) {
		assert_true(number(row(doc, i), "count") <= last);
		last = number(row(doc, i), "count");
	}
	assert_int_equal(number(row(doc, n_rows(doc) - 1), "cumulative"),
			 census(NULL).flat);
	doc = run("rows heap.bytype filter=ACCOUNT");
	assert_int_equal(n_rows(doc), 1);
	assert_int_equal(number(row(doc, 0), "count"),
			 census("bank.Account").n);
	last = number(row(doc, 0), "index");
	assert_true(truth(said("heap.bytype[%d] == Type('Account')",
			       (int)last)));
	doc = run("rows heap.bytype sort=kind limit=2");
	assert_int_equal(n_rows(doc), 2);
	assert_true(strcmp(text(row(doc, 0), "kind"),
			   text(row(doc, 1), "kind")) < 0);
	fails("rows heap sort=sise", "rows: option sort cannot be sise",
	      "sort=size|count|held|kind");
	fails("rows accounts", "rows: it takes a set", NULL);
}

static void a_reference_is_left_out(void **state)
{
	uint64_t n = census(NULL).n;

	(void)state;
	run("setref (heap & 'text')");
	assert_int_equal(value("heap.count"), n - census("text").n);
	assert_int_equal(value("Anything.count"), n);
	run("setref");
	assert_int_equal(value("heap.count"), 0);
	run("setref 'off'");
	assert_int_equal(value("heap.count"), n);
	assert_int_equal(value("Nothing.count"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_is_a_kind_and_a_set),
		cmocka_unit_test(sizes_have_alternatives),
		cmocka_unit_test(rows_by_relations_that_are_given),
		cmocka_unit_test(referrers_have_kinds_and_names),
		cmocka_unit_test(differences_are_kind_by_kind),
		cmocka_unit_test(statistics_are_written_and_read),
		cmocka_unit_test(what_hangs_on_a_set),
		cmocka_unit_test(rows_are_ordered_and_filtered),
		cmocka_unit_test(a_reference_is_left_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_session, close_session);
}
