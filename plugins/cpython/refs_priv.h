/* SPDX-License-Identifier: Apache-2.0 */
/** How refs.c and refs_code.c emit. */
#ifndef CPYTHON_REFS_PRIV_H
#define CPYTHON_REFS_PRIV_H

#include "object.h"

/** Edges of one object on their way out. */
struct cpython_visit {
	const struct cpython_obj *o;
	struct heapsh_sink *sink;
	bool frontier;		/* HEAPSH_WANT_FRONTIER */
};

/** One edge; nothing when target cannot be an object's address. */
void cpython_edge(struct cpython_visit *v, uint64_t target,
		  enum heapsh_label label, uint64_t a, uint64_t b,
		  const char *text, uint32_t flags);

/** ".text" of the object. */
static inline void cpython_edge_attr(struct cpython_visit *v, uint64_t target,
				     const char *text, uint32_t flags)
{
	cpython_edge(v, target, HEAPSH_LABEL_NAME, 0, 0, text, flags);
}
/** "->text" of the object. */
static inline void cpython_edge_field(struct cpython_visit *v, uint64_t target,
				      const char *text)
{
	cpython_edge(v, target, HEAPSH_LABEL_FIELD, 0, 0, text, 0);
}

/** A word of an array. */
typedef void cpython_word_fn(struct cpython_visit *v, uint64_t index,
			     uint64_t word, void *arg);
/**
 * Every word of an array that is not 0, in order. False: not all of it could
 * be read.
 */
bool cpython_each_word(struct cpython_visit *v, uint64_t addr, uint64_t n,
		       cpython_word_fn *fn, void *arg);
/**
 * Every word at addr, n of them, that points to something that is an object
 * beyond doubt. text NULL: named by its offset from the object.
 */
void cpython_scan_words(struct cpython_visit *v, uint64_t addr, uint64_t n,
			const char *text);

/* told.c */
/** One that tp_traverse tells as well is not to be told again. */
void cpython_mark_told(const struct cpython_obj *o, uint64_t target);
/** What it has told that nothing else has. */
void cpython_refs_told(struct cpython_visit *v);

/* refs_code.c */
bool cpython_refs_type(struct cpython_visit *v);
bool cpython_refs_module(struct cpython_visit *v);
bool cpython_refs_code(struct cpython_visit *v);
bool cpython_refs_frame(struct cpython_visit *v);
bool cpython_refs_generator(struct cpython_visit *v);

/* library.c: of what cpython_more stands for. False: torn. */
bool cpython_refs_more(struct cpython_visit *v);
/* numpy.c: the same for its part. */
bool cpython_refs_numpy(struct cpython_visit *v);

/** What an ndarray says of its bytes. False: it is none, or torn. */
struct cpython_numpy_array {
	uint64_t bytes;		/* of its items */
	uint64_t base;		/* whose bytes they are; 0: nobody else's */
	bool owns;
};
bool cpython_numpy_array(const struct cpython_obj *o,
			 struct cpython_numpy_array *ret);

#endif
