/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: an array part, a hash part, and what is in them. */
#include "luamem.h"

enum { LARGE = 1 << 16 };	/* items */

/*
 * 5.4, ltable.c, luaH_realasize: when the top bit of flags is set, alimit is a
 * hint for the length, and the array has the next power of two.
 */
static uint64_t real_array_size(const struct lua_layout *l, const uint8_t *p)
{
	uint64_t n = lua_at32(p, l->tab_sizearray), size;

	if (l->tab_alimit < 0 || !(p[l->tab_flags] & 0x80) || !(n & (n - 1)))
		return n;
	for (size = 1; size < n; size *= 2)
		;
	return size;
}

void lua_table_in(const struct lua_mem *m, const uint8_t *p,
		  struct lua_table *ret)
{
	const struct lua_layout *l = m->lay;
	bool dummy;

	*ret = (struct lua_table){ 0 };
	ret->array = lua_at64(p, l->tab_array);
	ret->node = lua_at64(p, l->tab_node);
	ret->metatable = lua_at64(p, l->tab_metatable);
	ret->n_array = real_array_size(l, p);
	// ltable.h, isdummy: without a hash part there is no free position
	dummy = l->minor == 1 ? ret->node == m->dummy :
				lua_at64(p, l->tab_lastfree) == 0;
	if (p[l->tab_lsizenode] > LUA_MAX_LSIZENODE ||
	    ret->n_array > LUA_MAX_ITEMS)
		ret->torn = true;
	else if (!dummy)
		ret->n_node = UINT64_C(1) << p[l->tab_lsizenode];
	ret->large = ret->n_array > LARGE || ret->n_node > LARGE;
}

/* What is large must be there: its end is looked at. */
static bool ends(const struct lua_mem *m, uint64_t at, uint64_t n, int32_t size)
{
	return n <= LARGE ||
	       lua_view(m, at + n * (uint64_t)size - 1, 1) != NULL;
}

bool lua_table_read(const struct lua_mem *m, uint64_t addr,
		    struct lua_table *ret)
{
	const struct lua_layout *l = m->lay;
	const uint8_t *p = addr & 7 ? NULL :
			   lua_view(m, addr, (uint64_t)l->sizeof_table);

	*ret = (struct lua_table){ 0 };
	if (p == NULL || lua_kind_in(l, p) != LUA_TABLE)
		return false;
	lua_table_in(m, p, ret);
	if (ret->large && !ret->torn &&
	    (!ends(m, ret->array, ret->n_array, l->sizeof_value) ||
	     !ends(m, ret->node, ret->n_node, l->sizeof_node)))
		ret->torn = true;
	if (ret->torn)
		ret->n_node = 0;
	if (ret->torn || (ret->n_array != 0 && ret->array == 0))
		ret->n_array = 0;
	return true;
}

/* Items are copied: what is done with one may use up the views. */
enum { BATCH = 128, LARGEST_ITEM = 40 };

static bool batch(const struct lua_mem *m, uint64_t base, int32_t size,
		  uint64_t i, uint64_t n, uint8_t *buf, uint64_t *count)
{
	uint64_t len;
	const uint8_t *p;

	*count = n - i < BATCH ? n - i : BATCH;
	len = *count * (uint64_t)size;
	p = size <= LARGEST_ITEM ?
		    lua_view(m, base + i * (uint64_t)size, len) : NULL;
	if (p != NULL)
		memcpy(buf, p, len);
	return p != NULL;
}

static bool each_item(const struct lua_mem *m, const struct lua_table *t,
		      lua_entry_fn *fn, void *arg)
{
	const struct lua_layout *l = m->lay;
	struct lua_entry e = { .key = { .is = LUA_IS_INT } };
	uint8_t buf[BATCH * LARGEST_ITEM];
	uint64_t i, k, n;

	for (i = 0; i < t->n_array; i += n) {
		// behind a hole is nothing that is worth the way
		if (!batch(m, t->array, l->sizeof_value, i, t->n_array, buf,
			   &n))
			break;
		for (k = 0; k < n; k++) {
			e.key.bits = i + k + 1;
			e.value = lua_value_in(
				l, buf + k * (uint64_t)l->sizeof_value);
			if (e.value.is != LUA_IS_NIL && !fn(arg, &e))
				return false;
		}
		if (m->host->cancelled(m->im))
			return false;
	}
	return true;
}

