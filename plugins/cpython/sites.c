/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_SITES_0: the notes of tracemalloc, read from outside. Its table of
 * traces is found by what it looks like, since it has no symbol in a stripped
 * program and no place that all versions agree upon: a pointer to a hash table
 * among CPython's own data,
 *
 *	3.8  (Modules/hashtable.h)	3.9-3.13 (pycore_hashtable.h)
 *	  num_buckets			  nentries
 *	  entries			  nbuckets
 *	  buckets -> heads of chains	  buckets -> heads of chains
 *	  key_size, data_size		  functions
 *
 *	entry: next, hash, key, value	(3.8: key and value of those sizes,
 *					the trace itself is the value)
 *
 * whose keys hash as pointers do, and whose values are traces (Modules/
 * _tracemalloc.c, 3.12: Python/tracemalloc.c): size and traceback, which has
 * a hash, the number of frames and, packed, frames of file name and line.
 */
#include "services.h"

#include <stdlib.h>

#include "plain.h"

enum {
	PIECE = 1 << 16,
	MAX_CHAIN = 1000,	/* entries of one bucket */
	MAX_LOOKS = 4096,	/* buckets until one has an entry */
	MAX_FRAMES = 65535,	/* tracemalloc's own limit */
	FRAME_SIZE = 12,	/* packed: a pointer and an unsigned int */
	FRAMES_AT = 12,		/* of a traceback: hash, two numbers */
	MAX_FILE = 4096,	/* bytes of a file's name */
};

struct cpython_sites {
	uint64_t table;		/* 0: there is none */
	uint64_t buckets, n_buckets;
	uint64_t key_size;	/* 3.8; else 0 */
	char file[MAX_FILE];
};

/* Python/pyhash.c, _Py_HashPointerRaw */
static uint64_t hash_pointer(uint64_t p)
{
	return p >> 4 | p << 60;
}

/* Is it the trace of a block? *traceback: of which. */
static bool is_trace(const struct cpython_mem *m, uint64_t trace,
		     uint64_t *traceback)
{
	uint64_t tb = cpython_word(m, trace + 8), file;
	int64_t n = cpython_i64(m, tb, 8, 0) &
		    (m->minor == 8 ? 0xffffffff : 0xffff);

	if (!cpython_copy(m, tb + FRAMES_AT, &file, sizeof(file)) || n < 1 ||
	    n > MAX_FRAMES ||
	    !(cpython_flags_of(m, file) & CPYTHON_TP_UNICODE))
		return false;
	*traceback = tb;
	return true;
}

/* Key and trace of an entry. */
static uint64_t entry_key(const struct cpython_mem *m, uint64_t entry)
{
	return cpython_word(m, entry + 16);
}

static uint64_t entry_trace(const struct cpython_mem *m,
			    const struct cpython_sites *s, uint64_t entry)
{
	return s->key_size != 0 ? entry + 16 + s->key_size :
				  cpython_word(m, entry + 24);
}

/* Does its first entry hash and look like that of a block? */
static bool holds_traces(const struct cpython_mem *m,
			 const struct cpython_sites *s)
{
	for (uint64_t i = 0; i < s->n_buckets && i < MAX_LOOKS; i++) {
		uint64_t entry = cpython_word(m, s->buckets + i * 8), tb;

		if (entry == 0)
			continue;
		return cpython_word(m, entry + 8) ==
			       hash_pointer(entry_key(m, entry)) &&
		       is_trace(m, entry_trace(m, s, entry), &tb);
	}
	return false;
}

static bool is_table(const struct cpython_mem *m, uint64_t addr,
		     struct cpython_sites *s)
{
	bool old = m->minor == 8;
	uint64_t w[6];

	if ((addr & 7) != 0 || addr < 4096 ||
	    !cpython_copy(m, addr, w, sizeof(w)))
		return false;
	s->n_buckets = old ? w[0] : w[1];
	s->buckets = w[2];
	s->key_size = old ? w[3] : 0;
	if (s->n_buckets < 16 || s->n_buckets >> 40 != 0 ||
	    (s->n_buckets & (s->n_buckets - 1)) != 0 ||
	    (old ? w[1] : w[0]) == 0 || (old ? w[1] : w[0]) > s->n_buckets ||
	    (s->buckets & 7) != 0 || s->buckets == 0)
		return false;
	if (old && ((s->key_size != 8 && s->key_size != 16) || w[4] != 16))
		return false;
	return holds_traces(m, s);
}

