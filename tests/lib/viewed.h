/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What view() of a plugin's host answers in a test over memory of its own: a
 * block for each view, so that ASan sees a byte too far, or one too late.
 */
#ifndef VIEWED_H
#define VIEWED_H

#include <stdlib.h>
#include <string.h>

#include <heapsh/plugin.h>

struct viewed {
	void *blocks[HEAPSH_VIEWS];
	unsigned next;
};

enum { VIEWED_MAX = 1 << 20 };	/* bytes of one view */

/** A copy of len bytes at p, until as many views later as the host promises. */
static inline const void *viewed_copy(struct viewed *v, const void *p,
				      uint64_t len)
{
	void **block = &v->blocks[v->next++ % HEAPSH_VIEWS];

	free(*block);
	*block = NULL;
	if (p == NULL || len > VIEWED_MAX || len == 0)
		return NULL;
	*block = malloc(len);
	if (*block == NULL)
		abort();
	memcpy(*block, p, len);
	return *block;
}

static inline void viewed_free(struct viewed *v)
{
	for (int i = 0; i < HEAPSH_VIEWS; i++)
		free(v->blocks[i]);
}

#endif
