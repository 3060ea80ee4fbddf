/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peek PID VERSION: answers, line by line, what the CPython plugin's reading
 * parts make of a process that holds still. VERSION as in sys.version_info[:3],
 * "3.12.1". Each command is one line; each answer ends in a line with a dot.
 */
#include "peek_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "lookup.h"
#include "render.h"
#include "roots.h"
#include "threads.h"

static struct cpython_mem mem;
static struct cpython_threads *threads;

static uint64_t number(const char *s)
{
	return strtoull(s, NULL, 0);
}

/* What is left of the command that is being answered. */
static char *line;

static const char *word(void)
{
	const char *w = line ? strsep(&line, " ") : NULL;

	return w ? w : "";
}

static struct heapsh_text rest(void)
{
	return cpython_text(line ? line : "");
}

static void render(uint32_t style)
{
	uint64_t addr = number(word());
	uint64_t cap = number(word());
	char *buf = malloc(cap ? cap : 1);
	uint64_t n = cpython_render(&mem, addr, style, buf, cap);

	fwrite(buf, 1, n < cap ? n : cap, stdout);
	printf("\n");
	free(buf);
}

/* i5 n sTEXT bTEXT f1.5 T F, and tuples as ( … ) */
static struct heapsh_key key(void)
{
	struct heapsh_key k = { 0 };
	const char *w = word();

	switch (w[0]) {
	case 'i':
		k.kind = HEAPSH_KEY_INT;
		k.i = strtoll(w + 1, NULL, 0);
		break;
	case 'f':
		k.kind = HEAPSH_KEY_FLOAT;
		k.f = strtod(w + 1, NULL);
		break;
	case 'T':
	case 'F':
		k.kind = HEAPSH_KEY_BOOL;
		k.i = w[0] == 'T';
		break;
	case 's':
		k.kind = HEAPSH_KEY_STR;
		k.text = cpython_text(w + 1);
		break;
	case 'b':
		k.kind = HEAPSH_KEY_BYTES;
		k.text = cpython_text(w + 1);
		break;
	case '(': {
		// kept until the end: there are few
		struct heapsh_key *items = calloc(8, sizeof(*items));

		while (k.n_items < 8 &&
		       (items[k.n_items] = key()).kind != UINT32_MAX)
			k.n_items++;
		k.kind = HEAPSH_KEY_TUPLE;
		k.items = items;
		break;
	}
	case ')':
		k.kind = UINT32_MAX;
		break;
	default:
		k.kind = HEAPSH_KEY_NONE;
	}
	return k;
}

static int print_name(void *arg, struct heapsh_text name, uint64_t target)
{
	(void)arg;
	printf("%.*s %#llx\n", (int)name.n, name.s,
	       (unsigned long long)target);
	return 1;
}

static void print_variables(uint32_t t, uint32_t f)
{
	struct heapsh_variable v;

	for (uint32_t i = 0; cpython_threads_variable(threads, t, f, i, &v);
	     i++)
		printf("var %s %.*s %#llx\n",
		       v.kind == HEAPSH_LABEL_STACK ? "stack" : "local",
		       (int)v.name.n, v.name.s, (unsigned long long)v.target);
}

static void print_threads(void)
{
	struct heapsh_thread t;
	struct heapsh_frame f;

	for (uint32_t i = 0; cpython_threads_thread(threads, i, &t); i++) {
		printf("thread %d %llu %.*s\n", t.tid,
		       (unsigned long long)t.ident, (int)t.name.n, t.name.s);
		for (uint32_t j = 0;
		     cpython_threads_frame_info(threads, i, j, &f); j++) {
			printf("frame %u %.*s ", f.line, (int)f.function.n,
			       f.function.s);
			printf("%.*s\n", (int)f.file.n, f.file.s);
			print_variables(i, j);
		}
	}
}

static void print_root(void *arg, const struct heapsh_root *root)
{
	(void)arg;
	printf("%u %#llx %.*s\n", root->flags,
	       (unsigned long long)root->target, (int)root->name.n,
	       root->name.s);
}

static const struct cpython_root_sink roots = { print_root, NULL };

static void print_address(uint64_t addr)
{
	printf("%#llx\n", (unsigned long long)addr);
}

static void answer(void)
{
	const char *verb = word();

	if (strcmp(verb, "repr") == 0) {
		render(HEAPSH_RENDER_REPR);
	} else if (strcmp(verb, "text") == 0) {
		render(HEAPSH_RENDER_TEXT);
	} else if (strcmp(verb, "lookup") == 0) {
		print_address(cpython_lookup(&mem, rest()));
	} else if (strcmp(verb, "attr") == 0) {
		uint64_t addr = number(word());

		print_address(cpython_attr(&mem, addr, rest()));
	} else if (strcmp(verb, "item") == 0) {
		uint64_t addr = number(word());
		struct heapsh_key k = key();

		print_address(cpython_item(&mem, addr, &k));
	} else if (strcmp(verb, "names") == 0) {
		uint64_t addr = number(word());

		cpython_names(&mem, addr, rest(), print_name, NULL);
	} else if (strcmp(verb, "threads") == 0) {
		print_threads();
	} else if (strcmp(verb, "roots") == 0) {
		cpython_roots(&mem, threads, 0, &roots);
	} else if (strcmp(verb, "collector") == 0) {
		cpython_roots_of_collector(&mem, NULL, 0, &roots);
	} else {
		printf("? %s\n", verb);
	}
}

int main(int argc, char **argv)
{
	char buf[65536];
	int minor, patch, exact;

	if (argc != 3 || sscanf(argv[2], "3.%d.%d", &minor, &patch) != 2)
		return 2;
	mem.host = &peek_host;
	mem.im = peek_open((int)number(argv[1]));
	mem.lay = cpython_layout_find(minor, patch, 0, &exact);
	if (!mem.im || !mem.lay)
		return 3;
	mem.minor = minor;
	mem.runtime = peek_host.symbol(mem.im, NULL, "_PyRuntime", NULL);
	mem.interp = cpython_field(&mem, mem.runtime,
				   mem.lay->runtime_interp_main);
	threads = cpython_threads_create(&mem);
	if (!mem.interp || !threads)
		return 4;
	while (fgets(buf, sizeof(buf), stdin)) {
		buf[strcspn(buf, "\n")] = '\0';
		line = buf;
		answer();
		printf(".\n");
		fflush(stdout);
	}
	cpython_threads_destroy(threads);
	peek_close(mem.im);
	return 0;
}
