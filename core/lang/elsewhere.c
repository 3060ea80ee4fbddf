// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Words of other tools. Who knows Pympler, Heapy, objgraph, tracemalloc or the
 * functions of the program's own language types what they know; a line that
 * failed and has such a word is answered with the line that does the same here.
 */

/* Names that stand before ours elsewhere: hp.heap(), asizeof.asizeof(x). */
static const char *const prefixes[] = {
	"h", "hp", "hpy()", "hpy", "asizeof", "muppy", "summary", "pympler",
};

enum where {
	ANYWHERE,	/* no program of today calls anything else so */
	CALLED,		/* as gc.collect() */
	FUNCTION,	/* as dir(x), but not x.dir(y) */
	METHOD,		/* as x.keys(), but not keys(x) */
	VERB,		/* as a verb would stand */
	TOOL,		/* anywhere, when nothing else of the line is known */
	FIRST,		/* the same, as its first word */
};

/* '*' is the first argument of the call, or OBJ; of a verb and of a method what
 * it is of. */
static const struct {
	const char *word;
	enum where where;
	const char *here;
} words[] = {
	/* Pympler */
	{ "SummaryTracker", ANYWHERE, "track start, then track diff" },
	{ "ObjectTracker", ANYWHERE, "track start, then track diff" },
	{ "print_diff", ANYWHERE, "track diff" },
	{ "unreachable", ANYWHERE, "heapu" },
	{ "format_diff", ANYWHERE, "track diff" },
	{ "create_summary", ANYWHERE, "track start" },
	{ "ClassTracker", ANYWHERE,
	  "track start, then track diff: every class has its row" },
	{ "track_class", ANYWHERE,
	  "track start, then track diff: every class has its row" },
	{ "track_object", ANYWHERE, "asizeof *, and again after snap" },
	{ "create_snapshot", ANYWHERE, "snap NAME" },
	{ "print_stats", ANYWHERE, "summary" },
	{ "print_summary", ANYWHERE, "summary" },
	{ "print_", ANYWHERE, "summary" },
	{ "summarize", ANYWHERE, "summary" },
	{ "get_diff", ANYWHERE, "summary diff A B" },
	{ "get_size", ANYWHERE, "heap.size" },
	{ "ProcessMemoryInfo", ANYWHERE,
	  "heap.held; of the process itself: !cat /proc/PID/status" },
	{ "Asizer", ANYWHERE, "asizeof OBJ" },
	{ "ConsoleBrowser", ANYWHERE, "refbrowser *" },
	{ "InteractiveBrowser", ANYWHERE, "refbrowser *" },
	{ "StreamBrowser", ANYWHERE, "refbrowser *" },
	{ "ReferenceGraph", ANYWHERE, "graph *" },
	{ "GarbageGraph", ANYWHERE, "garbage graph" },
	{ "start_debug_garbage", ANYWHERE, "garbage, or cycles garbage" },
	{ "end_debug_garbage", ANYWHERE, "garbage, or cycles garbage" },
	/* Heapy */
	{ "hpy", CALLED, "heap" },
	{ "get_shpaths", METHOD, "sp * src=(OBJ)" },
	{ "get_shpaths", ANYWHERE, "sp *" },
	{ "pb", CALLED, "heap, and _[N] goes into row N" },
	{ "monitor", CALLED, "heapsh attach PID, from outside" },
	/* objgraph */
	{ "show_most_common_types", ANYWHERE, "heap.bytype" },
	{ "most_common_types", ANYWHERE, "heap.bytype" },
	{ "typestats", ANYWHERE, "heap.bytype" },
	{ "by_type", ANYWHERE, "find type=*" },
	{ "show_growth", ANYWHERE, "track start, then track diff" },
	{ "growth", CALLED, "track start, then track diff" },
	{ "get_new_ids", ANYWHERE, "x = heap, and after snap: heap - x" },
	{ "show_backrefs", ANYWHERE, "refbrowser *" },
	{ "show_refs", ANYWHERE, "refbrowser * of=referents" },
	{ "find_backref_chain", ANYWHERE, "sp *" },
	{ "find_ref_chain", ANYWHERE, "pathsout *" },
	{ "show_chain", ANYWHERE, "sp *" },
	{ "is_proper_module", ANYWHERE, "sp OBJ" },
	{ "get_leaking_objects", ANYWHERE, "orphans" },
	/* gc, sys, inspect */
	{ "get_referrers", ANYWHERE, "iso(*).referrers" },
	{ "get_referents", ANYWHERE, "refs *" },
	{ "get_objects", ANYWHERE, "heap" },
	{ "is_tracked", ANYWHERE, "show *" },
	{ "getrefcount", ANYWHERE, "show *" },
	{ "getsizeof", ANYWHERE, "flatsize *" },
	{ "_current_frames", ANYWHERE, "frames" },
	{ "getmembers", ANYWHERE, "show *" },
	{ "collect", CALLED,
	  "garbage: what a collection would free; nothing is collected" },
	/* tracemalloc, memory_profiler and others that run inside */
	{ "take_snapshot", ANYWHERE,
	  "heap.byprod, of a program that takes notes" },
	{ "get_traced_memory", ANYWHERE,
	  "heap.byprod, of a program that takes notes" },
	{ "get_object_traceback", ANYWHERE, "iso(*).prod" },
	{ "compare_to", ANYWHERE,
	  "track diff, or SET.byprod.diff(SET.byprod)" },
	{ "statistics", CALLED,
	  "heap.byprod, of a program that takes notes" },
	{ "memory_usage", CALLED, "heap.size" },
	/* whole tools, when nothing else on the line is known */
	{ "guppy", TOOL, "heap" },
	{ "muppy", TOOL, "summary" },
	{ "pympler", TOOL, "asizeof OBJ, summary, track start" },
	{ "objgraph", TOOL, "heap.bytype" },
	{ "tracemalloc", TOOL,
	  "heap.byprod, of a program that takes notes" },
	{ "gc", FIRST, "heap has every object; nothing is collected" },
	{ "sys", FIRST, "flatsize OBJ is what sys.getsizeof answers" },
	{ "h", FIRST, "heap" },
	{ "hp", FIRST, "heap" },
	{ "Root", FIRST, "sp OBJ shows the ways from the roots, by name" },
	{ "get_rows", CALLED, "rows SET" },
	{ "gcore", FIRST, "snap NAME takes an instant" },
	/* of the program's own language */
	{ "dir", FUNCTION, "show *" },
	{ "vars", FUNCTION, "show *" },
	{ "hasattr", FUNCTION, "show *" },
	{ "getattr", FUNCTION, "OBJ.name" },
	{ "isinstance", FUNCTION, "* in CLASS, or heap & CLASS" },
	{ "print", FUNCTION, "an expression prints itself: *" },
	{ "repr", FUNCTION, "an expression prints itself: *" },
	{ "str", FUNCTION, "an expression prints itself: *" },
	{ "list", FUNCTION, "an expression prints itself: *" },
	{ "sum", FUNCTION, "SET.size is the sum of flat sizes" },
	{ "sorted", FUNCTION, "find orders by size; so does SET.byid" },
	{ "keys", METHOD, "show *" },
	{ "values", METHOD, "show *" },
	{ "items", METHOD, "show *" },
	{ "get", METHOD, "*['key']" },
	{ "type", VERB, "type(*)" },
	{ "len", VERB, "len(*)" },
	{ "id", VERB, "id(*)" },
	/* what others, and later versions, have as verbs */
	{ "ls", VERB, "show *, or !ls" },
	{ "cd", VERB, "!cd has no effect here: start heapsh there" },
	{ "pwd", VERB, "!pwd" },
	{ "clear", VERB, "Ctrl-L" },
	{ "print", VERB, "an expression prints itself" },
	{ "ps", VERB, "!ps" },
	{ "bt", VERB, "frames" },
	{ "stack", VERB, "frames" },
	{ "backtrace", VERB, "frames" },
	{ "count", VERB, "len(*)" },
	{ "size", VERB, "asizeof *" },
	{ "sizeof", VERB, "asizeof *, or flatsize *" },
	{ "referrers", VERB, "pathsin *, or iso(*).referrers" },
	{ "referents", VERB, "refs *" },
	{ "leaks", VERB, "track start, then track diff" },
	{ "leak", VERB, "track start, then track diff" },
	{ "watch", VERB, "track start, then track diff when you like" },
	{ "every", VERB, "track start, then track diff when you like" },
	{ "diff", VERB, "summary diff A B, or SET.diff(SET)" },
	{ "survivors", VERB, "a & b, of two instants' sets" },
	{ "classtrack", VERB, "track start, then track diff" },
	{ "ledger", VERB, "heap.held, waste and duplicates; RSS by cause is "
			  "not in this version" },
	{ "save", VERB, "!gcore PID, and open FILE later" },
	{ "dump", VERB, "heap.dump('FILE') keeps rows; !gcore PID all" },
	{ "report", VERB, "COMMAND > FILE" },
	{ "record", VERB, "a line over time is not in this version: "
			  "track diff" },
	{ "mprof", VERB, "a line over time is not in this version: "
			 "track diff" },
	{ "plot", VERB, "graph *" },
	{ "lines", VERB, "a table by line is not in this version: "
			 "heap.byprod, of a program that takes notes" },
	{ "profile", VERB, "a table by line is not in this version: "
			  "heap.byprod, of a program that takes notes" },
	{ "memory_profiler", TOOL,
	  "a table by line is not in this version: "
	  "heap.byprod, of a program that takes notes" },
	{ "memit", ANYWHERE, "heap.held" },
	{ "continue", VERB, "it runs: detach, or quit" },
	{ "run", VERB, "heapsh run PROG, in another terminal" },
};

