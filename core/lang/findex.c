// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Lists of kinds with a meaning, as Heapy's:
 *
 *	findex(A, B)		a relation: number of the first of these that an
 *				object is in; SET.biper is findex(SET)
 *	findex(A, B)(1)		those of which that number is 1
 *	Clodo.sokind(A)(B)	a set of kinds, of which .refdby is what is
 *				referred to by exactly these: Rcs(A, B)
 */

enum { MAX_KINDS = 64 };

static struct lg_value *kinds_create(bool is_sokind, enum an_relation by,
				     struct lg_value *const *v, size_t n)
{
	LG_GUARD list = lg_list(v, n);
	struct lg_value *kinds = lg_value_create(LG_KINDS, list->in);

	kinds->u.kinds.is_sokind = is_sokind;
	kinds->u.kinds.by = by;
	kinds->u.kinds.list = hs_take(list);
	return kinds;
}

struct lg_value *lg_findex(struct lg_value *const *v, size_t n)
{
	return kinds_create(false, AN_BY_FINDEX, v, n);
}

static const struct lg_value *list_of(const struct lg_value *v)
{
	return v->u.kinds.list;
}

static char *brief_of(struct lg_session *s, struct lg_value *v)
{
	LG_GUARD brief = NULL;
	struct hs_err *err = lg_set_brief(s, v, 0, &brief);

	hs_err_free(err);
	return hs_xstrdup(err ? "<a set>" : lg_as_text(brief, NULL));
}

/* "dict of module", "<2 int: 1, 2>": what a row of it is called. */
static char *words_of(struct lg_session *s, struct lg_value *v)
{
	uint32_t type;

	if (v->kind == LG_SET && v->u.set.kind)
		return hs_xstrdup(v->u.set.kind->words);
	if (v->kind == LG_SET)
		return brief_of(s, v);
	if (v->kind == LG_TEXT)
		return hs_xstrdup(v->u.text.s);
	if (v->kind == LG_OBJECT && lg_is_class(s, v, &type) &&
	    type != UINT32_MAX)
		return hs_xstrdup(md_type(v->in->model, type)->name);
	return v->kind == LG_OBJECT ? lg_object_words(s, v)
				    : hs_xstrdup(lg_kind_words(v));
}

/* --- the kinds as nodes of one instant ------------------------------------ */

struct nodes {
	struct lg_instant *in;
	struct gr_set *set[MAX_KINDS];
	char *words[MAX_KINDS];
	size_t n;
};

static void nodes_deinit(struct nodes *x)
{
	while (x->n--) {
		gr_set_unref(x->set[x->n]);
		free(x->words[x->n]);
	}
}

static struct hs_err *nodes_of(struct lg_session *s, struct lg_instant *in,
			       const struct lg_value *v, struct nodes *ret)
{
	const struct lg_value *list = list_of(v);
	struct hs_err *err = NULL;
	bool all;

	*ret = (struct nodes){ .in = in };
	for (size_t i = 0; !err && i < list->u.list.n && i < MAX_KINDS; i++) {
		err = lg_to_set_in(s, in, list->u.list.v[i], &ret->set[i],
				   &all);
		if (err)
			break;
		ret->words[i] = words_of(s, list->u.list.v[i]);
		ret->n++;
	}
	if (err)
		nodes_deinit(ret);
	return err;
}

struct hs_err *lg_findex_rows(struct lg_session *s, struct lg_value *set,
			      struct lg_value *v, struct lg_value **ret)
{
	struct an_partition *p;
	struct lg_value *rows;
	struct nodes x;
	struct hs_err *err;

	if (v->u.kinds.is_sokind || !list_of(v)->u.list.n)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"by takes a relation"),
				     "by(findex(list, dict)), by(SET.biper), "
				     "by(Clodo.refdby)");
	err = nodes_of(s, set->in, v, &x);
	if (err)
		return err;
	err = an_partition_by_index(set->u.set.nodes, x.set, x.words, x.n,
				    s->task, &p);
	nodes_deinit(&x);
	if (err)
		return err;
	rows = lg_set(set->in, set->u.set.nodes, AN_BY_CLODO);
	rows->u.set.by = AN_BY_FINDEX;
	rows->u.set.parts->p = p;
	rows->u.set.parts->er = lg_ref(v);
	*ret = rows;
	return NULL;
}

/* --- findex(A, B)(1) ------------------------------------------------------ */

/* Those in set i and none before; i past the last: those in none. */
static struct hs_err *members(const struct nodes *x, uint64_t i,
			      struct gr_set **ret)
{
	struct gr_set *left, *next;
	struct gr_graph *g = gr_set_graph(x->set[0]);
	struct hs_err *err = i < x->n ? NULL : gr_set_all(g, &left);

	if (!err && i < x->n)
		left = gr_set_ref(x->set[i]);
	for (size_t k = 0; !err && k < i && k < x->n; k++) {
		err = gr_set_op(GR_SUB, left, x->set[k], &next);
		gr_set_unref(left);
		left = err ? NULL : next;
	}
	if (!err)
		*ret = left;
	return err;
}

