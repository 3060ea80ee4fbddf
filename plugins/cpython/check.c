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

/*
 * Arenas that hold no pool, or pools in no arena: one of both is not where it
 * is looked for. Neither is there when pymalloc is not in use. Up to 3.11 the
 * arenas of a stripped build are found by search, and may not be.
 */
static void check_pools(const struct cpython *st, struct cpython_verdict *ret)
{
	if (st->n_ranges != 0 && ret->n_pooled == 0)
		cpython_wrong(ret, "the arenas of pymalloc hold no pools");
	if ((st->n_ranges != 0 || st->mem.minor >= 12) &&
	    ret->n_outside * 8 > ret->n_pooled)
		cpython_wrong(ret, "%llu of %llu objects lie in no arena of "
				   "pymalloc",
			      (unsigned long long)ret->n_outside,
			      (unsigned long long)ret->n_pooled);
	else if (st->n_ranges == 0 && ret->n_pooled != 0)
		st->mem.host->diag(st->mem.im, HEAPSH_DIAG_WARNING,
				   "the arenas of pymalloc are not found: "
				   "objects that nothing refers to are not "
				   "shown");
}

void cpython_check(const struct cpython *st, struct cpython_verdict *ret)
{
	*ret = (struct cpython_verdict){ 0 };
	cpython_check_places(st->mem.lay, ret);
	if (ret->wrong[0] == '\0')
		cpython_check_process(st, ret);
}

void cpython_check_process(const struct cpython *st,
			   struct cpython_verdict *ret)
{
	*ret = (struct cpython_verdict){ 0 };
	cpython_check_offsets(st, ret);
	if (ret->wrong[0] == '\0')
		cpython_check_subclasses(st, ret);
	if (ret->wrong[0] == '\0')
		cpython_check_state(st, ret);
	if (ret->wrong[0] == '\0')
		cpython_check_objects(st, ret);
	if (ret->wrong[0] == '\0')
		check_pools(st, ret);
	if (ret->n_objects < ENOUGH)
		cpython_wrong(ret, "only %llu objects could be followed from "
				   "sys.modules",
			      (unsigned long long)ret->n_objects);
}
