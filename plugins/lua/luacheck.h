/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the self-check share. */
#ifndef LUACHECK_H
#define LUACHECK_H

#include "luaheap.h"

/**
 * One statement about many objects. A program that is looked at in the middle
 * of a change may break some; a wrong layout breaks most.
 */
struct lua_tally {
	uint64_t n, bad;
};
static inline void lua_count_one(struct lua_tally *t, bool good)
{
	t->n++;
	t->bad += !good;
}

/** The statements about objects; the words are of the fault. */
#define LUA_STATEMENTS(S) \
	S(MARK, "the collector's marks cannot be") \
	S(TEXT, "texts do not end where their length says") \
	S(NODE, "entries of tables are no values") \
	S(USED, "tables have entries, and none is used") \
	S(ITEM, "items of arrays are no values") \
	S(ARRAY, "arrays have room, and nothing is in it") \
	S(FUNCTION, "functions do not fit their prototypes") \
	S(UPVALUE, "up-values hold no values") \
	S(CFUNCTION, "C functions are no code") \
	S(PROTO, "prototypes hold no constants, or not their own") \
	S(LINES, "prototypes have not as many lines as instructions") \
	S(LOCALS, "local variables have no names, or live outside") \
	S(USERDATA, "userdata cannot be") \
	S(THREAD, "stacks and calls of threads do not fit") \
	S(CHAIN, "the table of strings leads to no strings") \
	S(STRINGS, "the table of strings has not as many as it says") \
	S(LISTS, "the collector's lists lead to what they cannot hold") \
	S(METATABLES, "the metatables of types are no tables") \
	S(COUNT, "the collector counts less than its objects have") \
	S(STATE, "the collector is in no state that there is")
enum lua_statement {
#define S(name, words) LUA_SAYS_##name,
	LUA_STATEMENTS(S)
#undef S
	LUA_N_STATEMENTS
};

struct lua_checking {
	const struct lua_mem *m;
	struct lua_tally t[LUA_N_STATEMENTS];
	uint64_t n_objects, flat;	/* looked at, and their sizes */
	uint64_t nodes, used, room, items, known;
};
static inline void lua_says(struct lua_checking *c, enum lua_statement s,
			    bool good)
{
	lua_count_one(&c->t[s], good);
}

/** Is this what an object may be? Tallies what is said of its kind. */
void lua_check_object(struct lua_checking *c, uint64_t addr,
		      enum lua_kind kind);
/** A value with a tag that there is, and where it is an object, that kind. */
bool lua_check_value(const struct lua_mem *m, uint64_t bits, uint8_t tt);
/** Is there at least a byte? */
bool lua_is_there(const struct lua_mem *m, uint64_t addr);

#endif
