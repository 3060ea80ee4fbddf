// SPDX-License-Identifier: Apache-2.0
// What nothing holds falls into islands: parts without an edge between them.
#include "analysis_priv.h"

#include "map.h"
#include "vec.h"

struct island {
	struct gr_graph *g;
	struct hs_task *task;
	struct gr_set *dead;
	struct hs_map seen;
	struct an_ids nodes;		/* those before next are done */
};

static struct hs_err *reach(struct island *w, uint32_t id)
{
	if (!gr_set_has(w->dead, id) || hs_map_get(&w->seen, id))
		return NULL;
	hs_map_put(&w->seen, id, 1);
	return an_ids_push(&w->nodes, w->task, id);
}

static struct hs_err *spread(struct island *w, uint32_t id)
{
	const uint32_t *out, *in;
	size_t n_out = gr_out(w->g, id, &out), n_in = gr_in(w->g, id, &in), i;
	struct hs_err *err = hs_check_cancel(w->task);

	for (i = 0; i < n_out && !err; i++)
		err = reach(w, out[i] & GR_ID);
	for (i = 0; i < n_in && !err; i++)
		err = reach(w, in[i]);
	return err;
}

struct hs_err *an_island(struct gr_set *set, struct hs_task *task,
			 struct gr_set **ret)
{
	struct island w = { .g = gr_set_graph(set), .task = task };
	struct hs_err *err = gr_set_unreachable(w.g, task, &w.dead);
	uint32_t id;
	uint64_t i;

	if (err)
		return err;
	for (id = 0; gr_set_next(set, &id) && !err; id++)
		err = reach(&w, id);
	for (i = 0; i < w.nodes.n && !err; i++)
		err = spread(&w, w.nodes.v[i]);
	if (!err)
		err = gr_set_of(w.g, w.nodes.v, w.nodes.n, ret);
	an_ids_deinit(&w.nodes, task->budget);
	hs_map_deinit(&w.seen);
	gr_set_unref(w.dead);
	return err;
}

/* --- all of a set --------------------------------------------------------- */

struct parts {
	struct gr_graph *g;
	struct hs_task *task;
	struct an_ids ids;		/* of the set, ascending */
	uint32_t *in, *out;		/* edges within the set; by index */
	bool *seen, *cut;
	struct an_ids stack, order;
	uint64_t cap, steps;
};

typedef struct hs_err *near_fn(struct parts *p, uint32_t from, uint32_t to);

/* Every edge of the set from index i (or to it), as indices. */
static struct hs_err *each_near(struct parts *p, uint32_t i, bool back,
				near_fn *fn)
{
	const uint32_t *v;
	uint32_t id = p->ids.v[i];
	size_t n = back ? gr_in(p->g, id, &v) : gr_out(p->g, id, &v), k;
	struct hs_err *err = NULL;
	uint64_t to;

	for (k = 0; k < n && !err; k++) {
		to = an_ids_find(&p->ids, 0, p->ids.n, v[k] & GR_ID);
		if (to != UINT64_MAX)
			err = fn(p, i, (uint32_t)to);
		if (!(++p->steps & 4095) && !err)
			err = hs_check_cancel(p->task);
	}
	return err;
}

static struct hs_err *count_edge(struct parts *p, uint32_t from, uint32_t to)
{
	p->out[from]++;
	p->in[to]++;
	return NULL;
}

static struct hs_err *lose_in(struct parts *p, uint32_t from, uint32_t to)
{
	(void)from;
	if (p->cut[to] || --p->in[to])
		return NULL;
	p->cut[to] = true;
	return an_ids_push(&p->stack, p->task, to);
}

static struct hs_err *lose_out(struct parts *p, uint32_t from, uint32_t to)
{
	(void)from;
	if (p->cut[to] || --p->out[to])
		return NULL;
	p->cut[to] = true;
	return an_ids_push(&p->stack, p->task, to);
}

/* Cut what nothing leads to, again and again; then what leads to nothing. */
static struct hs_err *cut_ends(struct parts *p, bool back)
{
	const uint32_t *edges = back ? p->out : p->in;
	struct hs_err *err = NULL;
	uint32_t i;

	for (i = 0; i < p->ids.n && !err; i++)
		if (!p->cut[i] && !edges[i]) {
			p->cut[i] = true;
			err = an_ids_push(&p->stack, p->task, i);
		}
	while (p->stack.n && !err) {
		i = p->stack.v[--p->stack.n];
		err = each_near(p, i, false, lose_in);
		if (!err)
			err = each_near(p, i, true, lose_out);
	}
	return err;
}

