/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Functions of the interpreter that make objects and call them, for calls as
 * its users write them: function after function in a copy (invoke.c), or all of
 * them written down, for the process itself (script.c).
 */
#ifndef CPYTHON_MAKERS_H
#define CPYTHON_MAKERS_H

#include "evaluate.h"

struct cpython_makers {
	uint64_t integer, real, text, bytes, tuple, tuple_set, dict, dict_set,
		incref, attr, call;
	uint64_t none, yes, no;
};

/** Look them up. Not NULL: a sentence; one of them is not there. */
const char *cpython_makers_find(const struct cpython_mem *m,
				struct cpython_makers *ret);

#endif
