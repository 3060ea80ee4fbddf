// SPDX-License-Identifier: Apache-2.0
// A whole plugin, for the toy runtime of toyheap.h: HACKING.md, "Write a
// plugin", walks through it. It is C that a C++ compiler takes as well.
#include <heapsh/plugin.h>
#include <stdlib.h>

#include "toyheap.h"

static const struct heapsh_host *host;

// What open() found. Read-only from then on: sweeps run in several threads.
struct state {
	struct heapsh_image *im;
	struct ex_heap h;		// a copy
	uint32_t type[EX_TYPES];	// the host's numbers of the types
};

// The process runs meanwhile: a symbol and a few words have to decide.
static void probe(struct heapsh_image *im, struct heapsh_claim *ret)
{
	struct ex_heap h;

	if (heapsh_read_symbol(host, im, EX_HEAP, &h, sizeof(h)) &&
	    !memcmp(h.magic, EX_MAGIC, sizeof(h.magic)))
		heapsh_answer_claim(ret, h.version == 1 ? HEAPSH_YES :
			HEAPSH_REFUSED, "Example", "1",
			"of example_heap, version 1 can be read");
}

// An instant begins. The answer says what is wrong with it; NULL: all is well.
static const char *begin(struct heapsh_image *im, void **ret,
			 struct heapsh_status *status)
{
	static const char *const names[EX_TYPES] = EX_NAMES;
	struct state *s = (struct state *)(*ret = calloc(1, sizeof(*s)));

	if (!s || !heapsh_read_symbol(host, im, EX_HEAP, &s->h, sizeof(s->h)))
		return free(s), "example_heap cannot be read";
	s->im = im;
	for (uint32_t i = EX_TEXT; i < EX_TYPES; i++)
		s->type[i] = heapsh_add_type(host, im, names[i],
			i == EX_TEXT ? HEAPSH_TYPE_LEAF | HEAPSH_TYPE_TEXT :
			i == EX_TABLE ? HEAPSH_TYPE_TABLE :
			HEAPSH_TYPE_OWNS_TABLE, ex_basic(i), ex_item(i));
	snprintf(status->layout, sizeof(status->layout), "toyheap.h");
	return NULL;
}

// The object at any number that might be an address, with its slots, or NULL.
static const struct ex_object *object(const struct state *s, void *reader,
				      uint64_t addr)
{
	const struct ex_object *o = (const struct ex_object *)
		host->view(s->im, reader, addr, EX_HEAD);

	return !o || !ex_is_object(o, addr) ? NULL : (const struct ex_object *)
		host->view(s->im, reader, addr, ex_size(o->type, o->n));
}

// References, labelled as the runtime's users would name them.
static void edges(const struct ex_object *o, struct heapsh_sink *sink)
{
	for (uint32_t i = 0; o->type == EX_LIST && i < o->n; i++)
		heapsh_add_item(sink, i, o->slot[i]);
	for (uint32_t i = 0; o->type == EX_TABLE && i + 1 < o->n; i += 2)
		heapsh_add_pair(sink, i / 2, o->slot[i], o->slot[i + 1]);
	if (o->type < EX_RECORD || o->n < 2)
		return;
	heapsh_add_field(sink, "table", o->slot[0], HEAPSH_EDGE_TABLE);
	heapsh_add_field(sink, "owner", o->slot[1], HEAPSH_EDGE_WEAK);
}

// At each address: the object that begins there and, if wanted, its references.
static void at(void *state, const uint64_t *addr, uint32_t n,
	       struct heapsh_sink *sink)
{
	const struct state *s = (const struct state *)state;

	for (; n--; addr++) {
		const struct ex_object *o = object(s, sink->reader, *addr);

		if (!o)
			continue;
		heapsh_add_object(sink, *addr, s->type[o->type],
				  ex_size(o->type, o->n),
				  ex_size(o->type, o->cap), o->refs);
		if (sink->want & HEAPSH_WANT_EDGES)
			edges(o, sink);
	}
}

// The list of arenas may lie or go round in circles: its walk has a bound.
static uint32_t ranges(void *state, struct heapsh_range *ret, uint32_t cap,
		       uint64_t *grain)
{
	const struct state *s = (const struct state *)state;
	struct ex_arena a;
	uint32_t n = 0;

	*grain = EX_ARENA;	// no block lies across two arenas
	for (uint64_t p = s->h.arenas; n < EX_ARENAS_MAX &&
	     heapsh_read(host, s->im, p, &a, sizeof(a)); p = a.next)
		heapsh_put_range(ret, cap, n++, p, p + EX_ARENA);
	return n;
}

// Blocks lie one after another; a size that lies ends its arena, not us.
static void sweep(void *state, const struct heapsh_chunk *c,
		  struct heapsh_sink *sink)
{
	uint64_t i = sizeof(struct ex_arena), addr;

	for (; i + EX_HEAD <= c->len; i = ex_next(c->bytes, i)) {
		addr = c->address + i;
		at(state, &addr, 1, sink);
	}
}

static void roots(void *state, heapsh_root_fn *fn, void *arg)
{
	const struct ex_heap *h = &((const struct state *)state)->h;

	heapsh_add_root(fn, arg, h->globals, HEAPSH_ROOT_NAMESPACE, "globals");
	for (uint32_t i = 0; i < h->n_threads && i < EX_THREADS_MAX; i++)
		heapsh_add_root(fn, arg, h->threads[i].locals,
				HEAPSH_ROOT_LOCAL, "threads[%u].locals", i);
}

// Only the text of texts: what else is asked of an object, the host finds out.
static uint64_t render(void *state, uint64_t addr, uint32_t style, char *buf,
		       uint64_t cap)
{
	const struct ex_object *o = object((struct state *)state, NULL, addr);

	return o && o->type == EX_TEXT && style == HEAPSH_RENDER_TEXT ?
	       heapsh_put_text(buf, cap, o->slot, o->n) : 0;
}

static const struct heapsh_plugin plugin = {
	.size = sizeof(plugin), .abi_minor = HEAPSH_ABI_MINOR,
	.name = "example", .version = "1", .license = "Apache-2.0",
	.probe = probe, .open = begin, .close = free, .ranges = ranges,
	.sweep = sweep, .at = at, .roots = roots, .render = render };

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	host = h;
	return &plugin;
}
