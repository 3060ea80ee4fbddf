/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the layout fit this process? Lua's states hold much that is true of all
 * of them; a field that is read in the wrong place breaks some of it.
 */
#include "luacheck.h"

enum {
	OBJECTS = 2000,		/* of each list */
	CHAINS = 4096,		/* of a table of strings, all */
	FEW_CHAINS = 256,	/* of a larger one: a page of memory a string */
	LINKS = 4096,		/* of one chain: more is none */
	KNOWN = 256,		/* entries of a table that people reach */
	N_TYPES = 9,		/* lua.h: LUA_TNIL to LUA_TTHREAD */
};

bool lua_is_there(const struct lua_mem *m, uint64_t addr)
{
	return lua_view(m, addr, 1) != NULL;
}

/* --- the state ----------------------------------------------------------- */

/* lgc.h: of currentwhite one bit is set, and the phases are few */
static void check_collector(struct lua_checking *c, const struct lua_state *s)
{
	const struct lua_layout *l = c->m->lay;
	uint8_t white = lua_u8(c->m, s->global, l->g_currentwhite);
	uint8_t phase = lua_u8(c->m, s->global, l->g_gcstate);
	uint8_t kind = lua_u8(c->m, s->global, l->g_gckind);
	uint8_t whites = l->minor == 4 ? 0x18 : 0x03;
	uint8_t last = l->minor == 1 ? 4 : 8;

	white &= (uint8_t)~(l->minor == 1 ? 0x60 : 0);	// FIXEDBITS
	lua_says(c, LUA_SAYS_STATE, (white & whites) == white &&
				    white != 0 && white != whites);
	lua_says(c, LUA_SAYS_STATE, phase <= last && kind <= 2);
}

static bool is_head(const struct lua_mem *m, uint64_t global, int32_t off,
		    uint32_t kinds)
{
	uint64_t at = lua_word(m, global, off);

	return off < 0 || at == 0 || (kinds >> lua_kind_at(m, at) & 1);
}

/* What each list holds: lgc.c, luaC_checkfinalizer(), luaC_fix() */
static void check_lists(struct lua_checking *c, const struct lua_state *s)
{
	const uint32_t all = ~1u, own = 1u << LUA_TABLE | 1u << LUA_USERDATA;
	const struct lua_layout *l = c->m->lay;

	lua_says(c, LUA_SAYS_LISTS,
		 lua_word(c->m, s->global, l->g_allgc) != 0 &&
		 is_head(c->m, s->global, l->g_allgc, all) &&
		 is_head(c->m, s->global, l->g_finobj, own) &&
		 is_head(c->m, s->global, l->g_tobefnz, own) &&
		 is_head(c->m, s->global, l->g_tmudata, 1u << LUA_USERDATA));
	// a state fixes the words of the language when it is made
	if (l->g_fixedgc >= 0)
		lua_says(c, LUA_SAYS_LISTS,
			 lua_kind_at(c->m, lua_word(c->m, s->global,
						    l->g_fixedgc)) ==
				 LUA_STRING);
}

static void check_metatables(struct lua_checking *c, const struct lua_state *s)
{
	const struct lua_layout *l = c->m->lay;

	for (int32_t i = 0; i < N_TYPES; i++) {
		uint64_t at = lua_word(c->m, s->global, l->g_mt + 8 * i);

		lua_says(c, LUA_SAYS_METATABLES,
			 at == 0 || lua_kind_at(c->m, at) == LUA_TABLE);
	}
}

/* What people reach: libraries' functions are the oldest of their list. */
static bool check_known(void *arg, const struct lua_entry *e)
{
	struct lua_checking *c = arg;

	if (lua_object_of(e->value) != 0 &&
	    lua_kind_at(c->m, e->value.bits) != LUA_NOTHING)
		lua_check_object(c, e->value.bits,
				 lua_kind_at(c->m, e->value.bits));
	return ++c->known % KNOWN != 0;
}

static bool check_library(void *arg, const struct lua_entry *e)
{
	struct lua_checking *c = arg;

	if (lua_table_of(e->value) != 0)
		lua_table_each(c->m, e->value.bits, check_known, c);
	return ++c->known % KNOWN != 0;
}

/* Strings of one chain; UINT32_MAX: it leads elsewhere. */
static uint32_t chain_length(struct lua_checking *c, uint64_t at)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t n;

	for (n = 0; at != 0 && n < LINKS; n++) {
		struct lua_object o;

		if (lua_kind_at(c->m, at) != LUA_STRING)
			return UINT32_MAX;
		// 5.1 has its strings here alone
		if (l->minor == 1 && lua_describe(c->m, at, LUA_STRING, &o)) {
			lua_check_object(c, at, LUA_STRING);
			c->flat += o.flat;
		}
		at = lua_word(c->m, at, l->str_hnext);
	}
	return at == 0 ? n : UINT32_MAX;
}

