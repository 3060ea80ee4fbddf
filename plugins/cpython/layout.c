/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far a row is: its nearest patch, the first row of the table before. */
static int distance(const struct cpython_layout *l, int patch)
{
	int best = INT_MAX;

	for (const struct cpython_known *k = cpython_known; k->layout; k++)
		if (k->layout == l && abs(k->patch - patch) < best)
			best = abs(k->patch - patch);
	return best;
}

/* Of two rows of a minor: is a tried before b? */
static int is_nearer(const struct cpython_layout *a,
		     const struct cpython_layout *b, int patch)
{
	int da = distance(a, patch), db = distance(b, patch);

	return da != db ? da < db : a->patch < b->patch;
}

const struct cpython_layout *cpython_layout_find(int minor, int patch, int i,
						 int *exact)
{
	const struct cpython_layout *last = NULL, *best;

	*exact = 0;
	do {
		best = NULL;
		for (const struct cpython_known *k = cpython_known; k->layout;
		     k++)
			if (k->minor == minor && k->layout != last &&
			    (!last || is_nearer(last, k->layout, patch)) &&
			    (!best || is_nearer(k->layout, best, patch)))
				best = k->layout;
		last = best;
	} while (best && i-- > 0);
	*exact = best && distance(best, patch) == 0;
	return best;
}

static int compare_name(const void *key, const void *shape)
{
	return strcmp(key, ((const struct cpython_shape *)shape)->type);
}

static const struct cpython_shape *shape_named(const struct cpython_layout *l,
					       const char *tp_name)
{
	return bsearch(tp_name, l->shapes, (size_t)l->n_shapes,
		       sizeof(*l->shapes), compare_name);
}

const struct cpython_shape *
cpython_shape_find(const struct cpython_layout *l, const char *tp_name,
		   int64_t basic_size)
{
	const struct cpython_shape *s = shape_named(l, tp_name);

	return s && s->size == basic_size ? s : NULL;
}

int cpython_shape_differs(const struct cpython_layout *l, const char *tp_name,
			  int64_t basic_size)
{
	const struct cpython_shape *s = shape_named(l, tp_name);

	return s && s->size != basic_size;
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

	add_line(&h, "minor=%" PRId32 " patch=%" PRId32, l->minor, l->patch);
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
