/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fakeimage: an image of literal bytes at chosen addresses, for unit tests of
 * every room from image on. What is not said is a hole.
 *
 *	struct fakeimage f = { 0 };
 *
 *	fakeimage_put(&f, 0x10000, bytes, sizeof(bytes));
 *	im = fakeimage_open(&f);
 *
 * Each piece is kept with its last byte at the end of a page that is followed
 * by one that cannot be read: who reads on from a view dies of it.
 */
#ifndef HS_TESTS_FAKEIMAGE_H
#define HS_TESTS_FAKEIMAGE_H

#include <stddef.h>
#include <stdint.h>

struct im_image;

struct fakeimage_piece {
	uint64_t addr, len;
	uint8_t *bytes;
	void *map;		/* what bytes lies in */
	size_t map_len;
};

struct fakeimage {
	struct fakeimage_piece *pieces;
	size_t n;
	uint64_t reads;		/* calls of the source so far */
};

/** Copies len bytes to addr. Pieces must not overlap: a later one is hidden. */
void fakeimage_put(struct fakeimage *f, uint64_t addr, const void *bytes,
		   uint64_t len);
/**
 * An image over the pieces; ends the test when it cannot be made. f must
 * outlive it. Each piece is an anonymous mapping, its ends rounded to pages.
 */
struct im_image *fakeimage_open(struct fakeimage *f);
/** After im_destroy(). */
void fakeimage_deinit(struct fakeimage *f);

#endif
