/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sizes of what most objects are, without a call: for the sweep, which asks a
 * hundred million times. size.c knows all the others, and says which type is
 * which.
 */
#ifndef CPYTHON_QUICK_H
#define CPYTHON_QUICK_H

#include "object.h"

/** Digits of an int; from 3.11 on zero has one. */
static inline uint64_t cpython_n_digits(const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t n = l->long_tag >= 0 ? cpython_obj_word(o, l->long_tag) >> 3 :
					cpython_obj_size(o);

	return n == 0 && l->minor >= 11 ? 1 : n;
}

/** The block of an int without its pre-header, and flat; n: its digits. */
static inline void cpython_own_long(const struct cpython_layout *l, uint64_t n,
				    struct cpython_size *ret)
{
	uint64_t digits = (uint64_t)l->long_digits;

	ret->flat = ret->own = digits + n * (uint64_t)l->sizeof_digit;
	// _PyLong_FromMedium() asks for the structure, padding too
	if (l->minor >= 11 && n == 1)
		ret->own = digits + 8;
}

/** A str of ASCII with nothing elsewhere. False: it is another. */
static inline bool cpython_quick_str(const struct cpython_obj *o,
				     struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint32_t state = (uint32_t)cpython_obj_i32(o, l->str_state);
	uint64_t n = cpython_obj_word(o, l->str_length);
	const uint32_t plain = UINT32_C(1) << l->str_kind_bit |
			       UINT32_C(1) << l->str_compact_bit |
			       UINT32_C(1) << l->str_ascii_bit;
	const uint32_t mask = plain | UINT32_C(7) << l->str_kind_bit;

	if ((state & mask) != plain || n >= CPYTHON_POOL_LARGEST ||
	    cpython_obj_field(o, l->str_wstr) != 0)
		return false;
	ret->flat = ret->own = (uint64_t)l->sizeof_str_ascii + n + 1;
	return true;
}

/** As cpython_own_size(), of a type that is quick. False: ask that. */
static inline __attribute__((always_inline)) bool
cpython_quick_own(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_type *t = o->type;
	uint64_t n;

	*ret = (struct cpython_size){ 0 };
	switch ((enum cpython_quick)t->quick) {
	case CPYTHON_QUICK_FIXED:
	case CPYTHON_QUICK_BLOCK:
		ret->flat = ret->own = (uint64_t)t->basic;
		break;
	case CPYTHON_QUICK_LONG:
		n = cpython_n_digits(o);
		if (n >= CPYTHON_POOL_LARGEST)
			return false;
		cpython_own_long(o->m->lay, n, ret);
		break;
	case CPYTHON_QUICK_ITEMS:
		n = cpython_obj_size(o);
		if (n >= CPYTHON_POOL_LARGEST)
			return false;
		ret->flat = (uint64_t)t->basic + n * (uint64_t)t->item;
		ret->own = cpython_align8(ret->flat);
		break;
	case CPYTHON_QUICK_STR:
		if (!cpython_quick_str(o, ret))
			return false;
		break;
	case CPYTHON_QUICK_NONE:
	default:
		return false;
	}
	ret->own += (uint64_t)t->pre;
	return true;
}

#endif
