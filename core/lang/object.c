// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Objects of the program. Their attributes and items are the program's own,
 * resolved by the plugin; nothing of the program is run.
 */

enum { REPR_COLUMNS = 400 };

/* The name of the module at addr, when it is one. */
struct module_at {
	uint64_t addr;
	char *words; /* "module os"; owned by who asks */
};

static int is_module_at(void *arg, struct heapsh_text name, uint64_t target)
{
	struct module_at *at = arg;

	if (target != at->addr)
		return 1;
	at->words = hs_xasprintf("module %.*s", (int)name.n, name.s);
	return 0;
}

char *lg_object_words(struct lg_session *s, const struct lg_value *v)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct module_at at = { .addr = v->u.addr };
	struct md_object o;

	md_each_module(m, is_module_at, &at);
	if (at.words)
		return at.words;
	if (!md_object_at(m, v->u.addr, &o))
		return hs_xasprintf("object at 0x%llx",
				    (unsigned long long)v->u.addr);
	return hs_xasprintf("%s at 0x%llx", o.type->name,
			    (unsigned long long)v->u.addr);
}

bool lg_is_class(struct lg_session *s, struct lg_value *v, uint32_t *type)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct md_object o;

	*type = md_type_by_address(m, v->u.addr);
	return *type != UINT32_MAX || (md_object_at(m, v->u.addr, &o) &&
				       o.type->flags & HEAPSH_TYPE_OF_TYPES);
}

/* --- .name ---------------------------------------------------------------- */

static int add_near(void *arg, struct heapsh_text name, uint64_t target)
{
	struct lg_near *near = arg;

	(void)target;
	lg_near_add(near, name.s, name.n);
	return near->words.n < 10000;
}

static bool is_set_attr(const char *name)
{
	for (const struct lg_attr *a = lg_set_attrs; a->word.name; a++)
		if (!strcmp(a->word.name, name))
			return true;
	return false;
}

struct lg_value *lg_scalar(struct md_model *m, uint64_t addr,
			   const struct heapsh_key *key)
{
	struct heapsh_key k;

	if (!md_scalar(m, addr, key, &k))
		return NULL;
	return k.kind == HEAPSH_KEY_FLOAT ? lg_float(k.f) :
	       k.kind == HEAPSH_KEY_BYTES ? lg_text(k.text.s, k.text.n) :
	       k.kind == HEAPSH_KEY_BOOL ? lg_bool(k.i != 0) : lg_int(k.i);
}

struct hs_err *lg_object_attr(struct lg_session *s, struct lg_value *v,
			      const char *name, size_t n, struct lg_value **ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	const struct heapsh_key key = { .kind = HEAPSH_KEY_STR,
					.text = { name, n } };
	uint64_t addr = md_attr(m, v->u.addr, name, n);
	const struct lg_verb *verb;
	struct lg_near near = { 0 };
	HS_FREE char *words = NULL;
	struct hs_err *err;

	if (addr) {
		*ret = lg_object(v->in, addr);
		return NULL;
	}
	*ret = lg_scalar(m, v->u.addr, &key);
	if (*ret)
		return NULL;
	words = lg_object_words(s, v);
	err = hs_err_new(HS_ERR_NAME, "%s has no attribute %s", words, name);
	if (is_set_attr(name))
		return hs_err_remedy(err, "of a set: iso(OBJ).%s", name);
	verb = lg_verb_named(s, name, n);
	if (verb && verb->flags & LG_VERB_OF_SETS)
		return hs_err_remedy(err, "%s OBJ", name);
	err = hs_err_remedy(err, "show OBJ, for what it has");
	md_names(m, v->u.addr, "", 0, add_near, &near);
	if (lg_near_has(&near, name)) {
		lg_near_drop(&near);
		hs_err_free(err);
		return hs_err_remedy(hs_err_new(HS_ERR_NAME,
						"%s: .%s is not stored: the "
						"program makes it when asked",
						words, name),
				     "show OBJ, for what is stored");
	}
	return lg_near_remedy(err, &near, name);
}

/* --- its document --------------------------------------------------------- */

struct hs_err *lg_object_doc(struct lg_session *s, struct lg_value *v,
			     json_t **ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct md_object o;
	HS_FREE char *repr = NULL;
	json_t *doc;

	if (!md_object_at(m, v->u.addr, &o)) {
		struct hs_err *err =
			hs_err_new(HS_ERR_FAULT,
				   "read the object at 0x%llx: %s",
				   (unsigned long long)v->u.addr,
				   lg_instant_readable(v->in) ?
					   "no object begins there" :
					   "its instant was released");

		err->addr = v->u.addr;
		return err;
	}
	repr = md_render(m, v->u.addr, HEAPSH_RENDER_REPR, REPR_COLUMNS);
	doc = wr_doc_create("object");
	json_object_set_new(doc, "address", wr_addr(v->u.addr));
	wr_set_text(doc, "kind", o.type->name, strlen(o.type->name));
	json_object_set_new(doc, "flat", wr_u64(o.o.flat));
	json_object_set_new(doc, "held", wr_u64(o.o.held));
	wr_set_text(doc, "value", repr, strlen(repr));
	if (o.o.flags & HEAPSH_OBJECT_APPROXIMATE)
		json_object_set_new(doc, "approximate", json_true());
	if (o.o.flags & HEAPSH_OBJECT_TORN)
		json_object_set_new(doc, "torn", json_true());
	*ret = doc;
	return NULL;
}
