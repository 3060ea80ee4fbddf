/* SPDX-License-Identifier: Apache-2.0 */
/** Built-in types that have a kind or a word of the host's of their own. */
#ifndef CPYTHON_KINDS_H
#define CPYTHON_KINDS_H

#include "object.h"

struct cpython_known_type {
	const char *name;		/* tp_name */
	enum cpython_kind kind;
	uint32_t flags;			/* heapsh_type_flags */
	/**
	 * Where struct cpython_layout has the size that tp_basicsize must
	 * equal, or 0: any.
	 */
	size_t size_field;
	enum cpython_more more;
};

/** Row of a tp_name, or NULL. */
const struct cpython_known_type *cpython_known_type(const char *tp_name);
/** Of its size_field, in this version; -1: none. */
int64_t cpython_known_size(const struct cpython_known_type *k,
			   const struct cpython_layout *l);
/**
 * Is a type of C code surely what its tp_name says? Names with a dot are their
 * module's; one without is the interpreter's own only when the type lies in the
 * interpreter's library: Cython calls a type "generator" in each module.
 */
bool cpython_name_tells(const struct cpython *st, uint64_t type,
			uint64_t tp_flags, const char *tp_name);
#endif
