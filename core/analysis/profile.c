// SPDX-License-Identifier: Apache-2.0
// What Pympler's stats= tells: the largest objects with all that they lead to,
// each object counted where it is met first, depth first as Pympler walks; and
// the types of what was met. One look at the edges of each object.
#include "analysis_priv.h"

#include "map.h"

enum {
	GIVEN = 0,		/* seen: an argument that is not yet sized */
	MAX_RANKED = 1 << 20,	/* objects that are kept for the list */
};

/* An object whose referents are being sized. */
struct frame {
	struct an_ranked own;
	struct md_edge *edges;
	size_t n_edges, at;
};

struct profiler {
	struct an_deep deep;
	struct hs_task *task;
	struct hs_map seen;		/* address → how often it was met */
	HS_VEC(struct frame) stack;
	HS_VEC(struct an_ranked) ranked;
	HS_VEC(struct an_type_row) types;
	struct hs_map row_of;		/* type → row */
	struct an_profile *out;
};

static void count_type(struct profiler *p, uint32_t type, uint64_t addr,
		       uint64_t size)
{
	struct an_type_row one = { .type = type };
	uint64_t *at = hs_map_get(&p->row_of, type);
	struct an_type_row *row;
	size_t i = at ? *at : p->types.n;

	if (!at) {
		hs_map_put(&p->row_of, type, i);
		hs_vec_push(&p->types, one);
	}
	row = &p->types.v[i];
	row->count++;
	row->total = an_add(row->total, size);
	if (row->high < size || !row->largest) {
		row->high = size;
		row->largest = addr;
	}
}

/* An object is done: it counts for its parent, and among the largest. */
static void end_object(struct profiler *p, const struct an_ranked *own)
{
	if (p->stack.n) {
		struct an_ranked *up = &p->stack.v[p->stack.n - 1].own;

		up->size = an_add(up->size, own->size);
	} else {
		p->out->total = an_add(p->out->total, own->size);
	}
	if (own->size <= p->out->above)
		return;
	p->out->n_ranked++;
	if (p->ranked.n < MAX_RANKED)
		hs_vec_push(&p->ranked, *own);
}

/* Was it met before, or is it an argument that another one refers to? */
static bool is_again(struct profiler *p, uint64_t addr, uint64_t depth)
{
	uint64_t *times = hs_map_get(&p->seen, addr);

	if (!times) {
		hs_map_put(&p->seen, addr, 1);
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

static struct hs_err *begin_object(struct profiler *p, uint64_t addr,
				   uint64_t parent, uint64_t depth)
{
	struct frame f = { .own = { .addr = addr, .parent = parent,
				    .depth = depth } };
	struct md_object o;
	struct hs_err *err;

	if (is_again(p, addr, depth))
		return NULL;
	if (!md_object_at(p->deep.m, addr, &o)) {
		p->out->missed++;
		return NULL;
	}
	f.own.type = o.o.type;
	if (!an_deep_is_code(&p->deep, o.type)) {
		f.own.size = an_deep_round(&p->deep, o.o.held);
		count_type(p, o.o.type, addr, f.own.size);
	}
	if (depth >= p->deep.o->limit ||
	    !an_deep_follows_type(&p->deep, o.type)) {
		end_object(p, &f.own);
		return NULL;
	}
	err = md_edges(p->deep.m, addr, &f.edges, &f.n_edges);
	if (err)
		return err;
	hs_vec_push(&p->stack, f);
	if (p->out->deepest < p->stack.n)
		p->out->deepest = p->stack.n;
	return NULL;
}

static struct hs_err *run(struct profiler *p)
{
	struct hs_err *err = NULL;

	while (p->stack.n && !err) {
		struct frame *f = &p->stack.v[p->stack.n - 1];
		const struct heapsh_edge *e;

		if (f->at == f->n_edges) {
			struct frame done = *f;

			p->stack.n--;
			free(done.edges);
			end_object(p, &done.own);
			hs_progress_add(p->task, 1);
			continue;
		}
		e = &f->edges[f->at++].e;
		if (an_deep_follows(e))
			err = begin_object(p, e->target, f->own.addr,
					   p->stack.n);
		if (!err)
			err = hs_check_cancel(p->task);
	}
	while (p->stack.n)
		free(p->stack.v[--p->stack.n].edges);
	return err;
}

static int by_size(const void *a, const void *b)
{
	const struct an_ranked *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

static int by_total(const void *a, const void *b)
{
	const struct an_type_row *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return x->count > y->count ? -1 : x->count < y->count;
}

static void finish(struct profiler *p)
{
	uint64_t addr, times;
	size_t i = 0;

	while (hs_map_next(&p->seen, &i, &addr, &times)) {
		p->out->sized += times > 0;
		p->out->seen += times;
		p->out->duplicates += times > 1;
	}
	if (p->ranked.n)
		qsort(p->ranked.v, p->ranked.n, sizeof(*p->ranked.v), by_size);
	if (p->types.n)
		qsort(p->types.v, p->types.n, sizeof(*p->types.v), by_total);
	p->out->ranked = p->ranked.v;
	p->out->n_kept = p->ranked.n;
	p->out->types = p->types.v;
	p->out->n_types = p->types.n;
}

static struct hs_err *profile_all(struct profiler *p, const uint64_t *addr,
				  size_t n)
{
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		hs_map_put(&p->seen, addr[i], GIVEN);
	for (i = 0; i < n && !err; i++) {
		err = begin_object(p, addr[i], 0, 0);
		if (!err)
			err = run(p);
	}
	return err;
}

struct hs_err *an_profile(struct md_model *m, const uint64_t *addr, size_t n,
			  const struct an_size_options *o, uint64_t above,
			  struct hs_task *task, struct an_profile *ret)
{
	struct an_profile out = { .above = above };
	struct profiler p = { .task = task, .out = &out };
	struct hs_err *err = an_check_objects(m, addr, n);

	if (!err)
		err = an_deep_init(&p.deep, m, o, task);
	if (err)
		return err;
	hs_progress(task, "sizing", "objects", 0);
	err = profile_all(&p, addr, n);
	hs_progress_end(task);
	if (!err)
		finish(&p);
	an_deep_deinit(&p.deep);
	hs_vec_deinit(&p.stack);
	hs_map_deinit(&p.seen);
	hs_map_deinit(&p.row_of);
	if (err) {
		hs_vec_deinit(&p.ranked);
		hs_vec_deinit(&p.types);
		return err;
	}
	*ret = out;
	return NULL;
}

void an_profile_deinit(struct an_profile *p)
{
	free(p->ranked);
	free(p->types);
	memset(p, 0, sizeof(*p));
}
