// SPDX-License-Identifier: Apache-2.0
// What people ask of one object: its text, its parts by name, its threads. All
// of it comes from the main thread, whose reader is NULL.
#include "example.h"

#include <stdio.h>
#include <string.h>

static int is_text(const struct ex_object *o, struct heapsh_text t)
{
	return o && o->type == EX_TEXT && o->n == t.n &&
	       !memcmp(o->slot, t.s, t.n);
}

// Pair i of a table. It looks the table up again each time: what was made of
// the pairs before may have used up the views.
static int pair(const struct state *s, uint64_t table, uint32_t i,
		uint64_t *key, uint64_t *value)
{
	const struct ex_object *o = example_get(s, NULL, table);

	if (!o || o->type != EX_TABLE || i >= o->n / 2)
		return 0;
	*key = o->slot[2 * i];
	*value = o->slot[2 * i + 1];
	return 1;
}

static uint64_t find(const struct state *s, uint64_t table,
		     struct heapsh_text name)
{
	uint64_t key, value;
	uint32_t i;

	for (i = 0; pair(s, table, i, &key, &value); i++) {
		if (is_text(example_get(s, NULL, key), name))
			return value;
	}
	return 0;
}

/** The table of a record; a table is its own; 0: has none. */
static uint64_t table_of(const struct state *s, uint64_t addr)
{
	const struct ex_object *o = example_get(s, NULL, addr);

	if (!o || o->type == EX_TABLE)
		return o ? addr : 0;
	return o->type >= EX_RECORD && o->n ? o->slot[0] : 0;
}

uint64_t example_render(void *state, uint64_t addr, uint32_t style, char *buf,
			uint64_t cap)
{
	static const char *const names[EX_TYPES] = EX_NAMES;
	const struct ex_object *o = example_get(state, NULL, addr);
	uint64_t n;

	if (!o)
		return 0;
	if (o->type != EX_TEXT && style == HEAPSH_RENDER_TEXT)
		return 0;
	if (o->type != EX_TEXT)
		return (uint64_t)snprintf(buf, cap, "<%s of %u at 0x%llx>",
					  names[o->type], o->n,
					  (unsigned long long)addr);
	if (style != HEAPSH_RENDER_TEXT)
		return (uint64_t)snprintf(buf, cap, "'%.*s'", (int)o->n,
					  (const char *)o->slot);
	n = o->n < cap ? o->n : cap;
	memcpy(buf, o->slot, n);
	return o->n;
}

uint64_t example_lookup(void *state, struct heapsh_text name)
{
	const struct state *s = state;

	return find(s, s->heap.globals, name);
}

uint64_t example_attr(void *state, uint64_t addr, struct heapsh_text name)
{
	return find(state, table_of(state, addr), name);
}

uint64_t example_item(void *state, uint64_t addr, const struct heapsh_key *key)
{
	const struct ex_object *o = example_get(state, NULL, addr);

	if (o && o->type == EX_TABLE && key->kind == HEAPSH_KEY_STR)
		return find(state, addr, key->text);
	if (!o || o->type != EX_LIST || key->kind != HEAPSH_KEY_INT ||
	    key->i < 0 || key->i >= o->n)
		return 0;
	return o->slot[key->i];
}

void example_names(void *state, uint64_t addr, struct heapsh_text prefix,
		   heapsh_name_fn *fn, void *arg)
{
	const struct state *s = state;
	uint64_t key, value, table = addr ? table_of(s, addr) : s->heap.globals;
	const struct ex_object *o;
	uint32_t i;

	for (i = 0; pair(s, table, i, &key, &value); i++) {
		o = example_get(s, NULL, key);
		if (!o || o->type != EX_TEXT || o->n < prefix.n ||
		    memcmp(o->slot, prefix.s, prefix.n))
			continue;
		if (!fn(arg, (struct heapsh_text){ (const char *)o->slot,
						   o->n }, value))
			return;
	}
}

int example_measure(void *state, uint64_t addr, struct heapsh_measure *ret)
{
	const struct ex_object *o = example_get(state, NULL, addr);

	if (!o)
		return 0;
	ret->has_length = o->type < EX_RECORD;
	ret->length = o->type == EX_TABLE ? o->n / 2 : o->n;
	ret->basic_size = sizeof(*o);
	ret->item_size = ex_size(o->type, 1) - sizeof(*o);
	if (HEAPSH_HAS(ret, has_exact_length)) {
		ret->exact_length = ret->length;
		ret->has_exact_length = ret->has_length;
	}
	return 1;
}
