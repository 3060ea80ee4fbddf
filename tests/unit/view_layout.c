// SPDX-License-Identifier: GPL-3.0-or-later
// Layout against the peers' own output, to the letter: guppy3 3.1.7 and
// Pympler 1.1 on CPython 3.11.2.
#include "view.h"

#include <locale.h>

#include "unit.h"

static const struct vw_style plain = { .utf8 = true };
static const struct vw_style csv = { .format = VW_CSV, .utf8 = true };

/* Members of the document, without the braces. */
static char *shown(const char *type, const char *members,
		   const struct vw_style *style)
{
	HS_FREE char *json =
		hs_xasprintf("{\"type\":\"%s\",\"command\":\"\","
			     "\"instant\":1,\"partial\":false%s%s}",
			     type, *members ? "," : "", members);
	struct hs_text t = { 0 };
	json_error_t why;
	json_t *doc = json_loads(json, 0, &why);

	if (!doc)
		fail_msg("%s: %s", json, why.text);
	vw_doc(&t, doc, style);
	json_decref(doc);
	return hs_text_take(&t);
}

static void assert_shows(const char *type, const char *members,
			 const struct vw_style *style, const char *expected)
{
	HS_FREE char *s = shown(type, members, style);

	assert_string_equal(s, expected);
}

static void a_set_is_printed_as_heapy_prints_it(void **state)
{
	(void)state;
	assert_shows(
		"set",
		"\"count\":50539,\"size\":6760763,\"by\":\"clodo\","
		"\"header\":\"Kind (class / dict of class)\",\"more\":150,"
		"\"rows\":[{\"index\":0,\"count\":14680,\"size\":1534659,"
		"\"cumulative\":1534659,\"kind\":\"str\"},"
		"{\"index\":1,\"count\":3011,\"size\":1081968,"
		"\"cumulative\":2616627,\"kind\":\"types.CodeType\"},"
		"{\"index\":9,\"count\":465,\"size\":142600,"
		"\"cumulative\":5561305,\"kind\":\"dict (no owner)\"}]",
		&plain,
		"Partition of a set of 50539 objects. "
		"Total size = 6760763 bytes.\n"
		" Index  Count   %     Size   % Cumulative  % "
		"Kind (class / dict of class)\n"
		"     0  14680  29  1534659  23   1534659  23 str\n"
		"     1   3011   6  1081968  16   2616627  39 types.CodeType\n"
		"     9    465   1   142600   2   5561305  82 "
		"dict (no owner)\n"
		"<150 more rows. Type e.g. '_.more' to view.>\n");
}

static void columns_widen_with_their_numbers(void **state)
{
	(void)state;
	assert_shows("set",
		     "\"count\":12000000,\"size\":98765432100,"
		     "\"header\":\"Type\",\"rows\":[{\"index\":0,"
		     "\"count\":12000000,\"size\":98765432100,"
		     "\"cumulative\":98765432100,\"kind\":\"str\"}]",
		     &plain,
		     "Partition of a set of 12000000 objects. "
		     "Total size = 98765432100 bytes.\n"
		     " Index    Count   %        Size   %  Cumulative   % "
		     "Type\n"
		     "     0 12000000 100 98765432100 100 98765432100 100 "
		     "str\n");
}

static void a_single_row_keeps_true_percentages(void **state)
{
	(void)state;
	assert_shows("set",
		     "\"count\":1,\"size\":16,\"header\":\"Type\",\"rows\":"
		     "[{\"index\":0,\"count\":1,\"size\":16,\"cumulative\":16,"
		     "\"kind\":\"NoneType\"}]",
		     &plain,
		     "Partition of a set of 1 object. Total size = 16 bytes.\n"
		     " Index  Count   %     Size   % Cumulative  % Type\n"
		     "     0      1 100       16 100        16 100 NoneType\n");
}

static void an_empty_set_divides_by_nothing(void **state)
{
	(void)state;
	assert_shows("set",
		     "\"count\":0,\"size\":0,\"header\":\"Type\","
		     "\"rows\":[]",
		     &plain,
		     "Partition of a set of 0 objects. Total size = 0 bytes.\n"
		     " Index  Count   %     Size   % Cumulative  % Type\n");
}

