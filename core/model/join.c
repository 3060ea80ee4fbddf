// SPDX-License-Identifier: Apache-2.0
/**
 * A process with several runtimes: one model whose plugin is this file, over
 * the models of the plugins that have claimed it. Each of these keeps its own
 * budget, guard and blame; what follows from the number of them is here alone.
 *
 *	rooms to the right --> model --> joint --> model --> plugin A
 *	                                      \--> model --> plugin B
 *
 * An object is whose at() answers for it; the parts are asked in the order of
 * their confidence. What a sweep has answered is not asked again: ranges that
 * are not a plugin's own are swept here instead, and what is found in them is
 * told beside the roots.
 */
#include "join_priv.h"

enum {
	SWEPT = 1 << 20,		/* bytes that are swept at once */
	NOBODY = UINT8_MAX,
};

/* --- what goes to the host ----------------------------------------------- */

/** Passes on what a part says, and asks the others of what lies beyond. */
struct relay {
	struct heapsh_sink sink;	/* first */
	struct heapsh_sink *to;
	struct joint *j;
	uint32_t part;
};

static void relay_object(struct heapsh_sink *sink,
			 const struct heapsh_object *o)
{
	struct relay *r = (struct relay *)sink;

	r->to->object(r->to, o);
}

struct asked {
	struct heapsh_sink sink;	/* first */
	uint64_t address;
	bool found;
};

static void see_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct asked *a = (struct asked *)sink;

	a->found = a->found || o->address == a->address;
}

/** Has a part other than this one an object there? With the lock held. */
static bool has_object(struct joint *j, uint32_t but, uint64_t addr)
{
	struct asked a = { .sink = { .size = sizeof(a.sink),
				     .want = HEAPSH_WANT_OBJECTS,
				     .object = see_object,
				     .reader = j->reader },
			   .address = addr };
	uint32_t i;

	for (i = 0; i < j->n && !a.found; i++)
		if (i != but)
			md_at(j->part[i], &addr, 1, &a.sink);
	return a.found;
}

static void relay_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct relay *r = (struct relay *)sink;
	struct heapsh_edge sure = *e;
	bool found;

	if (e->flags & HEAPSH_EDGE_FOUND &&
	    !(r->to->want & HEAPSH_WANT_FRONTIER))
		return;
	if (HS_LIKELY(!(e->flags & HEAPSH_EDGE_MAYBE))) {
		r->to->edge(r->to, e);
		return;
	}
	// With a reader of our own: the caller's views must stay.
	pthread_mutex_lock(&r->j->lock);
	found = has_object(r->j, r->part, e->target);
	pthread_mutex_unlock(&r->j->lock);
	sure.flags &= ~(uint32_t)HEAPSH_EDGE_MAYBE;
	if (found)
		r->to->edge(r->to, &sure);
}

static void relay_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	struct relay *r = (struct relay *)sink;

	r->to->nothing(r->to, addr);
}

static void relay_init(struct relay *r, struct joint *j, uint32_t part,
		       struct heapsh_sink *to)
{
	*r = (struct relay){
		.sink = { .size = sizeof(r->sink), .want = to->want,
			  .object = relay_object, .edge = relay_edge,
			  .nothing = relay_nothing,
			  .reader = ((struct md_reader *)to->reader)->inner },
		.to = to, .j = j, .part = part };
}

/* --- enumeration --------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct part_range *)a)->range.start;
	uint64_t y = ((const struct part_range *)b)->range.start;

	return x < y ? -1 : x > y;
}

/** A part's ranges; free(). */
static struct heapsh_range *ranges_of(struct md_model *m, uint32_t *n,
				      uint64_t *grain)
{
	struct heapsh_range *v = NULL;
	uint32_t cap;

	for (cap = 1024; cap; cap = *n) {
		v = hs_xrealloc(v, cap, sizeof(*v));
		*n = md_ranges(m, v, cap, grain);
		if (*n <= cap)
			break;
	}
	return v;
}

/** Append the ranges of a part; *grain becomes the larger. */
static void add_ranges(struct joint *j, uint32_t part, uint64_t *grain)
{
	struct heapsh_range *v;
	uint32_t n = 0, i;
	uint64_t g = 0;

	v = ranges_of(j->part[part], &n, &g);
	*grain = g > *grain ? g : *grain;
	j->ranges = hs_xrealloc(j->ranges, (size_t)j->n_ranges + n + 1,
				sizeof(*j->ranges));
	for (i = 0; i < n; i++)
		j->ranges[j->n_ranges++] = (struct part_range){ v[i], part };
	free(v);
}

