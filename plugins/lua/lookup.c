/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects by name and key. Nothing of the program is run: of an __index only
 * tables are followed, as a raw access would.
 */
#include "luaheap.h"

#include <stdlib.h>

enum {
	MAX_INDEX = 32,		/* tables along __index; MAXTAGLOOP is 2000 */
	MAX_BORDER = 256,	/* items of a list that a hash part holds */
};

static struct lua_value none(void)
{
	return (struct lua_value){ .is = LUA_IS_NIL };
}

/* "L2": the main thread of the second state; "mainthread": of the first */
static uint64_t state_named(const struct lua *st, struct heapsh_text name)
{
	uint64_t n = 0;

	if (name.n == 10 && memcmp(name.s, "mainthread", 10) == 0)
		return st->states[0].main;
	if (name.n < 2 || name.n > 4 || name.s[0] != 'L')
		return 0;
	for (uint64_t i = 1; i < name.n; i++) {
		if (name.s[i] < '0' || name.s[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(name.s[i] - '0');
	}
	return n != 0 && n <= st->n_states ? st->states[n - 1].main : 0;
}

static bool text_is(struct heapsh_text t, const char *s)
{
	return t.n == strlen(s) && memcmp(t.s, s, t.n) == 0;
}

uint64_t lua_lookup(void *state, struct heapsh_text name)
{
	struct lua *st = state;
	uint64_t found = 0;

	lua_walk(st, NULL);
	if (text_is(name, "_G"))
		return st->states[0].globals;
	if (text_is(name, "registry"))
		return st->states[0].registry;
	for (uint32_t i = 0; found == 0 && i < st->n_states; i++)
		found = lua_object_of(lua_table_str(
			&st->mem, st->states[i].globals, name));
	return found != 0 ? found : state_named(st, name);
}

static uint64_t metatable_of(const struct lua *st, uint64_t addr)
{
	struct lua_object o;

	return lua_object_at(st, &st->mem, addr, &o) ? o.metatable : 0;
}

/* t.name, raw, then in the tables that __index leads to */
static uint64_t table_attr(const struct lua *st, uint64_t addr,
			   struct heapsh_text name)
{
	uint64_t found, metatable;

	for (int i = 0; addr != 0 && i < MAX_INDEX; i++) {
		found = lua_object_of(lua_table_str(&st->mem, addr, name));
		if (found != 0)
			return found;
		metatable = metatable_of(st, addr);
		addr = metatable == 0 ? 0 :
		       lua_table_of(lua_table_str(&st->mem, metatable,
						  lua_words("__index")));
	}
	return 0;
}

/* An up-value of a closure by its name: what it holds. */
static uint64_t upvalue_named(const struct lua *st, uint64_t addr,
			      struct heapsh_text name)
{
	const struct lua_mem *m = &st->mem;
	uint32_t n = lua_u8(m, addr, m->lay->cl_nupvalues), i;
	uint64_t proto = lua_word(m, addr, m->lay->cl_p), str;

	for (i = 0; i < n; i++) {
		str = lua_upvalue_name(m, proto, i);
		if (str != 0 && lua_text_is(m, str, name))
			return lua_object_of(lua_upvalue(m, lua_word(m, addr,
				m->lay->cl_upvals + 8 * (int32_t)i)));
	}
	return 0;
}

static uint64_t thread_attr(const struct lua *st, uint64_t addr,
			    struct heapsh_text name)
{
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (st->states[i].main != addr)
			continue;
		if (text_is(name, "_G"))
			return st->states[i].globals;
		if (text_is(name, "registry"))
			return st->states[i].registry;
	}
	return 0;
}

uint64_t lua_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	struct lua *st = state;
	struct lua_object o;
	uint64_t found = 0;

	lua_walk(st, NULL);
	if (!lua_object_at(st, &st->mem, addr, &o))
		return 0;
	if (o.kind == LUA_CLOSURE)
		return upvalue_named(st, addr, name);
	if (o.kind == LUA_THREAD)
		return thread_attr(st, addr, name);
	if (o.kind == LUA_TABLE)
		found = table_attr(st, addr, name);
	else if (o.kind == LUA_USERDATA && o.metatable != 0)
		found = table_attr(st, lua_table_of(
			lua_table_str(&st->mem, o.metatable,
				      lua_words("__index"))), name);
	// a word for what getmetatable() answers
	if (found == 0 && text_is(name, "__metatable"))
		found = o.metatable;
	return found;
}