static struct hs_err *kind_number(struct lg_session *s, struct lg_value *v,
				  int64_t i, struct lg_value **ret)
{
	struct lg_instant *in = v->in;
	struct gr_set *set;
	struct nodes x;
	struct hs_err *err = in ? NULL : lg_current(s, &in);

	if (!err)
		err = nodes_of(s, in, v, &x);
	if (err)
		return err;
	if (i < 0 || (uint64_t)i > x.n)
		err = hs_err_new(HS_ERR_USAGE,
				 "findex of %zu kinds: the numbers are 0 to "
				 "%zu, the last for what is none of them",
				 x.n, x.n);
	if (!err)
		err = members(&x, (uint64_t)i, &set);
	if (!err) {
		*ret = lg_set(in, set, AN_BY_CLODO);
		gr_set_unref(set);
	}
	nodes_deinit(&x);
	return err;
}

static struct hs_err *not_called_so(const struct lg_value *v)
{
	if (v->u.kinds.is_sokind)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"a set of kinds takes one "
						"more kind"),
				     "Clodo.sokind(list)(tuple).refdby");
	if (list_of(v)->u.list.n)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"findex is called with one "
						"number: of a kind"),
				     "findex(list, dict)(0)");
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"findex takes kinds, sets and classes, "
					"at most %d",
					MAX_KINDS),
			     "heap.by(findex(list, dict))");
}

/* One more kind, at the end. */
static struct lg_value *longer(const struct lg_value *v, struct lg_value *kind)
{
	const struct lg_value *list = list_of(v);
	struct lg_value *items[MAX_KINDS + 1];
	size_t n = list->u.list.n;

	for (size_t i = 0; i < n; i++)
		items[i] = list->u.list.v[i];
	items[n] = kind;
	return kinds_create(true, v->u.kinds.by, items, n + 1);
}

static bool is_kind(const struct lg_value *v)
{
	return v->kind == LG_SET || v->kind == LG_OBJECT || v->kind == LG_TEXT;
}

struct hs_err *lg_kinds_call(struct lg_session *s, struct lg_value *v,
			     const struct lg_args *args, struct lg_value **ret)
{
	size_t n = list_of(v)->u.list.n;

	for (size_t i = 0; i < args->n; i++)
		if (args->name[i] || (!is_kind(args->v[i]) &&
				      args->v[i]->kind != LG_INT))
			return not_called_so(v);
	if (v->u.kinds.is_sokind) {
		if (args->n != 1 || !is_kind(args->v[0]) || n >= MAX_KINDS)
			return not_called_so(v);
		*ret = longer(v, args->v[0]);
		return NULL;
	}
	if (n && args->n == 1 && args->v[0]->kind == LG_INT)
		return kind_number(s, v, args->v[0]->u.i, ret);
	if (n || !args->n || args->n > MAX_KINDS)
		return not_called_so(v);
	for (size_t i = 0; i < args->n; i++)
		if (!is_kind(args->v[i]))
			return not_called_so(v);
	*ret = lg_findex(args->v, args->n);
	return NULL;
}

/* --- attributes ----------------------------------------------------------- */

struct hs_err *lg_set_biper(struct lg_session *s, struct lg_value *v,
			    int64_t arg, struct lg_value **ret)
{
	(void)s;
	(void)arg;
	*ret = lg_findex(&v, 1);
	return NULL;
}

struct hs_err *lg_relation_sokind(struct lg_session *s, struct lg_value *v,
				  const struct lg_args *args,
				  struct lg_value **ret)
{
	(void)s;
	if ((v->u.by != AN_BY_CLODO && v->u.by != AN_BY_TYPE) ||
	    args->n != 1 || args->name[0] || !is_kind(args->v[0]))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"sokind is of Clodo and Type, "
						"and takes a kind"),
				     "Clodo.sokind(list)(tuple).refdby");
	*ret = kinds_create(true, v->u.by, args->v, 1);
	return NULL;
}

static struct hs_err *refdby(struct lg_session *s, struct lg_value *v,
			     int64_t arg, struct lg_value **ret)
{
	enum an_relation by = v->u.kinds.by == AN_BY_TYPE ? AN_BY_RCS_TYPE
							  : AN_BY_RCS;
	const struct lg_value *list = list_of(v);
	const char *names[MAX_KINDS] = { NULL };
	const struct lg_args args = { list->u.list.v, names, list->u.list.n };
	LG_GUARD relation = lg_relation(by);

	(void)arg;
	if (!v->u.kinds.is_sokind)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"refdby is of Clodo, Type and "
						"sets of kinds"),
				     "Clodo.sokind(list).refdby");
	return lg_relation_call(s, relation, &args, ret);
}

const struct lg_attr lg_kinds_attrs[] = {
	{ { "refdby", "what is referred to by exactly these kinds" },
	  refdby,
	  0 },
	{ { NULL, NULL }, NULL, 0 },
};

struct hs_err *lg_kinds_doc(struct lg_session *s, const struct lg_value *v,
			    json_t **ret)
{
	const struct lg_value *list = list_of(v);
	bool is_sokind = v->u.kinds.is_sokind;
	HS_TEXT t = { 0 };
	json_t *doc;

	hs_text_add(&t, !is_sokind ? "index of first matching kind of ("
				   : an_relation_word(v->u.kinds.by, NULL,
						      NULL));
	if (is_sokind)
		hs_text_add(&t, ".sokind");
	for (size_t i = 0; i < list->u.list.n; i++) {
		HS_FREE char *words = words_of(s, list->u.list.v[i]);

		hs_text_addf(&t, is_sokind ? "%s(%s)" : "%s%s",
			     is_sokind || !i ? "" : ", ", words);
	}
	if (!is_sokind)
		hs_text_addc(&t, ')');
	doc = wr_doc_create("text");
	wr_set_text(doc, "value", hs_text_str(&t), t.len);
	*ret = doc;
	return NULL;
}
