/* SPDX-License-Identifier: Apache-2.0 */
#include "luaspace.h"

#include <stdlib.h>

static uint64_t slot(uint64_t key, uint64_t mask)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);	// 2^64 / golden ratio
	return (key ^ key >> 32) & mask;
}

void lua_space_deinit(struct lua_space *s)
{
	for (uint64_t i = 0; i < s->cap; i++) {
		if (s->keys[i] != 0 && !s->lent[i])
			free(s->maps[i]);
	}
	free(s->keys);
	free(s->maps);
	free(s->lent);
	*s = (struct lua_space){ 0 };
}

static uint64_t find(const struct lua_space *s, uint64_t key)
{
	uint64_t i = slot(key, s->cap - 1);

	while (s->keys[i] != 0 && s->keys[i] != key)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static bool grow(struct lua_space *s)
{
	struct lua_space to = { .cap = s->cap != 0 ? s->cap * 2 : 64 };

	to.keys = calloc(to.cap, sizeof(*to.keys));
	to.maps = calloc(to.cap, sizeof(*to.maps));
	to.lent = calloc(to.cap, sizeof(*to.lent));
	if (to.keys == NULL || to.maps == NULL || to.lent == NULL) {
		free(to.keys);
		free(to.maps);
		free(to.lent);
		return false;
	}
	for (uint64_t i = 0; i < s->cap; i++) {
		if (s->keys[i] != 0) {
			uint64_t at = find(&to, s->keys[i]);

			to.keys[at] = s->keys[i];
			to.maps[at] = s->maps[i];
			to.lent[at] = s->lent[i];
		}
	}
	to.n = s->n;
	free(s->keys);
	free(s->maps);
	free(s->lent);
	*s = to;
	return true;
}

static uint64_t *window(struct lua_space *s, uint64_t key)
{
	uint64_t i;

	if (s->n * 2 >= s->cap && !grow(s))
		return NULL;
	i = find(s, key);
	if (s->keys[i] == 0) {
		s->maps[i] = calloc(LUA_WINDOW_WORDS, sizeof(**s->maps));
		if (s->maps[i] == NULL)
			return NULL;
		s->keys[i] = key;
		s->n++;
	}
	return s->maps[i];
}

bool lua_space_lend(struct lua_space *s, uint64_t addr, uint64_t *map)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1, i;

	if (s->n * 2 >= s->cap && !grow(s))
		return false;
	i = find(s, key);
	s->keys[i] = key;
	s->maps[i] = map;
	s->lent[i] = 1;
	s->n++;
	return true;
}

int lua_space_put(struct lua_space *s, uint64_t addr)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1;
	uint64_t bit = UINT64_C(1) << (addr >> 3 & 63), *word;

	if (s->last != key) {
		s->last_map = window(s, key);
		s->last = s->last_map != NULL ? key : 0;
	}
	if (s->last_map == NULL)
		return -1;
	word = &s->last_map[addr >> 9 & (LUA_WINDOW_WORDS - 1)];
	if (*word & bit)
		return 1;
	*word |= bit;
	return 0;
}

const uint64_t *lua_space_window(const struct lua_space *s, uint64_t addr)
{
	uint64_t i;

	if (s->cap == 0)
		return NULL;
	i = find(s, (addr >> LUA_WINDOW_SHIFT) + 1);
	return s->keys[i] != 0 ? s->maps[i] : NULL;
}

enum { WORD = 512 };	/* addresses that a word of bits stands for */

void lua_cursor_init(struct lua_cursor *c, const struct lua_space *s,
		     uint64_t from, uint64_t end)
{
	c->space = s;
	c->end = end;
	c->base = from & ~(uint64_t)(WORD - 1);
	c->word = c->base + WORD;
	c->map = lua_space_window(s, from);
	c->bits = 0;
	if (c->map != NULL && from < end)
		c->bits = c->map[from >> 9 & (LUA_WINDOW_WORDS - 1)] &
			  ~UINT64_C(0) << (from >> 3 & 63);
}

uint64_t lua_cursor_next(struct lua_cursor *c)
{
	uint64_t at;

	while (c->bits == 0) {
		if (c->word >= c->end)
			return c->end;
		if (!(c->word & ((UINT64_C(1) << LUA_WINDOW_SHIFT) - 1)))
			c->map = lua_space_window(c->space, c->word);
		c->base = c->word;
		c->word += WORD;
		if (c->map != NULL)
			c->bits = c->map[c->base >> 9 &
					 (LUA_WINDOW_WORDS - 1)];
	}
	at = c->base + ((uint64_t)__builtin_ctzll(c->bits) << 3);
	c->bits &= c->bits - 1;
	return at < c->end ? at : c->end;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t *lua_space_windows(const struct lua_space *s)
{
	uint64_t *v = s->n != 0 ? calloc(s->n, sizeof(*v)) : NULL;
	uint64_t n = 0;

	if (v == NULL)
		return NULL;
	for (uint64_t i = 0; i < s->cap; i++) {
		if (s->keys[i] != 0)
			v[n++] = s->keys[i] - 1;
	}
	qsort(v, n, sizeof(*v), ascending);
	return v;
}
