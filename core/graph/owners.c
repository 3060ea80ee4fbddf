// SPDX-License-Identifier: Apache-2.0
// Whose attribute table is this?
#include "graph_priv.h"

struct packing {
	struct gr_building *b;
	_Atomic unsigned next;
	_Atomic bool stop;
};

/*
 * What a thread noted becomes a word each, by table, then by owner, and sorted:
 * all in the memory of its notes, of which half is given back. In these heaps
 * the notes are the most that a table needs beside what it keeps.
 */
static struct hs_err *pack(const struct gr_index *x, struct hs_task *task,
			   struct gr_vec *notes)
{
	const struct gr_pair *p = notes->v;
	uint64_t *to = notes->v, n = 0, i, size = notes->cap * sizeof(*p);
	uint32_t table, owner;
	struct hs_err *err;

	if (!notes->n)
		return NULL;
	for (i = 0; i < notes->n; i++, p++) {
		table = gr_index_id(x, p->table);
		owner = gr_index_id(x, p->owner);
		if (table != GR_NONE && owner != GR_NONE)
			to[n++] = (uint64_t)table << 32 | owner;
	}
	gr_sort_u64(to, to + notes->n, n);
	err = hs_big_resize(task, notes->v, size, n * sizeof(*to), &notes->v);
	if (err)
		return err;
	notes->item_size = sizeof(*to);
	notes->n = notes->cap = n;
	return NULL;
}

static struct hs_err *pack_part(void *arg, unsigned thread)
{
	struct packing *k = arg;
	struct hs_err *err = NULL;
	unsigned t;

	(void)thread;
	while (!err && !k->stop && (t = k->next++) < GR_MAX_THREADS)
		err = pack(&k->b->g->index, k->b->task, &k->b->find[t].owners);
	return err;
}

/* The packed notes of all threads, as they are merged. */
struct merge {
	const uint64_t *next[GR_MAX_THREADS], *end[GR_MAX_THREADS];
	unsigned n, least;		/* runs; the one that is drawn from */
	uint64_t limit;			/* the least pair of the others */
};

static void merge_begin(struct merge *m, const struct gr_building *b)
{
	const struct gr_vec *v;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		v = &b->find[t].owners;
		if (!v->n)
			continue;
		m->next[m->n] = v->v;
		m->end[m->n] = m->next[m->n] + v->n;
		m->n++;
	}
}

static void find_least(struct merge *m)
{
	uint64_t least = UINT64_MAX;
	unsigned i;

	m->limit = UINT64_MAX;
	for (i = 0; i < m->n; i++) {
		if (m->next[i] == m->end[i])
			continue;
		if (*m->next[i] < least) {
			m->limit = least;
			least = *m->next[i];
			m->least = i;
		} else if (*m->next[i] < m->limit) {
			m->limit = *m->next[i];
		}
	}
}

/* False: no more. A thread's tables mostly follow each other. */
static bool merge_next(struct merge *m, uint64_t *ret)
{
	unsigned i = m->least;

	if (!m->n)
		return false;
	if (m->next[i] == m->end[i] || *m->next[i] >= m->limit) {
		find_least(m);
		i = m->least;
	}
	if (m->next[i] == m->end[i])
		return false;
	*ret = *m->next[i]++;
	return true;
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
			    struct merge *pairs)
{
	struct renamed renamed[RENAMED] = { { 0 } };
	struct hs_err *err = NULL;
	uint64_t pair, to = 0;

	while (!err && merge_next(pairs, &pair)) {
		uint32_t table = (uint32_t)(pair >> 32);
		uint32_t owner = (uint32_t)pair;

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

struct hs_err *gr_owners(struct gr_building *b)
{
	struct packing k = { .b = b };
	struct merge pairs = { .n = 0 };
	struct gr_graph *g = b->g;
	struct hs_err *err;
	unsigned t;

	err = gr_parallel(g->threads, pack_part, &k, &k.stop);
	if (err)
		return err;
	for (t = 0; t < GR_MAX_THREADS; t++)
		g->cap_owned += b->find[t].owners.n;
	err = gr_alloc(b->task, g->cap_owned, sizeof(*g->table), &g->table);
	if (!err)
		err = gr_alloc(b->task, g->cap_owned, sizeof(*g->owner),
			       &g->owner);
	if (err)
		return err;
	merge_begin(&pairs, b);
	err = store(g, b->task, &pairs);
	gr_nodes_seal(&g->nodes);
	for (t = 0; t < GR_MAX_THREADS; t++)
		gr_vec_deinit(b->task->budget, &b->find[t].owners);
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