/* A pointer to the table in [from, to). */
static uint64_t find_in(const struct cpython_mem *m, uint64_t from, uint64_t to,
			struct cpython_sites *s)
{
	uint64_t words[PIECE / 8];

	for (; from < to; from += PIECE) {
		uint64_t n = m->host->read(m->im, from, words,
					   to - from < PIECE ? to - from :
							       PIECE) / 8;

		if (m->host->cancelled(m->im))
			return 0;
		for (uint64_t i = 0; i < n; i++)
			if (words[i] >> 47 == 0 && is_table(m, words[i], s))
				return words[i];
	}
	return 0;
}

/* Among what CPython itself can write to: .data and .bss. */
static uint64_t find_table(const struct cpython *st, struct cpython_sites *s)
{
	const struct cpython_mem *m = &st->mem;
	const struct heapsh_range *r = &st->image;
	uint64_t found = 0;

	for (uint32_t i = 0; found == 0; i++) {
		struct heapsh_mapping map = { .size = sizeof(map) };

		if (!m->host->mapping(m->im, i, &map))
			break;
		if (map.start >= r->start && map.start < r->end &&
		    (map.prot & 2) != 0)
			found = find_in(m, map.start,
					map.end < r->end ? map.end : r->end, s);
	}
	return found;
}

static struct cpython_sites *sites_of(struct cpython *st)
{
	if (st->sites == NULL)
		st->sites = calloc(1, sizeof(*st->sites));
	else
		return st->sites;
	if (st->sites != NULL)
		st->sites->table = find_table(st, st->sites);
	return st->sites;
}

void cpython_sites_end(struct cpython *st)
{
	free(st->sites);
	st->sites = NULL;
}

int cpython_sites_active(struct cpython *st)
{
	struct cpython_sites *s = sites_of(st);

	return s != NULL && s->table != 0;
}

/* Traceback of the block that begins at block; 0: no note of it. */
static uint64_t traceback_of(const struct cpython_mem *m,
			     const struct cpython_sites *s, uint64_t block)
{
	uint64_t bucket = hash_pointer(block) & (s->n_buckets - 1);
	uint64_t entry = cpython_word(m, s->buckets + bucket * 8), tb;

	for (int i = 0; entry != 0 && i < MAX_CHAIN; i++) {
		if (entry_key(m, entry) == block)
			return is_trace(m, entry_trace(m, s, entry), &tb) ? tb :
									    0;
		entry = cpython_word(m, entry);
	}
	return 0;
}

int cpython_site(struct cpython *st, uint64_t addr, uint32_t index,
		 struct heapsh_site *ret)
{
	const struct cpython_mem *m = &st->mem;
	struct cpython_sites *s = sites_of(st);
	const struct cpython_type *t =
		cpython_type(st, m, cpython_type_of(m, addr));
	uint64_t tb, frame, file, n_frames;
	int n;

	if (s == NULL || s->table == 0 || t == NULL)
		return 0;
	tb = traceback_of(m, s, addr - (uint64_t)t->pre);
	n_frames = (uint64_t)cpython_i64(m, tb, 8, 0) &
		   (m->minor == 8 ? 0xffffffff : 0xffff);
	if (tb == 0 || index >= n_frames)
		return 0;
	frame = tb + FRAMES_AT + (uint64_t)index * FRAME_SIZE;
	if (!cpython_copy(m, frame, &file, sizeof(file)))
		return 0;
	n = cpython_str_copy(m, file, s->file, sizeof(s->file));
	ret->line = (uint32_t)cpython_i32(m, frame, 8, 0);
	ret->file.s = s->file;
	ret->file.n = n < 0 ? 0 : (uint64_t)n;
	ret->id = file * UINT64_C(0x9e3779b97f4a7c15) + ret->line;
	return n >= 0;
}
