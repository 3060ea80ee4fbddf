// SPDX-License-Identifier: Apache-2.0
// A walk as Pympler's sizer makes it: depth first, each object counted where it
// is met first. It tells the largest objects with all that they lead to, the
// kinds of what was met, and trees of referents; by our rules, or by those of
// another tool. One look at the edges of each object.
#include "analysis_priv.h"

#include "map.h"

enum {
	GIVEN = 0, /* seen: an argument that is not yet sized */
	MAX_ROWS = 1 << 21, /* of trees: as of an_asized() */
	MAX_ARGUMENTS = 10000, /* of which repeated ones are looked for */
};

/* An object whose referents are being sized. */
struct frame {
	struct an_ranked own;
	struct md_edge *edges;
	size_t n_edges, at;
	struct an_sized *node; /* of a tree, or NULL */
	bool branches; /* its referents are in the tree, too */
};

struct profiler {
	struct md_model *m;
	const struct an_size_options *o;
	struct an_deep deep; /* for its rules; without a walk */
	struct hs_task *task;
	struct hs_map seen; /* id → how often it was met */
	HS_VEC(struct frame) stack;
	struct an_profile_rows rows;
	uint64_t above;
	size_t n_rows; /* of trees */
	struct an_profile *out;
};

/* An object as the rules have it. */
struct thing {
	uint64_t key, bytes, flat;
	bool counts, leads;
};

/* --- rules -------------------------------------------------------------- */

static bool our_thing(struct profiler *p, uint64_t addr, struct thing *ret)
{
	struct md_object o;

	if (!md_object_at(p->m, addr, &o))
		return false;
	ret->key = o.o.type;
	ret->counts = !an_deep_is_code(&p->deep, o.type);
	ret->leads = an_deep_follows_type(&p->deep, o.type);
	ret->bytes = an_deep_round(&p->deep, o.o.held);
	ret->flat = an_deep_round(&p->deep, o.o.flat);
	return true;
}

/* What does not count leads nowhere either: asizeof.py, Asizer._sizer(). */
static bool compat_thing(struct profiler *p, uint64_t id, uint64_t depth,
			 struct thing *ret)
{
	struct heapsh_compat_thing t;

	if (!md_compat_thing(p->m, id, &t))
		return false;
	ret->key = t.key;
	ret->counts = t.flags & HEAPSH_COMPAT_COUNTS;
	ret->leads = ret->counts && t.flags & HEAPSH_COMPAT_LEADS &&
		     (!depth || !(t.flags & HEAPSH_COMPAT_ARGUMENT));
	ret->bytes = ret->flat = an_deep_round(&p->deep, t.flat);
	return true;
}

static bool thing_at(struct profiler *p, uint64_t id, uint64_t depth,
		     struct thing *ret)
{
	return p->o->compat ? compat_thing(p, id, depth, ret)
			    : our_thing(p, id, ret);
}

static struct hs_err *edges_of(struct profiler *p, uint64_t id,
			       struct frame *ret)
{
	return p->o->compat
		       ? md_compat_edges(p->m, id, &ret->edges, &ret->n_edges)
		       : md_edges(p->m, id, &ret->edges, &ret->n_edges);
}

static bool follows(const struct profiler *p, const struct heapsh_edge *e)
{
	return p->o->compat || an_deep_follows(e);
}

/* --- trees -------------------------------------------------------------- */

static char *name_of(struct profiler *p, uint64_t id,
		     const struct heapsh_edge *e)
{
	if (p->o->compat)
		return an_compat_name(p->m, id, e, p->o->clip);
	return e ? an_sized_name(p->m, e)
		 : md_render(p->m, id, HEAPSH_RENDER_REPR, AN_CLIP);
}

/* Room for the next referent of the object on top of the stack; or NULL. */
static struct hs_err *next_node(struct profiler *p, const struct heapsh_edge *e,
				struct an_sized **ret)
{
	struct frame *f = &p->stack.v[p->stack.n - 1];
	struct an_sized *node;

