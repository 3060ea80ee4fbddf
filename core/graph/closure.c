// SPDX-License-Identifier: Apache-2.0
// Objects outside the swept ranges: what the roots, the types and the swept
// objects point at there, and all that those point at there in turn.
#include "graph_priv.h"

/* More roots than that are the plugin's mistake. */
enum { MAX_ROOTS = 1 << 22 };

struct closure {
	struct gr_building *b;
	struct gr_walk *walk;
	uint64_t owner[GR_MAX_THREADS];	/* object whose edges come */
	struct hs_err *err[GR_MAX_THREADS];
};

static void keep(struct closure *c, unsigned thread, struct hs_err *err)
{
	if (c->err[thread])
		hs_err_free(err);
	else
		c->err[thread] = err;
}

static bool on_object(void *arg, unsigned thread,
		      const struct heapsh_object *o)
{
	struct closure *c = arg;

	c->owner[thread] = o->address;
	keep(c, thread, gr_find_late(&c->b->find[thread], o));
	return !c->err[thread];
}

/* Has the sweep said whether there is an object? */
static bool is_answered(const struct gr_building *b, uint64_t addr)
{
	return gr_is_swept(b, addr) || gr_space_has(&b->space, addr);
}

static bool on_edge(void *arg, unsigned thread, const struct heapsh_edge *e)
{
	struct closure *c = arg;

	if (e->flags & HEAPSH_EDGE_WEAK)
		return false;
	if (e->flags & HEAPSH_EDGE_TABLE)
		keep(c, thread,
		     gr_find_owner(&c->b->find[thread], e->target,
				   c->owner[thread]));
	return !c->err[thread] && !is_answered(c->b, e->target);
}

/* Ask for addr, unless the sweep has already answered. */
static struct hs_err *want(struct closure *c, uint64_t addr)
{
	struct hs_err *err;
	bool had;

	if (!addr || is_answered(c->b, addr))
		return NULL;
	err = gr_walk_mark(c->walk, addr, &had);
	return err || had ? err : gr_walk_push(c->walk, addr);
}

static struct hs_err *want_found(struct closure *c)
{
	struct hs_err *err = NULL;
	const uint64_t *addr;
	unsigned t;
	uint64_t i;

	for (t = 0; t < GR_MAX_THREADS && !err; t++) {
		addr = c->b->outside[t].v;
		for (i = 0; i < c->b->outside[t].n && !err; i++)
			err = want(c, addr[i]);
		gr_vec_deinit(c->b->task->budget, &c->b->outside[t]);
	}
	return err;
}

static void on_root(void *arg, const struct heapsh_root *root)
{
	struct closure *c = arg;
	struct gr_graph *g = c->b->g;
	struct gr_root *r;

	// to be visited only: there may be as many as objects
	if (root->flags & HEAPSH_ROOT_FOUND) {
		if (!c->err[0])
			c->err[0] = want(c, root->target);
		return;
	}
	if (g->n_roots == MAX_ROOTS || !root->target)
		return;
	if (g->n_roots == g->cap_roots) {
		g->cap_roots = g->cap_roots ? g->cap_roots * 2 : 64;
		g->roots = hs_xrealloc(g->roots, g->cap_roots,
				       sizeof(*g->roots));
	}
	r = &g->roots[g->n_roots++];
	r->address = root->target;
	r->id = GR_NONE;
	r->flags = root->flags;
	r->name = hs_xstrndup(root->name.s ? root->name.s : "",
			      root->name.s ? root->name.n : 0);
}

static struct hs_err *want_roots(struct closure *c)
{
	struct gr_graph *g = c->b->g;
	struct hs_err *err = NULL;
	size_t i;

	md_roots(g->m, on_root, c);
	for (i = 0; i < g->n_roots && !err; i++)
		err = want(c, g->roots[i].address);
	return err;
}

/* Walking makes new types known: again, until there is none. */
static struct hs_err *walk_types(struct closure *c)
{
	struct md_model *m = c->b->g->m;
	uint32_t from = 0, to = md_n_types(m), i;
	struct hs_err *err = NULL;

	do {
		for (i = from; i < to && !err; i++)
			err = want(c, md_type(m, i)->address);
		if (!err)
			err = gr_walk_run(c->walk, UINT64_MAX);
		from = to;
		to = md_n_types(m);
	} while (!err && from < to);
	return err;
}

/* The bits of what was found: sizes of the index are known afterwards. */
static struct hs_err *put_bits(struct gr_building *b)
{
	struct hs_err *err = NULL;
	const uint64_t *addr;
	unsigned t;
	uint64_t i;
	bool had;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		addr = b->find[t].late_addr.v;
		for (i = 0; i < b->find[t].late_addr.n && !err; i++)
			err = gr_space_put(&b->space, addr[i], &had);
	}
	return err;
}

static struct hs_err *walk_all(struct closure *c)
{
	struct hs_err *err;
	unsigned t;

	hs_progress(c->b->task, "following edges", "objects", 0);
	err = want_found(c);
	if (!err)
		err = want_roots(c);
	if (!err)
		err = walk_types(c);
	hs_progress_end(c->b->task);
	c->b->g->quality.refused += gr_walk_refused(c->walk);
	for (t = 0; t < GR_MAX_THREADS; t++) {
		if (err)
			hs_err_free(c->err[t]);
		else
			err = c->err[t];
	}
	return err;
}

struct hs_err *gr_closure(struct gr_building *b)
{
	struct closure c = { .b = b };
	const struct gr_walk_ops ops = {
		.want = HEAPSH_WANT_SIZES | HEAPSH_WANT_FRONTIER,
		.object = on_object,
		.edge = on_edge,
		.arg = &c,
	};
	struct hs_err *err;

	err = gr_walk_create(b->g->m, b->task, b->g->threads, &ops, &c.walk);
	if (err)
		return err;
	err = walk_all(&c);
	gr_walk_destroy(c.walk);
	return err ? err : put_bits(b);
}
