// SPDX-License-Identifier: Apache-2.0
// The dominator tree, kept by id, and what it says: retained bytes.
//
// Leaves join when the tree of the rest is there: a leaf hangs on the nearest
// node that dominates all its referrers. To find that in O(log n) a referrer,
// however deep the tree: intervals of a preorder say who is above whom, and
// jump pointers (E. W. Myers, An applicative random-access stack, 1983) lead
// upwards.
#include "graph_priv.h"

enum { STEPS = 1 << 14 };

/* The tree of inner nodes by number; built in the search's scratch. */
struct tree {
	struct gr_search *s;
	uint32_t *first;	/* preorder: of the node itself */
	uint32_t *size;		/* nodes below it, itself included */
	uint32_t *jump;		/* an ancestor, or 0 */
	uint32_t *depth;
	struct gr_dom *dom;
	_Atomic uint32_t next;
	_Atomic bool stop;
};

static bool is_above(const struct tree *t, uint32_t a, uint32_t b)
{
	return t->first[b] - t->first[a] < t->size[a];
}

/* Now and then: loops over all nodes are long. */
static struct hs_err *look(struct hs_task *task, uint32_t i)
{
	return HS_LIKELY(i & (STEPS - 1)) ? NULL : hs_check_cancel(task);
}

static struct hs_err *measure(struct tree *t)
{
	const uint32_t *idom = t->s->idom;
	uint32_t v, m = t->s->m, *cursor = t->depth;
	struct hs_err *err = NULL;

	for (v = 0; v <= m; v++)
		t->size[v] = 1;
	for (v = m; v && !err; v--) {
		t->size[idom[v]] += t->size[v];
		err = look(t->s->task, v);
	}
	t->first[0] = 0;
	cursor[0] = 1;
	for (v = 1; v <= m && !err; v++) {
		t->first[v] = cursor[idom[v]];
		cursor[idom[v]] += t->size[v];
		cursor[v] = t->first[v] + 1;
		err = look(t->s->task, v);
	}
	return err;
}

static struct hs_err *set_jumps(struct tree *t)
{
	const uint32_t *idom = t->s->idom;
	uint32_t v, up, *d = t->depth;
	struct hs_err *err = NULL;

	d[0] = t->jump[0] = 0;
	for (v = 1; v <= t->s->m && !err; v++) {
		up = idom[v];
		d[v] = d[up] + 1;
		t->jump[v] = d[up] - d[t->jump[up]] ==
			     d[t->jump[up]] - d[t->jump[t->jump[up]]] ?
				     t->jump[t->jump[up]] :
				     up;
		err = look(t->s->task, v);
	}
	return err;
}

/* The nearest one above or at a that is above or at b. */
static uint32_t common(const struct tree *t, uint32_t a, uint32_t b)
{
	while (!is_above(t, a, b))
		a = is_above(t, t->jump[a], b) ? t->s->idom[a] : t->jump[a];
	return a;
}

static struct hs_err *hang_leaf(const struct tree *t, uint32_t id)
{
	const struct gr_search *s = t->s;
	uint32_t at = GR_NONE, from;
	struct hs_err *err = NULL;
	const uint32_t *in;
	size_t n, i;

	t->dom->idom[id] = GR_ROOTS;
	if (hs_bit(s->root, id))
		return NULL;
	n = gr_in(s->g, id, &in);
	for (i = 0; i < n && at && !err; i++) {
		from = s->number[in[i]];
		if (from && from != GR_IS_LEAF && from != at)
			at = at == GR_NONE ? from : common(t, at, from);
		if (!(i & (STEPS - 1)))
			err = hs_check_cancel(s->task);
	}
	if (at)
		t->dom->idom[id] = at == GR_NONE ? GR_NONE : s->vertex[at];
	return err;
}

static void hang_inner(const struct tree *t, uint32_t id)
{
	uint32_t v = t->s->number[id], up = v ? t->s->idom[v] : 0;

	t->dom->idom[id] = !v ? GR_NONE : up ? t->s->vertex[up] : GR_ROOTS;
}

static struct hs_err *hang_part(void *arg, unsigned thread)
{
	struct tree *t = arg;
	uint32_t n = t->s->g->n, id, end;
	struct hs_err *err = NULL;

