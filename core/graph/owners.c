// SPDX-License-Identifier: Apache-2.0
// Whose attribute table is this?
#include "notes_priv.h"

enum { OFTEN = 1 << 16 };	/* notes, until Ctrl-C is looked at */

/* What a shape becomes when its owner is of a type: the answers given last. */
struct renamed {
	uint32_t from, owner_type, to;
	bool used;
};
enum { RENAMED = 256 };

static struct hs_err *rename_shape(struct gr_graph *g, struct renamed *r,
				   uint32_t from, uint32_t owner_type)
{
	struct gr_shape what = *gr_shapes_at(&g->shapes, from);
	struct hs_err *err;
	uint32_t to;

	what.owner_type = owner_type;
	err = gr_shapes_put(&g->shapes, &what, &to);
	if (!err)
		*r = (struct renamed){ from, owner_type, to, true };
	return err;
}

/* The table is counted with its owner's type from now on. */
static struct hs_err *set_owner_type(struct gr_graph *g,
				     struct renamed *renamed, uint32_t table,
				     uint32_t owner_type)
{
	uint32_t from = gr_shape(g, table);
	struct renamed *r = &renamed[(from + owner_type * 31) % RENAMED];
	struct hs_err *err;

	if (!r->used || r->from != from || r->owner_type != owner_type) {
		err = rename_shape(g, r, from, owner_type);
		if (err)
			return err;
	}
	gr_shapes_at(&g->shapes, from)->count--;
	gr_shapes_at(&g->shapes, r->to)->count++;
	return gr_nodes_set(&g->nodes, table, r->to);
}

struct storing {
	struct gr_graph *g;
	struct hs_task *task;
	struct renamed renamed[RENAMED];
};

static struct hs_err *store(struct storing *s, uint32_t table, uint32_t owner)
{
	struct hs_err *err;

	if (owner == GR_NONE)
		return NULL;
	err = gr_owned_put(s->g->owned, s->task, table, owner);
	return err ? err :
		     set_owner_type(s->g, s->renamed, table,
				    gr_type(s->g, owner));
}

/* The owner with the lowest address is the owner, as in Heapy. */
static struct hs_err *store_all(struct storing *s, struct gr_drain *notes)
{
	const struct gr_index *x = &s->g->index;
	uint32_t table = GR_NONE, owner = GR_NONE, to, by;
	struct hs_err *err = NULL;
	struct gr_note note;
	uint64_t n = 0;

	while (!err && gr_drain_next(notes, &note)) {
		to = gr_index_id(x, note.key);
		by = gr_index_id(x, note.value);
		if (!(++n % OFTEN))
			err = hs_check_cancel(s->task);
		if (err || to == GR_NONE || by == GR_NONE)
			continue;
		if (to != table) {
			err = store(s, table, owner);
			owner = GR_NONE;
		}
		table = to;
		owner = by < owner ? by : owner;	// GR_NONE is the most
	}
	return err ? err : store(s, table, owner);
}

static struct hs_err *seal_all(struct gr_building *b,
			       struct gr_notes *notes[GR_MAX_THREADS])
{
	struct hs_err *err = NULL;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS && !err; t++) {
		err = gr_find_seal(&b->find[t]);
		notes[t] = b->find[t].owners;
	}
	return err;
}

struct hs_err *gr_owners(struct gr_building *b)
{
	struct storing s = { .g = b->g, .task = b->task };
	struct gr_notes *notes[GR_MAX_THREADS];
	struct gr_drain drain;
	struct hs_err *err;

	s.g->owned = gr_owned_create();
	err = seal_all(b, notes);
	if (!err)
		err = gr_drain_init(&drain, b->task, notes, GR_MAX_THREADS);
	if (err)
		return err;
	err = store_all(&s, &drain);
	gr_drain_deinit(&drain);
	gr_nodes_seal(&s.g->nodes);
	return err ? err : gr_owned_seal(s.g->owned, b->task);
}

uint32_t gr_owner(const struct gr_graph *g, uint32_t id)
{
	return gr_owned_find(g->owned, id);
}
