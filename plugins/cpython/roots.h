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