/* --- the line that failed ------------------------------------------------- */

/* A word of the line, and what is around it. */
struct found {
	const char *at;
	size_t n;
};

static bool is_word(const struct found *f, const char *word)
{
	return strlen(word) == f->n && !memcmp(word, f->at, f->n);
}

static bool stands(const char *line, const struct found *f, enum where where)
{
	size_t before = (size_t)(f->at - line);

	size_t start = lg_skip_blanks(line, 0);
	bool first = start + (line[start] == '@') == before;
	bool dotted = before && f->at[-1] == '.';
	char next = f->at[f->n];

	switch (where) {
	case ANYWHERE:
	case TOOL:
		return true;
	case CALLED:
		return next == '(';
	case FUNCTION:
		return next == '(' && !dotted;
	case METHOD:
		return next == '(' && dotted;
	case VERB:
		return first && (!next || lg_is_blank(next));
	case FIRST:
	default:
		return first;
	}
}

/* The row of the table that f is, or its size. */
static size_t row_of(const char *line, const struct found *f, bool tools)
{
	size_t i = 0;

	while (i < HS_ARRAY_SIZE(words) &&
	       !(tools == (words[i].where >= TOOL) &&
		 is_word(f, words[i].word) && stands(line, f, words[i].where)))
		i++;
	return i;
}

