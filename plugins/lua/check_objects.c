/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of objects, whatever the program. */
#include "luacheck.h"

enum { MANY = 64 };		/* entries of one object that are looked at */

bool lua_check_value(const struct lua_mem *m, uint64_t bits, uint8_t tt)
{
	/* lobject.h: variants of each type, a bit each; 0x40 is apart */
	static const uint8_t variants[6][9] = {
		[1] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
		[3] = { 1, 1, 1, 3, 3, 1, 7, 1, 1 },
		[4] = { 7, 3, 1, 3, 3, 1, 7, 1, 1 },
	};
	const struct lua_layout *l = m->lay;
	uint8_t type = tt & 15, variant = tt >> 4 & 3;
	struct lua_value v;
	enum lua_kind kind;

	// dead keys are of type 9 to 12
	if (type > 8)
		return type <= 12 && tt < 0x40;
	if (tt & 0x80 || !(variants[l->minor][type] >> variant & 1) ||
	    (l->minor == 1 && tt > 8))
		return false;
	v = lua_decode(l, bits, tt);
	if (v.is != LUA_IS_OBJECT)
		return l->minor == 1 ? type < 4 : !(tt & 0x40);
	kind = lua_kind_at(m, v.bits);
	// 5.1 has one tag for both kinds of function
	return kind == v.kind || (v.kind == LUA_CLOSURE &&
				  kind == LUA_CCLOSURE && l->minor == 1);
}

static bool value_at(const struct lua_mem *m, uint64_t addr)
{
	const uint8_t *p = lua_view(m, addr, 16);

	return p != NULL && lua_check_value(m, lua_at64(p, 0),
					    p[m->lay->value_tt & 15]) &&
	       m->lay->value_tt < 16;
}

static bool is_kind(const struct lua_mem *m, uint64_t addr, enum lua_kind kind)
{
	return lua_kind_at(m, addr) == kind;
}

static bool is_kind_or_none(const struct lua_mem *m, uint64_t addr,
			    enum lua_kind kind)
{
	return addr == 0 || is_kind(m, addr, kind);
}

/* lgc.h: no object has both whites, and the highest bit is none */
static void check_mark(struct lua_checking *c, uint64_t addr)
{
	uint8_t mark = lua_u8(c->m, addr, c->m->lay->gc_marked);
	uint8_t whites = c->m->lay->minor == 4 ? 0x18 : 0x03;

	lua_says(c, LUA_SAYS_MARK, !(mark & 0x80) &&
				   (mark & whites) != whites);
}

static void check_string(struct lua_checking *c, uint64_t addr)
{
	struct lua_object o;

	// lstring.c: each text has a NUL behind it
	lua_says(c, LUA_SAYS_TEXT,
		 lua_describe(c->m, addr, LUA_STRING, &o) &&
		 lua_is_there(c->m, addr + o.flat - 1) &&
		 lua_u8(c->m, addr + o.flat - 1, 0) == 0);
}

/* --- tables -------------------------------------------------------------- */

static void check_node(struct lua_checking *c, uint64_t node)
{
	const struct lua_layout *l = c->m->lay;
	uint8_t value_tt = lua_u8(c->m, node, l->node_value_tt);
	uint8_t key_tt = lua_u8(c->m, node, l->node_key_tt);
	bool used = (value_tt & 15) != 0;

	c->nodes++;
	c->used += used;
	lua_says(c, LUA_SAYS_NODE, lua_check_value(c->m,
		lua_word(c->m, node, l->node_value), value_tt));
	if (used)
		lua_says(c, LUA_SAYS_NODE, (key_tt & 15) != 0 &&
			 lua_check_value(c->m, lua_word(c->m, node,
							l->node_key), key_tt));
}

