// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <stdarg.h>

struct lg_value *lg_value_create(enum lg_kind kind, struct lg_instant *in)
{
	struct lg_value *v = hs_xalloc(sizeof(*v));

	v->refs = 1;
	v->kind = kind;
	v->in = in ? lg_instant_ref(in) : NULL;
	return v;
}

struct lg_value *lg_ref(struct lg_value *v)
{
	v->refs++;
	return v;
}

static void parts_unref(struct lg_parts *parts)
{
	if (!parts || --parts->refs)
		return;
	an_partition_destroy(parts->p);
	lg_unref(parts->er);
	free(parts);
}

void lg_kind_unref(struct lg_kind_value *k)
{
	if (!k || --k->refs)
		return;
	free(k->words);
	free(k);
}

static void list_deinit(struct lg_value *v)
{
	for (size_t i = 0; i < v->u.list.n; i++)
		lg_unref(v->u.list.v[i]);
	free(v->u.list.v);
}

static void content_deinit(struct lg_value *v)
{
	switch (v->kind) {
	case LG_TEXT:
	case LG_RAW:
	case LG_WORDS:
		free(v->u.text.s);
		break;
	case LG_LIST:
		list_deinit(v); // at most LG_MAX_LIST_DEPTH levels
		break;
	case LG_SET:
	case LG_MAPROX:
		parts_unref(v->u.set.parts);
		lg_kind_unref(v->u.set.kind);
		gr_set_unref(v->u.set.nodes);
		break;
	case LG_TABLE:
		json_decref(v->u.table.doc);
		free(v->u.table.addr);
		break;
	case LG_VIEW:
		lg_view_deinit(&v->u.view);
		break;
	case LG_KINDS:
		lg_unref(v->u.kinds.list);
		break;
	case LG_NONE:
	case LG_BOOL:
	case LG_INT:
	case LG_FLOAT:
	case LG_BYTES:
	case LG_OBJECT:
	case LG_NAMESPACE:
	case LG_RELATION:
	default:
		break;
	}
}

void lg_unref(struct lg_value *v)
{
	if (!v || --v->refs)
		return;
	content_deinit(v);
	lg_instant_unref(v->in);
	free(v);
}

enum lg_kind lg_kind(const struct lg_value *v)
{
	return v->kind;
}

const char *lg_kind_words(const struct lg_value *v)
{
	static const char *const words[] = {
		[LG_NONE] = "None",
		[LG_BOOL] = "True or False",
		[LG_INT] = "a number",
		[LG_FLOAT] = "a number",
		[LG_TEXT] = "a string of the shell",
		[LG_RAW] = "bytes of the shell",
		[LG_BYTES] = "a number",
		[LG_LIST] = "a list of values",
		[LG_OBJECT] = "an object of the program",
		[LG_SET] = "a set",
		[LG_TABLE] = "a table",
		[LG_WORDS] = "a sentence",
		[LG_NAMESPACE] = "a table of threads or frames",
		[LG_VIEW] = "a listing",
		[LG_RELATION] = "a relation",
		[LG_MAPROX] = "a set's members",
		[LG_KINDS] = "a list of kinds",
	};

	return words[v->kind];
}

/* --- making --------------------------------------------------------------- */

struct lg_value *lg_none(void)
{
	return lg_value_create(LG_NONE, NULL);
}

static struct lg_value *number(enum lg_kind kind, int64_t i)
{
	struct lg_value *v = lg_value_create(kind, NULL);

	v->u.i = i;
	return v;
}

struct lg_value *lg_bool(bool b)
{
	return number(LG_BOOL, b);
}

struct lg_value *lg_int(int64_t i)
{
	return number(LG_INT, i);
}

struct lg_value *lg_bytes(uint64_t n)
{
	return number(LG_BYTES, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

struct lg_value *lg_bytes_about(uint64_t n)
{
	struct lg_value *v = lg_bytes(n);

	v->about = true;
	return v;
}

struct lg_value *lg_float(double f)
{
	struct lg_value *v = lg_value_create(LG_FLOAT, NULL);

	v->u.f = f;
	return v;
}

static struct lg_value *text(enum lg_kind kind, const char *s, size_t n)
{
	struct lg_value *v = lg_value_create(kind, NULL);

	v->u.text.s = hs_xalloc(n + 1);
	memcpy(v->u.text.s, s, n);
	v->u.text.n = n;
	return v;
}

struct lg_value *lg_text(const char *s, size_t n)
{
	return text(LG_TEXT, s, n);
}

struct lg_value *lg_raw(const char *s, size_t n)
{
	return text(LG_RAW, s, n);
}

struct lg_value *lg_words(const char *fmt, ...)
{
	struct lg_value *v = lg_value_create(LG_WORDS, NULL);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&v->u.text.s, fmt, ap);
	va_end(ap);
	if (n < 0)
		v->u.text.s = hs_xstrdup("");
	v->u.text.n = n < 0 ? 0 : (size_t)n;
	return v;
}

struct lg_value *lg_list(struct lg_value *const *items, size_t n)
{
	struct lg_value *v = lg_value_create(LG_LIST, NULL);

