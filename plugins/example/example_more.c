// SPDX-License-Identifier: Apache-2.0
// The optional interfaces, added to the plugin of example.c: threads, modules,
// content, allocation sites, the collector and its finalizers, how full
// containers are. What a plugin does not offer is said to be not known.
#include <heapsh/plugin.h>

heapsh_entry_fn example_plugin;
#define heapsh_plugin_0 example_plugin
#include "example.c"
#undef heapsh_plugin_0
#ifndef EXAMPLE_ENTRY	// tests build on this plugin, as it does on example.c
#define EXAMPLE_ENTRY heapsh_plugin_0
#endif

// A text object's bytes; no text: none.
static struct heapsh_text text_at(void *state, uint64_t addr)
{
	const struct ex_object *o = object((struct state *)state, NULL, addr);
	struct heapsh_text t = { "", 0 };

	if (o && o->type == EX_TEXT) {
		t.s = (const char *)o->slot;
		t.n = o->n;
	}
	return t;
}

// --- threads: one frame each, whose function is called "run" ----------------

static const struct ex_thread *thread_at(void *state, uint32_t index)
{
	const struct ex_heap *h = &((struct state *)state)->h;

	return index < h->n_threads && index < EX_THREADS_MAX ?
	       &h->threads[index] : NULL;
}

static int thread(void *state, uint32_t index, struct heapsh_thread *ret)
{
	const struct ex_thread *t = thread_at(state, index);

	if (!t)
		return 0;
	ret->tid = t->tid;
	ret->ident = index + 1;
	ret->name = heapsh_text_of(index ? "worker" : "main");
	return 1;
}

static int frame(void *state, uint32_t index, uint32_t n,
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

static int variable(void *state, uint32_t index, uint32_t n, uint32_t i,
		    struct heapsh_variable *ret)
{
	const struct ex_thread *t = thread_at(state, index);
	const struct ex_object *o;
	uint64_t name;

	if (!t || n)
		return 0;
	o = object((struct state *)state, NULL, t->locals);
	if (!o || o->type != EX_TABLE || i >= o->n / 2)
		return 0;
	name = o->slot[2 * i];
	ret->kind = HEAPSH_LABEL_LOCAL;
	ret->target = o->slot[2 * i + 1];
	ret->name = text_at(state, name);
	return 1;
}

// --- modules: there is one ---------------------------------------------------

static void each_module(void *state, heapsh_name_fn *fn, void *arg)
{
	fn(arg, heapsh_text_of("main"), ((struct state *)state)->h.globals);
}

// --- content: equal texts are equal; what can change has none ----------------

static uint64_t hash(void *state, uint64_t addr)
{
	struct heapsh_text t = text_at(state, addr);
	uint64_t h = UINT64_C(0xcbf29ce484222325);	// FNV-1a

	for (uint64_t i = 0; i < t.n; i++)
		h = (h ^ (uint8_t)t.s[i]) * UINT64_C(0x100000001b3);
	return t.n ? h : 0;
}

// --- allocation sites: the runtime keeps notes of some objects ---------------

static int active(void *state)
{
	return ((struct state *)state)->h.n_sites != 0;
}

static int site(void *state, uint64_t addr, uint32_t index,
		struct heapsh_site *ret)
{
	const struct state *s = (const struct state *)state;
	struct ex_site e;

	// the number is the process's word: looked through with a bound
	for (uint32_t i = 0; !index && i < s->h.n_sites && i < EX_SITES_MAX &&
	     heapsh_read(host, s->im, s->h.sites + i * sizeof(e), &e,
			 sizeof(e)); i++) {
		if (e.object != addr)
			continue;
		ret->id = ret->line = e.line;
		ret->file = heapsh_text_of("bank.toy");
		return 1;
	}
	return 0;
}

// --- the collector: it looks at all but texts, and "finally" is run ----------

static uint32_t flags(void *state, uint64_t addr)
{
	const struct ex_object *o = object((struct state *)state, NULL, addr);
	uint32_t f = o && o->type != EX_TEXT ? HEAPSH_COLLECTOR_TRACKED : 0;
	struct heapsh_text key;
	uint64_t table;

	if (!o || o->type < EX_RECORD || o->n < 2)
		return f;
	table = o->slot[0];
	for (uint32_t i = 0; (o = object((struct state *)state, NULL, table)) &&
	     o->type == EX_TABLE && i + 1 < o->n; i += 2) {
		// the key's two views leave those of the table only just valid
		key = text_at(state, o->slot[i]);
		if (key.n == 7 && !memcmp(key.s, "finally", 7))
			return f | HEAPSH_COLLECTOR_FINALIZER;
	}
	return f;
}

// --- usage: what containers have room for ------------------------------------

static int usage(void *state, uint64_t addr, struct heapsh_usage *ret)
{
	const struct ex_object *o = object((struct state *)state, NULL, addr);
	uint32_t words;

	if (!o || (o->type != EX_LIST && o->type != EX_TABLE))
		return 0;
	words = o->type == EX_TABLE ? 2 : 1;
	ret->used = o->n / words;
	ret->capacity = o->cap / words;
	ret->unused_bytes = (uint64_t)(o->cap - o->n) * sizeof(uint64_t);
	return 1;
}

// Each table says how large it is: later hosts may know more of it.
static const void *interfaces(const char *name)
{
	static const struct heapsh_threads threads = {
		sizeof(threads), 0, thread, frame, variable };
	static const struct heapsh_modules modules = {
		sizeof(modules), 0, each_module };
	static const struct heapsh_content content = {
		sizeof(content), 0, hash };
	static const struct heapsh_sites sites = {
		sizeof(sites), 0, active, site,
		"let it run a FILE.toy: its lines are noted" };
	static const struct heapsh_collector collector = {
		sizeof(collector), 0, flags };
	static const struct heapsh_usages usages = {
		sizeof(usages), 0, usage };

	return !strcmp(name, HEAPSH_THREADS_0) ? (const void *)&threads :
	       !strcmp(name, HEAPSH_MODULES_0) ? (const void *)&modules :
	       !strcmp(name, HEAPSH_CONTENT_0) ? (const void *)&content :
	       !strcmp(name, HEAPSH_SITES_0) ? (const void *)&sites :
	       !strcmp(name, HEAPSH_COLLECTOR_0) ? (const void *)&collector :
	       !strcmp(name, HEAPSH_USAGE_0) ? (const void *)&usages : NULL;
}

const struct heapsh_plugin *EXAMPLE_ENTRY(const struct heapsh_host *h)
{
	static struct heapsh_plugin more;

	more = *example_plugin(h);
	more.get_interface = interfaces;
	return &more;
}
