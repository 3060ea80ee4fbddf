/* SPDX-License-Identifier: Apache-2.0 */
/**
 * graph: what reading the edges and placing them share. Each thread writes
 * the targets of the items it takes one after another into slabs of its own,
 * its stream; when all degrees are known they are copied to where they belong.
 */
#ifndef GR_FORWARD_PRIV_H
#define GR_FORWARD_PRIV_H

#include "graph_priv.h"

enum { GR_SLAB = 1 << 20 };	/* targets that are allocated at once */

/** What a thread takes at once. Items before n_jobs are windows. */
struct gr_item {
	uint64_t start;			/* in the thread's stream */
	uint32_t lo, hi;		/* ids, hi exclusive */
	unsigned thread;
};

/** All that one thread wrote. */
struct gr_targets {
	struct gr_vec slabs;		/* of uint32_t * */
	uint64_t n;			/* targets */
	uint64_t dangling;		/* edges that led to no object */
};

struct gr_forward {
	struct gr_graph *g;
	struct hs_task *task;
	struct gr_item *items;
	uint64_t n_items;
	struct gr_targets streams[GR_MAX_THREADS];
	_Atomic uint64_t next;
	_Atomic bool stop;
};

/** Copy all streams into g->out, whose rows are placed; frees their slabs. */
struct hs_err *gr_place(struct gr_forward *f) HS_MUST_USE;
void gr_targets_deinit(struct gr_targets *s, struct hs_budget *b);
#endif
