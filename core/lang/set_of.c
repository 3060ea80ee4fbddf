// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * What stands beside a set operator, as nodes: of a set its own, of a class
 * its kind, of any other object itself, of a list the union.
 */

/* "Account" is also every type whose name ends in ".Account". */
static bool is_type_named(const char *type, const char *name, bool is_short)
{
	const char *dot = is_short ? strrchr(type, '.') : NULL;

	return !strcmp(dot ? dot + 1 : type, name);
}

static bool mark(struct md_model *m, const char *name, bool is_short,
		 bool *types, uint64_t *one)
{
	bool any = false;

	for (uint32_t i = 0; i < md_n_types(m); i++) {
		if (!is_type_named(md_type(m, i)->name, name, is_short))
			continue;
		types[i] = any = true;
		*one = i;
	}
	return any;
}

struct hs_err *lg_types_named(struct md_model *m, const char *name, bool *types,
			      uint64_t *one)
{
	struct lg_near near = { 0 };

	if (mark(m, name, false, types, one) || mark(m, name, true, types, one))
		return NULL;
	for (uint32_t i = 0; i < md_n_types(m); i++) {
		const char *type = md_type(m, i)->name;
		const char *dot = strrchr(type, '.');

		lg_near_add(&near, type, strlen(type));
		if (dot)
			lg_near_add(&near, dot + 1, strlen(dot + 1));
	}
	return lg_near_remedy(hs_err_new(HS_ERR_NAME,
					 "no object of the heap is of a "
					 "type '%s'",
					 name),
			      &near, name);
}

const char *lg_table_word(struct md_model *m)
{
	for (uint32_t i = 0; i < md_n_types(m); i++)
		if (md_type(m, i)->flags & HEAPSH_TYPE_TABLE)
			return md_type(m, i)->name;
	return "table";
}

struct of_types {
	const struct gr_graph *g;
	const bool *types;
	uint32_t n;
};

static bool is_of_types(void *arg, uint32_t id)
{
	const struct of_types *t = arg;
	uint32_t type = gr_type(t->g, id);

	return type < t->n && t->types[type];
}

struct hs_err *lg_set_of_name(struct lg_session *s, struct lg_instant *in,
			      const char *name, struct gr_set **ret)
{
	struct of_types t = { 0 };
	HS_FREE bool *types = NULL;
	struct gr_set *all;
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);
	uint64_t one;

	if (err)
		return err;
	t.g = g;
	t.n = md_n_types(in->model);
	t.types = types = hs_xcalloc((size_t)t.n + 1, sizeof(*types));
	err = lg_types_named(in->model, name, types, &one);
	if (!err)
		err = gr_set_all(g, &all);
	if (err)
		return err;
	err = gr_set_filter(all, s->task, is_of_types, &t, ret);
	gr_set_unref(all);
	return err;
}

/* Objects of the class; none when the sweep has met none. */
static struct hs_err *kind_of(struct lg_session *s, struct gr_graph *g,
			      uint32_t type, struct gr_set **ret)
{
	struct gr_set *all;
	struct hs_err *err;

	if (type == UINT32_MAX)
		return gr_set_of(g, NULL, 0, ret);
	err = gr_set_all(g, &all);
	if (err)
		return err;
	err = an_of_type(all, type, s->task, ret);
	gr_set_unref(all);
	return err;
}

/* In the object's own instant. The sweep comes first: it makes the types. */
static struct hs_err *of_object(struct lg_session *s, struct lg_value *v,
				struct gr_set **ret)
{
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(v->in, s->task, &g);
	uint32_t type, id;

	if (err)
		return err;
	if (lg_is_class(s, v, &type))
		return kind_of(s, g, type, ret);
	id = gr_id(g, v->u.addr);
	if (id == GR_NONE) {
		HS_FREE char *words = lg_object_words(s, v);

		return hs_err_new(HS_ERR_NAME, "%s was not found in the heap",
				  words);
	}
	return gr_set_of(g, &id, 1, ret);
}

static struct hs_err *of_list(struct lg_session *s, struct lg_instant *in,
			      struct lg_value *v, struct gr_set **ret,
			      bool *all)
{
	struct gr_set *sum, *one, *both;
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);

	if (!err)
		err = gr_set_of(g, NULL, 0, &sum);
	if (err)
		return err;
	for (size_t i = 0; !err && i < v->u.list.n; i++) {
		bool every;

		err = lg_to_set_in(s, in, v->u.list.v[i], &one, &every);
		if (err)
			break;
		*all = *all && every;
		err = gr_set_op(GR_OR, sum, one, &both);
		gr_set_unref(one);
		if (err)
			break;
		gr_set_unref(sum);
		sum = both;
	}
	if (err)
		gr_set_unref(sum);
	else
		*ret = sum;
	return err;
}

/* A class beside a set of another instant: its kind as it is there. */
static struct hs_err *kind_elsewhere(struct lg_session *s,
				     struct lg_instant *in,
				     const struct lg_value *v, uint32_t type,
				     struct gr_set **ret)
{
	const char *name = md_type(v->in->model, type)->name;
	struct gr_graph *g;
	struct hs_err *err = lg_instant_graph(in, s->task, &g);
	uint32_t there;

	if (err)
		return err;
	there = md_type_by_address(in->model, v->u.addr);
	if (there != UINT32_MAX &&
	    strcmp(md_type(in->model, there)->name, name))
		there = UINT32_MAX;
	return kind_of(s, g, there, ret);
}

/* A set or object of another instant. */
static struct hs_err *from_elsewhere(struct lg_session *s,
				     struct lg_instant *in, struct lg_value *v,
				     struct gr_set **ret, bool *all)
{
	struct gr_set *nodes;
	struct lg_value *set;
	struct hs_err *err;
	uint32_t type;

	if (v->kind == LG_SET)
		return lg_across(s, in, v, ret, all);
	if (lg_is_class(s, v, &type) && type != UINT32_MAX)
		return kind_elsewhere(s, in, v, type, ret);
	err = of_object(s, v, &nodes);
	if (err)
		return err;
	set = lg_set(v->in, nodes, AN_BY_CLODO);
	gr_set_unref(nodes);
	err = lg_across(s, in, set, ret, all);
	lg_unref(set);
	return err;
}

struct hs_err *lg_to_set_in(struct lg_session *s, struct lg_instant *in,
			    struct lg_value *v, struct gr_set **ret, bool *all)
{
	*all = true;
	if (v->kind == LG_LIST) // at most LG_MAX_LIST_DEPTH levels
		return of_list(s, in, v, ret, all);
	if (v->kind == LG_TEXT)
		return lg_set_of_name(s, in, v->u.text.s, ret);
	if (v->kind == LG_RELATION || v->kind == LG_KINDS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE,
				   "a relation is not a set: it makes kinds"),
			"Type(CLASS), Size(56); a class of the program's own "
			"that is called so: @NAME");
	if (v->kind != LG_SET && v->kind != LG_OBJECT)
		return hs_err_new(HS_ERR_USAGE, "%s is not a set",
				  lg_kind_words(v));
	if (v->in != in)
		return from_elsewhere(s, in, v, ret, all);
	if (v->kind == LG_OBJECT)
		return of_object(s, v, ret);
	*ret = gr_set_ref(v->u.set.nodes);
	return NULL;
}

struct hs_err *lg_to_set(struct lg_session *s, struct lg_value *v,
			 struct gr_set **ret)
{
	struct lg_instant *in = v->in;
	struct hs_err *err = NULL;
	bool all;

	if (!in)
		err = lg_current(s, &in);
	return err ? err : lg_to_set_in(s, in, v, ret, &all);
}
