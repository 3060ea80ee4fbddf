// SPDX-License-Identifier: Apache-2.0
#include "analysis_priv.h"

struct hs_err *an_ids_push(struct an_ids *ids, struct hs_task *task,
			   uint32_t id)
{
	uint64_t cap = ids->cap ? ids->cap * 2 : 16;
	struct hs_err *err;
	void *v;

	if (ids->n == ids->cap) {
		err = hs_big_alloc(task, cap * sizeof(*ids->v), &v);
		if (err)
			return err;
		if (ids->n)
			memcpy(v, ids->v, ids->n * sizeof(*ids->v));
		hs_big_free(task->budget, ids->v, ids->cap * sizeof(*ids->v));
		ids->v = v;
		ids->cap = cap;
	}
	ids->v[ids->n++] = id;
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void an_ids_sort(struct an_ids *ids, uint64_t first)
{
	uint64_t i, to = first;

	if (ids->n - first < 2)
		return;
	qsort(ids->v + first, ids->n - first, sizeof(*ids->v), ascending);
	for (i = first; i < ids->n; i++)
		if (i == first || ids->v[i] != ids->v[to - 1])
			ids->v[to++] = ids->v[i];
	ids->n = to;
}

uint64_t an_ids_find(const struct an_ids *ids, uint64_t from, uint64_t to,
		     uint32_t id)
{
	while (from < to) {
		uint64_t middle = from + (to - from) / 2;

		if (ids->v[middle] == id)
			return middle;
		if (ids->v[middle] < id)
			from = middle + 1;
		else
			to = middle;
	}
	return UINT64_MAX;
}

void an_ids_deinit(struct an_ids *ids, struct hs_budget *b)
{
	hs_big_free(b, ids->v, ids->cap * sizeof(*ids->v));
	memset(ids, 0, sizeof(*ids));
}
