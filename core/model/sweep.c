// SPDX-License-Identifier: Apache-2.0
/**
 * Objects and edges on their way from a plugin to a room on the right.
 *
 *	plugin -> guard.sink -> checks -> the caller's sink
 *
 * What the guard lets through has a known type, sizes within reason and, in a
 * sweep, ascending addresses within the chunk; an edge has an object before it.
 * A call more for each costs about a nanosecond.
 */
#include "model_priv.h"

enum {
	OBJECT_FLAGS = 0xf,	/* all of heapsh_object_flags */
	EDGE_FLAGS = 0xf,	/* of heapsh_edge_flags, those of references */
	GRAIN_MIN = 4 << 10,
	GRAIN_MAX = 1 << 20,
	RANGES_MAX = 1 << 24,	/* a terabyte of 64 KiB pieces */
};

struct guard {
	struct heapsh_sink sink;	/* what the plugin sees; first */
	struct heapsh_sink *inner;
	struct md_model *m;
	uint32_t edge_flags;	/* that an edge may have */
	uint64_t low, high;	/* of addresses still accepted; high included */
	bool ordered;		/* low follows the objects */
	bool open;		/* edges belong to an accepted object */
};

static uint64_t bounded(uint64_t size)
{
	return size < MD_SIZE_MAX ? size : MD_SIZE_MAX;
}

/** A copy that keeps the rules. */
static void mend(struct md_model *m, struct heapsh_object *o)
{
	if (o->type >= md_n_types(m)) {
		o->type = md_types_unknown(m->image->types);
		o->flags |= HEAPSH_OBJECT_APPROXIMATE;
	}
	o->flags &= OBJECT_FLAGS;
	o->flat = bounded(o->flat);
	o->held = bounded(o->held);
}

static void guard_object(struct heapsh_sink *sink,
			 const struct heapsh_object *o)
{
	struct guard *g = (struct guard *)sink;
	struct heapsh_object mended;

	g->open = o->address >= g->low && o->address <= g->high;
	if (HS_UNLIKELY(!g->open)) {
		atomic_fetch_add_explicit(&g->m->rejected, 1,
					  memory_order_relaxed);
		return;
	}
	if (g->ordered)
		g->low = o->address + 1;
	if (HS_LIKELY(o->type < md_n_types(g->m) && o->flat <= MD_SIZE_MAX &&
		      o->held <= MD_SIZE_MAX && o->flags <= OBJECT_FLAGS)) {
		g->inner->object(g->inner, o);
		return;
	}
	mended = *o;
	mend(g->m, &mended);
	g->inner->object(g->inner, &mended);
}

static void guard_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct guard *g = (struct guard *)sink;
	struct heapsh_edge mended;

	if (HS_UNLIKELY(!g->open))
		return;
	if (HS_LIKELY(e->label <= HEAPSH_LABEL_PART &&
		      e->flags <= g->edge_flags)) {
		g->inner->edge(g->inner, e);
		return;
	}
	// What is no reference must never become one.
	if (e->flags & (HEAPSH_EDGE_FOUND | HEAPSH_EDGE_MAYBE) &
	    ~g->edge_flags)
		return;
	mended = *e;
	mended.flags &= g->edge_flags;
	if (mended.label > HEAPSH_LABEL_PART)
		mended.label = HEAPSH_LABEL_NONE;
	g->inner->edge(g->inner, &mended);
}

static void guard_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	struct guard *g = (struct guard *)sink;

	g->open = false;
	g->inner->nothing(g->inner, addr);
}

static void drop_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	(void)sink;
	(void)o;
}

static void drop_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	(void)sink;
	(void)e;
}

static void drop_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)sink;
	(void)addr;
}

