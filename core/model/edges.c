// SPDX-License-Identifier: Apache-2.0
// One object and its references, on the main thread.
#include "model_priv.h"

enum {
	/* A dict of eight million items; 48 bytes an edge are kept. */
	EDGES_MAX = 1 << 24,
};

struct collector {
	struct heapsh_sink sink;	/* first */
	struct md_model *m;
	uint64_t addr;
	struct heapsh_object object;
	bool found, too_many;
	struct {
		struct md_edge *v;
		size_t n, cap;
	} edges;
};

static void take_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct collector *c = (struct collector *)sink;

	// One was asked for: others, and their edges, are not looked at.
	if (c->found || o->address != c->addr)
		return;
	c->object = *o;
	c->found = true;
}

static void take_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct collector *c = (struct collector *)sink;
	struct md_edge edge = { *e };

	if (!c->found)
		return;
	if (c->edges.n == EDGES_MAX) {
		c->too_many = true;
		return;
	}
	hs_vec_push(&c->edges, edge);
}

static void collect(struct collector *c, struct md_model *m, uint64_t addr,
		    uint32_t want)
{
	md_ask_first(m);
	c->sink.size = sizeof(c->sink);
	c->sink.want = want;
	c->sink.object = take_object;
	c->sink.edge = take_edge;
	c->sink.reader = m->image->main.inner;
	c->m = m;
	c->addr = addr;
	md_at(m, &addr, 1, &c->sink);
}

bool md_object_at(struct md_model *m, uint64_t addr, struct md_object *ret)
{
	struct collector c = { 0 };

	collect(&c, m, addr, HEAPSH_WANT_OBJECTS | HEAPSH_WANT_SIZES);
	hs_vec_deinit(&c.edges);
	if (!c.found)
		return false;
	md_witness(m, &c.object);
	ret->o = c.object;
	ret->type = md_type(m, c.object.type);
	return true;
}

/* Looks for one edge; the object is not of interest. */
struct seeker {
	struct heapsh_sink sink;	/* first */
	uint64_t addr, target;
	uint32_t nth;
	bool here, found;
	struct heapsh_edge edge;
};

static void seek_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct seeker *k = (struct seeker *)sink;

	k->here = o->address == k->addr;
}

static void seek_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct seeker *k = (struct seeker *)sink;

	if (!k->here || k->found || e->target != k->target ||
	    e->flags & HEAPSH_EDGE_WEAK)
		return;
	if (k->nth) {
		k->nth--;
		return;
	}
	k->edge = *e;
	k->found = true;
}

static void seek_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	((struct seeker *)sink)->here = false;
	(void)addr;
}

bool md_edge_to(struct md_model *m, uint64_t addr, uint64_t target,
		uint32_t nth, struct md_edge *ret)
{
	struct seeker k = { .addr = addr, .target = target, .nth = nth };

	k.sink.size = sizeof(k.sink);
	k.sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
		      HEAPSH_WANT_LABELS;
	k.sink.object = seek_object;
	k.sink.edge = seek_edge;
	k.sink.nothing = seek_nothing;
	k.sink.reader = m->image->main.inner;
	md_at(m, &addr, 1, &k.sink);
	if (k.found)
		ret->e = k.edge;
	return k.found;
}

static bool is_cancelled(const struct md_model *m)
{
	const struct hs_task *task = atomic_load(&m->image->task);

	return task && hs_cancelled(task);
}

struct hs_err *md_edges(struct md_model *m, uint64_t addr, struct md_edge **ret,
			size_t *n)
{
	struct collector c = { 0 };
	struct hs_err *err = NULL;

	collect(&c, m, addr, HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
			     HEAPSH_WANT_LABELS);
	if (is_cancelled(m))
		err = hs_err_new(HS_ERR_CANCELLED, "interrupted");
	else if (!c.found)
		err = hs_err_new(HS_ERR_NAME, "read the references of 0x%llx: "
				 "no object begins there",
				 (unsigned long long)addr);
	else if (c.too_many)
		err = hs_err_new(HS_ERR_NOMEM, "read the references of 0x%llx: "
				 "there are more than %d",
				 (unsigned long long)addr, (int)EDGES_MAX);
	if (err) {
		hs_vec_deinit(&c.edges);
		return err;
	}
	// Never NULL, so that the caller may sort and free without a look.
	hs_vec_reserve(&c.edges, 1);
	*ret = c.edges.v;
	*n = c.edges.n;
	return NULL;
}
