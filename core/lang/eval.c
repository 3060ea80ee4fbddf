// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* The tree is at most LG_MAX_DEPTH deep: recursion is bounded. */

static struct hs_err *eval_tuple(struct lg_session *s,
				 const struct lg_node *node,
				 struct lg_value **ret)
{
	struct lg_value **items = hs_xcalloc(node->n_items + 1, sizeof(*items));
	struct hs_err *err = NULL;
	struct lg_value *list;
	size_t n = 0;

	while (!err && n < node->n_items) {
		err = lg_eval(s, node->items[n], &items[n]);
		n += !err;
	}
	list = err ? NULL : lg_list(items, n);
	while (n)
		lg_unref(items[--n]);
	free(items);
	if (err)
		return err;
	if (list->u.list.depth > LG_MAX_LIST_DEPTH ||
	    list->u.list.weight > LG_MAX_LIST_WEIGHT) {
		lg_unref(list);
		return hs_err_new(HS_ERR_USAGE,
				  "a list too large: at most %d "
				  "levels and %d values",
				  LG_MAX_LIST_DEPTH, LG_MAX_LIST_WEIGHT);
	}
	*ret = list;
	return NULL;
}

static struct hs_err *eval_negate(struct lg_session *s,
				  const struct lg_node *node,
				  struct lg_value **ret)
{
	LG_GUARD v = NULL;
	struct hs_err *err = lg_eval(s, node->a, &v);
	int64_t i;

	if (err)
		return err;
	if (v->kind == LG_FLOAT) {
		*ret = lg_float(-v->u.f);
		return NULL;
	}
	if (v->kind != LG_INT && v->kind != LG_BYTES && v->kind != LG_BOOL)
		return hs_err_new(HS_ERR_USAGE, "- before %s has no meaning",
				  lg_kind_words(v));
	if (__builtin_sub_overflow((int64_t)0, v->u.i, &i))
		return hs_err_new(HS_ERR_USAGE, "a number beyond 64 bits");
	*ret = lg_int(i);
	return NULL;
}

/* "django.apps" may be imported and not be an attribute of django. */
static struct hs_err *or_module(struct lg_session *s,
				const struct lg_node *node, struct hs_err *err,
				struct lg_value **ret)
{
	HS_FREE char *name = NULL;
	uint64_t addr;

	if (err->code != HS_ERR_NAME || !s->current)
		return err;
	name = lg_dotted(node);
	if (!name)
		return err;
	addr = lg_module(lg_instant_model(s->current, s->task), name);
	if (!addr)
		return err;
	hs_err_free(err);
	*ret = lg_object(s->current, addr);
	return NULL;
}

static struct hs_err *eval_attr(struct lg_session *s,
				const struct lg_node *node,
				struct lg_value **ret)
{
	LG_GUARD v = NULL;
	struct hs_err *err = lg_eval(s, node->a, &v);

	if (!err)
		err = lg_attribute(s, v, node->s, ret);
	return err ? or_module(s, node, err, ret) : NULL;
}

/* cache[name] of who meant cache['name']. */
static struct hs_err *or_quotes(const struct lg_node *key, struct hs_err *err)
{
	if (!err || err->code != HS_ERR_NAME || err->remedy ||
	    key->kind != LG_N_NAME || key->program)
		return err;
	return hs_err_remedy(err, "['%s'], in quotes", key->s);
}

static struct hs_err *eval_index(struct lg_session *s,
				 const struct lg_node *node,
				 struct lg_value **ret)
{
	LG_GUARD v = NULL;
	LG_GUARD key = NULL;
	struct hs_err *err = lg_eval(s, node->a, &v);

	if (!err)
		err = or_quotes(node->b, lg_eval(s, node->b, &key));
	return err ? err : lg_index(s, v, key, ret);
}

static struct hs_err *eval_slice(struct lg_session *s,
				 const struct lg_node *node,
				 struct lg_value **ret)
{
	const struct lg_node *bounds[3] = { node->b, node->c, node->d };
	struct lg_value *bound[3] = { 0 };
	struct lg_value *v = NULL;
	struct hs_err *err = lg_eval(s, node->a, &v);

	for (int i = 0; !err && i < 3; i++)
		if (bounds[i])
			err = lg_eval(s, bounds[i], &bound[i]);
	if (!err)
		err = lg_slice(s, v, bound, ret);
	for (int i = 0; i < 3; i++)
		lg_unref(bound[i]);
	lg_unref(v);
	return err;
}

/* --- calls that are not of verbs ------------------------------------------ */

