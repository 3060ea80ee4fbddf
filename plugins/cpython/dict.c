/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <stdlib.h>

#include "layout.h"

/* The header of a PyDictKeysObject, whatever its version. */
struct keys {
	int64_t n_entries;
	uint64_t entries;
	bool is_unicode;
};

/* Bytes of the table of indices; CPython 3.8-3.10, dictobject.c, DK_IXSIZE */
static uint64_t index_bytes_of(uint64_t size)
{
	if (size <= 0xff)
		return size;
	if (size <= 0xffff)
		return size * 2;
	return size * (size <= 0xffffffff ? 4 : 8);
}

/* 3.8 to 3.10: the size itself, entries of one kind. */
static bool read_keys_by_size(const struct cpython_mem *m, uint64_t addr,
			      uint64_t *size, struct keys *ret)
{
	*size = cpython_field(m, addr, m->lay->dk_size);
	if (*size == 0 || (*size & (*size - 1)) || *size >> 40)
		return false;
	ret->entries = addr + (unsigned)m->lay->dk_indices +
		       index_bytes_of(*size);
	ret->is_unicode = false;
	return true;
}

/* From 3.11: logarithms, and an entry without hash where all keys are str. */
static bool read_keys_by_log(const struct cpython_mem *m, uint64_t addr,
			     uint64_t *size, struct keys *ret)
{
	int log2 = cpython_u8(m, addr, m->lay->dk_log2_size, -1);
	int index = cpython_u8(m, addr, m->lay->dk_log2_index_bytes, -1);
	int kind = cpython_u8(m, addr, m->lay->dk_kind, -1);

	if (log2 < 0 || log2 > 40 || index < log2 || index > log2 + 3 ||
	    kind < 0 || kind > 2)
		return false;
	*size = UINT64_C(1) << log2;
	ret->entries = addr + (unsigned)m->lay->dk_indices +
		       (UINT64_C(1) << index);
	ret->is_unicode = kind != 0;
	return true;
}

static bool read_keys(const struct cpython_mem *m, uint64_t addr,
		      struct keys *ret)
{
	uint64_t size = 0;

	if (m->lay->dk_log2_size < 0 ? !read_keys_by_size(m, addr, &size, ret)
				     : !read_keys_by_log(m, addr, &size, ret))
		return false;
	ret->n_entries = cpython_i64(m, addr, m->lay->dk_nentries, -1);
	// USABLE_FRACTION; a shared table's may be smaller, never larger
	return ret->n_entries >= 0 &&
	       (uint64_t)ret->n_entries <= (size << 1) / 3;
}

static void set_keys(const struct cpython_mem *m, const struct keys *keys,
		     struct cpython_dict_iter *it)
{
	*it = (struct cpython_dict_iter){
		.entries = keys->entries,
		.n = keys->n_entries,
		.used = keys->n_entries,
		.only_str = keys->is_unicode,
		.stride = keys->is_unicode ? m->lay->sizeof_unicode_entry
					   : m->lay->sizeof_entry,
		.key = keys->is_unicode ? m->lay->ume_key : m->lay->me_key,
		.value = keys->is_unicode ? m->lay->ume_value
					  : m->lay->me_value,
	};
}

/*
 * The order in which the values of a split table were set, from 3.11: bytes
 * before the values (pycore_dict.h, "Layout of dict values"), from 3.13 after
 * them. Before, it is the order of the keys.
 */
static bool set_values(const struct cpython_mem *m, uint64_t values,
		       struct cpython_dict_iter *it)
{
	int array = m->lay->values_array > 0 ? m->lay->values_array : 0;
	int capacity, n;

	it->values = values + (unsigned)array;
	if (m->minor < 11)
		return true;
	if (m->lay->values_capacity >= 0) {
		capacity = cpython_u8(m, values, m->lay->values_capacity, -1);
		n = cpython_u8(m, values, m->lay->values_size, -1);
		it->order = it->values + (unsigned)capacity * 8;
		it->order_step = 1;
	} else {
		capacity = cpython_u8(m, values - 1, 0, -1);
		n = cpython_u8(m, values - 2, 0, -1);
		it->order = values - 3;
		it->order_step = -1;
	}
	// SHARED_KEYS_MAX_SIZE is 30; of 3.11 and 3.12 the prefix is counted
	if (capacity < 0 || n < 0 || n > capacity || capacity > 64)
		return false;
	it->used = n;
	return true;
}

bool cpython_dict_open(const struct cpython_mem *m, uint64_t dict,
		       struct cpython_dict_iter *it)
{
	uint64_t values = cpython_field(m, dict, m->lay->ma_values);
	int64_t used = cpython_i64(m, dict, m->lay->ma_used, -1);
	struct keys keys;

