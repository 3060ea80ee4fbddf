/* SPDX-License-Identifier: Apache-2.0 */
/** How size.c and library.c add up. */
#ifndef CPYTHON_SIZE_PRIV_H
#define CPYTHON_SIZE_PRIV_H

#include "object.h"

/** Nothing is larger; keeps every sum below 2^62. */
#define CPYTHON_MAX_ITEMS (UINT64_C(1) << 47)

/** n * size; 0 and torn when there cannot be so many. */
static inline uint64_t cpython_items(struct cpython_size *ret, uint64_t n,
				     uint64_t size)
{
	if (n > CPYTHON_MAX_ITEMS) {
		ret->torn = true;
		return 0;
	}
	return n * size;
}

/** n * size, to both columns. */
static inline void cpython_add(struct cpython_size *ret, uint64_t n,
			       uint64_t size)
{
	uint64_t bytes = cpython_items(ret, n, size);

	ret->flat += bytes;
	ret->held += bytes;
}

/** numpy.c: as cpython_more_size(), for its part. */
void cpython_numpy_size(const struct cpython_obj *o, struct cpython_size *s);

#endif
