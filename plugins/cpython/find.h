/* SPDX-License-Identifier: Apache-2.0 */
/** Which CPython a process is, and where its state begins. */
#ifndef CPYTHON_FIND_H
#define CPYTHON_FIND_H

#include "object.h"

struct cpython_found {
	struct cpython_mem mem;
	uint64_t type_type;	/* &PyType_Type */
	int minor, patch;
	uint32_t hex;		/* sys.hexversion */
	int row;		/* of cpython_layout_find() */
	bool exact;		/* the layout is that of this very version */
	char version[32];	/* "3.11.2" */
	char reason[192];	/* how it is known, or why not */
};

/**
 * Look at symbols and a few words. YES: ret is filled; else reason says what
 * was seen. Nothing is believed that its own version number contradicts.
 */
enum heapsh_answer cpython_find(const struct heapsh_host *host,
				struct heapsh_image *im,
				struct cpython_found *ret);
/**
 * With the next row of the same minor that finds the version, when the one
 * before does not fit. False: there is none.
 */
bool cpython_find_next(struct cpython_found *f);
/** How a layout did against the process itself. */
struct cpython_verdict {
	uint64_t n_objects;	/* that were looked at and are as they should */
	uint64_t n_pooled;	/* of these, in a pool of pymalloc */
	uint64_t n_outside;	/* of these, in no arena that is known */
	char wrong[160];	/* NUL-terminated: what does not hold, or "" */
};
/**
 * Hold the layout against the process: what types say of their own members,
 * at least a thousand objects with all that they refer to, the state of the
 * interpreter. A single object caught in mid-change does not fail it; what is
 * wrong more often than right does.
 */
void cpython_check(const struct cpython *st, struct cpython_verdict *ret);
/** The same without what the rows say of each other: the process alone. */
void cpython_check_process(const struct cpython *st,
			   struct cpython_verdict *ret);
/** heapsh_plugin.settle */
void cpython_settle(const struct cpython_found *f, struct heapsh_settle *ret);
/** Is a collection of the cyclic garbage collector under way? */
bool cpython_collecting(const struct cpython_mem *m);

#endif
