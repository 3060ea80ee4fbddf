/* SPDX-License-Identifier: Apache-2.0 */
/** A graph of a random heap, and whether all that it says is true. */
#ifndef HS_TESTS_GRAPHCHECK_H
#define HS_TESTS_GRAPHCHECK_H

#include "graph.h"

#include "toyworld.h"

struct under_test {
	struct world *w;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
};

/** tricks: of enum toy_trick. */
void graph_begin(struct under_test *t, uint64_t seed, uint32_t n,
		 unsigned tricks, unsigned threads);
/** All memory must have come back. */
void graph_end(struct under_test *t);
void graph_check_nodes(const struct under_test *t);
void graph_check_shapes(const struct under_test *t);
void graph_check_owners(const struct under_test *t);
void graph_check_rows(struct under_test *t);
void graph_check_reach(struct under_test *t);
/** All of the above. */
void graph_check_world(uint64_t seed, uint32_t n, unsigned tricks,
		       unsigned threads);

#endif
