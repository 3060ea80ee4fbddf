/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Random heaps for the tests of graph and analysis, and what is true of them
 * by brute force over plain arrays: nothing here calls the rooms under test.
 */
#ifndef HS_TESTS_TOYWORLD_H
#define HS_TESTS_TOYWORLD_H

#include "toymodel.h"

struct world_edge {
	uint64_t target;	/* address; maybe of no object */
	uint32_t flags;		/* heapsh_edge_flags */
};

struct world_object {
	struct toy_object o;
	bool claimed;		/* lies in a claimed range */
	struct world_edge edges[8];
	uint32_t n_edges;

	/* By brute force: */
	bool expected;		/* must be a node */
	bool reached, orphan, alive, unreferenced;
	uint32_t in_degree, root_refs;
	uint32_t owner;		/* index of the object, or UINT32_MAX */
};

struct world {
	struct toy *toy;
	struct world_object *v;	/* by address */
	uint32_t n;
	uint32_t n_expected;
	uint64_t *roots;	/* addresses */
	uint32_t n_roots;
	uint64_t rng;
};

enum {
	WORLD_PLAIN, WORLD_LEAF, WORLD_CODE, WORLD_CODE_LEAF, WORLD_TABLE,
	WORLD_LATE, WORLD_N_TYPES
};

/** About n objects; the same for the same seed. */
struct world *world_create(uint64_t seed, uint32_t n);
void world_destroy(struct world *w);
uint64_t world_random(struct world *w, uint64_t below);
/** Object at the address, or NULL. */
struct world_object *world_at(const struct world *w, uint64_t addr);
/** Where its edge leads, if to an expected object; else NULL. */
struct world_object *world_target(const struct world *w,
				  const struct world_edge *e);

#endif
