/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A graph of a given shape: nodes 0..n-1 with given edges, sizes and roots,
 * as one toy process.
 */
#ifndef HS_TESTS_TOYSHAPE_H
#define HS_TESTS_TOYSHAPE_H

#include "graph.h"

#include "toymodel.h"

enum { SHAPE_MAX = 256 };	/* nodes, and edges of one */

struct shape {
	uint32_t n;
	uint32_t held[SHAPE_MAX];
	uint32_t n_out[SHAPE_MAX];
	uint8_t out[SHAPE_MAX][SHAPE_MAX];	/* with duplicates */
	uint32_t refcount[SHAPE_MAX];		/* 0: not counted */
	bool root[SHAPE_MAX];

	/* of shape_begin(): */
	struct toy *toy;
	struct hs_budget budget;
	struct hs_task task;
	struct gr_graph *g;
	uint32_t id[SHAPE_MAX];			/* of the graph */
};

void shape_edge(struct shape *s, uint32_t from, uint32_t to);
void shape_begin(struct shape *s, unsigned threads);
/** All memory must have come back. */
void shape_end(struct shape *s);
/** Address of a node. */
uint64_t shape_addr(uint32_t node);

#endif
