/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A conversation with one disposable copy of the process: function after
 * function of the interpreter is called there, by way of the host (plugin.h,
 * struct heapsh_eval). Whatever ends it has its clause in why.
 */
#ifndef CPYTHON_TALK_H
#define CPYTHON_TALK_H

#include "evaluate.h"

struct cpython_talk {
	const struct cpython *st;
	const struct heapsh_eval *eval;
	struct heapsh_image *im;
	uint32_t cpu_ms;		/* of each call */
	struct heapsh_eval_result r;	/* of the last call */
	uint64_t copy;			/* that it is held with; 0: none yet */
	uint32_t n_refused;		/* of all calls */
	int32_t refused;
	char *why;			/* of the caller */
	uint64_t why_cap;
};

/** Begin, with a copy that nobody has used. Not NULL: why no code can run. */
const char *cpython_talk_begin(struct cpython_talk *t, const struct cpython *st,
			       uint32_t cpu_ms, char *why, uint64_t why_cap);
/**
 * One call. False: it has not returned, or in another copy than the others, so
 * that what they have made is gone; t->r.end and why say it.
 */
bool cpython_talk_call(struct cpython_talk *t, uint64_t function,
		       const uint64_t *args, uint32_t n);
/** Its result; 0 also when it has not returned, see t->r.end. */
uint64_t cpython_talk_call1(struct cpython_talk *t, uint64_t function,
			    uint64_t arg);
/**
 * Text of a str that lies in the copy, at most cap bytes of it: its length in
 * full, or UINT64_MAX. Uses the first 64 bytes of the scratch memory.
 */
uint64_t cpython_talk_text(struct cpython_talk *t, uint64_t str, char *buf,
			   uint64_t cap);
/**
 * Something answered NULL: why becomes prefix and "TypeName: message". Uses the
 * first 128 bytes of the scratch memory.
 */
void cpython_talk_raised(struct cpython_talk *t, const char *prefix);
/** Adds to why what the copy was not let do. */
void cpython_talk_add_refused(struct cpython_talk *t);
/** Nothing that was done to the copy is of use to others. */
void cpython_talk_end(struct cpython_talk *t);

#endif
