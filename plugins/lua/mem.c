/* SPDX-License-Identifier: Apache-2.0 */
/* Words, values, kinds and sizes. */
#include "luamem.h"

#include <stdlib.h>

const struct lua_layout *lua_layout_find(int minor, int patch, int *exact)
{
	const struct lua_layout *best = NULL;

	for (const struct lua_layout *l = lua_layouts; l->minor != 0; l++) {
		if (l->minor == minor &&
		    (best == NULL ||
		     abs(l->patch - patch) < abs(best->patch - patch)))
			best = l;
	}
	*exact = best != NULL && best->patch == patch;
	return best;
}

/* FNV-1a over the numbers; regen-layouts.py, digest() */
bool lua_layout_damaged(const struct lua_layout *l)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	const int32_t numbers[] = {
		l->minor, l->patch,
#define F(name, source) l->name,
#include "layout.def"
#undef F
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		h = (h ^ (uint32_t)numbers[i]) * UINT64_C(0x100000001b3);
	return h != l->digest;
}

uint64_t lua_word(const struct lua_mem *m, uint64_t base, int32_t off)
{
	const uint8_t *p = NULL;

	if (base != 0 && off >= 0)
		p = lua_view(m, base + (uint64_t)off, 8);
	return p != NULL ? lua_at64(p, 0) : 0;
}

uint32_t lua_u32(const struct lua_mem *m, uint64_t base, int32_t off)
{
	const uint8_t *p = NULL;

	if (base != 0 && off >= 0)
		p = lua_view(m, base + (uint64_t)off, 4);
	return p != NULL ? lua_at32(p, 0) : 0;
}

uint32_t lua_u16(const struct lua_mem *m, uint64_t base, int32_t off)
{
	const uint8_t *p = NULL;

	if (base != 0 && off >= 0)
		p = lua_view(m, base + (uint64_t)off, 2);
	return p != NULL ? lua_at16(p, 0) : 0;
}

uint8_t lua_u8(const struct lua_mem *m, uint64_t base, int32_t off)
{
	const uint8_t *p = NULL;

	if (base != 0 && off >= 0)
		p = lua_view(m, base + (uint64_t)off, 1);
	return p != NULL ? *p : 0;
}

/* --- values -------------------------------------------------------------- */

/* lua.h: LUA_TNIL 0 … LUA_TTHREAD 8, the same in all versions */
enum { T_NIL, T_BOOLEAN, T_LIGHT, T_NUMBER, T_STRING, T_TABLE, T_FUNCTION,
       T_USERDATA, T_THREAD };
/* lobject.h, 5.3 and 5.4: variants, and what can be collected */
enum { VARIANT_1 = 0x10, VARIANT_2 = 0x20, BY_COLLECTOR = 0x40 };

/* lobject.h of each; 9 and 10 are what no value has */
const uint8_t lua_kinds[6][256] = {
	[1] = { [T_STRING] = LUA_STRING, [T_TABLE] = LUA_TABLE,
		[T_FUNCTION] = LUA_CLOSURE, [T_USERDATA] = LUA_USERDATA,
		[T_THREAD] = LUA_THREAD, [9] = LUA_PROTO,
		[10] = LUA_UPVALUE },
	[3] = { [T_STRING] = LUA_STRING, [T_TABLE] = LUA_TABLE,
		[T_STRING | VARIANT_1] = LUA_STRING,
		[T_FUNCTION] = LUA_CLOSURE,
		[T_FUNCTION | VARIANT_2] = LUA_CCLOSURE,
		[T_USERDATA] = LUA_USERDATA, [T_THREAD] = LUA_THREAD,
		[9] = LUA_PROTO },
	[4] = { [T_STRING] = LUA_STRING, [T_TABLE] = LUA_TABLE,
		[T_STRING | VARIANT_1] = LUA_STRING,
		[T_FUNCTION] = LUA_CLOSURE,
		[T_FUNCTION | VARIANT_2] = LUA_CCLOSURE,
		[T_USERDATA] = LUA_USERDATA, [T_THREAD] = LUA_THREAD,
		[9] = LUA_UPVALUE, [10] = LUA_PROTO },
};

static enum lua_kind kind_of_tag(const struct lua_layout *l, uint8_t tag)
{
	return (enum lua_kind)lua_kinds[l->minor][tag];
}