/* Steps to the next word of the line that is no text; false: none is left. */
static bool next_word(struct found *f)
{
	const char *p = f->at + f->n;
	char quote = 0;

	for (; *p && (quote || !lg_is_name_byte(*p)); p++) {
		if (quote && *p == '\\' && p[1])
			p++;
		else if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
	}
	f->at = p;
	for (f->n = 0; lg_is_name_byte(p[f->n]);)
		f->n++;
	return f->n;
}

/* Bytes of the first argument at p, up to its comma or parenthesis. */
static size_t argument_length(const char *p)
{
	size_t depth = 0, i;

	for (i = 0; p[i]; i++) {
		if (strchr("([{", p[i]))
			depth++;
		else if (strchr(")]}", p[i]) && !depth--)
			break;
		else if (p[i] == ',' && !depth)
			break;
	}
	return p[i] ? i : 0;
}

enum { MAX_ARGUMENT = 60 }; /* bytes of one that is said again */

/*
 * "x" of f(x, …), f([x]), f('x') and "f x"; "OBJ" where there is none, or where
 * that is a call, which would be of another tool, too.
 */
static char *argument_of(const struct found *f)
{
	const char *p = f->at + f->n;
	size_t n = strlen(p);

	if (*p == '(')
		n = argument_length(++p);
	else if (lg_is_blank(*p)) {
		n -= lg_skip_blanks(p, 0);
		p += lg_skip_blanks(p, 0);
	}
	if (n > 2 && (*p == '[' || *p == '\'' || *p == '"')) {
		p++;
		n -= 2;
	}
	if (!n || n > MAX_ARGUMENT || memchr(p, '(', n) || memchr(p, ' ', n) ||
	    memchr(p, ',', n))
		return hs_xstrdup("OBJ");
	return hs_xstrndup(p, n);
}

