// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

enum { FIRST_SLOTS = 1024 };

void gr_shapes_init(struct gr_shapes *s, struct hs_task *task)
{
	memset(s, 0, sizeof(*s));
	s->task = task;
	s->all.item_size = sizeof(struct gr_shape);
}

void gr_shapes_deinit(struct gr_shapes *s)
{
	struct hs_budget *b = s->task ? s->task->budget : NULL;

	hs_big_free(b, s->slots, s->n_slots * sizeof(*s->slots));
	gr_vec_deinit(b, &s->all);
	s->slots = NULL;
	s->n_slots = 0;
}

static uint64_t hash(const struct gr_shape *w)
{
	uint64_t h = w->flat * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (w->held + ((uint64_t)w->type << 32 | w->flags)) *
	     UINT64_C(0xc2b2ae3d27d4eb4f);	// xxHash's second prime
	return gr_hash_u64(h ^ w->owner_type);
}

static bool same(const struct gr_shape *a, const struct gr_shape *b)
{
	return a->type == b->type && a->owner_type == b->owner_type &&
	       a->flags == b->flags && a->flat == b->flat &&
	       a->held == b->held;
}

/* Slot that holds the shape, or the free one where it belongs. */
static uint32_t *slot_of(const struct gr_shapes *s, const struct gr_shape *w)
{
	uint64_t mask = s->n_slots - 1, i = hash(w) & mask;

	while (s->slots[i] && !same(gr_shapes_at(s, s->slots[i] - 1), w))
		i = (i + 1) & mask;
	return &s->slots[i];
}

static struct hs_err *grow(struct gr_shapes *s)
{
	uint64_t n = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS, i;
	uint32_t *old = s->slots;
	struct hs_err *err;

	err = gr_alloc(s->task, n, sizeof(*s->slots), &s->slots);
	if (err)
		return err;
	hs_big_free(s->task->budget, old, s->n_slots * sizeof(*old));
	s->n_slots = n;
	for (i = 0; i < s->all.n; i++)
		*slot_of(s, gr_shapes_at(s, (uint32_t)i)) = (uint32_t)i + 1;
	return NULL;
}

struct hs_err *gr_shapes_put(struct gr_shapes *s, const struct gr_shape *what,
			     uint32_t *ret)
{
	struct hs_err *err = NULL;
	uint32_t *slot;

	if (s->all.n * 2 >= s->n_slots)
		err = grow(s);
	if (err)
		return err;
	slot = slot_of(s, what);
	if (!*slot) {
		// At most a shape an object, and those are below 2^31.
		if (s->all.n >= GR_ID)
			return hs_err_new(HS_ERR_UNSUPPORTED,
					  "note sizes: too many");
		err = gr_vec_push(s->task, &s->all, what);
		if (err)
			return err;
		gr_shapes_at(s, (uint32_t)s->all.n - 1)->count = 0;
		*slot = (uint32_t)s->all.n;
	}
	*ret = *slot - 1;
	return NULL;
}