static struct hs_err *meet(struct parts *p, uint32_t from, uint32_t to)
{
	struct hs_err *err;

	(void)from;
	if (p->seen[to])
		return NULL;
	p->seen[to] = true;
	err = an_ids_push(&p->order, p->task, to);
	return err ? err : an_ids_push(&p->stack, p->task, to);
}

static struct hs_err *gather(struct parts *p, struct an_islands *ret)
{
	HS_VEC(struct an_island_row) rows = { 0 };
	struct hs_err *err = NULL;
	uint32_t i;

	for (i = 0; i < p->ids.n && !err; i++) {
		struct an_island_row row = { .first = p->order.n };

		if (p->seen[i])
			continue;
		err = meet(p, i, i);
		while (p->stack.n && !err) {
			uint32_t at = p->stack.v[--p->stack.n];

			err = each_near(p, at, false, meet);
			if (!err)
				err = each_near(p, at, true, meet);
		}
		row.n = p->order.n - row.first;
		hs_vec_push(&rows, row);
	}
	ret->rows = rows.v;
	ret->n_rows = rows.n;
	return err;
}

static int by_held(const void *a, const void *b)
{
	const struct an_island_row *x = a, *y = b;

	if (x->held != y->held)
		return x->held > y->held ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Indices become ids; rows get their sums. */
static void add_up(struct parts *p, struct an_islands *ret)
{
	uint64_t r, i;

	for (r = 0; r < ret->n_rows; r++) {
		struct an_island_row *row = &ret->rows[r];

		for (i = row->first; i < row->first + row->n; i++) {
			uint32_t index = p->order.v[i];
			uint32_t id = p->ids.v[index];

			row->flat += gr_flat(p->g, id);
			row->held += gr_held(p->g, id);
			row->in_cycles += !p->cut[index];
			p->order.v[i] = id;
		}
	}
	if (ret->n_rows)
		qsort(ret->rows, ret->n_rows, sizeof(*ret->rows), by_held);
	ret->nodes = p->order.v;
	ret->n_nodes = p->order.cap;
	memset(&p->order, 0, sizeof(p->order));
}

static struct hs_err *part(struct parts *p, struct an_islands *ret)
{
	struct hs_err *err = NULL;
	uint32_t i;

	for (i = 0; i < p->ids.n && !err; i++)
		err = each_near(p, i, false, count_edge);
	if (!err)
		err = cut_ends(p, false);
	if (!err)
		err = cut_ends(p, true);
	if (!err)
		err = gather(p, ret);
	if (!err)
		add_up(p, ret);
	return err;
}

static struct hs_err *prepare(struct parts *p, struct gr_set *set)
{
	struct hs_err *err = gr_need_rows(p->g, p->task);
	void *v;
	uint32_t id;

	for (id = 0; !err && gr_set_next(set, &id); id++)
		err = an_ids_push(&p->ids, p->task, id);
	p->cap = p->ids.n;
	if (!err)
		err = hs_big_alloc(p->task, p->cap * 10, &v);
	if (err)
		return err;
	p->in = v;
	p->out = p->in + p->cap;
	p->seen = (bool *)(p->out + p->cap);
	p->cut = p->seen + p->cap;
	return NULL;
}

struct hs_err *an_islands(struct gr_set *set, struct hs_task *task,
			  struct an_islands *ret)
{
	struct parts p = { .g = gr_set_graph(set), .task = task };
	struct hs_err *err;

	memset(ret, 0, sizeof(*ret));
	ret->budget = task->budget;
	err = prepare(&p, set);
	if (!err)
		err = part(&p, ret);
	hs_big_free(task->budget, p.in, p.cap * 10);
	an_ids_deinit(&p.ids, task->budget);
	an_ids_deinit(&p.stack, task->budget);
	an_ids_deinit(&p.order, task->budget);
	if (err)
		an_islands_deinit(ret);
	return err;
}

void an_islands_deinit(struct an_islands *is)
{
	hs_big_free(is->budget, is->nodes, is->n_nodes * sizeof(*is->nodes));
	free(is->rows);
	is->nodes = NULL;
	is->rows = NULL;
	is->n_rows = 0;
}
