/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift PID [FIELD...]: moves fields of the layout of a CPython that holds
 * still by eight bytes, one at a time (all of them without a name), and asks
 * the check whether it fits. Prints "right: N objects", then for each
 * "caught FIELD: why" or "believed FIELD".
 */
#include "peek_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "threads.h"

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define F(name, source) { #name, offsetof(struct cpython_layout, name) },
#include "layout.def"
#undef F
};

/* The state as the plugin's open() makes it, with this layout. */
static void judge(const struct cpython_found *f,
		  const struct cpython_layout *l, struct cpython_verdict *ret)
{
	struct cpython st = { .mem = f->mem, .type_type = f->type_type };

	st.mem.lay = l;
	st.pool_size = f->minor >= 10 ? 16384 : 4096;
	st.types = cpython_types_create();
	cpython_arenas_find(&st);
	cpython_check(&st, ret);
	free(st.ranges);
	cpython_types_destroy(st.types);
}

static void shift(const struct cpython_found *f, const struct field *field)
{
	struct cpython_layout l = *f->mem.lay;
	struct cpython_verdict v;
	int32_t value;

	memcpy(&value, (char *)&l + field->at, sizeof(value));
	if (value < 0)
		return;
	value += 8;
	memcpy((char *)&l + field->at, &value, sizeof(value));
	judge(f, &l, &v);
	if (v.wrong[0] != '\0')
		printf("caught %s: %s\n", field->name, v.wrong);
	else
		printf("believed %s\n", field->name);
}

static bool wanted(int argc, char **argv, const char *name)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 3;
}

int main(int argc, char **argv)
{
	struct cpython_verdict v;
	struct heapsh_image *im;
	struct cpython_found f;

	im = argc < 2 ? NULL : peek_open((int)strtol(argv[1], NULL, 10));
	if (im == NULL)
		return 2;
	if (cpython_find(&peek_host, im, &f) != HEAPSH_YES) {
		printf("refused: %s\n", f.reason);
		return 1;
	}
	judge(&f, f.mem.lay, &v);
	if (v.wrong[0] != '\0') {
		printf("wrong: %s\n", v.wrong);
		return 1;
	}
	printf("right: %llu objects\n", (unsigned long long)v.n_objects);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (wanted(argc, argv, fields[i].name))
			shift(&f, &fields[i]);
	return 0;
}
