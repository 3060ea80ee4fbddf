/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lua's objects and values, read one at a time. Nothing that is read is
 * trusted: what cannot be read is 0, a size beyond reason makes an object torn,
 * and every loop over a chain has a bound.
 */
#ifndef LUAMEM_H
#define LUAMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <heapsh/plugin.h>

#include "lualayout.h"

/** Where bytes come from, and what they mean. Borrows all that it points to. */
struct lua_mem {
	const struct heapsh_host *host;
	struct heapsh_image *im;
	void *reader;		/* of a sink; NULL: the main thread */
	const struct lua_layout *lay;
	uint64_t dummy;		/* 5.1: the node of tables without a hash */
	const uint8_t *near;	/* bytes at hand, of near_addr on, or NULL */
	uint64_t near_addr, near_len;
};

/**
 * A chain that is followed link by link. Some link of a ring, or of a chain
 * that runs into one, comes again (R. Brent, An improved Monte Carlo
 * factorization algorithm, 1980): noticed within three times its length.
 */
struct lua_chain {
	uint64_t n, kept;	/* {0} at the start */
};
static inline bool lua_chain_repeats(struct lua_chain *c, uint64_t link)
{
	if (c->n++ != 0 && link == c->kept)
		return true;
	if ((c->n & (c->n - 1)) == 0)
		c->kept = link;
	return false;
}

/** What kinds of objects the collector knows; Lua 5.4, lobject.h, LUA_V*. */
enum lua_kind {
	LUA_NOTHING,
	LUA_STRING,
	LUA_TABLE,
	LUA_CLOSURE,		/* of a function written in Lua */
	LUA_CCLOSURE,		/* of a C function with up-values */
	LUA_USERDATA,
	LUA_THREAD,
	LUA_PROTO,
	LUA_UPVALUE,
	LUA_KINDS
};

enum lua_is {
	LUA_IS_NIL,		/* also empty, absent and dead */
	LUA_IS_BOOL,
	LUA_IS_INT,
	LUA_IS_FLOAT,
	LUA_IS_LIGHT,		/* light userdata: an address of C */
	LUA_IS_CFUNCTION,	/* light C function */
	LUA_IS_OBJECT,
};

/** A TValue, decoded. */
struct lua_value {
	uint8_t is;		/* enum lua_is */
	uint8_t kind;		/* of an object, as the value's tag has it */
	uint64_t bits;		/* address, integer, or the double's bits */
};

enum {
	/* No array, stack or list is longer: luaM_toobig() is far below. */
	LUA_MAX_ITEMS = 1 << 28,
	LUA_MAX_LSIZENODE = 27,
	LUA_MAX_STACK = 1000000 + 64,	/* LUAI_MAXSTACK and its extra */
	LUA_MAX_CALLS = 1 << 18,
	LUA_EXTRA_STACK = 5,		/* lstate.h, EXTRA_STACK */
	LUA_THREAD_TAG = 8,		/* lua.h, LUA_TTHREAD, in all */
	LUA_HEAD = 64,			/* the largest sizeof(Table), 5.1's */
};

static inline const uint8_t *lua_view(const struct lua_mem *m, uint64_t addr,
				      uint64_t len)
{
	// a distance below the start wraps and is larger than any length
	if (len <= m->near_len && addr - m->near_addr <= m->near_len - len)
		return m->near + (addr - m->near_addr);
	return m->host->view(m->im, m->reader, addr, len);
}

/* Numbers within bytes that are at hand. A member that is absent is 0. */
static inline uint64_t lua_at64(const uint8_t *p, int32_t off)
{
	uint64_t v = 0;

	if (off >= 0)
		memcpy(&v, p + off, sizeof(v));
	return v;
}

static inline uint32_t lua_at32(const uint8_t *p, int32_t off)
{
	uint32_t v = 0;

	if (off >= 0)
		memcpy(&v, p + off, sizeof(v));
	return v;
}

static inline uint32_t lua_at16(const uint8_t *p, int32_t off)
{
	uint16_t v = 0;

	if (off >= 0)
		memcpy(&v, p + off, sizeof(v));
	return v;
}

static inline uint8_t lua_at8(const uint8_t *p, int32_t off)
{
	return off >= 0 ? p[off] : 0;
}

/** A member of a structure; 0 when absent or unreadable. */
uint64_t lua_word(const struct lua_mem *m, uint64_t base, int32_t off);
uint32_t lua_u32(const struct lua_mem *m, uint64_t base, int32_t off);
uint32_t lua_u16(const struct lua_mem *m, uint64_t base, int32_t off);
uint8_t lua_u8(const struct lua_mem *m, uint64_t base, int32_t off);

