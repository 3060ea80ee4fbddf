// SPDX-License-Identifier: Apache-2.0
// Pympler's Asized: a tree of referents, each with what it adds when they are
// visited depth first, in order. Down to the wanted detail the tree is walked
// with a stack of our own; below, the order does not change a sum, and the
// breadth-first walk is used.
#include "analysis_priv.h"

#include "map.h"
#include "vec.h"

/* A tree of more rows is not for reading, and fills our memory. */
enum { MAX_ROWS = 1 << 21 };

struct child {
	struct an_sized sized;
	const struct heapsh_edge *edge;
};

/* A node whose referents are being sized. */
struct frame {
	struct an_sized *node;
	struct md_edge *edges;
	size_t n_edges, at;
	struct child *children;
	size_t n_children;
};

struct sizer {
	struct an_deep deep;
	HS_VEC(struct frame) stack;
	size_t n_rows;
};

void an_sized_deinit(struct an_sized *s)
{
	HS_VEC(struct an_sized) todo = { 0 };
	struct an_sized top;
	size_t i;

	hs_vec_push(&todo, *s);
	while (todo.n) {
		top = todo.v[--todo.n];
		for (i = 0; i < top.n_refs; i++)
			hs_vec_push(&todo, top.refs[i]);
		free(top.refs);
		free(top.name);
	}
	hs_vec_deinit(&todo);
	memset(s, 0, sizeof(*s));
}

static void frame_deinit(struct frame *f)
{
	size_t i;

	for (i = 0; i < f->n_children; i++)
		an_sized_deinit(&f->children[i].sized);
	free(f->children);
	free(f->edges);
}

static int by_size(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->sized.size != y->sized.size)
		return x->sized.size > y->sized.size ? -1 : 1;
	return x->edge < y->edge ? -1 : x->edge > y->edge;
}

/* All referents are sized: order, drop, name, and hand them to the node. */
static void end_frame(struct sizer *z)
{
	struct frame *f = &z->stack.v[--z->stack.n];
	struct an_sized *refs;
	size_t i, n = 0;

	for (i = 0; i < f->n_children; i++)
		f->node->size = an_add(f->node->size,
				       f->children[i].sized.size);
	qsort(f->children, f->n_children, sizeof(*f->children), by_size);
	while (n < f->n_children &&
	       f->children[n].sized.size >= z->deep.o->above)
		n++;
	for (i = n; i < f->n_children; i++)
		an_sized_deinit(&f->children[i].sized);
	z->n_rows -= f->n_children - n;
	refs = n ? hs_xcalloc(n, sizeof(*refs)) : NULL;
	for (i = 0; i < n; i++) {
		refs[i] = f->children[i].sized;
		refs[i].name = an_sized_name(z->deep.m, f->children[i].edge);
	}
	f->node->refs = refs;
	f->node->n_refs = n;
	free(f->children);
	free(f->edges);
}

static struct hs_err *begin_frame(struct sizer *z, struct an_sized *node)
{
	struct frame f = { .node = node };
	struct hs_err *err;

	err = md_edges(z->deep.m, node->addr, &f.edges, &f.n_edges);
	if (err)
		return err;
	f.children = hs_xcalloc(f.n_edges + 1, sizeof(*f.children));
	hs_vec_push(&z->stack, f);
	return NULL;
}

/* depth: of the node. Own numbers, and the referents' begun or summed up. */
static struct hs_err *size_node(struct sizer *z, struct an_sized *node,
				const struct md_object *o, uint64_t depth)
{
	struct an_deep *d = &z->deep;

	if (!an_deep_is_code(d, o->type)) {
		node->flat = an_deep_round(d, o->o.flat);
		node->held = an_deep_round(d, o->o.held);
		node->approximate =
			o->o.flags & HEAPSH_OBJECT_APPROXIMATE ||
			o->type->flags & HEAPSH_TYPE_APPROXIMATE;
	}
	node->size = node->held;
	if (depth >= d->o->limit || !an_deep_follows_type(d, o->type))
		return NULL;
	if (depth < d->o->detail)
		return begin_frame(z, node);
	return an_deep_sum(d, node->addr, d->o->limit - depth, &node->size);
}

static struct hs_err *size_child(struct sizer *z, const struct heapsh_edge *e)
{
	struct frame *f = &z->stack.v[z->stack.n - 1];
	struct child *c = &f->children[f->n_children];
	struct md_object o;
	struct hs_err *err;
	bool had;

