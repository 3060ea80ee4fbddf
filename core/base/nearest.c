// SPDX-License-Identifier: Apache-2.0
#include "text.h"

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: insertions, deletions, substitutions and swaps of
 * neighbours, each at cost 1. Three rows of the table are kept:
 *
 *	rows[0] = two above, rows[1] = above, rows[2] = being filled
 */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t width = n_b + 1, i, j, cost, *two, *one, *cur, *spare;
	HS_FREE size_t *cells = hs_xcalloc(3, width * sizeof(*cells));

	two = cells;
	one = two + width;
	cur = one + width;
	for (j = 0; j <= n_b; j++)
		one[j] = j;
	for (i = 1; i <= n_a; i++) {
		cur[0] = i;
		for (j = 1; j <= n_b; j++) {
			cost = a[i - 1] != b[j - 1];
			cur[j] = min2(one[j - 1] + cost,
				      1 + min2(one[j], cur[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cur[j] = min2(cur[j], two[j - 2] + 1);
		}
		spare = two;
		two = one;
		one = cur;
		cur = spare;
	}
	return one[n_b];
}

const char *hs_nearest(const char *word, const char *const *words, size_t n)
{
	size_t i, d, len = strlen(word), other;
	size_t limit = len / 3 > 1 ? len / 3 : 1;
	const char *best = NULL;

	for (i = 0; i < n; i++) {
		other = strlen(words[i]);
		// Cheap lower bound; it also bounds the table by len squared.
		if ((other > len ? other - len : len - other) > limit)
			continue;
		d = distance(word, len, words[i], other);
		if (d > limit || (d && d >= len) || (best && d == limit))
			continue;
		best = words[i];
		limit = d;
		if (!d)
			break;
	}
	return best;
}