/* --- [key] --------------------------------------------------------------- */

struct wanted {
	struct lua_value key, found;
};

static bool is_key(void *arg, const struct lua_entry *e)
{
	struct wanted *w = arg;

	if (e->key.is != w->key.is || e->key.bits != w->key.bits)
		return true;
	w->found = e->value;
	return false;
}

static struct lua_value by_value(const struct lua *st, uint64_t addr,
				 enum lua_is is, uint64_t bits)
{
	struct wanted w = { .key = { .is = (uint8_t)is, .bits = bits },
			    .found = none() };

	lua_table_each(&st->mem, addr, is_key, &w);
	return w.found;
}

static struct lua_value by_float(const struct lua *st, uint64_t addr, double d)
{
	uint64_t bits;

	// a float that is an integer is that integer's key
	if (d >= -1e15 && d <= 1e15 && d == (double)(int64_t)d)
		return lua_table_int(&st->mem, addr, (int64_t)d);
	memcpy(&bits, &d, sizeof(bits));
	return by_value(st, addr, LUA_IS_FLOAT, bits);
}

static struct lua_value get(const struct lua *st, uint64_t addr,
			    const struct heapsh_key *key)
{
	switch ((enum heapsh_key_kind)key->kind) {
	case HEAPSH_KEY_INT:
		return lua_table_int(&st->mem, addr, key->i);
	case HEAPSH_KEY_STR:
	case HEAPSH_KEY_BYTES:
		return lua_table_str(&st->mem, addr, key->text);
	case HEAPSH_KEY_FLOAT:
		return by_float(st, addr, key->f);
	case HEAPSH_KEY_BOOL:
		return by_value(st, addr, LUA_IS_BOOL, key->i != 0);
	case HEAPSH_KEY_OBJECT:
		return by_value(st, addr, LUA_IS_OBJECT, (uint64_t)key->i);
	case HEAPSH_KEY_NONE:
	case HEAPSH_KEY_TUPLE:
	default:
		return none();
	}
}

uint64_t lua_item(void *state, uint64_t addr, const struct heapsh_key *key)
{
	struct lua *st = state;
	struct lua_object o;

	lua_walk(st, NULL);
	if (!lua_object_at(st, &st->mem, addr, &o))
		return 0;
	if (o.kind == LUA_CLOSURE && key->kind == HEAPSH_KEY_STR)
		return upvalue_named(st, addr, key->text);
	return o.kind == LUA_TABLE ? lua_object_of(get(st, addr, key)) : 0;
}

/* --- values that are no objects ------------------------------------------ */

/* Of one answer: it lives until the next call. */
static _Thread_local char value_text[96];

int lua_scalar(void *state, uint64_t addr, const struct heapsh_key *key,
	       struct heapsh_key *ret)
{
	struct lua_value v = none();
	struct lua *st = state;
	struct lua_object o;

	lua_walk(st, NULL);
	if (addr == 0) {
		for (uint32_t i = 0; v.is == LUA_IS_NIL &&
		     i < st->n_states && key->kind == HEAPSH_KEY_STR; i++)
			v = lua_table_str(&st->mem, st->states[i].globals,
					  key->text);
	} else if (lua_object_at(st, &st->mem, addr, &o) &&
		   o.kind == LUA_TABLE) {
		v = get(st, addr, key);
	}
	if (v.is == LUA_IS_LIGHT || v.is == LUA_IS_CFUNCTION) {
		ret->kind = HEAPSH_KEY_BYTES;
		ret->text.s = value_text;
		ret->text.n = lua_render_value(st, v, value_text,
					       sizeof(value_text));
		return 1;
	}
	ret->kind = v.is == LUA_IS_BOOL ? HEAPSH_KEY_BOOL :
		    v.is == LUA_IS_FLOAT ? HEAPSH_KEY_FLOAT : HEAPSH_KEY_INT;
	ret->i = (int64_t)v.bits;
	memcpy(&ret->f, &v.bits, sizeof(ret->f));
	return v.is == LUA_IS_BOOL || v.is == LUA_IS_FLOAT ||
	       v.is == LUA_IS_INT;
}