/* lstring.c: nuse strings in size chains */
static void check_strings(struct lua_checking *c, const struct lua_state *s)
{
	const struct lua_layout *l = c->m->lay;
	uint64_t hash = lua_word(c->m, s->global, l->g_strt_hash);
	uint32_t size = lua_u32(c->m, s->global, l->g_strt_size), i, n;
	uint64_t sum = 0, nuse = lua_u32(c->m, s->global, l->g_strt_nuse);
	uint32_t looked = size <= CHAINS ? size : FEW_CHAINS;

	for (i = 0; i < looked; i++) {
		n = chain_length(c, lua_word(c->m, hash + 8 * (uint64_t)i, 0));
		lua_says(c, LUA_SAYS_CHAIN, n != UINT32_MAX);
		sum += n != UINT32_MAX ? n : 0;
	}
	// a table of millions is judged by its first hundreds
	lua_says(c, LUA_SAYS_STRINGS, sum != 0 &&
		 (looked == size ? sum == nuse :
		  nuse / 2 <= sum * (size / looked) &&
		  sum * (size / looked) / 2 <= nuse));
}

/* Blocks that are no objects may be counted too, but never fewer than these. */
static void check_count(struct lua_checking *c, const struct lua_state *s)
{
	uint64_t count = lua_count(c->m, s);

	lua_says(c, LUA_SAYS_COUNT, count >= c->flat && count >> 46 == 0);
}

/* --- its objects --------------------------------------------------------- */

static const char *check_list(struct lua_checking *c, uint64_t at)
{
	for (int i = 0; i < OBJECTS && at != 0; i++) {
		enum lua_kind kind = lua_kind_at(c->m, at);
		struct lua_object o;

		if (kind == LUA_NOTHING)
			return "the collector's list leads to no object";
		if (!lua_describe(c->m, at, kind, &o) || o.torn)
			return "an object's sizes cannot be";
		c->n_objects++;
		c->flat += o.flat;
		lua_check_object(c, at, kind);
		at = lua_word(c->m, at, c->m->lay->gc_next);
	}
	return NULL;
}

static const char *check_state(struct lua_checking *c,
			       const struct lua_state *s)
{
	const struct lua_layout *l = c->m->lay;
	const int32_t lists[] = { l->g_allgc, l->g_finobj, l->g_fixedgc,
				  l->g_tobefnz };
	const char *wrong = NULL;

	if (l->th_globals < 0 &&
	    lua_object_of(lua_table_int(c->m, s->registry, 1)) != s->main)
		return "registry[1] is not the main thread";
	c->flat = 0;
	lua_check_object(c, s->main, LUA_THREAD);
	lua_check_object(c, s->registry, LUA_TABLE);
	if (s->globals != 0) {
		lua_check_object(c, s->globals, LUA_TABLE);
		lua_table_each(c->m, s->globals, check_known, c);
		lua_table_each(c->m, s->globals, check_library, c);
	}
	for (int i = 0; i < 4 && wrong == NULL; i++)
		wrong = check_list(c, lua_word(c->m, s->global, lists[i]));
	check_collector(c, s);
	check_lists(c, s);
	check_metatables(c, s);
	check_strings(c, s);
	check_count(c, s);
	return wrong;
}

/* What only many together tell. */
static void check_sums(struct lua_checking *c)
{
	enum { ENOUGH = 8 };

	if (c->nodes >= ENOUGH)
		lua_says(c, LUA_SAYS_USED, c->used != 0);
	if (c->room >= ENOUGH)
		lua_says(c, LUA_SAYS_ARRAY, c->items != 0);
}

const char *lua_check(const struct lua_found *f, uint64_t *n_objects)
{
	static const char *const words[] = {
#define S(name, words) words,
		LUA_STATEMENTS(S)
#undef S
	};
	struct lua_checking c = { .m = &f->mem };
	const char *wrong = NULL;

	for (uint32_t i = 0; i < f->n_states && wrong == NULL; i++)
		wrong = check_state(&c, &f->states[i]);
	check_sums(&c);
	for (int i = 0; i < LUA_N_STATEMENTS && wrong == NULL; i++) {
		// a stack may be between two places while Lua runs
		if (i == LUA_SAYS_THREAD && lua_is_running(&f->mem))
			continue;
		// one in eight may be torn; of few none
		if (c.t[i].bad > c.t[i].n / 8)
			wrong = words[i];
	}
	*n_objects = c.n_objects;
	return wrong;
}
