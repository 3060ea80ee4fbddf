/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where pymalloc's pools are. From 3.12 the interpreter has the list of arenas
 * (Include/internal/pycore_obmalloc.h). Before, it is a static variable of
 * obmalloc.c, without a name in a stripped build: then it is the word among the
 * module's own data that agrees with the pools of some objects known to lie in
 * them, whose headers tell the index of their arena.
 */
#include "pool.h"

#include <stdlib.h>

#include "lookup.h"
#include "walk.h"

enum {
	ARENA_OLD = 256 << 10,		/* ARENA_SIZE up to 3.9 */
	ARENA_NEW = 1 << 20,		/* and from 3.10 */
	MAX_ARENAS = 1 << 22,
	MAX_INTERPRETERS = 1024,
	N_SAMPLES = 8,
	N_LOOKED_AT = 256,
	WINDOW = 4096,			/* bytes that are searched at a time */
	MAX_DATA = 64 << 20,		/* of one module */
	MAX_MAPPINGS = 1 << 16,
	MAX_PATH = 512,
};

struct arenas {
	struct cpython *st;
	uint64_t size;			/* of an arena */
	struct heapsh_range *v;
	uint32_t n, cap;
	bool failed;			/* no memory */
};

static void add_arena(struct arenas *a, uint64_t addr)
{
	uint64_t pool = a->st->pool_size;
	struct heapsh_range *v;
	uint32_t cap;

	if (a->n == a->cap) {
		cap = a->cap != 0 ? a->cap * 2 : 256;
		v = reallocarray(a->v, cap, sizeof(*v));
		if (v == NULL) {
			a->failed = true;
			return;
		}
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n].start = (addr + pool - 1) & ~(pool - 1);
	a->v[a->n++].end = (addr + a->size) & ~(pool - 1);
}

/*
 * A struct arena_object: 0: it is none; else *addr is its arena, or 0 while it
 * is not in use.
 */
static bool arena_ok(const struct cpython_mem *m, uint64_t at, uint64_t *addr)
{
	const struct cpython_layout *l = m->lay;
	uint32_t free, total;

	if (!cpython_copy(m, at + (uint64_t)l->arena_address, addr, 8) ||
	    !cpython_copy(m, at + (uint64_t)l->arena_nfreepools, &free, 4) ||
	    !cpython_copy(m, at + (uint64_t)l->arena_ntotalpools, &total, 4))
		return false;
	if (*addr == 0)
		return true;
	return (*addr & 0xfff) == 0 && *addr >> 47 == 0 && free <= total &&
	       total <= 256;
}

static void add_list(struct arenas *a, uint64_t list, uint64_t n)
{
	const struct cpython_mem *m = &a->st->mem;
	uint64_t addr;

	if (n > MAX_ARENAS)
		n = MAX_ARENAS;
	for (uint64_t i = 0; i < n && !a->failed; i++) {
		if (!arena_ok(m, list + i * (uint64_t)m->lay->sizeof_arena,
			      &addr))
			return;
		if (addr != 0)
			add_arena(a, addr);
	}
}

/* From 3.12: within the interpreter; from 3.13 it points there. */
static void from_interpreters(struct arenas *a)
{
	const struct cpython_mem *m = &a->st->mem;
	const struct cpython_layout *l = m->lay;
	uint64_t interp = cpython_field(m, m->runtime,
					l->runtime_interp_head);

	for (int i = 0; interp != 0 && i < MAX_INTERPRETERS; i++) {
		uint64_t state = interp + (uint64_t)l->interp_obmalloc, list;

		if (m->minor >= 13)
			state = cpython_word(m, state);
		list = cpython_field(m, state, l->obmalloc_arenas);
		add_list(a, list, (uint32_t)cpython_i32(
					  m, state, l->obmalloc_maxarenas, 0));
		interp = cpython_field(m, interp, l->interp_next);
	}
}

/* --- without a name ----------------------------------------------------- */

struct samples {
	uint64_t addr[N_SAMPLES];
	uint32_t arena[N_SAMPLES];	/* index, from the pool's header */
	int n;
};

static void add_sample(const struct cpython *st, struct samples *s,
		       uint64_t obj)
{
	uint64_t base = obj & ~((uint64_t)st->pool_size - 1);
	struct cpython_pool pool;
	uint8_t head[64];
	uint32_t index;

	if (obj == 0 || s->n == N_SAMPLES ||
	    !cpython_copy(&st->mem, base, head, sizeof(head)) ||
	    !cpython_pool_open(st, head, &pool))
		return;
	memcpy(&index, head + st->mem.lay->pool_arenaindex, 4);
	for (int i = 0; i < s->n; i++)
		if (s->arena[i] == index && i > 1)
			return;
	s->addr[s->n] = obj;
	s->arena[s->n++] = index;
}

/* Dicts and what the oldest modules are made of: small, and long-lived. */
static void take_samples(const struct cpython *st, struct samples *s)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t modules = cpython_field(m, m->interp, m->lay->interp_modules);
	struct cpython_dict_iter it;
	uint64_t key, value;

	add_sample(st, s, modules);
	add_sample(st, s, cpython_field(m, m->interp, m->lay->interp_sysdict));
	if (!cpython_dict_open(m, modules, &it))
		return;
	for (int i = 0; i < N_LOOKED_AT &&
			cpython_dict_next(m, &it, &key, &value); i++) {
		add_sample(st, s, value);
		add_sample(st, s, cpython_module_dict(m, value));
	}
}

static bool agrees(const struct arenas *a, const struct samples *s,
		   uint64_t list)
{
	const struct cpython_mem *m = &a->st->mem;
	uint64_t addr;

	if (!cpython_plausible(list))
		return false;
	for (int i = 0; i < s->n; i++)
		if (!arena_ok(m, list + s->arena[i] *
						(uint64_t)m->lay->sizeof_arena,
			      &addr) ||
		    addr == 0 || s->addr[i] - addr >= a->size)
			return false;
	return s->n > 0;
}

