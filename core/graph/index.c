// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

static uint64_t base_of(const struct gr_index *x, uint32_t block)
{
	const uint64_t *bases = x->bases.v;

	return bases[block];
}

/* Count the objects of a block, and those in front of each of its words. */
static uint64_t count_block(struct gr_index *x, uint32_t block)
{
	size_t cell = (size_t)block * GR_BLOCK_WORDS;
	const uint64_t *bits = gr_index_word(x, cell);
	uint16_t *rank = x->rank + cell;
	unsigned w, sum = 0;

	for (w = 0; w < GR_BLOCK_WORDS; w++) {
		// The last word's is at most 1023 * 64: it fits.
		rank[w] = (uint16_t)sum;
		sum += hs_popcount(bits[w]);
	}
	return sum;
}

/* Blocks in the order of their addresses. */
static struct hs_err *sort_blocks(struct gr_index *x, struct hs_task *task)
{
	uint64_t *base = NULL, *tmp = NULL;
	struct hs_err *err;
	uint32_t i;

	err = gr_alloc(task, x->n_blocks, sizeof(*base), &base);
	if (!err)
		err = gr_alloc(task, x->n_blocks, sizeof(*tmp), &tmp);
	if (!err && x->n_blocks) {
		memcpy(base, x->bases.v, x->n_blocks * sizeof(*base));
		gr_sort_u64(base, tmp, x->n_blocks);
		for (i = 0; i < x->n_blocks; i++)
			x->order[i] = (uint32_t)(
				gr_index_cell(x, base[i] << GR_SPACE_BLOCK) /
				GR_BLOCK_WORDS);
	}
	hs_big_free(task->budget, base, x->n_blocks * sizeof(*base));
	hs_big_free(task->budget, tmp, x->n_blocks * sizeof(*tmp));
	return err;
}

static struct hs_err *number(struct gr_index *x)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < x->n_blocks; i++) {
		x->first[x->order[i]] = (uint32_t)n;
		n += count_block(x, x->order[i]);
		if (n >= GR_ID)
			return hs_err_new(HS_ERR_UNSUPPORTED,
					  "number the objects: more than "
					  "2147483647");
	}
	x->n = (uint32_t)n;
	return NULL;
}

static void take_over(struct gr_index *x, struct gr_space *from)
{
	x->n_blocks = from->n_blocks;
	x->slots = from->slots;
	x->n_slots = from->n_slots;
	x->bases = from->bases;
	x->slabs = from->slabs;
	from->slots = NULL;
	from->n_slots = from->n_blocks = 0;
	memset(&from->bases, 0, sizeof(from->bases));
	memset(&from->slabs, 0, sizeof(from->slabs));
}

struct hs_err *gr_index_init(struct gr_index *x, struct gr_space *from,
			     struct hs_task *task)
{
	uint64_t words = (uint64_t)from->n_blocks * GR_BLOCK_WORDS;
	struct hs_err *err = NULL;

	x->budget = task->budget;
	if (!from->n_slots)	// a look-up wants one that is free
		err = gr_alloc(task, 1, sizeof(*from->slots), &from->slots);
	if (err)
		return err;
	if (!from->n_slots)
		from->n_slots = 1;
	take_over(x, from);
	err = gr_alloc(task, x->n_blocks, sizeof(*x->first), &x->first);
	if (!err)
		err = gr_alloc(task, x->n_blocks, sizeof(*x->order),
			       &x->order);
	if (!err)
		err = gr_alloc(task, words, sizeof(*x->rank), &x->rank);
	if (!err)
		err = sort_blocks(x, task);
	return err ? err : number(x);
}

void gr_index_deinit(struct gr_index *x)
{
	uint64_t blocks = x->n_blocks, words = blocks * GR_BLOCK_WORDS, i;
	uint64_t **slabs = x->slabs.v;

	for (i = 0; i < x->slabs.n; i++)
		hs_big_free(x->budget, slabs[i], GR_SPACE_SLAB);
	gr_vec_deinit(x->budget, &x->slabs);
	gr_vec_deinit(x->budget, &x->bases);
	hs_big_free(x->budget, x->slots, x->n_slots * sizeof(*x->slots));
	hs_big_free(x->budget, x->first, blocks * sizeof(*x->first));
	hs_big_free(x->budget, x->order, blocks * sizeof(*x->order));
	hs_big_free(x->budget, x->rank, words * sizeof(*x->rank));
	memset(x, 0, sizeof(*x));
}

/* The last block whose first object is at most id. */
static uint32_t block_of(const struct gr_index *x, uint32_t id)
{
	uint32_t lo = 0, hi = x->n_blocks, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (x->first[x->order[mid]] <= id)
			lo = mid;
		else
			hi = mid;
	}
	return x->order[lo];
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
	word = *gr_index_word(x, cell + w);
	for (nth -= x->rank[cell + w]; nth; nth--)
		word &= word - 1;
	return base_of(x, block) << GR_SPACE_BLOCK | (uint64_t)w << 9 |
	       (uint64_t)__builtin_ctzll(word) << 3;
}

uint32_t gr_index_rank(const struct gr_index *x, uint64_t addr)
{
	uint64_t number = addr >> GR_SPACE_BLOCK, cell, below;
	uint32_t lo = 0, hi = x->n_blocks, mid, block;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (base_of(x, x->order[mid]) < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == x->n_blocks)
		return x->n;
	block = x->order[lo];
	if (base_of(x, block) != number)
		return x->first[block];
	cell = (uint64_t)block * GR_BLOCK_WORDS +
	       (addr >> 9 & (GR_BLOCK_WORDS - 1));
	below = *gr_index_word(x, cell) &
		((UINT64_C(1) << (addr >> 3 & 63)) - 1);
	return x->first[block] + x->rank[cell] + hs_popcount(below);
}