static void a_set_by_id_is_printed_as_heapy_prints_it(void **state)
{
	(void)state;
	assert_shows("set",
		     "\"count\":5,\"size\":540530,\"by\":\"id\","
		     "\"kind\":\"mixed\",\"header\":\"Brief\",\"rows\":["
		     "{\"index\":1,\"count\":1,\"size\":200057,"
		     "\"cumulative\":500106,"
		     "\"kind\":\"bytearray: 0x7f8824055cf0\"},"
		     "{\"index\":4,\"count\":1,\"size\":8856,"
		     "\"cumulative\":540530,"
		     "\"kind\":\"list: 0x7f8823ff5d40*1000\"}]",
		     &plain,
		     "Set of 5 <mixed> objects. Total size = 540530 bytes.\n"
		     " Index     Size   %   Cumulative  %   Brief\n"
		     "     1   200057  37.0    500106  92.5 "
		     "bytearray: 0x7f8824055cf0\n"
		     "     4     8856   1.6    540530 100.0 "
		     "list: 0x7f8823ff5d40*1000\n");
}

static void unreachable_objects_are_named_below_the_table(void **state)
{
	HS_FREE char *s = NULL;

	(void)state;
	s = shown("set",
		  "\"count\":9,\"size\":9,\"header\":\"Type\",\"rows\":[],"
		  "\"unreachable\":{\"objects\":3,\"bytes\":168}",
		  &plain);
	assert_non_null(strstr(s, "% Type\n3 objects of these (168 bytes) are "
				  "unreachable: 'heapu' shows them.\n"));
}

static void the_last_column_is_cut_at_the_terminals_width(void **state)
{
	struct vw_style narrow = { .width = 70, .utf8 = true };
	const char *members = "\"count\":1,\"size\":16,\"header\":\"Type\","
			      "\"rows\":[{\"index\":0,\"count\":1,\"size\":16,"
			      "\"cumulative\":16,\"kind\":"
			      "\"abcdefghijklmnopqrstuvwxyz\"}]";
	HS_FREE char *s = NULL, *ascii = NULL;

	(void)state;
	s = shown("set", members, &narrow);
	assert_non_null(strstr(s, " 100 abcdefghijklmnopqrstuvwx…\n"));
	narrow.utf8 = false;
	ascii = shown("set", members, &narrow);
	assert_non_null(strstr(ascii, " 100 abcdefghijklmnopqrstuv...\n"));
}

static void sized_trees_are_printed_as_pympler_prints_them(void **state)
{
	(void)state;
	assert_shows(
		"sized",
		"\"items\":[{\"name\":\"[1, 2, (3, 4), 'text']\",\"size\":328,"
		"\"flat\":88,\"held\":88,\"refs\":["
		"{\"name\":\"(3, 4)\",\"size\":120,\"flat\":56,\"held\":56,"
		"\"refs\":[{\"name\":\"3\",\"size\":32,\"flat\":28,"
		"\"held\":32}]},"
		"{\"name\":\"x\",\"size\":96,\"flat\":48,\"held\":96},"
		"{\"name\":\"y\",\"size\":40,\"flat\":40,\"held\":40,"
		"\"approximate\":true,\"refs\":[],\"more\":3}],"
		"\"more\":20}]",
		&plain,
		"[1, 2, (3, 4), 'text'] size=328 flat=88\n"
		"    (3, 4) size=120 flat=56\n"
		"        3 size=32 flat=28 held=32\n"
		"    x size=96 flat=48 held=96\n"
		"    y size=40 flat=~40\n"
		"        <3 more>\n"
		"    <20 more>\n");
}

static void summaries_are_printed_as_muppy_prints_them(void **state)
{
	(void)state;
	assert_shows("summary",
		     "\"rows\":[{\"type\":\"abcdefghijklmnopqrstuvwxyz\","
		     "\"count\":16400,\"size\":3386900},"
		     "{\"type\":\"code\",\"count\":-1,\"size\":-88},"
		     "{\"type\":\"dict\",\"count\":1,\"size\":-1436549}]",
		     &plain,
		     "                       types |   # objects |   "
		     "total size\n"
		     "============================ | =========== | "
		     "============\n"
		     "  abcdefghijklmnopqrstuvwxyz |       16400 |      "
		     "3.23 MB\n"
		     "                        code |          -1 |    "
		     "-88     B\n"
		     "                        dict |           1 |     "
		     "-1.37 MB\n");
}

