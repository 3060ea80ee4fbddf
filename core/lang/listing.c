// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <strings.h>

/*
 * limit=, sort=, order= and filter= of verbs that answer with rows: the same
 * for all of them (LG_VERB_LISTS). What is left is a view of its own, whose
 * rows are numbered as they are shown, over the value that the verb made.
 */

const struct lg_arg lg_listing_options[] = { LG_LISTING_OPTIONS,
					     { .name = NULL } };

struct listing {
	struct lg_value *base; /* what the verb has answered */
	json_t *doc; /* with all its rows */
	const char *key; /* of these: "rows", "paths" */
	uint64_t *row; /* of base, one for each that is left */
	uint64_t n;
};

struct wanted {
	const char *sort, *filter;
	uint64_t limit;
	unsigned order; /* 0: as it is natural; 1: down, 2: up */
};

/* --- rows and cells ------------------------------------------------------- */

static const json_t *columns_of(const json_t *doc)
{
	const json_t *columns = json_object_get(doc, "columns");

	return json_is_array(columns) ? columns : NULL;
}

/* As a column is typed: "in_cycles" for "In cycles". */
static bool is_called(const char *name, const char *typed)
{
	for (; *name && *typed; name++, typed++) {
		int a = *name == ' ' ? '_' : *name, b = *typed;

		if (a >= 'A' && a <= 'Z')
			a += 'a' - 'A';
		if (b >= 'A' && b <= 'Z')
			b += 'a' - 'A';
		if (a != b)
			return false;
	}
	return *name == *typed;
}

/* A column's number; -1: there is none of that name. */
static int column_named(const json_t *doc, const char *name)
{
	const json_t *column;
	size_t i;

	json_array_foreach ((json_t *)columns_of(doc), i, column)
		if (is_called(wr_get_text(column, "name"), name))
			return (int)i;
	return -1;
}

static const json_t *cell_of(const json_t *doc, const json_t *row,
			     const char *name)
{
	const json_t *cell = json_object_get(row, name);

	return columns_of(doc)
		       ? json_array_get(row, (size_t)column_named(doc, name))
	       : json_is_array(cell) ? NULL
				     : cell;
}

/* "rows may be sorted by index, name, size" */
static struct hs_err *no_column(const struct lg_call *call, const json_t *doc,
				const json_t *row, const char *name)
{
	const json_t *column;
	const char *key;
	HS_TEXT t = { 0 };
	json_t *cell;
	size_t i;

	json_array_foreach ((json_t *)columns_of(doc), i, column) {
		if (!*wr_get_text(column, "name"))
			continue;
		hs_text_addf(&t, "%s%s", t.len ? "|" : "",
			     wr_get_text(column, "name"));
	}
	if (!columns_of(doc))
		json_object_foreach ((json_t *)row, key, cell)
			if (!json_is_array(cell))
				hs_text_addf(&t, "%s%s", t.len ? "|" : "", key);
	for (i = 0; i < t.len; i++)
		t.s[i] = t.s[i] == ' ' ? '_'
			 : t.s[i] >= 'A' && t.s[i] <= 'Z'
				 ? (char)(t.s[i] + 'a' - 'A')
				 : t.s[i];
	return hs_err_remedy(hs_err_new(HS_ERR_NAME,
					"%s: sort=%s: there is no such column",
					call->verb->name, name),
			     "sort=%s", hs_text_str(&t));
}

/* --- filter --------------------------------------------------------------- */

static bool has_text(const json_t *cell, const char *text)
{
	const char *s = json_string_value(cell);
	size_t n = strlen(text);

	for (; s && *s; s++)
		if (!strncasecmp(s, text, n))
			return true;
	return s && !n;
}

static bool is_kept(const json_t *row, const char *text)
{
	const json_t *cell;
	const char *key;
	size_t i;

	json_array_foreach ((json_t *)row, i, cell)
		if (has_text(cell, text))
			return true;
	json_object_foreach ((json_t *)row, key, cell)
		if (has_text(cell, text))
			return true;
	return false;
}