	v->u.list.v = hs_xcalloc(n ? n : 1, sizeof(*v->u.list.v));
	v->u.list.n = n;
	v->u.list.weight = n + 1;
	for (size_t i = 0; i < n; i++) {
		struct lg_value *item = items[i];

		v->u.list.v[i] = lg_ref(item);
		if (!v->in && item->in)
			v->in = lg_instant_ref(item->in);
		if (item->kind != LG_LIST)
			continue;
		v->u.list.weight += item->u.list.weight;
		if (item->u.list.depth >= v->u.list.depth)
			v->u.list.depth = item->u.list.depth + 1;
	}
	return v;
}

struct lg_value *lg_object(struct lg_instant *in, uint64_t addr)
{
	struct lg_value *v = lg_value_create(LG_OBJECT, in);

	v->u.addr = addr;
	return v;
}

struct lg_value *lg_set(struct lg_instant *in, struct gr_set *set,
			enum an_relation by)
{
	struct lg_value *v = lg_value_create(LG_SET, in);

	v->u.set.nodes = gr_set_ref(set);
	// rows by index are made by lg_findex_rows() alone
	v->u.set.by = by == AN_BY_FINDEX ? AN_BY_CLODO : by;
	v->u.set.parts = hs_xalloc(sizeof(*v->u.set.parts));
	v->u.set.parts->refs = 1;
	return v;
}

struct lg_value *lg_kind_set(struct lg_instant *in, struct gr_set *nodes,
			     struct lg_kind_value *k)
{
	struct lg_value *v = lg_set(in, nodes, AN_BY_CLODO);

	v->u.set.kind = k;
	return v;
}

struct lg_value *lg_relation(enum an_relation by)
{
	struct lg_value *v = lg_value_create(LG_RELATION, NULL);

	v->u.by = by;
	return v;
}

struct lg_value *lg_table(struct lg_instant *in, json_t *doc)
{
	return lg_table_of(in, doc, 0, NULL);
}

struct lg_value *lg_table_of(struct lg_instant *in, json_t *doc, size_t page,
			     const uint64_t *addr)
{
	struct lg_value *v = lg_value_create(LG_TABLE, in);
	size_t n = json_array_size(json_object_get(doc, "rows"));

	v->u.table.doc = doc;
	v->u.table.window.page = page;
	if (addr) {
		v->u.table.addr = hs_xcalloc(n ? n : 1, sizeof(*addr));
		memcpy(v->u.table.addr, addr, n * sizeof(*addr));
	}
	return v;
}

struct lg_value *lg_space(struct lg_instant *in, enum lg_space space,
			  uint32_t thread, uint32_t frame)
{
	struct lg_value *v = lg_value_create(LG_NAMESPACE, in);

	v->u.space.space = space;
	v->u.space.thread = thread;
	v->u.space.frame = frame;
	return v;
}

/* --- looking -------------------------------------------------------------- */

int64_t lg_as_int(const struct lg_value *v)
{
	return v->kind == LG_INT || v->kind == LG_BOOL || v->kind == LG_BYTES
		       ? v->u.i
		       : 0;
}

double lg_as_float(const struct lg_value *v)
{
	return v->kind == LG_FLOAT ? v->u.f : (double)lg_as_int(v);
}

const char *lg_as_text(const struct lg_value *v, size_t *n)
{
	if (v->kind != LG_TEXT && v->kind != LG_RAW && v->kind != LG_WORDS)
		return NULL;
	if (n)
		*n = v->u.text.n;
	return v->u.text.s;
}

uint64_t lg_as_address(const struct lg_value *v)
{
	return v->kind == LG_OBJECT ? v->u.addr : 0;
}

struct lg_instant *lg_instant_of(const struct lg_value *v)
{
	return v->in;
}

struct gr_set *lg_as_set(const struct lg_value *v)
{
	return v->kind == LG_SET ? v->u.set.nodes : NULL;
}

size_t lg_items(const struct lg_value *v, struct lg_value *const **ret)
{
	if (v->kind != LG_LIST)
		return 0;
	*ret = v->u.list.v;
	return v->u.list.n;
}
