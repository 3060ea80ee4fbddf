// SPDX-License-Identifier: Apache-2.0
// Sets: making them, asking them. A list takes 4 bytes a member, a bitmap an
// eighth of a byte a node: a set is a list while that is smaller.
#include "graph_priv.h"

static uint32_t list_max(const struct gr_graph *g)
{
	return g->n / 32;
}

static struct gr_set *make(struct gr_graph *g, int kind, uint32_t n)
{
	struct gr_set *s = hs_xalloc(sizeof(*s));

	s->g = g;
	s->refs = 1;
	s->kind = kind;
	s->n = n;
	return s;
}

struct gr_set *gr_set_ref(struct gr_set *s)
{
	s->refs++;
	return s;
}

void gr_set_unref(struct gr_set *s)
{
	struct hs_budget *b;

	if (!s || --s->refs)
		return;
	b = s->g->task.budget;
	hs_big_free(b, s->list, (uint64_t)s->n * sizeof(*s->list));
	hs_big_free(b, s->bits, gr_bitmap_bytes(s->g->n));
	free(s);
}

struct hs_err *gr_set_all(struct gr_graph *g, struct gr_set **ret)
{
	*ret = make(g, GR_ALL, g->n);
	return NULL;
}

struct hs_err *gr_set_from_bits(struct gr_graph *g, uint64_t *bits,
				struct gr_set **ret)
{
	uint64_t n = hs_bits_count(bits, g->n), id, i = 0;
	struct hs_err *err = NULL;
	uint32_t *list;

	if (n == g->n) {
		err = gr_set_all(g, ret);
	} else if (n > list_max(g)) {
		*ret = make(g, GR_BITS, (uint32_t)n);
		(*ret)->bits = bits;
		return NULL;
	} else {
		err = gr_alloc(&g->task, n, sizeof(*list), &list);
		for (id = 0; !err && i < n; id++) {
			id = hs_bits_next(bits, g->n, id);
			list[i++] = (uint32_t)id;
		}
		if (!err) {
			*ret = make(g, GR_LIST, (uint32_t)n);
			(*ret)->list = list;
		}
	}
	hs_big_free(g->task.budget, bits, gr_bitmap_bytes(g->n));
	return err;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Few ids: sorting them is cheaper than a bit for every node. */
static struct hs_err *set_of_few(struct gr_graph *g, const uint32_t *ids,
				 size_t n, struct gr_set **ret)
{
	HS_FREE uint32_t *copy = hs_xcalloc(n + 1, sizeof(*copy));
	struct hs_err *err;
	uint32_t *list;
	size_t i, to = 0;

	if (n)
		memcpy(copy, ids, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_number);
	for (i = 0; i < n; i++)
		if (copy[i] < g->n && (!to || copy[to - 1] != copy[i]))
			copy[to++] = copy[i];
	if (to == g->n)
		return gr_set_all(g, ret);
	err = gr_alloc(&g->task, to, sizeof(*list), &list);
	if (err)
		return err;
	memcpy(list, copy, to * sizeof(*list));
	*ret = make(g, GR_LIST, (uint32_t)to);
	(*ret)->list = list;
	return NULL;
}

struct hs_err *gr_set_of(struct gr_graph *g, const uint32_t *ids, size_t n,
			 struct gr_set **ret)
{
	struct hs_err *err;
	uint64_t *bits;
	size_t i;

	if (n <= list_max(g) || n < 64)
		return set_of_few(g, ids, n, ret);
	err = gr_alloc(&g->task, hs_bits_words(g->n), 8, &bits);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		if (ids[i] < g->n)
			hs_bit_set(bits, ids[i]);
	return gr_set_from_bits(g, bits, ret);
}

struct hs_err *gr_set_filter(struct gr_set *s, struct hs_task *task,
			     bool (*test)(void *arg, uint32_t id), void *arg,
			     struct gr_set **ret)
{
	struct gr_graph *g = s->g;
	struct hs_err *err;
	uint32_t id, seen = 0;
	uint64_t *bits;

	err = gr_alloc(&g->task, hs_bits_words(g->n), 8, &bits);
	for (id = 0; !err && gr_set_next(s, &id); id++) {
		if (test(arg, id))
			hs_bit_set(bits, id);
		if (!(seen++ & 0xffff))
			err = hs_check_cancel(task);
	}
	if (!err)
		return gr_set_from_bits(g, bits, ret);
	hs_big_free(g->task.budget, bits, gr_bitmap_bytes(g->n));
	return err;
}

struct gr_graph *gr_set_graph(const struct gr_set *s)
{
	return s->g;
}

uint32_t gr_set_count(const struct gr_set *s)
{
	return s->n;
}

/* First i with list[i] >= id, or n. */
static uint32_t lower_bound(const struct gr_set *s, uint32_t id)
{
	uint32_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->list[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool gr_set_has(const struct gr_set *s, uint32_t id)
{
	uint32_t i;

	if (id >= s->g->n)
		return false;
	switch (s->kind) {
	case GR_ALL:
		return true;
	case GR_BITS:
		return hs_bit(s->bits, id);
	case GR_LIST:
		i = lower_bound(s, id);
		return i < s->n && s->list[i] == id;
	}
	return false;
}

static bool next_of_list(const struct gr_set *s, uint32_t *id)
{
	uint32_t i = s->hint + 1;

	// Loops ask for one after the other: mostly the search is over here.
	if (i > s->n || s->list[i - 1] >= *id ||
	    (i < s->n && s->list[i] < *id))
		i = lower_bound(s, *id);
	if (i == s->n)
		return false;
	((struct gr_set *)s)->hint = i;
	*id = s->list[i];
	return true;
}

bool gr_set_next(const struct gr_set *s, uint32_t *id)
{
	uint64_t next;

	if (*id >= s->g->n)
		return false;
	switch (s->kind) {
	case GR_ALL:
		return true;
	case GR_LIST:
		return next_of_list(s, id);
	case GR_BITS:
		next = hs_bits_next(s->bits, s->g->n, *id);
		*id = (uint32_t)next;
		return next < s->g->n;
	}
	return false;
}

static void sum(struct gr_set *s)
{
	const struct gr_shape *shape = s->g->shapes.all.v;
	uint64_t i;
	uint32_t id;

	s->summed = true;
	if (s->kind == GR_ALL) {
		for (i = 0; i < s->g->shapes.all.n; i++, shape++) {
			s->flat += shape->flat * shape->count;
			s->held += shape->held * shape->count;
		}
		return;
	}
	for (id = 0; gr_set_next(s, &id); id++) {
		s->flat += shape[gr_shape(s->g, id)].flat;
		s->held += shape[gr_shape(s->g, id)].held;
	}
}

uint64_t gr_set_flat(const struct gr_set *s)
{
	if (!s->summed)
		sum((struct gr_set *)s);
	return s->flat;
}

uint64_t gr_set_held(const struct gr_set *s)
{
	if (!s->summed)
		sum((struct gr_set *)s);
	return s->held;
}
