/* SPDX-License-Identifier: Apache-2.0 */
/* HEAPSH_TYPES_0: what a class comes from, as its method resolution order. */
#include "services.h"

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
