// SPDX-License-Identifier: Apache-2.0
#include "analysis_priv.h"

#include "bits.h"

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

enum { MANY = 4096, STEPS = 1 << 16 };

/* In a loop's i-th round, now and then: has the user interrupted? */
static bool is_over(const struct hs_task *task, uint64_t i)
{
	return !(i & (STEPS - 1)) && hs_cancelled(task);
}

/* A bit for each number between the least and the largest. */
static void sort_many(struct an_ids *ids, uint64_t first, struct hs_task *task)
{
	uint32_t least = UINT32_MAX, most = 0;
	uint64_t *bits, i, n, at;

	for (i = first; i < ids->n && !is_over(task, i); i++) {
		least = ids->v[i] < least ? ids->v[i] : least;
		most = ids->v[i] > most ? ids->v[i] : most;
	}
	if (hs_cancelled(task))
		return;
	n = (uint64_t)most - least + 1;
	bits = hs_xcalloc(hs_bits_words(n), sizeof(*bits));
	for (i = first; i < ids->n && !is_over(task, i); i++)
		hs_bit_set(bits, ids->v[i] - least);
	ids->n = first;
	for (at = 0; (at = hs_bits_next(bits, n, at)) < n; at++) {
		ids->v[ids->n++] = least + (uint32_t)at;
		if (is_over(task, ids->n))
			break;
	}
	free(bits);
}

void an_ids_sort(struct an_ids *ids, uint64_t first, struct hs_task *task)
{
	uint64_t i, to = first;

	if (ids->n - first < 2)
		return;
	if (ids->n - first > MANY) {
		sort_many(ids, first, task);
		return;
	}
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

/* Fewer are found as fast by a search as the bits could be cleared. */
static bool is_dense(uint64_t items, uint64_t words)
{
	return items > MANY && items > words;
}

static struct hs_err *get_words(struct an_rank *r, struct hs_task *task)
{
	void *bits = NULL, *before = NULL;
	struct hs_err *err;

	err = hs_big_alloc(task, r->words * sizeof(*r->bits), &bits);
	if (!err)
		err = hs_big_alloc(task, r->words * sizeof(*r->before),
				   &before);
	r->bits = bits;
	r->before = before;
	return err;
}

struct hs_err *an_rank_make(struct an_rank *r, const struct an_ids *ids,
			    uint64_t from, uint64_t to, uint32_t n,
			    struct hs_task *task)
{
	struct hs_err *err = NULL;
	uint32_t sum = 0;
	uint64_t i;

	r->from = from;
	r->to = to;
	r->words = hs_bits_words(n);
	r->dense = is_dense(to - from, r->words);
	if (!r->dense)
		return NULL;
	if (!r->before)
		err = get_words(r, task);
	else
		memset(r->bits, 0, r->words * sizeof(*r->bits));
	if (err)
		return err;
	for (i = from; i < to && !is_over(task, i); i++)
		hs_bit_set(r->bits, ids->v[i]);
	for (i = 0; i < r->words; i++) {
		r->before[i] = sum;
		sum += hs_popcount(r->bits[i]);
	}
	return hs_check_cancel(task);
}

uint64_t an_rank_find(const struct an_rank *r, const struct an_ids *ids,
		      uint32_t id)
{
	uint64_t word;

	if (!r->dense)
		return an_ids_find(ids, r->from, r->to, id);
	word = r->bits[id >> 6];
	if (!(word >> (id & 63) & 1))
		return UINT64_MAX;
	return r->from + r->before[id >> 6] +
	       hs_popcount(word & ((UINT64_C(1) << (id & 63)) - 1));
}

void an_rank_deinit(struct an_rank *r, struct hs_budget *b)
{
	hs_big_free(b, r->bits, r->words * sizeof(*r->bits));
	hs_big_free(b, r->before, r->words * sizeof(*r->before));
	memset(r, 0, sizeof(*r));
}

void an_ids_deinit(struct an_ids *ids, struct hs_budget *b)
{
	hs_big_free(b, ids->v, ids->cap * sizeof(*ids->v));
	memset(ids, 0, sizeof(*ids));
}
