/* SPDX-License-Identifier: Apache-2.0 */
/**
 * plugins/example with the interfaces that a first plugin does without: threads
 * and modules of the toy runtime. Included by plugins, once.
 */
#ifndef HS_TESTS_TOY_FULL_H
#define HS_TESTS_TOY_FULL_H

#include <heapsh/plugin.h>

heapsh_entry_fn example_plugin;
#define heapsh_plugin_0 example_plugin
#include "example.c"
#undef heapsh_plugin_0

static const struct ex_thread *thread_at(const void *state, uint32_t index)
{
	const struct ex_heap *h = &((const struct state *)state)->h;

	return index < h->n_threads && index < EX_THREADS_MAX ?
	       &h->threads[index] : NULL;
}

static inline int thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	const struct ex_thread *t = thread_at(state, index);

	if (!t)
		return 0;
	ret->tid = t->tid;
	ret->ident = index + 1;
	ret->name = heapsh_text_of(index ? "worker" : "main");
	return 1;
}

// The toy runtime has one frame a thread: its function is called "run".
static inline int frame(void *state, uint32_t index, uint32_t n,
		 struct heapsh_frame *ret)
{
	const struct ex_thread *t = thread_at(state, index);

	if (!t || n)
		return 0;
	ret->address = t->locals;
	ret->line = 1;
	ret->function = heapsh_text_of("run");
	ret->file = heapsh_text_of("example.toy");
	return 1;
}

static inline int variable(void *state, uint32_t index, uint32_t n, uint32_t i,
		    struct heapsh_variable *ret)
{
	const struct ex_thread *t = thread_at(state, index);
	const struct ex_object *o;

	if (!t || n)
		return 0;
	o = object(state, NULL, t->locals);
	if (!o || o->type != EX_TABLE || i >= o->n / 2)
		return 0;
	ret->kind = HEAPSH_LABEL_LOCAL;
	ret->target = o->slot[2 * i + 1];
	o = object(state, NULL, o->slot[2 * i]);
	if (o && o->type == EX_TEXT) {
		ret->name.s = (const char *)o->slot;
		ret->name.n = o->n;
	}
	return 1;
}

static inline void each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	const struct ex_heap *h = &((const struct state *)state)->h;

	fn(arg, heapsh_text_of("main"), h->globals);
}

static inline const void *full_interface(const char *name)
{
	static const struct heapsh_threads threads = {
		.size = sizeof(threads), .thread = thread, .frame = frame,
		.variable = variable,
	};
	static const struct heapsh_modules modules = {
		.size = sizeof(modules), .each = each_module,
	};

	if (!strcmp(name, HEAPSH_THREADS_0))
		return &threads;
	return strcmp(name, HEAPSH_MODULES_0) ? NULL : &modules;
}

#endif