	if (!read_keys(m, cpython_field(m, dict, m->lay->ma_keys), &keys))
		return false;
	set_keys(m, &keys, it);
	if (values != 0 && !set_values(m, values, it))
		return false;
	it->used = used;
	return used >= 0 && used <= keys.n_entries;
}

/* Index into keys and values of the i-th in order; -1: torn. */
static int64_t ordered(const struct cpython_mem *m,
		       const struct cpython_dict_iter *it, int64_t i)
{
	int index;

	if (it->order == 0)
		return i;
	if (i >= it->used)
		return -1;
	index = cpython_u8(m, it->order + (uint64_t)(i * it->order_step), 0,
			   -1);
	return index < it->n ? index : -1;
}

bool cpython_dict_next(const struct cpython_mem *m,
		       struct cpython_dict_iter *it, uint64_t *key,
		       uint64_t *value)
{
	while (it->i < it->n) {
		int64_t at = ordered(m, it, it->i++);
		uint64_t from = it->entries +
				(uint64_t)at * (unsigned)it->stride;
		uint64_t entry[3];

		if (at < 0 || cpython_cancelled(m, it->i) ||
		    !cpython_copy(m, from, entry, (unsigned)it->stride))
			break;
		*key = entry[it->key / 8];
		*value = it->values == 0
				 ? entry[it->value / 8]
				 : cpython_word(m, it->values +
							   (uint64_t)at * 8);
		if (*key != 0 && *value != 0)
			return true;
	}
	it->i = it->n;
	return false;
}

/*
 * Attributes of a type with Py_TPFLAGS_MANAGED_DICT: words before the object
 * (Include/internal/pycore_object.h). 3.11: the dict at -24, the values at
 * -32. 3.12: one word at -24, whose lowest bit says that it is the values,
 * less one. 3.13: the dict at -24, the values within the object.
 */
static void managed(const struct cpython_mem *m, uint64_t obj, uint64_t flags,
		    struct cpython_attributes *ret)
{
	uint64_t word = cpython_word(m, obj - 24);

	if (m->minor == 11) {
		ret->dict = word;
		ret->values = word == 0 ? cpython_word(m, obj - 32) : 0;
	} else if (m->minor == 12) {
		if (word & 1)
			ret->values = word + 1;
		else
			ret->dict = word;
	} else {
		ret->dict = word;
		if (word == 0 && (flags & CPYTHON_TP_INLINE_VALUES)) {
			obj += (unsigned)m->lay->sizeof_object;
			if (cpython_u8(m, obj, m->lay->values_valid, 0) == 1)
				ret->values = obj;
		}
	}
}

/* Bytes of a variable-sized object; _PyObject_VAR_SIZE, objimpl.h */
static uint64_t var_size(const struct cpython_mem *m, uint64_t obj,
			 uint64_t type)
{
	uint64_t basic = cpython_field(m, type, m->lay->tp_basicsize);
	uint64_t item = cpython_field(m, type, m->lay->tp_itemsize);
	int64_t n = cpython_i64(m, obj, m->lay->ob_size, 0);

	// the sign of an int is in its size, before 3.12
	n = n == INT64_MIN ? 0 : llabs(n);
	if (basic >> 32 || item >> 16 || (uint64_t)n >> 40)
		return 0;
	return (basic + item * (uint64_t)n + 7) & ~UINT64_C(7);
}

void cpython_attributes(const struct cpython_mem *m, uint64_t obj,
			struct cpython_attributes *ret)
{
	uint64_t type = cpython_type_of(m, obj);
	uint64_t flags = cpython_type_flags(m, type);
	int64_t off = cpython_i64(m, type, m->lay->tp_dictoffset, 0);
	uint64_t size;

	*ret = (struct cpython_attributes){ 0 };
	if (m->minor >= 11 && (flags & CPYTHON_TP_MANAGED_DICT)) {
		managed(m, obj, flags, ret);
		if (ret->values != 0)
			ret->keys = cpython_field(m, type,
						  m->lay->ht_cached_keys);
		return;
	}
	if (off < 0) {
		// any number may stand there: -off may not be one
		size = var_size(m, obj, type);
		off = size >= -(uint64_t)off ? (int64_t)(size + (uint64_t)off) :
					       0;
	}
	if (off > 0)
		ret->dict = cpython_word(m, obj + (uint64_t)off);
}

bool cpython_attributes_open(const struct cpython_mem *m,
			     const struct cpython_attributes *attributes,
			     struct cpython_dict_iter *it)
{
	struct keys keys;

	if (attributes->dict != 0)
		return cpython_dict_open(m, attributes->dict, it);
	if (attributes->values == 0 || !read_keys(m, attributes->keys, &keys))
		return false;
	set_keys(m, &keys, it);
	return set_values(m, attributes->values, it);
}