/* "a.b" of a.b.keys(), when the line begins with it. */
static char *receiver_of(const char *line, const struct found *f)
{
	size_t from = lg_skip_blanks(line, 0), to = (size_t)(f->at - line) - 1;

	if (memchr(line + from, ' ', to - from) || to - from > MAX_ARGUMENT)
		return hs_xstrdup("OBJ");
	return hs_xstrndup(line + from, to - from);
}

/* "flatsize *" with the argument for each star. */
static struct hs_err *say(struct hs_err *err, const char *line, size_t row,
			  const struct found *f)
{
	HS_FREE char *arg = words[row].where == METHOD ? receiver_of(line, f) :
							 argument_of(f);
	HS_TEXT t = { 0 };

	for (const char *p = words[row].here; *p; p++) {
		if (*p == '*')
			hs_text_add(&t, arg);
		else
			hs_text_addc(&t, *p);
	}
	return hs_err_remedy(err, "%s", hs_text_str(&t));
}

/* --- hp.heap() ------------------------------------------------------------ */

static bool is_ours(const struct lg_session *s, const char *word, size_t n)
{
	static const char *const tables[] = { "words", "functions",
					      "relations" };
	const struct found f = { word, n };
	const struct lg_word *w;

	if (lg_verb_named(s, word, n))
		return true;
	for (size_t t = 0; t < HS_ARRAY_SIZE(tables); t++)
		for (size_t i = 0; (w = lg_words_of(tables[t], i)); i++)
			if (is_word(&f, w->name))
				return true;
	return false;
}

/* What stands behind the name of another tool, when it is a word of ours. */
static const char *without_prefix(const struct lg_session *s, const char *line)
{
	const char *p = line + lg_skip_blanks(line, 0);
	size_t n;

	for (size_t i = 0; i < HS_ARRAY_SIZE(prefixes); i++) {
		size_t k = strlen(prefixes[i]);

		if (strncmp(p, prefixes[i], k) || p[k] != '.')
			continue;
		for (n = 0; lg_is_name_byte(p[k + 1 + n]);)
			n++;
		if (n && is_ours(s, p + k + 1, n))
			return p + k + 1;
	}
	return NULL;
}

/* "hp = heap" was typed before: then hp is the user's own. */
static bool is_variable(const struct lg_session *s, const char *word, size_t n)
{
	HS_FREE char *name = hs_xstrndup(word, n);

	return hs_strmap_get(&s->variables, name);
}

/* The first word of the line that is in the table; false: none is. */
static bool find_word(const struct lg_session *s, const char *line, bool tools,
		      struct found *f, size_t *row)
{
	*f = (struct found){ line, 0 };
	while (next_word(f)) {
		if (is_variable(s, f->at, f->n))
			continue;
		*row = row_of(line, f, tools);
		if (*row < HS_ARRAY_SIZE(words))
			return true;
	}
	return false;
}

struct hs_err *lg_elsewhere(const struct lg_session *s, const char *line,
			    struct hs_err *err)
{
	const char *ours = without_prefix(s, line);
	struct found f;
	size_t row;

	// What stands behind it is the program's own: df.memory_usage()
	if (!strncmp(line + lg_skip_blanks(line, 0), "call ", 5))
		return err;
	if (ours)
		return hs_err_remedy(err, "%s", ours);
	if (!find_word(s, line, false, &f, &row) &&
	    !find_word(s, line, true, &f, &row))
		return err;
	// "for x in heap: print(x)": what is wrong with it is said already
	if (words[row].where == FUNCTION && err->code == HS_ERR_USAGE)
		return err;
	return say(err, line, row, &f);
}
