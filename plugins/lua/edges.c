/* SPDX-License-Identifier: Apache-2.0 */
/* What an object refers to, in the order of lgc.c's traversal. */
#include "luaheap.h"

#include <stdlib.h>

enum {
	BORDER_BYTES = 4096,	/* of a userdata's own memory, looked at */
	LOWEST = 0x10000,	/* no address below (vm.mmap_min_addr) */
};
#define HIGHEST (UINT64_C(1) << 47)

/* Whose edges are being told, and to whom. */
struct teller {
	struct lua *st;
	const struct lua_mem *m;
	struct heapsh_sink *sink;
	uint64_t table;
	uint8_t weak;		/* of the table: enum lua_weak */
	bool labels;
	uint64_t n_keys;
};

static void tell(struct teller *t, uint64_t target, struct heapsh_edge e)
{
	e.target = target;
	if (target != 0)
		t->sink->edge(t->sink, &e);
}

/* <word>, <word 3> or <word name>: name is a string object, or 0 */
static void tell_part(struct teller *t, uint64_t target, const char *word,
		      uint64_t name, uint64_t number, uint32_t flags)
{
	tell(t, target, (struct heapsh_edge){ .flags = flags,
					      .label = HEAPSH_LABEL_PART,
					      .a = name, .b = number,
					      .text = word });
}

static void tell_value(struct teller *t, struct lua_value v, const char *word,
		       uint64_t name, uint64_t number)
{
	tell_part(t, lua_object_of(v), word, name, number, 0);
}

/* --- tables -------------------------------------------------------------- */

static void label_scalar(struct heapsh_edge *e, struct lua_value key)
{
	double d;

	memcpy(&d, &key.bits, sizeof(d));
	// 5.1 has doubles only: t[3] is t[3.0]
	if (key.is == LUA_IS_FLOAT && d >= -1e15 && d <= 1e15 &&
	    d == (double)(int64_t)d) {
		key.is = LUA_IS_INT;
		key.bits = (uint64_t)(int64_t)d;
	}
	e->label = HEAPSH_LABEL_SCALAR;
	e->a = key.bits;
	e->b = key.is == LUA_IS_FLOAT ? HEAPSH_KEY_FLOAT : HEAPSH_KEY_INT;
	if (key.is == LUA_IS_BOOL)
		e->text = key.bits != 0 ? "true" : "false";
}

static struct heapsh_edge label_of(const struct teller *t,
				   struct lua_value key)
{
	struct heapsh_edge e = { 0 };

	if (!t->labels)
		return e;
	if (key.is != LUA_IS_OBJECT) {
		label_scalar(&e, key);
		return e;
	}
	e.a = key.bits;
	e.label = key.kind == LUA_STRING && lua_is_identifier(t->m, key.bits) ?
			  HEAPSH_LABEL_ATTR : HEAPSH_LABEL_VALUE;
	return e;
}

/* Strings are values: no weak table lets go of one (lgc.c, iscleared). */
static bool may_clear(struct lua_value v)
{
	return v.is == LUA_IS_OBJECT && v.kind != LUA_STRING;
}

static bool tell_entry(void *arg, const struct lua_entry *e)
{
	struct teller *t = arg;
	struct heapsh_edge key = { .flags = HEAPSH_EDGE_KEY,
				   .label = HEAPSH_LABEL_KEY,
				   .b = t->n_keys++ };
	struct heapsh_edge value;

	// a number is no edge: then none follows that would be the key's
	if (lua_object_of(e->value) == 0)
		key.flags = 0;
	if (t->weak & LUA_WEAK_KEYS && may_clear(e->key))
		key.flags |= HEAPSH_EDGE_WEAK;
	tell(t, lua_object_of(e->key), key);
	if (lua_object_of(e->value) == 0)
		return true;
	value = label_of(t, e->key);
	// of an ephemeron its key keeps the value: tell_ephemerons()
	if ((t->weak & LUA_WEAK_VALUES && may_clear(e->value)) ||
	    (t->weak == LUA_WEAK_KEYS && may_clear(e->key) &&
	     t->m->lay->minor > 1))
		value.flags |= HEAPSH_EDGE_WEAK;
	tell(t, e->value.bits, value);
	return true;
}

static void tell_table(struct teller *t, const struct lua_object *o)
{
	const struct lua_class *c = lua_class_of(t->st, o->metatable);

	t->weak = c != NULL ? c->weak : 0;
	tell_part(t, o->metatable, "metatable", 0, 0, HEAPSH_EDGE_CONTEXT);
	lua_table_each(t->m, o->addr, tell_entry, t);
}

