// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * A ready document, paged. Its rows stay in one array; a window copies only
 * references.
 */

uint64_t lg_table_rows(const struct lg_value *v)
{
	return json_array_size(json_object_get(v->u.table.doc, "rows"));
}

static struct lg_value *same_table(struct lg_value *v)
{
	return lg_table_of(v->in, json_incref(v->u.table.doc),
			   v->u.table.window.page, v->u.table.addr);
}

static struct hs_err *get_window(struct lg_session *s, struct lg_value *v,
				 int64_t how, struct lg_value **ret)
{
	LG_GUARD moved = same_table(v);
	struct hs_err *err;

	moved->u.table.window = v->u.table.window;
	err = lg_window_move(s, &moved->u.table.window, lg_table_rows(v), how);
	if (!err)
		*ret = hs_take(moved);
	return err;
}

static struct hs_err *get_count(struct lg_session *s, struct lg_value *v,
				int64_t arg, struct lg_value **ret)
{
	(void)s;
	(void)arg;
	*ret = lg_int((int64_t)lg_table_rows(v));
	return NULL;
}

const struct lg_attr lg_table_attrs[] = {
	LG_PAGE_ATTRS(get_window),
	{ { "count", "number of rows" }, get_count, 0 },
	{ { NULL, NULL }, NULL, 0 },
};

const struct lg_method lg_table_methods[] = {
	{ { "dump", "append a statistic to a file that Heapy reads, too" },
	  lg_table_dump,
	  "dump('FILE.hpy')" },
	{ { "format", "of asized: it is printed so" },
	  lg_sized_format,
	  "format()" },
	{ { "get", "of asized: the row of that name" },
	  lg_sized_get,
	  "get('NAME')" },
	{ { NULL, NULL }, NULL, NULL },
};

static struct lg_value *from_json(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_STRING:
		return lg_text(json_string_value(j), json_string_length(j));
	case JSON_INTEGER:
		return lg_int(json_integer_value(j));
	case JSON_REAL:
		return lg_float(json_real_value(j));
	case JSON_TRUE:
	case JSON_FALSE:
		return lg_bool(json_is_true(j));
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NULL:
	default:
		return lg_none();
	}
}

static struct lg_value *list_of(const json_t *row)
{
	size_t n = json_is_array(row) ? json_array_size(row)
				      : json_object_size(row);
	struct lg_value **items = hs_xcalloc(n ? n : 1, sizeof(*items));
	struct lg_value *list;
	const char *key;
	json_t *cell;
	size_t i = 0;

	if (json_is_array(row)) {
		for (; i < n; i++)
			items[i] = from_json(json_array_get(row, i));
	} else {
		json_object_foreach ((json_t *)row, key, cell)
			items[i++] = from_json(cell);
	}
	list = lg_list(items, i);
	while (i)
		lg_unref(items[--i]);
	free(items);
	return list;
}

struct hs_err *lg_table_row(struct lg_value *v, uint64_t row,
			    struct lg_value **ret)
{
	const struct lg_table_value *t = &v->u.table;

	if (t->addr && t->addr[row] && v->in)
		*ret = lg_object(v->in, t->addr[row]);
	else
		*ret = list_of(
			json_array_get(json_object_get(t->doc, "rows"), row));
	return NULL;
}

json_t *lg_table_doc(struct lg_session *s, const struct lg_value *v)
{
	const struct lg_table_value *t = &v->u.table;
	json_t *doc = json_copy(t->doc);
	json_t *all = json_object_get(t->doc, "rows"), *rows;
	uint64_t n = json_array_size(all), end;

	if (!json_is_array(all))
		return doc;
	end = lg_window_end(s, &t->window, n);
	rows = json_array();
	for (uint64_t i = t->window.first; i < end; i++)
		json_array_append(rows, json_array_get(all, i));
	json_object_set_new(doc, "rows", rows);
	json_object_set_new(doc, "first", wr_u64(t->window.first));
	json_object_set_new(doc, "more", wr_u64(n - end));
	return doc;
}
