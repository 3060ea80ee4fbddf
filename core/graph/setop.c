// SPDX-License-Identifier: Apache-2.0
// Sets: one from two, and along edges.
#include "graph_priv.h"

static uint64_t combine(enum gr_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case GR_AND:
		return a & b;
	case GR_OR:
		return a | b;
	case GR_SUB:
		return a & ~b;
	case GR_XOR:
		return a ^ b;
	}
	return 0;
}

static struct hs_err *bits_of(const struct gr_set *s, uint64_t **ret)
{
	size_t words = hs_bits_words(s->g->n);
	struct hs_err *err;
	uint64_t *bits;
	uint32_t i;

	err = gr_alloc(&s->g->task, words, sizeof(*bits), &bits);
	if (err)
		return err;
	if (s->kind == GR_BITS)
		memcpy(bits, s->bits, words * sizeof(*bits));
	for (i = 0; s->kind == GR_LIST && i < s->n; i++)
		hs_bit_set(bits, s->list[i]);
	if (s->kind == GR_ALL && words) {
		memset(bits, 0xff, words * sizeof(*bits));
		if (s->n & 63)
			bits[words - 1] = (UINT64_C(1) << (s->n & 63)) - 1;
	}
	*ret = bits;
	return NULL;
}

static struct hs_err *op_bits(enum gr_op op, const struct gr_set *a,
			      const struct gr_set *b, struct gr_set **ret)
{
	uint64_t *x, *y;
	struct hs_err *err;
	size_t i;

	err = bits_of(a, &x);
	if (err)
		return err;
	err = bits_of(b, &y);
	if (err) {
		hs_big_free(a->g->task.budget, x, gr_bitmap_bytes(a->g->n));
		return err;
	}
	for (i = 0; i < hs_bits_words(a->g->n); i++)
		x[i] = combine(op, x[i], y[i]);
	hs_big_free(a->g->task.budget, y, gr_bitmap_bytes(a->g->n));
	return gr_set_from_bits(a->g, x, ret);
}

/* a & b, or a - b: what remains of the list a. */
static struct hs_err *op_list(enum gr_op op, const struct gr_set *a,
			      const struct gr_set *b, struct gr_set **ret)
{
	HS_FREE uint32_t *ids = hs_xcalloc((size_t)a->n + 1, sizeof(*ids));
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < a->n; i++)
		if (gr_set_has(b, a->list[i]) == (op == GR_AND))
			ids[n++] = a->list[i];
	return gr_set_of(a->g, ids, n, ret);
}

/* Both are lists: merge, keeping those whose membership op wants. */
static struct hs_err *op_merge(enum gr_op op, const struct gr_set *a,
			       const struct gr_set *b, struct gr_set **ret)
{
	HS_FREE uint32_t *ids = hs_xcalloc((size_t)a->n + b->n + 1,
					   sizeof(*ids));
	uint32_t i = 0, j = 0, id;
	size_t n = 0;

	while (i < a->n || j < b->n) {
		bool in_a = j == b->n || (i < a->n && a->list[i] <= b->list[j]);
		bool in_b = i == a->n || (j < b->n && b->list[j] <= a->list[i]);

		id = in_a ? a->list[i] : b->list[j];
		i += in_a;
		j += in_b;
		if (combine(op, in_a, in_b) & 1)
			ids[n++] = id;
	}
	return gr_set_of(a->g, ids, n, ret);
}

struct hs_err *gr_set_op(enum gr_op op, struct gr_set *a, struct gr_set *b,
			 struct gr_set **ret)
{
	if (a->g != b->g)
		return hs_err_new(HS_ERR_USAGE, "combine two sets: they are of "
						"different instants");
	if (a->kind == GR_LIST && b->kind == GR_LIST)
		return op_merge(op, a, b, ret);
	if (a->kind == GR_LIST && (op == GR_AND || op == GR_SUB))
		return op_list(op, a, b, ret);
	if (b->kind == GR_LIST && op == GR_AND)
		return op_list(op, b, a, ret);
	return op_bits(op, a, b, ret);
}

bool gr_set_equal(const struct gr_set *a, const struct gr_set *b)
{
	return a->g == b->g && a->n == b->n && gr_set_subset(a, b);
}

bool gr_set_subset(const struct gr_set *a, const struct gr_set *b)
{
	size_t i;
	uint32_t id;

	if (a->g != b->g || a->n > b->n)
		return false;
	if (a == b || b->kind == GR_ALL)
		return true;
	if (a->kind == GR_BITS && b->kind == GR_BITS) {
		for (i = 0; i < hs_bits_words(a->g->n); i++)
			if (a->bits[i] & ~b->bits[i])
				return false;
		return true;
	}
	for (id = 0; gr_set_next(a, &id); id++)
		if (!gr_set_has(b, id))
			return false;
	return true;
}

typedef size_t row_fn(const struct gr_graph *g, uint32_t id,
		      const uint32_t **ret);

static struct hs_err *along(struct gr_set *s, struct hs_task *task,
			    row_fn *row, struct gr_set **ret)
{
	struct gr_graph *g = s->g;
	const uint32_t *ids;
	struct hs_err *err;
	uint32_t id, seen = 0;
	uint64_t *bits;
	size_t n, i;

	err = gr_need_rows(g, task);
	if (!err)
		err = gr_alloc(&g->task, hs_bits_words(g->n), 8, &bits);
	if (err)
		return err;
	for (id = 0; !err && gr_set_next(s, &id); id++) {
		n = row(g, id, &ids);
		for (i = 0; i < n; i++)
			hs_bit_set(bits, ids[i] & GR_ID);
		if (!(seen++ & 0xffff))
			err = hs_check_cancel(task);
	}
	if (!err)
		return gr_set_from_bits(g, bits, ret);
	hs_big_free(g->task.budget, bits, gr_bitmap_bytes(g->n));
	return err;
}

struct hs_err *gr_set_referents(struct gr_set *s, struct hs_task *task,
				struct gr_set **ret)
{
	return along(s, task, gr_out, ret);
}

struct hs_err *gr_set_referrers(struct gr_set *s, struct hs_task *task,
				struct gr_set **ret)
{
	return along(s, task, gr_in, ret);
}
