/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a thread, and what debugging information says of each. */
#include "luaheap.h"

#include <stdlib.h>

enum { MAX_VARS = 255 };	/* lparser.c, MAXVARS is 200 in all versions */

/* ldebug.c: pcRel(pc, p) is (pc - p->code) - 1: that which is being run */
static int64_t pc_of(const struct lua_mem *m, uint64_t proto, uint64_t savedpc)
{
	uint64_t code = lua_word(m, proto, m->lay->proto_code);
	uint64_t n = lua_u32(m, proto, m->lay->proto_sizecode);

	if (code == 0 || savedpc < code || savedpc - code > 4 * n)
		return -1;
	return savedpc == code ? 0 : (int64_t)((savedpc - code) / 4) - 1;
}

/* Is it a call, or what the base of the list stands for? */
static bool read_call(const struct lua_mem *m, uint64_t thread, uint64_t ci,
		      struct lua_call *ret)
{
	const struct lua_layout *l = m->lay;
	struct lua_value f;
	uint64_t saved;

	*ret = (struct lua_call){ .ci = ci, .pc = -1 };
	ret->func = lua_word(m, ci, l->ci_func);
	ret->top = lua_word(m, ci, l->ci_top);
	if (ret->func == 0)
		return false;
	f = lua_value_at(m, ret->func);
	ret->closure = lua_object_of(f);
	ret->code = f.is == LUA_IS_CFUNCTION ? f.bits : 0;
	ret->base = ret->func + (uint64_t)l->sizeof_value;
	if (f.is != LUA_IS_OBJECT || lua_kind_at(m, f.bits) != LUA_CLOSURE)
		return f.is != LUA_IS_NIL;
	ret->proto = lua_word(m, ret->closure, l->cl_p);
	if (l->ci_base >= 0)
		ret->base = lua_word(m, ci, l->ci_base);
	saved = lua_word(m, ci, l->ci_savedpc);
	// 5.1 keeps that of the running function in the thread
	if (l->th_savedpc >= 0 && ci == lua_word(m, thread, l->th_ci))
		saved = lua_word(m, thread, l->th_savedpc);
	ret->pc = pc_of(m, ret->proto, saved);
	return true;
}

/* The next outer one; 0: that was the base. */
static uint64_t previous(const struct lua_mem *m, uint64_t thread, uint64_t ci)
{
	const struct lua_layout *l = m->lay;

	if (l->ci_previous >= 0)
		return ci == thread + (uint64_t)l->th_base_ci ? 0 :
		       lua_word(m, ci, l->ci_previous);
	return ci <= lua_word(m, thread, l->th_base_ci) ? 0 :
	       ci - (uint64_t)l->sizeof_ci;
}

bool lua_call_at(const struct lua_mem *m, uint64_t thread, uint32_t index,
		 struct lua_call *ret)
{
	uint64_t ci = lua_word(m, thread, m->lay->th_ci), outer;
	struct lua_chain chain = { 0 };
	uint32_t i;

	for (i = 0; ci != 0 && i < LUA_MAX_CALLS &&
	     !lua_chain_repeats(&chain, ci); i++) {
		outer = previous(m, thread, ci);
		// the outermost is C's, which has called lua_call()
		if (outer == 0)
			return false;
		if (i == index)
			return read_call(m, thread, ci, ret);
		ci = outer;
	}
	return false;
}

struct lua_call *lua_calls(const struct lua_mem *m, uint64_t thread,
			   uint32_t *n)
{
	uint64_t ci = lua_word(m, thread, m->lay->th_ci), at;
	struct lua_chain chain = { 0 };
	struct lua_call *v = NULL;
	uint32_t i, count = 0;

	*n = 0;
	for (at = ci; at != 0 && count < LUA_MAX_CALLS &&
	     !lua_chain_repeats(&chain, at); count++)
		at = previous(m, thread, at);
	if (count > 1)
		v = calloc(count, sizeof(*v));
	if (v == NULL)
		return NULL;
	for (i = count - 1; i-- > 0; ci = previous(m, thread, ci)) {
		if (!read_call(m, thread, ci, &v[i]))
			break;
	}
	if (i != UINT32_MAX) {
		free(v);
		return NULL;
	}
	*n = count - 1;
	return v;
}

/* lfunc.c, luaF_getlocalname */
uint64_t lua_local_name(const struct lua_mem *m, const struct lua_call *c,
			uint32_t n)
{
	const struct lua_layout *l = m->lay;
	uint64_t vars = lua_word(m, c->proto, l->proto_locvars), i, at;
	uint64_t count = lua_u32(m, c->proto, l->proto_sizelocvars);

	if (vars == 0 || c->pc < 0 || n > MAX_VARS || count > 1 << 20)
		return 0;
	for (i = 0; i < count; i++) {
		at = vars + i * (uint64_t)l->sizeof_locvar;
		if (lua_u32(m, at, l->locvar_start) > c->pc)
			break;
		if (c->pc < lua_u32(m, at, l->locvar_end) && --n == 0)
			return lua_word(m, at, l->locvar_name);
	}
	return 0;
}

/*
 * 5.4, ldebug.c, luaG_getfuncline: a byte an instruction is the distance from
 * the line before; where it does not fit, or now and then, a line in full.
 */
static uint32_t line_54(const struct lua_mem *m, uint64_t proto, int64_t pc)
{
	const struct lua_layout *l = m->lay;
	int64_t line = lua_u32(m, proto, l->proto_linedefined), at = -1;
	uint64_t abs = lua_word(m, proto, l->proto_abslineinfo), i;
	uint64_t n = lua_u32(m, proto, l->proto_sizeabslineinfo);
	uint64_t info = lua_word(m, proto, l->proto_lineinfo);

	for (i = 0; abs != 0 && i < n && n < LUA_MAX_ITEMS; i++) {
		int64_t start = lua_u32(m, abs + 8 * i, 0);

		if (start > pc)
			break;
		at = start;
		line = lua_u32(m, abs + 8 * i, 4);
	}
	while (at++ < pc)
		line += (int8_t)lua_u8(m, info + (uint64_t)at, 0);
	return line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
}

uint32_t lua_line(const struct lua_mem *m, uint64_t proto, int64_t pc)
{
	const struct lua_layout *l = m->lay;
	uint64_t info = lua_word(m, proto, l->proto_lineinfo);
	uint32_t line;

	if (pc < 0 || info == 0 ||
	    pc >= lua_u32(m, proto, l->proto_sizelineinfo) || pc > 1 << 24)
		return 0;
	if (l->sizeof_lineinfo == 1)
		return line_54(m, proto, pc);
	line = lua_u32(m, info + 4 * (uint64_t)pc, 0);
	return line < INT32_MAX ? line : 0;
}
