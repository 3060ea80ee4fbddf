// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

enum { FIRST_SLOTS = 64 };

void gr_space_init(struct gr_space *s, struct hs_task *task, unsigned shift)
{
	memset(s, 0, sizeof(*s));
	s->task = task;
	s->shift = shift;
	s->block_words = UINT32_C(1) << (shift - 9);
	s->slab_blocks = GR_SPACE_SLAB / (s->block_words * 8);
	s->slabs.item_size = sizeof(uint64_t *);
	s->bases.item_size = sizeof(uint64_t);
}

void gr_space_deinit(struct gr_space *s)
{
	struct hs_budget *b = s->task ? s->task->budget : NULL;
	uint64_t **slabs = s->slabs.v;
	uint64_t i;

	for (i = 0; i < s->slabs.n; i++)
		hs_big_free(b, slabs[i], GR_SPACE_SLAB);
	gr_vec_deinit(b, &s->slabs);
	gr_vec_deinit(b, &s->bases);
	hs_big_free(b, s->slots, s->n_slots * sizeof(*s->slots));
	s->slots = NULL;
	s->n_slots = s->n_blocks = 0;
}

static void insert(struct gr_slot *slots, uint64_t n_slots, uint64_t key,
		   uint32_t block)
{
	uint64_t i = gr_hash_u64(key) & (n_slots - 1);

	while (slots[i].key)
		i = (i + 1) & (n_slots - 1);
	slots[i] = (struct gr_slot){ key, block };
}

static struct hs_err *grow_slots(struct gr_space *s)
{
	uint64_t n = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS;
	const uint64_t *bases = s->bases.v;
	struct gr_slot *p;
	struct hs_err *err;
	uint32_t i;

	err = gr_alloc(s->task, n, sizeof(*s->slots), &p);
	if (err)
		return err;
	for (i = 0; i < s->n_blocks; i++)
		insert(p, n, bases[i] + 1, i);
	hs_big_free(s->task->budget, s->slots,
		    s->n_slots * sizeof(*s->slots));
	s->slots = p;
	s->n_slots = n;
	return NULL;
}

static struct hs_err *add_slab(struct gr_space *s)
{
	struct hs_err *err;
	void *p;

	err = hs_big_alloc(s->task, GR_SPACE_SLAB, &p);
	if (err)
		return err;
	err = gr_vec_push(s->task, &s->slabs, &p);
	if (err)
		hs_big_free(s->task->budget, p, GR_SPACE_SLAB);
	return err;
}

/*
 * A bit is read before it is set. Were the page new, reading would map the page
 * of zeros, which setting replaces: two faults, and all cores interrupted.
 */
static void touch(volatile uint64_t *words, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i += 4096 / sizeof(*words))
		words[i] = 0;
}

static struct hs_err *add_block(struct gr_space *s, uint64_t number)
{
	struct hs_err *err = NULL;

	if (s->n_blocks == GR_NONE)
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "note addresses: too many blocks");
	if ((uint64_t)s->n_blocks * 2 >= s->n_slots)
		err = grow_slots(s);
	if (!err && s->n_blocks == s->slabs.n * s->slab_blocks)
		err = add_slab(s);
	if (!err)
		err = gr_vec_push(s->task, &s->bases, &number);
	if (err)
		return err;
	touch(gr_space_words(s, s->n_blocks), s->block_words);
	insert(s->slots, s->n_slots, number + 1, s->n_blocks++);
	return NULL;
}

struct hs_err *gr_space_block(struct gr_space *s, uint64_t addr, uint32_t *ret)
{
	uint32_t block = gr_space_find(s, addr);
	struct hs_err *err;

	if (block == GR_NONE) {
		err = add_block(s, addr >> s->shift);
		if (err)
			return err;
		block = s->n_blocks - 1;
	}
	*ret = block;
	return NULL;
}

struct hs_err *gr_space_put(struct gr_space *s, uint64_t addr, bool *had)
{
	struct hs_err *err;
	uint32_t block;

	err = gr_space_block(s, addr, &block);
	if (err)
		return err;
	*had = hs_bit_test_set(gr_space_words(s, block),
			       (uint64_t)gr_space_word(s, addr) * 64 +
				       (addr >> 3 & 63));
	return NULL;
}
