/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_ASK_0: what the object's own code says of it, repr(), str() and
 * sys.getsizeof(), run in a disposable copy. It is other people's code: it may
 * raise, crash, loop or exit, and each has its sentence.
 */
#include <stdio.h>

#include "talk.h"

enum { CPU_MS = 1000 };

static uint32_t end_of(struct cpython_talk *t, bool raised)
{
	uint32_t end = t->r.end;

	if (raised) {
		cpython_talk_raised(t, "it raised ");
		end = HEAPSH_EVAL_FAILED;
	}
	cpython_talk_add_refused(t);
	cpython_talk_end(t);
	return end;
}

uint32_t cpython_ask_text(const struct cpython *st, uint64_t addr,
			  uint32_t what, char *buf, uint64_t cap, uint64_t *n,
			  char *why, uint64_t why_cap)
{
	const struct cpython_functions *f = st->functions;
	struct cpython_talk t;
	const char *no = cpython_talk_begin(&t, st, CPU_MS, why, why_cap);
	uint64_t str;

	*n = 0;
	if (no != NULL) {
		snprintf(why, why_cap, "%s", no);
		return HEAPSH_EVAL_UNAVAILABLE;
	}
	str = cpython_talk_call1(&t, what == HEAPSH_ASK_STR ? f->str : f->repr,
				 addr);
	if (t.r.end != HEAPSH_EVAL_RETURNED || str == 0)
		return end_of(&t, str == 0 && t.r.end == HEAPSH_EVAL_RETURNED);
	*n = cpython_talk_text(&t, str, buf, cap);
	if (*n != UINT64_MAX) {
		cpython_talk_end(&t);
		return HEAPSH_EVAL_RETURNED;
	}
	*n = 0;
	return end_of(&t, t.r.end == HEAPSH_EVAL_RETURNED);
}

uint32_t cpython_ask_flat(const struct cpython *st, uint64_t addr,
			  uint64_t *ret, char *why, uint64_t why_cap)
{
	struct cpython_talk t;
	const char *no = cpython_talk_begin(&t, st, CPU_MS, why, why_cap);

	if (no == NULL && st->functions->getsizeof == 0)
		no = "_PySys_GetSizeOf is not found";
	if (no != NULL) {
		snprintf(why, why_cap, "%s", no);
		return HEAPSH_EVAL_UNAVAILABLE;
	}
	*ret = cpython_talk_call1(&t, st->functions->getsizeof, addr);
	if (t.r.end != HEAPSH_EVAL_RETURNED || *ret == UINT64_MAX)
		return end_of(&t, t.r.end == HEAPSH_EVAL_RETURNED);
	cpython_talk_end(&t);
	return HEAPSH_EVAL_RETURNED;
}