static void check_table(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	struct lua_table t;
	uint64_t i, at;

	if (!lua_table_read(c->m, addr, &t))
		return;
	lua_says(c, LUA_SAYS_NODE, is_kind_or_none(c->m, t.metatable,
						   LUA_TABLE) &&
		 (t.n_node == 0 || lua_is_there(c->m, t.node + t.n_node *
				(uint64_t)l->sizeof_node - 1)));
	for (i = 0; i < t.n_node && i < MANY; i++)
		check_node(c, t.node + i * (uint64_t)l->sizeof_node);
	// ltable.c: where there is a hash part, lastfree is in it, or its end
	at = lua_word(c->m, addr, l->tab_lastfree);
	if (t.n_node != 0)
		lua_says(c, LUA_SAYS_NODE, at >= t.node && at - t.node <=
			 t.n_node * (uint64_t)l->sizeof_node);
	for (i = 0; i < t.n_array && i < MANY; i++) {
		at = t.array + i * (uint64_t)l->sizeof_value;
		c->room++;
		c->items += lua_value_at(c->m, at).is != LUA_IS_NIL;
		lua_says(c, LUA_SAYS_ITEM, value_at(c->m, at));
	}
}

/* --- functions ----------------------------------------------------------- */

static void check_upvalue(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint64_t v = lua_word(c->m, addr, l->upval_v);

	lua_says(c, LUA_SAYS_UPVALUE, v != 0 && value_at(c->m, v));
}

static void check_cclosure(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t n = lua_u8(c->m, addr, l->cl_nupvalues), i;

	lua_says(c, LUA_SAYS_CFUNCTION,
		 lua_is_code(c->m, lua_word(c->m, addr, l->cl_f)) &&
		 (l->cl_env < 0 || is_kind(c->m, lua_word(c->m, addr,
					l->cl_env), LUA_TABLE)));
	for (i = 0; i < n; i++)
		lua_says(c, LUA_SAYS_CFUNCTION, value_at(c->m, addr +
			(uint64_t)(l->cl_upvalue + l->sizeof_value *
				   (int32_t)i)));
}

/* An array of n items that lies somewhere, or none of none. */
static bool has_array(struct lua_checking *c, uint64_t proto, int32_t array,
		      uint32_t n, int32_t size)
{
	uint64_t at = lua_word(c->m, proto, array);

	return n == 0 || (at != 0 && n < LUA_MAX_ITEMS &&
			  lua_is_there(c->m, at) &&
			  lua_is_there(c->m, at + (uint64_t)n *
						 (uint64_t)size - 1));
}

/* ldebug.c: lineinfo has a line for each instruction, or none at all */
static void check_lines(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t code = lua_u32(c->m, addr, l->proto_sizecode);
	uint32_t lines = lua_u32(c->m, addr, l->proto_sizelineinfo);
	uint32_t abs = lua_u32(c->m, addr, l->proto_sizeabslineinfo);

	lua_says(c, LUA_SAYS_LINES, (lines == code || lines == 0) &&
		 code != 0 && abs <= code &&
		 has_array(c, addr, l->proto_code, code, 4) &&
		 has_array(c, addr, l->proto_lineinfo, lines,
			   l->sizeof_lineinfo) &&
		 has_array(c, addr, l->proto_abslineinfo, abs,
			   l->sizeof_abslineinfo) &&
		 lua_u32(c->m, addr, l->proto_linedefined) < 1 << 24);
}

static void check_locals(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t n = lua_u32(c->m, addr, l->proto_sizelocvars), i;
	uint32_t code = lua_u32(c->m, addr, l->proto_sizecode);
	uint64_t v = lua_word(c->m, addr, l->proto_locvars);

	lua_says(c, LUA_SAYS_LOCALS, has_array(c, addr, l->proto_locvars, n,
					       l->sizeof_locvar));
	for (i = 0; i < n && i < MANY && v != 0; i++) {
		uint32_t start = lua_u32(c->m, v, l->locvar_start);
		uint32_t end = lua_u32(c->m, v, l->locvar_end);

		lua_says(c, LUA_SAYS_LOCALS, start <= end && end <= code &&
			 end != 0 &&
			 is_kind(c->m, lua_word(c->m, v, l->locvar_name),
				 LUA_STRING));
		v += (uint64_t)l->sizeof_locvar;
	}
}