/* --- completion ---------------------------------------------------------- */

struct namer {
	const struct lua *st;
	struct heapsh_text prefix;
	heapsh_name_fn *fn;
	void *arg;
	bool ended;
};

static bool offer(void *arg, const struct lua_entry *e)
{
	struct namer *x = arg;
	uint64_t n = 0, str = lua_object_of(e->key);
	const char *s = str != 0 && e->key.kind == LUA_STRING ?
			lua_text(&x->st->mem, str, &n) : NULL;

	if (s == NULL || lua_object_of(e->value) == 0 || n < x->prefix.n ||
	    memcmp(s, x->prefix.s, x->prefix.n) != 0)
		return true;
	x->ended = !x->fn(x->arg, (struct heapsh_text){ s, n },
			  e->value.bits);
	return !x->ended;
}

void lua_names(void *state, uint64_t addr, struct heapsh_text prefix,
	       heapsh_name_fn *fn, void *arg)
{
	struct lua *st = state;
	struct namer x = { st, prefix, fn, arg, false };

	lua_walk(st, NULL);
	if (addr != 0) {
		if (lua_space_has(&st->objects, addr))
			lua_table_each(&st->mem, addr, offer, &x);
		return;
	}
	for (uint32_t i = 0; i < st->n_states && !x.ended; i++)
		lua_table_each(&st->mem, st->states[i].globals, offer, &x);
}

/* --- sizes --------------------------------------------------------------- */

/*
 * A border, as # answers it (ltable.c, luaH_getn): of the array part, and where
 * that is full, on in the hash part.
 */
static uint64_t border(const struct lua_mem *m, uint64_t addr,
		       const struct lua_table *t)
{
	uint64_t low = 0, high = t->n_array + 1, middle, n = t->n_array;

	if (n == 0 || lua_value_at(m, t->array + (n - 1) * (uint64_t)
				   m->lay->sizeof_value).is != LUA_IS_NIL) {
		// a way of few steps mostly: each looks through the hash part
		while (n - t->n_array < MAX_BORDER && t->n_node != 0 &&
		       lua_table_int(m, addr, (int64_t)n + 1).is != LUA_IS_NIL)
			n++;
		return n;
	}

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (lua_value_at(m, t->array + (middle - 1) * (uint64_t)
				 m->lay->sizeof_value).is != LUA_IS_NIL)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int lua_measure(void *state, uint64_t addr, struct heapsh_measure *ret)
{
	struct lua *st = state;
	struct lua_object o;
	struct lua_table t;

	lua_walk(st, NULL);
	if (!lua_object_at(st, &st->mem, addr, &o))
		return 0;
	ret->basic_size = o.flat;
	if (o.kind == LUA_STRING) {
		ret->basic_size = (uint64_t)st->mem.lay->str_text + 1;
		ret->item_size = 1;
		ret->length = o.flat - ret->basic_size;
		ret->has_length = 1;
	} else if (o.kind == LUA_TABLE &&
		   lua_table_read(&st->mem, addr, &t)) {
		ret->basic_size = (uint64_t)st->mem.lay->sizeof_table;
		ret->item_size = (uint64_t)st->mem.lay->sizeof_value;
		ret->length = border(&st->mem, addr, &t);
		ret->has_length = 1;
	}
	ret->exact_length = ret->length;
	ret->has_exact_length = ret->has_length;
	return 1;
}