	if (!an_deep_follows(e) || !md_object_at(z->deep.m, e->target, &o))
		return NULL;
	if (++z->n_rows > MAX_ROWS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_NOMEM,
				   "size referents one by one: more than %d",
				   MAX_ROWS),
			"add above=SIZE, or less detail=");
	err = gr_walk_mark(z->deep.walk, e->target, &had);
	if (err)
		return err;
	c->edge = e;
	c->sized.addr = e->target;
	f->n_children++;
	// f and c may move once a frame is pushed; c's array does not.
	return had ? NULL : size_node(z, &c->sized, &o, z->stack.n);
}

static struct hs_err *run_stack(struct sizer *z, struct hs_task *task)
{
	struct hs_err *err = NULL;

	while (z->stack.n && !err) {
		struct frame *f = &z->stack.v[z->stack.n - 1];

		err = hs_check_cancel(task);
		if (err)
			break;
		if (f->at == f->n_edges)
			end_frame(z);
		else
			err = size_child(z, &f->edges[f->at++].e);
	}
	while (z->stack.n)
		frame_deinit(&z->stack.v[--z->stack.n]);
	return err;
}

static struct hs_err *size_root(struct sizer *z, uint64_t addr,
				struct hs_task *task, struct an_sized *ret)
{
	struct an_sized node = { .addr = addr };
	struct md_object o;
	struct hs_err *err = NULL;

	if (md_object_at(z->deep.m, addr, &o))
		err = size_node(z, &node, &o, 0);
	if (!err)
		err = run_stack(z, task);
	if (!err)
		*ret = node;
	else
		an_sized_deinit(&node);
	return err;
}

static struct hs_err *size_all(struct sizer *z, const uint64_t *addr, size_t n,
			       struct hs_task *task, struct an_sized *ret)
{
	struct hs_map done = { 0 };
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = gr_walk_mark(z->deep.walk, addr[i], NULL);
	for (i = 0; i < n && !err; i++) {
		if (hs_map_put(&done, addr[i], 0))
			err = size_root(z, addr[i], task, &ret[i]);
		else
			ret[i].addr = addr[i];
		if (!err)
			ret[i].name = md_render(z->deep.m, addr[i],
						HEAPSH_RENDER_REPR, AN_CLIP);
	}
	hs_map_deinit(&done);
	return err;
}

static void drop_small(struct an_sized *s, uint64_t above)
{
	while (s->n_refs && s->refs[s->n_refs - 1].size < above)
		an_sized_deinit(&s->refs[--s->n_refs]);
}

/* Rows of a tree that are too small are dropped when it is whole. */
static void drop_rows(struct an_sized *tree, uint64_t above)
{
	HS_VEC(struct an_sized *) todo = { 0 };

	hs_vec_push(&todo, tree);
	while (todo.n) {
		struct an_sized *s = todo.v[--todo.n];

		drop_small(s, above);
		for (size_t i = 0; i < s->n_refs; i++)
			hs_vec_push(&todo, &s->refs[i]);
	}
	hs_vec_deinit(&todo);
}

static struct hs_err *by_compat(struct md_model *m, const uint64_t *addr,
				size_t n, const struct an_size_options *o,
				struct hs_task *task, struct an_sized *ret)
{
	struct an_profile_of of = { .o = o, .above = UINT64_MAX,
				    .trees = ret };
	struct an_profile p;
	struct hs_err *err;

	memset(ret, 0, n * sizeof(*ret));
	err = an_profile(m, addr, n, &of, task, &p);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		drop_rows(&ret[i], o->above);
	an_profile_deinit(&p);
	return NULL;
}

struct hs_err *an_asized(struct md_model *m, const uint64_t *addr, size_t n,
			 const struct an_size_options *o, struct hs_task *task,
			 struct an_sized *ret)
{
	HS_FREE struct an_sized *all = hs_xcalloc(n + 1, sizeof(*all));
	struct sizer z = { 0 };
	struct hs_err *err;
	size_t i;

	if (o->compat)
		return by_compat(m, addr, n, o, task, ret);
	err = an_check_objects(m, addr, n);
	if (!err)
		err = an_deep_init(&z.deep, m, o, task);
	if (err)
		return err;
	hs_progress(task, "sizing", "objects", 0);
	err = size_all(&z, addr, n, task, all);
	hs_progress_end(task);
	an_deep_deinit(&z.deep);
	hs_vec_deinit(&z.stack);
	if (!err) {
		memcpy(ret, all, n * sizeof(*ret));
		return NULL;
	}
	for (i = 0; i < n; i++)
		an_sized_deinit(&all[i]);
	return err;
}