/** A plugin may call what was not wanted: then nobody is called. */
static void guard_init(struct guard *g, struct md_model *m,
		       struct heapsh_sink *inner)
{
	g->sink.size = sizeof(g->sink);
	g->sink.want = inner->want;
	g->sink.object = guard_object;
	g->sink.edge = guard_edge;
	g->sink.nothing = guard_nothing;
	g->sink.reader = inner->reader;
	g->inner = inner;
	g->m = m;
	g->edge_flags = EDGE_FLAGS;
	if (inner->want & HEAPSH_WANT_FRONTIER)
		g->edge_flags |= HEAPSH_EDGE_FOUND;
	if (!inner->object)
		inner->object = drop_object;
	if (!inner->edge)
		inner->edge = drop_edge;
	if (!inner->nothing)
		inner->nothing = drop_nothing;
}

void md_sweep(struct md_model *m, const struct heapsh_chunk *chunk,
	      struct heapsh_sink *sink)
{
	struct guard g = { .low = chunk->address, .ordered = true };

	if (!m->plugin->sweep || !chunk->len)
		return;
	g.high = chunk->address + (chunk->len - 1);
	guard_init(&g, m, sink);
	md_enter(m->host, m->name);
	m->plugin->sweep(m->state, chunk, &g.sink);
	md_leave(m->host);
}

void md_at(struct md_model *m, const uint64_t *addr, uint32_t n,
	   struct heapsh_sink *sink)
{
	struct guard g = { .low = 1, .high = UINT64_MAX };

	if (!n)
		return;
	guard_init(&g, m, sink);
	md_enter(m->host, m->name);
	m->plugin->at(m->state, addr, n, &g.sink);
	md_leave(m->host);
}

/* --- ranges -------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct heapsh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/** Sorted, disjoint, none empty; how many are left. */
static uint32_t mend_ranges(struct heapsh_range *r, uint32_t n)
{
	uint64_t covered = 0;
	uint32_t i, out = 0;

	qsort(r, n, sizeof(*r), by_start);
	for (i = 0; i < n; i++) {
		struct heapsh_range one = r[i];

		if (one.start < covered)
			one.start = covered;
		if (one.start >= one.end)
			continue;
		covered = one.end;
		r[out++] = one;
	}
	return out;
}

uint32_t md_ranges(struct md_model *m, struct heapsh_range *ret, uint32_t cap,
		   uint64_t *grain)
{
	uint64_t g = GRAIN_MAX;
	uint32_t n;

	if (!m->plugin->ranges || !m->plugin->sweep)
		return 0;
	md_enter(m->host, m->name);
	n = m->plugin->ranges(m->state, ret, cap, &g);
	md_leave(m->host);
	if (g < GRAIN_MIN || g > GRAIN_MAX || (g & (g - 1))) {
		md_add_diag(m->image, "the plugin's grain is no power of two "
			    "from 4 KiB to 1 MiB: its pools are not swept");
		return 0;
	}
	*grain = g;
	if (n > cap)
		return n < RANGES_MAX ? n : RANGES_MAX;
	return mend_ranges(ret, n);
}

/* --- roots --------------------------------------------------------------- */

struct root_guard {
	heapsh_root_fn *emit;
	void *arg;
};

static void guard_root(void *arg, const struct heapsh_root *root)
{
	struct root_guard *g = arg;
	struct heapsh_root r = { 0 };

	if (!root || root->size < offsetof(struct heapsh_root, name))
		return;
	memcpy(&r, root, root->size < sizeof(r) ? root->size : sizeof(r));
	r.size = sizeof(r);
	r.flags &= HEAPSH_ROOT_LOCAL | HEAPSH_ROOT_FOUND |
		   HEAPSH_ROOT_NAMESPACE | HEAPSH_ROOT_CONTEXT;
	r.name = md_clamp(r.name, MD_NAME_MAX);
	g->emit(g->arg, &r);
}

void md_roots(struct md_model *m, heapsh_root_fn *emit, void *arg)
{
	struct root_guard g = { emit, arg };

	md_enter(m->host, m->name);
	m->plugin->roots(m->state, guard_root, &g);
	md_leave(m->host);
}
