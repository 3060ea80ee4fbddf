/* SPDX-License-Identifier: Apache-2.0 */
/** The table of a dict, PyDictKeysObject, in each version's own form. */
#ifndef CPYTHON_KEYS_H
#define CPYTHON_KEYS_H

#include "object.h"

struct cpython_keys {
	int64_t refcount;
	int64_t n_entries;	/* also deleted ones */
	int64_t n_usable;	/* that may still be added */
	int64_t n_fraction;	/* entries that there is room for */
	uint64_t n_slots;	/* of the table of indices, a power of two */
	uint64_t index_bytes;	/* of all of it, in front of the entries */
	uint64_t entries;	/* address of the first */
	int32_t stride, key, value;	/* bytes */
	uint64_t size;		/* of all of it, in bytes */
};
/**
 * Tables opened lately. A dict's is asked for once for its size and once for
 * its references, a class's for each of its instances.
 */
struct cpython_keys_seen {
	struct {
		uint64_t addr;	/* 0: none yet */
		struct cpython_keys keys;
	} slot[32];
	/* Values of instances that follow each other are in few pools. */
	struct {
		uint64_t base;		/* 0: none yet */
		uint32_t block, first;	/* bytes; block 0: it is none */
	} pool[16];
};
/** False: unreadable or not consistent. */
bool cpython_keys_open(const struct cpython_mem *m, uint64_t addr,
		       struct cpython_keys *ret);

/** Values of one instance, wherever its version keeps them; n 0: none. */
struct cpython_values {
	uint64_t addr;		/* of the first */
	int64_t n;
	int64_t n_named;	/* of them, that the class's keys name */
	uint64_t size;		/* bytes of a block of their own, 0: embedded */
};
/**
 * Values of an instance that has no dict object. False: there are none (or
 * they are torn).
 */
bool cpython_instance_values(const struct cpython_obj *o,
			     struct cpython_values *ret);
/** Values of a split dict. False: it is not split (or torn). */
bool cpython_dict_values(const struct cpython_obj *o,
			 struct cpython_values *ret);
/** Address of the dict object of an instance, or 0. */
uint64_t cpython_instance_dict(const struct cpython_obj *o);

#endif
