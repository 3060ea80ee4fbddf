/* SPDX-License-Identifier: Apache-2.0 */
/* HEAPSH_MODULES_0: what sys.modules of the main interpreter holds. */
#include "services.h"

#include "layout.h"
#include "plain.h"
#include "walk.h"

/* Bytes of a name that are told; longer ones are cut. */
enum { MAX_NAME = 1024 };

void cpython_each_module(const struct cpython_mem *m, heapsh_name_fn *fn,
			 void *arg)
{
	uint64_t modules = cpython_field(m, m->interp, m->lay->interp_modules);
	struct cpython_dict_iter it;
	uint64_t key, value;
	char name[MAX_NAME];

	if (!(cpython_flags_of(m, modules) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, modules, &it))
		return;
	while (cpython_dict_next(m, &it, &key, &value)) {
		int n = cpython_str_copy(m, key, name, sizeof(name));

		// any key can be put there, any object can stand for a module
		if (n < 0 || !cpython_is_object(m, value))
			continue;
		if (!fn(arg, (struct heapsh_text){ name, (uint64_t)n }, value))
			return;
	}
}
