// SPDX-License-Identifier: Apache-2.0
// Whose attribute table is this? Two or three bytes each.
#include "notes_priv.h"

struct gr_owned *gr_owned_create(void)
{
	struct gr_owned *o = hs_xalloc(sizeof(*o));

	o->groups.item_size = sizeof(struct gr_owned_group);
	o->bytes.item_size = 1;
	return o;
}

void gr_owned_destroy(struct gr_owned *o, struct hs_budget *b)
{
	if (!o)
		return;
	gr_vec_deinit(b, &o->groups);
	gr_vec_deinit(b, &o->bytes);
	free(o);
}

static struct hs_err *put_group(struct gr_owned *o, struct hs_task *task,
				uint32_t table, uint32_t owner)
{
	const struct gr_owned_group g = { o->bytes.n, table, owner };

	return gr_vec_push(task, &o->groups, &g);
}

static struct hs_err *put_bytes(struct gr_owned *o, struct hs_task *task,
				uint32_t table, uint32_t owner)
{
	struct hs_err *err;
	uint8_t *v;

	err = gr_vec_reserve(task, &o->bytes,
			     o->bytes.n + 2 * GR_VARINT_MAX);
	if (err)
		return err;
	v = o->bytes.v;
	o->bytes.n += gr_varint_put(v + o->bytes.n, table - o->table);
	o->bytes.n += gr_varint_put(v + o->bytes.n,
				    gr_zigzag(o->owner, owner));
	return NULL;
}

struct hs_err *gr_owned_put(struct gr_owned *o, struct hs_task *task,
			    uint32_t table, uint32_t owner)
{
	struct hs_err *err;

	err = o->n % GR_OWNED_GROUP ? put_bytes(o, task, table, owner) :
				      put_group(o, task, table, owner);
	if (err)
		return err;
	o->table = table;
	o->owner = owner;
	o->n++;
	return NULL;
}

static struct hs_err *shrink(struct gr_vec *v, struct hs_task *task)
{
	struct hs_err *err;

	if (v->n == v->cap)
		return NULL;
	err = hs_big_resize(task, v->v, v->cap * v->item_size,
			    v->n * v->item_size, &v->v);
	if (!err)
		v->cap = v->n;
	return err;
}

struct hs_err *gr_owned_seal(struct gr_owned *o, struct hs_task *task)
{
	struct hs_err *err = shrink(&o->groups, task);

	return err ? err : shrink(&o->bytes, task);
}

/* The last group that begins at table or below it; NULL: none does. */
static const struct gr_owned_group *group_of(const struct gr_owned *o,
					     uint32_t table)
{
	const struct gr_owned_group *g = o->groups.v;
	uint64_t lo = 0, hi = o->groups.n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (g[mid].table <= table)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &g[lo - 1] : NULL;
}

uint32_t gr_owned_find(const struct gr_owned *o, uint32_t table)
{
	const struct gr_owned_group *g = group_of(o, table), *last;
	const uint8_t *p, *end;
	uint32_t at, owner;

	if (!g || g->table == table || !o->bytes.n)
		return g && g->table == table ? g->owner : GR_NONE;
	last = (struct gr_owned_group *)o->groups.v + o->groups.n - 1;
	p = (const uint8_t *)o->bytes.v + g->at;
	end = (const uint8_t *)o->bytes.v + (g == last ? o->bytes.n : g[1].at);
	at = g->table;
	owner = g->owner;
	while (at < table && p < end) {
		at += (uint32_t)gr_varint_get(&p);
		owner = (uint32_t)gr_unzigzag(owner, gr_varint_get(&p));
	}
	return at == table ? owner : GR_NONE;
}
