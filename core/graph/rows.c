// SPDX-License-Identifier: Apache-2.0
// Compressed rows: both kinds.
#include "graph_priv.h"

enum { PAGE_NODES = 1 << GR_PAGE_SHIFT };

static uint64_t n_pages(uint32_t n)
{
	return ((uint64_t)n >> GR_PAGE_SHIFT) + 1;
}

struct hs_err *gr_rows_init(struct gr_rows *r, struct hs_task *task,
			    uint32_t n)
{
	struct hs_err *err;

	r->n = n;
	err = gr_alloc(task, (uint64_t)n + 1, sizeof(*r->off), &r->off);
	if (!err)
		err = gr_alloc(task, n_pages(n), sizeof(*r->base), &r->base);
	return err;
}

struct hs_err *gr_rows_place(struct gr_rows *r, struct hs_task *task)
{
	uint64_t total = 0, page = 0;
	struct hs_err *err;
	uint32_t id, degree;

	for (id = 0; id <= r->n; id++) {
		if (!(id & (PAGE_NODES - 1))) {
			total += page;
			r->base[id >> GR_PAGE_SHIFT] = total;
			page = 0;
			if (hs_cancelled(task))
				return hs_check_cancel(task);
		}
		degree = r->off[id];
		r->off[id] = (uint32_t)page;
		page += degree;
		if (page > UINT32_MAX)
			return hs_err_new(HS_ERR_UNSUPPORTED,
					  "make rows: more than 4294967295 "
					  "edges of 65536 neighbours");
	}
	total += page;
	err = gr_alloc(task, total, sizeof(*r->v), &r->v);
	if (!err)
		r->n_v = total;
	return err;
}

void gr_rows_deinit(struct gr_rows *r, struct hs_budget *b)
{
	hs_big_free(b, r->v, r->n_v * sizeof(*r->v));
	hs_big_free(b, r->off, ((uint64_t)r->n + 1) * sizeof(*r->off));
	hs_big_free(b, r->base, n_pages(r->n) * sizeof(*r->base));
	memset(r, 0, sizeof(*r));
}

void gr_drop_rows(struct gr_graph *g)
{
	struct hs_budget *b = g->task.budget;

	gr_rows_deinit(&g->out, b);
	gr_rows_deinit(&g->in, b);
	hs_big_free(b, g->refcount, (uint64_t)g->n * sizeof(*g->refcount));
	g->refcount = NULL;
	g->has_rows = false;
}

void gr_bytes_gone(struct gr_graph *g)
{
	g->bytes_gone = true;
}

struct hs_err *gr_check_bytes(const struct gr_graph *g)
{
	if (!g->bytes_gone)
		return NULL;
	return hs_err_remedy(hs_err_new(HS_ERR_FAULT,
					"read references: the instant was "
					"released before"),
			     "snap takes a new one");
}

struct hs_err *gr_need_rows(struct gr_graph *g, struct hs_task *task)
{
	struct hs_err *err;

	if (g->has_rows)
		return NULL;
	err = gr_check_bytes(g);
	if (err)
		return err;
	err = gr_forward(g, task);
	if (!err)
		err = gr_reverse(g, task);
	if (err) {
		gr_drop_rows(g);
		return hs_err_wrap(err, "read the edges");
	}
	g->has_rows = true;
	return NULL;
}

bool gr_has_rows(const struct gr_graph *g)
{
	return g->has_rows;
}

static size_t row(const struct gr_rows *r, uint32_t id, const uint32_t **ret)
{
	uint64_t start = gr_rows_start(r, id);

	*ret = r->v + start;
	return gr_rows_start(r, id + 1) - start;
}

size_t gr_out(const struct gr_graph *g, uint32_t id, const uint32_t **ret)
{
	return row(&g->out, id, ret);
}

size_t gr_in(const struct gr_graph *g, uint32_t id, const uint32_t **ret)
{
	return row(&g->in, id, ret);
}

uint64_t gr_refcount(const struct gr_graph *g, uint32_t id)
{
	return g->refcount[id];
}
