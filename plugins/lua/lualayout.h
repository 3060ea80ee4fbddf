/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where things are in Lua's structures, as data: layouts.c holds a row for each
 * known version, made by regen-layouts.py from debugging information.
 */
#ifndef LUALAYOUT_H
#define LUALAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * One version, Lua 5.minor.patch. The fields, from layout.def, are offsets and
 * sizes in bytes; -1 means that this version has no such thing.
 */
struct lua_layout {
	uint64_t digest;	/* what the row said when it was written */
	int32_t minor, patch;	/* minor 0 ends the table */
#define F(name, source) int32_t name;
#include "layout.def"
#undef F
};
extern const struct lua_layout lua_layouts[];

/** Is it not what regen-layouts.py wrote? */
bool lua_layout_damaged(const struct lua_layout *l);
/**
 * Row for 5.minor.patch, or that of the nearest patch of the same minor:
 * *exact says which. NULL when the minor is not known.
 */
const struct lua_layout *lua_layout_find(int minor, int patch, int *exact);

#endif
