// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * What a verb has computed and shows a page at a time: paths, patterns. Pages
 * share the data; its maker knows its rows and attributes.
 */

struct lg_value *lg_view(struct lg_instant *in, const struct lg_view_ops *ops,
			 void *data, size_t page)
{
	struct lg_value *v = lg_value_create(LG_VIEW, in);

	v->u.view.ops = ops;
	v->u.view.data = hs_xalloc(sizeof(*v->u.view.data));
	v->u.view.data->refs = 1;
	v->u.view.data->in = in;
	in->n_views += !ops->apart;
	v->u.view.data->data = data;
	v->u.view.window.page = page;
	return v;
}

void *lg_view_data(const struct lg_value *v, const struct lg_view_ops *ops)
{
	return v->kind == LG_VIEW && v->u.view.ops == ops
		       ? v->u.view.data->data
		       : NULL;
}

void lg_view_deinit(struct lg_view_value *view)
{
	if (--view->data->refs)
		return;
	view->data->in->n_views -= !view->ops->apart;
	view->ops->destroy(view->data->data);
	free(view->data);
}

uint64_t lg_view_rows(const struct lg_value *v)
{
	return v->u.view.ops->rows(v->u.view.data->data);
}

static struct hs_err *get_window(struct lg_session *s, struct lg_value *v,
				 int64_t how, struct lg_value **ret)
{
	LG_GUARD moved = lg_value_create(LG_VIEW, v->in);
	struct hs_err *err;

	moved->u.view = v->u.view;
	moved->u.view.data->refs++;
	err = lg_window_move(s, &moved->u.view.window, lg_view_rows(v), how);
	if (!err)
		*ret = hs_take(moved);
	return err;
}

static struct hs_err *get_count(struct lg_session *s, struct lg_value *v,
				int64_t arg, struct lg_value **ret)
{
	uint64_t n = lg_view_rows(v);

	(void)s;
	(void)arg;
	*ret = lg_int(n > INT64_MAX ? INT64_MAX : (int64_t)n);
	return NULL;
}

/* The attributes of all views; each has more of its own. */
const struct lg_attr lg_view_attrs[] = {
	LG_PAGE_ATTRS(get_window),
	{ { "count", "number of rows" }, get_count, 0 },
	{ { NULL, NULL }, NULL, 0 },
};

static struct hs_err *unknown(struct lg_value *v, const char *name)
{
	const struct lg_view_ops *ops = v->u.view.ops;
	const struct lg_word *own = ops->attrs, *other = ops->elsewhere;
	struct hs_err *err = hs_err_new(HS_ERR_NAME, "%s have no attribute %s",
					ops->words, name);
	struct lg_near near = { 0 };

	for (; other && other->name; other++)
		if (!strcmp(other->name, name))
			return hs_err_remedy(err, "%s", other->help);
	for (const struct lg_attr *a = lg_view_attrs; a->word.name; a++)
		lg_near_add(&near, a->word.name, strlen(a->word.name));
	for (; own && own->name; own++)
		lg_near_add(&near, own->name, strlen(own->name));
	return lg_near_remedy(err, &near, name);
}

static struct hs_err *check_options(const struct lg_value *v, const char *name,
				    const struct lg_inner *with)
{
	const char *const *known = v->u.view.ops->options;
	HS_TEXT t = { 0 };

	for (size_t i = 0; i < with->n_options; i++) {
		const char *const *k = known;

		while (k && *k && strcmp(*k, with->options[i].name))
			k++;
		if (k && *k)
			continue;
		for (k = known; k && *k; k++)
			hs_text_addf(&t, "%s%s=", t.len ? ", " : "", *k);
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s takes no option %s", name,
						with->options[i].name),
				     "%s", t.len ? hs_text_str(&t) :
						   "write it without");
	}
	return NULL;
}

struct hs_err *lg_view_call(struct lg_session *s, struct lg_value *v,
			    const char *name, const struct lg_inner *with,
			    struct lg_value **ret)
{
	const struct lg_view_ops *ops = v->u.view.ops;
	struct hs_err *err = check_options(v, name, with);

	if (err)
		return err;
	*ret = NULL;
	for (const struct lg_attr *a = lg_view_attrs; a->word.name; a++)
		if (!strcmp(a->word.name, name) && !with->n_args)
			return a->get(s, v, a->arg, ret);
	md_set_task(v->in->model, s->task);
	if (ops->attr)
		err = ops->attr(s, v, name, with, ret);
	return err || *ret ? err : unknown(v, name);
}

struct hs_err *lg_view_item(struct lg_session *s, struct lg_value *v, int64_t i,
			    struct lg_value **ret)
{
	const struct lg_view_ops *ops = v->u.view.ops;
	struct hs_err *err;
	uint64_t row;

	if (!ops->item)
		return hs_err_new(HS_ERR_USAGE, "%s have no items", ops->words);
	err = lg_row(i, lg_view_rows(v), &row);
	if (err)
		return err;
	md_set_task(v->in->model, s->task);
	return ops->item(s, v, row, ret);
}

struct hs_err *lg_view_doc(struct lg_session *s, struct lg_value *v,
			   json_t **ret)
{
	const struct lg_window *w = &v->u.view.window;
	uint64_t n = lg_view_rows(v), end = lg_window_end(s, w, n);
	struct hs_err *err;

	md_set_task(v->in->model, s->task);
	err = v->u.view.ops->doc(s, v, w->first, end, ret);
	if (err)
		return err;
	json_object_set_new(*ret, "first", wr_u64(w->first));
	json_object_set_new(*ret, "more", wr_u64(n - end));
	return NULL;
}

enum an_relation lg_set_relation(const struct lg_value *v)
{
	return v->kind == LG_SET ? v->u.set.by : AN_BY_CLODO;
}