static void a_difference_is_printed_as_heapy_prints_it(void **state)
{
	(void)state;
	assert_shows("diff",
		     "\"header\":\"Kind (class / dict of class)\","
		     "\"a\":{\"count\":56294,\"size\":7052730},"
		     "\"b\":{\"count\":50267,\"size\":6724255},"
		     "\"rows\":[{\"kind\":\"list\",\"count\":2005,"
		     "\"size\":160472}]",
		     &plain,
		     "Summary of difference operation (A-B).\n"
		     "        Count     Size\n"
		     "  A     56294  7052730\n"
		     "  B     50267  6724255\n"
		     "  A-B    6027   328475  =      4.88 % of B\n"
		     "\n"
		     "Differences by kind, largest absolute size diffs first.\n"
		     " Index  Count     Size  Cumulative  % of B "
		     "Kind (class / dict of class)\n"
		     "     0   2005   160472    160472      2.39 list\n");
}

static void values_are_printed_as_python_prints_them(void **state)
{
	(void)state;
	assert_shows("bytes", "\"value\":328", &plain, "328\n");
	assert_shows("number", "\"value\":\"18446744073709551615\"", &plain,
		     "18446744073709551615\n");
	assert_shows("bool", "\"value\":true", &plain, "True\n");
	assert_shows("none", "", &plain, "None\n");
	assert_shows("text", "\"value\":\"hé\"", &plain, "hé\n");
	assert_shows("list",
		     "\"value\":[{\"type\":\"bytes\",\"value\":328},"
		     "{\"type\":\"bytes\",\"value\":312}]",
		     &plain, "(328, 312)\n");
	assert_shows("list",
		     "\"value\":[{\"type\":\"list\",\"value\":["
		     "{\"type\":\"text\",\"value\":\"a\"},"
		     "{\"type\":\"set\",\"count\":2}]}]",
		     &plain, "(('a', <set of 2 objects>),)\n");
	assert_shows("list", "\"value\":[]", &plain, "()\n");
}

static void an_object_says_what_and_where_it_is(void **state)
{
	(void)state;
	assert_shows("object",
		     "\"address\":\"0x7f00\",\"kind\":\"list\",\"flat\":88,"
		     "\"held\":104,\"value\":\"[1, 2]\","
		     "\"rows\":[[\"[0]\",\"1\"],[\"[1]\",\"2\"]]",
		     &plain,
		     "[1, 2]\n    list at 0x7f00 flat=88 held=104\n"
		     "    [0]  1\n    [1]  2\n");
}

static void a_table_aligns_its_columns(void **state)
{
	(void)state;
	assert_shows("table",
		     "\"title\":\"modules\",\"columns\":["
		     "{\"name\":\"name\",\"align\":\"left\"},"
		     "{\"name\":\"size\",\"align\":\"right\",\"unit\":\"KiB\"},"
		     "{\"name\":\"path\",\"align\":\"left\"}],"
		     "\"rows\":[[\"libc.so.6\",1980,\"/lib/libc.so.6\"],"
		     "[\"m\",7,null]],\"more\":1",
		     &plain,
		     "modules\n"
		     "name       size (KiB)  path\n"
		     "libc.so.6        1980  /lib/libc.so.6\n"
		     "m                   7\n"
		     "<1 more row. Type e.g. '_.more' to view.>\n");
}

static void one_line_says_what_was_attached_to(void **state)
{
	const char *members = "\"pid\":4711,\"program\":\"python3 app.py\","
			      "\"runtime\":\"CPython\",\"version\":\"3.11.2\","
			      "\"rss\":137363456,\"pause_ns\":3100000,"
			      "\"rung\":\"frozen clone\",\"settled\":true,"
			      "\"collecting\":false";
	struct vw_style ascii = { 0 };

	(void)state;
	assert_shows("attached", members, &plain,
		     "Attached to 4711 (python3 app.py): CPython 3.11.2 · "
		     "RSS 131 MiB · paused 3.1 ms\n");
	assert_shows("attached", members, &ascii,
		     "Attached to 4711 (python3 app.py): CPython 3.11.2 - "
		     "RSS 131 MiB - paused 3.1 ms\n");
	assert_shows("attached",
		     "\"pid\":1,\"program\":\"p\",\"runtime\":\"R\","
		     "\"version\":\"1\",\"rung\":\"core file\","
		     "\"settled\":false,\"collecting\":true",
		     &plain,
		     "Attached to 1 (p): R 1 · core file · mid-mutation · "
		     "collecting\n");
}

