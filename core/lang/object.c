// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Objects of the program. Their attributes and items are the program's own,
 * resolved by the plugin; nothing of the program is run.
 */

enum {
	REPR_COLUMNS = 400,
	MAX_SLICE = 10000, /* objects that a slice may have */
	MAX_KEY_ITEMS = 1000, /* of a tuple that is a key */
};

char *lg_object_words(struct lg_session *s, const struct lg_value *v)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct md_object o;

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
	       k.kind == HEAPSH_KEY_BOOL ? lg_bool(k.i != 0) : lg_int(k.i);
}

struct hs_err *lg_object_attr(struct lg_session *s, struct lg_value *v,
			      const char *name, size_t n, struct lg_value **ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	const struct heapsh_key key = { .kind = HEAPSH_KEY_STR,
					.text = { name, n } };
	uint64_t addr = md_attr(m, v->u.addr, name, n);
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

/* --- [key] ---------------------------------------------------------------- */

static struct hs_err *to_key(struct hs_arena *arena, const struct lg_value *v,
			     size_t *budget, struct heapsh_key *ret);

static struct hs_err *tuple_key(struct hs_arena *arena,
				const struct lg_value *v, size_t *budget,
				struct heapsh_key *ret)
{
	struct heapsh_key *items =
		hs_arena_alloc(arena, (v->u.list.n + 1) * sizeof(*items));
	struct hs_err *err = NULL;

	for (size_t i = 0; !err && i < v->u.list.n; i++)
		err = to_key(arena, v->u.list.v[i], budget, &items[i]);
	ret->kind = HEAPSH_KEY_TUPLE;
	ret->items = items;
	ret->n_items = (uint32_t)v->u.list.n;
	return err;
}

/* Recursion ends at LG_MAX_LIST_DEPTH; *budget bounds the breadth. */
static struct hs_err *to_key(struct hs_arena *arena, const struct lg_value *v,
			     size_t *budget, struct heapsh_key *ret)
{
	*ret = (struct heapsh_key){ 0 };
	if (!(*budget)--) {
		*budget = 0;
		return hs_err_new(HS_ERR_USAGE, "a key of more than %d items",
				  MAX_KEY_ITEMS);
	}
	switch (v->kind) {
	case LG_NONE:
		ret->kind = HEAPSH_KEY_NONE;
		return NULL;
	case LG_BOOL:
	case LG_INT:
	case LG_BYTES:
		ret->kind =
			v->kind == LG_BOOL ? HEAPSH_KEY_BOOL : HEAPSH_KEY_INT;
		ret->i = v->u.i;
		return NULL;
	case LG_FLOAT:
		ret->kind = HEAPSH_KEY_FLOAT;
		ret->f = v->u.f;
		return NULL;
	case LG_TEXT:
	case LG_RAW:
		ret->kind =
			v->kind == LG_TEXT ? HEAPSH_KEY_STR : HEAPSH_KEY_BYTES;
		ret->text.s = v->u.text.s;
		ret->text.n = v->u.text.n;
		return NULL;
	case LG_OBJECT:
		ret->kind = HEAPSH_KEY_OBJECT;
		ret->i = (int64_t)v->u.addr;
		return NULL;
	case LG_LIST:
		return tuple_key(arena, v, budget, ret);
	case LG_SET:
	case LG_TABLE:
	case LG_WORDS:
	case LG_NAMESPACE:
	case LG_VIEW:
	case LG_RELATION:
	case LG_MAPROX:
	case LG_KINDS:
	default:
		return hs_err_new(HS_ERR_USAGE, "%s cannot be a key",
				  lg_kind_words(v));
	}
}

/* "'k'", "3": a key as it is typed. */
static void add_key(struct hs_text *t, const struct lg_value *key)
{
	if (key->kind == LG_TEXT || key->kind == LG_RAW) {
		hs_text_add(t, key->kind == LG_RAW ? "b'" : "'");
		hs_text_escape(t, key->u.text.s,
			       key->u.text.n < 80 ? key->u.text.n : 80);
		hs_text_addc(t, '\'');
	} else if (key->kind == LG_INT || key->kind == LG_BYTES) {
		hs_text_addf(t, "%lld", (long long)key->u.i);
	} else if (key->kind == LG_OBJECT) {
		hs_text_addf(t, "0x%llx", (unsigned long long)key->u.addr);
	} else {
		hs_text_add(t, "…");
	}
}

/* Of a text, whose characters are no objects of the program. */
static struct hs_err *no_items(struct lg_session *s, const struct lg_value *v)
{
	HS_FREE char *words = lg_object_words(s, v);

	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"%s has no items: its characters are "
					"not objects",
					words),
			     "show OBJ");
}

