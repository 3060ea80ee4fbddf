/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include "pool.h"

/* Most bits of a table's size: 2^40 entries are more than memory holds. */
enum { MAX_LOG2 = 40, HEADER = 48 };
/* SHARED_KEYS_MAX_SIZE: Include/internal/pycore_dict.h, 3.11 */
enum { SHARED_KEYS_MAX = 30 };

static int64_t word(const uint8_t *p, int32_t offset)
{
	int64_t v;

	memcpy(&v, p + offset, sizeof(v));
	return v;
}

/* Bytes of all indices; 0: not consistent. */
static uint64_t index_bytes(const struct cpython_layout *l, const uint8_t *p,
			    uint64_t *n_slots)
{
	uint64_t n;

	if (l->dk_size >= 0) {
		// 3.8-3.10, Objects/dictobject.c, DK_IXSIZE
		n = (uint64_t)word(p, l->dk_size);
		*n_slots = n;
		if (n == 0 || (n & (n - 1)) != 0 || n >> MAX_LOG2 != 0)
			return 0;
		return n <= 0xff ? n : n <= 0xffff ? n * 2 :
		       n <= UINT32_MAX ? n * 4 : n * 8;
	}
	if (p[l->dk_log2_size] > MAX_LOG2 ||
	    p[l->dk_log2_index_bytes] > MAX_LOG2 + 3)
		return 0;
	*n_slots = UINT64_C(1) << p[l->dk_log2_size];
	return UINT64_C(1) << p[l->dk_log2_index_bytes];
}

static bool open_keys(const struct cpython_mem *m, uint64_t addr,
		      struct cpython_keys *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t indices, slots;
	uint8_t p[HEADER];
	bool unicode;

	if ((addr & 7) != 0 || !cpython_copy(m, addr, p, sizeof(p)))
		return false;
	indices = index_bytes(l, p, &slots);
	if (indices == 0)
		return false;
	// from 3.11: DICT_KEYS_GENERAL is 0, internal/pycore_dict.h
	unicode = l->dk_kind >= 0 && p[l->dk_kind] != 0;
	ret->refcount = word(p, l->dk_refcnt);
	ret->n_usable = word(p, l->dk_usable);
	ret->n_entries = word(p, l->dk_nentries);
	ret->n_fraction = (int64_t)((slots << 1) / 3);
	ret->stride = unicode ? l->sizeof_unicode_entry : l->sizeof_entry;
	ret->key = unicode ? l->ume_key : l->me_key;
	ret->value = unicode ? l->ume_value : l->me_value;
	ret->n_slots = slots;
	ret->index_bytes = indices;
	ret->entries = addr + (uint64_t)l->dk_indices + indices;
	ret->size = (uint64_t)l->dk_indices + indices +
		    (uint64_t)ret->n_fraction * (uint64_t)ret->stride;
	return ret->n_entries >= 0 && ret->n_usable >= 0 &&
	       ret->n_entries <= ret->n_fraction &&
	       ret->n_usable <= ret->n_fraction - ret->n_entries;
}

bool cpython_keys_open(const struct cpython_mem *m, uint64_t addr,
		       struct cpython_keys *ret)
{
	const size_t n = sizeof(m->keys->slot) / sizeof(m->keys->slot[0]);
	size_t i = (addr >> 4 ^ addr >> 9) % n;

	if (m->keys == NULL)
		return open_keys(m, addr, ret);
	if (m->keys->slot[i].addr != addr || addr == 0) {
		if (!open_keys(m, addr, ret))
			return false;
		m->keys->slot[i].addr = addr;
		m->keys->slot[i].keys = *ret;
		return true;
	}
	*ret = m->keys->slot[i].keys;
	return true;
}

/* Room for values that these keys ask for (shared_keys_usable_size). */
static int64_t n_values(const struct cpython_layout *l,
			const struct cpython_keys *k)
{
	return l->minor <= 10 ? k->n_fraction : k->n_entries + k->n_usable;
}

/*
 * Bytes of a block of n values: 3.8-3.10 bare pointers; 3.11, 3.12 with n + 2
 * bytes in front, rounded up; 3.13 a header of 8 bytes and n bytes behind.
 * Objects/dictobject.c, new_values().
 */
static uint64_t values_size(const struct cpython_layout *l, int64_t n)
{
	uint64_t v = (uint64_t)n * 8;

	if (l->minor <= 10)
		return v;
	if (l->minor <= 12)
		return v + cpython_align8((uint64_t)n + 2);
	return v + 8 + cpython_align8((uint64_t)n);
}

bool cpython_dict_values(const struct cpython_obj *o,
			 struct cpython_values *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t values = cpython_obj_word(o, l->ma_values);
	struct cpython_keys k;

	if (values == 0 || (values & 7) != 0 ||
	    !cpython_keys_open(o->m, cpython_obj_word(o, l->ma_keys), &k))
		return false;
	ret->n = ret->n_named = n_values(l, &k);
	if (k.n_entries < ret->n)
		ret->n_named = k.n_entries;
	ret->addr = values + (l->values_array > 0 ?
			      (uint64_t)l->values_array : 0);
	ret->size = values_size(l, ret->n);
	if (cpython_u8(o->m, values, l->values_embedded, 0) != 0)
		ret->size = 0;
	return true;
}

