/* SPDX-License-Identifier: Apache-2.0 */
/** The runtime of the plugin "found": objects at chosen addresses. */
#ifndef HS_TESTS_FOUND_H
#define HS_TESTS_FOUND_H

#include <stdint.h>

#define FOUND_MAGIC UINT64_C(0xf0f1f2f3f4f5f6f7)

enum {
	FOUND_HEAD = 0x10000,		/* struct found_head */
	FOUND_RANGE = 0x100000,		/* what is swept … */
	FOUND_RANGE_END = 0x120000,
	FOUND_OUTSIDE = 0x200000,	/* … and what is not */
	FOUND_EDGES = 6,
	FOUND_ROOTS = 4,
};

/** How the plugin takes HEAPSH_WANT_FRONTIER. */
enum found_mode {
	FOUND_PLAIN,	/* references as ever, and what is found beside them */
	FOUND_LEAN,	/* those that may be left out are */
	FOUND_LOUD,	/* what is found is told also when nobody asked */
};

struct found_root {
	uint64_t target, flags;		/* heapsh_root_flags */
};

struct found_head {
	uint64_t magic;
	uint64_t mode;
	struct found_root roots[FOUND_ROOTS];
};

struct found_object {
	uint64_t magic;
	uint64_t is_table;
	/* Each a target, with heapsh_edge_flags in the upper byte; or 0. */
	uint64_t edges[FOUND_EDGES];
};

#endif
