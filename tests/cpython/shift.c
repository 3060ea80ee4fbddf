/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift PID BYTES [FIELD...]: moves fields of the layout of a CPython that
 * holds still, one at a time (all of them without a name), and asks the check
 * whether it fits. Prints "right: N objects", then for each one of
 *
 *   caught FIELD: why		the process says otherwise
 *   placed FIELD: why		only the members beside it do
 *   believed FIELD
 */
#include "peek_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_priv.h"
#include "kinds.h"
#include "threads.h"

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define F(name, source) { #name, offsetof(struct cpython_layout, name) },
#include "layout.def"
#undef F
};

/* Arenas as the right layout finds them: to search for them takes longest. */
static struct heapsh_range *ranges;
static uint32_t n_ranges;

/*
 * The state as the plugin's open() makes it, with this layout. search: look
 * for the arenas with it, too.
 */
static void judge(const struct cpython_found *f,
		  const struct cpython_layout *l, bool search,
		  struct cpython_verdict *ret)
{
	struct cpython st = { .mem = f->mem, .type_type = f->type_type };

	st.mem.lay = l;
	st.pool_size = f->minor >= 10 ? 16384 : 4096;
	st.types = cpython_types_create();
	st.python_dealloc = cpython_python_dealloc(&st.mem);
	cpython_image_find(&st);
	st.ranges = ranges;
	st.n_ranges = n_ranges;
	if (search)
		cpython_arenas_find(&st);
	cpython_check_process(&st, ret);
	cpython_types_destroy(st.types);
	if (ranges == NULL) {
		ranges = st.ranges;
		n_ranges = st.n_ranges;
	} else if (st.ranges != ranges) {
		free(st.ranges);
	}
}

static void shift(const struct cpython_found *f, const struct field *field,
		  int bytes)
{
	struct cpython_layout l = *f->mem.lay;
	struct cpython_verdict v;
	const char *by = "caught";
	int32_t value;

	memcpy(&value, (char *)&l + field->at, sizeof(value));
	if (value < 0)
		return;
	value += bytes;
	memcpy((char *)&l + field->at, &value, sizeof(value));
	judge(f, &l,
	      strstr(field->name, "pool") || strstr(field->name, "arena") ||
		      strstr(field->name, "malloc"), &v);
	if (v.wrong[0] == '\0') {
		by = "placed";
		cpython_check_places(&l, &v);
	}
	if (v.wrong[0] != '\0')
		printf("%s %s: %s\n", by, field->name, v.wrong);
	else
		printf("believed %s\n", field->name);
}

static bool wanted(int argc, char **argv, const char *name)
{
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 4;
}

int main(int argc, char **argv)
{
	struct cpython_verdict v;
	struct heapsh_image *im;
	struct cpython_found f;

	im = argc < 3 ? NULL : peek_open((int)strtol(argv[1], NULL, 10));
	if (im == NULL)
		return 2;
	peek_keep_pages(im);
	if (cpython_find(&peek_host, im, &f) != HEAPSH_YES) {
		printf("refused: %s\n", f.reason);
		return 1;
	}
	judge(&f, f.mem.lay, true, &v);
	cpython_check_places(f.mem.lay, &v);
	if (v.wrong[0] != '\0') {
		printf("wrong: %s\n", v.wrong);
		return 1;
	}
	printf("right: %llu objects\n", (unsigned long long)v.n_objects);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (wanted(argc, argv, fields[i].name))
			shift(&f, &fields[i],
			      (int)strtol(argv[2], NULL, 10));
	return 0;
}
