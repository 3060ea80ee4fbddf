/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Objects by the names that Python code has for them: bare names, attributes,
 * items. Nothing of the program is run: a property is found as the property
 * object, a method as the function, and keys are compared by value, as the
 * built-in types do it.
 */
#ifndef CPYTHON_LOOKUP_H
#define CPYTHON_LOOKUP_H

#include "read.h"

/** Value of the str key in a dict object; 0: none. */
uint64_t cpython_dict_get(const struct cpython_mem *m, uint64_t dict,
			  struct heapsh_text key);
/** The same with a C string. */
uint64_t cpython_dict_gets(const struct cpython_mem *m, uint64_t dict,
			   const char *key);

/** sys.modules[name]; 0: none. */
uint64_t cpython_module(const struct cpython_mem *m, struct heapsh_text name);
/** __dict__ of a module object; 0: not a module. */
uint64_t cpython_module_dict(const struct cpython_mem *m, uint64_t module);

/** heapsh_plugin.lookup, .attr, .item, .names: see plugin.h. */
uint64_t cpython_lookup(const struct cpython_mem *m, struct heapsh_text name);
uint64_t cpython_attr(const struct cpython_mem *m, uint64_t obj,
		      struct heapsh_text name);
uint64_t cpython_item(const struct cpython_mem *m, uint64_t obj,
		      const struct heapsh_key *key);
void cpython_names(const struct cpython_mem *m, uint64_t obj,
		   struct heapsh_text prefix, heapsh_name_fn *fn, void *arg);

/** The attribute of an instance alone, class and slots aside; 0: none. */
uint64_t cpython_instance_attr(const struct cpython_mem *m, uint64_t obj,
			       struct heapsh_text name);
/**
 * One name that is asked of many objects: what each class says of it, and
 * which texts are that name. An instant does not change, so neither does that.
 * In struct cpython_mem of a search for that name, it is looked up there first.
 * Zeroed at the start.
 */
enum { CPYTHON_N_SOUGHT = 256 };
struct cpython_sought {
	struct heapsh_text name;	/* its text is text */
	char text[64];
	struct {
		uint64_t type, found;	/* type 0: none */
	} classes[CPYTHON_N_SOUGHT];
	struct {
		uint64_t key;		/* a str object; 0: none */
		bool equal;
	} keys[CPYTHON_N_SOUGHT];
};
/** From now on for that name. False: it is too long to be remembered. */
bool cpython_seek(struct cpython_sought *s, struct heapsh_text name);

/** What the classes of an MRO say of a name: unbound, unevaluated; 0: none. */
uint64_t cpython_class_attr(const struct cpython_mem *m, uint64_t type,
			    struct heapsh_text name);

static inline struct heapsh_text cpython_text(const char *s)
{
	return (struct heapsh_text){ s, __builtin_strlen(s) };
}

/**
 * [key] of a range, which makes its items when they are asked for. False: it is
 * no range, has no such item, or numbers beyond 64 bits.
 */
bool cpython_item_number(const struct cpython_mem *m, uint64_t obj,
			 const struct heapsh_key *key, int64_t *ret);

#endif
