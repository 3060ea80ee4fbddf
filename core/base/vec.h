/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one generic container: HS_VEC(type) declares a struct {type *v; size_t
 * n, cap}. {0} is empty. Grows by doubling; ends the process when out of memory
 * (for columns that follow the target use hs_big_alloc).
 */
#ifndef HS_VEC_H
#define HS_VEC_H

#include "base.h"

#define HS_VEC(type) struct { type *v; size_t n, cap; }
void *hs_vec_grow(void *v, size_t *cap, size_t need, size_t item_size);
#define hs_vec_reserve(vec, need) \
	((vec)->v = (need) > (vec)->cap ? \
		hs_vec_grow((vec)->v, &(vec)->cap, (need), \
			    sizeof(*(vec)->v)) : \
		(vec)->v)
#define hs_vec_push(vec, item) \
	(hs_vec_reserve(vec, (vec)->n + 1), (vec)->v[(vec)->n++] = (item))
#define hs_vec_deinit(vec) \
	(free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)
#endif
