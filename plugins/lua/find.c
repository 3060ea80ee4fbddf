/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Lua, and where its states are. Nothing in memory names a state, and a
 * stripped program has no symbols; but lua_newstate() makes the main thread and
 * the global state in one block, so that a thread whose l_G points a known
 * distance ahead of itself is one (lstate.c, struct LG), and the way back,
 * mainthread, confirms it.
 */
#include "luaheap.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	CHUNK = 1 << 20,
	TEXT_MAX = 16 << 20,		/* of a program's constants */
	SMALL = 64 << 20,		/* mappings that are looked at first */
	STACK = 64 << 10,		/* bytes of a C stack */
	MAX_STACKS = 4096,
	PROT_R = 1, PROT_W = 2, PROT_X = 4,
};
/* Heaps are larger; a state beyond this is found by a thread's stack only. */
#define SCAN_MAX (UINT64_C(8) << 30)

/* "$LuaVersion: Lua 5.4.4  Copyright", "$Lua: Lua 5.1.5 Copyright" */
static bool read_ident(const char *s, size_t n, int *minor, int *patch)
{
	for (size_t i = 0; i + 9 < n; i++) {
		if (memcmp(s + i, "Lua 5.", 6) == 0 && s[i + 7] == '.' &&
		    s[i + 6] >= '0' && s[i + 6] <= '9' && s[i + 8] >= '0' &&
		    s[i + 8] <= '9') {
			*minor = s[i + 6] - '0';
			*patch = s[i + 8] - '0';
			return true;
		}
	}
	return false;
}

/* The constants of the program itself, where nothing is exported. */
static bool search_text(struct lua_found *f, int *minor, int *patch)
{
	static const char mark[] = "$LuaVersion: Lua 5.";
	static const char old[] = "$Lua: Lua 5.";
	const struct heapsh_host *host = f->mem.host;
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint32_t first = UINT32_MAX;
	char *buf = malloc(TEXT_MAX);
	bool found = false;

	for (uint32_t i = 0; buf && !found && host->mapping(f->mem.im, i, &map);
	     i++) {
		uint64_t n = map.end - map.start, at;

		if (map.module == UINT32_MAX)
			continue;
		if (first == UINT32_MAX)
			first = map.module;
		if (map.module != first || map.prot != PROT_R || n > TEXT_MAX)
			continue;
		n = host->read(f->mem.im, map.start, buf, n);
		for (at = 0; !found && at + 64 < n; at++) {
			if (buf[at] == '$' &&
			    (memcmp(buf + at, mark, sizeof(mark) - 1) == 0 ||
			     memcmp(buf + at, old, sizeof(old) - 1) == 0))
				found = read_ident(buf + at, 64, minor, patch);
		}
	}
	free(buf);
	return found;
}

static bool find_version(struct lua_found *f, int *minor, int *patch)
{
	const struct heapsh_host *host = f->mem.host;
	uint64_t at = host->symbol(f->mem.im, NULL, "lua_ident", NULL);
	char text[64];

	if (at != 0 &&
	    host->read(f->mem.im, at, text, sizeof(text)) == sizeof(text))
		return read_ident(text, sizeof(text), minor, patch);
	// A program that says what it is otherwise is not searched.
	if (host->symbol(f->mem.im, NULL, "PyType_Type", NULL) != 0)
		return false;
	return search_text(f, minor, patch);
}

static enum heapsh_answer refuse(struct lua_found *f, const char *why)
{
	snprintf(f->reason, sizeof(f->reason), "%s", why);
	return HEAPSH_REFUSED;
}

enum heapsh_answer lua_find(const struct heapsh_host *host,
			    struct heapsh_image *im, struct lua_found *ret)
{
	uint32_t width, little;
	int minor, patch;

	memset(ret, 0, sizeof(*ret));
	ret->mem.host = host;
	ret->mem.im = im;
	if (!find_version(ret, &minor, &patch)) {
		if (host->symbol(im, NULL, "luaJIT_setmode", NULL) != 0)
			return refuse(ret, "this is LuaJIT; Lua 5.1, 5.3 and "
					   "5.4 of PUC-Rio can be read");
		return HEAPSH_NO;
	}
	snprintf(ret->version, sizeof(ret->version), "5.%d.%d", minor, patch);
	host->machine(im, &width, &little);
	if (width != 8 || !little)
		return refuse(ret, "this Lua is not a 64-bit x86 build");
	ret->mem.lay = lua_layout_find(minor, patch, &ret->exact);
	if (ret->mem.lay == NULL) {
		snprintf(ret->reason, sizeof(ret->reason),
			 "this is Lua %s; 5.1, 5.3 and 5.4 can be read",
			 ret->version);
		return HEAPSH_REFUSED;
	}
	if (lua_layout_damaged(ret->mem.lay))
		return refuse(ret, "this heapsh's table of Lua's structures "
				   "is not as it was generated: install it "
				   "again");
	snprintf(ret->reason, sizeof(ret->reason),
		 "its files name themselves Lua %s", ret->version);
	return HEAPSH_YES;
}

