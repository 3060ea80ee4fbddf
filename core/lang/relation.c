// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Relations as values: Type(CLASS) and the like make kinds. Those by what is
 * known only of edges, modules and sites are the rows of the heap of that name.
 */

enum { MAX_KIND_ARGS = 64 };

/* --- by the name of a row ------------------------------------------------- */

struct named {
	const char *words; /* of the row */
	const char *prefix; /* or how it begins, or ends before ":LINE" */
	uint64_t line; /* with prefix; 0: any */
};

/* "/srv/app.py:12" is also of 'app.py', and of 'srv/app.py'. */
static bool ends_path(const char *name, const char *colon, const char *path)
{
	size_t n = strlen(path);

	return colon && n && (size_t)(colon - name) > n &&
	       !memcmp(colon - n, path, n) && colon[-(ptrdiff_t)n - 1] == '/';
}

static bool is_row(const struct named *n, const char *name)
{
	const char *colon = strrchr(name, ':');
	uint64_t line;

	if (n->words)
		return !strcmp(name, n->words);
	if (strncmp(name, n->prefix, strlen(n->prefix)) &&
	    !ends_path(name, colon, n->prefix))
		return false;
	return !n->line ||
	       (colon && hs_parse_u64(colon + 1, &line) && line == n->line);
}

static struct hs_err *pick_rows(struct lg_session *s,
				const struct an_partition *p,
				const struct named *n, struct lg_near *near,
				struct gr_set **ret)
{
	HS_FREE bool *wanted = hs_xcalloc(p->n_rows + 1, sizeof(*wanted));

	for (size_t i = 0; i < p->n_rows; i++) {
		HS_FREE char *name = an_row_words(p, i);

		wanted[i] = is_row(n, name);
		lg_near_add(near, name, strlen(name));
		if (!(i & 0xff) && hs_cancelled(s->task))
			return hs_check_cancel(s->task);
	}
	return an_rows_pick(p, wanted, s->task, ret);
}

/* Rows of the heap by the relation; must: one has to be there. */
static struct hs_err *named_kind(struct lg_session *s, struct lg_instant *in,
				 enum an_relation by, const struct named *n,
				 bool must, struct lg_value **ret)
{
	const char *words = n->words ? n->words : n->prefix;
	struct lg_near near = { 0 };
	struct an_partition *p;
	struct gr_set *all, *nodes;
	struct hs_err *err = lg_whole_heap(s, in, &all);

	if (err)
		return err;
	err = lg_check_rows(in, gr_set_graph(all), by);
	if (!err)
		err = an_partition(all, by, s->task, &p);
	gr_set_unref(all);
	if (err)
		return err;
	err = pick_rows(s, p, n, &near, &nodes);
	an_partition_destroy(p);
	if (!err && must && !gr_set_count(nodes)) {
		gr_set_unref(nodes);
		err = hs_err_new(HS_ERR_NAME,
				 "no object of the heap is of "
				 "the kind %s",
				 words);
		return lg_near_remedy(err, &near, words);
	}
	lg_near_drop(&near);
	if (err)
		return err;
	*ret = lg_kind_set(in, nodes, lg_kind_create(by, 0, hs_xstrdup(words)));
	gr_set_unref(nodes);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "'.a', '.b'", as byvia names its rows; "list, tuple", as byrcs does. */
static struct hs_err *joined_kind(struct lg_session *s, struct lg_instant *in,
				  enum an_relation by, char **names, size_t n,
				  struct lg_value **ret)
{
	struct named row = { 0 };
	HS_TEXT t = { 0 };

	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; i < n; i++) {
		const char *quote = by != AN_BY_VIA          ? ""
				    : strchr(names[i], '\'') ? "\""
							     : "'";

		hs_text_addf(&t, "%s%s%s%s", i ? ", " : "", quote, names[i],
			     quote);
	}
	row.words = n ? hs_text_str(&t) : "<Nothing>";
	return named_kind(s, in, by, &row, false, ret);
}