static void an_error_shows_remedy_and_caret(void **state)
{
	(void)state;
	assert_shows("error",
		     "\"code\":\"usage\",\"message\":\"unexpected '-'\","
		     "\"remedy\":\"asizeof (a - b)\",\"column\":10,"
		     "\"command\":\"asizeof a -b\"",
		     &plain,
		     "heapsh: unexpected '-'\n"
		     "    asizeof a -b\n"
		     "              ^\n"
		     "  try: asizeof (a - b)\n");
	assert_shows("error", "\"message\":\"why\",\"remedy\":null", &plain,
		     "heapsh: why\n");
}

static void a_document_says_that_it_is_not_whole(void **state)
{
	(void)state;
	assert_shows("bytes",
		     "\"value\":3,\"partial\":true,"
		     "\"unread\":{\"objects\":2,\"bytes\":64}",
		     &plain,
		     "3\n<Partial: it was interrupted before all was read.>\n"
		     "<unread: 2 objects, 64 bytes.>\n");
}

static void csv_quotes_as_rfc_4180_says(void **state)
{
	(void)state;
	assert_shows("set",
		     "\"count\":1,\"size\":16,\"rows\":[{\"index\":0,"
		     "\"count\":1,\"size\":16,\"cumulative\":16,"
		     "\"kind\":\"a, \\\"b\\\"\"}]",
		     &csv,
		     "index,count,size,cumulative,kind,retained,address\r\n"
		     "0,1,16,16,\"a, \"\"b\"\"\",,\r\n");
	assert_shows("table",
		     "\"columns\":[{\"name\":\"n\"},{\"name\":\"v\"}],"
		     "\"rows\":[[\"x\",1],[\"y\",null]]",
		     &csv, "n,v\r\nx,1\r\ny,\r\n");
	assert_shows("summary",
		     "\"rows\":[{\"type\":\"t\",\"count\":1,\"size\":-2}]",
		     &csv, "type,count,size\r\nt,1,-2\r\n");
	assert_shows("bytes", "\"value\":5", &csv, "value\r\n5\r\n");
}

static void a_type_that_is_not_known_is_printed_by_members(void **state)
{
	(void)state;
	assert_shows("novel", "\"x\":1", &plain, "type  novel\nx     1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_printed_as_heapy_prints_it),
		cmocka_unit_test(columns_widen_with_their_numbers),
		cmocka_unit_test(a_single_row_keeps_true_percentages),
		cmocka_unit_test(an_empty_set_divides_by_nothing),
		cmocka_unit_test(a_set_by_id_is_printed_as_heapy_prints_it),
		cmocka_unit_test(unreachable_objects_are_named_below_the_table),
		cmocka_unit_test(the_last_column_is_cut_at_the_terminals_width),
		cmocka_unit_test(
			sized_trees_are_printed_as_pympler_prints_them),
		cmocka_unit_test(summaries_are_printed_as_muppy_prints_them),
		cmocka_unit_test(a_difference_is_printed_as_heapy_prints_it),
		cmocka_unit_test(values_are_printed_as_python_prints_them),
		cmocka_unit_test(an_object_says_what_and_where_it_is),
		cmocka_unit_test(a_table_aligns_its_columns),
		cmocka_unit_test(one_line_says_what_was_attached_to),
		cmocka_unit_test(an_error_shows_remedy_and_caret),
		cmocka_unit_test(a_document_says_that_it_is_not_whole),
		cmocka_unit_test(csv_quotes_as_rfc_4180_says),
		cmocka_unit_test(
			a_type_that_is_not_known_is_printed_by_members),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return UNIT_RUN(tests);
}
