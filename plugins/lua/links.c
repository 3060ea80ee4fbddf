/* SPDX-License-Identifier: Apache-2.0 */
#include "lualinks.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	MAX_THREADS = 8,
	CHUNK = 1 << LUA_WINDOW_SHIFT,
	OVERLAP = 256,		/* an object's header beyond the chunk */
	KIND_SHIFT = 48,
	/* Memory is looked through when Lua has that much of it: else the
	 * lists are followed. */
	LEAST = 1 << 20,
	SHARE = 8,
};

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
	struct lua_links to = { .cap = x->cap != 0 ? x->cap * 2 : 1024,
				.n = x->n };

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

void lua_links_deinit(struct lua_links *x)
{
	for (uint64_t i = 0; i < x->cap; i++) {
		if (x->keys[i] != 0)
			free(x->windows[i]->link);
		free(x->windows[i]);
	}
	free(x->keys);
	free(x->windows);
	*x = (struct lua_links){ 0 };
}

static struct lua_window *window(struct lua_links *x, uint64_t addr)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1, i;

	if (x->n * 2 >= x->cap && !grow(x))
		return NULL;
	i = slot_of(x, key);
	if (x->keys[i] == 0) {
		x->windows[i] = calloc(1, sizeof(**x->windows));
		if (x->windows[i] == NULL)
			return NULL;
		x->keys[i] = key;
		x->n++;
	}
	return x->windows[i];
}

bool lua_link_at(struct lua_links *x, uint64_t addr, uint64_t *next,
		 enum lua_kind *kind)
{
	uint64_t key = (addr >> LUA_WINDOW_SHIFT) + 1, bits, link;
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	const struct lua_window *v;
	unsigned bit = addr >> 3 & 63;

	if (x->last != key) {
		x->last = key;
		x->last_window = x->windows[slot_of(x, key)];
	}
	v = x->last_window;
	if (v == NULL || addr & 7)
		return false;
	bits = v->bits[w];
	if (!(bits >> bit & 1))
		return false;
	link = v->link[v->rank[w] + lua_bits_count(
					bits & ((UINT64_C(1) << bit) - 1))];
	*next = link & ((UINT64_C(1) << KIND_SHIFT) - 1);
	*kind = (enum lua_kind)(link >> KIND_SHIFT);
	return true;
}

/* --- looking through ----------------------------------------------------- */

/* Metatables that a thread has told of: most objects have one of a few. */
enum { KNOWN = 256 };

/* What the threads share. */
struct job {
	struct lua *st;
	struct lua_links *links;
	uint64_t stride;		/* of objects: 16, or 8 */
	uint64_t low, high;		/* of writable memory */
	pthread_mutex_t lock;		/* of st and links */
	_Atomic uint64_t next;		/* piece */
	struct piece { uint64_t start, len; } *pieces;
	uint64_t n_pieces, cap_pieces;
	_Atomic bool failed;
};

/* One of them. */
struct gatherer {
	struct job *job;
	uint8_t *buf;			/* CHUNK + OVERLAP */
	uint64_t known[KNOWN];
};

static void note_metatable(struct gatherer *g, uint64_t addr, const uint8_t *p,
			   enum lua_kind kind)
{
	const struct lua_layout *l = g->job->st->mem.lay;
	uint64_t metatable = lua_at64(p, kind == LUA_TABLE ?
						 l->tab_metatable :
						 l->udata_metatable);
	uint64_t *known = &g->known[metatable >> 4 & (KNOWN - 1)];

	if (metatable & 7 || *known == metatable ||
	    metatable - g->job->low >= g->job->high - g->job->low)
		return;
	pthread_mutex_lock(&g->job->lock);
	// those of tables with weak keys are each told
	if (!lua_note_metatable(g->job->st, metatable, addr))
		*known = metatable;
	pthread_mutex_unlock(&g->job->lock);
}

static bool add_link(struct lua_window *v, uint64_t addr, uint64_t link)
{
	uint32_t cap = v->cap != 0 ? v->cap * 2 : 4096;
	uint64_t *to;

	if (v->n == v->cap) {
		to = realloc(v->link, cap * sizeof(*to));
		if (to == NULL)
			return false;
		v->link = to;
		v->cap = cap;
	}
	v->bits[addr >> 9 & (LUA_WINDOW_WORDS - 1)] |=
		UINT64_C(1) << (addr >> 3 & 63);
	v->link[v->n++] = link;
	return true;
}

static void add_state(struct job *j, uint64_t addr)
{
	pthread_mutex_lock(&j->lock);
	lua_add_state(&j->st->mem, addr, j->st->states, &j->st->n_states);
	pthread_mutex_unlock(&j->lock);
}

/*
 * Every 8 or 16 bytes could begin an object: its tag is one of few, and what is
 * next lies in memory. An object that ends a list says 0 and is left out: its
 * list ends there either way.
 */