	*ret = NULL;
	if (!f->branches)
		return NULL;
	if (++p->n_rows > MAX_ROWS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_NOMEM,
				   "size referents one by one: more than %d",
				   MAX_ROWS),
			"take less detail=");
	node = &f->node->refs[f->node->n_refs++];
	node->addr = e->target;
	node->name = name_of(p, e->target, e);
	*ret = node;
	return NULL;
}

struct placed {
	struct an_sized sized;
	size_t at;
};

static int by_size(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->sized.size != y->sized.size)
		return x->sized.size > y->sized.size ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The largest first, ties in the object's own order. */
static void sort_refs(struct an_sized *node)
{
	struct placed *v = hs_xcalloc(node->n_refs + 1, sizeof(*v));

	for (size_t i = 0; i < node->n_refs; i++)
		v[i] = (struct placed){ node->refs[i], i };
	qsort(v, node->n_refs, sizeof(*v), by_size);
	for (size_t i = 0; i < node->n_refs; i++)
		node->refs[i] = v[i].sized;
	free(v);
}

/* --- the walk ----------------------------------------------------------- */

/* An object is done: it counts for its parent, and among the largest. */
static void end_object(struct profiler *p, const struct an_ranked *own,
		       struct an_sized *node)
{
	if (node) {
		node->size = own->size;
		sort_refs(node);
	}
	if (p->stack.n) {
		struct an_ranked *up = &p->stack.v[p->stack.n - 1].own;

		up->size = an_add(up->size, own->size);
	} else {
		p->out->total = an_add(p->out->total, own->size);
	}
	if (own->size > p->above)
		an_profile_rank(&p->rows, own);
}

/* Was it met before, or is it an argument that another one refers to? */
static bool is_again(struct profiler *p, uint64_t id, uint64_t depth)
{
	uint64_t *times = hs_map_get(&p->seen, id);

	if (!times) {
		hs_map_put(&p->seen, id, 1);
		return false;
	}
	if (*times == GIVEN && !depth) {
		*times = 1;
		return false;
	}
	if (*times != GIVEN)
		++*times;
	return true;
}

/* Its referents come next; node is the object's in a tree, or NULL. */
static struct hs_err *push(struct profiler *p, const struct an_ranked *own,
			   struct an_sized *node)
{
	struct frame f = { .own = *own };
	struct hs_err *err = edges_of(p, own->id, &f);

	if (err)
		return err;
	f.node = node;
	f.branches = node && own->depth < p->o->detail;
	if (f.branches)
		node->refs = hs_xcalloc(f.n_edges + 1, sizeof(*node->refs));
	hs_vec_push(&p->stack, f);
	if (p->out->deepest < p->stack.n)
		p->out->deepest = p->stack.n;
	return NULL;
}

static struct hs_err *begin_object(struct profiler *p, struct an_ranked own,
				   struct an_sized *node)
{
	struct thing t = { 0 };

	if (is_again(p, own.id, own.depth))
		return NULL;
	if (!thing_at(p, own.id, own.depth, &t)) {
		p->out->missed++;
		return NULL;
	}
	own.kind = an_profile_row(&p->rows, t.key, own.id);
	if (t.counts) {
		own.size = t.bytes;
		an_profile_count(&p->rows, own.kind, own.id, own.size);
	}
	if (node && t.counts) {
		node->flat = t.flat;
		node->held = t.bytes;
	}
	if (own.depth < p->o->limit && t.leads)
		return push(p, &own, node);
	end_object(p, &own, node);
	return NULL;
}

static struct hs_err *next_edge(struct profiler *p, struct frame *f)
{
	const struct heapsh_edge *e = &f->edges[f->at++].e;
	struct an_ranked own = { .id = e->target,
				 .parent = f->own.id,
				 .depth = p->stack.n };
	struct an_sized *node;
	struct hs_err *err;

	if (!follows(p, e))
		return NULL;
	err = next_node(p, e, &node);
	return err ? err : begin_object(p, own, node);
}

static struct hs_err *run(struct profiler *p)
{
	struct hs_err *err = NULL;