/* What a referrer's kind is called: of a class its name, of a kind its own. */
static char *kind_words(struct lg_session *s, struct lg_value *v)
{
	uint32_t type;

	if (v->kind == LG_TEXT)
		return hs_xstrdup(v->u.text.s);
	if (v->kind == LG_SET && v->u.set.kind)
		return hs_xstrdup(v->u.set.kind->words);
	if (v->kind == LG_OBJECT && lg_is_class(s, v, &type) &&
	    type != UINT32_MAX)
		return hs_xstrdup(md_type(v->in->model, type)->name);
	return NULL;
}

static struct hs_err *of_names(struct lg_session *s, struct lg_instant *in,
			       enum an_relation by, const struct lg_args *args,
			       struct lg_value **ret)
{
	char *names[MAX_KIND_ARGS];
	struct hs_err *err = NULL;
	size_t n = 0;

	for (size_t i = 0; !err && i < args->n && i < MAX_KIND_ARGS; i++) {
		if (by == AN_BY_VIA && args->v[i]->kind == LG_TEXT)
			names[n] = hs_xstrdup(args->v[i]->u.text.s);
		else
			names[n] = by == AN_BY_VIA ? NULL
						   : kind_words(s, args->v[i]);
		n += names[n] != NULL;
		if (n > i)
			continue;
		err = hs_err_remedy(
			hs_err_new(HS_ERR_USAGE, "%s takes %s, not %s",
				   an_relation_word(by, NULL, NULL),
				   by == AN_BY_VIA ? "names of references"
						   : "classes and kinds",
				   lg_kind_words(args->v[i])),
			by == AN_BY_VIA ? "Via('.name', \"['key']\")"
					: "Rcs(list, Clodo(dictof=CLASS))");
	}
	if (!err)
		err = joined_kind(s, in, by, names, n, ret);
	while (n)
		free(names[--n]);
	return err;
}

/* --- calls of a relation -------------------------------------------------- */

static struct hs_err *usage(enum an_relation by)
{
	const char *word = an_relation_word(by, NULL, NULL);
	const struct lg_word *w;

	for (size_t i = 0; (w = lg_words_of("relations", i)); i++)
		if (!strcmp(w->name, word))
			return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
							"%s is not called so",
							word),
					     "%s", w->help);
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"%s is no relation that makes kinds",
					word),
			     "SET.by(…) makes rows of it");
}

static struct hs_err *call_clodo(struct lg_session *s, struct lg_instant *in,
				 const struct lg_args *args,
				 struct lg_value **ret)
{
	const struct lg_value *v;

	if (args->n != 1 || (args->name[0] && strcmp(args->name[0], "dictof")))
		return usage(AN_BY_CLODO);
	v = args->v[0];
	if (args->name[0] && v->kind == LG_LIST && !v->u.list.n)
		return lg_ownerless_kind(s, in, ret);
	return lg_type_kind(s, in, AN_BY_CLODO, args->v[0], args->name[0], ret);
}

static struct hs_err *call_size(struct lg_session *s, struct lg_instant *in,
				const struct lg_args *args,
				struct lg_value **ret)
{
	const struct lg_value *v = args->n == 1 ? args->v[0] : NULL;

	if (!v || (v->kind != LG_INT && v->kind != LG_BYTES) || v->u.i < 0)
		return usage(AN_BY_SIZE);
	return lg_size_kind(s, in, (uint64_t)v->u.i, "==", ret);
}

/* Module('os'); Module(): what is no module. */
static struct hs_err *call_module(struct lg_session *s, struct lg_instant *in,
				  const struct lg_args *args,
				  struct lg_value **ret)
{
	struct named row = { .words = "~module" };

	if (args->n > 1 || (args->n && args->v[0]->kind != LG_TEXT))
		return usage(AN_BY_MODULE);
	if (args->n)
		row.words = args->v[0]->u.text.s;
	return named_kind(s, in, AN_BY_MODULE, &row, args->n, ret);
}

