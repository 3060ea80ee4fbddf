// SPDX-License-Identifier: Apache-2.0
#include "toyworld.h"

enum {
	MIB = 1 << 20,
	PAGE = 4096,
	GRAIN = 16384,
};

struct place {
	uint64_t start, len;
	bool claimed;
};

/*
 * What is claimed starts and ends in the middle of windows, touches, and
 * shares a window with what is not.
 */
static const struct place places[] = {
	{ 0x0ffc0000, MIB / 4, false },
	{ 0x10000000, 3 * MIB, true },
	{ 0x10000000 + 3 * MIB, MIB / 4, true },
	{ 0x10000000 + 3 * MIB + MIB / 4, MIB / 4, false },
	{ 0x10000000 + 3 * MIB + MIB / 2, MIB / 8, true },
	{ 0x20000000 + 5 * GRAIN, 2 * MIB, true },
	{ 0x7f1234560000, MIB, false },
	{ 0x7fff00000000, 64 * PAGE, false },
};

uint64_t world_random(struct world *w, uint64_t below)
{
	// xorshift64*, Vigna 2016
	w->rng ^= w->rng >> 12;
	w->rng ^= w->rng << 25;
	w->rng ^= w->rng >> 27;
	return (w->rng * UINT64_C(0x2545f4914f6cdd1d) >> 20) % below;
}

struct world_object *world_at(const struct world *w, uint64_t addr)
{
	uint32_t lo = 0, hi = w->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (w->v[mid].o.addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->n && w->v[lo].o.addr == addr ? &w->v[lo] : NULL;
}

struct world_object *world_target(const struct world *w,
				  const struct world_edge *e)
{
	struct world_object *o = world_at(w, e->target);

	return o && o->expected ? o : NULL;
}

static void make_types(struct world *w)
{
	toy_type(w->toy, "plain", 0, 0, false);
	toy_type(w->toy, "leaf", HEAPSH_TYPE_LEAF | HEAPSH_TYPE_TEXT, 0,
		 false);
	toy_type(w->toy, "function", HEAPSH_TYPE_CODE, 0, false);
	toy_type(w->toy, "class", HEAPSH_TYPE_CODE | HEAPSH_TYPE_CODE_LEAF, 0,
		 false);
	toy_type(w->toy, "table", HEAPSH_TYPE_TABLE, 0, false);
	toy_type(w->toy, "late", 0, 0, true);
}

static void make_object(struct world *w, struct world_object *o)
{
	uint64_t kind = world_random(w, 100);

	o->o.type = kind < 40 ? WORLD_PLAIN :
		    kind < 75 ? WORLD_LEAF :
		    kind < 80 ? WORLD_CODE :
		    kind < 83 ? WORLD_CODE_LEAF :
		    kind < 98 ? WORLD_TABLE :
				WORLD_LATE;
	o->o.flat = (uint32_t)(16 + world_random(w, 40));
	o->o.held = (uint32_t)(o->o.flat + world_random(w, 3) * 16);
	o->o.shift = world_random(w, 500) ? 0 : 30;
	if (!world_random(w, 50))
		o->o.flags = (uint32_t)world_random(w, 16);
	if (o->o.type != WORLD_LEAF)
		o->n_edges = (uint32_t)world_random(w, 8);
	o->o.n_words = o->n_edges;
	o->owner = UINT32_MAX;
}

/* Fill the places with objects; none crosses a grain. */
static void lay_out(struct world *w, uint32_t n)
{
	uint64_t at, room, step, size;
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];
		uint32_t from = w->n;

		// Evenly spread, so that every window has some.
		step = p->len / (n / HS_ARRAY_SIZE(places) + 1);
		for (at = p->start; at < p->start + p->len;) {
			struct world_object *o = &w->v[w->n];

			memset(o, 0, sizeof(*o));
			make_object(w, o);
			size = TOY_HEAD + (o->n_edges + 1) / 2 * 16;
			room = GRAIN - (at & (GRAIN - 1));
			if (room < size)
				at += room;
			if (at + size > p->start + p->len)
				break;
			o->o.addr = at;
			o->claimed = p->claimed;
			w->n++;
			at += hs_align_up(size + world_random(w, step * 2 + 1),
					  16);
			if (w->n - from > n)
				break;
		}
	}
}

static uint64_t random_target(struct world *w)
{
	switch (world_random(w, 40)) {
	case 0:
		return 0x10000000 + world_random(w, 4 * MIB) / 8 * 8;
	case 1:
		return world_random(w, UINT64_C(1) << 47) / 8 * 8;
	case 2:	// a few that everybody names
		return w->v[world_random(w, w->n) / 200 * 200].o.addr;
	default:
		return w->v[world_random(w, w->n)].o.addr;
	}
}

