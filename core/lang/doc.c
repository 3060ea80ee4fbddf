// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Values as documents (core/wire/doc.h). */

static json_t *with_value(const char *type, json_t *value)
{
	json_t *doc = wr_doc_create(type);

	json_object_set_new(doc, "value", value);
	return doc;
}

static json_t *text_doc(const char *type, const struct lg_value *v)
{
	json_t *doc = wr_doc_create(type);

	wr_set_text(doc, "value", v->u.text.s, v->u.text.n);
	return doc;
}

/* Bytes of the shell are shown as they are typed: b'…'. */
static json_t *raw_doc(const struct lg_value *v)
{
	json_t *doc = wr_doc_create("text");
	HS_TEXT t = { 0 };

	hs_text_add(&t, "b'");
	for (size_t i = 0; i < v->u.text.n; i++) {
		unsigned char c = (unsigned char)v->u.text.s[i];

		if (c < ' ' || c >= 0x7f || c == '\'' || c == '\\')
			hs_text_addf(&t, "\\x%02x", c);
		else
			hs_text_addc(&t, (char)c);
	}
	hs_text_addc(&t, '\'');
	wr_set_text(doc, "value", hs_text_str(&t), t.len);
	return doc;
}

/* A document inside another: what is common to all is said once. */
static json_t *as_body(json_t *doc)
{
	static const char *const common[] = { "schema", "command", "instant",
					      "partial" };

	for (size_t i = 0; i < HS_ARRAY_SIZE(common); i++)
		json_object_del(doc, common[i]);
	return doc;
}

static struct hs_err *list_doc(struct lg_session *s, struct lg_value *v,
			       json_t **ret)
{
	json_t *items = json_array();
	struct hs_err *err = NULL;

	for (size_t i = 0; !err && i < v->u.list.n; i++) {
		json_t *item = NULL;

		err = lg_doc(s, v->u.list.v[i], &item);
		if (!err)
			json_array_append_new(items, as_body(item));
	}
	if (err)
		json_decref(items);
	else
		*ret = with_value("list", items);
	return err;
}

/* "Type & Size: exact type & flat bytes of one object" */
static struct hs_err *relation_doc(const struct lg_value *v, json_t **ret)
{
	enum an_relation factor[AN_MAX_FACTORS];
	size_t n = an_by_factors(v->u.by, factor);
	HS_TEXT words = { 0 }, helps = { 0 };
	json_t *doc = wr_doc_create("text");

	for (size_t i = 0; i < n; i++) {
		const char *help = "";
		const char *word = an_relation_word(factor[i], NULL, &help);

		hs_text_addf(&words, "%s%s", i ? " & " : "", word);
		hs_text_addf(&helps, "%s%s", i ? " & " : "", help);
	}
	hs_text_addf(&words, ": by %s", hs_text_str(&helps));
	wr_set_text(doc, "value", hs_text_str(&words), words.len);
	*ret = doc;
	return NULL;
}

struct hs_err *lg_doc(struct lg_session *s, struct lg_value *v, json_t **ret)
{
	switch (v->kind) {
	case LG_NONE:
		*ret = with_value("none", json_null());
		return NULL;
	case LG_BOOL:
		*ret = with_value("bool", json_boolean(v->u.i));
		return NULL;
	case LG_INT:
		*ret = with_value("number", wr_i64(v->u.i));
		return NULL;
	case LG_FLOAT:
		*ret = with_value("number", wr_real(v->u.f));
		return NULL;
	case LG_BYTES:
		*ret = with_value("bytes", wr_i64(v->u.i));
		if (v->about)
			json_object_set_new(*ret, "approximate", json_true());
		return NULL;
	case LG_TEXT:
		*ret = text_doc("text", v);
		return NULL;
	case LG_RAW:
		*ret = raw_doc(v);
		return NULL;
	case LG_WORDS:
		*ret = text_doc("words", v);
		return NULL;
	case LG_LIST:
		return list_doc(s, v, ret);
	case LG_OBJECT:
		return lg_object_doc(s, v, ret);
	case LG_SET:
		return lg_set_doc(s, v, ret);
	case LG_TABLE:
		*ret = lg_table_doc(s, v);
		return NULL;
	case LG_NAMESPACE:
		return lg_space_doc(s, v, ret);
	case LG_VIEW:
		return lg_view_doc(s, v, ret);
	case LG_RELATION:
		return relation_doc(v, ret);
	case LG_KINDS:
		return lg_kinds_doc(s, v, ret);
	case LG_MAPROX:
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"maprox is asked for an "
						"attribute or an item"),
				     "SET.maprox.name, SET.maprox[0]");
	default:
		return hs_err_new(HS_ERR_OTHER, "print: unknown kind %d",
				  (int)v->kind);
	}
}