/* n pointers to objects of a kind, or to none, step apart */
static bool points(struct lua_checking *c, uint64_t proto, int32_t array,
		   uint32_t n, int32_t step, enum lua_kind kind)
{
	uint64_t at = lua_word(c->m, proto, array);

	for (uint32_t i = 0; i < n && i < MANY; i++) {
		if (!is_kind_or_none(c->m, lua_word(c->m, at + (uint64_t)i *
						    (uint64_t)step, 0), kind))
			return false;
	}
	return true;
}

static void check_proto(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t k = lua_u32(c->m, addr, l->proto_sizek), i;
	uint32_t p = lua_u32(c->m, addr, l->proto_sizep);
	uint32_t uv = lua_u32(c->m, addr, l->proto_sizeupvalues);
	uint64_t at = lua_word(c->m, addr, l->proto_k);

	lua_says(c, LUA_SAYS_PROTO,
		 has_array(c, addr, l->proto_k, k, l->sizeof_value) &&
		 has_array(c, addr, l->proto_p, p, 8) && uv < 256 &&
		 has_array(c, addr, l->proto_upvalues, uv,
			   l->sizeof_upvaldesc) &&
		 points(c, addr, l->proto_p, p, 8, LUA_PROTO) &&
		 points(c, addr, l->proto_upvalues, uv, l->sizeof_upvaldesc,
			LUA_STRING) &&
		 lua_u8(c->m, addr, l->proto_is_vararg) < 8 &&
		 is_kind_or_none(c->m, lua_word(c->m, addr, l->proto_source),
				 LUA_STRING));
	for (i = 0; i < k && i < MANY && at != 0; i++)
		lua_says(c, LUA_SAYS_PROTO, value_at(c->m, at + (uint64_t)i *
						(uint64_t)l->sizeof_value));
	check_lines(c, addr);
	check_locals(c, addr);
}

static void check_closure(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint32_t n = lua_u8(c->m, addr, l->cl_nupvalues), i, names;
	uint64_t proto = lua_word(c->m, addr, l->cl_p), uv;

	names = lua_u32(c->m, proto, l->proto_sizeupvalues);
	// 5.1: a function that was stripped has up-values without names
	lua_says(c, LUA_SAYS_FUNCTION, is_kind(c->m, proto, LUA_PROTO) &&
		 (names == n || (l->minor == 1 && names == 0)) &&
		 (l->cl_env < 0 || is_kind(c->m, lua_word(c->m, addr,
					l->cl_env), LUA_TABLE)));
	if (is_kind(c->m, proto, LUA_PROTO))
		check_proto(c, proto);
	for (i = 0; i < n; i++) {
		uv = lua_word(c->m, addr, l->cl_upvals + 8 * (int32_t)i);
		// one that is being made has none yet
		lua_says(c, LUA_SAYS_FUNCTION,
			 l->upval_tt < 0 ? lua_is_there(c->m, uv) :
			 is_kind_or_none(c->m, uv, LUA_UPVALUE));
		if (l->upval_tt < 0 && uv != 0)
			check_upvalue(c, uv);
	}
}

/* --- userdata and threads ------------------------------------------------ */

static void check_userdata(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint64_t n = lua_word(c->m, addr, l->udata_len);
	uint32_t nuv = lua_u16(c->m, addr, l->udata_nuv);
	bool ok = n >> 40 == 0 && nuv < 256 &&
		  (n == 0 || lua_is_there(c->m, addr + (uint64_t)
					  l->udata_mem + n - 1)) &&
		  is_kind_or_none(c->m, lua_word(c->m, addr,
						 l->udata_metatable),
				  LUA_TABLE);

	if (l->udata_env >= 0)
		ok = ok && is_kind(c->m, lua_word(c->m, addr, l->udata_env),
				   LUA_TABLE);
	if (l->udata_user >= 0)
		ok = ok && lua_check_value(c->m, lua_word(c->m, addr,
							  l->udata_user),
				lua_u8(c->m, addr, l->udata_user_tt));
	for (uint32_t i = 0; i < nuv && ok; i++)
		ok = value_at(c->m, addr + (uint64_t)(l->udata_uv +
					l->sizeof_value * (int32_t)i));
	lua_says(c, LUA_SAYS_USERDATA, ok);
}

