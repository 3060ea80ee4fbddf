// SPDX-License-Identifier: Apache-2.0
#include "analysis_priv.h"

struct hs_err *an_count_shapes(const struct gr_set *set, struct hs_task *task,
			       uint64_t **ret)
{
	const struct gr_graph *g = gr_set_graph(set);
	const struct gr_shape *shapes;
	size_t n = gr_shapes(g, &shapes), i;
	uint64_t *count = hs_xcalloc(n + 1, sizeof(*count));
	struct hs_err *err = NULL;
	uint32_t id, seen = 0;

	if (gr_set_count(set) == gr_n(g)) {
		for (i = 0; i < n; i++)
			count[i] = shapes[i].count;
		*ret = count;
		return NULL;
	}
	for (id = 0; !err && gr_set_next(set, &id); id++) {
		count[gr_shape(g, id)]++;
		if (!(seen++ & 0xffff))
			err = hs_check_cancel(task);
	}
	if (err)
		free(count);
	else
		*ret = count;
	return err;
}
