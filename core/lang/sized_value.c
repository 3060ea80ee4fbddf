// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * What asized answers has the attributes of Pympler's Asized, of one object:
 * .size .flat .name .refs, .format() and .get(NAME).
 */

/* The tree of the one object that v was asked for; NULL: it is none. */
static json_t *tree_of(const struct lg_value *v)
{
	const char *type;
	json_t *items;

	if (v->kind != LG_TABLE)
		return NULL;
	type = json_string_value(json_object_get(v->u.table.doc, "type"));
	items = json_object_get(v->u.table.doc, "items");
	return type && !strcmp(type, "sized") && json_array_size(items) == 1 ?
		       json_array_get(items, 0) :
		       NULL;
}

static struct lg_value *trees(struct lg_instant *in, json_t *items)
{
	json_t *doc = wr_doc_create("sized");

	if (json_array_size(items) == 1)
		json_object_update(doc, json_array_get(items, 0));
	json_object_set(doc, "items", items);
	return lg_table(in, doc);
}

bool lg_sized_attr(struct lg_value *v, const char *name, struct lg_value **ret)
{
	static const char *const numbers[] = { "size", "flat", "held" };
	json_t *tree = tree_of(v), *j = json_object_get(tree, name);

	if (!j)
		return false;
	for (size_t i = 0; i < HS_ARRAY_SIZE(numbers); i++)
		if (!strcmp(name, numbers[i]))
			*ret = lg_int(json_integer_value(j));
	if (!strcmp(name, "name"))
		*ret = lg_text(json_string_value(j), json_string_length(j));
	if (!strcmp(name, "refs"))
		*ret = trees(v->in, j);
	return *ret;
}

static struct hs_err *not_sized(const char *name)
{
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"%s is of what asized answers of one "
					"object",
					name),
			     "asized(OBJ).%s()", name);
}

struct hs_err *lg_sized_format(struct lg_session *s, struct lg_value *v,
			       const struct lg_args *args,
			       struct lg_value **ret)
{
	(void)s;
	if (!tree_of(v))
		return not_sized("format");
	if (args->n)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"format takes no arguments "
						"here"),
				     "asized OBJ detail=N, N levels deep");
	*ret = lg_ref(v);
	return NULL;
}

struct hs_err *lg_sized_get(struct lg_session *s, struct lg_value *v,
			    const struct lg_args *args, struct lg_value **ret)
{
	json_t *refs = json_object_get(tree_of(v), "refs"), *one, *list;
	const char *name, *found;
	size_t i;

	(void)s;
	if (!tree_of(v))
		return not_sized("get");
	if (args->n != 1 || args->v[0]->kind != LG_TEXT)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"get takes the name of a row"),
				     "asized(OBJ, detail=1).get('NAME')");
	name = args->v[0]->u.text.s;
	json_array_foreach (refs, i, one) {
		found = json_string_value(json_object_get(one, "name"));
		if (!found || strcmp(found, name))
			continue;
		list = json_array();
		json_array_append(list, one);
		*ret = trees(v->in, list);
		json_decref(list);
		return NULL;
	}
	return hs_err_new(HS_ERR_NAME,
			  "get: no row is named %s: .refs has them, of "
			  "asized(OBJ, detail=1)",
			  name);
}
