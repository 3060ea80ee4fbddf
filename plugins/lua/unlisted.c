/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no list of the collector's has. Of 5.3 these are up-values, which are
 * counted (lfunc.h, struct UpVal): closures tell them, and their threads while
 * they are open. Of 5.1 it is strings, which their table's chains have
 * (lstring.c), and open up-values, which a thread's list has (lfunc.c).
 */
#include "lualinks.h"

#include <stdlib.h>

enum {
	MAX_OPEN = 1 << 20,	/* up-values of one stack */
	SLOTS = 32 << 10,	/* of a table of strings, read at once */
};

bool lua_counts_upvalues(const struct lua_mem *m)
{
	return m->lay->upval_tt < 0;
}

/* --- 5.3: up-values ------------------------------------------------------ */

/* True when it is new. */
static bool put(struct lua *st, uint64_t upval)
{
	int had = upval == 0 || upval & 7 ? 1 :
		  lua_space_put(&st->upvalues, upval);

	st->failed = st->failed || had < 0;
	return had == 0;
}

uint64_t lua_closure_upvalues(struct lua *st, uint64_t closure)
{
	const struct lua_mem *m = &st->mem;
	uint32_t n = lua_u8(m, closure, m->lay->cl_nupvalues), i;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		if (put(st, lua_word(m, closure, m->lay->cl_upvals +
						 8 * (int32_t)i)))
			bytes += (uint64_t)m->lay->sizeof_upval;
	}
	return bytes;
}

uint64_t lua_open_upvalues(struct lua *st, uint64_t thread)
{
	const struct lua_mem *m = &st->mem;
	uint64_t uv = lua_word(m, thread, m->lay->th_openupval);
	struct lua_chain chain = { 0 };
	uint64_t bytes = 0;

	for (int i = 0; i < MAX_OPEN && uv != 0 && !(uv & 7) &&
	     lua_view(m, uv, (uint64_t)m->lay->sizeof_upval) != NULL &&
	     !lua_chain_repeats(&chain, uv); i++) {
		bytes += put(st, uv) ? (uint64_t)m->lay->sizeof_upval : 0;
		uv = lua_word(m, uv, m->lay->upval_open_next);
	}
	return bytes;
}

uint64_t lua_gathered_upvalues(struct lua *st, const struct lua_links *x)
{
	const struct lua_window *v = NULL;
	uint64_t i, at, key = 0, bytes = 0;

	for (i = 0; i + 1 < x->upvalues.n; i += 2) {
		at = x->upvalues.v[i];
		if (key != (at >> LUA_WINDOW_SHIFT) + 1)
			v = lua_links_window(x, at);
		key = (at >> LUA_WINDOW_SHIFT) + 1;
		if (v != NULL && lua_link_named(v, at) &&
		    put(st, x->upvalues.v[i + 1]))
			bytes += (uint64_t)st->mem.lay->sizeof_upval;
	}
	return bytes;
}

/* --- 5.1: what is named elsewhere ---------------------------------------- */

/* A part of a table of strings, for one of some threads. */
struct namer {
	struct lua_links *links;
	const struct lua_mem *m;
	pthread_mutex_t *lock;
	uint64_t slots, n;		/* address of the first, how many */
	bool failed;
};

static void *name_slots(void *arg)
{
	struct namer *a = arg;
	uint64_t *buf = malloc(SLOTS * sizeof(*buf)), i, k, n, got;

	a->failed = buf == NULL;
	for (i = 0; i < a->n && !a->failed; i += n) {
		n = a->n - i < SLOTS ? a->n - i : SLOTS;
		got = a->m->host->read(a->m->im, a->slots + 8 * i, buf, 8 * n);
		for (k = 0; k < got / 8 && !a->failed; k++)
			a->failed = buf[k] != 0 &&
				    !lua_links_name(a->links, buf[k], a->lock);
		a->failed = a->failed || a->m->host->cancelled(a->m->im);
	}
	free(buf);
	return NULL;
}

/* lstring.c: where the chains of strings begin */
static bool name_strings(struct lua *st, struct lua_links *x,
			 const struct lua_state *s)
{
	const struct lua_mem *m = &st->mem;
	uint64_t hash = lua_word(m, s->global, m->lay->g_strt_hash), i, from;
	uint64_t size = lua_u32(m, s->global, m->lay->g_strt_size);
	uint64_t crew = (uint64_t)lua_crew_size();
	struct namer *a = calloc(crew, sizeof(*a));
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool ok = a != NULL && size <= LUA_MAX_ITEMS;

	for (i = 0; ok && i < crew; i++) {
		from = size * i / crew;
		a[i] = (struct namer){ .links = x, .m = m, .lock = &lock,
				       .slots = hash + 8 * from,
				       .n = size * (i + 1) / crew - from };
	}
	if (ok)
		lua_crew((int)crew, name_slots, a, sizeof(*a));
	for (i = 0; ok && i < crew; i++)
		ok = !a[i].failed;
	free(a);
	return ok;
}

/* A thread that nobody names is none. */
static bool name_open(struct lua *st, struct lua_links *x, uint64_t thread)
{
	const struct lua_window *v = lua_links_window(x, thread);
	uint64_t uv = lua_word(&st->mem, thread, st->mem.lay->th_openupval);

	return v == NULL || !lua_link_named(v, thread) || uv == 0 ||
	       lua_links_name(x, uv, NULL);
}

bool lua_name_unlisted(struct lua *st, struct lua_links *x)
{
	bool ok = true;
	uint64_t i;

	if (st->mem.lay->minor != 1)
		return true;
	for (i = 0; i < st->n_states && ok; i++)
		ok = name_strings(st, x, &st->states[i]);
	for (i = 0; i < x->threads.n && ok; i++)
		ok = name_open(st, x, x->threads.v[i]);
	// the main thread ends the list of what is no userdata
	for (i = 0; i < x->ends.n && ok; i++)
		ok = lua_kind_at(&st->mem, x->ends.v[i]) != LUA_THREAD ||
		     name_open(st, x, x->ends.v[i]);
	return ok;
}
