// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* .name: attributes of an object are the program's, of the rest our own. */

const struct lg_attr *lg_attrs_of(const struct lg_value *v)
{
	if (v->kind == LG_SET)
		return lg_set_attrs;
	if (v->kind == LG_TABLE)
		return lg_table_attrs;
	if (v->kind == LG_VIEW)
		return lg_view_attrs;
	if (v->kind == LG_RELATION)
		return lg_relation_attrs;
	if (v->kind == LG_KINDS)
		return lg_kinds_attrs;
	if (v->kind != LG_NAMESPACE)
		return NULL;
	switch (v->u.space.space) {
	case LG_THREAD:
		return lg_thread_attrs;
	case LG_FRAME:
		return lg_frame_attrs;
	case LG_THREADS:
	case LG_FRAMES:
	case LG_ALL_FRAMES:
	case LG_LOCALS:
	default:
		return lg_threads_attrs;
	}
}

const struct lg_attr *lg_attr_named(const struct lg_value *v, const char *name)
{
	const struct lg_attr *a = lg_attrs_of(v);

	for (; a && a->word.name; a++)
		if (!strcmp(a->word.name, name))
			return a;
	return NULL;
}

const struct lg_method *lg_method_named(const struct lg_value *v,
					const char *name)
{
	const struct lg_method *m = v->kind == LG_SET     ? lg_set_methods
				    : v->kind == LG_TABLE ? lg_table_methods
				    : v->kind == LG_RELATION
					    ? lg_relation_methods
					    : NULL;

	for (; m && m->word.name; m++)
		if (!strcmp(m->word.name, name))
			return m;
	return NULL;
}

/* locals.x is locals['x']: nothing else could be meant. */
static struct hs_err *local(struct lg_session *s, struct lg_value *v,
			    const char *name, struct lg_value **ret)
{
	LG_GUARD key = lg_text(name, strlen(name));

	return lg_space_item(s, v, key, ret);
}

static void add_words(struct lg_near *near, const char *of)
{
	const struct lg_word *w;

	for (size_t i = 0; (w = lg_words_of(of, i)); i++)
		lg_near_add(near, w->name, strlen(w->name));
}

/* With what is near among the attributes of v; of a set, among its verbs and
 * the words of the shell, too. */
static struct hs_err *no_attribute(struct lg_session *s,
				   const struct lg_value *v, const char *name)
{
	struct hs_err *err = hs_err_new(HS_ERR_NAME, "%s has no attribute %s",
					lg_kind_words(v), name);
	const struct lg_attr *a = lg_attrs_of(v);
	struct lg_near near = { 0 };

	for (size_t i = 0; v->kind == LG_SET && i < s->n_verbs; i++)
		if (s->verbs[i]->flags & LG_VERB_OF_SETS)
			lg_near_add(&near, s->verbs[i]->name,
				    strlen(s->verbs[i]->name));
	for (; a && a->word.name; a++)
		lg_near_add(&near, a->word.name, strlen(a->word.name));
	if (v->kind == LG_SET) {
		for (const struct lg_method *m = lg_set_methods; m->word.name;
		     m++)
			lg_near_add(&near, m->word.name, strlen(m->word.name));
		add_words(&near, "words");
		err = hs_err_remedy(err, "help sets lists them");
	}
	return lg_near_remedy(err, &near, name);
}

/* .name of what has a table of attributes. */
static struct hs_err *listed(struct lg_session *s, struct lg_value *v,
			     const char *name, struct lg_value **ret)
{
	const struct lg_attr *a = lg_attr_named(v, name);
	const struct lg_method *method = lg_method_named(v, name);
	struct lg_value *kind = NULL;
	struct hs_err *err = NULL;
	const struct lg_verb *verb;

	if (method)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s is called with arguments",
						name),
				     "%s", method->usage);
	if (a)
		return a->get(s, v, a->arg, ret);
	if (lg_sized_attr(v, name, ret))
		return NULL;
	if (v->kind == LG_NAMESPACE && v->u.space.space == LG_LOCALS)
		return local(s, v, name, ret);
	if (v->kind == LG_RELATION)
		err = lg_relation_named_type(s, v, name, &kind);
	if (kind)
		*ret = kind;
	if (err || kind)
		return err;
	verb = v->kind == LG_SET ? lg_verb_named(s, name, strlen(name)) : NULL;
	if (verb && verb->flags & LG_VERB_OF_SETS)
		return lg_verb_of_set(s, verb, v, ret);
	return no_attribute(s, v, name);
}

struct hs_err *lg_attribute(struct lg_session *s, struct lg_value *v,
			    const char *name, struct lg_value **ret)
{
	if (v->kind == LG_OBJECT)
		return lg_object_attr(s, v, name, strlen(name), ret);
	if (v->kind == LG_VIEW)
		return lg_view_call(s, v, name, &(struct lg_inner){ 0 }, ret);
	if (v->kind == LG_MAPROX)
		return lg_maprox_attr(s, v, name, ret);
	return listed(s, v, name, ret);
}
