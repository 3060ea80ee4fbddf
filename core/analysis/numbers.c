// SPDX-License-Identifier: Apache-2.0
// Sets of small numbers, each kept once.
#include "analysis_priv.h"

static uint64_t hash(const uint32_t *v, uint32_t n)
{
	uint64_t h = n;
	uint32_t i;

	for (i = 0; i < n; i++)
		h = (h ^ v[i]) * UINT64_C(0x9e3779b97f4a7c15); // golden ratio
	return h ^ h >> 32;
}

const uint32_t *an_lists_get(const struct an_lists *l, uint32_t number,
			     uint32_t *n)
{
	*n = l->all.v[number].n;
	return l->items.v + l->all.v[number].at;
}

/* Slot that holds the list, or the free one where it belongs. */
static uint32_t *slot_of(const struct an_lists *l, const uint32_t *v,
			 uint32_t n)
{
	uint64_t mask = l->n_slots - 1, i = hash(v, n) & mask;
	const uint32_t *have;
	uint32_t n_have;

	for (; l->slots[i]; i = (i + 1) & mask) {
		have = an_lists_get(l, l->slots[i] - 1, &n_have);
		if (n_have == n && (!n || !memcmp(have, v, n * sizeof(*v))))
			break;
	}
	return &l->slots[i];
}

static void grow(struct an_lists *l)
{
	const uint32_t *v;
	uint32_t i, n;

	free(l->slots);
	l->n_slots = l->n_slots ? l->n_slots * 2 : 64;
	l->slots = hs_xcalloc(l->n_slots, sizeof(*l->slots));
	for (i = 0; i < l->all.n; i++) {
		v = an_lists_get(l, i, &n);
		*slot_of(l, v, n) = i + 1;
	}
}

uint32_t an_lists_put(struct an_lists *l, const uint32_t *v, uint32_t n)
{
	struct an_list one = { .at = l->items.n, .n = n };
	uint32_t *slot, i;

	if (l->all.n * 2 >= l->n_slots)
		grow(l);
	slot = slot_of(l, v, n);
	if (*slot)
		return *slot - 1;
	hs_vec_reserve(&l->items, l->items.n + n + 1);
	for (i = 0; i < n; i++)
		l->items.v[l->items.n++] = v[i];
	hs_vec_push(&l->all, one);
	*slot = (uint32_t)l->all.n;
	return *slot - 1;
}

void an_lists_deinit(struct an_lists *l)
{
	hs_vec_deinit(&l->items);
	hs_vec_deinit(&l->all);
	free(l->slots);
	memset(l, 0, sizeof(*l));
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void an_sort_u32(uint32_t *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), ascending);
}
