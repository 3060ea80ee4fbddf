// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

enum {
	DIGIT_BITS = 11,	/* 2048 counters: half of a 32 KiB L1 */
	DIGITS = 1 << DIGIT_BITS,
	FEW = 1024,		/* below, comparing is faster than counting */
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* False, and nothing done, when all have the same digit. */
static bool pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	size_t at[DIGITS] = { 0 }, i, sum = 0, count;
	unsigned d;

	for (i = 0; i < n; i++)
		at[from[i] >> shift & (DIGITS - 1)]++;
	if (at[from[0] >> shift & (DIGITS - 1)] == n)
		return false;
	for (d = 0; d < DIGITS; d++) {
		count = at[d];
		at[d] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
		to[at[from[i] >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

/* Heaps are often referred to in the order in which they were made. */
static bool is_sorted(const uint64_t *v, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (v[i - 1] > v[i])
			return false;
	return true;
}

void gr_sort_above(uint64_t *v, uint64_t *tmp, size_t n, unsigned shift)
{
	uint64_t *from = v, *to = tmp, *swap, all = 0;
	size_t i;

	if (is_sorted(v, n))
		return;
	if (n < FEW) {
		qsort(v, n, sizeof(*v), compare);
		return;
	}
	for (i = 0; i < n; i++)
		all |= v[i];
	for (; shift < 64 && all >> shift; shift += DIGIT_BITS) {
		if (!pass(from, to, n, shift))
			continue;
		swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

void gr_sort_u64(uint64_t *v, uint64_t *tmp, size_t n)
{
	gr_sort_above(v, tmp, n, 0);
}
