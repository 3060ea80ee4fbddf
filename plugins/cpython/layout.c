/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

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
