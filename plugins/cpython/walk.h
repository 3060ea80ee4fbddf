/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What containers hold, one item after the other. An iterator is a value on
 * the caller's stack; opening it checks the container against itself (an index
 * within its table, a length within its allocation) and answers false when it
 * is torn or cannot be read.
 */
#ifndef CPYTHON_WALK_H
#define CPYTHON_WALK_H

#include "read.h"

/** Entries of a dict, or the attributes of an instance without one. */
struct cpython_dict_iter {
	uint64_t entries;	/* address of the first key's entry */
	uint64_t values;	/* of a split table; 0: beside the keys */
	uint64_t order;		/* of a split table: index of the i-th, or 0 */
	int64_t n, i;		/* entries, also deleted ones; the next one */
	int order_step;		/* from one index byte to the next: 1 or -1 */
	int stride, key, value;	/* bytes, within an entry */
	int64_t used;		/* living entries, as the dict itself says */
	bool only_str;		/* the table can have no other keys */
};

/** dict: an object whose type is dict or derived from it. */
bool cpython_dict_open(const struct cpython_mem *m, uint64_t dict,
		       struct cpython_dict_iter *it);
/** The next living entry, in Python's order; false after the last. */
bool cpython_dict_next(const struct cpython_mem *m,
		       struct cpython_dict_iter *it, uint64_t *key,
		       uint64_t *value);

/** Where the attributes of an instance are; all 0: it has none. */
struct cpython_attributes {
	uint64_t dict;		/* a dict object */
	uint64_t values, keys;	/* or values without one, and their names */
};
void cpython_attributes(const struct cpython_mem *m, uint64_t obj,
			struct cpython_attributes *ret);
/** Iterate over them; false when there are none or they are torn. */
bool cpython_attributes_open(const struct cpython_mem *m,
			     const struct cpython_attributes *attributes,
			     struct cpython_dict_iter *it);

/** Items of a list, tuple or set, of what derives from them, of a deque. */
struct cpython_seq {
	uint64_t items;		/* address of the first, or of a table */
	int64_t n, i;		/* slots, also empty ones; the next one */
	int stride;		/* bytes from one to the next */
	bool is_set, is_deque;
	uint64_t block;		/* deque: of the next item */
	int64_t index;		/* deque: within the block */
	int64_t length;		/* items that live */
};

/** form: of the object, one of those that it can be. */
bool cpython_seq_open(const struct cpython_mem *m, uint64_t obj,
		      enum cpython_form form, struct cpython_seq *it);
/** The next item in order; false after the last or when the rest is torn. */
bool cpython_seq_next(const struct cpython_mem *m, struct cpython_seq *it,
		      uint64_t *item);
/** Item number i of a list, tuple or deque, 0 <= i < length; or 0. */
uint64_t cpython_seq_at(const struct cpython_mem *m, struct cpython_seq *it,
			int64_t i);

/**
 * Number of items of a list, dict, str, …, below 2^47; -1: it has no length, or
 * is torn.
 */
int64_t cpython_length(const struct cpython_mem *m, uint64_t obj);

#endif
