/* SPDX-License-Identifier: Apache-2.0 */
#include "check_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { ENOUGH = 1000 };		/* objects; fewer are no proof */

void cpython_wrong(struct cpython_verdict *v, const char *fmt, ...)
{
	va_list ap;

	if (v->wrong[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(v->wrong, sizeof(v->wrong), fmt, ap);
	va_end(ap);
}

void cpython_check(const struct cpython *st, struct cpython_verdict *ret)
{
	*ret = (struct cpython_verdict){ 0 };
	cpython_check_state(st, ret);
	if (ret->wrong[0] == '\0')
		cpython_check_objects(st, ret);
	if (ret->n_objects < ENOUGH)
		cpython_wrong(ret, "only %llu objects could be followed from "
				   "sys.modules",
			      (unsigned long long)ret->n_objects);
}
