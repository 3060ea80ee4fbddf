/* SPDX-License-Identifier: Apache-2.0 */
/** Bump allocator: many small things that end together. {0} is empty. */
#ifndef HS_ARENA_H
#define HS_ARENA_H

#include "base.h"

struct hs_arena {
	struct hs_arena_block *head;
	size_t used;		/* bytes handed out, all blocks */
};
/** Zeroed, aligned to 16, until hs_arena_deinit(). Ends the process on OOM. */
void *hs_arena_alloc(struct hs_arena *a, size_t size);
/** Copy of at most n bytes, NUL added. */
char *hs_arena_strndup(struct hs_arena *a, const char *s, size_t n);
void hs_arena_deinit(struct hs_arena *a);
#endif
