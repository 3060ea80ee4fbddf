// SPDX-License-Identifier: Apache-2.0
// What each row of a partition retains: the bytes that one of its objects
// dominates.
#include "analysis_priv.h"

static uint32_t row_of(void *arg, uint32_t id)
{
	return ((const uint32_t *)arg)[id];
}

/* What a module retains is in its dict: tables count for their owners. */
static void move_tables(const struct gr_graph *g, uint32_t *rows)
{
	uint32_t id, owner;

	for (id = 0; id < gr_n(g); id++) {
		if (gr_owner_type(g, id) == GR_NONE || rows[id] == GR_NONE)
			continue;
		owner = gr_owner(g, id);
		if (owner != GR_NONE && rows[owner] != GR_NONE)
			rows[id] = rows[owner];
	}
}

static struct hs_err *by_rows(const struct an_partition *p,
			      struct hs_task *task, uint64_t *ret)
{
	struct gr_graph *g = gr_set_graph(p->set);
	uint64_t bytes = (uint64_t)gr_n(g) * sizeof(uint32_t);
	struct hs_err *err;
	void *rows;

	err = hs_big_alloc(task, bytes, &rows);
	if (err)
		return err;
	memset(rows, 0xff, bytes);
	err = an_rows_of(p, task, rows);
	if (!err && p->by == AN_BY_MODULE)
		move_tables(g, rows);
	if (!err)
		err = gr_retain_rows(g, task, row_of, rows,
				     (uint32_t)p->n_rows, ret);
	hs_big_free(task->budget, rows, bytes);
	return err;
}

struct hs_err *an_retained(const struct an_partition *p, struct hs_task *task,
			   uint64_t *ret)
{
	struct gr_graph *g = gr_set_graph(p->set);
	struct hs_err *err = gr_need_dominators(g, task);
	size_t i;

	if (err)
		return err;
	if (p->by != AN_BY_ID)
		return by_rows(p, task, ret);
	for (i = 0; i < p->n_rows; i++)
		ret[i] = gr_retained(g, p->ids[i]);
	return hs_check_cancel(task);
}
