/* SPDX-License-Identifier: Apache-2.0 */
/**
 * toy: the example process, started by a test, and what it tells of itself:
 * the oracle for everything that the example plugin answers.
 */
#ifndef HS_TESTS_TOY_H
#define HS_TESTS_TOY_H

#include <stdint.h>
#include <stdio.h>

struct toy_object {
	uint64_t addr, flat, held, refs;
	char type[32];
	uint32_t first_edge, n_edges;	/* in toy.edges */
};

struct toy_edge {
	uint64_t to;
	int weak;
	char label[64];
};

/** A root or a global. */
struct toy_name {
	char name[64];
	uint64_t addr;
};

struct toy {
	int pid;
	FILE *in, *out;		/* its standard input and output, our ends */
	struct toy_object *objects;
	struct toy_edge *edges;
	struct toy_name *roots, *globals;
	uint32_t n_objects, n_edges, n_roots, n_globals;
};

/**
 * Start it with up to two arguments (NULL: none) and read the truth. Ends the
 * test when it does not start.
 */
void toy_start(struct toy *t, const char *arg1, const char *arg2);
/** Close its input and wait; returns its exit status. */
int toy_stop(struct toy *t);
/** By address, or NULL. */
const struct toy_object *toy_object(const struct toy *t, uint64_t addr);
/** Address of a global; ends the test when there is none. */
uint64_t toy_global(const struct toy *t, const char *name);
/** Answer to "sum": of every byte of its heap. */
uint64_t toy_sum(struct toy *t);

#endif
