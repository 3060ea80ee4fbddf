/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What keeps objects alive: the interpreters' and threads' own references,
 * named as Heapy's Root has them (i0_modules, i0_t140…_context), variables of
 * every frame, and static types. And what nothing may point to from within the
 * pools: the collector's lists.
 */
#ifndef CPYTHON_ROOTS_H
#define CPYTHON_ROOTS_H

#include "threads.h"

struct cpython_root_sink {
	void (*emit)(void *arg, const struct heapsh_root *root);
	void *arg;
};

/** All of it but the collector's lists. interned: up to 3.11, the dict; or 0 */
void cpython_roots(const struct cpython_mem *m, struct cpython_threads *ts,
		   uint64_t interned, const struct cpython_root_sink *sink);

/** Does the list that begins at this PyGC_Head come back to it? */
bool cpython_is_ring(const struct cpython_mem *m, uint64_t head);
/**
 * Head of generation i (0 to 2) of the collector whose state is given. Where
 * the row says; or four bytes before, where the oldest two are rings there and
 * not here: the members of PyGC_Head are aligned to 4 in 3.13.5
 * (Include/internal/pycore_gc.h; DWARF of Debian's), and to 8 in 3.13.0, and
 * which patches of the other minors have that is not known.
 */
uint64_t cpython_generation(const struct cpython_mem *m, uint64_t state, int i);
/**
 * Objects at the ends of the collector's lists that lie outside the n ranges,
 * which are sorted, as HEAPSH_ROOT_FOUND: a cycle of large ones is found in no
 * other way. Those between objects within the ranges come from the sweep
 * (HEAPSH_EDGE_FOUND in refs.c), so that the lists, which jump through all of
 * memory, are not walked.
 */
void cpython_roots_of_collector(const struct cpython_mem *m,
				const struct heapsh_range *pools, uint32_t n,
				const struct cpython_root_sink *sink);

#endif
