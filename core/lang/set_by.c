// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <ctype.h>
#include <strings.h>

/* Relations of sets: by(…), their own, and the kinds of what is in them. */

struct hs_err *lg_set_by(struct lg_session *s, struct lg_value *v,
			 const struct lg_args *args, struct lg_value **ret)
{
	enum an_relation by;
	struct hs_err *err = NULL;

	if (args->n == 1 && args->v[0]->kind == LG_KINDS)
		return lg_findex_rows(s, v, args->v[0], ret);
	if (args->n != 1 ||
	    (args->v[0]->kind != LG_RELATION && args->v[0]->kind != LG_TEXT))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"by takes a relation"),
				     "by('Clodo&Size'), by(Type & Rcs)");
	if (args->v[0]->kind == LG_RELATION)
		by = args->v[0]->u.by;
	else
		err = an_by_named(args->v[0]->u.text.s, &by);
	if (!err)
		*ret = lg_set(v->in, v->u.set.nodes, by);
	return err;
}

struct hs_err *lg_set_er(struct lg_session *s, struct lg_value *v, int64_t arg,
			 struct lg_value **ret)
{
	(void)s;
	(void)arg;
	*ret = v->u.set.parts->er ? lg_ref(v->u.set.parts->er)
				  : lg_relation(v->u.set.by);
	return NULL;
}

/* Which rows of whole p has, too: by their keys, where those are of the heap
 * (two classes may have one name), else by what they are called. */
static void mark_same(const struct an_partition *p,
		      const struct an_partition *whole, bool *wanted)
{
	bool by_key = p->by < AN_BY_MODULE;
	struct hs_strmap names = { 0 };
	struct hs_map keys = { 0 };

	for (size_t i = 0; i < p->n_rows; i++) {
		HS_FREE char *name = by_key ? NULL : an_row_words(p, i);

		if (by_key)
			hs_map_put(&keys, an_row_at(p, i).key, i);
		else
			hs_strmap_put(&names, name, i);
	}
	for (size_t i = 0; i < whole->n_rows; i++) {
		HS_FREE char *name = by_key ? NULL : an_row_words(whole, i);

		wanted[i] = by_key ? hs_map_get(&keys,
						an_row_at(whole, i).key) !=
					     NULL
				   : hs_strmap_get(&names, name) != NULL;
	}
	hs_strmap_deinit(&names);
	hs_map_deinit(&keys);
}

/* Rows of the whole heap that the set has, too. */
static struct hs_err *same_rows(struct lg_session *s,
				const struct an_partition *p,
				struct gr_set **ret)
{
	HS_FREE bool *wanted = NULL;
	struct an_partition *whole;
	struct gr_set *all;
	struct hs_err *err = gr_set_all(gr_set_graph(p->set), &all);

	if (err)
		return err;
	err = an_partition(all, p->by, s->task, &whole);
	gr_set_unref(all);
	if (err)
		return err;
	wanted = hs_xcalloc(whole->n_rows + 1, sizeof(*wanted));
	mark_same(p, whole, wanted);
	err = an_rows_pick(whole, wanted, s->task, ret);
	an_partition_destroy(whole);
	return err;
}

enum { KIND_WORDS = 10 }; /* names of a kind that are printed */

struct hs_err *lg_set_kind(struct lg_session *s, struct lg_value *v,
			   int64_t arg, struct lg_value **ret)
{
	struct gr_set *set = v->u.set.nodes, *nodes;
	struct lg_kind_value *k;
	struct an_partition *p;
	HS_TEXT words = { 0 };
	struct hs_err *err;

	(void)arg;
	err = lg_set_parts(s, v, &p);
	if (!err)
		err = lg_add_kinds(s, set, KIND_WORDS, &words);
	if (err)
		return err;
	if (v->u.set.by == AN_BY_ID) {
		nodes = gr_set_ref(set);
	} else {
		err = same_rows(s, p, &nodes);
		if (err)
			return err;
	}
	k = lg_kind_create(v->u.set.by, UINT32_MAX, hs_text_take(&words));
	if ((k->by == AN_BY_CLODO || k->by == AN_BY_TYPE) && p->n_rows == 1) {
		k->key = p->rows[0].key >> 32;
		if ((uint32_t)p->rows[0].key == UINT32_MAX)
			k->by = AN_BY_TYPE;
	}
	k->as_words = true;
	*ret = lg_kind_set(v->in, nodes, k);
	gr_set_unref(nodes);
	return NULL;
}

/* --- relations of relations ----------------------------------------------- */

struct hs_err *lg_relation_refdby(struct lg_session *s, struct lg_value *v,
				  int64_t arg, struct lg_value **ret)
{
	(void)s;
	(void)arg;
	if (v->u.by != AN_BY_CLODO && v->u.by != AN_BY_TYPE)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"refdby is of Clodo and Type"),
				     "by(Type.refdby)");
	*ret = lg_relation(v->u.by == AN_BY_CLODO ? AN_BY_RCS : AN_BY_RCS_TYPE);
	return NULL;
}

struct hs_err *lg_relation_dictof(struct lg_session *s, struct lg_value *v,
				  int64_t arg, struct lg_value **ret)
{
	(void)s;
	(void)arg;
	if (v->u.by != AN_BY_CLODO && v->u.by != AN_BY_TYPE)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"dictof is of Clodo and Type"),
				     "by(Clodo.dictof)");
	*ret = lg_relation(AN_BY_DICTOF);
	return NULL;
}

/* "GetSetDescriptor" is getset_descriptor, "None" is NoneType. */
static bool is_short_name(const char *type, const char *name)
{
	for (; *name; name++) {
		type += *type == '_' || *type == '-';
		if (!*type || tolower((unsigned char)*type++) !=
				      tolower((unsigned char)*name))
			return false;
	}
	return !*type || !strcasecmp(type, "type");
}

struct hs_err *lg_relation_named_type(struct lg_session *s, struct lg_value *v,
				      const char *name, struct lg_value **ret)
{
	struct lg_instant *in;
	struct gr_graph *g;
	LG_GUARD text = NULL;
	struct hs_err *err;

	if (v->u.by != AN_BY_CLODO && v->u.by != AN_BY_TYPE)
		return NULL;
	err = lg_current(s, &in);
	if (!err) // the sweep makes the types
		err = lg_instant_graph(in, s->task, &g);
	for (uint32_t i = 0; !err && !text && i < md_n_types(in->model); i++) {
		const char *type = md_type(in->model, i)->name;

		if (is_short_name(type, name))
			text = lg_text(type, strlen(type));
	}
	return text ? lg_type_kind(s, in, v->u.by, text, false, ret) : err;
}

const struct lg_method lg_relation_methods[] = {
	{ { "sokind", "a set of kinds: .refdby is what exactly these refer "
		      "to" },
	  lg_relation_sokind,
	  "Clodo.sokind(list)(tuple).refdby" },
	{ { NULL, NULL }, NULL, NULL },
};

const struct lg_attr lg_relation_attrs[] = {
	{ { "refdby", "by what refers to the objects" },
	  lg_relation_refdby,
	  0 },
	{ { "dictof", "by whose attribute table they are" },
	  lg_relation_dictof,
	  0 },
	{ { NULL, NULL }, NULL, 0 },
};