static void make_edges(struct world *w)
{
	uint64_t words[8];
	uint32_t i, k;

	for (i = 0; i < w->n; i++) {
		struct world_object *o = &w->v[i];

		for (k = 0; k < o->n_edges; k++) {
			struct world_edge *e = &o->edges[k];
			const struct world_object *t;
			uint64_t kind = world_random(w, 20);

			e->target = k && !world_random(w, 10) ?
					    o->edges[k - 1].target :
					    random_target(w);
			e->flags = kind == 0 ? HEAPSH_EDGE_WEAK :
				   kind <= 2 ? HEAPSH_EDGE_CONTEXT :
					       0;
			t = world_at(w, e->target);
			if (!e->flags && t && t->o.type == WORLD_TABLE)
				e->flags = HEAPSH_EDGE_TABLE;
			words[k] = toy_edge(e->target, e->flags, 0);
		}
		o->o.words = words;
		o->o.refcount = (uint32_t)world_random(w, 12);
		if (!world_random(w, 100))
			o->o.refcount = UINT32_MAX;
		toy_put(w->toy, &o->o);
	}
}

static void make_roots(struct world *w)
{
	uint32_t i;

	w->n_roots = 1 + (uint32_t)world_random(w, 6);
	w->roots = hs_xcalloc(w->n_roots + 1, sizeof(*w->roots));
	for (i = 0; i < w->n_roots; i++) {
		w->roots[i] = random_target(w);
		toy_root(w->toy, w->roots[i], "root");
	}
	w->roots[w->n_roots++] = w->roots[0];
	toy_root(w->toy, w->roots[0], "again");
}

/* One round after the other until nothing changes: slow, and plainly right. */
static void expect_nodes(struct world *w)
{
	bool changed = true;
	struct world_object *t;
	uint32_t i, k;

	for (i = 0; i < w->n; i++)
		w->v[i].expected = w->v[i].claimed;
	for (i = 0; i < w->n_roots; i++) {
		t = world_at(w, w->roots[i]);
		if (t)
			t->expected = true;
	}
	while (changed) {
		changed = false;
		for (i = 0; i < w->n; i++)
			for (k = 0; k < w->v[i].n_edges; k++) {
				const struct world_edge *e = &w->v[i].edges[k];

				t = world_at(w, e->target);
				if (!w->v[i].expected || !t || t->expected ||
				    e->flags & HEAPSH_EDGE_WEAK)
					continue;
				t->expected = changed = true;
			}
	}
}

static void expect_counts(struct world *w)
{
	struct world_object *t;
	uint32_t i, k;

	for (i = 0; i < w->n; i++) {
		w->n_expected += w->v[i].expected;
		for (k = 0; k < w->v[i].n_edges && w->v[i].expected; k++) {
			const struct world_edge *e = &w->v[i].edges[k];

			t = world_target(w, e);
			if (!t || e->flags & HEAPSH_EDGE_WEAK)
				continue;
			t->in_degree++;
			if (e->flags & HEAPSH_EDGE_TABLE &&
			    t->owner == UINT32_MAX)
				t->owner = i;
		}
	}
	for (i = 0; i < w->n_roots; i++) {
		t = world_at(w, w->roots[i]);
		if (t)
			t->root_refs++;
	}
	for (i = 0; i < w->n; i++) {
		t = &w->v[i];
		if (!t->expected || t->o.flags & HEAPSH_OBJECT_IMMORTAL)
			continue;
		t->orphan = t->o.refcount > t->in_degree + t->root_refs;
		t->unreferenced = !t->in_degree && !t->root_refs;
	}
}

static void expect_reach(struct world *w)
{
	bool changed = true;
	struct world_object *o, *t;
	uint32_t i, k;

	for (i = 0; i < w->n; i++) {
		o = &w->v[i];
		o->reached = o->root_refs;
		o->alive = o->expected &&
			   (o->root_refs || o->orphan ||
			    o->o.flags & HEAPSH_OBJECT_IMMORTAL);
	}
	while (changed) {
		changed = false;
		for (i = 0; i < w->n; i++)
			for (k = 0; k < w->v[i].n_edges; k++) {
				o = &w->v[i];
				t = world_target(w, &o->edges[k]);
				if (!t || o->edges[k].flags & HEAPSH_EDGE_WEAK)
					continue;
				if (o->reached && !t->reached)
					t->reached = changed = true;
				if (o->alive && !t->alive)
					t->alive = changed = true;
			}
	}
}

struct world *world_create(uint64_t seed, uint32_t n)
{
	struct world *w = hs_xalloc(sizeof(*w));
	uint64_t bytes = 0;
	size_t i;

	w->rng = seed * 2 + 1;
	w->toy = toy_create();
	for (i = 0; i < HS_ARRAY_SIZE(places); i++) {
		toy_map(w->toy, places[i].start, places[i].len,
			places[i].claimed);
		bytes += places[i].len;
	}
	// Claimed twice, which must not be seen twice.
	toy_claim(w->toy, places[1].start + GRAIN, 3 * GRAIN);
	w->v = hs_xcalloc(bytes / TOY_HEAD, sizeof(*w->v));
	make_types(w);
	lay_out(w, n);
	make_edges(w);
	make_roots(w);
	expect_nodes(w);
	expect_counts(w);
	expect_reach(w);
	return w;
}

void world_destroy(struct world *w)
{
	toy_destroy(w->toy);
	free(w->roots);
	free(w->v);
	free(w);
}

/* --- the host's side that is of no world -------------------------------- */

char *md_sites_how(struct md_model *m)
{
	(void)m;
	return hs_xstrdup("take notes");
}
