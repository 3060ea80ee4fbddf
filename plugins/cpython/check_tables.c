/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of dicts: an entry is found where the hash of its key says. And one
 * that every CPython has, of keys that are numbers: the classes below object.
 */
#include "check_priv.h"

#include "keys.h"
#include "lookup.h"
#include "plain.h"

enum {
	N_ENTRIES = 3,		/* of one table that are looked for */
	N_SUBCLASSES = 64,
	MAX_TRIES = 512,	/* that a search takes; two, mostly */
	PERTURB_SHIFT = 5,	/* Objects/dictobject.c, 3.8-3.13 */
	INDEX_EMPTY = -1,	/* DKIX_EMPTY, pycore_dict.h */
};

/* What slot number i of the table of indices holds. */
static int64_t index_at(const struct cpython_mem *m,
			const struct cpython_keys *k, uint64_t i)
{
	uint64_t width = k->index_bytes / k->n_slots;
	uint64_t at = k->entries - k->index_bytes + i * width;
	uint64_t v = 0;

	if (width == 0 || width > sizeof(v) ||
	    !cpython_copy(m, at, &v, width))
		return INDEX_EMPTY;
	// signed, of one, two, four or eight bytes
	return (int64_t)(v << (64 - 8 * width)) >> (64 - 8 * width);
}

/*
 * Does the search for a hash (lookdict()) come by entry number entry? One that
 * takes too long is no proof that it does not.
 */
static bool is_found(const struct cpython_mem *m, const struct cpython_keys *k,
		     uint64_t hash, int64_t entry)
{
	uint64_t mask = k->n_slots - 1, i = hash & mask, perturb = hash;
	int64_t have;

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		have = index_at(m, k, i);
		if (have == entry || have == INDEX_EMPTY)
			return have == entry;
		perturb >>= PERTURB_SHIFT;
		i = (i * 5 + perturb + 1) & mask;
	}
	return true;
}

void cpython_check_table(const struct cpython_mem *m,
			 const struct cpython_keys *k, cpython_met_fn *met,
			 void *arg)
{
	const struct cpython_layout *l = m->lay;
	bool general = k->stride == l->sizeof_entry;
	uint64_t at = k->entries, key, hash, own;

	for (int64_t i = 0; i < k->n_entries && i < N_ENTRIES; i++) {
		key = cpython_word(m, at + (uint64_t)k->key);
		hash = cpython_field(m, at, l->me_hash);
		own = cpython_field(m, key, l->str_hash);
		at += (uint64_t)k->stride;
		if (key == 0)
			continue;
		if (general)
			met(arg, "a key of its hash", is_found(m, k, hash, i));
		if ((cpython_flags_of(m, key) & CPYTHON_TP_UNICODE) == 0)
			continue;
		met(arg, "a str of its hash", is_found(m, k, own, i));
		if (general)
			met(arg, "me_hash", hash == own);
	}
}

/*
 * tp_subclasses: the keys are addresses of the classes as numbers, whose hash
 * is themselves, the values weak references to them (add_subclass(),
 * Objects/typeobject.c).
 */
static bool subclass_ok(const struct cpython_mem *m, uint64_t entry)
{
	const struct cpython_layout *l = m->lay;
	uint64_t ref = cpython_field(m, entry, l->me_value);
	uint64_t hash = cpython_field(m, entry, l->me_hash);
	int64_t key;

	return cpython_int_value(m, cpython_field(m, entry, l->me_key),
				 &key) &&
	       (uint64_t)key == hash &&
	       cpython_form_of(m, ref) == CPYTHON_FORM_WEAKREF &&
	       cpython_field(m, ref, l->wr_object) == hash;
}

void cpython_check_subclasses(const struct cpython *st,
			      struct cpython_verdict *ret)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t object = cpython_field(m, st->type_type, m->lay->tp_base);
	uint64_t dict = cpython_type_subclasses(m, object);
	uint64_t at;
	int ok = 0, bad = 0;
	struct cpython_keys k;

	if (!cpython_keys_open(m, cpython_field(m, dict, m->lay->ma_keys),
			       &k)) {
		cpython_wrong(ret, "object.__subclasses__() is kept in no "
				   "dict");
		return;
	}
	at = k.entries;
	for (int64_t i = 0; i < k.n_entries && i < N_SUBCLASSES; i++) {
		// deleted, or a class that has ended
		if (cpython_field(m, at, m->lay->me_value) == 0)
			;
		else if (subclass_ok(m, at))
			ok++;
		else
			bad++;
		at += (uint64_t)k.stride;
	}
	if (ok == 0 || bad * 8 > ok)
		cpython_wrong(ret, "%d of %d entries of "
				   "object.__subclasses__() are none",
			      bad, ok + bad);
}

/* --- attributes within the object, 3.13 ---------------------------------- */

/*
 * A value that is set stands in the order of insertion, once (pycore_dict.h,
 * "Layout of dict values").
 */
static bool order_ok(const struct cpython_obj *o, uint64_t values, int size,
		     int capacity)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t array = values + (uint64_t)l->values_array;
	uint64_t order = array + (uint64_t)capacity * 8;
	int index;

	for (int i = 0; i < size; i++) {
		index = cpython_u8(o->m, order + (uint64_t)i, 0, -1);
		if (index < 0 || index >= capacity ||
		    cpython_word(o->m, array + (uint64_t)index * 8) == 0)
			return false;
	}
	for (int i = 0; i < capacity; i++)
		size -= cpython_word(o->m, array + (uint64_t)i * 8) != 0;
	return size == 0;
}

void cpython_check_inline(const struct cpython_obj *o, cpython_met_fn *met,
			  void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t at = o->addr + (uint64_t)o->type->basic;
	int valid = cpython_u8(o->m, at, l->values_valid, -1);
	int size = cpython_u8(o->m, at, l->values_size, -1);
	int capacity = cpython_u8(o->m, at, l->values_capacity, -1);

	if (!o->type->inline_values)
		return;
	// they are given up only in favour of a dict
	met(arg, "values.valid", valid == 1 ||
					 (valid == 0 &&
					  cpython_instance_dict(o) != 0));
	if (valid != 1)
		return;
	met(arg, "values.embedded",
	    cpython_u8(o->m, at, l->values_embedded, -1) == 1);
	met(arg, "values.size", size >= 0 && size <= capacity &&
					capacity <= 64 &&
					order_ok(o, at, size, capacity));
}