/* As the program's own len() would answer, where that needs no code of it. */
static struct hs_err *object_len(struct lg_session *s,
				 const struct lg_value *v, uint64_t *ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct heapsh_measure got;
	HS_FREE char *words = NULL;

	if (md_measure(m, v->u.addr, &got) && got.has_exact_length) {
		*ret = got.exact_length;
		return NULL;
	}
	words = lg_object_words(s, v);
	return hs_err_new(HS_ERR_USAGE, "len of %s is not known", words);
}

static struct hs_err *call_len(struct lg_session *s, struct lg_value *v,
			       struct lg_value **ret)
{
	uint64_t n = 0;
	struct hs_err *err = NULL;

	if (v->kind == LG_SET)
		n = gr_set_count(v->u.set.nodes);
	else if (v->kind == LG_LIST)
		n = v->u.list.n;
	else if (v->kind == LG_TABLE)
		n = lg_table_rows(v);
	else if (v->kind == LG_VIEW)
		n = lg_view_rows(v);
	else if (v->kind == LG_TEXT || v->kind == LG_RAW)
		n = v->u.text.n;
	else if (v->kind == LG_NAMESPACE)
		err = lg_space_len(s, v, &n);
	else if (v->kind == LG_OBJECT)
		err = object_len(s, v, &n);
	else
		err = hs_err_new(HS_ERR_USAGE, "len of %s is not known",
				 lg_kind_words(v));
	if (err && v->kind == LG_OBJECT)
		return hs_err_remedy(err, "leng OBJ, as Pympler counts");
	if (!err)
		*ret = lg_int((int64_t)n);
	return err;
}

static struct hs_err *call_type(struct lg_session *s, struct lg_value *v,
				struct lg_value **ret)
{
	struct md_object o;

	if (v->kind != LG_OBJECT)
		return hs_err_new(HS_ERR_USAGE,
				  "type of %s: only objects of "
				  "the program have one",
				  lg_kind_words(v));
	if (!md_object_at(lg_instant_model(v->in, s->task), v->u.addr, &o))
		return hs_err_new(HS_ERR_FAULT,
				  "read the object at 0x%llx: "
				  "no object begins there",
				  (unsigned long long)v->u.addr);
	*ret = o.type->address ? lg_object(v->in, o.type->address)
			       : lg_text(o.type->name, strlen(o.type->name));
	return NULL;
}

static struct hs_err *call_id(struct lg_session *s, struct lg_value *v,
			      struct lg_value **ret)
{
	HS_FREE char *text = NULL;

	(void)s;
	if (v->kind != LG_OBJECT)
		return hs_err_new(HS_ERR_USAGE,
				  "id of %s: only objects of "
				  "the program have one",
				  lg_kind_words(v));
	text = hs_xasprintf("0x%llx", (unsigned long long)v->u.addr);
	*ret = lg_text(text, strlen(text));
	return NULL;
}

typedef struct hs_err *function_fn(struct lg_session *s, struct lg_value *v,
				   struct lg_value **ret);

/* The names and their help are in name.c. */
static function_fn *function_named(const struct lg_node *node)
{
	static function_fn *const functions[] = { call_len, call_type,
						  call_id };
	const struct lg_word *w;

	if (node->kind != LG_N_NAME || node->program)
		return NULL;
	for (size_t i = 0; (w = lg_words_of("functions", i)); i++)
		if (i < HS_ARRAY_SIZE(functions) && !strcmp(w->name, node->s))
			return functions[i];
	return NULL;
}

static struct hs_err *not_callable(const struct lg_node *node,
				   const struct lg_value *v)
{
	if (v->kind != LG_OBJECT)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s cannot be called",
						lg_kind_words(v)),
				     "write it without ( )");
	return hs_err_remedy(hs_err_new(HS_ERR_REFUSED,
					"call an object of the program: "
					"nothing of the program is run"),
			     node->n_items ? "call OBJ(ARG…) runs it in a copy"
					   : "write it without ( )");
}

static void inner_deinit(struct lg_inner *with)
{
	while (with->n_args)
		lg_unref(with->args[--with->n_args]);
	while (with->n_options)
		lg_unref(with->options[--with->n_options].value);
	free(with->args);
	free(with->options);
}

static struct hs_err *eval_inner(struct lg_session *s,
				 const struct lg_node *node,
				 struct lg_inner *with)
{
	struct hs_err *err = NULL;

	with->args = hs_xcalloc(node->n_items + 1, sizeof(*with->args));
	with->options = hs_xcalloc(node->n_options + 1,
				   sizeof(*with->options));
	while (!err && with->n_args < node->n_items) {
		err = lg_eval(s, node->items[with->n_args],
			      &with->args[with->n_args]);
		with->n_args += !err;
	}
	while (!err && with->n_options < node->n_options) {
		const struct lg_option_node *from =
			&node->options[with->n_options];
		struct lg_option *to = &with->options[with->n_options];

		to->name = from->name;
		to->op = "=";
		err = lg_eval(s, from->value, &to->value);
		with->n_options += !err;
	}
	return err;
}

