/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What plugin.h lets a plugin offer beyond the heap itself: numbers of one
 * object, its content, and the modules.
 */
#ifndef CPYTHON_SERVICES_H
#define CPYTHON_SERVICES_H

#include "object.h"

/** struct heapsh_modules.each: names that are str, in the dict's order. */
void cpython_each_module(const struct cpython_mem *m, heapsh_name_fn *fn,
			 void *arg);

/** struct heapsh_types.may_have_attr, .may_have_items. */
bool cpython_may_have_attr(const struct cpython_mem *m, uint64_t type,
			   struct heapsh_text name);
bool cpython_may_have_items(const struct cpython_mem *m, uint64_t type);
/** struct heapsh_types.each_base: the method resolution order behind type. */
void cpython_each_base(const struct cpython_mem *m, uint64_t type,
		       heapsh_name_fn *fn, void *arg);

/**
 * heapsh_plugin.measure: basicsize, itemsize and leng as Pympler 1.1 answers
 * them inside the program, and what len() answers. 0: no object.
 */
int cpython_measure(const struct cpython *st, uint64_t addr,
		    struct heapsh_measure *ret);

/** So, of a type alone: basic_size and item_size. */
int cpython_measure_type(const struct cpython *st, uint64_t type,
			 struct heapsh_measure *ret);

/** struct heapsh_collector.flags */
uint32_t cpython_collector_flags(const struct cpython *st, uint64_t addr);

/** struct heapsh_usages.usage: list, dict and set, not what derives of them. */
int cpython_usage(const struct cpython *st, uint64_t addr,
		  struct heapsh_usage *ret);

/** struct heapsh_sites: tracemalloc's notes. Looked for when first asked. */
int cpython_sites_active(struct cpython *st);
int cpython_site(struct cpython *st, uint64_t addr, uint32_t index,
		 struct heapsh_site *ret);
void cpython_sites_end(struct cpython *st);

/** struct heapsh_content.hash: see content.c for what counts as content. */
uint64_t cpython_content_hash(const struct cpython *st, uint64_t addr);

#endif
