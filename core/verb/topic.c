// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

/* clang-format off */
static const struct vb_topic topics[] = {
	{ .name = "lines", .summary = "what a line is made of",
	  .text =
"A line is a verb with arguments, an expression, or name = expression.\n"
"\n"
"    asized obj detail=2       verb, arguments and options, blanks between\n"
"    asized(obj, detail=2)     the same as a call, inside any expression\n"
"    x = asizeof(obj)          in an assignment a verb is always called\n"
"    heap & list               operators: | ^ & - ~ == != < <= > >= in\n"
"    _  _3  _[12]              the last result, that of line 3, its row 12\n"
"    heap | less   heap > f    after a blank, | pipes and > writes a file;\n"
"                              (heap | dict) is the union\n"
"    a ; b     # words         two commands; a comment\n"
"\n"
"A name is a variable, a word of the shell, or a name of the program;\n"
"@name is always the program's.\n" },
	{ .name = "objects", .summary = "how objects of the program are named",
	  .text =
"    __main__.accounts         from any imported module\n"
"    accounts                  a bare name: of __main__, then a builtin\n"
"    threads[0].frames[2].locals['x']\n"
"    0x7f12aa0456c0            by address\n"
"\n"
"and on by .attribute, [3], ['key'], [1:3]. Nothing of the program is run.\n"
"type(x) is the class of x, id(x) its address, iso(x) the set of it.\n" },
	{ .name = "sets", .summary = "sets of objects and their tables",
	  .text =
"Words: heap, heapu, orphans. A set prints as a table; a row of it is a set:\n"
"_[0], _[-1], _[2:5]. Beside an operator a class stands for its instances,\n"
"any other object for itself:\n"
"\n"
"    heap & __main__.Account\n"
"    heap - x                  x: a set, also of an earlier instant\n"
"    obj in heapu\n"
"    len(heap)                 number of objects\n"
"    heap.by('Type&Size')      rows by a product of relations (help kinds)\n"
"    heap.byrcs  heap.byvia    rows by what refers to the objects, and how\n"
"\n"
"Attributes of a set:\n", .tables = { "set" } },
	{ .name = "kinds", .summary = "relations, and the kinds they make",
	  .text =
"A relation says which objects are alike; called, it makes a kind, which is\n"
"the set of all objects of the heap that are so:\n"
"\n"
"    Type(dict)                exact type; .alt('<=') with its subtypes\n"
"    heap & Size(1000).alt('>')\n"
"    Clodo(dictof=Account)     attribute tables of the class\n"
"    Via('.name')              referred to as .name and in no other way\n"
"    heap.by(Type & Rcs)       rows by two relations\n"
"\n"
"Type, Id, Module, … hide names of the program that are called so: those are\n"
"@Type, @Id, @Module.\n"
"\n"
"Relations:\n", .tables = { "relations" } },
	{ .name = "sizes", .summary = "flat, held and deep",
	  .text =
"flat  own bytes, as the runtime itself answers (CPython: sys.getsizeof):\n"
"      Size of a table, .size, summary, flatsize\n"
"held  bytes that were requested for the object's own blocks: .held,\n"
"      held= of asized where it differs from flat\n"
"deep  held bytes of all that is reachable, each object once: asizeof,\n"
"      size= of asized\n" },
	{ .name = "compat", .summary = "sizes as another tool counts them",
	  .text =
"compat=pympler, of asizeof, asizesof, asized and flatsize, answers what\n"
"Pympler 1.1 would within the program, before it had looked at anything.\n"
"Where it differs from what they say without:\n"
"\n"
"  limit=100 levels are followed, not all\n"
"  sizes are sys.getsizeof(); what a block holds beside it is left out\n"
"  an instance is counted with the __dict__ that Pympler would make for it\n"
"  weak references are followed\n"
"  not followed: what a bound method is of; items of what derives from\n"
"  list, set or tuple; attributes of what derives from dict; deque, map, zip,\n"
"  chain, partial, lru_cache, slice, memoryview; attributes of exceptions\n"
"  but args, filename, lineno, msg, text; what a function closes over\n"
"  asizesof answers the same again for an argument that is repeated\n"
"\n"
"Not told from outside: __sizeof__, items() and properties written in Python;\n"
"with code=1, what no object stands for until it is asked for: numbers of\n"
"code (co_argcount), co_lnotab, from 3.11 co_code, co_varnames, co_cellvars\n"
"and co_freevars, and __name__ and __doc__ of types written in C; all else is\n"
"as Pympler says. Texts are shown as everywhere else: no __repr__ is run.\n" },
	{ .name = "options", .summary = "how options are written",
	  .text =
"NAME=VALUE without blanks: detail=2. Those of find also compare, with\n"
"!= < <= > >= and ~ !~ (has, has not): size>64k. A value with blanks is\n"
"written in quotes. help VERB lists the options of a verb.\n" },
	{ .name = "instants", .summary = "moments of the process",
	  .text =
"Every value belongs to the instant that it was read at. snap takes a new\n"
"one, snaps lists them, use NAME goes back, release gives its memory back.\n"
"Set operators between instants go by address, type and content; & and -\n"
"answer in the left one's instant:\n"
"\n"
"    x = heap\n"
"    snap later\n"
"    heap - x                  what is new\n" },
	{ .name = "paging", .summary = "the rows that are shown",
	  .text =
"Ten rows are shown (set rows=N). _.more are the next, _.prev the ones\n"
"before, _.top the first, _.all every one. _[12] is the row printed as 12\n"
"on whatever page.\n"
"\n"
"Verbs that answer with rows take limit=N, sort=COLUMN, order= and\n"
"filter=TEXT: cycles garbage sort=objects limit=20. Rows are then numbered\n"
"anew. Of a set, rows SET does it.\n" },
	{ .name = "threads", .summary = "threads, frames and variables",
	  .text =
"    threads                   all; '*' held the runtime's lock\n"
"    threads['MainThread']     or threads[0]: its frames\n"
"    threads[0].frames[2]      frame; [0] is the innermost\n"
"    threads[0].frames[2].locals['x']\n"
"\n"
"Attributes of a thread, then of a frame:\n",
	  .tables = { "thread", "frame" } },
	{ .name = "words", .summary = "words and functions of the shell",
	  .text = "", .tables = { "words", "functions" } },
};
/* clang-format on */

const struct vb_topic *vb_topic(size_t i)
{
	return i < HS_ARRAY_SIZE(topics) ? &topics[i] : NULL;
}
