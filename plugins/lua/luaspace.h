/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A set of addresses that are multiples of 8: a bit each, in windows of 1 MiB
 * that are made when first needed.
 */
#ifndef LUASPACE_H
#define LUASPACE_H

#include <stdbool.h>
#include <stdint.h>

struct lua_space {
	/* open addressing; key: number of the window + 1, 0: free */
	uint64_t *keys;
	uint64_t **maps;	/* LUA_WINDOW_WORDS each */
	uint8_t *lent;		/* map i is another's */
	uint64_t n, cap;	/* cap: 0 or a power of two */
	uint64_t last;		/* window of the last put, + 1 */
	uint64_t *last_map;
};
enum {
	LUA_WINDOW_SHIFT = 20,
	LUA_WINDOW_WORDS = 1 << (LUA_WINDOW_SHIFT - 9),
};

void lua_space_deinit(struct lua_space *s);
/** Answers 1: it was there, 0: it is new, -1: out of memory. */
int lua_space_put(struct lua_space *s, uint64_t addr);
/**
 * Make the addresses of addr's window, which are not there yet, those of map,
 * which must live longer. False: out of memory.
 */
bool lua_space_lend(struct lua_space *s, uint64_t addr, uint64_t *map);
/** Bits of addr's window, or NULL. Of many threads, while nobody puts. */
const uint64_t *lua_space_window(const struct lua_space *s, uint64_t addr);
static inline bool lua_space_has(const struct lua_space *s, uint64_t addr)
{
	const uint64_t *map = addr & 7 ? 0 : lua_space_window(s, addr);

	return map && map[addr >> 9 & (LUA_WINDOW_WORDS - 1)] >>
			      (addr >> 3 & 63) & 1;
}
static inline unsigned lua_bits_count(uint64_t v)
{
	// plain x86-64 has no instruction for it, and a call costs more
	v -= v >> 1 & UINT64_C(0x5555555555555555);
	v = (v & UINT64_C(0x3333333333333333)) +
	    (v >> 2 & UINT64_C(0x3333333333333333));
	v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}

/** The addresses of a set in from … end - 1, ascending. */
struct lua_cursor {
	const struct lua_space *space;
	const uint64_t *map;	/* of the window, or NULL */
	uint64_t word;		/* address of the next word of bits */
	uint64_t base;		/* address of the present one */
	uint64_t bits, end;
};
void lua_cursor_init(struct lua_cursor *c, const struct lua_space *s,
		     uint64_t from, uint64_t end);
/** The next address; end when there is none. */
uint64_t lua_cursor_next(struct lua_cursor *c);
/** Numbers of all windows, ascending; free(). NULL when there is none. */
uint64_t *lua_space_windows(const struct lua_space *s);

#endif
