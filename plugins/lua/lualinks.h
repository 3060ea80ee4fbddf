/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The links of the collector's lists, gathered by one look through memory in
 * the order of addresses: all that could be an object, with what it says is
 * next. A list that is followed here touches no memory of the process, where
 * each step of an old heap's list would fetch a page.
 */
#ifndef LUALINKS_H
#define LUALINKS_H

#include "luaheap.h"

/** What could be objects of one MiB of addresses. */
struct lua_window {
	uint64_t bits[LUA_WINDOW_WORDS];
	uint32_t rank[LUA_WINDOW_WORDS];	/* before the word */
	uint64_t *link;		/* next | kind << 48, by rank */
	uint32_t n, cap;
};
struct lua_links {
	uint64_t *keys;		/* number of the window + 1; 0: free */
	struct lua_window **windows;
	uint64_t n, cap;
	uint64_t last;		/* key that was asked for last */
	const struct lua_window *last_window;
};

/**
 * Look all memory that st may have through; states that were not known are
 * added to st, metatables noted. False: it is not worth it, or no memory.
 */
bool lua_links_gather(struct lua *st, struct lua_links *ret);
void lua_links_deinit(struct lua_links *x);
/** Could there be an object at addr? Then its next, and kind. */
bool lua_link_at(struct lua_links *x, uint64_t addr, uint64_t *next,
		 enum lua_kind *kind);

#endif
