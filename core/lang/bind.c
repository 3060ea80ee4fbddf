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
};

static void bound_deinit(struct bound *b)
{
	while (b->n_args)
		lg_unref(b->args[--b->n_args]);
	while (b->n_options)
		lg_unref(b->options[--b->n_options].value);
	free(b->args);
	free(b->options);
}

static struct hs_err *bind_args(struct lg_session *s,
				const struct lg_node *node, struct bound *b)
{
	struct hs_err *err;

	b->args = hs_xcalloc(node->n_items + 1, sizeof(*b->args));
	for (size_t i = 0; i < node->n_items; i++) {
		err = lg_eval(s, node->items[i], &b->args[i]);
		if (err)
			return err;
		b->n_args++;
	}
	return NULL;
}

static struct hs_err *bind_options(struct lg_session *s,
				   const struct lg_node *node, struct bound *b)
{
	struct hs_err *err;

	b->options = hs_xcalloc(node->n_options + 1, sizeof(*b->options));
	for (size_t i = 0; i < node->n_options; i++) {
		const struct lg_option_node *o = &node->options[i];

		b->options[i].name = o->name;
		b->options[i].op = o->op;
		err = lg_eval(s, o->value, &b->options[i].value);
		if (err)
			return err;
		b->n_options++;
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
		err = bind_options(s, node, &b);
	if (!err) {
		const struct lg_call call = {
			.session = s,
			.verb = verb,
			.task = s->task,
			.args = b.args,
			.n_args = b.n_args,
			.options = b.options,
			.n_options = b.n_options,
		};

		if (s->current)
			md_set_task(s->current->model, s->task);
		err = verb->run(&call, ret);
	}
	bound_deinit(&b);
	return err;
}
