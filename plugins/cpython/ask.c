/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_ASK_0: what the object's own code says of it, repr(), str() and
 * sys.getsizeof(), run in a disposable copy. It is other people's code: it may
 * raise, crash, loop or exit, and each has its sentence.
 */
#include <stdio.h>
#include <stdlib.h>

#include "talk.h"

enum {
	CPU_MS = 1000,		/* of one object */
	MAX_FAILURES = 3,	/* of one type */
	TEXT_BYTES = 4096,	/* of one, where there are many */
};

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

/** Many at once: which of them a batch has, and where it ended. */
struct texts {
	const struct cpython *st;
	const uint64_t *addr;
	uint64_t *objects;
	uint32_t *index;
	uint64_t n;
	uint32_t next;		/* to be put into the next batch */
	void (*emit)(void *arg, uint32_t i, const char *text, uint64_t len);
	void *arg;
};

/* A type whose objects crash or loop is left alone: each costs a copy. */
static struct cpython_type *type_of(const struct texts *t, uint64_t addr)
{
	const struct cpython_mem *m = &t->st->mem;

	return (struct cpython_type *)cpython_type(t->st, m,
						   cpython_type_of(m, addr));
}

static int take_text(void *arg, const struct heapsh_eval_item *item)
{
	struct texts *t = arg;
	struct cpython_type *type;
	uint32_t i;

	if (item->index >= t->n)
		return 1;
	i = t->index[item->index];
	if (item->end == HEAPSH_EVAL_RETURNED) {
		t->emit(t->arg, i, item->text, item->n);
		return 1;
	}
	if (item->end == HEAPSH_EVAL_FAILED)
		return 1;
	type = type_of(t, t->addr[i]);
	if (type == NULL || ++type->failed < MAX_FAILURES)
		return 1;
	t->next = i + 1;
	return 0;
}

/* From the i-th on, but those of types that are left alone. */
static void fill(struct texts *t, uint32_t i, uint32_t n)
{
	t->n = 0;
	t->next = n;
	for (; i < n; i++) {
		const struct cpython_type *type = type_of(t, t->addr[i]);

		if (type == NULL || type->failed >= MAX_FAILURES)
			continue;
		t->objects[t->n] = t->addr[i];
		t->index[t->n++] = i;
	}
}

static uint32_t run_batches(struct texts *t, uint32_t n, uint32_t what)
{
	const struct cpython_functions *f = t->st->functions;
	struct heapsh_eval_result r = { .size = sizeof(r) };
	struct heapsh_eval_batch b = {
		.size = sizeof(b),
		.kind = HEAPSH_EVAL_TEXT,
		.objects = t->objects,
		.function = what == HEAPSH_ASK_STR ? f->str : f->repr,
		.finish = f->as_utf8,
		.release = f->decref,
		.clear = f->clear,
		.cpu_ms = CPU_MS,
		.max = TEXT_BYTES,
		.each = take_text,
		.arg = t,
	};

	for (uint32_t i = 0; i < n; i = t->next) {
		fill(t, i, n);
		b.n = t->n;
		if (b.n == 0)
			break;
		t->st->eval->batch(t->st->mem.im, &b, &r);
		if (r.end != HEAPSH_EVAL_RETURNED)
			return r.end;
	}
	return HEAPSH_EVAL_RETURNED;
}

uint32_t cpython_ask_texts(const struct cpython *st, const uint64_t *addr,
			   uint32_t n, uint32_t what,
			   void (*emit)(void *arg, uint32_t i,
					const char *text, uint64_t len),
			   void *arg)
{
	const struct cpython_functions *f = st->functions;
	struct texts t = {
		.st = st,
		.addr = addr,
		.objects = calloc(n + 1, sizeof(*t.objects)),
		.index = calloc(n + 1, sizeof(*t.index)),
		.emit = emit,
		.arg = arg,
	};
	uint32_t end = HEAPSH_EVAL_UNAVAILABLE;

	if (st->eval != NULL && st->eval->why_not(st->mem.im) == NULL &&
	    f->repr != 0 && f->str != 0 && f->as_utf8 != 0 && f->clear != 0 &&
	    t.objects != NULL && t.index != NULL)
		end = run_batches(&t, n, what);
	free(t.objects);
	free(t.index);
	return end;
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
