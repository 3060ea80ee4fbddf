// SPDX-License-Identifier: Apache-2.0
#include "bits.h"

uint64_t hs_bits_count(const uint64_t *w, uint64_t n)
{
	size_t i, n_words = hs_bits_words(n);
	uint64_t count = 0;

	for (i = 0; i < n_words; i++)
		count += (uint64_t)__builtin_popcountll(w[i]);
	return count;
}

uint64_t hs_bits_next(const uint64_t *w, uint64_t n, uint64_t i)
{
	size_t k, n_words = hs_bits_words(n);
	uint64_t word;

	if (i >= n)
		return n;
	k = i >> 6;
	word = w[k] & (UINT64_MAX << (i & 63));
	while (!word) {
		if (++k == n_words)
			return n;
		word = w[k];
	}
	i = ((uint64_t)k << 6) + (uint64_t)__builtin_ctzll(word);
	return i < n ? i : n;
}
