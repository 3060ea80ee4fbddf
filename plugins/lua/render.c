/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of objects and values, as a program would write them where it could.
 * Tables in tables are shown as what tostring() has for them: nothing recurses.
 */
#include "luaheap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SHORT_ITEMS = 8,	/* of a table, in a line */
	REPR_ITEMS = 400,
	SHORT_TEXT = 60,	/* bytes of a string within a table */
};

struct out {
	char *buf;
	uint64_t cap, n;	/* n: as long as it would be */
};

static void put(struct out *o, const char *s, uint64_t n)
{
	uint64_t room = o->n < o->cap ? o->cap - o->n : 0;

	memcpy(o->buf + (room != 0 ? o->n : 0), s, n < room ? n : room);
	o->n += n;
}

static void putf(struct out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void putf(struct out *o, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	put(o, line, strlen(line));
}

static void put_text(struct out *o, const struct lua_mem *m, uint64_t str,
		     uint64_t max)
{
	uint64_t n = 0;
	const char *s = lua_text(m, str, &n);

	putf(o, "'");
	if (s != NULL)
		put(o, s, n < max ? n : max);
	putf(o, s != NULL && n > max ? "…'" : "'");
}

/* As tostring(): %.14g, with ".0" where it would read as an integer. */
static void put_float(struct out *o, const struct lua_layout *l, uint64_t bits)
{
	char text[48];
	double d;

	memcpy(&d, &bits, sizeof(d));
	snprintf(text, sizeof(text), "%.14g", d);
	putf(o, "%s%s", text, l->minor >= 3 &&
	     text[strspn(text, "-0123456789")] == '\0' ? ".0" : "");
}

static void put_scalar(struct out *o, const struct lua_layout *l,
		       struct lua_value v)
{
	switch ((enum lua_is)v.is) {
	case LUA_IS_BOOL:
		putf(o, v.bits != 0 ? "true" : "false");
		break;
	case LUA_IS_INT:
		putf(o, "%" PRId64, (int64_t)v.bits);
		break;
	case LUA_IS_FLOAT:
		put_float(o, l, v.bits);
		break;
	case LUA_IS_LIGHT:
		putf(o, "userdata: 0x%" PRIx64, v.bits);
		break;
	case LUA_IS_CFUNCTION:
		putf(o, "function: 0x%" PRIx64, v.bits);
		break;
	case LUA_IS_NIL:
	case LUA_IS_OBJECT:
	default:
		putf(o, "nil");
		break;
	}
}

uint64_t lua_render_value(const struct lua *st, struct lua_value v, char *buf,
			  uint64_t cap)
{
	struct out o = { buf, cap, 0 };
	const char *name = NULL;

	if (v.is == LUA_IS_CFUNCTION)
		name = lua_name_of(st, v.bits);
	if (name != NULL)
		putf(&o, "<function %s of C at 0x%" PRIx64 ">", name, v.bits);
	else
		put_scalar(&o, st->mem.lay, v);
	return o.n;
}

/* lauxlib.c: what a chunk is called: "@file.lua", "=stdin", or its text */
static void put_source(struct out *o, const struct lua_mem *m, uint64_t proto)
{
	uint64_t n = 0, str = lua_word(m, proto, m->lay->proto_source);
	const char *s = str != 0 ? lua_text(m, str, &n) : NULL;

	if (s == NULL || n == 0) {
		putf(o, "?");
		return;
	}
	if (*s == '@' || *s == '=') {
		put(o, s + 1, n - 1 < 200 ? n - 1 : 200);
		return;
	}
	for (str = 0; str < n && str < 40 && s[str] != '\n'; str++)
		;
	putf(o, "[string \"%.*s\"]", (int)str, s);
}

static void put_function(struct out *o, const struct lua *st, uint64_t addr,
			 uint64_t proto)
{
	const char *name = lua_name_of(st, addr);

	putf(o, "<function %s%sat ", name != NULL ? name : "",
	     name != NULL ? " " : "");
	put_source(o, &st->mem, proto);
	putf(o, ":%u>", lua_u32(&st->mem, proto,
				st->mem.lay->proto_linedefined));
}

static const char *type_name(enum lua_kind kind)
{
	static const char *const names[LUA_KINDS] = {
		"?", "string", "table", "function", "function", "userdata",
		"thread", "proto", "upvalue" };

	return kind < LUA_KINDS ? names[kind] : "?";
}

static void put_value(struct out *o, const struct lua *st, struct lua_value v)
{
	if (v.is != LUA_IS_OBJECT)
		put_scalar(o, st->mem.lay, v);
	else if (v.kind == LUA_STRING)
		put_text(o, &st->mem, v.bits, SHORT_TEXT);
	else
		putf(o, "%s: 0x%" PRIx64,
		     type_name(lua_kind_at(&st->mem, v.bits)), v.bits);
}

/* --- tables -------------------------------------------------------------- */

struct items {
	struct out *o;
	const struct lua *st;
	uint64_t n, max;
	uint64_t next;		/* index that needs no key */
};

static bool put_item(void *arg, const struct lua_entry *e)
{
	struct items *x = arg;
	uint64_t n = 0;
	const char *s;

	if (x->n != 0)
		putf(x->o, ", ");
	if (x->n++ >= x->max || x->o->n > x->o->cap) {
		putf(x->o, "…");
		return false;
	}
	if (e->key.is == LUA_IS_INT && e->key.bits == x->next) {
		x->next++;
	} else if (e->key.is == LUA_IS_OBJECT && e->key.kind == LUA_STRING &&
		   lua_is_identifier(&x->st->mem, e->key.bits) &&
		   (s = lua_text(&x->st->mem, e->key.bits, &n)) != NULL) {
		put(x->o, s, n);
		putf(x->o, "=");
	} else {
		putf(x->o, "[");
		put_value(x->o, x->st, e->key);
		putf(x->o, "]=");
	}
	put_value(x->o, x->st, e->value);
	return true;
}

static void put_table(struct out *o, const struct lua *st, uint64_t addr,
		      uint64_t max)
{
	struct items x = { o, st, 0, max, 1 };

	putf(o, "{");
	lua_table_each(&st->mem, addr, put_item, &x);
	putf(o, "}");
}

/* --- the rest ------------------------------------------------------------ */

static void put_class(struct out *o, const struct lua *st,
		      const struct lua_object *obj)
{
	const struct lua_class *c = lua_class_of(st, obj->metatable);
	const char *name = NULL;
	uint64_t str, n = 0;

	if (c == NULL || c->type == UINT32_MAX)
		return;
	str = lua_object_of(lua_table_str(&st->mem, obj->metatable,
					  lua_words("__name")));
	if (str != 0)
		name = lua_text(&st->mem, str, &n);
	if (name != NULL && n != 0 && n < SHORT_TEXT) {
		put(o, name, n);
		putf(o, " ");
	}
}

/* lcorolib.c, auxstatus */
static const char *thread_status(const struct lua *st, uint64_t addr)
{
	const struct lua_layout *l = st->mem.lay;
	uint8_t status = lua_u8(&st->mem, addr, l->th_status);
	struct lua_call c;

	for (uint32_t i = 0; i < st->n_states; i++) {
		if (st->states[i].main == addr)
			return "main";
	}
	if (status == 1)
		return "suspended";
	if (status != 0)
		return "dead";
	if (lua_call_at(&st->mem, addr, 0, &c))
		return "running";
	return lua_word(&st->mem, addr, l->th_top) >
	       lua_word(&st->mem, addr, l->th_stack) +
		       (uint64_t)l->sizeof_value ? "suspended" : "dead";
}

static void put_other(struct out *o, const struct lua *st,
		      const struct lua_object *obj)
{
	const struct lua_mem *m = &st->mem;

	switch ((enum lua_kind)obj->kind) {
	case LUA_CLOSURE:
		put_function(o, st, obj->addr,
			     lua_word(m, obj->addr, m->lay->cl_p));
		break;
	case LUA_CCLOSURE:
		putf(o, "<function %s of C at 0x%" PRIx64 ">",
		     lua_name_of(st, obj->addr) != NULL ?
			     lua_name_of(st, obj->addr) : "",
		     lua_word(m, obj->addr, m->lay->cl_f));
		break;
	case LUA_PROTO:
		putf(o, "<proto of ");
		put_source(o, m, obj->addr);
		putf(o, ":%u>", lua_u32(m, obj->addr,
					m->lay->proto_linedefined));
		break;
	case LUA_UPVALUE:
		putf(o, "<upvalue: ");
		put_value(o, st, lua_upvalue(m, obj->addr));
		putf(o, ">");
		break;
	case LUA_THREAD:
		putf(o, "<thread 0x%" PRIx64 ", %s>", obj->addr,
		     thread_status(st, obj->addr));
		break;
	case LUA_USERDATA:
		putf(o, "<");
		put_class(o, st, obj);
		putf(o, "userdata 0x%" PRIx64 ", %" PRIu64 " bytes>",
		     obj->addr, lua_word(m, obj->addr, m->lay->udata_len));
		break;
	case LUA_STRING:
	case LUA_TABLE:
	case LUA_NOTHING:
	case LUA_KINDS:
	default:
		break;
	}
}

static void put_object(struct out *o, const struct lua *st,
		       const struct lua_object *obj, uint32_t style)
{
	if (obj->kind == LUA_STRING) {
		put_text(o, &st->mem, obj->addr, o->cap);
	} else if (obj->kind == LUA_TABLE) {
		put_class(o, st, obj);
		put_table(o, st, obj->addr,
			  style == HEAPSH_RENDER_SHORT ? SHORT_ITEMS :
							 REPR_ITEMS);
	} else {
		put_other(o, st, obj);
	}
}

uint64_t lua_render(void *state, uint64_t addr, uint32_t style, char *buf,
		    uint64_t cap)
{
	struct out o = { buf, cap, 0 };
	struct lua *st = state;
	struct lua_object obj;
	const char *s;
	uint64_t n;

	lua_walk(st, NULL);
	if (!lua_object_at(st, &st->mem, addr, &obj))
		return 0;
	if (style == HEAPSH_RENDER_TEXT) {
		s = obj.kind == LUA_STRING ? lua_text(&st->mem, addr, &n) :
					     NULL;
		if (s != NULL)
			put(&o, s, n);
	} else {
		put_object(&o, st, &obj, style);
	}
	return o.n;
}