/* --- states -------------------------------------------------------------- */

bool lua_is_code(const struct lua_mem *m, uint64_t addr)
{
	struct heapsh_mapping map = { .size = sizeof(map) };

	for (uint32_t i = 0; m->host->mapping(m->im, i, &map); i++) {
		if (addr >= map.start && addr < map.end)
			return map.prot & PROT_X;
	}
	return false;
}

/* Registry and globals; 5.1 keeps the latter in the thread. */
static bool read_tables(const struct lua_mem *m, struct lua_state *s)
{
	const struct lua_layout *l = m->lay;

	s->registry = lua_table_of(
		lua_value_at(m, s->global + (uint64_t)l->g_registry));
	if (s->registry == 0 || lua_kind_at(m, s->registry) != LUA_TABLE)
		return false;
	// lua.h, LUA_RIDX_GLOBALS
	s->globals = l->th_globals >= 0 ?
		lua_table_of(lua_value_at(m, s->main +
					     (uint64_t)l->th_globals)) :
		lua_table_of(lua_table_int(m, s->registry, 2));
	return s->globals == 0 || lua_kind_at(m, s->globals) == LUA_TABLE;
}

static bool check_main(const struct lua_mem *m, uint64_t main,
		       struct lua_state *ret)
{
	const struct lua_layout *l = m->lay;
	uint64_t g = lua_word(m, main, l->th_global), stack, top;
	uint32_t n;

	if (main & 7 || lua_kind_at(m, main) != LUA_THREAD ||
	    g != main - (uint64_t)l->main_thread + (uint64_t)l->main_global ||
	    lua_word(m, g, l->g_mainthread) != main)
		return false;
	n = lua_u32(m, g, l->g_strt_size);
	stack = lua_word(m, main, l->th_stack);
	top = lua_word(m, main, l->th_top);
	if (n == 0 || (n & (n - 1)) || stack == 0 || top < stack ||
	    top - stack > (uint64_t)LUA_MAX_STACK * 16 ||
	    lua_word(m, main, l->th_ci) == 0 ||
	    !lua_is_code(m, lua_word(m, g, l->g_frealloc)))
		return false;
	ret->main = main;
	ret->global = g;
	return read_tables(m, ret);
}

bool lua_check_thread(const struct lua_mem *m, uint64_t addr,
		      struct lua_state *ret)
{
	uint64_t g;

	if (addr & 7 || addr < 4096 || lua_kind_at(m, addr) != LUA_THREAD)
		return false;
	g = lua_word(m, addr, m->lay->th_global);
	return g != 0 && !(g & 7) &&
	       check_main(m, lua_word(m, g, m->lay->g_mainthread), ret);
}

static void add_state(const struct lua_state *s, struct lua_state *states,
		      uint32_t *n)
{
	for (uint32_t i = 0; i < *n; i++) {
		if (states[i].main == s->main)
			return;
	}
	if (*n < LUA_MAX_STATES)
		states[(*n)++] = *s;
}

bool lua_may_hold_state(const struct heapsh_mapping *map)
{
	return (map->prot & (PROT_R | PROT_W)) == (PROT_R | PROT_W) &&
	       !map->shared;
}

uint64_t lua_count(const struct lua_mem *m, const struct lua_state *s)
{
	return lua_word(m, s->global, m->lay->g_totalbytes) +
	       lua_word(m, s->global, m->lay->g_gcdebt);
}

void lua_add_state(const struct lua_mem *m, uint64_t main,
		   struct lua_state *states, uint32_t *n)
{
	struct lua_state s;

	if (check_main(m, main, &s))
		add_state(&s, states, n);
}

static void scan_states(const struct lua_mem *m, uint64_t addr,
			const uint8_t *buf, uint64_t len,
			struct lua_state *states, uint32_t *n)
{
	const uint64_t ahead = lua_state_ahead(m->lay);

	for (uint64_t i = 0; i + 8 <= len; i += 8) {
		if (lua_at64(buf, (int32_t)i) - (addr + i) == ahead)
			lua_add_state(m, addr + i - (uint64_t)
						    m->lay->th_global,
				      states, n);
	}
}

