/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A plugin whose truth and whose lies come from a few bytes, for fuzzing the
 * host's side of plugin.h.
 *
 *	| n:8 | n lies: kind:8 key:8 value:8 | truth, over and over |
 *
 * The truth: LYING_SLOTS slots of 16 bytes, those from LYING_SWEPT on outside
 * of the ranges; lying_truth() says what is in one. A lie has a kind (enum
 * lying_kind, bits 0..6) and is told at slot key; with bit 7 of kind, at the
 * key-th occasion to lie, so that a second question gets another answer. What
 * it says instead is one of the values of a table.
 */
#ifndef HS_TESTS_LYING_H
#define HS_TESTS_LYING_H

#include <stdbool.h>

#include "plugin.h"

enum {
	LYING_SLOTS = 256,
	LYING_SWEPT = 192,
	LYING_SLOT_BYTES = 16,
	LYING_LIES = 12,
	LYING_EDGES = 7,	/* of an object, at most */
	LYING_ROOTS = 4,
	LYING_TYPES = 4,
};
#define LYING_HEAP UINT64_C(0x100000)

enum lying_kind {
	/* Objects, by slot. */
	LIE_OBJECT_ADDRESS, LIE_OBJECT_TYPE, LIE_OBJECT_FLAGS, LIE_FLAT,
	LIE_HELD, LIE_REFCOUNT, LIE_NONE, LIE_TWICE, LIE_NOTHING,
	LIE_EARLY_EDGE,
	/* Edges, by slot of the object. */
	LIE_TARGET, LIE_EDGE_FLAGS, LIE_LABEL, LIE_A, LIE_B, LIE_WORD,
	LIE_MANY_EDGES,
	/* By index. */
	LIE_RANGE_START, LIE_RANGE_END, LIE_RANGE_COUNT, LIE_GRAIN,
	LIE_ROOT_TARGET, LIE_ROOT_FLAGS, LIE_ROOT_NAME, LIE_ROOT_SIZE,
	LIE_TYPE_NAME, LIE_TYPE_FLAGS, LIE_TYPE_ADDRESS, LIE_TYPE_BASIC,
	LIE_TYPE_ITEM, LIE_TYPE_PRE, LIE_NEW_TYPE, LIE_OPEN, LIE_STATUS,
	LIE_CLAIM, LIE_SETTLE, LIE_DIAG,
	/* By slot. */
	LIE_TEXT, LIE_TEXT_LENGTH, LIE_LOOKUP, LIE_ATTR, LIE_ITEM, LIE_NAME,
	LIE_MEASURE, LIE_INTERFACE, LIE_THREAD, LIE_FRAME, LIE_VARIABLE,
	LIE_HASH, LIE_USAGE, LIE_SITE, LIE_COLLECTOR, LIE_SCALAR, LIE_ASK,
	/* value: which member is not there. */
	LIE_ABSENT,
	/* By slot: where words of it lie. */
	LIE_WORDS,
	LIE_KINDS
};

/** What is in a slot. */
struct lying_object {
	bool there;
	uint32_t type;
	uint64_t address, size;		/* flat and held */
	uint32_t n_edges;
	struct {
		uint32_t slot, label;
		bool weak;
	} edges[LYING_EDGES];
};

/** The table with this truth and these lies; borrows bytes until the next. */
const struct heapsh_plugin *lying_plugin(const uint8_t *bytes, size_t n);
/** Told to the plugin as a true one would be: at load time. */
void lying_host(const struct heapsh_host *host);
size_t lying_n_lies(void);
void lying_truth(uint32_t slot, struct lying_object *ret);
/** Slot of root i, or UINT32_MAX: there is none. */
uint32_t lying_root(uint32_t i);

#endif