/* --- sort ----------------------------------------------------------------- */

struct sorted {
	uint64_t row;
	double number;
	const char *text; /* NULL: a number */
	bool down;
};

static int by_cell(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int way = 0;

	if (!x->text != !y->text)
		return x->text ? 1 : -1; // what is no number comes last
	if (x->text)
		way = strcmp(x->text, y->text);
	else if (x->number != y->number)
		way = x->number < y->number ? -1 : 1;
	if (!way)
		return x->row < y->row ? -1 : x->row > y->row;
	return x->down ? -way : way;
}

/* wr_u64() and wr_i64() write as text what is beyond 2^53: 16 digits. */
static bool is_number(const char *s)
{
	size_t n = strspn(s + (*s == '-'), "0123456789");

	return n >= 16 && !s[n + (*s == '-')];
}

static void set_cell(struct sorted *v, const json_t *cell, unsigned order)
{
	const char *s = json_string_value(cell);

	v->text = s && !is_number(s) ? s : NULL;
	v->number = s ? strtod(s, NULL) : json_number_value(cell);
	v->down = order ? order == 1 : !v->text;
}

static void sort_rows(struct listing *l, const json_t *all,
		      const struct wanted *want)
{
	struct sorted *v = hs_xcalloc(l->n + 1, sizeof(*v));
	uint64_t i;

	for (i = 0; i < l->n; i++) {
		v[i].row = l->row[i];
		set_cell(&v[i],
			 cell_of(l->doc, json_array_get(all, l->row[i]),
				 want->sort),
			 want->order);
	}
	qsort(v, l->n, sizeof(*v), by_cell);
	for (i = 0; i < l->n; i++)
		l->row[i] = v[i].row;
	free(v);
}

/* --- the view ------------------------------------------------------------- */

static uint64_t rows(void *data)
{
	return ((struct listing *)data)->n;
}

static void destroy(void *data)
{
	struct listing *l = data;

	lg_unref(l->base);
	json_decref(l->doc);
	free(l->row);
	free(l);
}

static const struct lg_view_ops ops;

static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	const struct listing *l = lg_view_data(v, &ops);
	LG_GUARD row = lg_int((int64_t)l->row[i]);

	return lg_index(s, l->base, row, ret);
}

/* A row with the number that it is shown by. */
static json_t *numbered(const struct listing *l, uint64_t i)
{
	json_t *all = json_object_get(l->doc, l->key);
	json_t *row = json_copy(json_array_get(all, l->row[i]));
	int column = column_named(l->doc, "index");

	if (json_is_object(row) && json_object_get(row, "index"))
		json_object_set_new(row, "index", wr_u64(i));
	else if (json_is_array(row) && column >= 0)
		json_array_set_new(row, (size_t)column, wr_u64(i));
	return row;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	const struct listing *l = lg_view_data(v, &ops);
	json_t *out = json_copy(l->doc), *shown = json_array();

	(void)s;
	for (; first < end; first++)
		json_array_append_new(shown, numbered(l, first));
	json_object_set_new(out, l->key, shown);
	if (json_object_get(out, "count"))
		json_object_set_new(out, "count", wr_u64(l->n));
	*ret = out;
	return NULL;
}

static const struct lg_view_ops ops = {
	.words = "rows",
	.rows = rows,
	.doc = doc,
	.item = item,
	.destroy = destroy,
};

/* --- options -------------------------------------------------------------- */

static bool is_given(const struct lg_call *call, const char *name)
{
	for (size_t i = 0; i < call->n_options; i++)
		if (!strcmp(call->options[i].name, name))
			return true;
	return false;
}

static struct hs_err *options_of(const struct lg_call *call, struct wanted *ret)
{
	struct hs_err *err = lg_opt_size(call, "limit", 0, &ret->limit);