/* All of a mapping, or what of it the budget leaves. */
static void scan(struct lua_found *f, const struct heapsh_mapping *map,
		 uint8_t *buf, uint64_t *left)
{
	uint64_t at, n, got;

	for (at = map->start; at < map->end; at += n) {
		n = map->end - at < CHUNK ? map->end - at : CHUNK;
		if (*left < n || f->mem.host->cancelled(f->mem.im)) {
			f->cut = true;
			return;
		}
		*left -= n;
		got = f->mem.host->read(f->mem.im, at, buf, n);
		scan_states(&f->mem, at, buf, got, f->states, &f->n_states);
	}
}

/* Words that may be a thread of Lua's, of a stack or of a module's data. */
static void scan_pointers(struct lua_found *f, uint64_t at, uint64_t len,
			  uint64_t *buf)
{
	uint64_t n = f->mem.host->read(f->mem.im, at & ~UINT64_C(7), buf,
				       len < CHUNK ? len : CHUNK) / 8;
	uint64_t last = 0;
	struct lua_state s;

	for (uint64_t i = 0; i < n; i++) {
		if (buf[i] < 4096 || buf[i] & 7 || buf[i] == last)
			continue;
		last = buf[i];
		if (lua_check_thread(&f->mem, buf[i], &s))
			add_state(&s, f->states, &f->n_states);
	}
}

/* Where programs keep their states: their C stacks and variables. */
static void find_quickly(struct lua_found *f, uint64_t *buf)
{
	struct heapsh_thread_state t = { .size = sizeof(t) };
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint64_t data = 0, i;

	for (i = 0; i < MAX_STACKS && f->mem.host->thread(f->mem.im,
							  (uint32_t)i, &t);
	     i++)
		scan_pointers(f, t.sp, STACK, buf);
	for (i = 0; f->mem.host->mapping(f->mem.im, (uint32_t)i, &map); i++) {
		// what is zero at the start has no file, and follows it
		if (map.module == UINT32_MAX && map.start != data)
			continue;
		data = map.end;
		if (lua_may_hold_state(&map))
			scan_pointers(f, map.start, map.end - map.start, buf);
	}
}

static int by_address(const void *a, const void *b)
{
	const struct lua_state *x = a, *y = b;

	return x->main < y->main ? -1 : x->main > y->main;
}

bool lua_find_states(struct lua_found *f, bool all)
{
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint8_t *buf = malloc(CHUNK);
	uint64_t left = SCAN_MAX;

	if (buf == NULL)
		return false;
	if (!all)
		find_quickly(f, (uint64_t *)(void *)buf);
	// the small ones first: a state is made before its heap grows
	all = all || f->n_states == 0;
	for (int large = 0; large < 2 && all; large++) {
		for (uint32_t i = 0; f->mem.host->mapping(f->mem.im, i, &map);
		     i++) {
			if (lua_may_hold_state(&map) &&
			    (map.end - map.start > SMALL) == large)
				scan(f, &map, buf, &left);
		}
	}
	f->looked_everywhere = all;
	// their numbers must not depend on what a stack holds
	qsort(f->states, f->n_states, sizeof(f->states[0]), by_address);
	free(buf);
	return true;
}

/*
 * 5.1: tables without a hash part share one node, which is no memory of theirs
 * (ltable.c, dummynode). It is a constant: of all nodes of size 1, that which
 * lies in a file.
 */
static uint64_t find_dummy(const struct lua_mem *m, uint64_t at)
{
	struct heapsh_mapping map = { .size = sizeof(map) };
	uint64_t node, last = 0;

	for (int i = 0; i < 4000 && at != 0; i++) {
		if (lua_kind_at(m, at) == LUA_TABLE &&
		    lua_u8(m, at, m->lay->tab_lsizenode) == 0) {
			node = lua_word(m, at, m->lay->tab_node);
			for (uint32_t k = 0; node != last &&
			     m->host->mapping(m->im, k, &map); k++) {
				if (node >= map.start && node < map.end &&
				    map.module != UINT32_MAX)
					return node;
			}
			last = node;
		}
		at = lua_word(m, at, m->lay->gc_next);
	}
	return 0;
}

void lua_find_dummy(struct lua_found *f)
{
	if (f->mem.lay->minor == 1)
		f->mem.dummy = find_dummy(&f->mem,
			lua_word(&f->mem, f->states[0].global,
				 f->mem.lay->g_allgc));
}
