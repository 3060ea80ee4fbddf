/* SPDX-License-Identifier: Apache-2.0 */
/** Dense bitmaps of n bits in whole 64-bit words; bits past n stay zero. */
#ifndef HS_BITS_H
#define HS_BITS_H

#include "base.h"

static inline size_t hs_bits_words(uint64_t n)
{
	return (size_t)((n + 63) / 64);
}
static inline bool hs_bit(const uint64_t *w, uint64_t i)
{
	return w[i >> 6] >> (i & 63) & 1;
}
static inline void hs_bit_set(uint64_t *w, uint64_t i)
{
	w[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void hs_bit_clear(uint64_t *w, uint64_t i)
{
	w[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}
/** Set; true when it was set before. */
static inline bool hs_bit_test_set(uint64_t *w, uint64_t i)
{
	uint64_t m = UINT64_C(1) << (i & 63), old = w[i >> 6];

	w[i >> 6] = old | m;
	return old & m;
}
/** Bits that are set. */
static inline unsigned hs_popcount(uint64_t v)
{
	// Plain x86-64 has no instruction for it, and a call costs more.
	v -= v >> 1 & UINT64_C(0x5555555555555555);
	v = (v & UINT64_C(0x3333333333333333)) +
	    (v >> 2 & UINT64_C(0x3333333333333333));
	v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}
uint64_t hs_bits_count(const uint64_t *w, uint64_t n);
/** First set bit at or after i, or n: the bitmap may be longer than n. */
uint64_t hs_bits_next(const uint64_t *w, uint64_t n, uint64_t i);
#endif