	if (!err && is_given(call, "order"))
		err = lg_opt_word(call, "order", 0, &ret->order);
	ret->order += is_given(call, "order");
	// one whose columns are named has sorted them itself
	if (!strcmp(lg_verb_option(call->verb, "sort")->values, "COLUMN"))
		ret->sort = lg_opt_text(call, "sort");
	ret->filter = lg_opt_text(call, "filter");
	if (err || ret->limit || !is_given(call, "limit"))
		return err;
	return hs_err_new(HS_ERR_USAGE, "%s: limit=0 would show no row",
			  call->verb->name);
}

/* Every row of a value, up to as many as ".all" shows. */
static struct hs_err *all_rows(struct lg_session *s, struct lg_value *v,
			       json_t **ret)
{
	LG_GUARD all = NULL;
	struct hs_err *err = lg_attribute(s, v, "all", &all);

	if (!err)
		err = lg_doc(s, all, ret);
	if (err || json_object_get(*ret, "rows") ||
	    json_object_get(*ret, "paths"))
		return err;
	json_decref(*ret);
	*ret = NULL;
	return hs_err_new(HS_ERR_USAGE, "sort or filter rows: there are none");
}

static struct hs_err *pick(const struct lg_call *call, struct listing *l,
			   const struct wanted *want)
{
	const json_t *all = json_object_get(l->doc, l->key);
	uint64_t n = json_array_size(all), i;
	const json_t *row = json_array_get(all, 0);

	l->row = hs_xcalloc(n + 1, sizeof(*l->row));
	for (i = 0; i < n; i++)
		if (!want->filter ||
		    is_kept(json_array_get(all, i), want->filter))
			l->row[l->n++] = i;
	if (!want->sort || !n)
		return NULL;
	if (columns_of(l->doc) ? column_named(l->doc, want->sort) < 0
			       : !cell_of(l->doc, row, want->sort))
		return no_column(call, l->doc, row, want->sort);
	sort_rows(l, all, want);
	return NULL;
}

/* A page of so many rows, of what the verb has just made. */
static bool set_page(struct lg_value *v, uint64_t rows)
{
	struct lg_window *w = v->kind == LG_TABLE       ? &v->u.table.window
			      : v->kind == LG_VIEW      ? &v->u.view.window
			      : v->kind == LG_NAMESPACE ? &v->u.space.window
							: NULL;

	if (w && v->refs == 1)
		w->page = rows > LG_ALL_ROWS ? LG_ALL : rows;
	return w && v->refs == 1;
}

static uint64_t page_of(const struct lg_value *v)
{
	return v->kind == LG_TABLE  ? v->u.table.window.page
	       : v->kind == LG_VIEW ? v->u.view.window.page
				    : 0;
}

/* Takes l over. Without an instant there is nothing to look an item up in. */
static struct lg_value *value_of(struct listing *l, uint64_t limit)
{
	struct lg_instant *in = lg_instant_of(l->base);
	uint64_t page = limit > LG_ALL_ROWS ? LG_ALL : limit, i;
	struct lg_value *ret;
	json_t *left;

	if (in)
		return lg_view(in, &ops, l, page);
	left = json_array();
	for (i = 0; i < l->n; i++)
		json_array_append_new(left, numbered(l, i));
	json_object_set_new(l->doc, l->key, left);
	ret = lg_table_of(NULL, json_incref(l->doc), page, NULL);
	destroy(l);
	return ret;
}

struct hs_err *lg_listing(const struct lg_call *call, struct lg_value **ret)
{
	struct wanted want = { 0 };
	struct listing *l;
	struct hs_err *err = options_of(call, &want);

	if (err || !*ret || (!want.limit && !want.sort && !want.filter))
		return err;
	if (!want.sort && !want.filter && set_page(*ret, want.limit))
		return NULL;
	l = hs_xcalloc(1, sizeof(*l));
	l->base = lg_ref(*ret);
	err = all_rows(call->session, *ret, &l->doc);
	if (!err) {
		l->key = json_object_get(l->doc, "rows") ? "rows" : "paths";
		err = pick(call, l, &want);
	}
	if (err) {
		destroy(l);
		return err;
	}
	lg_unref(*ret);
	*ret = value_of(l, want.limit ? want.limit : page_of(l->base));
	return NULL;
}