/** Asked again, it answers the same: an instant does not change. */
static uint32_t joint_ranges(void *state, struct heapsh_range *ret,
			     uint32_t cap, uint64_t *grain)
{
	struct joint *j = state;
	uint32_t i;

	j->n_ranges = 0;
	*grain = 4096;
	for (i = 0; i < j->n; i++)
		if (!md_flag(j->part[i], HEAPSH_PLUGIN_SHARES_RANGES))
			add_ranges(j, i, grain);
	qsort(j->ranges, j->n_ranges, sizeof(*j->ranges), by_start);
	for (i = 0; i < j->n_ranges && i < cap; i++)
		ret[i] = j->ranges[i].range;
	return j->n_ranges;
}

/** The part whose range holds addr, or j->n. */
static uint32_t part_at(const struct joint *j, uint64_t addr)
{
	uint32_t low = 0, high = j->n_ranges, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (j->ranges[middle].range.start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && addr < j->ranges[low - 1].range.end ?
		       j->ranges[low - 1].part : j->n;
}

static void joint_sweep(void *state, const struct heapsh_chunk *chunk,
			struct heapsh_sink *sink)
{
	struct joint *j = state;
	uint32_t part = part_at(j, chunk->address);
	struct relay r;

	if (part == j->n)
		return;
	relay_init(&r, j, part, sink);
	md_sweep(j->part[part], chunk, &r.sink);
}

/** Notes which of the addresses that were asked for a part knows. */
struct owners {
	struct heapsh_sink sink;	/* first */
	const uint64_t *addr;
	uint8_t *owner;
	uint32_t n, at;
	uint8_t part;
};

static void own_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct owners *w = (struct owners *)sink;
	uint32_t i = w->at;

	// answers come in the order of the questions
	while (i < w->n && w->addr[i] != o->address)
		i++;
	if (i == w->n)
		return;
	if (w->owner[i] == NOBODY)
		w->owner[i] = w->part;
	w->at = i + 1;
}

static void find_owners(struct joint *j, const uint64_t *addr, uint32_t n,
			struct im_reader *reader, uint8_t *owner)
{
	uint32_t i;

	memset(owner, NOBODY, n);
	for (i = 0; i < j->n; i++) {
		struct owners w = { .sink = { .size = sizeof(w.sink),
					      .want = HEAPSH_WANT_OBJECTS,
					      .object = own_object,
					      .reader = reader },
				    .addr = addr, .owner = owner, .n = n,
				    .part = (uint8_t)i };

		md_at(j->part[i], addr, n, &w.sink);
	}
}

/** In runs of one owner each, so that answers keep their order. */
static void joint_at(void *state, const uint64_t *addr, uint32_t n,
		     struct heapsh_sink *sink)
{
	struct im_reader *reader = ((struct md_reader *)sink->reader)->inner;
	HS_FREE uint8_t *owner = hs_xalloc(n);
	struct joint *j = state;
	struct relay r;
	uint32_t i, end;

	find_owners(j, addr, n, reader, owner);
	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && owner[end] == owner[i]; end++)
			;
		if (owner[i] == NOBODY) {
			sink->nothing(sink, addr[i]);
			continue;
		}
		relay_init(&r, j, owner[i], sink);
		md_at(j->part[owner[i]], addr + i, end - i, &r.sink);
	}
}

/** What a sweep finds, as a root that keeps nothing alive. */
struct finder {
	struct heapsh_sink sink;	/* first */
	heapsh_root_fn *emit;
	void *arg;
};

static void found_object(struct heapsh_sink *sink,
			 const struct heapsh_object *o)
{
	struct finder *f = (struct finder *)sink;
	const struct heapsh_root root = { .size = sizeof(root),
					  .flags = HEAPSH_ROOT_FOUND,
					  .target = o->address };

	f->emit(f->arg, &root);
}

/** In pieces that end where a grain does: none is larger than SWEPT. */
static void sweep_range(struct md_model *m, struct heapsh_range range,
			struct finder *f, uint8_t *buf)
{
	uint64_t at, len, got;

	for (at = range.start; at < range.end; at += len) {
		struct heapsh_chunk c = { .size = sizeof(c), .address = at,
					  .bytes = buf };

		len = SWEPT - (at & (SWEPT - 1));
		if (len > range.end - at)
			len = range.end - at;
		got = im_read(m->image->im, at, buf, len);
		memset(buf + got, 0, len - got);
		c.len = len;
		md_sweep(m, &c, &f->sink);
	}
}