static struct lua_value value(enum lua_is is, enum lua_kind kind, uint64_t bits)
{
	return (struct lua_value){ (uint8_t)is, (uint8_t)kind, bits };
}

struct lua_value lua_decode(const struct lua_layout *l, uint64_t bits,
			    uint8_t tt)
{
	uint8_t tag = tt & 0x3f;
	bool object = l->minor == 1 ? tt >= T_STRING && tt <= T_THREAD :
				      tt & BY_COLLECTOR;

	if (object && kind_of_tag(l, tag) != LUA_NOTHING && !(bits & 7) && bits)
		return value(LUA_IS_OBJECT, kind_of_tag(l, tag), bits);
	if (object)
		return value(LUA_IS_NIL, LUA_NOTHING, 0);
	switch (tag) {
	case T_BOOLEAN:
		// 5.4 has a tag for each, others a word
		return value(LUA_IS_BOOL, LUA_NOTHING,
			     l->minor == 4 ? 0 : (uint32_t)bits != 0);
	case T_BOOLEAN | VARIANT_1:
		return value(LUA_IS_BOOL, LUA_NOTHING, 1);
	case T_LIGHT:
		return value(LUA_IS_LIGHT, LUA_NOTHING, bits);
	case T_NUMBER:
		return value(l->minor == 4 ? LUA_IS_INT : LUA_IS_FLOAT,
			     LUA_NOTHING, bits);
	case T_NUMBER | VARIANT_1:
		return value(l->minor == 4 ? LUA_IS_FLOAT : LUA_IS_INT,
			     LUA_NOTHING, bits);
	case T_FUNCTION | VARIANT_1:
		return value(LUA_IS_CFUNCTION, LUA_NOTHING, bits);
	default:
		return value(LUA_IS_NIL, LUA_NOTHING, 0);
	}
}

struct lua_value lua_value_in(const struct lua_layout *l, const uint8_t *p)
{
	return lua_decode(l, lua_at64(p, 0), p[l->value_tt]);
}

struct lua_value lua_value_at(const struct lua_mem *m, uint64_t addr)
{
	const uint8_t *p = NULL;

	if (addr != 0)
		p = lua_view(m, addr, (uint64_t)m->lay->sizeof_value);
	return p != NULL ? lua_value_in(m->lay, p) :
			   value(LUA_IS_NIL, LUA_NOTHING, 0);
}

/* --- objects ------------------------------------------------------------- */

enum lua_kind lua_kind_at(const struct lua_mem *m, uint64_t addr)
{
	const uint8_t *p = addr & 7 ? NULL : lua_view(m, addr, 16);

	return p != NULL ? lua_kind_in(m->lay, p) : LUA_NOTHING;
}

/* Bytes of n items, or a torn object. */
static uint64_t items(struct lua_object *o, uint64_t n, int32_t size)
{
	if (n > LUA_MAX_ITEMS) {
		o->torn = true;
		return 0;
	}
	return n * (uint64_t)(size > 0 ? size : 0);
}

static uint64_t string_length(const struct lua_layout *l, const uint8_t *p)
{
	// 0x14: a long string; a short one has its length in a byte
	if (l->str_shrlen >= 0 && p[l->gc_tt] == T_STRING)
		return p[l->str_shrlen];
	return lua_at64(p, l->str_len);
}

static bool describe_string(const struct lua_mem *m, struct lua_object *o)
{
	const uint8_t *p = lua_view(m, o->addr, (uint64_t)m->lay->str_text);
	uint64_t n;

	if (p == NULL)
		return false;
	n = string_length(m->lay, p);
	o->torn = n >> 40 != 0;
	o->flat = (uint64_t)m->lay->str_text + (o->torn ? 0 : n) + 1;
	return true;
}

/* lfunc.h, sizeCclosure, sizeLclosure */
static uint64_t closure_flat(const struct lua_layout *l, enum lua_kind kind,
			     uint64_t n)
{
	return kind == LUA_CLOSURE ? (uint64_t)l->cl_upvals + 8 * n :
		(uint64_t)l->cl_upvalue + (uint64_t)l->sizeof_value * n;
}

static bool describe_closure(const struct lua_mem *m, struct lua_object *o)
{
	o->flat = closure_flat(m->lay, (enum lua_kind)o->kind,
			       lua_u8(m, o->addr, m->lay->cl_nupvalues));
	return true;
}

