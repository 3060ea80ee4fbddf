/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pools of pymalloc, known by nothing but that their header agrees with itself
 * (Objects/obmalloc.c): no symbol of the allocator is needed, and memory of
 * others in the same mapping is told from them.
 */
#ifndef CPYTHON_POOL_H
#define CPYTHON_POOL_H

#include "object.h"

enum {
	CPYTHON_POOL_MAX = 16384,	/* POOL_SIZE: 4096 up to 3.9 */
	CPYTHON_ALIGNMENT = 16,
	CPYTHON_BLOCKS_MAX = CPYTHON_POOL_MAX / CPYTHON_ALIGNMENT,
};

struct cpython_pool {
	uint32_t block;		/* bytes of a block */
	uint32_t first, end;	/* offset of the first; of the virgin space */
	uint32_t n_used;	/* blocks in use, as the header says */
	uint64_t freeblock;	/* address of the first free one, or 0 */
};

/**
 * The pool that was looked at last: of objects that are asked for in the order
 * of addresses, most are in the same one as those before.
 */
struct cpython_pool_seen {
	uint64_t base;		/* 0: none yet */
	bool is_pool;
	struct cpython_pool pool;
	uint8_t is_free[CPYTHON_BLOCKS_MAX];	/* by block */
};

/** p: the pool's own bytes, at least 48. False: it is none, or is empty. */
static inline bool cpython_pool_open(const struct cpython *st,
				     const uint8_t *p,
				     struct cpython_pool *ret)
{
	const struct cpython_layout *l = st->mem.lay;
	uint32_t szidx, next, max;

	memcpy(&szidx, p + l->pool_szidx, 4);
	memcpy(&next, p + l->pool_nextoffset, 4);
	memcpy(&max, p + l->pool_maxnextoffset, 4);
	memcpy(&ret->n_used, p + l->pool_count, 4);
	memcpy(&ret->freeblock, p + l->pool_freeblock, 8);
	if (szidx >= 32)
		return false;
	ret->block = (szidx + 1) * CPYTHON_ALIGNMENT;
	ret->first = (uint32_t)l->sizeof_pool_header;
	ret->end = next;
	return max == st->pool_size - ret->block && next >= ret->first &&
	       next <= max + ret->block &&
	       (next - ret->first) % ret->block == 0 && ret->n_used > 0 &&
	       ret->n_used <= (next - ret->first) / ret->block;
}

/**
 * Mark the free blocks, a byte for each block from first to end. p: the whole
 * pool. A chain that is caught in mid-change is followed as far as it leads:
 * a block that it leaves out shows no living object either, for the link of a
 * free block stands where an object counts its references.
 */
void cpython_pool_free(const uint8_t *p, uint64_t addr,
		       const struct cpython_pool *pool, uint8_t *is_free);

#endif
