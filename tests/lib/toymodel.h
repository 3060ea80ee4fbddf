/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A model room for the tests of graph and analysis: the functions of model.h
 * that those two call, over a toy process whose objects are real bytes. Linked
 * in the place of core/model and core/image, so that a test can have any heap
 * it likes, and a plugin that misbehaves on purpose.
 *
 * An object, at a multiple of 16:
 *
 *	| magic:16 type:16 | flags:16 shift:16 | refcount:32 | n_words:32 |
 *	| flat:32 held:32  | n_words words, or the address of them         |
 *
 * Sizes are shifted left by shift. A word is an edge: the target's address,
 * edge flags in bits 0..2, bit 48: KEY, label in bits 52..55; a label that
 * needs an address (VALUE, ATTR, LOCAL, or NAME: a toy text) takes it from the
 * next word.
 */
#ifndef HS_TESTS_TOYMODEL_H
#define HS_TESTS_TOYMODEL_H

#include "model.h"

enum toy_trick {
	TOY_TWICE = 1,		/* every object is told of twice */
	TOY_BACKWARDS = 2,	/* every second object comes before the first */
	TOY_STRAY = 4,		/* objects outside the chunk, odd, of no type */
	TOY_UNASKED = 8,	/* at() answers what was not asked */
};

struct toy;
struct toy *toy_create(void);
void toy_destroy(struct toy *toy);
struct md_model *toy_model(struct toy *toy);
/** tricks: of enum toy_trick. May be changed between two passes. */
void toy_set_tricks(struct toy *toy, unsigned tricks);

/** Zeroed memory at start. claimed: sweep() is given it. Not sorted. */
void toy_map(struct toy *toy, uint64_t start, uint64_t len, bool claimed);
/** Reads of these bytes fail. */
void toy_hole(struct toy *toy, uint64_t start, uint64_t len);
/** Claim a range that is not the whole of a mapping. */
void toy_claim(struct toy *toy, uint64_t start, uint64_t len);

/**
 * Number of a new type; name is borrowed. late: the model learns of it only
 * when it meets an object of it.
 */
uint32_t toy_type(struct toy *toy, const char *name, uint32_t flags,
		  uint64_t address, bool late);

struct toy_object {
	uint64_t addr;
	uint32_t type;
	uint32_t flat, held;	/* shifted left by shift */
	uint32_t shift;
	uint32_t refcount;
	uint32_t flags;		/* heapsh_object_flags */
	uint32_t n_words;
	const uint64_t *words;
	uint64_t words_at;	/* 0: right behind the head */
};
/** Write one; the memory must be there. Bytes it takes in place. */
uint64_t toy_put(struct toy *toy, const struct toy_object *o);
enum { TOY_HEAD = 32 };

uint64_t toy_edge(uint64_t target, uint32_t flags, uint32_t label);
void toy_root(struct toy *toy, uint64_t target, const char *name);
/** Emitted beside the roots as HEAPSH_ROOT_FOUND. */
void toy_found(struct toy *toy, uint64_t target);
/** What render() prints of it ('…' around it for REPR of a TEXT type). */
void toy_text(struct toy *toy, uint64_t addr, const char *text);

#endif
