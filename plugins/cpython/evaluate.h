/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What only the program's own code can tell of an object: asked in disposable
 * copies of the image, by way of the host (plugin.h, struct heapsh_eval).
 */
#ifndef CPYTHON_EVALUATE_H
#define CPYTHON_EVALUATE_H

#include <heapsh/plugin.h>

#include "object.h"

/** struct heapsh_prepare.prepare. */
void cpython_prepare(const struct cpython *st, struct heapsh_eval_setup *ret);

/** Functions of the interpreter that are called; 0: this one has none. */
struct cpython_functions {
	uint64_t getsizeof, repr, str, as_utf8, as_ssize_t, decref, clear,
		occurred, fetch, normalize;
};
/** Look them up. NULL: no memory. */
struct cpython_functions *
cpython_functions_create(const struct cpython_mem *m);

/** Is anything to be asked of objects of this type? */
static inline bool cpython_asks(const struct cpython_type *t)
{
	return t->traverse != 0 || t->sizeof_fn != 0 || t->about;
}

/** One object and what it answered. */
struct cpython_answer {
	uint64_t addr;
	const struct cpython_type *type;
	uint64_t flat;		/* UINT64_MAX: not known */
	uint64_t first, n;	/* targets in cpython_asked.words, sorted */
	bool told;		/* n is known */
};

/** Objects that were asked together. {0} at the start. */
struct cpython_asked {
	struct cpython_answer *v;
	uint64_t n, cap;
	uint64_t at;		/* which is looked up next */
	uint64_t *words;
	uint64_t n_words, cap_words;
};
/** Note an object to be asked, in any order of addresses. */
void cpython_asked_add(struct cpython_asked *a, uint64_t addr,
		       const struct cpython_type *type);
/** Ask them. want: heapsh_want, for what is of use. */
void cpython_asked_go(const struct cpython *st, const struct cpython_mem *m,
		      struct cpython_asked *a, uint32_t want);
/**
 * The answer for an object, in the order in which they were noted; NULL: it was
 * not asked.
 */
struct cpython_answer *cpython_asked_next(struct cpython_asked *a,
					  uint64_t addr);
void cpython_asked_reset(struct cpython_asked *a);
void cpython_asked_deinit(struct cpython_asked *a);

/**
 * Set traverse, sizeof_fn, whole_size and about of a type of C code: foreign is
 * the nearest unknown type it derives from, known the nearest known one; or 0.
 */
void cpython_find_functions(const struct cpython *st,
			    const struct cpython_mem *m, uint64_t foreign,
			    uint64_t known, struct cpython_type *t);

/** Functions of struct heapsh_ask, plugin_interfaces.h. */
uint32_t cpython_ask_text(const struct cpython *st, uint64_t addr,
			  uint32_t what, char *buf, uint64_t cap, uint64_t *n,
			  char *why, uint64_t why_cap);
uint32_t cpython_ask_texts(const struct cpython *st, const uint64_t *addr,
			   uint32_t n, uint32_t what,
			   void (*emit)(void *arg, uint32_t i,
					const char *text, uint64_t len),
			   void *arg);
uint32_t cpython_ask_flat(const struct cpython *st, uint64_t addr,
			  uint64_t *ret, char *why, uint64_t why_cap);

/** struct heapsh_safepoint.plan */
const char *cpython_safepoint(const struct cpython *st, uint64_t function,
			      uint64_t arg, struct heapsh_safepoint_plan *ret);

/** struct heapsh_invoke.script and .alive */
const char *cpython_script(const struct cpython *st,
			   const struct heapsh_invocation *what,
			   struct heapsh_script *ret);
uint32_t cpython_alive(const struct cpython *st, uint64_t object,
		       struct heapsh_guard ret[HEAPSH_GUARDS]);
/** struct heapsh_invoke.call */
void cpython_invoke(const struct cpython *st,
		    const struct heapsh_invocation *what, char *buf,
		    uint64_t cap, struct heapsh_invoked *ret);

#endif