/* PATHS.avoided(0, 1) */
static struct hs_err *call_view(struct lg_session *s,
				const struct lg_node *node, struct lg_value *v,
				struct lg_value **ret)
{
	struct lg_inner with = { 0 };
	struct hs_err *err = eval_inner(s, node, &with);

	if (!err)
		err = lg_view_call(s, v, node->a->s, &with, ret);
	inner_deinit(&with);
	return err;
}

/*
 * Arguments of SET.by(…), Type(…): as beside an operator, but that a type
 * which the program has no name for is told by its text.
 */
static struct hs_err *eval_arg(struct lg_session *s, const struct lg_node *node,
			       struct lg_value **ret)
{
	struct hs_err *err = lg_eval(s, node, ret), *other;
	HS_FREE char *name = NULL;
	HS_FREE bool *types = NULL;
	struct gr_graph *g;
	uint64_t one;

	if (!err || err->code != HS_ERR_NAME || !s->current)
		return err;
	name = lg_dotted(node);
	if (!name)
		return err;
	other = lg_instant_graph(s->current, s->task, &g);
	if (!other) {
		types = hs_xcalloc((size_t)md_n_types(s->current->model) + 1,
				   sizeof(*types));
		other = lg_types_named(s->current->model, name, types, &one);
	}
	if (other) {
		hs_err_free(other);
		return err;
	}
	hs_err_free(err);
	*ret = lg_text(name, strlen(name));
	return NULL;
}

static void args_deinit(struct lg_args *a)
{
	while (a->n)
		lg_unref(a->v[--a->n]);
	free(a->v);
	free(a->name);
}

static struct hs_err *eval_args(struct lg_session *s,
				const struct lg_node *node, struct lg_args *a)
{
	size_t n = node->n_items + node->n_options;
	struct hs_err *err = NULL;

	a->v = hs_xcalloc(n + 1, sizeof(*a->v));
	a->name = hs_xcalloc(n + 1, sizeof(*a->name));
	for (size_t i = 0; !err && i < n; i++) {
		bool option = i >= node->n_items;
		const struct lg_option_node *o =
			option ? &node->options[i - node->n_items] : NULL;

		a->name[i] = option ? o->name : NULL;
		err = option ? lg_eval(s, o->value, &a->v[i])
			     : eval_arg(s, node->items[i], &a->v[i]);
		a->n += !err;
	}
	return err;
}

static bool is_relation(const struct lg_value *v)
{
	return v->kind == LG_RELATION || v->kind == LG_KINDS;
}

/* SET.er, SET.biper: attributes that are called in turn. */
static bool gives_relation(const struct lg_value *v, const char *name)
{
	const struct lg_attr *a = lg_attr_named(v, name);

	return a && (a->get == lg_set_er || a->get == lg_set_biper);
}

/* SET.by('Size'), Type(list): NULL in *ret when it is no such call. */
static struct hs_err *call_with(struct lg_session *s,
				const struct lg_node *node,
				struct lg_value **ret)
{
	bool is_attr = node->a->kind == LG_N_ATTR;
	const struct lg_method *method = NULL;
	struct lg_args args = { 0 };
	LG_GUARD v = NULL;
	LG_GUARD relation = NULL;
	struct hs_err *err;

	*ret = NULL;
	err = lg_eval(s, is_attr ? node->a->a : node->a, &v);
	if (err) { // it may be a module's dotted name: the caller says it
		hs_err_free(err);
		return NULL;
	}
	if (is_attr && v->kind == LG_VIEW)
		return call_view(s, node, v, ret);
	if (is_attr)
		method = lg_method_named(v, node->a->s);
	if (is_attr && !method && gives_relation(v, node->a->s)) {
		is_attr = false;
		err = lg_attribute(s, v, node->a->s, &relation);
	} else if (!is_attr) {
		relation = lg_ref(v);
	}
	if (err)
		return err;
	if (is_attr ? !method : !is_relation(relation))
		return NULL;
	err = eval_args(s, node, &args);
	if (!err)
		err = is_attr ? method->call(s, v, &args, ret)
		      : relation->kind == LG_KINDS
			      ? lg_kinds_call(s, relation, &args, ret)
			      : lg_relation_call(s, relation, &args, ret);
	args_deinit(&args);
	return err;
}