/* lobject.h 5.4, sizeudata; before there is one user value at most */
static uint64_t userdata_flat(const struct lua_layout *l, const uint8_t *p,
			      bool *torn)
{
	uint64_t n = lua_at64(p, l->udata_len);
	uint64_t nuv = lua_at16(p, l->udata_nuv);

	*torn = n >> 40 != 0;
	return (*torn ? 0 : n) +
	       (nuv != 0 ? (uint64_t)l->udata_uv +
				   (uint64_t)l->sizeof_value * nuv :
			   (uint64_t)l->udata_mem);
}

static bool describe_userdata(const struct lua_mem *m, struct lua_object *o)
{
	const struct lua_layout *l = m->lay;
	const uint8_t *p = lua_view(m, o->addr, (uint64_t)l->udata_mem);

	if (p == NULL)
		return false;
	o->metatable = lua_at64(p, l->udata_metatable);
	o->flat = userdata_flat(l, p, &o->torn);
	return true;
}

/* lfunc.c, luaF_freeproto: an Instruction is 4 bytes in all versions */
static bool describe_proto(const struct lua_mem *m, struct lua_object *o)
{
	const struct lua_layout *l = m->lay;
	const uint8_t *p = lua_view(m, o->addr, (uint64_t)l->sizeof_proto);

	if (p == NULL)
		return false;
	o->flat = (uint64_t)l->sizeof_proto;
	o->flat += items(o, lua_at32(p, l->proto_sizecode), 4);
	o->flat += items(o, lua_at32(p, l->proto_sizep), 8);
	o->flat += items(o, lua_at32(p, l->proto_sizek), l->sizeof_value);
	o->flat += items(o, lua_at32(p, l->proto_sizelineinfo),
			 l->sizeof_lineinfo);
	o->flat += items(o, lua_at32(p, l->proto_sizeabslineinfo),
			 l->sizeof_abslineinfo);
	o->flat += items(o, lua_at32(p, l->proto_sizelocvars),
			 l->sizeof_locvar);
	o->flat += items(o, lua_at32(p, l->proto_sizeupvalues),
			 l->sizeof_upvaldesc);
	return true;
}

/* Bytes of a thread's stack: lstate.c, freestack() and stack_init() */
static uint64_t stack_bytes(const struct lua_layout *l, const uint8_t *p,
			    struct lua_object *o)
{
	uint64_t stack = lua_at64(p, l->th_stack), n;
	uint64_t last = lua_at64(p, l->th_stack_last);

	if (stack == 0)
		return 0;
	n = l->th_stacksize >= 0 ? lua_at32(p, l->th_stacksize) :
		(last - stack) / (uint64_t)l->sizeof_value + LUA_EXTRA_STACK;
	if (n > LUA_MAX_STACK) {
		o->torn = true;
		return 0;
	}
	return n * (uint64_t)l->sizeof_value;
}

/*
 * The main thread lies in one block with the global state, and is given the
 * table of strings too: nothing else of what is allocated is its object's own.
 */
static bool describe_thread(const struct lua_mem *m, struct lua_object *o)
{
	const struct lua_layout *l = m->lay;
	const uint8_t *p = lua_view(m, o->addr, (uint64_t)l->sizeof_thread -
						(uint64_t)l->main_thread);
	uint64_t g, global;

	if (p == NULL)
		return false;
	g = lua_at64(p, l->th_global);
	global = o->addr - (uint64_t)l->main_thread + (uint64_t)l->main_global;
	o->flat = (uint64_t)l->sizeof_thread + stack_bytes(l, p, o) +
		  items(o, l->th_nci >= 0 ? lua_at16(p, l->th_nci) :
					    lua_at32(p, l->th_size_ci),
			l->sizeof_ci);
	if (g == global && lua_word(m, g, l->g_mainthread) == o->addr) {
		o->flat += (uint64_t)(l->sizeof_main - l->sizeof_thread);
		o->flat += items(o, lua_u32(m, g, l->g_strt_size), 8);
		o->flat += items(o, lua_word(m, g, l->g_buffsize), 1);
	}
	return true;
}

static uint64_t table_flat(const struct lua_layout *l,
			   const struct lua_table *t)
{
	return (uint64_t)l->sizeof_table +
	       t->n_array * (uint64_t)l->sizeof_value +
	       t->n_node * (uint64_t)l->sizeof_node;
}

