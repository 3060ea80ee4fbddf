// SPDX-License-Identifier: Apache-2.0
// What a thread has found while the graph is built.
#include "notes_priv.h"

void gr_find_init(struct gr_find *f, struct hs_task *task)
{
	memset(f, 0, sizeof(*f));
	f->task = task;
	gr_shapes_init(&f->shapes, task);
	f->late_addr.item_size = sizeof(uint64_t);
	f->late_shape.item_size = sizeof(uint32_t);
}

void gr_find_deinit(struct gr_find *f)
{
	struct hs_budget *b;

	if (!f->task)
		return;
	b = f->task->budget;
	gr_shapes_deinit(&f->shapes);
	gr_vec_deinit(b, &f->late_addr);
	gr_vec_deinit(b, &f->late_shape);
	gr_notes_destroy(f->owners);
}

static void count(struct gr_find *f, struct gr_recent *r)
{
	if (r->n)
		gr_shapes_at(&f->shapes, r->shape)->count += r->n;
	r->n = 0;
}

struct hs_err *gr_find_slowly(struct gr_find *f, struct gr_recent *r,
			      const struct heapsh_object *o)
{
	const struct gr_shape what = {
		.type = o->type,
		.owner_type = GR_NONE,
		.flags = o->flags,
		.flat = o->flat,
		.held = o->held,
	};
	struct hs_err *err;
	uint32_t shape;

	err = gr_shapes_put(&f->shapes, &what, &shape);
	if (err)
		return err;
	count(f, r);
	*r = (struct gr_recent){ .flat = o->flat,
				 .held = o->held,
				 .type = o->type,
				 .flags = o->flags,
				 .shape = shape,
				 .used = true };
	return NULL;
}

void gr_find_count(struct gr_find *f)
{
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(f->recent); i++)
		count(f, &f->recent[i]);
}

struct hs_err *gr_find_late(struct gr_find *f, const struct heapsh_object *o)
{
	struct hs_err *err;
	uint32_t shape;

	err = gr_find_shape(f, o, &shape);
	if (err || f->totals)
		return err;
	err = gr_vec_push(f->task, &f->late_addr, &o->address);
	if (!err)
		err = gr_vec_push(f->task, &f->late_shape, &shape);
	return err;
}

struct hs_err *gr_find_owner(struct gr_find *f, uint64_t table, uint64_t owner)
{
	if (f->totals || (table | owner) & 7)	// those are no objects
		return NULL;
	if (!f->owners)
		f->owners = gr_notes_create(f->task);
	return gr_notes_put(f->owners, table, owner);
}

struct hs_err *gr_find_seal(struct gr_find *f)
{
	return f->owners ? gr_notes_seal(f->owners) : NULL;
}
