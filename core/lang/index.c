// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* [key] and [from:to:step], sent to the kind of the value. */

static struct hs_err *not_a_row(const struct lg_value *v,
				const struct lg_value *key)
{
	struct hs_err *err = hs_err_new(HS_ERR_USAGE,
					"rows of %s are counted, "
					"not looked up by %s",
					lg_kind_words(v), lg_kind_words(key));

	if (v->kind == LG_SET && key->kind == LG_TEXT)
		return hs_err_remedy(err, "objects of a class: SET & CLASS");
	return err;
}

static struct hs_err *set_row(struct lg_session *s, struct lg_value *v,
			      int64_t i, struct lg_value **ret)
{
	struct an_partition *parts;
	struct lg_range r = { .step = 1, .n = 1 };
	struct hs_err *err = lg_set_parts(s, v, &parts);
	uint64_t row;

	if (!err)
		err = lg_row(i, parts->n_rows, &row);
	if (err)
		return err;
	r.from = (int64_t)row;
	return lg_set_rows(s, v, &r, ret);
}

static struct hs_err *list_item(struct lg_value *v, int64_t i,
				struct lg_value **ret)
{
	uint64_t row;
	struct hs_err *err = lg_row(i, v->u.list.n, &row);

	if (!err)
		*ret = lg_ref(v->u.list.v[row]);
	return err;
}

static struct hs_err *table_row(struct lg_value *v, int64_t i,
				struct lg_value **ret)
{
	uint64_t row;
	struct hs_err *err = lg_row(i, lg_table_rows(v), &row);

	return err ? err : lg_table_row(v, row, ret);
}

struct hs_err *lg_index(struct lg_session *s, struct lg_value *v,
			struct lg_value *key, struct lg_value **ret)
{
	bool is_number = key->kind == LG_INT;

	switch (v->kind) {
	case LG_OBJECT:
		return lg_object_item(s, v, key, ret);
	case LG_NAMESPACE:
		return lg_space_item(s, v, key, ret);
	case LG_SET:
		return is_number ? set_row(s, v, key->u.i, ret)
				 : not_a_row(v, key);
	case LG_LIST:
		return is_number ? list_item(v, key->u.i, ret)
				 : not_a_row(v, key);
	case LG_TABLE:
		return is_number ? table_row(v, key->u.i, ret)
				 : not_a_row(v, key);
	case LG_VIEW:
		return is_number ? lg_view_item(s, v, key->u.i, ret)
				 : not_a_row(v, key);
	case LG_MAPROX:
		return lg_maprox_item(s, v, key, ret);
	case LG_NONE:
	case LG_BOOL:
	case LG_INT:
	case LG_FLOAT:
	case LG_TEXT:
	case LG_RAW:
	case LG_BYTES:
	case LG_WORDS:
	case LG_RELATION:
	case LG_KINDS:
	default:
		return hs_err_new(HS_ERR_USAGE, "%s has no items",
				  lg_kind_words(v));
	}
}

static struct hs_err *list_slice(struct lg_value *v,
				 struct lg_value *const bound[3],
				 struct lg_value **ret)
{
	struct lg_range r;
	struct hs_err *err = lg_range(bound, v->u.list.n, &r);
	struct lg_value **items;

	if (err)
		return err;
	items = hs_xcalloc(r.n + 1, sizeof(*items));
	for (uint64_t i = 0; i < r.n; i++)
		items[i] = v->u.list.v[r.from + (int64_t)i * r.step];
	*ret = lg_list(items, r.n);
	free(items);
	return NULL;
}

/* Rows of a table, as a list of what each row is. */
static struct hs_err *table_slice(struct lg_value *v,
				  struct lg_value *const bound[3],
				  struct lg_value **ret)
{
	struct lg_range r;
	struct hs_err *err = lg_range(bound, lg_table_rows(v), &r);
	struct lg_value **items;
	size_t n = 0;

	if (err)
		return err;
	items = hs_xcalloc(r.n + 1, sizeof(*items));
	for (; !err && n < r.n; n++)
		err = lg_table_row(v, (uint64_t)(r.from + (int64_t)n * r.step),
				   &items[n]);
	if (!err)
		*ret = lg_list(items, n);
	while (n)
		lg_unref(items[--n]);
	free(items);
	return err;
}

static struct hs_err *set_slice(struct lg_session *s, struct lg_value *v,
				struct lg_value *const bound[3],
				struct lg_value **ret)
{
	struct an_partition *parts;
	struct lg_range r;
	struct hs_err *err = lg_set_parts(s, v, &parts);

	if (!err)
		err = lg_range(bound, parts->n_rows, &r);
	return err ? err : lg_set_rows(s, v, &r, ret);
}

struct hs_err *lg_slice(struct lg_session *s, struct lg_value *v,
			struct lg_value *const bound[3], struct lg_value **ret)
{
	switch (v->kind) {
	case LG_OBJECT:
		return lg_object_slice(s, v, bound, ret);
	case LG_SET:
		return set_slice(s, v, bound, ret);
	case LG_LIST:
		return list_slice(v, bound, ret);
	case LG_TABLE:
		return table_slice(v, bound, ret);
	case LG_NAMESPACE:
	case LG_VIEW:
	case LG_NONE:
	case LG_BOOL:
	case LG_INT:
	case LG_FLOAT:
	case LG_TEXT:
	case LG_RAW:
	case LG_BYTES:
	case LG_WORDS:
	case LG_RELATION:
	case LG_MAPROX:
	case LG_KINDS:
	default:
		return hs_err_new(HS_ERR_USAGE, "%s has no slices",
				  lg_kind_words(v));
	}
}
