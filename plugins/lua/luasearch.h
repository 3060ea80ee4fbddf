/* SPDX-License-Identifier: Apache-2.0 */
/** Where an object of Lua's may lie, and what it must look like. */
#ifndef LUASEARCH_H
#define LUASEARCH_H

#include "luaheap.h"

/** Memory within one window of LUA_WINDOW_SHIFT. */
struct lua_piece {
	uint64_t start, len;
};
struct lua_search {
	struct lua_piece *pieces;	/* ascending */
	uint64_t n_pieces, cap_pieces;
	uint64_t bytes;			/* of all of them */
	uint64_t low, high;		/* all lies between */
	uint64_t stride;		/* of objects: 16, or 8 */
	bool marks[256];		/* what an object's mark may be */
	uint64_t globals[LUA_MAX_STATES];	/* states known so far */
	uint32_t n_globals;
};

/**
 * All memory that can be written. False: it is not worth it, or no memory; in
 * any case, lua_search_deinit().
 */
bool lua_search_init(struct lua *st, struct lua_search *ret);
void lua_search_deinit(struct lua_search *s);
/** May there be something of Lua's at addr? */
static inline bool lua_search_has(const struct lua_search *s, uint64_t addr)
{
	return addr - s->low < s->high - s->low;
}
/** Is there a global state at addr? Of several threads. */
bool lua_search_is_global(const struct lua_search *s, const struct lua_mem *m,
			  uint64_t addr);

#endif