	(void)thread;
	while (!err && !atomic_load(&t->stop)) {
		id = atomic_fetch_add(&t->next, STEPS);
		if (id >= n)
			break;
		end = n - id < STEPS ? n : id + STEPS;
		for (; id < end && !err; id++) {
			if (t->s->number[id] == GR_IS_LEAF)
				err = hang_leaf(t, id);
			else
				hang_inner(t, id);
		}
		hs_progress_add(t->s->task, STEPS);
	}
	return err;
}

/* From the search's numbers to ids. */
static struct hs_err *hang_all(struct gr_search *s, struct gr_dom *dom)
{
	struct tree t = { .s = s, .dom = dom, .first = s->parent,
			  .size = s->semi, .jump = s->label };
	struct hs_err *err;

	err = gr_alloc(s->task, (uint64_t)s->cap + 1, 4, &t.depth);
	if (err)
		return err;
	err = measure(&t);
	if (!err)
		err = set_jumps(&t);
	hs_big_free(s->task->budget, t.depth, ((uint64_t)s->cap + 1) * 4);
	if (!err)
		err = gr_alloc(s->task, s->g->n, 4, &dom->idom);
	return err ? err : gr_parallel(s->g->threads, hang_part, &t, &t.stop);
}

/* What lies below a node is added to it before it is itself. */
static struct hs_err *add_up(struct gr_graph *g, struct hs_task *task,
			     struct gr_dom *dom)
{
	struct hs_err *err;
	uint32_t id, up, i;

	err = gr_alloc(task, g->n, sizeof(*dom->retained), &dom->retained);
	for (id = 0; id < g->n && !err; id++) {
		uint64_t held = gr_held(g, id);

		up = dom->idom[id];
		if (up == GR_NONE)
			continue;
		dom->retained[id] += held;
		// inner nodes are handed on below, when they are complete
		if (up != GR_ROOTS && gr_rows_start(&g->out, id) ==
					      gr_rows_start(&g->out, id + 1))
			dom->retained[up] += held;
		if (!(id & (STEPS - 1)))
			err = hs_check_cancel(task);
	}
	for (i = err ? 0 : dom->n_order; i && !err; i--) {
		id = dom->order[i - 1];
		up = dom->idom[id];
		if (up != GR_ROOTS)
			dom->retained[up] += dom->retained[id];
		err = look(task, i);
	}
	return err;
}

static struct hs_err *set_roots(struct gr_search *s)
{
	struct gr_graph *g = s->g;
	struct hs_err *err = gr_c_roots(g, s->task, &s->root);
	size_t i;

	for (i = 0; i < g->n_roots && !err; i++)
		hs_bit_set(s->root, g->roots[i].id);
	return err;
}

static struct hs_err *run(struct gr_search *s, struct gr_dom *dom)
{
	struct hs_err *err = set_roots(s);

	if (err)
		return err;
	hs_progress(s->task, "finding dominators", "edges",
		    s->g->out.n_v + s->g->in.n_v);
	err = gr_search_run(s);
	if (!err)
		err = hang_all(s, dom);
	if (err)
		return err;
	// vertex[1..m] is the order: it need not be copied
	dom->order = s->vertex;
	memmove(dom->order, dom->order + 1, (size_t)s->m * 4);
	dom->n_order = s->m;
	dom->cap_order = s->cap + 1;
	s->vertex = NULL;
	return NULL;
}

void gr_dom_deinit(struct gr_dom *dom, uint32_t n, struct hs_budget *b)
{
	hs_big_free(b, dom->idom, (uint64_t)n * sizeof(*dom->idom));
	hs_big_free(b, dom->retained, (uint64_t)n * sizeof(*dom->retained));
	hs_big_free(b, dom->order,
		    (uint64_t)dom->cap_order * sizeof(*dom->order));
	memset(dom, 0, sizeof(*dom));
}

struct hs_err *gr_need_dominators(struct gr_graph *g, struct hs_task *task)
{
	struct gr_search s = { .g = g, .task = task };
	struct gr_dom dom = { 0 };
	struct hs_err *err;

	if (gr_has_dominators(g))
		return NULL;
	err = run(&s, &dom);
	gr_search_deinit(&s);
	if (!err)
		err = add_up(g, task, &dom);
	hs_progress_end(task);
	if (err) {
		gr_dom_deinit(&dom, g->n, task->budget);
		return hs_err_wrap(err, "find dominators");
	}
	g->dom = dom;
	return NULL;
}

