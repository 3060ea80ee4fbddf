/* SPDX-License-Identifier: Apache-2.0 */
/**
 * graph: notes of what belongs to an address, made in whatever order by many
 * threads and read once, in order. A thread sorts as many as fit its cache and
 * keeps them as a run: differences in units of eight bytes, mostly of a byte.
 *
 *	put --> recent, GR_NOTES --> run: +80 +1 | +80 +1 | … --> drain: a merge
 *	        (16 bytes each)     (2 to 8 bytes each)       frees what it read
 */
#ifndef GR_NOTES_PRIV_H
#define GR_NOTES_PRIV_H

#include "graph_priv.h"

enum {
	GR_NOTES_SHIFT = 13,
	GR_NOTES = 1 << GR_NOTES_SHIFT,	/* sorted at once: 256 KiB */
	GR_NOTES_CHUNK = 256 * 1024,	/* bytes; from there on mapped */
	GR_VARINT_MAX = 10,		/* bytes of 64 bits, seven a byte */
};

struct gr_note {
	uint64_t key, value;
};
/** Of one thread. {0} with the item sizes set is empty: gr_notes_create(). */
struct gr_notes {
	struct hs_task *task;		/* borrowed: whose budget is charged */
	struct gr_note *recent;		/* GR_NOTES and scratch, or NULL */
	uint32_t n_recent;
	struct gr_vec chunks;		/* of struct gr_chunk */
	struct gr_vec runs;		/* of struct gr_noted */
};
struct gr_chunk {
	uint8_t *v;			/* GR_NOTES_CHUNK, or NULL: was read */
	uint32_t used;
	uint32_t left;			/* runs that have bytes in it, unread */
};
/** A run: from here on, over as many chunks as it takes. */
struct gr_noted {
	uint32_t chunk, at, n;
};

struct gr_notes *gr_notes_create(struct hs_task *task);
/** NULL is fine. */
void gr_notes_destroy(struct gr_notes *n);
/** Keys and values are multiples of eight. */
struct hs_err *gr_notes_put(struct gr_notes *n, uint64_t key, uint64_t value)
	HS_MUST_USE;
/** All are in runs from here on, and the room to sort is given back. */
struct hs_err *gr_notes_seal(struct gr_notes *n) HS_MUST_USE;

/** The next note of a run. */
struct gr_cursor {
	struct gr_notes *of;
	struct gr_note now;		/* in units of eight bytes */
	uint32_t chunk, at, left;	/* left: notes after this one */
};
/** All runs of some notes, as they are merged: a heap by key. */
struct gr_drain {
	struct hs_task *task;
	struct gr_cursor *v;
	uint64_t n, cap;
	uint64_t limit;			/* least key of the other runs */
};

/** Of sealed notes, some of which may be NULL; they must outlive it. */
struct hs_err *gr_drain_init(struct gr_drain *d, struct hs_task *task,
			     struct gr_notes *const *of, unsigned n)
	HS_MUST_USE;
/**
 * False: no more. By key; those of one key in any order. What was read is
 * given back: they cannot be drained twice.
 */
bool gr_drain_next(struct gr_drain *d, struct gr_note *ret);
void gr_drain_deinit(struct gr_drain *d);

/* --- who owns which table (owned.c) -------------------------------------- */

enum { GR_OWNED_GROUP = 32 };		/* pairs that one search leads to */

/**
 * Pairs of ids by table: differences, found again by the first of each group.
 */
struct gr_owned {
	struct gr_vec groups;		/* of struct gr_owned_group */
	struct gr_vec bytes;
	uint64_t n;
	uint32_t table, owner;		/* put last */
};
struct gr_owned_group {
	uint64_t at;			/* of the second's bytes */
	uint32_t table, owner;
};

struct gr_owned *gr_owned_create(void);
void gr_owned_destroy(struct gr_owned *o, struct hs_budget *b);
/** table is above those before. */
struct hs_err *gr_owned_put(struct gr_owned *o, struct hs_task *task,
			    uint32_t table, uint32_t owner) HS_MUST_USE;
/** Give back what is not needed: there will be no more. */
struct hs_err *gr_owned_seal(struct gr_owned *o, struct hs_task *task)
	HS_MUST_USE;
/** GR_NONE: nobody's. O(log n). */
uint32_t gr_owned_find(const struct gr_owned *o, uint32_t table);

/* --- numbers in as few bytes as they need -------------------------------- */

/** How many of GR_VARINT_MAX bytes it took. LEB128, DWARF 5, 7.6. */
static inline unsigned gr_varint_put(uint8_t *to, uint64_t v)
{
	unsigned n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

/** Of what gr_varint_put() wrote; *at moves behind it. */
static inline uint64_t gr_varint_get(const uint8_t **at)
{
	const uint8_t *p = *at;
	uint64_t v = *p & 0x7f;
	unsigned shift;

	for (shift = 7; *p++ & 0x80; shift += 7)
		v |= (uint64_t)(*p & 0x7f) << shift;
	*at = p;
	return v;
}

/** Small differences of either sign are small numbers: 0 -1 1 -2 2 … */
static inline uint64_t gr_zigzag(uint64_t from, uint64_t to)
{
	uint64_t d = to - from;

	return d << 1 ^ (d >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t gr_unzigzag(uint64_t from, uint64_t v)
{
	return from + (v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}
#endif
