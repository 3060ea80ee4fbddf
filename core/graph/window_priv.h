/* SPDX-License-Identifier: Apache-2.0 */
/** Marks of one window of a walk: walk.c and window.c. */
#ifndef GR_WINDOW_PRIV_H
#define GR_WINDOW_PRIV_H

#include "graph_priv.h"

/**
 * A thread of a walk has one window for itself: marks are copied from the
 * walk's set of addresses a page at a time, and are put back when no other
 * thread looks at the set any more. Addresses are multiples of 8.
 */
enum { GR_WINDOW_PAGES = GR_WINDOW >> GR_SPACE_SMALL };
#define GR_NO_WINDOW UINT64_MAX
struct gr_window {
	const struct gr_space *space;	/* borrowed; shift GR_SPACE_SMALL */
	uint64_t start;			/* or GR_NO_WINDOW */
	/* A bit a page: marks at hand; something wanted. */
	uint64_t loaded[GR_WINDOW_PAGES / 64];
	uint64_t pending[GR_WINDOW_PAGES / 64];
	uint64_t marks[GR_WINDOW_PAGES][8];	/* a bit per 8 bytes */
	uint64_t wanted[GR_WINDOW_PAGES][8];
};
/** What a page's marks have become. */
struct gr_marks {
	uint64_t addr;
	uint64_t words[8];
};

/** The window that addr is in, nothing of which is wanted yet. */
void gr_window_open(struct gr_window *x, const struct gr_space *space,
		    uint64_t addr);
static inline bool gr_window_has(const struct gr_window *x, uint64_t addr)
{
	return addr - x->start < GR_WINDOW && x->start != GR_NO_WINDOW;
}
/** Of how many pages anything was met. */
static inline uint64_t gr_window_pages(const struct gr_window *x)
{
	return hs_bits_count(x->loaded, GR_WINDOW_PAGES);
}
/** addr, which is in the window and marked, is to be asked for. */
void gr_window_want(struct gr_window *x, uint64_t addr);
/** Mark addr, which is in the window; want it if it was not marked. */
void gr_window_meet(struct gr_window *x, uint64_t addr);
/** Up to cap of those wanted, ascending, which are not any more; cap >= 512. */
uint32_t gr_window_take(struct gr_window *x, uint64_t *ret, uint32_t cap);
/** Add its marks to changed (of struct gr_marks). */
struct hs_err *gr_window_close(struct gr_window *x, struct hs_task *task,
			       struct gr_vec *changed) HS_MUST_USE;
/** Put marks of closed windows into the set, and empty the vector. */
struct hs_err *gr_window_keep(struct gr_space *space,
			      struct gr_vec *changed) HS_MUST_USE;
#endif
