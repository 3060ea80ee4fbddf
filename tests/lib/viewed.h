/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What view() of a plugin's host answers in a test over memory of its own: a
 * copy for each view, so that ASan sees a byte too far, or one too late. Small
 * ones, nearly all, lie in a ring that is poisoned by hand: a block of malloc()
 * for each took most of a fuzz test's time.
 */
#ifndef VIEWED_H
#define VIEWED_H

#include <stdlib.h>
#include <string.h>

#include <heapsh/plugin.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define VIEWED_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(VIEWED_ASAN)
#include <sanitizer/asan_interface.h>
enum { VIEWED_SMALL = 2048 };
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { VIEWED_SMALL = 0 };	/* all are blocks: for valgrind */
#endif

enum {
	VIEWED_MAX = 1 << 20,	/* bytes of one view */
	VIEWED_RING = 16,	/* places, of which HEAPSH_VIEWS are valid */
	VIEWED_GAP = 64,	/* poisoned always, in front of each */
};

struct viewed {
	void *blocks[HEAPSH_VIEWS];	/* of larger ones */
	uint8_t *ring;
	unsigned next;
};

static inline uint8_t *viewed_place(struct viewed *v, unsigned i)
{
	const size_t each = VIEWED_SMALL + VIEWED_GAP;

	if (v->ring == NULL) {
		v->ring = malloc(VIEWED_RING * each + VIEWED_GAP);
		if (v->ring == NULL)
			abort();
		ASAN_POISON_MEMORY_REGION(v->ring,
					  VIEWED_RING * each + VIEWED_GAP);
	}
	return v->ring + i % VIEWED_RING * each + VIEWED_GAP;
}

/** A copy of len bytes at p, until as many views later as the host promises. */
static inline const void *viewed_copy(struct viewed *v, const void *p,
				      uint64_t len)
{
	unsigned i = v->next++;
	void **block = &v->blocks[i % HEAPSH_VIEWS];
	void *to;

	free(*block);
	*block = NULL;
	if (VIEWED_SMALL != 0)
		ASAN_POISON_MEMORY_REGION(
			viewed_place(v, i + VIEWED_RING - HEAPSH_VIEWS),
			VIEWED_SMALL);
	if (p == NULL || len > VIEWED_MAX || len == 0)
		return NULL;
	if (len <= VIEWED_SMALL) {
		to = viewed_place(v, i);
		ASAN_UNPOISON_MEMORY_REGION(to, len);
	} else {
		to = *block = malloc(len);
		if (to == NULL)
			abort();
	}
	memcpy(to, p, len);
	return to;
}

static inline void viewed_free(struct viewed *v)
{
	for (int i = 0; i < HEAPSH_VIEWS; i++)
		free(v->blocks[i]);
	if (v->ring != NULL)
		ASAN_UNPOISON_MEMORY_REGION(
			v->ring, VIEWED_RING * (VIEWED_SMALL + VIEWED_GAP));
	free(v->ring);
}

#endif
