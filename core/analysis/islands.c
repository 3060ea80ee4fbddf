// SPDX-License-Identifier: Apache-2.0
// What nothing holds falls into islands: parts without an edge between them.
#include "analysis_priv.h"

#include "map.h"

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