uint64_t cpython_instance_dict(const struct cpython_obj *o)
{
	const struct cpython_type *t = o->type;
	uint64_t v, size;

	if (t->managed_dict) {
		v = cpython_obj_word(o, -24);
		// 3.12: a pointer with the low bit set is to values
		return (v & 7) == 0 ? v : 0;
	}
	if (t->dict_offset > 0)
		return cpython_obj_word(o, t->dict_offset);
	if (t->dict_offset == 0)
		return 0;
	// counted from the end: Objects/object.c, _PyObject_GetDictPtr()
	size = cpython_align8((uint64_t)t->basic +
			      cpython_obj_size(o) * (uint64_t)t->item);
	if (size >> 47 != 0 || (int64_t)size + t->dict_offset < 16)
		return 0;
	return cpython_obj_word(o, (int64_t)size + t->dict_offset);
}

/* 3.13: behind the object's own structure. */
static bool embedded_values(const struct cpython_obj *o,
			    struct cpython_values *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t at = o->addr + (uint64_t)o->type->basic;
	struct cpython_keys k;

	if (!o->type->inline_values ||
	    cpython_obj_u8(o, o->type->basic + l->values_valid) == 0)
		return false;
	ret->addr = at + (uint64_t)l->values_array;
	ret->n = ret->n_named =
		cpython_obj_u8(o, o->type->basic + l->values_capacity);
	ret->size = 0;
	if (!cpython_keys_open(o->m, o->type->cached_keys, &k))
		ret->n_named = 0;
	else if (k.n_entries < ret->n)
		ret->n_named = k.n_entries;
	return true;
}

/* Bytes of the pool's block that begins at addr; 0: there is none. */
static uint64_t block_at(const struct cpython *st, const struct cpython_mem *m,
			 uint64_t addr)
{
	uint64_t base = addr & ~((uint64_t)st->pool_size - 1);
	struct cpython_keys_seen none, *seen = m->keys;
	size_t i = (base >> 12 ^ base >> 14) % 16;
	struct cpython_pool pool;
	uint8_t head[64];
	uint32_t off;

	if (seen == NULL) {
		none.pool[i].base = 0;
		seen = &none;
	}
	if (seen->pool[i].base != base) {
		seen->pool[i].base = base;
		seen->pool[i].block = 0;
		if (cpython_copy(m, base, head, sizeof(head)) &&
		    cpython_pool_open(st, head, &pool)) {
			seen->pool[i].block = pool.block;
			seen->pool[i].first = pool.first;
		}
	}
	off = (uint32_t)(addr - base);	// a division of 64 bits costs thrice
	if (seen->pool[i].block == 0 || off < seen->pool[i].first)
		return 0;
	off -= seen->pool[i].first;
	return off % seen->pool[i].block == 0 ? seen->pool[i].block : 0;
}

/*
 * A class's first instances get room for more values than later ones, since
 * each takes one from dk_usable until one is left (3.11,
 * Objects/dictobject.c, init_inline_values): how many is not stored. The byte
 * in front of the values tells to within 7, the block that they are in to
 * within one; then, room that is not NULL is none (a value that is not set
 * is, what is behind the last is what the memory held before).
 */
static int64_t guess_values(const struct cpython_obj *o, uint64_t values,
			    const struct cpython_keys *k)
{
	const struct cpython_layout *l = o->m->lay;
	int prefix = cpython_u8(o->m, values - 1, 0, 0);
	int64_t n = n_values(l, k), most;
	uint64_t block;

	if (prefix < 8 || (prefix & 7) != 0)
		return n;
	most = prefix - 2 > SHARED_KEYS_MAX ? SHARED_KEYS_MAX : prefix - 2;
	block = block_at(o->st, o->m, values - (uint64_t)prefix);
	if (block == 0)
		return prefix == (int)cpython_align8((uint64_t)n + 2) ?
			       n : most;
	// as a later one, if it may be one
	if (values_size(l, n) <= block &&
	    values_size(l, n) + CPYTHON_ALIGNMENT > block &&
	    prefix == (int)cpython_align8((uint64_t)n + 2))
		return n;
	while (most > n && values_size(l, most) > block)
		most--;
	if (most > n && most > k->n_entries &&
	    values_size(l, most - 1) + CPYTHON_ALIGNMENT > block &&
	    values_size(l, most) - values_size(l, most - 1) == 8 &&
	    cpython_word(o->m, values + (uint64_t)(most - 1) * 8) != 0)
		most--;
	return most;
}

bool cpython_instance_values(const struct cpython_obj *o,
			     struct cpython_values *ret)
{
	const struct cpython_layout *l = o->m->lay;
	struct cpython_keys k;
	uint64_t v;

	if (!o->type->managed_dict || l->minor < 11)
		return false;
	if (cpython_instance_dict(o) != 0)
		return false;
	if (l->minor >= 13)
		return embedded_values(o, ret);
	v = cpython_obj_word(o, l->minor == 11 ? -32 : -24);
	if (l->minor == 12)
		v = (v & 1) != 0 ? v + 1 : 0;
	if (v == 0 || (v & 7) != 0 ||
	    !cpython_keys_open(o->m, o->type->cached_keys, &k))
		return false;
	ret->addr = v;
	ret->n = n_values(l, &k);
	ret->n_named = k.n_entries < ret->n ? k.n_entries : ret->n;
	ret->size = values_size(l, guess_values(o, v, &k));
	return true;
}