/* lstate.c, stack_init(): what is left free behind the last slot in use */
static bool stack_fits(const struct lua_mem *m, uint64_t addr)
{
	const struct lua_layout *l = m->lay;
	uint64_t stack = lua_word(m, addr, l->th_stack);
	uint64_t last = lua_word(m, addr, l->th_stack_last);
	uint64_t top = lua_word(m, addr, l->th_top), n;
	uint64_t extra = l->minor == 1 ? LUA_EXTRA_STACK + 1 : LUA_EXTRA_STACK;

	if (stack == 0)		// closed, or being made
		return true;
	n = (last - stack) / (uint64_t)l->sizeof_value;
	if (top < stack || top > last + 16 * extra || n > LUA_MAX_STACK ||
	    (last - stack) % (uint64_t)l->sizeof_value != 0)
		return false;
	return l->th_stacksize < 0 ||
	       lua_u32(m, addr, l->th_stacksize) == n + extra;
}

/* ldo.c: each call's function lies in the stack, and so does its end */
static bool calls_fit(const struct lua_mem *m, uint64_t addr)
{
	const struct lua_layout *l = m->lay;
	uint64_t stack = lua_word(m, addr, l->th_stack);
	uint64_t last = lua_word(m, addr, l->th_stack_last) + 16 * 16;
	uint64_t ci = lua_word(m, addr, l->th_ci), func, top, n;
	uint64_t base = l->ci_previous >= 0 ? addr + (uint64_t)l->th_base_ci :
			lua_word(m, addr, l->th_base_ci);

	for (n = 0; ci != base && n < MANY; n++) {
		func = lua_word(m, ci, l->ci_func);
		top = lua_word(m, ci, l->ci_top);
		if (func < stack || func > last || top < func || top > last ||
		    !value_at(m, func))
			return false;
		ci = l->ci_previous >= 0 ? lua_word(m, ci, l->ci_previous) :
					   ci - (uint64_t)l->sizeof_ci;
		if (ci == 0)
			return false;
	}
	// L->nci, and size_ci of 5.1: as many as there are at least
	n = l->th_nci >= 0 ? lua_u16(m, addr, l->th_nci) + 1 - n :
			     lua_u32(m, addr, l->th_size_ci) - n;
	return ci != base || n < 1 << 20;
}

static void check_thread(struct lua_checking *c, uint64_t addr)
{
	const struct lua_layout *l = c->m->lay;
	uint64_t global = lua_word(c->m, addr, l->th_global), uv;

	uv = lua_word(c->m, addr, l->th_openupval);
	lua_says(c, LUA_SAYS_THREAD, stack_fits(c->m, addr) &&
		 calls_fit(c->m, addr) &&
		 lua_is_there(c->m, global) &&
		 is_kind(c->m, lua_word(c->m, global, l->g_mainthread),
			 LUA_THREAD) &&
		 lua_u8(c->m, addr, l->th_status) <= 6 &&
		 lua_u32(c->m, addr, l->th_hookmask) % 256 < 16 &&
		 (l->upval_tt < 0 ? uv == 0 || lua_is_there(c->m, uv) :
				    is_kind_or_none(c->m, uv, LUA_UPVALUE)));
}

void lua_check_object(struct lua_checking *c, uint64_t addr,
		      enum lua_kind kind)
{
	check_mark(c, addr);
	switch (kind) {
	case LUA_STRING:
		check_string(c, addr);
		break;
	case LUA_TABLE:
		check_table(c, addr);
		break;
	case LUA_CLOSURE:
		check_closure(c, addr);
		break;
	case LUA_CCLOSURE:
		check_cclosure(c, addr);
		break;
	case LUA_UPVALUE:
		check_upvalue(c, addr);
		break;
	case LUA_PROTO:
		check_proto(c, addr);
		break;
	case LUA_USERDATA:
		check_userdata(c, addr);
		break;
	case LUA_THREAD:
		check_thread(c, addr);
		break;
	case LUA_NOTHING:
	case LUA_KINDS:
	default:
		break;
	}
}