static bool describe_table(const struct lua_mem *m, struct lua_object *o)
{
	struct lua_table t;

	if (!lua_table_read(m, o->addr, &t))
		return false;
	o->torn = t.torn;
	o->metatable = t.metatable;
	o->flat = table_flat(m->lay, &t);
	return true;
}

uint64_t lua_flat_in(const struct lua_mem *m, const uint8_t *p,
		     enum lua_kind kind, uint64_t *metatable)
{
	const struct lua_layout *l = m->lay;
	struct lua_table t;
	uint64_t n;
	bool torn;

	switch (kind) {
	case LUA_STRING:
		n = string_length(l, p);
		return n >> 40 ? UINT64_MAX : (uint64_t)l->str_text + n + 1;
	case LUA_TABLE:
		lua_table_in(m, p, &t);
		*metatable = t.metatable;
		torn = t.torn || t.large || (t.n_array != 0 && t.array == 0);
		return torn ? UINT64_MAX : table_flat(l, &t);
	case LUA_CLOSURE:
	case LUA_CCLOSURE:
		return closure_flat(l, kind, p[l->cl_nupvalues]);
	case LUA_USERDATA:
		*metatable = lua_at64(p, l->udata_metatable);
		n = userdata_flat(l, p, &torn);
		return torn ? UINT64_MAX : n;
	case LUA_UPVALUE:
		return (uint64_t)l->sizeof_upval;
	case LUA_THREAD:
	case LUA_PROTO:
	case LUA_NOTHING:
	case LUA_KINDS:
	default:
		return UINT64_MAX;
	}
}

bool lua_describe(const struct lua_mem *m, uint64_t addr, enum lua_kind kind,
		  struct lua_object *ret)
{
	*ret = (struct lua_object){ .addr = addr, .kind = (uint8_t)kind };
	switch (kind) {
	case LUA_STRING:
		return describe_string(m, ret);
	case LUA_TABLE:
		return describe_table(m, ret);
	case LUA_CLOSURE:
	case LUA_CCLOSURE:
		return describe_closure(m, ret);
	case LUA_USERDATA:
		return describe_userdata(m, ret);
	case LUA_THREAD:
		return describe_thread(m, ret);
	case LUA_PROTO:
		return describe_proto(m, ret);
	case LUA_UPVALUE:
		ret->flat = (uint64_t)m->lay->sizeof_upval;
		return lua_view(m, addr, ret->flat) != NULL;
	case LUA_NOTHING:
	case LUA_KINDS:
	default:
		return false;
	}
}

const char *lua_text(const struct lua_mem *m, uint64_t str, uint64_t *n)
{
	const struct lua_layout *l = m->lay;
	const uint8_t *p = lua_view(m, str, (uint64_t)l->str_text);
	uint64_t len;

	if (str & 7 || p == NULL || lua_kind_in(l, p) != LUA_STRING)
		return NULL;
	len = string_length(l, p);
	if (len > 1 << 20)
		len = 1 << 20;	// of more nobody is told
	*n = len;
	// its NUL as well: there is always a byte to view
	return (const char *)lua_view(m, str + (uint64_t)l->str_text, len + 1);
}

bool lua_text_is(const struct lua_mem *m, uint64_t str, struct heapsh_text text)
{
	uint64_t n;
	const char *s = lua_text(m, str, &n);

	return s != NULL && n == text.n && memcmp(s, text.s, n) == 0;
}

/* llex.c: a letter or '_', then these and digits */
bool lua_is_identifier(const struct lua_mem *m, uint64_t str)
{
	uint64_t n = 0;
	const char *s = lua_text(m, str, &n);

	for (uint64_t i = 0; s != NULL && i < n; i++) {
		char c = s[i], lower = (char)(c | 0x20);

		if (c != '_' && !(lower >= 'a' && lower <= 'z') &&
		    !(i != 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s != NULL && n != 0 && n < 64;
}

struct lua_value lua_upvalue(const struct lua_mem *m, uint64_t upval)
{
	return lua_value_at(m, lua_word(m, upval, m->lay->upval_v));
}

uint64_t lua_upvalue_name(const struct lua_mem *m, uint64_t proto, uint32_t i)
{
	const struct lua_layout *l = m->lay;
	uint64_t names = lua_word(m, proto, l->proto_upvalues);

	if (i >= lua_u32(m, proto, l->proto_sizeupvalues) || names == 0)
		return 0;
	return lua_word(m, names + (uint64_t)i * (uint64_t)l->sizeof_upvaldesc,
			0);
}