bool gr_has_dominators(const struct gr_graph *g)
{
	return g->dom.idom;
}

uint32_t gr_dominator(const struct gr_graph *g, uint32_t id)
{
	return g->dom.idom[id];
}

uint64_t gr_retained(const struct gr_graph *g, uint32_t id)
{
	return g->dom.retained[id];
}

/* --- rows of nodes -------------------------------------------------------- */

/* A preorder of the whole tree. */
struct places {
	uint32_t *size;		/* by id: nodes below it, itself included */
	uint32_t *cursor;	/* by id: where its next child goes */
	uint32_t *node;		/* by place */
	uint32_t n;		/* places: nodes that are reached */
};

static bool is_leaf(const struct gr_graph *g, uint32_t id)
{
	return gr_rows_start(&g->out, id) == gr_rows_start(&g->out, id + 1);
}

static struct hs_err *set_sizes(const struct gr_graph *g,
				struct hs_task *task, struct places *p)
{
	const struct gr_dom *d = &g->dom;
	struct hs_err *err = NULL;
	uint32_t id, i;

	for (id = 0; id < g->n; id++)
		p->size[id]++;
	for (id = 0; id < g->n && !err; id++) {
		if (d->idom[id] < GR_ROOTS && is_leaf(g, id))
			p->size[d->idom[id]]++;
		err = look(task, id);
	}
	for (i = d->n_order; i && !err; i--) {
		id = d->order[i - 1];
		if (d->idom[id] < GR_ROOTS)
			p->size[d->idom[id]] += p->size[id];
		err = look(task, i);
	}
	return err;
}

static void put(const struct gr_graph *g, struct places *p, uint32_t id)
{
	uint32_t up = g->dom.idom[id];
	uint32_t *cursor = up == GR_ROOTS ? &p->n : &p->cursor[up];

	p->node[*cursor] = id;
	p->cursor[id] = *cursor + 1;
	*cursor += p->size[id];
}

static struct hs_err *make_places(struct gr_graph *g, struct hs_task *task,
				  struct places *p)
{
	struct hs_err *err;
	uint32_t i;

	err = gr_alloc(task, g->n, 4, &p->size);
	if (!err)
		err = gr_alloc(task, g->n, 4, &p->cursor);
	if (!err)
		err = gr_alloc(task, g->n, 4, &p->node);
	if (!err)
		err = set_sizes(g, task, p);
	for (i = 0; i < g->dom.n_order && !err; i++) {
		put(g, p, g->dom.order[i]);
		err = look(task, i);
	}
	for (i = 0; i < g->n && !err; i++) {
		if (g->dom.idom[i] != GR_NONE && is_leaf(g, i))
			put(g, p, i);
		err = look(task, i);
	}
	return err;
}

static void places_deinit(struct places *p, uint32_t n, struct hs_budget *b)
{
	hs_big_free(b, p->size, (uint64_t)n * 4);
	hs_big_free(b, p->cursor, (uint64_t)n * 4);
	hs_big_free(b, p->node, (uint64_t)n * 4);
}

struct hs_err *gr_retain_rows(struct gr_graph *g, struct hs_task *task,
			      uint32_t (*row)(void *arg, uint32_t id),
			      void *arg, uint32_t n_rows, uint64_t *ret)
{
	struct hs_err *err = gr_need_dominators(g, task);
	struct places p = { 0 };
	uint32_t i, r, *covered = NULL;

	if (!err)
		err = gr_alloc(task, n_rows, 4, &covered);
	if (!err)
		err = make_places(g, task, &p);
	if (!err)
		memset(ret, 0, n_rows * sizeof(*ret));
	for (i = 0; !err && i < p.n; i++) {
		r = row(arg, p.node[i]);
		// what lies before covered[r] is below one of its row
		if (r < n_rows && i >= covered[r]) {
			ret[r] += gr_retained(g, p.node[i]);
			covered[r] = i + p.size[p.node[i]];
		}
		if (!(i & (STEPS - 1)))
			err = hs_check_cancel(task);
	}
	places_deinit(&p, g->n, task->budget);
	hs_big_free(task->budget, covered, (uint64_t)n_rows * 4);
	return err;
}