static struct hs_err *no_options(const struct lg_node *node)
{
	return hs_err_remedy(lg_syntax(node->options[0].at,
				       "options are for verbs"),
			     "to compare: a == b");
}

static struct hs_err *eval_call(struct lg_session *s,
				const struct lg_node *node,
				struct lg_value **ret)
{
	function_fn *fn = function_named(node->a);
	LG_GUARD v = NULL;
	struct hs_err *err = NULL;

	if (fn && node->n_items != 1)
		return lg_syntax(node->at, "%s takes one argument", node->a->s);
	if (!fn && (node->a->kind == LG_N_ATTR || node->a->kind == LG_N_NAME ||
		    node->a->kind == LG_N_CALL))
		err = call_with(s, node, &v);
	if (v) {
		*ret = hs_take(v);
		return NULL;
	}
	if (!err && node->n_options)
		err = no_options(node);
	if (!err)
		err = lg_eval(s, fn ? node->items[0] : node->a, &v);
	if (err)
		return err;
	if (fn)
		return fn(s, v, ret);
	if (v->kind == LG_SET && !node->n_items) { // heap(): as Heapy's
		*ret = lg_ref(v);
		return NULL;
	}
	return not_callable(node, v);
}

/* --- names of results ----------------------------------------------------- */

static struct hs_err *eval_last(struct lg_session *s, struct lg_value **ret)
{
	if (!s->last)
		return hs_err_remedy(hs_err_new(HS_ERR_NAME,
						"_: nothing has "
						"been printed yet"),
				     "heap");
	*ret = lg_ref(s->last);
	return NULL;
}

static struct hs_err *eval_result(struct lg_session *s, uint64_t line,
				  struct lg_value **ret)
{
	uint64_t *found = hs_map_get(&s->results, line);

	if (found && *found) {
		*ret = lg_ref((struct lg_value *)(uintptr_t)*found);
		return NULL;
	}
	if (line + LG_RESULTS <= s->line)
		return hs_err_new(HS_ERR_NAME,
				  "_%llu: results are kept for "
				  "%d lines",
				  (unsigned long long)line, LG_RESULTS);
	return hs_err_new(HS_ERR_NAME, "_%llu: that line has no result",
			  (unsigned long long)line);
}

static struct hs_err *eval_invert(struct lg_session *s,
				  const struct lg_node *node,
				  struct lg_value **ret)
{
	LG_GUARD v = NULL;
	struct hs_err *err = lg_eval(s, node->a, &v);

	return err ? err : lg_invert(s, v, ret);
}

/* A verb inside an expression must have a value. */
static struct hs_err *eval_verb(struct lg_session *s,
				const struct lg_node *node,
				struct lg_value **ret)
{
	struct lg_value *v = NULL;
	struct hs_err *err = lg_eval_verb(s, node, &v);

	if (!err)
		*ret = v ? v : lg_none();
	return err;
}

struct hs_err *lg_eval(struct lg_session *s, const struct lg_node *node,
		       struct lg_value **ret)
{
	switch (node->kind) {
	case LG_N_NONE:
		*ret = lg_none();
		return NULL;
	case LG_N_BOOL:
		*ret = lg_bool(node->number);
		return NULL;
	case LG_N_INT:
		*ret = lg_int((int64_t)node->number);
		return NULL;
	case LG_N_FLOAT:
		*ret = lg_float(node->real);
		return NULL;
	case LG_N_TEXT:
		*ret = lg_text(node->s, node->n);
		return NULL;
	case LG_N_RAW:
		*ret = lg_raw(node->s, node->n);
		return NULL;
	case LG_N_ADDRESS:
		return lg_at_address(s, node->number, ret);
	case LG_N_NAME:
		return lg_name(s, node, ret);
	case LG_N_LAST:
		return eval_last(s, ret);
	case LG_N_RESULT:
		return eval_result(s, node->number, ret);
	case LG_N_TUPLE:
		return eval_tuple(s, node, ret);
	case LG_N_NEGATE:
		return eval_negate(s, node, ret);
	case LG_N_INVERT:
		return eval_invert(s, node, ret);
	case LG_N_BINARY:
		return lg_eval_binary(s, node, ret);
	case LG_N_ATTR:
		return eval_attr(s, node, ret);
	case LG_N_INDEX:
		return eval_index(s, node, ret);
	case LG_N_SLICE:
		return eval_slice(s, node, ret);
	case LG_N_CALL:
		return eval_call(s, node, ret);
	case LG_N_VERB:
		return eval_verb(s, node, ret);
	default:
		return hs_err_new(HS_ERR_OTHER, "evaluate: unknown node %d",
				  (int)node->kind);
	}
}
