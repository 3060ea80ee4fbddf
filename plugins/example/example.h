/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this plugin share. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <heapsh/plugin.h>

#include "toyheap.h"

/** One instant. Read-only after open(): sweeps are several threads at once. */
struct state {
	const struct heapsh_host *host;
	struct heapsh_image *im;
	struct ex_heap heap;			/* a copy */
	uint32_t type[EX_TYPES];		/* the host's numbers of ours */
	struct heapsh_range arena[EX_ARENAS_MAX];
	uint32_t n_arenas;
};

/**
 * The object at any number that might be an address, with its slots, or NULL.
 * Costs two of the four views that stay valid: two remain for the caller.
 */
const struct ex_object *example_get(const struct state *s, void *reader,
				    uint64_t addr);

/* heap.c */
uint32_t example_ranges(void *state, struct heapsh_range *ret, uint32_t cap,
			uint64_t *grain);
void example_sweep(void *state, const struct heapsh_chunk *c,
		   struct heapsh_sink *sink);
void example_at(void *state, const uint64_t *addr, uint32_t n,
		struct heapsh_sink *sink);
void example_roots(void *state,
		   void (*fn)(void *arg, const struct heapsh_root *root),
		   void *arg);

/* queries.c: what people ask of one object. */
uint64_t example_render(void *state, uint64_t addr, uint32_t style, char *buf,
			uint64_t cap);
uint64_t example_lookup(void *state, struct heapsh_text name);
uint64_t example_attr(void *state, uint64_t addr, struct heapsh_text name);
uint64_t example_item(void *state, uint64_t addr, const struct heapsh_key *key);
void example_names(void *state, uint64_t addr, struct heapsh_text prefix,
		   heapsh_name_fn *fn, void *arg);
int example_measure(void *state, uint64_t addr, struct heapsh_measure *ret);
const void *example_get_interface(const char *name);

#endif
