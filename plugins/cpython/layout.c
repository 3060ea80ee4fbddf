/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cpython_layout *cpython_layout_find(int minor, int patch,
						 int *exact)
{
	const struct cpython_layout *best = NULL;
	int distance = 0;

	for (const struct cpython_known *k = cpython_known; k->layout; k++) {
		int d = abs(k->patch - patch);

		if (k->minor != minor || (best && d >= distance))
			continue;
		best = k->layout;
		distance = d;
	}
	*exact = best && distance == 0;
	return best;
}

static int compare_name(const void *key, const void *shape)
{
	return strcmp(key, ((const struct cpython_shape *)shape)->type);
}

const struct cpython_shape *
cpython_shape_find(const struct cpython_layout *l, const char *tp_name,
		   int64_t basic_size)
{
	const struct cpython_shape *s =
		bsearch(tp_name, l->shapes, (size_t)l->n_shapes,
			sizeof(*l->shapes), compare_name);

	return s && s->size == basic_size ? s : NULL;
}

/* --- digest: the same text as regen-layouts.py, digest() ----------------- */

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static const struct {
	const char *name;
	size_t at;
} fields[] = {
#define F(name, source) { #name, offsetof(struct cpython_layout, name) },
#include "layout.def"
#undef F
};

static void add_line(uint64_t *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add_line(uint64_t *h, const char *fmt, ...)
{
	char line[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (const char *p = line; *p != '\0'; p++)
		*h = (*h ^ (unsigned char)*p) * FNV_PRIME;
	*h = (*h ^ '\n') * FNV_PRIME;
}

static void add_shapes(uint64_t *h, const struct cpython_layout *l)
{
	for (int32_t i = 0; i < l->n_shapes; i++) {
		const struct cpython_shape *shape = &l->shapes[i];
		const struct cpython_slot *s = l->slots + shape->first;

		add_line(h, "%s %d", shape->type, shape->size);
		for (int k = 0; k < shape->n; k++, s++)
			add_line(h, "%d %d %s", s->offset, s->count, s->label);
	}
}

static void add_roots(uint64_t *h, const char *state,
		      const struct cpython_root_slot *r, int32_t n)
{
	add_line(h, "%s", state);
	for (; n > 0; n--, r++)
		add_line(h, "%s %" PRId32 " %" PRId32 " %" PRId32, r->name,
			 r->offset, r->count, r->stride);
}

uint64_t cpython_layout_digest(const struct cpython_layout *l)
{
	uint64_t h = FNV_START;
	int32_t v;

	add_line(&h, "minor=%" PRId32, l->minor);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		memcpy(&v, (const char *)l + fields[i].at, sizeof(v));
		add_line(&h, "%s=%" PRId32, fields[i].name, v);
	}
	add_shapes(&h, l);
	add_roots(&h, "runtime", l->runtime_roots, l->n_runtime_roots);
	add_roots(&h, "interp", l->interp_roots, l->n_interp_roots);
	add_roots(&h, "thread", l->thread_roots, l->n_thread_roots);
	return h;
}

const char *cpython_layout_damaged(const struct cpython_layout *l)
{
	const struct cpython_known *k = cpython_known;
	const struct cpython_digest *d = cpython_digests;

	while (k->layout != NULL && k->layout != l)
		k++;
	if (k->layout == NULL)
		return "?";
	// the first version with the row is the one that it was read from
	while (d->version != NULL && strcmp(d->version, k->version) != 0)
		d++;
	return d->version != NULL && d->value == cpython_layout_digest(l) ?
		       NULL : k->version;
}
