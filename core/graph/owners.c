// SPDX-License-Identifier: Apache-2.0
// Whose attribute table is this?
#include "graph_priv.h"

/* Pairs as one word each: by table, then by owner. */
static uint64_t collect(struct gr_building *b, uint64_t *ret)
{
	const struct gr_index *x = &b->g->index;
	const struct gr_pair *p;
	uint32_t table, owner;
	uint64_t i, n = 0;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		p = b->find[t].owners.v;
		for (i = 0; i < b->find[t].owners.n; i++, p++) {
			table = gr_index_id(x, p->table);
			owner = gr_index_id(x, p->owner);
			if (table != GR_NONE && owner != GR_NONE)
				ret[n++] = (uint64_t)table << 32 | owner;
		}
	}
	return n;
}

/* What a shape becomes when its owner is of a type: the answers given last. */
struct renamed {
	uint32_t from, owner_type, to;
	bool used;
};
enum { RENAMED = 256 };

static struct hs_err *rename_shape(struct gr_graph *g, struct renamed *r,
				   uint32_t from, uint32_t owner_type)
{
	struct gr_shape what = *gr_shapes_at(&g->shapes, from);
	struct hs_err *err;
	uint32_t to;

	what.owner_type = owner_type;
	err = gr_shapes_put(&g->shapes, &what, &to);
	if (!err)
		*r = (struct renamed){ from, owner_type, to, true };
	return err;
}

/* The table is counted with its owner's type from now on. */
static struct hs_err *set_owner_type(struct gr_graph *g,
				     struct renamed *renamed, uint32_t table,
				     uint32_t owner_type)
{
	uint32_t from = gr_shape(g, table);
	struct renamed *r = &renamed[(from + owner_type * 31) % RENAMED];
	struct hs_err *err;

	if (!r->used || r->from != from || r->owner_type != owner_type) {
		err = rename_shape(g, r, from, owner_type);
		if (err)
			return err;
	}
	gr_shapes_at(&g->shapes, from)->count--;
	gr_shapes_at(&g->shapes, r->to)->count++;
	return gr_nodes_set(&g->nodes, table, r->to);
}

/* The owner with the lowest address is the owner, as in Heapy. */
static struct hs_err *store(struct gr_graph *g, struct hs_task *task,
			    const uint64_t *pairs, uint64_t n)
{
	struct renamed renamed[RENAMED] = { { 0 } };
	struct hs_err *err = NULL;
	uint64_t i, to = 0;

	for (i = 0; i < n && !err; i++) {
		uint32_t table = (uint32_t)(pairs[i] >> 32);
		uint32_t owner = (uint32_t)pairs[i];

		if (to && g->table[to - 1] == table)
			continue;
		g->table[to] = table;
		g->owner[to++] = owner;
		err = set_owner_type(g, renamed, table, gr_type(g, owner));
		if (!err && !(to & 0xffff))
			err = hs_check_cancel(task);
	}
	g->n_owned = to;
	return err;
}

/* *ret: what the threads noted, sorted; their notes go. n: at most *cap. */
static struct hs_err *sorted_pairs(struct gr_building *b, uint64_t **ret,
				   uint64_t *n, uint64_t *cap)
{
	uint64_t *tmp = NULL;
	struct hs_err *err;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++)
		*cap += b->find[t].owners.n;
	err = gr_alloc(b->task, *cap, sizeof(**ret), ret);
	if (err)
		return err;
	*n = collect(b, *ret);
	for (t = 0; t < GR_MAX_THREADS; t++)
		gr_vec_deinit(b->task->budget, &b->find[t].owners);
	err = gr_alloc(b->task, *cap, sizeof(*tmp), &tmp);
	if (err)
		return err;
	gr_sort_u64(*ret, tmp, *n);
	hs_big_free(b->task->budget, tmp, *cap * sizeof(*tmp));
	return NULL;
}

struct hs_err *gr_owners(struct gr_building *b)
{
	uint64_t *pairs = NULL, cap = 0, n = 0;
	struct gr_graph *g = b->g;
	struct hs_err *err;

	err = sorted_pairs(b, &pairs, &n, &cap);
	g->cap_owned = n;
	if (!err)
		err = gr_alloc(b->task, n, sizeof(*g->table), &g->table);
	if (!err)
		err = gr_alloc(b->task, n, sizeof(*g->owner), &g->owner);
	if (!err) {
		err = store(g, b->task, pairs, n);
		gr_nodes_seal(&g->nodes);
	}
	hs_big_free(b->task->budget, pairs, cap * sizeof(*pairs));
	return err;
}

uint32_t gr_owner(const struct gr_graph *g, uint32_t id)
{
	uint64_t lo = 0, hi = g->n_owned, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (g->table[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->n_owned && g->table[lo] == id ? g->owner[lo] : GR_NONE;
}
