// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* OBJ[key] and OBJ[from:to] of objects of the program. */

enum {
	MAX_SLICE = 10000, /* objects that a slice may have */
	MAX_KEY_ITEMS = 1000, /* of a tuple that is a key */
	MAX_KEYS = 10000, /* of a mapping whose keys are looked at */
	KEY_COLUMNS = 200,
};

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

int lg_each_text_key(struct lg_session *s, const struct lg_value *v,
		     int (*fn)(void *arg, const char *text), void *arg)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct heapsh_measure size = { .size = sizeof(size) };
	struct hs_err *err;
	struct md_edge *edges;
	struct md_object o;
	int goes_on = 1;
	size_t n;

	if (!md_measure(m, v->u.addr, &size) || !size.has_exact_length ||
	    size.exact_length > MAX_KEYS)
		return 1;
	err = md_edges(m, v->u.addr, &edges, &n);
	hs_err_free(err);
	if (err)
		return 1;
	for (size_t i = 0; goes_on && i < n; i++) {
		HS_FREE char *text = NULL;

		if (edges[i].e.label != HEAPSH_LABEL_VALUE || !edges[i].e.a ||
		    !md_object_at(m, edges[i].e.a, &o) ||
		    !(o.type->flags & HEAPSH_TYPE_TEXT))
			continue;
		text = md_render(m, edges[i].e.a, HEAPSH_RENDER_TEXT,
				 KEY_COLUMNS);
		goes_on = fn(arg, text);
	}
	free(edges);
	return goes_on;
}

static int add_near(void *arg, const char *text)
{
	lg_near_add(arg, text, strlen(text));
	return 1;
}

/* A table of pandas, an array of numbers: code of its own makes the items. */
static bool makes_items(struct lg_session *s, const struct lg_value *v)
{
	struct md_model *m = lg_instant_model(v->in, s->task);
	struct heapsh_measure size = { .size = sizeof(size) };
	static const char name[] = "__getitem__";

	return !(md_measure(m, v->u.addr, &size) && size.has_exact_length) &&
	       md_attr(m, v->u.addr, name, sizeof(name) - 1);
}

/* With the key that is near, or, where there is none, with how to see all. */
static struct hs_err *no_item(struct lg_session *s, const struct lg_value *v,
			      const struct lg_value *key)
{
	HS_FREE char *words = lg_object_words(s, v);
	struct lg_near near = { 0 };
	HS_TEXT shown = { 0 };
	HS_TEXT other = { 0 };
	const char *found = NULL;
	struct hs_err *err;

	if (key->kind == LG_TEXT) {
		lg_each_text_key(s, v, add_near, &near);
		found = hs_nearest(key->u.text.s,
				   (const char *const *)near.words.v,
				   near.words.n);
	}
	add_key(&shown, key);
	err = hs_err_new(HS_ERR_NAME, "%s has no item [%s]", words,
			 hs_text_str(&shown));
	if (found) {
		hs_text_escape(&other, found, strlen(found));
		err = hs_err_remedy(err, "['%s']", hs_text_str(&other));
	} else if (makes_items(s, v)) {
		err = hs_err_remedy(err, "call 0x%llx.__getitem__(%s)",
				    (unsigned long long)v->u.addr,
				    hs_text_str(&shown));
	} else {
		err = hs_err_remedy(err, "show OBJ, for what it has");
	}
	lg_near_drop(&near);
	return err;
}

/* What [key] is, or *ret stays NULL. */
static void look_up(struct md_model *m, struct lg_value *v,
		    const struct heapsh_key *k, struct lg_value **ret)
{
	uint64_t addr = md_item(m, v->u.addr, k);
	int64_t n;

	if (addr)
		*ret = lg_object(v->in, addr);
	else if (md_item_number(m, v->u.addr, k, &n))
		*ret = lg_int(n);
	else
		*ret = lg_scalar(m, v->u.addr, k);
}

struct hs_err *lg_key_of(const struct lg_instant *in,
			 const struct lg_value *key, struct hs_arena *arena,
			 struct heapsh_key *ret)
{
	size_t budget = MAX_KEY_ITEMS;

	if (key->in && key->in != in)
		return hs_err_new(HS_ERR_USAGE,
				  "the key is of instant %u, "
				  "the object of instant %u",
				  key->in->number, in->number);
	return to_key(arena, key, &budget, ret);
}

struct hs_err *lg_object_item(struct lg_session *s, struct lg_value *v,
			      struct lg_value *key, struct lg_value **ret)
{
	struct lg_value *found = NULL;
	struct hs_arena arena = { 0 };
	struct heapsh_key k;
	struct hs_err *err = lg_key_of(v->in, key, &arena, &k);

	if (!err)
		look_up(lg_instant_model(v->in, s->task), v, &k, &found);
	hs_arena_deinit(&arena);
	if (err)
		return err;
	if (!found)
		return is_text(s, v) ? no_items(s, v) : no_item(s, v, key);
	*ret = found;
	return NULL;
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
