// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* From the arguments of a call to what a verb's run() is given. */

static void add_arg(struct hs_text *t, const struct lg_arg *a)
{
	hs_text_addf(t, " %s%s%s%s", a->optional ? "[" : "", a->name,
		     a->many ? "…" : "", a->optional ? "]" : "");
}

char *lg_usage(const struct lg_verb *verb)
{
	struct hs_text t = { 0 };

	hs_text_add(&t, verb->name);
	for (const struct lg_arg *a = verb->args; a && a->name; a++)
		add_arg(&t, a);
	for (const struct lg_arg *o = verb->options; o && o->name; o++)
		hs_text_addf(&t, " [%s=%s]", o->name, o->values);
	return hs_text_take(&t);
}

static struct hs_err *usage_error(const struct lg_verb *verb, const char *what)
{
	HS_FREE char *usage = lg_usage(verb);

	return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "%s: %s", verb->name,
					what),
			     "%s", usage);
}

/* Is the first argument that must be there missing? */
static struct hs_err *check_count(const struct lg_node *node)
{
	const struct lg_arg *missing = lg_verb_arg(node->verb, node->n_items);
	HS_FREE char *what = NULL;

	if (!missing || missing->optional)
		return NULL;
	if (missing->many && node->n_items &&
	    lg_verb_arg(node->verb, node->n_items - 1) == missing)
		return NULL; // it repeats, and is there once
	what = hs_xasprintf("%s is missing", missing->name);
	return usage_error(node->verb, what);
}

struct bound {
	struct lg_value **args;
	size_t n_args;
	struct lg_option *options;
	size_t n_options;
	struct lg_inner inner;
	bool invoked;		/* inner is there */
};

static void options_free(struct lg_option *v, size_t n)
{
	while (n)
		lg_unref(v[--n].value);
	free(v);
}

static void args_free(struct lg_value **v, size_t n)
{
	while (n)
		lg_unref(v[--n]);
	free(v);
}

static void bound_deinit(struct bound *b)
{
	args_free(b->args, b->n_args);
	options_free(b->options, b->n_options);
	lg_unref(b->inner.self);
	free(b->inner.words);
	args_free(b->inner.args, b->inner.n_args);
	options_free(b->inner.options, b->inner.n_options);
}

static struct hs_err *eval_options(struct lg_session *s,
				   const struct lg_node *node,
				   struct lg_option **ret, size_t *n)
{
	struct lg_option *v = hs_xcalloc(node->n_options + 1, sizeof(*v));
	struct hs_err *err;

	*ret = v;
	for (size_t i = 0; i < node->n_options; i++) {
		const struct lg_option_node *o = &node->options[i];

		v[i].name = o->name;
		v[i].op = o->op;
		err = lg_eval(s, o->value, &v[i].value);
		if (err)
			return err;
		++*n;
	}
	return NULL;
}

/* What is called: with SELF.NAME both, and what is found there now. */
static struct hs_err *bind_callee(struct lg_session *s,
				  const struct lg_node *node, struct bound *b,
				  struct lg_value **ret)
{
	struct lg_inner *inner = &b->inner;

	if (node->kind == LG_N_ATTR) {
		hs_err_free(lg_eval(s, node->a, &inner->self));
		if (inner->self && lg_kind(inner->self) != LG_OBJECT) {
			lg_unref(inner->self);
			inner->self = NULL;
		}
		inner->name = inner->self ? node->s : NULL;
	}
	return lg_eval(s, node, ret);
}

/* OBJ(ARG…), without that it is called. */
static struct hs_err *bind_inner(struct lg_session *s,
				 const struct lg_node *node, struct bound *b,
				 struct lg_value **ret)
{
	struct lg_inner *inner = &b->inner;
	LG_GUARD callee = NULL;
	struct hs_err *err = bind_callee(s, node->a, b, &callee);

	inner->words = lg_dotted(node->a);
	inner->args = hs_xcalloc(node->n_items + 1, sizeof(*inner->args));
	for (size_t i = 0; !err && i < node->n_items; i++) {
		err = lg_eval(s, node->items[i], &inner->args[i]);
		inner->n_args += !err;
	}
	if (!err)
		err = eval_options(s, node, &inner->options,
				   &inner->n_options);
	if (err)
		return err;
	b->invoked = true;
	*ret = hs_take(callee);
	return NULL;
}

static struct hs_err *bind_args(struct lg_session *s,
				const struct lg_node *node, struct bound *b)
{
	struct hs_err *err;

	b->args = hs_xcalloc(node->n_items + 1, sizeof(*b->args));
	for (size_t i = 0; i < node->n_items; i++) {
		const struct lg_arg *arg = lg_verb_arg(node->verb, i);
		const struct lg_node *item = node->items[i];

		if (arg && arg->kind == LG_ARG_CALL && item->invoked &&
		    !b->invoked)
			err = bind_inner(s, item, b, &b->args[i]);
		else
			err = lg_eval(s, item, &b->args[i]);
		if (err)
			return err;
		b->n_args++;
	}
	return NULL;
}

struct hs_err *lg_verb_of_set(struct lg_session *s, const struct lg_verb *verb,
			      struct lg_value *v, struct lg_value **ret)
{
	const struct lg_call call = {
		.session = s,
		.verb = verb,
		.task = s->task,
		.args = &v,
		.n_args = 1,
	};
	struct lg_value *got = NULL;
	struct hs_err *err;

	md_set_task(v->in->model, s->task);
	err = verb->run(&call, &got);
	if (!err)
		*ret = got ? got : lg_none();
	return err;
}

struct hs_err *lg_eval_verb(struct lg_session *s, const struct lg_node *node,
			    struct lg_value **ret)
{
	const struct lg_verb *verb = node->verb;
	struct bound b = { 0 };
	struct hs_err *err = check_count(node);
	struct lg_instant *in;

	if (!err && !(verb->flags & LG_VERB_NO_TARGET))
		err = lg_current(s, &in);
	if (!err)
		err = bind_args(s, node, &b);
	if (!err)
		err = eval_options(s, node, &b.options, &b.n_options);
	if (!err) {
		const struct lg_call call = {
			.session = s,
			.verb = verb,
			.task = s->task,
			.args = b.args,
			.n_args = b.n_args,
			.options = b.options,
			.n_options = b.n_options,
			.inner = b.invoked ? &b.inner : NULL,
		};

		if (s->current)
			md_set_task(s->current->model, s->task);
		err = verb->run(&call, ret);
		if (!err && verb->flags & LG_VERB_LISTS)
			err = lg_listing(&call, ret);
	}
	bound_deinit(&b);
	return err;
}
