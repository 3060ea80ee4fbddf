/* SPDX-License-Identifier: Apache-2.0 */
/**
 * repr() without running it: what the built-in types print of themselves. An
 * object whose class has a __repr__ in Python, or whose C type is not known
 * here, is "<module.Class object at 0x…>".
 */
#ifndef CPYTHON_RENDER_H
#define CPYTHON_RENDER_H

#include "plain.h"

/** heapsh_plugin.render: see plugin.h. */
uint64_t cpython_render(const struct cpython_mem *m, uint64_t addr,
			uint32_t style, char *buf, uint64_t cap);

/** Texts of n objects, each as cpython_render(): struct heapsh_texts.each. */
void cpython_texts(const struct cpython_mem *m, const uint64_t *addr,
		   uint32_t n, uint32_t style, char *buf, uint64_t cap,
		   void (*emit)(void *arg, uint32_t i, uint64_t len),
		   void *arg);

/**
 * As what objects of a type are shown: its form, whose type goes to *base, or
 * OBJECT, where they print themselves by code that is not known here.
 */
enum cpython_form cpython_shown_as(const struct cpython_mem *m, uint64_t type,
				   uint64_t *base);

/** "module.Class", or "Class" of builtins. */
void cpython_put_type_name(const struct cpython_mem *m, struct cpython_out *o,
			   uint64_t type);
/** tp_name without what stands before the last dot. */
void cpython_put_short_name(const struct cpython_mem *m,
			    struct cpython_out *o, uint64_t type);
/** object.__repr__ */
void cpython_repr_object(const struct cpython_mem *m, struct cpython_out *o,
			 uint64_t obj);
/**
 * What contains no text of other objects: modules, functions, code, …; false:
 * none of them, nothing was put.
 */
bool cpython_repr_leaf(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t obj, enum cpython_form form);

#endif
