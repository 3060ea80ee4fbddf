// SPDX-License-Identifier: Apache-2.0
// Answers everything, and nothing of it keeps the rules of plugin.h. Optional
// members are left out here and there.
#include "bad.h"

#include <string.h>

enum { BASE = 0x10000 };

static const struct heapsh_host *host;

static void probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	(void)im;
	ret->answer = HEAPSH_YES;
	ret->confidence = 4000000000u;
	memset(ret->runtime, '\033', sizeof(ret->runtime));
	memset(ret->version, 0xff, sizeof(ret->version));
	memset(ret->reason, 'x', sizeof(ret->reason));
}

static void settle(struct heapsh_image *im, struct heapsh_settle *ret)
{
	(void)im;
	ret->n_writes = 1000000;
	ret->thread = 77;
	memset(ret->why, 'w', sizeof(ret->why));
}

static const char *open_liar(struct heapsh_image *im, void **state,
			     struct heapsh_status *ret)
{
	struct heapsh_type t = { .size = sizeof(t), .flags = UINT32_MAX,
				 .name = { "bad\033name", 8 },
				 .basic_size = UINT64_MAX };
	int i;

	memset(ret, 0xff, sizeof(*ret));
	host->type(im, &t);
	t.name.s = NULL;
	t.name.n = UINT64_MAX;
	host->type(im, &t);
	for (i = 0; i < 1000; i++)
		host->diag(im, 99, "the\nsame");
	*state = im;
	return NULL;
}

static uint32_t ranges(void *state, struct heapsh_range *ret, uint32_t cap,
		       uint64_t *grain)
{
	static const struct heapsh_range all[] = {
		{ 0x30000, 0x20000 }, { 0x18000, 0x28000 },
		{ 0x10000, 0x20000 }, { 0x10000, 0x10000 },
	};

	(void)state;
	*grain = 0x10000;
	memcpy(ret, all, (cap < 4 ? cap : 4) * sizeof(*ret));
	return 4;
}

static void emit(struct heapsh_sink *sink, uint64_t addr, uint32_t type)
{
	struct heapsh_object o = { addr, type, UINT32_MAX, UINT64_MAX,
				   UINT64_MAX, 3 };
	struct heapsh_edge e = { UINT32_MAX & ~(uint32_t)HEAPSH_EDGE_FOUND &
					 ~(uint32_t)HEAPSH_EDGE_MAYBE,
				 1234, addr, 1, 1, NULL };

	sink->object(sink, &o);
	sink->edge(sink, &e);
	e.flags = UINT32_MAX;			// FOUND, which nobody wanted
	sink->edge(sink, &e);
}

static void sweep(void *state, const struct heapsh_chunk *c,
		  struct heapsh_sink *sink)
{
	struct heapsh_edge e = { 0 };

	(void)state;
	sink->edge(sink, &e);			// before any object
	emit(sink, c->address + 64, 0);
	emit(sink, c->address + 64, 0);		// twice
	emit(sink, c->address + 32, 0);		// backwards
	emit(sink, c->address - 8, 0);		// before the chunk
	emit(sink, c->address + c->len, 0);	// behind it
	emit(sink, c->address + 128, 4000000);	// of no type
	sink->nothing(sink, 1);
}

static void at(void *state, const uint64_t *addr, uint32_t n,
	       struct heapsh_sink *sink)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < n; i++) {
		emit(sink, BASE, 0);		// another than was asked for
		emit(sink, addr[i], 9);
		emit(sink, addr[i], 0);
	}
}

static void roots(void *state,
		  void (*fn)(void *arg, const struct heapsh_root *root),
		  void *arg)
{
	struct heapsh_root r = { .size = 4 };

	(void)state;
	fn(arg, NULL);
	fn(arg, &r);
	r.size = sizeof(r);
	r.flags = UINT32_MAX;
	r.name.n = UINT64_MAX;
	fn(arg, &r);
}

static uint64_t render(void *state, uint64_t addr, uint32_t style, char *buf,
		       uint64_t cap)
{
	(void)state;
	(void)style;
	if (addr == 1)
		return 0;
	memset(buf, addr == 2 ? 0xe2 : '\a', cap);
	return UINT64_MAX;
}

static int names_without_end(void *state, heapsh_name_fn *fn, void *arg)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < 3000000; i++)
		fn(arg, (struct heapsh_text){ NULL, 9 }, i);
	return 0;
}

static void names(void *state, uint64_t addr, struct heapsh_text prefix,
		  heapsh_name_fn *fn, void *arg)
{
	(void)addr;
	(void)prefix;
	names_without_end(state, fn, arg);
}

static const void *get_interface(const char *name)
{
	static const struct heapsh_threads half = { .size = 16 };
	static const struct heapsh_content none = { .size = sizeof(none) };

	if (!strcmp(name, HEAPSH_THREADS_0))
		return &half;
	return strcmp(name, HEAPSH_CONTENT_0) ? NULL : &none;
}

static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin), .probe = probe, .settle = settle,
	.open = open_liar, .ranges = ranges, .sweep = sweep, .at = at,
	.roots = roots, .render = render, .names = names,
	.get_interface = get_interface,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