/* Prod('path'), Prod('path', 12), Prod(): of which nothing is known. */
static struct hs_err *call_prod(struct lg_session *s, struct lg_instant *in,
				const struct lg_args *args,
				struct lg_value **ret)
{
	struct named row = { 0 };

	if (args->n && args->v[0]->kind == LG_OBJECT)
		return hs_err_remedy(hs_err_new(HS_ERR_UNSUPPORTED,
						"Prod of an object: which "
						"lines a function has is not "
						"told"),
				     "Prod('app.py', 12), as SET.byprod names "
				     "them");
	if (args->n > 2 || (args->n && args->v[0]->kind != LG_TEXT) ||
	    (args->n == 2 &&
	     (args->v[1]->kind != LG_INT || args->v[1]->u.i < 0)))
		return usage(AN_BY_PROD);
	row.words = args->n ? NULL : "unknown";
	row.prefix = args->n ? args->v[0]->u.text.s : NULL;
	row.line = args->n == 2 ? (uint64_t)args->v[1]->u.i : 0;
	return named_kind(s, in, AN_BY_PROD, &row, false, ret);
}

/* The object itself; it is its only member. */
static struct hs_err *call_id(struct lg_session *s, struct lg_instant *in,
			      const struct lg_args *args, struct lg_value **ret)
{
	HS_FREE char *words = NULL;
	struct gr_graph *g;
	struct gr_set *nodes;
	uint32_t id;
	struct hs_err *err;

	if (args->n != 1 || args->v[0]->kind != LG_OBJECT)
		return usage(AN_BY_ID);
	err = lg_instant_graph(in, s->task, &g);
	if (err)
		return err;
	id = gr_id(g, args->v[0]->u.addr);
	words = lg_object_words(s, args->v[0]);
	if (id == GR_NONE)
		return hs_err_new(HS_ERR_NAME, "%s was not found in the heap",
				  words);
	err = gr_set_of(g, &id, 1, &nodes);
	if (err)
		return err;
	*ret = lg_kind_set(in, nodes,
			   lg_kind_create(AN_BY_ID, id, hs_take(words)));
	gr_set_unref(nodes);
	return NULL;
}

struct hs_err *lg_relation_call(struct lg_session *s, struct lg_value *v,
				const struct lg_args *args,
				struct lg_value **ret)
{
	struct lg_instant *in;
	struct gr_set *all;
	struct hs_err *err = lg_current(s, &in);

	for (size_t i = 0; i < args->n && !err; i++)
		if (args->v[i]->in)
			in = args->v[i]->in;
	if (err)
		return err;
	if (v->u.by != AN_BY_CLODO && args->n && args->name[0])
		return usage(v->u.by);
	if (v->u.by == AN_BY_TYPE)
		return args->n == 1 ? lg_type_kind(s, in, AN_BY_TYPE,
						   args->v[0], false, ret)
				    : usage(AN_BY_TYPE);
	if (v->u.by == AN_BY_CLODO)
		return call_clodo(s, in, args, ret);
	if (v->u.by == AN_BY_SIZE)
		return call_size(s, in, args, ret);
	if (v->u.by == AN_BY_MODULE)
		return call_module(s, in, args, ret);
	if (v->u.by == AN_BY_PROD)
		return call_prod(s, in, args, ret);
	if (v->u.by == AN_BY_ID)
		return call_id(s, in, args, ret);
	if (v->u.by == AN_BY_RCS || v->u.by == AN_BY_RCS_TYPE ||
	    v->u.by == AN_BY_VIA)
		return of_names(s, in, v->u.by, args, ret);
	if (v->u.by != AN_BY_UNITY || args->n)
		return usage(v->u.by & AN_BY_PRODUCT ? AN_BY_DICTOF : v->u.by);
	err = lg_whole_heap(s, in, &all);
	if (err)
		return err;
	*ret = lg_kind_set(in, all,
			   lg_kind_create(AN_BY_UNITY, 0,
					  hs_xstrdup("<Anything>")));
	gr_set_unref(all);
	return NULL;
}
