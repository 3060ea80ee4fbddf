// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

enum {
	ALIGN = 16,
	FIRST_BLOCK = 4096,
	LARGEST_BLOCK = 1 << 20,
};

/**
 * Blocks are a list, the one in use first:
 *
 *	head -> [ used .... | free .... ] -> [ full ] -> [ full ] -> NULL
 */
struct hs_arena_block {
	struct hs_arena_block *next;
	size_t used, size;	/* bytes of data */
	_Alignas(ALIGN) unsigned char data[];
};

static struct hs_arena_block *block_create(size_t size)
{
	struct hs_arena_block *b;
	uint64_t total;

	if (hs_add_overflows(size, sizeof(*b), &total))
		total = UINT64_MAX;
	b = hs_xalloc(total);
	b->size = size;
	return b;
}

/* A block of the arena's own growing size becomes the head. What is larger
 * than that gets a block to itself behind the head, whose rest stays in use. */
static struct hs_arena_block *add_block(struct hs_arena *a, size_t size)
{
	size_t usual = a->head ? a->head->size * 2 : FIRST_BLOCK;
	struct hs_arena_block *b;

	if (usual > LARGEST_BLOCK)
		usual = LARGEST_BLOCK;
	b = block_create(size > usual ? size : usual);
	if (a->head && size > usual) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

void *hs_arena_alloc(struct hs_arena *a, size_t size)
{
	struct hs_arena_block *b = a->head;
	uint64_t need;
	void *p;

	// A size that wraps when it is rounded up cannot be had anyway.
	if (hs_add_overflows(size ? size : 1, ALIGN - 1, &need))
		need = UINT64_MAX;
	need &= ~(uint64_t)(ALIGN - 1);
	if (!b || b->size - b->used < need)
		b = add_block(a, need);
	p = b->data + b->used;
	b->used += need;
	a->used += need;
	return p;
}

char *hs_arena_strndup(struct hs_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = hs_arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

void hs_arena_deinit(struct hs_arena *a)
{
	struct hs_arena_block *b = a->head, *next;

	for (; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct hs_arena){ 0 };
}
