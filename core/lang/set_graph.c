// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Attributes of a set that follow edges, or ask each of its members. */

typedef struct hs_err *set_fn(struct gr_set *s, struct hs_task *task,
			      struct gr_set **ret);

/* With rows where they are there, or can be made. */
static struct hs_err *answer(struct lg_session *s, struct lg_value *v,
			     set_fn *fn, struct lg_value **ret)
{
	struct gr_set *nodes;
	struct hs_err *err;

	md_set_task(v->in->model, s->task);
	err = lg_check_rows(v->in, gr_set_graph(v->u.set.nodes), AN_BY_RCS);
	if (!err)
		err = fn(v->u.set.nodes, s->task, &nodes);
	if (err)
		return err;
	*ret = lg_set(v->in, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	return NULL;
}

struct hs_err *lg_set_imdom(struct lg_session *s, struct lg_value *v,
			    int64_t arg, struct lg_value **ret)
{
	(void)arg;
	return answer(s, v, an_imdom, ret);
}

struct hs_err *lg_set_dominos(struct lg_session *s, struct lg_value *v,
			      int64_t arg, struct lg_value **ret)
{
	(void)arg;
	return answer(s, v, an_dominos, ret);
}

struct hs_err *lg_set_domisize(struct lg_session *s, struct lg_value *v,
			       int64_t arg, struct lg_value **ret)
{
	LG_GUARD freed = NULL;
	struct hs_err *err = lg_set_dominos(s, v, arg, &freed);

	if (!err)
		*ret = lg_bytes(gr_set_held(freed->u.set.nodes));
	return err;
}

/* --- tables and their owners ---------------------------------------------- */

static struct hs_err *owners_of(struct gr_set *set, struct hs_task *task,
				struct gr_set **ret)
{
	struct gr_graph *g = gr_set_graph(set);
	HS_VEC(uint32_t) ids = { 0 };
	struct hs_err *err = NULL;
	uint32_t id, owner, seen = 0;

	for (id = 0; !err && gr_set_next(set, &id); id++) {
		owner = gr_owner_type(g, id) == GR_NONE ? GR_NONE
							: gr_owner(g, id);
		if (owner != GR_NONE)
			hs_vec_push(&ids, owner);
		if (!(seen++ & 0xffff))
			err = hs_check_cancel(task);
	}
	if (!err)
		err = gr_set_of(g, ids.v, ids.n, ret);
	hs_vec_deinit(&ids);
	return err;
}

struct hs_err *lg_set_owners(struct lg_session *s, struct lg_value *v,
			     int64_t arg, struct lg_value **ret)
{
	(void)arg;
	return answer(s, v, owners_of, ret);
}

struct tables {
	const struct gr_graph *g;
	const struct gr_set *owners;
};

static bool is_table_of(void *arg, uint32_t id)
{
	const struct tables *t = arg;

	return gr_owner_type(t->g, id) != GR_NONE &&
	       gr_set_has(t->owners, gr_owner(t->g, id));
}

static struct hs_err *tables_of(struct gr_set *set, struct hs_task *task,
				struct gr_set **ret)
{
	struct tables t = { gr_set_graph(set), set };
	struct gr_set *all;
	struct hs_err *err = gr_set_all(gr_set_graph(set), &all);

	if (err)
		return err;
	err = gr_set_filter(all, task, is_table_of, &t, ret);
	gr_set_unref(all);
	return err;
}

struct hs_err *lg_set_dictof(struct lg_session *s, struct lg_value *v,
			     int64_t arg, struct lg_value **ret)
{
	(void)arg;
	return answer(s, v, tables_of, ret);
}

/* --- two sets ------------------------------------------------------------- */

static struct hs_err *one_set(struct lg_session *s, struct lg_value *v,
			      const struct lg_args *args, const char *what,
			      struct gr_set **ret)
{
	bool all;

	if (args->n != 1)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s takes one set", what),
				     "SET.%s(SET)", what);
	return lg_to_set_in(s, v->in, args->v[0], ret, &all);
}

struct hs_err *lg_set_disjoint(struct lg_session *s, struct lg_value *v,
			       const struct lg_args *args,
			       struct lg_value **ret)
{
	struct gr_set *other, *both;
	struct hs_err *err = one_set(s, v, args, "disjoint", &other);

	if (err)
		return err;
	err = gr_set_op(GR_AND, v->u.set.nodes, other, &both);
	gr_set_unref(other);
	if (err)
		return err;
	*ret = lg_bool(!gr_set_count(both));
	gr_set_unref(both);
	return NULL;
}

struct hs_err *lg_set_contains(struct lg_session *s, struct lg_value *v,
			       const struct lg_args *args,
			       struct lg_value **ret)
{
	struct gr_set *other;
	struct hs_err *err = one_set(s, v, args, "test_contains", &other);

	if (err)
		return err;
	*ret = lg_bool(gr_set_subset(other, v->u.set.nodes));
	gr_set_unref(other);
	return NULL;
}
