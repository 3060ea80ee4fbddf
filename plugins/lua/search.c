/* SPDX-License-Identifier: Apache-2.0 */
#include "luasearch.h"

#include <stdlib.h>

#ifndef LUA_LOOK_LEAST		/* of fuzz_lua, whose heaps are small */
#define LUA_LOOK_LEAST (1 << 20)
#endif

enum {
	WINDOW = 1 << LUA_WINDOW_SHIFT,
	/* Memory is looked through when Lua has that much of it: else the
	 * lists are followed. */
	LEAST = LUA_LOOK_LEAST,
	SHARE = 8,
};

static bool add_mapping(struct lua_search *s, const struct heapsh_mapping *map)
{
	uint64_t at, end;

	s->low = s->low == 0 || map->start < s->low ? map->start : s->low;
	s->high = map->end > s->high ? map->end : s->high;
	for (at = map->start; at < map->end; at = end) {
		end = (at | (WINDOW - 1)) + 1;
		end = end < map->end ? end : map->end;
		if (!lua_grow(&s->pieces, s->n_pieces, &s->cap_pieces,
			      sizeof(*s->pieces)))
			return false;
		s->pieces[s->n_pieces++] = (struct lua_piece){ at, end - at };
		s->bytes += end - at;
	}
	return true;
}

static bool cut_pieces(const struct lua_mem *m, struct lua_search *s)
{
	struct heapsh_mapping map = { .size = sizeof(map) };

	for (uint32_t i = 0; m->host->mapping(m->im, i, &map); i++) {
		if (lua_may_hold_state(&map) && !add_mapping(s, &map))
			return false;
	}
	return true;
}

static bool worth_it(struct lua *st)
{
	const struct lua_mem *m = &st->mem;
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint64_t all = 0, own = 0;

	for (uint32_t i = 0; m->host->mapping(m->im, i, &map); i++) {
		if (lua_may_hold_state(&map))
			all += map.end - map.start;
	}
	for (uint32_t i = 0; i < st->n_states; i++)
		own += lua_count(m, &st->states[i]);
	return own >= LEAST && all / SHARE <= own;
}

/* malloc() aligns to 16, other allocators may to 8. */
static uint64_t stride_of(const struct lua *st)
{
	const struct lua_mem *m = &st->mem;
	uint64_t at;

	for (uint32_t i = 0; i < st->n_states; i++) {
		at = lua_word(m, st->states[i].global, m->lay->g_allgc);
		for (int k = 0; k < 256 && at != 0; k++) {
			if (at & 8 && lua_kind_at(m, at) != LUA_THREAD)
				return 8;
			at = lua_word(m, at, m->lay->gc_next);
		}
	}
	return 16;
}

/* Is one of them in the middle of a collection? lgc.h 5.1: GCSpause is 0. */
static bool collects(const struct lua *st)
{
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (lua_u8(&st->mem, st->states[i].global,
			   st->mem.lay->g_gcstate) != 0)
			return true;
	}
	return false;
}

static bool is_aged(const struct lua *st)
{
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (lua_u8(&st->mem, st->states[i].global,
			   st->mem.lay->g_gckind) != 0)
			return true;
	}
	return false;
}

/*
 * lgc.h of each: an object is of one of two whites, black, or grey. What else a
 * mark says is, in 5.4, its age, which stays 0 unless the collector is
 * generational, or 4 of what is never collected (luaC_fix()); and that it has a
 * finalizer. 5.1 has four more bits, 5.3 none; the highest is no mark's. A
 * value of 5.1 is like an object that is grey, which none is between two
 * collections.
 */
static void find_marks(const struct lua *st, struct lua_search *s)
{
	enum { OLDEST = 6, FIXED = 4 };
	const int minor = st->mem.lay->minor;
	const unsigned shift = minor == 4 ? 3 : 0;
	const bool aged = is_aged(st);

	for (unsigned mark = 0; mark < 0x80; mark++) {
		unsigned colour = mark >> shift & 7, age = mark & 7;

		s->marks[mark] = !(colour & (colour - 1));
		if (minor == 4 && !(aged ? age <= OLDEST :
					   age == 0 || age == FIXED))
			s->marks[mark] = false;
		if (minor == 3 && mark > 0xf)
			s->marks[mark] = false;
	}
	if (minor == 1 && !collects(st))
		s->marks[0] = false;
}

/* Its main thread is before it, in one block. */
bool lua_search_is_global(const struct lua_search *s, const struct lua_mem *m,
			  uint64_t addr)
{
	const struct lua_layout *l = m->lay;
	uint64_t distance = (uint64_t)(l->main_global - l->main_thread), main;

	if (addr & 7 || !lua_search_has(s, addr))
		return false;
	for (uint32_t i = 0; i < s->n_globals; i++) {
		if (s->globals[i] == addr)
			return true;
	}
	return m->host->read(m->im, addr + (uint64_t)l->g_mainthread, &main,
			     sizeof(main)) == sizeof(main) &&
	       main == addr - distance;
}

bool lua_search_init(struct lua *st, struct lua_search *ret)
{
	*ret = (struct lua_search){ 0 };
	if (!worth_it(st))
		return false;
	ret->stride = stride_of(st);
	for (uint32_t i = 0; i < st->n_states; i++)
		ret->globals[ret->n_globals++] = st->states[i].global;
	find_marks(st, ret);
	return cut_pieces(&st->mem, ret);
}

void lua_search_deinit(struct lua_search *s)
{
	free(s->pieces);
}