	while (p->stack.n && !err) {
		struct frame *f = &p->stack.v[p->stack.n - 1];

		if (f->at == f->n_edges) {
			struct frame done = *f;

			p->stack.n--;
			free(done.edges);
			end_object(p, &done.own, done.node);
			hs_progress_add(p->task, 1);
			continue;
		}
		err = next_edge(p, f);
		if (!err)
			err = hs_check_cancel(p->task);
	}
	while (p->stack.n)
		free(p->stack.v[--p->stack.n].edges);
	return err;
}

static void count_seen(struct profiler *p)
{
	uint64_t id, times;
	size_t i = 0;

	while (hs_map_next(&p->seen, &i, &id, &times)) {
		p->out->sized += times > 0;
		p->out->seen += times;
		p->out->duplicates += times > 1;
	}
}

/* A tree again, as far as the stack of a copy is deep: detail= is bounded. */
static struct an_sized copy_tree(const struct an_sized *s)
{
	struct an_sized ret = *s;

	ret.name = hs_xstrdup(s->name);
	ret.refs = hs_xcalloc(s->n_refs + 1, sizeof(*ret.refs));
	for (size_t i = 0; i < s->n_refs; i++)
		ret.refs[i] = copy_tree(&s->refs[i]);
	return ret;
}

/* A repeated argument: Pympler says the same again, we say 0. */
static void repeat(struct profiler *p, const uint64_t *addr, size_t i,
		   struct an_sized *trees)
{
	size_t first = 0;

	while (addr[first] != addr[i])
		first++;
	if (first == i || !p->o->compat)
		return;
	p->out->sizes[i] = p->out->sizes[first];
	if (!trees)
		return;
	an_sized_deinit(&trees[i]);
	trees[i] = copy_tree(&trees[first]);
}

static struct hs_err *profile_all(struct profiler *p, const uint64_t *addr,
				  size_t n, struct an_sized *trees)
{
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		hs_map_put(&p->seen, addr[i], GIVEN);
	for (i = 0; i < n && !err; i++) {
		struct an_ranked own = { .id = addr[i] };
		struct an_sized *node = trees ? &trees[i] : NULL;
		uint64_t before = p->out->total;

		if (node) {
			node->addr = addr[i];
			node->name = name_of(p, addr[i], NULL);
		}
		err = begin_object(p, own, node);
		if (!err)
			err = run(p);
		p->out->sizes[i] = p->out->total - before;
		if (node)
			node->size = p->out->sizes[i];
		if (!p->out->sizes[i] && n <= MAX_ARGUMENTS)
			repeat(p, addr, i, trees);
	}
	return err;
}

static struct hs_err *begin(struct profiler *p, const uint64_t *addr, size_t n)
{
	const struct an_size_options *o = p->o;
	struct hs_err *err = an_check_objects(p->m, addr, n);

	p->deep.m = p->m;
	p->deep.o = o;
	p->rows.m = p->m;
	p->rows.compat = o->compat;
	p->out->sizes = hs_xcalloc(n + 1, sizeof(*p->out->sizes));
	if (o->compat)
		md_compat_begin(p->m,
				o->compat_options |
					(o->code ? HEAPSH_COMPAT_CODE : 0));
	return err;
}

struct hs_err *an_profile(struct md_model *m, const uint64_t *addr, size_t n,
			  const struct an_profile_of *of, struct hs_task *task,
			  struct an_profile *ret)
{
	struct an_profile out = { 0 };
	struct profiler p = { .m = m,
			      .o = of->o,
			      .above = of->above,
			      .task = task,
			      .out = &out };
	struct hs_err *err = begin(&p, addr, n);
	size_t i;

	hs_progress(task, "sizing", "objects", 0);
	if (!err)
		err = profile_all(&p, addr, n, of->trees);
	hs_progress_end(task);
	if (!err) {
		count_seen(&p);
		an_profile_end(&p.rows, &out);
		*ret = out;
	} else {
		an_profile_drop(&p.rows);
		an_profile_deinit(&out);
		for (i = 0; of->trees && i < n; i++)
			an_sized_deinit(&of->trees[i]);
	}
	hs_vec_deinit(&p.stack);
	hs_map_deinit(&p.seen);
	return err;
}
