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
	LOOK_EDGES = 1 << 20,	/* some tenths of a second */
};

struct guard {
	struct heapsh_sink sink;	/* what the plugin sees; first */
	struct heapsh_sink *inner;
	struct md_model *m;
	uint32_t edge_flags;	/* that an edge may have */
	uint64_t low, high;	/* of addresses still accepted; high included */
	bool ordered;		/* low follows the objects */
	bool open;		/* edges belong to an accepted object */
	bool sizes;		/* flat and held are looked at */
	uint64_t plain;		/* sizes up to here say nothing */
	uint32_t n_types;	/* known to exist */
	uint64_t accepted, refused, n_edges;
	uint64_t look;		/* edges that need no second look */
	const struct md_call *call;
	struct md_reader reader;
};

enum { ABSURD_MAX = 64, STRAYS_MAX = 64 };

static uint64_t bounded(uint64_t size)
{
	return size < MD_SIZE_MAX ? size : MD_SIZE_MAX;
}

/** Larger than all there is. Some may be torn; many are a plugin's fault. */
static void note_absurd(struct md_model *m, const struct heapsh_object *o)
{
	if (atomic_fetch_add(&m->absurd, 1) == ABSURD_MAX)
		md_blame(m->own, "more than %d objects are larger than the "
			 "process, as one of %llu bytes at 0x%llx", ABSURD_MAX,
			 (unsigned long long)(o->flat > o->held ? o->flat :
								  o->held),
			 (unsigned long long)o->address);
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

/** In its place; counts it, and moves the place of the next. */
static inline bool is_placed(struct guard *g, const struct heapsh_object *o)
{
	g->open = o->address >= g->low && o->address <= g->high;
	if (HS_UNLIKELY(!g->open)) {
		g->refused++;
		return false;
	}
	g->accepted++;
	if (g->ordered)
		g->low = o->address + 1;
	return true;
}

/** Nothing is to be said or done about it. */
static inline bool is_plain(const struct guard *g, uint32_t n_types,
			    const struct heapsh_object *o)
{
	return o->type < n_types && o->flat <= g->plain &&
	       o->held <= g->plain && o->flags <= OBJECT_FLAGS &&
	       !(g->sizes && md_is_sample(o->address));
}

static void guard_object(struct heapsh_sink *sink,
			 const struct heapsh_object *o)
{
	struct guard *g = (struct guard *)sink;
	struct heapsh_object mended;

	if (!is_placed(g, o))
		return;
	if (HS_LIKELY(is_plain(g, g->n_types, o))) {
		g->inner->object(g->inner, o);
		return;
	}
	g->n_types = md_n_types(g->m);
	if (HS_UNLIKELY(g->sizes && (o->flat > g->m->memory ||
				     o->held > g->m->memory)))
		note_absurd(g->m, o);
	else if (HS_UNLIKELY(g->sizes && md_is_sample(o->address)))
		md_witness(g->m, o);
	if (HS_LIKELY(o->type < g->n_types && o->flat <= MD_SIZE_MAX &&
		      o->held <= MD_SIZE_MAX && o->flags <= OBJECT_FLAGS)) {
		g->inner->object(g->inner, o);
		return;
	}
	mended = *o;
	mend(g->m, &mended);
	g->inner->object(g->inner, &mended);
}

static void hand_on(struct guard *g, const struct heapsh_object *from,
		    const struct heapsh_object *to)
{
	if (to > from)
		g->inner->objects(g->inner, from, (uint32_t)(to - from));
}

/** Those that are plain are handed on together. */
static void guard_objects(struct heapsh_sink *sink,
			  const struct heapsh_object *o, uint32_t n)
{
	struct guard *g = (struct guard *)sink;
	const struct heapsh_object *from = o, *end = o + n;
	uint32_t types = md_n_types(g->m);

	for (; o < end; o++) {
		bool plain = is_plain(g, types, o);

		if (HS_LIKELY(plain && is_placed(g, o)))
			continue;
		hand_on(g, from, o);
		from = o + 1;
		if (!plain)
			guard_object(sink, o);
	}
	hand_on(g, from, end);
}

/**
 * A thousand lists of a million items may lie beside each other: who goes on
 * telling of references gets more time, for as many as memory has room for.
 */
static bool may_go_on(struct guard *g)
{
	const struct md_limit *l = &md_limits[g->reader.entry];
	uint64_t most = g->m->memory / sizeof(uint32_t);

	most = most > l->emitted ? most : l->emitted;
	if (g->n_edges <= most) {
		g->look += LOOK_EDGES;
		md_going_on(g->call);
		return true;
	}
	g->open = false;
	md_blame(g->m->own, "its %s emitted more than %llu references in one "
		 "call", l->name, (unsigned long long)most);
	return false;
}

static void guard_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct guard *g = (struct guard *)sink;
	struct heapsh_edge mended;

	if (HS_UNLIKELY(!g->open))
		return;
	if (HS_UNLIKELY(++g->n_edges > g->look) && !may_go_on(g))
		return;
	if (HS_LIKELY(e->label <= HEAPSH_LABEL_OFFSET &&
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
	if (mended.label > HEAPSH_LABEL_OFFSET)
		mended.label = HEAPSH_LABEL_NONE;
	g->inner->edge(g->inner, &mended);
}

static void guard_words(struct heapsh_sink *sink, uint64_t addr, uint64_t n)
{
	struct guard *g = (struct guard *)sink;

	if (HS_UNLIKELY(++g->n_edges > g->look) && !may_go_on(g))
		return;
	g->inner->words(g->inner, addr, n);
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

static void each_object(struct heapsh_sink *sink,
			const struct heapsh_object *o, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sink->object(sink, &o[i]);
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
		       enum md_entry entry, struct heapsh_sink *inner)
{
	g->reader.inner = inner->reader ? inner->reader : m->image->main.inner;
	g->reader.own = m->own;
	g->reader.limit = md_limits[entry].reads;
	g->reader.entry = entry;
	g->sizes = inner->want & HEAPSH_WANT_SIZES;
	g->sink.size = sizeof(g->sink);
	g->sink.want = inner->want;
	g->n_types = md_n_types(m);
	g->plain = MD_SIZE_MAX;
	if (g->sizes && m->memory < g->plain)
		g->plain = m->memory;
	g->sink.object = guard_object;
	g->sink.objects = guard_objects;
	g->sink.edge = guard_edge;
	g->sink.nothing = guard_nothing;
	if (inner->words && inner->want & HEAPSH_WANT_FRONTIER)
		g->sink.words = guard_words;
	g->sink.reader = &g->reader;
	g->inner = inner;
	g->m = m;
	g->look = LOOK_EDGES;
	g->edge_flags = EDGE_FLAGS;
	if (inner->want & HEAPSH_WANT_FRONTIER)
		g->edge_flags |= HEAPSH_EDGE_FOUND;
	if (m->joined)
		g->edge_flags |= HEAPSH_EDGE_MAYBE;
	if (!inner->object)
		inner->object = drop_object;
	if (!inner->objects)
		inner->objects = each_object;
	if (!inner->edge)
		inner->edge = drop_edge;
	if (!inner->nothing)
		inner->nothing = drop_nothing;
}

static void guard_end(struct guard *g)
{
	if (HS_UNLIKELY(g->refused))
		atomic_fetch_add(&g->m->rejected, g->refused);
	atomic_fetch_add_explicit(&g->m->own->reads,
				  atomic_load(&g->reader.reads),
				  memory_order_relaxed);
	if (HS_UNLIKELY(g->refused > STRAYS_MAX + g->accepted))
		md_blame(g->m->own, "its %s emitted %llu objects that lie "
			 "elsewhere or are out of order, and %llu that do not",
			 md_limits[g->reader.entry].name,
			 (unsigned long long)g->refused,
			 (unsigned long long)g->accepted);
}

bool md_wants_bytes(const struct md_model *m, uint32_t want)
{
	return !md_flag(m, HEAPSH_PLUGIN_KEEPS_OBJECTS) ||
	       (want & HEAPSH_WANT_EDGES && !(want & HEAPSH_WANT_FRONTIER));
}

void md_sweep(struct md_model *m, const struct heapsh_chunk *chunk,
	      struct heapsh_sink *sink)
{
	struct guard g = { .low = chunk->address, .ordered = true };
	struct md_call call;

	if (!m->plugin->sweep || !chunk->len)
		return;
	g.high = chunk->address + (chunk->len - 1);
	guard_init(&g, m, MD_SWEEP, sink);
	if (!md_enter(m->own, MD_SWEEP, NULL, &call))
		return;
	g.call = &call;
	m->plugin->sweep(m->state, chunk, &g.sink);
	md_leave(&call);
	guard_end(&g);
}

void md_at(struct md_model *m, const uint64_t *addr, uint32_t n,
	   struct heapsh_sink *sink)
{
	struct guard g = { .low = 1, .high = UINT64_MAX };
	struct md_call call;

	if (!n)
		return;
	guard_init(&g, m, MD_AT, sink);
	if (!md_enter(m->own, MD_AT, NULL, &call))
		return;
	g.call = &call;
	m->plugin->at(m->state, addr, n, &g.sink);
	md_leave(&call);
	guard_end(&g);
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
	struct md_call call;

	if (!m->plugin->ranges || !m->plugin->sweep)
		return 0;
	md_ask_first(m);
	if (!md_enter(m->own, MD_RANGES, m->image, &call))
		return 0;
	n = m->plugin->ranges(m->state, ret, cap, &g);
	md_leave(&call);
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
	struct md_model *m;
	uint64_t n;
};

static void guard_root(void *arg, const struct heapsh_root *root)
{
	struct root_guard *g = arg;
	struct heapsh_root r = { 0 };

	if (!root || root->size < offsetof(struct heapsh_root, name))
		return;
	if (HS_UNLIKELY(++g->n > md_limits[MD_ROOTS].emitted)) {
		md_blame(g->m->own, "its roots() emitted more than %llu roots",
			 (unsigned long long)md_limits[MD_ROOTS].emitted);
		return;
	}
	memcpy(&r, root, root->size < sizeof(r) ? root->size : sizeof(r));
	r.size = sizeof(r);
	r.flags &= HEAPSH_ROOT_LOCAL | HEAPSH_ROOT_FOUND |
		   HEAPSH_ROOT_NAMESPACE | HEAPSH_ROOT_CONTEXT;
	r.name = md_clamp(r.name, MD_NAME_MAX);
	g->emit(g->arg, &r);
}

void md_roots(struct md_model *m, heapsh_root_fn *emit, void *arg)
{
	struct root_guard g = { emit, arg, m, 0 };
	struct md_call call;

	md_ask_first(m);
	if (!md_enter(m->own, MD_ROOTS, m->image, &call))
		return;
	m->plugin->roots(m->state, guard_root, &g);
	md_leave(&call);
}
