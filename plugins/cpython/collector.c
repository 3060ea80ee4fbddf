/* SPDX-License-Identifier: Apache-2.0 */
#include "roots.h"

#include "layout.h"

enum {
	/* NUM_GENERATIONS, CPython 3.8-3.13, Include/internal/pycore_gc.h */
	GENERATIONS = 3,
};

static bool is_within(const struct heapsh_range *ranges, uint32_t n,
		      uint64_t addr)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (addr < ranges[middle].start)
			high = middle;
		else if (addr >= ranges[middle].end)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static void emit(const struct cpython_root_sink *sink, uint64_t target)
{
	struct heapsh_root root = {
		.size = sizeof(root),
		.flags = HEAPSH_ROOT_FOUND,
		.target = target,
		.name = { "gc", 2 },
	};

	sink->emit(sink->arg, &root);
}

/* Where to look, and what must not be looked at again. */
struct pass {
	const struct cpython_mem *m;
	const struct heapsh_range *pools;
	uint32_t n_pools;
	const struct cpython_root_sink *sink;
};

/*
 * From the head along one kind of link, to the first object in the pools; the
 * sweep goes on from there. False: back at the head, it was the whole ring.
 */
static bool walk(struct pass *p, uint64_t head, int32_t link)
{
	const struct cpython_layout *l = p->m->lay;
	const uint64_t marks = CPYTHON_LINK_MARKS;
	struct cpython_chain chain = { 0 };
	uint64_t at = head;

	for (int64_t i = 0; !cpython_cancelled(p->m, i); i++) {
		at = cpython_field(p->m, at, link) & ~marks;
		if (at == head)
			return false;
		if (at == 0 || cpython_chain_repeats(&chain, at) ||
		    is_within(p->pools, p->n_pools, at))
			break;
		emit(p->sink, at + (unsigned)l->sizeof_gc_head);
	}
	return true;
}

/* One generation: a ring that begins and ends at its head. */
static void walk_ring(struct pass *p, uint64_t head)
{
	const struct cpython_layout *l = p->m->lay;

	if (walk(p, head, l->gc_next))
		walk(p, head, l->gc_prev);
}

/* The collector's state: the runtime's in 3.8, the interpreter's from 3.9. */
static uint64_t state_of(const struct cpython_mem *m, uint64_t interp)
{
	if (m->lay->interp_gc >= 0)
		return interp + (unsigned)m->lay->interp_gc;
	return m->runtime + (unsigned)m->lay->runtime_gc;
}

bool cpython_is_ring(const struct cpython_mem *m, uint64_t head)
{
	const struct cpython_layout *l = m->lay;
	const uint64_t marks = CPYTHON_LINK_MARKS;
	uint64_t next = cpython_field(m, head, l->gc_next) & ~marks;

	return (cpython_field(m, next, l->gc_prev) & ~marks) == head;
}

uint64_t cpython_generation(const struct cpython_mem *m, uint64_t state, int i)
{
	enum { LESS = 4 };	/* PyGC_Head aligned to 4: see roots.h */
	const struct cpython_layout *l = m->lay;
	uint64_t first = state + (unsigned)l->gc_generations +
			 (unsigned)l->gc_generation_head;
	uint64_t size = (unsigned)l->sizeof_gc_generation;
	uint64_t last = first + 2 * size;

	if (!cpython_is_ring(m, last) && cpython_is_ring(m, last - LESS) &&
	    cpython_is_ring(m, last - size - LESS))
		first -= LESS;
	return first + (uint64_t)i * size;
}

static void walk_all(struct pass *p, uint64_t state)
{
	const struct cpython_layout *l = p->m->lay;

	for (int i = 0; i < GENERATIONS; i++)
		walk_ring(p, cpython_generation(p->m, state, i));
	walk_ring(p, state + (unsigned)l->gc_permanent +
			     (unsigned)l->gc_generation_head);
}

void cpython_roots_of_collector(const struct cpython_mem *m,
				const struct heapsh_range *pools, uint32_t n,
				const struct cpython_root_sink *sink)
{
	struct pass p = { m, pools, n, sink };
	uint64_t interp = cpython_field(m, m->runtime,
					m->lay->runtime_interp_head);
	struct cpython_chain chain = { 0 };

	while (interp != 0 && !cpython_chain_repeats(&chain, interp)) {
		walk_all(&p, state_of(m, interp));
		if (m->lay->interp_gc < 0)
			return;
		interp = cpython_field(m, interp, m->lay->interp_next);
	}
}
