/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The toy runtime's memory, as its own source has it. Pointers are written as
 * integers: a plugin never follows one.
 *
 *	example_heap -> arenas (64 KiB, aligned, a list)
 *	                arena: ex_arena | block | block | ... | free block
 *	                block: ex_object | cap units (8 bytes; of a text 1)
 *
 * Objects that do not fit an arena have one of their own from malloc().
 */
#ifndef EXAMPLE_TOYHEAP_H
#define EXAMPLE_TOYHEAP_H

#include <stdint.h>

#define EX_HEAP "example_heap"	/* symbol of struct ex_heap */
#define EX_MAGIC "toyheap1"
#define EX_CHECK UINT64_C(0x7079e0b1ec700001)

enum {
	EX_ARENA = 1 << 16,	/* bytes */
	EX_ARENAS_MAX = 4096,
	EX_THREADS_MAX = 8,
	EX_CAP_MAX = 1 << 22,	/* units of one object */
	EX_HEAD = 24,		/* bytes of an object before its units */
	EX_SITES_MAX = 1 << 20,
};

/** From EX_RECORD on all types are records, each of a class of its own. */
enum ex_type { EX_FREE, EX_TEXT, EX_LIST, EX_TABLE, EX_RECORD, EX_ACCOUNT,
	       EX_NODE, EX_TYPES };
#define EX_NAMES { "", "text", "list", "table", "record", "bank.Account", \
		   "Node" }

struct ex_object {
	uint32_t type;		/* ex_type; EX_FREE: no object */
	uint32_t refs;
	uint32_t n, cap;	/* units used and allocated */
	uint64_t check;		/* its own address ^ EX_CHECK */
	/*
	 * text: bytes. list: objects or 0. table: key, value, key, value …
	 * record: its table, then its owner (which it does not keep alive).
	 */
	uint64_t slot[];
};

/** Bytes of a unit: a text is of bytes, all else of words. */
static inline uint32_t ex_unit(uint32_t type)
{
	return type == EX_TEXT ? 1 : sizeof(uint64_t);
}

/** Bytes of an object without items: a record has none but its two words. */
static inline uint64_t ex_basic(uint32_t type)
{
	return EX_HEAD + (type >= EX_RECORD ? 2 * sizeof(uint64_t) : 0);
}

/** Bytes of an item, of a table a pair; 0 where there are no items. */
static inline uint64_t ex_item(uint32_t type)
{
	return type >= EX_RECORD ? 0 : type == EX_TABLE ? 16 : ex_unit(type);
}

/** Bytes of an object with n units in use. */
static inline uint64_t ex_size(uint32_t type, uint32_t n)
{
	return EX_HEAD + (uint64_t)n * ex_unit(type);
}

/** Is o, a copy of what lies at addr, the head of an object? */
static inline int ex_is_object(const struct ex_object *o, uint64_t addr)
{
	return o->check == (addr ^ EX_CHECK) && o->type != EX_FREE &&
	       o->type < EX_TYPES && o->n <= o->cap && o->cap <= EX_CAP_MAX;
}

struct ex_arena {
	uint64_t next;
	uint64_t reserved;
};

/**
 * In a copy of arenas that lie one after another: where the block behind the
 * one at i begins. Of a free block cap counts words. A size that lies leads to
 * the next arena's first block.
 */
static inline uint64_t ex_next(const uint8_t *arenas, uint64_t i)
{
	const struct ex_object *o = (const struct ex_object *)(arenas + i);
	uint64_t end = i - i % EX_ARENA + EX_ARENA;

	i += (ex_size(o->type, o->cap) + 7) / 8 * 8;
	return i + EX_HEAD <= end ? i : end + sizeof(struct ex_arena);
}

struct ex_thread {
	int32_t tid;
	int32_t reserved;
	uint64_t locals;	/* a table */
};

/** Where an object was made: a line of bank.toy. */
struct ex_site {
	uint64_t object;
	uint32_t line;
	uint32_t reserved;
};

struct ex_heap {
	char magic[8];
	uint32_t version;	/* 1 */
	uint32_t n_threads;
	uint64_t arenas;
	uint64_t globals;	/* a table: names and objects */
	struct ex_thread threads[EX_THREADS_MAX];
	uint64_t sites;		/* array of ex_site */
	uint32_t n_sites;
	uint32_t reserved;
};

#endif
