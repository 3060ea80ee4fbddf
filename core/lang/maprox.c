// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * SET.maprox.name, SET.maprox[key]: of every member that has it, as a set. A
 * heap is mostly objects that cannot have it, whatever is in them: what a type
 * says of that is asked once, and its objects are not.
 */

struct hs_err *lg_set_maprox(struct lg_session *s, struct lg_value *v,
			     int64_t arg, struct lg_value **ret)
{
	struct lg_value *all = lg_value_create(LG_MAPROX, v->in);

	(void)s;
	(void)arg;
	all->u.set.nodes = gr_set_ref(v->u.set.nodes);
	*ret = all;
	return NULL;
}

enum may { UNKNOWN, MAY, MAY_NOT };

/* What was found of each member; those that have it not are left out. */
struct mapped {
	struct hs_task *task;
	struct md_model *m;
	struct gr_set *set;
	const char *name;		/* or by key */
	const struct heapsh_key *key;
	uint8_t *may;			/* enum may, by type */
	uint32_t n_types;
	HS_VEC(uint32_t) ids;
};

static bool may_have(struct mapped *x, uint32_t id)
{
	uint32_t type = gr_type(gr_set_graph(x->set), id);

	if (type >= x->n_types)
		return true;
	if (x->may[type] == UNKNOWN)
		x->may[type] = md_type_may_have(x->m, type, x->name,
						x->name ? strlen(x->name) : 0) ?
				       MAY : MAY_NOT;
	return x->may[type] == MAY;
}

static void add_found(struct mapped *x, uint64_t addr)
{
	uint32_t id = addr ? gr_id(gr_set_graph(x->set), addr) : GR_NONE;

	if (id != GR_NONE)
		hs_vec_push(&x->ids, id);
}

static struct hs_err *map_block(struct mapped *x, const uint64_t *addr,
				uint32_t n)
{
	uint64_t found[GR_BLOCK];

	if (x->name)
		md_attrs(x->m, addr, n, x->name, strlen(x->name), found);
	else
		md_items(x->m, addr, n, x->key, found);
	for (uint32_t i = 0; i < n; i++)
		add_found(x, found[i]);
	return hs_check_cancel(x->task);
}

static struct hs_err *map_members(struct mapped *x)
{
	const struct gr_graph *g = gr_set_graph(x->set);
	uint64_t addr[GR_BLOCK];
	struct hs_err *err = NULL;
	uint32_t id = 0, n = 0, seen = 0;

	hs_progress(x->task, "asking each object", "objects",
		    gr_set_count(x->set));
	for (; !err && gr_set_next(x->set, &id); id++) {
		if (may_have(x, id))
			addr[n++] = gr_addr(g, id);
		if (n == GR_BLOCK) {
			err = map_block(x, addr, n);
			n = 0;
		}
		if (!(++seen % GR_BLOCK))
			hs_progress_add(x->task, GR_BLOCK);
		if (!err && !(seen & 0xffff))
			err = hs_check_cancel(x->task);
	}
	if (!err)
		err = map_block(x, addr, n);
	hs_progress_end(x->task);
	return err;
}

static struct hs_err *map_all(struct lg_session *s, struct lg_value *v,
			      const char *name, const struct heapsh_key *key,
			      struct lg_value **ret)
{
	struct mapped x = { .task = s->task, .name = name, .key = key,
			    .m = lg_instant_model(v->in, s->task),
			    .set = v->u.set.nodes };
	struct gr_set *found;
	struct hs_err *err = lg_check_bytes(v->in);

	if (err)
		return err;
	x.n_types = md_n_types(x.m);
	x.may = hs_xcalloc(x.n_types + 1, sizeof(*x.may));
	err = map_members(&x);
	if (!err)
		err = gr_set_of(gr_set_graph(x.set), x.ids.v, x.ids.n, &found);
	if (!err) {
		*ret = lg_set(v->in, found, AN_BY_CLODO);
		gr_set_unref(found);
	}
	hs_vec_deinit(&x.ids);
	free(x.may);
	return err;
}

struct hs_err *lg_maprox_attr(struct lg_session *s, struct lg_value *v,
			      const char *name, struct lg_value **ret)
{
	return map_all(s, v, name, NULL, ret);
}

/* One member alone: what its [key] would say, if it can have none. */
static struct hs_err *check_one(struct lg_session *s, struct lg_value *v,
				struct lg_value *key)
{
	LG_GUARD object = NULL;
	LG_GUARD one = NULL;
	struct hs_err *err;
	uint32_t id = 0;

	if (gr_set_count(v->u.set.nodes) != 1 ||
	    !gr_set_next(v->u.set.nodes, &id))
		return NULL;
	object = lg_object(v->in, gr_addr(gr_set_graph(v->u.set.nodes), id));
	err = lg_object_item(s, object, key, &one);
	if (!err || err->code != HS_ERR_NAME)
		return err;
	hs_err_free(err);
	return NULL;
}

struct hs_err *lg_maprox_item(struct lg_session *s, struct lg_value *v,
			      struct lg_value *key, struct lg_value **ret)
{
	struct hs_arena arena = { 0 };
	struct heapsh_key k;
	struct hs_err *err = lg_key_of(v->in, key, &arena, &k);

	if (!err)
		err = check_one(s, v, key);
	if (!err)
		err = map_all(s, v, NULL, &k, ret);
	hs_arena_deinit(&arena);
	return err;
}
