/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include "layout.h"

/* Items of a deque's block: BLOCKLEN, CPython 3.8-3.13, _collectionsmodule.c */
enum { BLOCK_ITEMS = 64 };

static bool open_list(const struct cpython_mem *m, uint64_t obj,
		      struct cpython_seq *it)
{
	int64_t allocated = cpython_i64(m, obj, m->lay->list_allocated, -1);

	it->items = cpython_field(m, obj, m->lay->list_items);
	it->n = it->length = cpython_i64(m, obj, m->lay->ob_size, -1);
	return it->n >= 0 && it->n <= allocated && !(allocated >> 44) &&
	       (it->n == 0 || it->items != 0);
}

static bool open_tuple(const struct cpython_mem *m, uint64_t obj,
		       struct cpython_seq *it)
{
	it->items = obj + (unsigned)m->lay->tuple_items;
	it->n = it->length = cpython_i64(m, obj, m->lay->ob_size, -1);
	return it->n >= 0 && !(it->n >> 44);
}

/* mask is one less than the number of slots, a power of two; setobject.h */
static bool open_set(const struct cpython_mem *m, uint64_t obj,
		     struct cpython_seq *it)
{
	int64_t mask = cpython_i64(m, obj, m->lay->set_mask, -1);
	int64_t fill = cpython_i64(m, obj, m->lay->set_fill, -1);

	it->is_set = true;
	it->items = cpython_field(m, obj, m->lay->set_table);
	it->stride = m->lay->sizeof_setentry;
	it->length = cpython_i64(m, obj, m->lay->set_used, -1);
	if (mask <= 0 || mask >> 40)
		return false;
	it->n = mask + 1;
	return !(mask & it->n) && fill <= mask && it->length >= 0 &&
	       it->length <= fill && it->items != 0;
}

static bool open_deque(const struct cpython_mem *m, uint64_t obj,
		       struct cpython_seq *it)
{
	it->is_deque = true;
	it->n = it->length = cpython_i64(m, obj, m->lay->ob_size, -1);
	it->block = cpython_field(m, obj, m->lay->deque_left);
	it->index = cpython_i64(m, obj, m->lay->deque_leftindex, -1);
	return it->n >= 0 && !(it->n >> 44) && it->block != 0 &&
	       it->index >= 0 && it->index <= BLOCK_ITEMS;
}

bool cpython_seq_open(const struct cpython_mem *m, uint64_t obj,
		      enum cpython_form form, struct cpython_seq *it)
{
	*it = (struct cpython_seq){ .stride = 8 };
	switch (form) {
	case CPYTHON_FORM_LIST:
		return open_list(m, obj, it);
	case CPYTHON_FORM_TUPLE:
		return open_tuple(m, obj, it);
	case CPYTHON_FORM_SET:
	case CPYTHON_FORM_FROZENSET:
		return open_set(m, obj, it);
	case CPYTHON_FORM_DEQUE:
		return open_deque(m, obj, it);
	default:
		return false;
	}
}

/*
 * The next slot of a set that lives. One whose item was removed keeps a
 * pointer to a dummy and has the hash -1, which no object has (setobject.c).
 */
static uint64_t set_item(const struct cpython_mem *m, struct cpython_seq *it)
{
	const struct cpython_layout *l = m->lay;
	uint64_t entry[2];

	while (it->i < it->n) {
		uint64_t slot = it->items +
				(uint64_t)it->i++ * (unsigned)it->stride;

		if (!cpython_copy(m, slot, entry, sizeof(entry)) ||
		    cpython_cancelled(m, it->i))
			break;
		if (entry[l->setentry_key / 8] != 0 &&
		    entry[l->setentry_hash / 8] != UINT64_MAX)
			return entry[l->setentry_key / 8];
	}
	it->i = it->n;
	return 0;
}

static void step_in_deque(const struct cpython_mem *m, struct cpython_seq *it)
{
	if (it->index < BLOCK_ITEMS)
		return;
	it->block = cpython_field(m, it->block, m->lay->dequeblock_right);
	it->index = 0;
}

static uint64_t deque_item(const struct cpython_mem *m,
			   const struct cpython_seq *it)
{
	if (it->block == 0)
		return 0;
	return cpython_word(m, it->block + (unsigned)m->lay->dequeblock_data +
				       (uint64_t)it->index * 8);
}

bool cpython_seq_next(const struct cpython_mem *m, struct cpython_seq *it,
		      uint64_t *item)
{
	if (it->i >= it->n)
		return false;
	if (it->is_set) {
		*item = set_item(m, it);
	} else if (it->is_deque) {
		it->i++;
		step_in_deque(m, it);
		*item = deque_item(m, it);
		it->index++;
	} else {
		*item = cpython_word(m, it->items + (uint64_t)it->i++ * 8);
	}
	return *item != 0;
}

uint64_t cpython_seq_at(const struct cpython_mem *m, struct cpython_seq *it,
			int64_t i)
{
	struct cpython_chain chain = { 0 };

	if (i < 0 || i >= it->length || it->is_set)
		return 0;
	if (!it->is_deque)
		return cpython_word(m, it->items + (uint64_t)i * 8);
	it->index += i;
	while (it->index >= BLOCK_ITEMS && it->block != 0) {
		if (cpython_chain_repeats(&chain, it->block))
			return 0;
		it->block = cpython_field(m, it->block,
					  m->lay->dequeblock_right);
		it->index -= BLOCK_ITEMS;
	}
	return deque_item(m, it);
}

/* A length that the object says itself; -1 when no memory could hold it. */
static int64_t own_length(const struct cpython_mem *m, uint64_t obj, int field)
{
	int64_t n = cpython_i64(m, obj, field, -1);

	return n < 0 || n >> 47 ? -1 : n;
}

int64_t cpython_length(const struct cpython_mem *m, uint64_t obj)
{
	enum cpython_form form = cpython_form_of(m, obj);
	struct cpython_seq it;

	switch (form) {
	case CPYTHON_FORM_STR:
		return own_length(m, obj, m->lay->str_length);
	case CPYTHON_FORM_BYTES:
	case CPYTHON_FORM_BYTEARRAY:
		return own_length(m, obj, m->lay->ob_size);
	case CPYTHON_FORM_DICT:
	case CPYTHON_FORM_DEFAULTDICT:
	case CPYTHON_FORM_ORDEREDDICT:
		return own_length(m, obj, m->lay->ma_used);
	case CPYTHON_FORM_MAPPINGPROXY:
		return own_length(m, cpython_field(m, obj,
						   m->lay->proxy_mapping),
				  m->lay->ma_used);
	default:
		return cpython_seq_open(m, obj, form, &it) ? it.length : -1;
	}
}
