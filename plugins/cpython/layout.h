/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where things are in CPython's structures, as data: layouts.c holds a row for
 * each known version, made by regen-layouts.py from debugging information.
 */
#ifndef CPYTHON_LAYOUT_H
#define CPYTHON_LAYOUT_H

#include <stdint.h>

/** A member that is a strong reference, or count of them side by side. */
struct cpython_slot {
	int16_t offset, count;
	const char *label;	/* ".attribute" or "->member" */
};

/** A type whose references are plain members. Sorted by name. */
struct cpython_shape {
	const char *type;	/* tp_name */
	int16_t size;		/* of the structure: equals tp_basicsize */
	int16_t first, n;	/* in cpython_layout.slots */
};

/** References in the interpreter's own state: count words, stride apart. */
struct cpython_root_slot {
	const char *name;
	int32_t offset, count, stride;
};

/**
 * One version. The fields, from layout.def, are offsets, sizes and bit numbers;
 * -1 means that this version has no such thing.
 */
struct cpython_layout {
	int32_t minor, patch;	/* of the version that it was read from */
#define F(name, source) int32_t name;
#include "layout.def"
#undef F
	const struct cpython_slot *slots;
	const struct cpython_shape *shapes;
	const struct cpython_root_slot *runtime_roots, *interp_roots,
		*thread_roots;
	int32_t n_shapes, n_runtime_roots, n_interp_roots, n_thread_roots;
};

/** A version whose layout was read from its own debugging information. */
struct cpython_known {
	const char *version;
	int32_t minor, patch;
	const struct cpython_layout *layout;	/* NULL ends the table */
};
extern const struct cpython_known cpython_known[];

/** What the row of a version said when it was written: digests.c. */
struct cpython_digest {
	const char *version;		/* NULL ends the table */
	uint64_t value;
};
extern const struct cpython_digest cpython_digests[];
/**
 * FNV-1a over the text of all that a row says, names included. To change any
 * one byte of that text changes it (each step is a bijection).
 */
uint64_t cpython_layout_digest(const struct cpython_layout *l);
/**
 * Is a row of cpython_known other than regen-layouts.py wrote it, by hand or by
 * accident? NULL: it is not; else the version that the row was read from.
 */
const char *cpython_layout_damaged(const struct cpython_layout *l);

/**
 * Rows that may be that of 3.minor.patch, the likeliest first: of the same
 * minor, by how far their patch is. i: from 0; NULL when there are no more.
 * Structures change within a minor, too: 3.13.0 and 3.13.5 differ in seven
 * fields. *exact: the row is of this very version.
 */
const struct cpython_layout *cpython_layout_find(int minor, int patch, int i,
						 int *exact);
/** Shape of that type name and size, or NULL. O(log n). */
const struct cpython_shape *
cpython_shape_find(const struct cpython_layout *l, const char *tp_name,
		   int64_t basic_size);
/** Is that structure known, but of another size? Then nothing of it is. */
int cpython_shape_differs(const struct cpython_layout *l, const char *tp_name,
			  int64_t basic_size);
#endif
