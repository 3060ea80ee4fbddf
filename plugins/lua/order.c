/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of threads, where no list was walked that would tell it. It is
 * asked for by people, and costs a walk.
 */
#include "lualinks.h"

#include <stdlib.h>

struct member {
	uint64_t thread, group, order;
};

static uint64_t group_of(const struct lua *st, uint64_t thread)
{
	uint64_t global = lua_word(&st->mem, thread, st->mem.lay->th_global);
	uint64_t i;

	for (i = 0; i < st->n_states && st->states[i].global != global; i++)
		;
	return i;
}

static int by_address(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* By address; free(). NULL: out of memory. */
static struct member *members(const struct lua *st)
{
	struct member *v = calloc(st->n_threads + 1, sizeof(*v));
	uint64_t at, group;
	bool main;

	for (uint64_t i = 0; v != NULL && i < st->n_threads; i++) {
		at = st->threads[i];
		group = group_of(st, at);
		main = group < st->n_states && st->states[group].main == at;
		v[i] = (struct member){ at, group, main ? 0 : at };
	}
	if (v != NULL)
		qsort(v, st->n_threads, sizeof(*v), by_address);
	return v;
}

static void arrange(struct lua *st, struct member *v)
{
	qsort(v, st->n_threads, sizeof(*v), by_group);
	for (uint64_t i = 0; i < st->n_threads; i++)
		st->threads[i] = v[i].thread;
}

void lua_threads_group(struct lua *st)
{
	struct member *v = members(st);

	if (v != NULL)
		arrange(st, v);
	else
		st->failed = true;
	free(v);
}

/* A list's newest object is its first: the later it comes, the older it is. */
static void follow(struct lua *st, struct lua_links *links, uint64_t at,
		   struct member *v)
{
	const int32_t next = st->mem.lay->gc_next;
	struct lua_chain chain = { 0 };
	enum lua_kind kind;
	uint64_t to, n = 0;

	for (; at != 0 && !lua_chain_repeats(&chain, at); at = to) {
		struct member key = { .thread = at }, *found;

		if (!lua_link_at(links, at, &to, &kind)) {
			kind = lua_kind_at(&st->mem, at);
			to = kind != LUA_NOTHING ?
				     lua_word(&st->mem, at, next) : 0;
		}
		if (!(++n & 0x3fff) && st->mem.host->cancelled(st->mem.im))
			return;
		if (kind != LUA_THREAD)
			continue;
		found = bsearch(&key, v, st->n_threads, sizeof(*v),
				by_address);
		if (found != NULL && found->order != 0)
			found->order = UINT64_MAX - n;
	}
}

static void order(struct lua *st)
{
	struct member *v = members(st);
	struct lua_links links = { 0 };

	if (v != NULL && lua_links_gather(st, true, &links)) {
		for (uint32_t i = 0; i < st->n_states; i++)
			follow(st, &links, lua_word(&st->mem,
						    st->states[i].global,
						    st->mem.lay->g_allgc), v);
		arrange(st, v);
	}
	lua_links_deinit(&links);
	free(v);
}

void lua_threads_in_order(struct lua *st)
{
	lua_walk(st, NULL);
	pthread_mutex_lock(&st->lock);
	if (st->peeled && !st->ordered && st->n_threads > st->n_states + 1)
		order(st);
	st->ordered = true;
	pthread_mutex_unlock(&st->lock);
}