static bool is_text(struct lg_session *s, const struct lg_value *v)
{
	struct md_object o;

	return md_object_at(lg_instant_model(v->in, s->task), v->u.addr, &o) &&
	       o.type->flags & HEAPSH_TYPE_TEXT;
}

struct hs_err *lg_object_item(struct lg_session *s, struct lg_value *v,
			      struct lg_value *key, struct lg_value **ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct hs_arena arena = { 0 };
	size_t budget = MAX_KEY_ITEMS;
	HS_FREE char *words = NULL;
	HS_TEXT shown = { 0 };
	struct lg_value *scalar = NULL;
	struct heapsh_key k;
	struct hs_err *err;
	bool number = false;
	uint64_t addr = 0;
	int64_t n;

	if (key->in && key->in != v->in)
		return hs_err_new(HS_ERR_USAGE,
				  "the key is of instant %u, "
				  "the object of instant %u",
				  key->in->number, v->in->number);
	err = to_key(&arena, key, &budget, &k);
	if (!err)
		addr = md_item(m, v->u.addr, &k);
	if (!err && !addr)
		number = md_item_number(m, v->u.addr, &k, &n);
	if (!err && !addr && !number)
		scalar = lg_scalar(m, v->u.addr, &k);
	hs_arena_deinit(&arena);
	if (err)
		return err;
	if (addr || number || scalar) {
		*ret = addr ? lg_object(v->in, addr) :
		       number ? lg_int(n) : scalar;
		return NULL;
	}
	if (is_text(s, v))
		return no_items(s, v);
	words = lg_object_words(s, v);
	add_key(&shown, key);
	return hs_err_new(HS_ERR_NAME, "%s has no item [%s]", words,
			  hs_text_str(&shown));
}

static uint64_t item_at(struct md_model *m, uint64_t addr, uint64_t i)
{
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT, .i = (int64_t)i };

	return md_item(m, addr, &key);
}

/* Length of a sequence by asking for its items: there is no other question
 * that every runtime answers. O(log length). */
static uint64_t sequence_length(struct md_model *m, uint64_t addr)
{
	uint64_t low = 0, high = 1;

	if (!item_at(m, addr, 0))
		return 0;
	while (high < INT32_MAX && item_at(m, addr, high)) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) { // low is there, high is not
		uint64_t middle = low + (high - low) / 2;

		if (item_at(m, addr, middle))
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct hs_err *lg_object_slice(struct lg_session *s, struct lg_value *v,
			       struct lg_value *const bound[3],
			       struct lg_value **ret)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct lg_value **items;
	struct lg_range r;
	struct hs_err *err;
	size_t n = 0;

	if (is_text(s, v))
		return no_items(s, v);
	err = lg_range(bound, sequence_length(m, v->u.addr), &r);
	if (err)
		return err;
	if (r.n > MAX_SLICE)
		return hs_err_new(HS_ERR_USAGE,
				  "a slice of %llu objects: at "
				  "most %d",
				  (unsigned long long)r.n, MAX_SLICE);
	items = hs_xcalloc(r.n + 1, sizeof(*items));
	for (uint64_t i = 0; !err && i < r.n; i++) {
		uint64_t addr = item_at(
			m, v->u.addr, (uint64_t)(r.from + (int64_t)i * r.step));

		if (addr)
			items[n++] = lg_object(v->in, addr);
		err = hs_check_cancel(s->task);
	}
	if (!err)
		*ret = lg_list(items, n);
	while (n)
		lg_unref(items[--n]);
	free(items);
	return err;
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