static void gather_words(struct gatherer *g, struct lua_window *v,
			 uint64_t addr, uint64_t n)
{
	const struct lua_layout *l = g->job->st->mem.lay;
	const uint64_t low = g->job->low, span = g->job->high - low;
	const uint64_t ahead = lua_state_ahead(l);
	const uint8_t *kinds = lua_kinds[l->minor];
	const int32_t tt = l->gc_tt;
	enum lua_kind kind;
	const uint8_t *p;
	const uint64_t stride = g->job->stride;
	uint64_t i, next;

	for (i = -addr & (stride - 1); i < n; i += stride) {
		p = g->buf + i;
		next = lua_at64(p, 0);
		if (next - low >= span)
			continue;
		if (next - (addr + i) == ahead)
			add_state(g->job, addr + i - (uint64_t)l->th_global);
		kind = (enum lua_kind)kinds[p[tt]];
		if (kind == LUA_NOTHING || next & 7)
			continue;
		kind = l->cl_is_c >= 0 ? lua_kind_in(l, p) : kind;
		if (!add_link(v, addr + i,
			      next | (uint64_t)kind << KIND_SHIFT)) {
			g->job->failed = true;
			return;
		}
		if (kind == LUA_TABLE || kind == LUA_USERDATA)
			note_metatable(g, addr + i, p, kind);
	}
}

static void count_window(struct lua_window *v)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < LUA_WINDOW_WORDS; i++) {
		v->rank[i] = sum;
		sum += lua_bits_count(v->bits[i]);
	}
}

/* Pieces of one window are one after another, and of one thread. */
static void gather_piece(struct gatherer *g, const struct piece *piece)
{
	const struct lua_mem *m = &g->job->st->mem;
	uint64_t n = piece->len, got;
	struct lua_window *v;

	got = m->host->read(m->im, piece->start, g->buf, n + OVERLAP);
	// the last header of a mapping may have nothing behind it
	memset(g->buf + got, 0, n + OVERLAP - got);
	n = got < n ? got & ~UINT64_C(7) : n;
	if (n == 0)
		return;
	pthread_mutex_lock(&g->job->lock);
	v = window(g->job->links, piece->start);
	pthread_mutex_unlock(&g->job->lock);
	if (v == NULL) {
		g->job->failed = true;
		return;
	}
	gather_words(g, v, piece->start, n);
	count_window(v);
}

static uint64_t window_of(const struct piece *p)
{
	return p->start >> LUA_WINDOW_SHIFT;
}

static void *gather(void *arg)
{
	struct gatherer *g = arg;
	struct job *j = g->job;
	const struct piece *p = j->pieces;
	uint64_t i;

	while (!j->failed && (i = j->next++) < j->n_pieces) {
		// a window belongs to who takes its first piece
		if (i != 0 && window_of(&p[i]) == window_of(&p[i - 1]))
			continue;
		do {
			gather_piece(g, &p[i++]);
		} while (i < j->n_pieces &&
			 window_of(&p[i]) == window_of(&p[i - 1]));
		if (j->st->mem.host->cancelled(j->st->mem.im))
			j->failed = true;
	}
	return NULL;
}

/* --- the work of several threads ----------------------------------------- */

static bool add_mapping(struct job *j, const struct heapsh_mapping *map)
{
	uint64_t at, end;

	j->low = j->low == 0 || map->start < j->low ? map->start : j->low;
	j->high = map->end > j->high ? map->end : j->high;
	for (at = map->start; at < map->end; at = end) {
		end = (at | (CHUNK - 1)) + 1;
		end = end < map->end ? end : map->end;
		if (!lua_grow(&j->pieces, j->n_pieces, &j->cap_pieces,
			      sizeof(*j->pieces)))
			return false;
		j->pieces[j->n_pieces++] = (struct piece){ at, end - at };
	}
	return true;
}

static bool cut_pieces(struct job *j)
{
	const struct lua_mem *m = &j->st->mem;
	struct heapsh_mapping map = { .size = sizeof(map) };

	for (uint32_t i = 0; m->host->mapping(m->im, i, &map); i++) {
		if (lua_may_hold_state(&map) && !add_mapping(j, &map))
			return false;
	}
	return true;
}

static void run(struct job *j)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct gatherer *g = calloc(MAX_THREADS, sizeof(*g));
	pthread_t threads[MAX_THREADS];
	int n, i;

	cores = cores < 1 ? 1 : cores < MAX_THREADS ? cores : MAX_THREADS;
	for (n = 0; g != NULL && n < cores; n++) {
		g[n].job = j;
		g[n].buf = malloc(CHUNK + OVERLAP);
		// the first of them is this thread
		if (g[n].buf == NULL ||
		    (n != 0 && pthread_create(&threads[n], NULL, gather,
					      &g[n]) != 0))
			break;
	}
	if (n > 0)
		gather(&g[0]);
	else
		j->failed = true;
	for (i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; g != NULL && i < MAX_THREADS; i++)
		free(g[i].buf);
	free(g);
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

/*
 * malloc() aligns to 16, other allocators may to 8. Threads have LUA_EXTRASPACE
 * before them and so always are in between: what is not gathered is looked at
 * where it lies.
 */
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

bool lua_links_gather(struct lua *st, struct lua_links *ret)
{
	struct job j = { .st = st, .links = ret };

	if (!worth_it(st))
		return false;
	j.stride = stride_of(st);
	pthread_mutex_init(&j.lock, NULL);
	if (cut_pieces(&j))
		run(&j);
	else
		j.failed = true;
	pthread_mutex_destroy(&j.lock);
	free(j.pieces);
	if (j.failed)
		lua_links_deinit(ret);
	return !j.failed;
}
