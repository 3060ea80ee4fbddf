/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of the check of a layout. */
#ifndef CPYTHON_CHECK_PRIV_H
#define CPYTHON_CHECK_PRIV_H

#include "find.h"

/** Say what is wrong, unless something has been said already. */
void cpython_wrong(struct cpython_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** check_objects.c: objects, from sys.modules on. */
void cpython_check_objects(const struct cpython *st,
			   struct cpython_verdict *ret);
/** check_state.c: the interpreter, its threads, collector and frames. */
void cpython_check_state(const struct cpython *st,
			 struct cpython_verdict *ret);
/** check_offsets.c: the process's own _Py_DebugOffsets, from 3.13 on. */
void cpython_check_offsets(const struct cpython *st,
			   struct cpython_verdict *ret);
/** check_places.c: members follow each other as their structure says. */
void cpython_check_places(const struct cpython_layout *l,
			  struct cpython_verdict *ret);
/** check_members.c: what a type says of its own structure. */
void cpython_check_members(const struct cpython *st,
			   const struct cpython_type *type,
			   struct cpython_verdict *ret);

/** check_tables.c: the classes below object, a dict that all have. */
void cpython_check_subclasses(const struct cpython *st,
			      struct cpython_verdict *ret);

/** Told of each expectation that an object meets or does not. */
typedef void cpython_met_fn(void *arg, const char *what, bool met);
/** Of these, one must be met: a class whose instances share a table. */
#define CPYTHON_CACHED_KEYS "ht_cached_keys of a class"
/** check_fields.c: members of one object that must be of some type. */
void cpython_check_fields(const struct cpython_obj *o, cpython_met_fn *met,
			  void *arg);
/** check_fields.c: n references were seen; does the object say so too? */
void cpython_check_count(const struct cpython_obj *o, uint64_t n, uint64_t bad,
			 cpython_met_fn *met, void *arg);
struct cpython_keys;
/** check_tables.c: entries are found by the hash of their keys. */
void cpython_check_table(const struct cpython_mem *m,
			 const struct cpython_keys *k, cpython_met_fn *met,
			 void *arg);
/** check_tables.c: attributes within an object agree with each other. */
void cpython_check_inline(const struct cpython_obj *o, cpython_met_fn *met,
			  void *arg);

#endif