static void node_entry(const struct lua_layout *l, const uint8_t *p,
		       struct lua_entry *e)
{
	e->value = lua_decode(l, lua_at64(p, l->node_value),
			      p[l->node_value_tt]);
	e->key = lua_decode(l, lua_at64(p, l->node_key), p[l->node_key_tt]);
}

void lua_table_each(const struct lua_mem *m, uint64_t table, lua_entry_fn *fn,
		    void *arg)
{
	uint64_t size = (uint64_t)m->lay->sizeof_node, i, k, n;
	uint8_t buf[BATCH * LARGEST_ITEM];
	struct lua_table t;
	struct lua_entry e;

	if (!lua_table_read(m, table, &t) || !each_item(m, &t, fn, arg))
		return;
	for (i = 0; i < t.n_node; i += n) {
		if (!batch(m, t.node, (int32_t)size, i, t.n_node, buf, &n))
			return;
		for (k = 0; k < n; k++) {
			node_entry(m->lay, buf + k * size, &e);
			if (e.value.is != LUA_IS_NIL &&
			    e.key.is != LUA_IS_NIL && !fn(arg, &e))
				return;
		}
		if (m->host->cancelled(m->im))
			return;
	}
}

struct search {
	const struct lua_mem *m;
	struct heapsh_text text;
	struct lua_value key, found;
};

/* Reads the key's text: four views stay valid, and this is the second. */
static bool is_text(void *arg, const struct lua_entry *e)
{
	struct search *s = arg;

	if (e->key.is != LUA_IS_OBJECT || e->key.kind != LUA_STRING ||
	    !lua_text_is(s->m, e->key.bits, s->text))
		return true;
	s->found = e->value;
	return false;
}

struct lua_value lua_table_str(const struct lua_mem *m, uint64_t table,
			       struct heapsh_text key)
{
	struct search s = { .m = m, .text = key };
	struct lua_table t;
	struct lua_entry e;
	const uint8_t *p;
	uint64_t i;

	if (!lua_table_read(m, table, &t))
		return s.found;
	// strings are keys of the hash part only
	for (i = 0; i < t.n_node; i++) {
		p = lua_view(m, t.node + i * (uint64_t)m->lay->sizeof_node,
			     (uint64_t)m->lay->sizeof_node);
		if (p == NULL || (!(i & 0xfff) && m->host->cancelled(m->im)))
			break;
		node_entry(m->lay, p, &e);
		if (e.value.is != LUA_IS_NIL && !is_text(&s, &e))
			break;
	}
	return s.found;
}

static bool is_int(void *arg, const struct lua_entry *e)
{
	struct search *s = arg;
	double d;

	// 5.1 has no integers: its keys are doubles
	memcpy(&d, &e->key.bits, sizeof(d));
	if (!(e->key.is == LUA_IS_INT && e->key.bits == s->key.bits) &&
	    !(e->key.is == LUA_IS_FLOAT && d == (double)(int64_t)s->key.bits))
		return true;
	s->found = e->value;
	return false;
}

struct lua_value lua_table_int(const struct lua_mem *m, uint64_t table,
			       int64_t key)
{
	struct search s = { .m = m, .key = { .bits = (uint64_t)key } };
	struct lua_table t;

	if (!lua_table_read(m, table, &t))
		return s.found;
	if ((uint64_t)key - 1 < t.n_array)
		return lua_value_at(m, t.array + ((uint64_t)key - 1) *
				    (uint64_t)m->lay->sizeof_value);
	lua_table_each(m, table, is_int, &s);
	return s.found;
}
