/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program calls its tables and functions: a function of a traceback
 * is named by where package.loaded has it (lauxlib.c, pushglobalfuncname), and
 * a class is the metatable that it is, or whose __index it is.
 */
#include "luaheap.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MAX_NAMES = 1 << 18,
	MAX_MODULES = 1 << 12,
	NAME_MAX_BYTES = 80,
	MAX_CLASSES = 1 << 16,		/* with a name */
};

struct naming {
	struct lua *st;
	const char *module;		/* "string", or NULL for _G */
	uint64_t modules[MAX_MODULES];	/* tables of package.loaded */
	char names[MAX_MODULES][NAME_MAX_BYTES];
	uint32_t n_modules;
	bool failed;
};

static bool add(struct naming *x, uint64_t addr, const char *name)
{
	struct lua *st = x->st;
	char *copy;

	if (st->n_names >= MAX_NAMES)
		return false;
	copy = strdup(name);
	if (copy == NULL ||
	    !lua_grow(&st->names, st->n_names, &st->cap_names,
		      sizeof(*st->names))) {
		free(copy);
		x->failed = true;
		return false;
	}
	st->names[st->n_names] = (struct lua_name){ addr,
						    (uint32_t)st->n_names,
						    copy };
	st->n_names++;
	return true;
}

/* The key's text, ended; false when it is none, or too long to be a name. */
static bool key_text(const struct lua_mem *m, struct lua_value key,
		     char ret[NAME_MAX_BYTES])
{
	uint64_t n = 0, str = lua_object_of(key);
	const char *s = str != 0 ? lua_text(m, str, &n) : NULL;

	if (s == NULL || n >= NAME_MAX_BYTES || memchr(s, '\0', n) != NULL)
		return false;
	memcpy(ret, s, n);
	ret[n] = '\0';
	return true;
}

static bool add_entry(void *arg, const struct lua_entry *e)
{
	char key[NAME_MAX_BYTES], name[2 * NAME_MAX_BYTES];
	struct naming *x = arg;

	// light C functions are known by where their code is
	if ((e->value.is != LUA_IS_CFUNCTION &&
	     (e->value.is != LUA_IS_OBJECT || e->value.kind == LUA_STRING)) ||
	    !key_text(&x->st->mem, e->key, key))
		return true;
	if (x->module == NULL)
		return add(x, e->value.bits, key);
	snprintf(name, sizeof(name), "%s.%s", x->module, key);
	return add(x, e->value.bits, name);
}

static bool add_module(void *arg, const struct lua_entry *e)
{
	struct naming *x = arg;

	if (x->n_modules == MAX_MODULES)
		return false;
	if (lua_table_of(e->value) == 0 ||
	    !key_text(&x->st->mem, e->key, x->names[x->n_modules]))
		return true;
	x->modules[x->n_modules++] = e->value.bits;
	return true;
}

/* "FILE*.read": of the metatables that C has made */
static void name_methods(struct naming *x, const struct lua_state *s)
{
	const struct lua_mem *m = &x->st->mem;
	uint64_t methods;

	x->n_modules = 0;
	lua_table_each(m, s->registry, add_module, x);
	for (uint32_t i = 0; i < x->n_modules; i++) {
		methods = lua_table_of(lua_table_str(m, x->modules[i],
						     lua_words("__index")));
		x->module = x->names[i];
		if (methods != 0 && methods != s->globals)
			lua_table_each(m, methods, add_entry, x);
	}
}

static void name_state(struct naming *x, const struct lua_state *s)
{
	const struct lua_mem *m = &x->st->mem;
	uint64_t package, loaded;

	if (s->globals == 0)
		return;
	add(x, s->globals, "_G");
	x->module = NULL;
	lua_table_each(m, s->globals, add_entry, x);
	package = lua_table_of(lua_table_str(m, s->globals,
					     lua_words("package")));
	loaded = package == 0 ? 0 :
		 lua_table_of(lua_table_str(m, package, lua_words("loaded")));
	x->n_modules = 0;
	if (loaded != 0)
		lua_table_each(m, loaded, add_module, x);
	for (uint32_t i = 0; i < x->n_modules; i++) {
		x->module = x->names[i];
		if (x->modules[i] == s->globals)
			continue;
		add(x, x->modules[i], x->module);
		lua_table_each(m, x->modules[i], add_entry, x);
	}
	// luaL_newmetatable keeps what it makes there by name
	x->module = NULL;
	lua_table_each(m, s->registry, add_entry, x);
	name_methods(x, s);
}

static int by_address(const void *a, const void *b)
{
	const struct lua_name *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_address(const void *key, const void *name)
{
	uint64_t x = *(const uint64_t *)key;
	uint64_t y = ((const struct lua_name *)name)->addr;

	return x < y ? -1 : x > y;
}

const char *lua_name_of(const struct lua *st, uint64_t addr)
{
	const struct lua_name *n = NULL;

	if (st->n_names != 0 && addr != 0)
		n = bsearch(&addr, st->names, st->n_names, sizeof(*st->names),
			    compare_address);
	// of several the first that was found
	while (n != NULL && n > st->names && n[-1].addr == addr)
		n--;
	return n != NULL ? n->name : NULL;
}

/* --- classes ------------------------------------------------------------- */

/* __name of the metatable, or what it or its __index is called. */
static const char *class_name(const struct lua *st, uint64_t metatable,
			      char buf[NAME_MAX_BYTES])
{
	const struct lua_mem *m = &st->mem;
	const char *name;
	uint64_t index;

	if (key_text(m, lua_table_str(m, metatable, lua_words("__name")),
		     buf) && buf[0] != '\0')
		return buf;
	name = lua_name_of(st, metatable);
	if (name != NULL)
		return name;
	index = lua_table_of(lua_table_str(m, metatable,
					   lua_words("__index")));
	// what falls back to the globals is an environment, not a class
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (index == st->states[i].globals)
			return NULL;
	}
	return lua_name_of(st, index);
}

static void name_classes(struct lua *st)
{
	struct heapsh_type t = { .size = sizeof(t) };
	char buf[NAME_MAX_BYTES];
	uint64_t named = 0;

	for (uint64_t i = 0; i < st->cap_classes && named < MAX_CLASSES; i++) {
		struct lua_class *c = &st->classes[i];
		const char *name = NULL;

		// what looked like a table's metatable may be none
		if (lua_space_has(&st->objects, c->metatable))
			name = class_name(st, c->metatable, buf);

		if (name == NULL)
			continue;
		t.name = lua_words(name);
		t.address = c->metatable;
		c->type = st->mem.host->type(st->mem.im, &t);
		named++;
	}
}

bool lua_names_find(struct lua *st)
{
	struct naming *x = calloc(1, sizeof(*x));
	bool ok;

	if (x == NULL)
		return false;
	x->st = st;
	for (uint32_t i = 0; i < st->n_states; i++)
		name_state(x, &st->states[i]);
	if (st->n_names != 0)
		qsort(st->names, st->n_names, sizeof(*st->names), by_address);
	name_classes(st);
	ok = !x->failed;
	free(x);
	return ok;
}

void lua_names_free(struct lua *st)
{
	for (uint64_t i = 0; i < st->n_names; i++)
		free(st->names[i].name);
	free(st->names);
}
