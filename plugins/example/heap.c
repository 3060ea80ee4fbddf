// SPDX-License-Identifier: Apache-2.0
// Objects and references: the part that runs a hundred million times.
#include "example.h"

#include <stdio.h>
#include <string.h>

const struct ex_object *example_get(const struct state *s, void *reader,
				    uint64_t addr)
{
	const struct ex_object *o;

	o = s->host->view(s->im, reader, addr, sizeof(*o));
	if (!o || o->check != (addr ^ EX_CHECK) || o->type == EX_FREE ||
	    o->type >= EX_TYPES || o->n > o->cap || o->cap > EX_CAP_MAX)
		return NULL;
	return s->host->view(s->im, reader, addr, ex_size(o->type, o->n));
}

// References in the runtime's own order; of a table each key, then its value.
static void emit_edges(const struct ex_object *o, struct heapsh_sink *sink)
{
	uint32_t i;

	for (i = 0; i < o->n && o->type != EX_TEXT; i++) {
		struct heapsh_edge e = { .target = o->slot[i], .a = i };

		e.label = HEAPSH_LABEL_INDEX;
		if (o->type == EX_TABLE) {
			e.flags = i % 2 ? 0 : HEAPSH_EDGE_KEY;
			e.label = i % 2 ? HEAPSH_LABEL_VALUE : HEAPSH_LABEL_KEY;
			e.a = i % 2 ? o->slot[i - 1] : 0;
			e.b = i / 2;
		} else if (o->type >= EX_RECORD) {
			e.flags = i ? HEAPSH_EDGE_WEAK : HEAPSH_EDGE_TABLE;
			e.label = HEAPSH_LABEL_FIELD;
			e.text = i ? "owner" : "table";
		}
		if (e.target)
			sink->edge(sink, &e);
	}
}

static int emit(const struct state *s, struct heapsh_sink *sink, uint64_t addr)
{
	const struct ex_object *o = example_get(s, sink->reader, addr);
	struct heapsh_object out = { .address = addr };

	if (!o)
		return 0;
	out.type = s->type[o->type];
	out.flat = ex_size(o->type, o->n);	// what the runtime says
	out.held = ex_size(o->type, o->cap);	// what it asked for
	out.refcount = o->refs;
	sink->object(sink, &out);
	if (sink->want & HEAPSH_WANT_EDGES)
		emit_edges(o, sink);
	return 1;
}

uint32_t example_ranges(void *state, struct heapsh_range *ret, uint32_t cap,
			uint64_t *grain)
{
	const struct state *s = state;

	*grain = EX_ARENA;	// no block lies across two arenas
	memcpy(ret, s->arena, (cap < s->n_arenas ? cap : s->n_arenas) *
	       sizeof(*ret));
	return s->n_arenas;
}

// Blocks lie one after another; a size that lies ends its arena, not us.
void example_sweep(void *state, const struct heapsh_chunk *c,
		   struct heapsh_sink *sink)
{
	uint64_t base, end, at;

	for (base = 0; base + EX_ARENA <= c->len; base += EX_ARENA) {
		end = base + EX_ARENA - sizeof(struct ex_object);
		at = base + sizeof(struct ex_arena);
		while (at <= end) {
			emit(state, sink, c->address + at);
			at += ex_block((const void *)(c->bytes + at));
		}
	}
}

void example_at(void *state, const uint64_t *addr, uint32_t n,
		struct heapsh_sink *sink)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!emit(state, sink, addr[i]))
			sink->nothing(sink, addr[i]);
	}
}

void example_roots(void *state,
		   void (*fn)(void *arg, const struct heapsh_root *root),
		   void *arg)
{
	const struct state *s = state;
	struct heapsh_root r = { .size = sizeof(r), .target = s->heap.globals,
				 .name = { "globals", 7 } };
	uint32_t i;
	char name[32];

	fn(arg, &r);
	r.flags = HEAPSH_ROOT_LOCAL;
	r.name.s = name;
	for (i = 0; i < s->heap.n_threads && i < EX_THREADS_MAX; i++) {
		r.name.n = (uint64_t)snprintf(name, sizeof(name),
					      "threads[%u].locals", i);
		r.target = s->heap.threads[i].locals;
		fn(arg, &r);
	}
}
