// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

static struct hs_err *alloc_index(struct gr_index *x, struct hs_task *task)
{
	uint64_t blocks = x->n_blocks, words = blocks * GR_BLOCK_WORDS;
	struct hs_err *err;

	err = gr_alloc(task, x->n_slots, sizeof(*x->slots), &x->slots);
	if (!err)
		err = gr_alloc(task, blocks, sizeof(*x->bases), &x->bases);
	if (!err)
		err = gr_alloc(task, blocks + 1, sizeof(*x->first), &x->first);
	if (!err)
		err = gr_alloc(task, words, sizeof(*x->bits), &x->bits);
	if (!err)
		err = gr_alloc(task, words, sizeof(*x->rank), &x->rank);
	return err;
}

/* Count the objects of block i, whose first is object number n. */
static uint64_t count_block(struct gr_index *x, uint32_t i)
{
	const uint64_t *bits = x->bits + (size_t)i * GR_BLOCK_WORDS;
	uint16_t *rank = x->rank + (size_t)i * GR_BLOCK_WORDS;
	unsigned w, sum = 0;

	for (w = 0; w < GR_BLOCK_WORDS; w++) {
		// The last word's is at most 1023 * 64: it fits.
		rank[w] = (uint16_t)sum;
		sum += gr_popcount(bits[w]);
	}
	return sum;
}

static void put_slot(struct gr_index *x, uint32_t block)
{
	uint64_t key = x->bases[block] + 1, mask = x->n_slots - 1, i;

	for (i = gr_hash_u64(key) & mask; x->slots[i].key;)
		i = (i + 1) & mask;
	x->slots[i] = (struct gr_slot){ key, block };
}

static struct hs_err *fill(struct gr_index *x, const struct gr_space *from)
{
	uint64_t n = 0;
	uint32_t i, old;

	for (i = 0; i < x->n_blocks; i++) {
		old = gr_space_find(from, x->bases[i] << GR_SPACE_BLOCK);
		memcpy(x->bits + (size_t)i * GR_BLOCK_WORDS,
		       gr_space_words(from, old),
		       GR_BLOCK_WORDS * sizeof(*x->bits));
		put_slot(x, i);
		x->first[i] = (uint32_t)n;
		n += count_block(x, i);
		if (n >= GR_ID)
			return hs_err_new(HS_ERR_UNSUPPORTED,
					  "number the objects: more than "
					  "2147483647");
	}
	x->first[i] = x->n = (uint32_t)n;
	return NULL;
}

struct hs_err *gr_index_init(struct gr_index *x, struct gr_space *from,
			     struct hs_task *task)
{
	struct hs_err *err;
	uint64_t *tmp;

	x->budget = task->budget;
	x->n_blocks = from->n_blocks;
	x->n_slots = from->n_slots ? from->n_slots : 1;
	err = alloc_index(x, task);
	if (!err)
		err = gr_alloc(task, x->n_blocks, sizeof(uint64_t), &tmp);
	if (err)
		return err;
	if (x->n_blocks)
		memcpy(x->bases, from->bases.v,
		       x->n_blocks * sizeof(*x->bases));
	gr_sort_u64(x->bases, tmp, x->n_blocks);
	hs_big_free(task->budget, tmp, x->n_blocks * sizeof(uint64_t));
	err = fill(x, from);
	gr_space_deinit(from);
	return err;
}

void gr_index_deinit(struct gr_index *x)
{
	uint64_t blocks = x->n_blocks, words = blocks * GR_BLOCK_WORDS;

	hs_big_free(x->budget, x->slots, x->n_slots * sizeof(*x->slots));
	hs_big_free(x->budget, x->bases, blocks * sizeof(*x->bases));
	hs_big_free(x->budget, x->first, (blocks + 1) * sizeof(*x->first));
	hs_big_free(x->budget, x->bits, words * sizeof(*x->bits));
	hs_big_free(x->budget, x->rank, words * sizeof(*x->rank));
	memset(x, 0, sizeof(*x));
}

/* Last i in 0..n-1 whose first object is at most id. */
static uint32_t block_of(const struct gr_index *x, uint32_t id)
{
	uint32_t lo = 0, hi = x->n_blocks, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (x->first[mid] <= id)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t word_of(const uint16_t *rank, uint32_t nth)
{
	uint32_t lo = 0, hi = GR_BLOCK_WORDS, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (rank[mid] <= nth)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

uint64_t gr_index_addr(const struct gr_index *x, uint32_t id)
{
	uint32_t block = block_of(x, id), nth = id - x->first[block], w;
	size_t cell = (size_t)block * GR_BLOCK_WORDS;
	uint64_t word;

	w = word_of(x->rank + cell, nth);
	word = x->bits[cell + w];
	for (nth -= x->rank[cell + w]; nth; nth--)
		word &= word - 1;
	return x->bases[block] << GR_SPACE_BLOCK | (uint64_t)w << 9 |
	       (uint64_t)__builtin_ctzll(word) << 3;
}

uint32_t gr_index_rank(const struct gr_index *x, uint64_t addr)
{
	uint64_t number = addr >> GR_SPACE_BLOCK, cell, below;
	uint32_t lo = 0, hi = x->n_blocks, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (x->bases[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == x->n_blocks || x->bases[lo] != number)
		return x->first[lo];
	cell = (uint64_t)lo * GR_BLOCK_WORDS +
	       (addr >> 9 & (GR_BLOCK_WORDS - 1));
	below = x->bits[cell] & ((UINT64_C(1) << (addr >> 3 & 63)) - 1);
	return x->first[lo] + x->rank[cell] + gr_popcount(below);
}