/** Value of these bits with this tag. */
struct lua_value lua_decode(const struct lua_layout *l, uint64_t bits,
			    uint8_t tt);
/** The TValue at p; at an address. */
struct lua_value lua_value_in(const struct lua_layout *l, const uint8_t *p);
struct lua_value lua_value_at(const struct lua_mem *m, uint64_t addr);

/** By 5.minor and tag: enum lua_kind. */
extern const uint8_t lua_kinds[6][256];
/** Kind of the object whose first bytes (16 at least) are at p. */
static inline enum lua_kind lua_kind_in(const struct lua_layout *l,
					const uint8_t *p)
{
	uint8_t kind = lua_kinds[l->minor][p[l->gc_tt]];

	if (kind == LUA_CLOSURE && l->cl_is_c >= 0 && p[l->cl_is_c] != 0)
		return LUA_CCLOSURE;
	return (enum lua_kind)kind;
}
enum lua_kind lua_kind_at(const struct lua_mem *m, uint64_t addr);

/** An object's header, and what follows from it. */
struct lua_object {
	uint64_t addr;
	uint8_t kind;		/* enum lua_kind */
	bool torn;
	uint64_t flat;		/* bytes as Lua's allocator was asked for */
	uint64_t metatable;	/* of tables and userdata */
};
/**
 * Describe the object at addr; kind: as asked of lua_kind_at(), or
 * LUA_UPVALUE of 5.3, which has no header. False when unreadable.
 */
bool lua_describe(const struct lua_mem *m, uint64_t addr, enum lua_kind kind,
		  struct lua_object *ret);

/**
 * Flat size of the object whose first LUA_HEAD bytes are at p, going by these
 * alone, and its metatable; UINT64_MAX: lua_describe() must be asked.
 */
uint64_t lua_flat_in(const struct lua_mem *m, const uint8_t *p,
		     enum lua_kind kind, uint64_t *metatable);

/** Bytes of a string's text: *n is bounded. NULL when unreadable. */
const char *lua_text(const struct lua_mem *m, uint64_t str, uint64_t *n);
/** Does the string at addr read as this? */
bool lua_text_is(const struct lua_mem *m, uint64_t str,
		 struct heapsh_text text);
/** Could it be written t.name? */
bool lua_is_identifier(const struct lua_mem *m, uint64_t str);
static inline struct heapsh_text lua_words(const char *s)
{
	return (struct heapsh_text){ s, strlen(s) };
}

/* --- tables -------------------------------------------------------------- */

struct lua_table {
	uint64_t array, node, metatable;
	uint64_t n_array, n_node;	/* items; 0 where the part is absent */
	bool torn, large;
};
/** The table whose structure is at p: its parts may not be there. */
void lua_table_in(const struct lua_mem *m, const uint8_t *p,
		  struct lua_table *ret);
bool lua_table_read(const struct lua_mem *m, uint64_t addr,
		    struct lua_table *ret);
struct lua_entry {
	struct lua_value key, value;
};
/**
 * Entries in the order of next(): of the array part with integers as keys,
 * then of the hash part. fn answers false to end. Entries without a value are
 * left out.
 */
typedef bool lua_entry_fn(void *arg, const struct lua_entry *e);
void lua_table_each(const struct lua_mem *m, uint64_t table, lua_entry_fn *fn,
		    void *arg);
/** t[key] for a string and an integer, raw. */
struct lua_value lua_table_str(const struct lua_mem *m, uint64_t table,
			       struct heapsh_text key);
struct lua_value lua_table_int(const struct lua_mem *m, uint64_t table,
			       int64_t key);

/** Address of an object, or 0. */
static inline uint64_t lua_object_of(struct lua_value v)
{
	return v.is == LUA_IS_OBJECT ? v.bits : 0;
}
/** Address of a table, or 0. */
static inline uint64_t lua_table_of(struct lua_value v)
{
	return v.is == LUA_IS_OBJECT && v.kind == LUA_TABLE ? v.bits : 0;
}

/** The value that an up-value holds now: its own, or a stack's slot. */
struct lua_value lua_upvalue(const struct lua_mem *m, uint64_t upval);
/** Name of a prototype's i-th up-value: a string, or 0. */
uint64_t lua_upvalue_name(const struct lua_mem *m, uint64_t proto, uint32_t i);

#endif
