/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_TYPES_0: what a class comes from, as its method resolution order, and
 * what no object of it can have.
 */
#include "services.h"

#include <string.h>

#include "layout.h"
#include "lookup.h"
#include "plain.h"

/* Items of an order that are told; Python programs have some dozens. */
enum { MAX_BASES = 4096 };

void cpython_each_base(const struct cpython_mem *m, uint64_t type,
		       heapsh_name_fn *fn, void *arg)
{
	uint64_t mro = cpython_field(m, type, m->lay->tp_mro);
	int64_t n = cpython_i64(m, mro, m->lay->ob_size, 0);
	uint64_t items = mro + (uint64_t)m->lay->tuple_items;

	if (!(cpython_flags_of(m, mro) & CPYTHON_TP_TUPLE) || n <= 0)
		return;
	for (int64_t i = 0; i < n && i < MAX_BASES; i++) {
		uint64_t base = cpython_word(m, items + (uint64_t)i * 8);

		if (base != type &&
		    !fn(arg, (struct heapsh_text){ "", 0 }, base))
			return;
	}
}

static bool is_type(const struct cpython_mem *m, uint64_t addr)
{
	return (cpython_flags_of(m, addr) & CPYTHON_TP_TYPE) != 0;
}

/* As cpython_attr() looks for it, without an object to look into. */
bool cpython_may_have_attr(const struct cpython_mem *m, uint64_t type,
			   struct heapsh_text name)
{
	uint64_t flags = cpython_type_flags(m, type);

	if (!is_type(m, type) || (flags & CPYTHON_TP_TYPE) ||
	    (name.n > 2 && memcmp(name.s, "__", 2) == 0))
		return true;
	if ((m->minor >= 11 && (flags & CPYTHON_TP_MANAGED_DICT)) ||
	    cpython_i64(m, type, m->lay->tp_dictoffset, 0) != 0)
		return true;
	return cpython_class_attr(m, type, name) != 0;
}

/* As cpython_item(): other forms have none. */
bool cpython_may_have_items(const struct cpython_mem *m, uint64_t type)
{
	switch (cpython_form(m, type, NULL)) {
	case CPYTHON_FORM_LIST:
	case CPYTHON_FORM_TUPLE:
	case CPYTHON_FORM_DEQUE:
	case CPYTHON_FORM_DICT:
	case CPYTHON_FORM_DEFAULTDICT:
	case CPYTHON_FORM_ORDEREDDICT:
	case CPYTHON_FORM_MAPPINGPROXY:
		return true;
	default:
		return !is_type(m, type);
	}
}