static void find_in_ranges(struct joint *j, struct md_model *m,
			   heapsh_root_fn *emit, void *arg)
{
	struct finder f = { .sink = { .size = sizeof(f.sink),
				      .want = HEAPSH_WANT_OBJECTS,
				      .object = found_object,
				      .reader = j->reader },
			    .emit = emit, .arg = arg };
	HS_FREE struct heapsh_range *v = NULL;
	HS_FREE uint8_t *buf = hs_xalloc(SWEPT);
	uint64_t grain = 0;
	uint32_t n = 0, i;

	v = ranges_of(m, &n, &grain);
	for (i = 0; i < n && grain; i++)
		sweep_range(m, v[i], &f, buf);
}

static void joint_roots(void *state, heapsh_root_fn *emit, void *arg)
{
	struct joint *j = state;
	uint32_t i;

	for (i = 0; i < j->n; i++) {
		md_roots(j->part[i], emit, arg);
		if (md_flag(j->part[i], HEAPSH_PLUGIN_SHARES_RANGES))
			find_in_ranges(j, j->part[i], emit, arg);
	}
}

/* --- open and close ------------------------------------------------------ */

static void joint_close(void *state)
{
	struct joint *j = state;
	uint32_t i;

	for (i = 0; i < j->n; i++)
		md_close(j->part[i]);
	im_reader_destroy(j->reader);
	pthread_mutex_destroy(&j->lock);
	free(j->ranges);
	free(j);
}

const struct heapsh_plugin md_joint_plugin = {
	.size = sizeof(md_joint_plugin), .abi_minor = HEAPSH_ABI_MINOR,
	.name = "joint", .version = "", .license = "Apache-2.0",
	.close = joint_close, .ranges = joint_ranges, .sweep = joint_sweep,
	.at = joint_at, .roots = joint_roots, .render = md_joint_render,
	.lookup = md_joint_lookup, .attr = md_joint_attr, .item = md_joint_item,
	.names = md_joint_names, .measure = md_joint_measure,
	.get_interface = md_joint_offers,
};

/** "A 1.2 + B", "3.4": together they read as what is there. */
static void join_claims(struct md_model *m, const struct joint *j)
{
	HS_TEXT t = { 0 };
	uint32_t i;

	for (i = 0; i < j->n; i++)
		hs_text_addf(&t, "%s%s %s", i ? " + " : "",
			     j->part[i]->claim.runtime,
			     i + 1 < j->n ? j->part[i]->claim.version : "");
	m->claim = j->part[0]->claim;
	snprintf(m->claim.runtime, sizeof(m->claim.runtime), "%.*s",
		 (int)(t.len ? t.len - 1 : 0), hs_text_str(&t));
	snprintf(m->claim.version, sizeof(m->claim.version), "%s",
		 j->part[j->n - 1]->claim.version);
}

static void join_status(struct md_model *m, const struct joint *j)
{
	HS_TEXT t = { 0 };
	uint32_t i;

	m->status.size = sizeof(m->status);
	for (i = 0; i < j->n; i++) {
		const struct heapsh_status *s = &j->part[i]->status;

		hs_text_addf(&t, "%s%s", i ? "; " : "", s->layout);
		m->status.collecting |= s->collecting;
		m->status.mutating |= s->mutating;
	}
	snprintf(m->status.layout, sizeof(m->status.layout), "%s",
		 hs_text_str(&t));
}

struct hs_err *md_join(struct md_model *m, struct md_model *const *parts,
		       uint32_t n, struct hs_task *task)
{
	struct joint *j = hs_xalloc(sizeof(*j));
	struct hs_err *err;
	uint32_t i;

	err = im_reader_create(m->image->im, task ? task->budget : NULL,
			       &j->reader);
	if (err) {
		free(j);
		return err;
	}
	pthread_mutex_init(&j->lock, NULL);
	for (i = 0; i < n && i < MD_PARTS; i++) {
		j->part[j->n++] = parts[i];
		parts[i]->joined = true;
	}
	m->state = j;
	join_claims(m, j);
	join_status(m, j);
	return NULL;
}

void md_each_part(const struct md_model *m,
		  void (*fn)(struct md_model *part, void *arg), void *arg)
{
	const struct joint *j = m->state;
	uint32_t i;

	for (i = 0; m->plugin == &md_joint_plugin && i < j->n; i++)
		fn(j->part[i], arg);
}
