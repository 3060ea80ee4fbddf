// SPDX-License-Identifier: Apache-2.0
// Immediate dominators by SEMI-NCA (L. Georgiadis, Linear-Time Algorithms for
// Dominators and Related Problems, 2005, section 2.2): semidominators as
// Lengauer and Tarjan have them, with path compression; then the dominator of
// a node is the first ancestor of its parent's that is not below its
// semidominator. Nothing recurses: the walk keeps its place in ->semi, which is
// not needed before it ends.
#include "graph_priv.h"

enum { STEPS = 1 << 14 };	/* edges between two looks at Ctrl-C */

static inline struct hs_err *step(struct gr_search *s)
{
	if (HS_LIKELY(++s->steps & (STEPS - 1)))
		return NULL;
	hs_progress_add(s->task, STEPS);
	return hs_check_cancel(s->task);
}

/* Leaves are marked, and what is left is counted: it is all there can be. */
static struct hs_err *mark_leaves(struct gr_search *s)
{
	const struct gr_rows *out = &s->g->out;
	struct hs_err *err = NULL;
	uint32_t id;

	for (id = 0; id < s->g->n && !err; id++) {
		if (gr_rows_start(out, id) == gr_rows_start(out, id + 1))
			s->number[id] = GR_IS_LEAF;
		else
			s->cap++;
		if (!(id & (STEPS - 1)))
			err = hs_check_cancel(s->task);
	}
	return err;
}

static uint32_t number_one(struct gr_search *s, uint32_t id, uint32_t parent)
{
	s->number[id] = ++s->m;
	s->vertex[s->m] = id;
	s->parent[s->m] = parent;
	s->semi[s->m] = 0;
	return s->m;
}

/* The next child of node v that has no number yet, or GR_NONE. */
static struct hs_err *next_child(struct gr_search *s, uint32_t v,
				 uint32_t *ret)
{
	const uint32_t *out;
	size_t n = gr_out(s->g, s->vertex[v], &out);
	struct hs_err *err = NULL;

	*ret = GR_NONE;
	while (s->semi[v] < n && !err) {
		uint32_t child = out[s->semi[v]++] & GR_ID;

		if (!s->number[child]) {
			*ret = child;
			break;
		}
		err = step(s);
	}
	return err;
}

static struct hs_err *walk_from(struct gr_search *s, uint32_t id)
{
	uint32_t at = number_one(s, id, 0), child;
	struct hs_err *err = NULL;

	while (at && !err) {
		err = next_child(s, at, &child);
		if (!err)
			err = step(s);
		at = child == GR_NONE ? s->parent[at] :
					number_one(s, child, at);
	}
	return err;
}

static struct hs_err *walk(struct gr_search *s)
{
	uint64_t id = hs_bits_next(s->root, s->g->n, 0);
	struct hs_err *err = NULL;

	while (id < s->g->n && !err) {
		if (!s->number[id])
			err = walk_from(s, (uint32_t)id);
		id = hs_bits_next(s->root, s->g->n, id + 1);
	}
	return err;
}

/*
 * The node of least semidominator on the path from v up to, and without, the
 * first one below last; paths are shortened on the way.
 */
static struct hs_err *eval(struct gr_search *s, uint32_t v, uint32_t last,
			   uint32_t *ret)
{
	struct hs_err *err = NULL;
	uint32_t top, best;

	s->stack.n = 0;
	while (s->parent[v] >= last && !err) {
		err = gr_vec_push(s->task, &s->stack, &v);
		v = s->parent[v];
	}
	if (err)
		return err;
	best = s->label[v];
	top = s->parent[v];
	while (s->stack.n) {
		v = ((uint32_t *)s->stack.v)[--s->stack.n];
		s->parent[v] = top;
		if (s->semi[best] < s->semi[s->label[v]])
			s->label[v] = best;
		best = s->label[v];
	}
	*ret = best;
	return NULL;
}

static struct hs_err *find_semi(struct gr_search *s, uint32_t v)
{
	uint32_t id = s->vertex[v], semi = s->parent[v], best;
	struct hs_err *err = NULL;
	const uint32_t *in;
	size_t n, i;

	if (hs_bit(s->root, id)) {
		s->semi[v] = 0;
		return NULL;
	}
	n = gr_in(s->g, id, &in);
	for (i = 0; i < n && !err; i++) {
		uint32_t from = s->number[in[i]];

		if (!from || from == GR_IS_LEAF)
			continue;	// not reached; or it has no edges
		err = eval(s, from, v + 1, &best);
		if (!err && s->semi[best] < semi)
			semi = s->semi[best];
		if (!err)
			err = step(s);
	}
	s->semi[v] = semi;
	return err;
}

static struct hs_err *find_dominators(struct gr_search *s)
{
	struct hs_err *err = NULL;
	uint32_t v;

	for (v = 0; v <= s->m; v++) {
		s->label[v] = s->semi[v] = v;
		s->idom[v] = s->parent[v];
	}
	for (v = s->m; v && !err; v--)
		err = find_semi(s, v);
	for (v = 1; v <= s->m && !err; v++) {
		while (s->idom[v] > s->semi[v])
			s->idom[v] = s->idom[s->idom[v]];
		err = step(s);
	}
	return err;
}

static struct hs_err *alloc(struct gr_search *s)
{
	uint32_t **const columns[] = { &s->vertex, &s->idom, &s->parent,
				       &s->semi, &s->label };
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(columns) && !err; i++)
		err = gr_alloc(s->task, (uint64_t)s->cap + 1, 4, columns[i]);
	return err;
}

struct hs_err *gr_search_run(struct gr_search *s)
{
	struct hs_err *err;

	s->stack.item_size = sizeof(uint32_t);
	err = gr_alloc(s->task, s->g->n, sizeof(*s->number), &s->number);
	if (!err)
		err = mark_leaves(s);
	if (!err)
		err = alloc(s);
	if (!err)
		err = walk(s);
	return err ? err : find_dominators(s);
}

void gr_search_deinit(struct gr_search *s)
{
	uint32_t *const columns[] = { s->vertex, s->idom, s->parent, s->semi,
				      s->label };
	struct hs_budget *b = s->task->budget;
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(columns); i++)
		hs_big_free(b, columns[i], ((uint64_t)s->cap + 1) * 4);
	hs_big_free(b, s->number, (uint64_t)s->g->n * sizeof(*s->number));
	hs_big_free(b, s->root, gr_bitmap_bytes(s->g->n));
	gr_vec_deinit(b, &s->stack);
}