/* Values that live because this object, a key of theirs, does. */
static void tell_ephemerons(struct teller *t, uint64_t key)
{
	const struct lua_ephemeron *v = t->st->ephemerons;
	uint64_t low = 0, high = t->st->n_ephemerons, middle;

	if (high == 0 || !lua_space_has(&t->st->keys, key))
		return;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (v[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < t->st->n_ephemerons && v[low].key == key; low++)
		tell_part(t, v[low].value, "value by weak key", 0, 0, 0);
}

/* --- functions ----------------------------------------------------------- */

static void tell_closure(struct teller *t, uint64_t addr)
{
	const struct lua_layout *l = t->m->lay;
	uint32_t n = lua_u8(t->m, addr, l->cl_nupvalues), i;
	uint64_t proto = lua_word(t->m, addr, l->cl_p), name = 0;

	tell_part(t, proto, "proto", 0, 0, HEAPSH_EDGE_CONTEXT);
	tell_part(t, lua_word(t->m, addr, l->cl_env), "env", 0, 0,
		  HEAPSH_EDGE_CONTEXT);
	for (i = 0; i < n; i++) {
		if (t->labels)
			name = lua_upvalue_name(t->m, proto, i);
		tell_part(t, lua_word(t->m, addr, l->cl_upvals +
						  8 * (int32_t)i),
			  "upvalue", name, i + 1, 0);
	}
}

static void tell_cclosure(struct teller *t, uint64_t addr)
{
	const struct lua_layout *l = t->m->lay;
	uint32_t n = lua_u8(t->m, addr, l->cl_nupvalues), i;

	tell_part(t, lua_word(t->m, addr, l->cl_env), "env", 0, 0,
		  HEAPSH_EDGE_CONTEXT);
	for (i = 0; i < n; i++)
		tell_value(t, lua_value_at(t->m, addr + (uint64_t)
			(l->cl_upvalue + l->sizeof_value * (int32_t)i)),
			   "upvalue", 0, i + 1);
}

/* The globals are context: no function's size is that of the program. */
static void tell_upvalue(struct teller *t, uint64_t addr)
{
	uint64_t target = lua_object_of(lua_upvalue(t->m, addr));
	uint32_t flags = 0;

	for (uint32_t i = 0; i < t->st->n_states; i++) {
		if (target == t->st->states[i].globals)
			flags = HEAPSH_EDGE_CONTEXT;
	}
	tell_part(t, target, "value", 0, 0, flags);
}

/* Is all of an array there, going by its end? */
static bool is_there(const struct lua_mem *m, uint64_t at, uint64_t n,
		     int32_t size)
{
	return at != 0 && n != 0 && n <= LUA_MAX_ITEMS &&
	       lua_view(m, at + n * (uint64_t)size - 1, 1) != NULL;
}

/* n names, step apart */
static void tell_names(struct teller *t, uint64_t proto, int32_t array,
		       int32_t size, int32_t step, const char *word)
{
	uint64_t at = lua_word(t->m, proto, array), i;
	uint64_t n = lua_u32(t->m, proto, size);

	if (!is_there(t->m, at, n, step))
		return;
	for (i = 0; i < n; i++) {
		tell_part(t, lua_word(t->m, at + i * (uint64_t)step, 0), word,
			  0, i + 1, 0);
		if (!(~i & 0xffff) && t->m->host->cancelled(t->m->im))
			return;
	}
}

static void tell_proto(struct teller *t, uint64_t addr)
{
	const struct lua_layout *l = t->m->lay;
	uint64_t k = lua_word(t->m, addr, l->proto_k), i;
	uint64_t n = lua_u32(t->m, addr, l->proto_sizek);

	tell_part(t, lua_word(t->m, addr, l->proto_source), "source", 0, 0,
		  0);
	if (!is_there(t->m, k, n, l->sizeof_value))
		n = 0;
	for (i = 0; i < n; i++) {
		tell_value(t, lua_value_at(t->m, k + i * (uint64_t)
							 l->sizeof_value),
			   "constant", 0, i + 1);
		if (!(~i & 0xffff) && t->m->host->cancelled(t->m->im))
			return;
	}
	tell_names(t, addr, l->proto_upvalues, l->proto_sizeupvalues,
		   l->sizeof_upvaldesc, "upvalue name");
	tell_names(t, addr, l->proto_p, l->proto_sizep, 8, "proto");
	tell_names(t, addr, l->proto_locvars, l->proto_sizelocvars,
		   l->sizeof_locvar, "local name");
}

/* --- userdata and threads ------------------------------------------------ */

/*
 * What C keeps in a userdata may point to objects of another runtime of the
 * process. The host asks those whether it does.
 */
static void tell_border(struct teller *t, uint64_t mem, uint64_t n)
{
	uint64_t i, w;

	if (n > BORDER_BYTES)
		n = BORDER_BYTES;
	for (i = 0; i + 8 <= n; i += 8) {
		w = lua_word(t->m, mem + i, 0);
		if (w >= LOWEST && w < HIGHEST && !(w & 7))
			tell_part(t, w, "data", 0, i, HEAPSH_EDGE_MAYBE);
	}
}

static void tell_userdata(struct teller *t, const struct lua_object *o)
{
	const struct lua_layout *l = t->m->lay;
	uint32_t n = lua_u16(t->m, o->addr, l->udata_nuv), i;
	uint64_t mem = o->addr + (uint64_t)l->udata_mem;

	if (n != 0)
		mem = o->addr + (uint64_t)(l->udata_uv +
					   l->sizeof_value * (int32_t)n);
	tell_part(t, o->metatable, "metatable", 0, 0, HEAPSH_EDGE_CONTEXT);
	tell_part(t, lua_word(t->m, o->addr, l->udata_env), "env", 0, 0,
		  HEAPSH_EDGE_CONTEXT);
	for (i = 0; i < n; i++)
		tell_value(t, lua_value_at(t->m, o->addr + (uint64_t)
			(l->udata_uv + l->sizeof_value * (int32_t)i)),
			   "uservalue", 0, i + 1);
	if (l->udata_user >= 0)
		tell_value(t, lua_decode(l, lua_word(t->m, o->addr,
						     l->udata_user),
					 lua_u8(t->m, o->addr,
						l->udata_user_tt)),
			   "uservalue", 0, 0);
	tell_border(t, mem, lua_word(t->m, o->addr, l->udata_len));
}

static void tell_slots(struct teller *t, uint64_t stack, uint64_t from,
		       uint64_t to)
{
	uint64_t size = (uint64_t)t->m->lay->sizeof_value, at;

	for (at = from; at < to && to - at <= LUA_MAX_STACK * size; at += size)
		tell_value(t, lua_value_at(t->m, at), "stack", 0,
			   (at - stack) / size);
}

/* The slots of one call: its function, its local variables, the rest. */
static void tell_call(struct teller *t, const struct lua_call *c,
		      uint64_t stack, uint64_t end)
{
	uint64_t size = (uint64_t)t->m->lay->sizeof_value, at, name;

	tell_value(t, lua_value_at(t->m, c->func), "function", 0, 0);
	tell_slots(t, stack, c->func + size, c->base < end ? c->base : end);
	for (at = c->base; at < end; at += size) {
		name = lua_local_name(t->m, c,
				      (uint32_t)((at - c->base) / size) + 1);
		if (name == 0)
			break;
		tell_value(t, lua_value_at(t->m, at), "local", name, 0);
	}
	tell_slots(t, stack, at, end);
}

/* Slot for slot in both ways; only where labels are asked for, by calls. */
static void tell_stack(struct teller *t, uint64_t addr)
{
	const struct lua_layout *l = t->m->lay;
	uint64_t stack = lua_word(t->m, addr, l->th_stack);
	uint64_t top = lua_word(t->m, addr, l->th_top), at = stack;
	struct lua_call *calls = NULL;
	uint32_t n = 0, i;

	if (stack == 0 || top < stack ||
	    top - stack > LUA_MAX_STACK * (uint64_t)l->sizeof_value)
		return;
	if (t->labels)
		calls = lua_calls(t->m, addr, &n);
	for (i = 0; i < n; i++) {
		uint64_t end = i + 1 < n ? calls[i + 1].func : top;

		if (calls[i].func < at || end < calls[i].func || end > top)
			break;
		tell_slots(t, stack, at, calls[i].func);
		tell_call(t, &calls[i], stack, end);
		at = end;
	}
	tell_slots(t, stack, at, top);
	free(calls);
}

static void tell_thread(struct teller *t, uint64_t addr)
{
	const struct lua_layout *l = t->m->lay;
	uint64_t uv = lua_word(t->m, addr, l->th_openupval), i;
	struct lua_chain chain = { 0 };

	tell_stack(t, addr);
	if (l->th_globals >= 0)
		tell_part(t, lua_table_of(lua_value_at(t->m,
				addr + (uint64_t)l->th_globals)),
			  "globals", 0, 0, HEAPSH_EDGE_CONTEXT);
	for (i = 0; uv != 0 && i < LUA_MAX_STACK &&
	     !lua_chain_repeats(&chain, uv); i++) {
		tell_part(t, uv, "open upvalue", 0, i + 1, 0);
		uv = lua_word(t->m, uv, l->upval_open_next);
	}
}

/* What the sweep's first pass wants: nothing of ours lies outside. */
static bool frontier(struct teller *t, const struct lua_object *o)
{
	if (!(t->sink->want & HEAPSH_WANT_FRONTIER))
		return false;
	if (o->kind == LUA_USERDATA)
		tell_userdata(t, o);
	return true;
}

void lua_edges(struct lua *st, const struct lua_mem *m,
	       const struct lua_object *o, struct heapsh_sink *sink)
{
	struct teller t = { .st = st, .m = m, .sink = sink,
			    .labels = sink->want & HEAPSH_WANT_LABELS };

	if (o->torn || frontier(&t, o))
		return;
	tell_ephemerons(&t, o->addr);
	switch ((enum lua_kind)o->kind) {
	case LUA_TABLE:
		tell_table(&t, o);
		break;
	case LUA_CLOSURE:
		tell_closure(&t, o->addr);
		break;
	case LUA_CCLOSURE:
		tell_cclosure(&t, o->addr);
		break;
	case LUA_UPVALUE:
		tell_upvalue(&t, o->addr);
		break;
	case LUA_PROTO:
		tell_proto(&t, o->addr);
		break;
	case LUA_USERDATA:
		tell_userdata(&t, o);
		break;
	case LUA_THREAD:
		tell_thread(&t, o->addr);
		break;
	case LUA_STRING:
	case LUA_NOTHING:
	case LUA_KINDS:
	default:
		break;
	}
}
