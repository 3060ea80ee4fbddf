/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift PID BYTES: moves fields of the layout of a Lua that holds still, one at
 * a time, and asks the check whether it fits. Prints "right: N objects", then
 * for each field of the version one of
 *
 *   caught FIELD: why		the process says otherwise
 *   written FIELD		only what the row said when it was written
 *   believed FIELD
 */
#include "peek_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "luaheap.h"

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define F(name, source) { #name, offsetof(struct lua_layout, name) },
#include "layout.def"
#undef F
};

/* As the plugin's open(): NULL, or what is wrong. */
static const char *judge(struct lua_found *f, uint64_t *n_objects)
{
	f->n_states = 0;
	if (!lua_find_states(f, false))
		return "out of memory";
	if (f->n_states == 0)
		return "there is no state";
	lua_find_dummy(f);
	return lua_check(f, n_objects);
}

static void shift(struct lua_found *f, const struct field *field, int bytes)
{
	const struct lua_layout *right = f->mem.lay;
	struct lua_layout l = *right;
	uint64_t n = 0;
	const char *wrong;
	int32_t value;

	memcpy(&value, (char *)&l + field->at, sizeof(value));
	if (value < 0)
		return;
	value += bytes;
	memcpy((char *)&l + field->at, &value, sizeof(value));
	f->mem.lay = &l;
	wrong = judge(f, &n);
	if (wrong != NULL)
		printf("caught %s: %s\n", field->name, wrong);
	else
		printf("%s %s\n", lua_layout_damaged(&l) ? "written" :
							   "believed",
		       field->name);
	f->mem.lay = right;
}

int main(int argc, char **argv)
{
	static struct lua_found f;
	struct heapsh_image *im;
	const char *wrong;
	uint64_t n = 0;

	im = argc < 3 ? NULL : peek_open((int)strtol(argv[1], NULL, 10));
	if (im == NULL)
		return 2;
	peek_keep_pages(im);
	if (lua_find(&peek_host, im, &f) != HEAPSH_YES) {
		printf("refused: %s\n", f.reason);
		return 1;
	}
	wrong = judge(&f, &n);
	if (wrong != NULL || lua_layout_damaged(f.mem.lay)) {
		printf("wrong: %s\n", wrong != NULL ? wrong : "its digest");
		return 1;
	}
	printf("right: %llu objects\n", (unsigned long long)n);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		shift(&f, &fields[i], (int)strtol(argv[2], NULL, 10));
	return 0;
}