/* Of the file, and what it does not fill, which lies right behind it. */
void cpython_image_find(struct cpython *st)
{
	const struct cpython_mem *m = &st->mem;
	struct heapsh_range *r = &st->image, file = { 0 };
	struct heapsh_mapping at;
	char path[MAX_PATH] = "";

	*r = file;
	for (uint32_t i = 0; i < MAX_MAPPINGS; i++) {
		at = (struct heapsh_mapping){ .size = sizeof(at) };
		if (!m->host->mapping(m->im, i, &at))
			break;
		if ((at.path.n != 0 || at.start != file.end) &&
		    (at.path.n != strlen(path) ||
		     memcmp(at.path.s, path, at.path.n) != 0)) {
			file.start = at.start;
			snprintf(path, sizeof(path), "%.*s", (int)at.path.n,
				 at.path.s);
		}
		file.end = at.end;
		if (m->runtime >= file.start && m->runtime < file.end)
			*r = file;
	}
	if (r->end - r->start > MAX_DATA)
		r->end = r->start + MAX_DATA;
}

/* Where blocks of malloc() are: in the heap, or in other memory of no file. */
struct places {
	struct heapsh_range *v;		/* sorted; freed by the owner */
	uint32_t n, cap;
};

static bool is_place(const struct heapsh_mapping *map, bool heap)
{
	static const char name[] = "[heap]";
	bool named = map->path.n == sizeof(name) - 1 &&
		     memcmp(map->path.s, name, sizeof(name) - 1) == 0;

	return (map->prot & 2) != 0 && map->shared == 0 &&
	       (heap ? named : map->path.n == 0);
}

/* False: no memory. */
static bool find_places(const struct cpython_mem *m, bool heap,
			struct places *p)
{
	struct heapsh_mapping map;
	struct heapsh_range *v;

	p->n = 0;
	for (uint32_t i = 0;; i++) {
		map = (struct heapsh_mapping){ .size = sizeof(map) };
		if (!m->host->mapping(m->im, i, &map))
			return true;
		if (!is_place(&map, heap))
			continue;
		if (p->n == p->cap) {
			v = reallocarray(p->v, p->cap * 2 + 64, sizeof(*v));
			if (v == NULL)
				return false;
			p->v = v;
			p->cap = p->cap * 2 + 64;
		}
		p->v[p->n++] = (struct heapsh_range){ map.start, map.end };
	}
}

static bool in_places(const struct places *p, uint64_t addr)
{
	uint32_t low = 0, high = p->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (addr < p->v[middle].start)
			high = middle;
		else if (addr >= p->v[middle].end)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/*
 * A list is a block of malloc(), which aligns to 16 bytes; what names it is
 * zero at first, so it is in .bss, at the end of the data.
 */
static uint64_t search_in(const struct arenas *a, const struct samples *s,
			  const struct places *p)
{
	const struct cpython_mem *m = &a->st->mem;
	uint64_t buf[WINDOW / 8];
	uint64_t start = a->st->image.start, end = a->st->image.end;

	while (end - start >= WINDOW) {
		end -= WINDOW;
		if (!cpython_copy(m, end, buf, sizeof(buf)))
			continue;
		for (int i = 0; i < WINDOW / 8; i++)
			if ((buf[i] & 15) == 0 && buf[i] != 0 &&
			    in_places(p, buf[i]) && agrees(a, s, buf[i]))
				return buf[i];
	}
	return 0;
}

/*
 * In the heap first: most of the data's words point elsewhere, and to look at
 * each costs a read of its own.
 */
static uint64_t search(const struct arenas *a, const struct samples *s)
{
	struct places p = { 0 };
	uint64_t list = 0;

	if (find_places(&a->st->mem, true, &p))
		list = search_in(a, s, &p);
	if (list == 0 && find_places(&a->st->mem, false, &p))
		list = search_in(a, s, &p);
	free(p.v);
	return list;
}

static void from_static(struct arenas *a)
{
	const struct cpython_mem *m = &a->st->mem;
	struct samples s = { .n = 0 };
	uint64_t at = m->host->symbol(m->im, NULL, "arenas", NULL), list;

	take_samples(a->st, &s);
	list = at != 0 ? cpython_word(m, at) : 0;
	if (!agrees(a, &s, list))
		list = search(a, &s);
	// the list is one block of malloc(), whose size stands in front of it
	if (list != 0)
		add_list(a, list, (cpython_word(m, list - 8) & ~UINT64_C(15)) /
					  (uint64_t)m->lay->sizeof_arena);
}

static int by_start(const void *a, const void *b)
{
	const struct heapsh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Neighbours become one. */
static uint32_t join(struct heapsh_range *v, uint32_t n)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].start >= v[i].end)
			continue;
		if (to != 0 && v[i].start <= v[to - 1].end) {
			if (v[i].end > v[to - 1].end)
				v[to - 1].end = v[i].end;
		} else {
			v[to++] = v[i];
		}
	}
	return to;
}

bool cpython_arenas_find(struct cpython *st)
{
	struct arenas a = { .st = st };

	a.size = st->mem.minor >= 10 ? ARENA_NEW : ARENA_OLD;
	if (st->mem.lay->obmalloc_arenas >= 0)
		from_interpreters(&a);
	else
		from_static(&a);
	if (a.failed) {
		free(a.v);
		return false;
	}
	if (a.n != 0)
		qsort(a.v, a.n, sizeof(*a.v), by_start);
	st->ranges = a.v;
	st->n_ranges = join(a.v, a.n);
	return true;
}
