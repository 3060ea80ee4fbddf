/* SPDX-License-Identifier: Apache-2.0 */
/* Windows by address, and threads that work on them. */
#include "lualinks.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_THREADS = 8, HUGE = 2 << 20 };

/*
 * Millions of small numbers that are written once: a page fault for each 4 KiB
 * of them would take longer than to write them.
 */
static void *map_huge(size_t size, struct lua_mapped *ret)
{
	void *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t at = ((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1);

	if (p == MAP_FAILED)
		return NULL;
	*ret = (struct lua_mapped){ .start = p, .size = size + HUGE };
	if (size >= HUGE)
		madvise((void *)at, size, MADV_HUGEPAGE);
	return (void *)at;
}

void *lua_links_map(struct lua_links *x, size_t size, bool kept)
{
	struct lua_mapped *to;
	void *p;

	if (!lua_grow(&x->mapped, x->n_mapped, &x->cap_mapped,
		      sizeof(*x->mapped)))
		return NULL;
	to = &x->mapped[x->n_mapped];
	p = map_huge(size, to);
	to->kept = kept;
	x->n_mapped += p != NULL;
	return p;
}

/* all: also what is kept. */
static void unmap(struct lua_links *x, bool all)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < x->n_mapped; i++) {
		if (all || !x->mapped[i].kept)
			munmap(x->mapped[i].start, x->mapped[i].size);
		else
			x->mapped[n++] = x->mapped[i];
	}
	x->n_mapped = n;
}

static uint64_t slot_of(const struct lua_links *x, uint64_t key)
{
	uint64_t i = key * UINT64_C(0x9e3779b97f4a7c15);

	i = (i ^ i >> 32) & (x->cap - 1);
	while (x->keys[i] != 0 && x->keys[i] != key)
		i = (i + 1) & (x->cap - 1);
	return i;
}

static bool grow(struct lua_links *x)
{
	struct lua_links to = *x;

	to.cap = x->cap != 0 ? x->cap * 2 : 1024;
	to.keys = calloc(to.cap, sizeof(*to.keys));
	to.windows = calloc(to.cap, sizeof(*to.windows));
	if (to.keys == NULL || to.windows == NULL) {
		free(to.keys);
		free(to.windows);
		return false;
	}
	for (uint64_t i = 0; i < x->cap; i++) {
		uint64_t at = x->keys[i] != 0 ? slot_of(&to, x->keys[i]) : 0;

		if (x->keys[i] == 0)
			continue;
		to.keys[at] = x->keys[i];
		to.windows[at] = x->windows[i];
	}
	free(x->keys);
	free(x->windows);
	*x = to;
	return true;
}

bool lua_addresses_add(struct lua_addresses *a, uint64_t addr)
{
	if (!lua_grow(&a->v, a->n, &a->cap, sizeof(*a->v)))
		return false;
	a->v[a->n++] = addr;
	return true;
}

static void free_again(struct lua_links *x)
{
	for (uint64_t i = 0; i < x->n_used; i++) {
		free((void *)x->pool[i].again);
		x->pool[i].again = NULL;
	}
}

void lua_links_deinit(struct lua_links *x)
{
	free_again(x);
	unmap(x, true);
	free(x->mapped);
	free(x->keys);
	free(x->windows);
	free(x->threads.v);
	free(x->more.v);
	free(x->ends.v);
	free(x->fixed.v);
	free(x->upvalues.v);
	*x = (struct lua_links){ 0 };
}

void lua_links_settle(struct lua_links *x)
{
	free_again(x);
	unmap(x, false);
	free(x->upvalues.v);
	x->upvalues = (struct lua_addresses){ 0 };
	for (uint64_t i = 0; i < x->n_used; i++)
		x->pool[i].link = NULL;
}

bool lua_links_init(struct lua_links *x, uint64_t n)
{
	x->pool = lua_links_map(x, n * sizeof(*x->pool), true);
	x->n_pool = x->pool != NULL ? n : 0;
	return x->pool != NULL;
}

struct lua_window *lua_links_add(struct lua_links *x, uint64_t addr)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1, i;

	if (x->n * 2 >= x->cap && !grow(x))
		return NULL;
	i = slot_of(x, key);
	if (x->keys[i] == 0) {
		if (x->n_used == x->n_pool)
			return NULL;
		x->windows[i] = &x->pool[x->n_used++];
		x->keys[i] = key;
		x->n++;
	}
	return x->windows[i];
}

struct lua_window *lua_links_window(const struct lua_links *x, uint64_t addr)
{
	if (x->cap == 0)
		return NULL;
	return x->windows[slot_of(x, (addr >> LUA_WINDOW_SHIFT) + 1)];
}

bool lua_link_at(struct lua_links *x, uint64_t addr, uint64_t *next,
		 enum lua_kind *kind)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1, link;
	const struct lua_window *v;

	if (x->last != key) {
		x->last = key;
		x->last_window = lua_links_window(x, addr);
	}
	v = x->last_window;
	if (v == NULL || v->link == NULL || !lua_link_has(v, addr))
		return false;
	link = v->link[lua_link_rank(v, addr)];
	*next = link & LUA_LINK_NEXT;
	*kind = (enum lua_kind)(link >> LUA_KIND_SHIFT);
	return true;
}

/* --- threads ------------------------------------------------------------- */

int lua_crew_size(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores < MAX_THREADS ? (int)cores : MAX_THREADS;
}

void lua_crew(int n, void *(*fn)(void *arg), void *args, size_t size)
{
	pthread_t threads[MAX_THREADS];
	bool runs[MAX_THREADS] = { false };
	int i;

	// the first of them is this thread
	for (i = 1; i < n; i++)
		runs[i] = pthread_create(&threads[i], NULL, fn,
					 (char *)args + (size_t)i * size) == 0;
	fn(args);
	for (i = 1; i < n; i++) {
		if (runs[i])
			pthread_join(threads[i], NULL);
		else
			fn((char *)args + (size_t)i * size);
	}
}
