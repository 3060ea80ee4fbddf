// SPDX-License-Identifier: Apache-2.0
// Optional interfaces: a plugin that has none leaves get_interface NULL.
#include "example.h"

#include <string.h>

static int thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	const struct state *s = state;

	if (index >= s->heap.n_threads || index >= EX_THREADS_MAX)
		return 0;
	ret->tid = s->heap.threads[index].tid;
	ret->ident = index + 1;
	ret->name.s = index ? "worker" : "main";
	ret->name.n = strlen(ret->name.s);
	return 1;
}

// The toy runtime has one frame a thread: its function is called "run".
static int frame(void *state, uint32_t index, uint32_t n,
		 struct heapsh_frame *ret)
{
	const struct state *s = state;

	if (index >= s->heap.n_threads || index >= EX_THREADS_MAX || n)
		return 0;
	ret->address = s->heap.threads[index].locals;
	ret->line = 1;
	ret->function.s = "run";
	ret->function.n = 3;
	ret->file.s = "example.toy";
	ret->file.n = 11;
	return 1;
}

static int variable(void *state, uint32_t index, uint32_t n, uint32_t i,
		    struct heapsh_variable *ret)
{
	const struct ex_object *o;
	const struct state *s = state;

	if (index >= s->heap.n_threads || index >= EX_THREADS_MAX || n)
		return 0;
	o = example_get(s, NULL, s->heap.threads[index].locals);
	if (!o || o->type != EX_TABLE || i >= o->n / 2)
		return 0;
	ret->kind = HEAPSH_LABEL_LOCAL;
	ret->target = o->slot[2 * i + 1];
	o = example_get(s, NULL, o->slot[2 * i]);
	if (o && o->type == EX_TEXT) {
		ret->name.s = (const char *)o->slot;
		ret->name.n = o->n;
	}
	return 1;
}

static void each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	const struct state *s = state;

	fn(arg, (struct heapsh_text){ "main", 4 }, s->heap.globals);
}

static const struct heapsh_threads threads = {
	.size = sizeof(threads), .thread = thread, .frame = frame,
	.variable = variable,
};
static const struct heapsh_modules modules = {
	.size = sizeof(modules), .each = each_module,
};

const void *example_get_interface(const char *name)
{
	if (!strcmp(name, HEAPSH_THREADS_0))
		return &threads;
	return strcmp(name, HEAPSH_MODULES_0) ? NULL : &modules;
}
