// SPDX-License-Identifier: Apache-2.0
#include "task.h"

void hs_task_init(struct hs_task *task, struct hs_shared *shared,
		  struct hs_budget *budget)
{
	memset(task, 0, sizeof(*task));
	atomic_store(&task->own.version, 1);
	task->shared = shared ? shared : &task->own;
	task->budget = budget;
}

struct hs_err *hs_check_cancel(const struct hs_task *t)
{
	if (HS_LIKELY(!hs_cancelled(t)))
		return NULL;
	return hs_err_new(HS_ERR_CANCELLED, "interrupted");
}

/* Never leaves dst without a NUL, whoever reads it meanwhile. */
static void store_word(char *dst, size_t size, const char *word)
{
	size_t len = strnlen(word, size - 1);

	memset(dst, 0, size);
	memcpy(dst, word, len);
}

void hs_progress(struct hs_task *t, const char *what, const char *unit,
		 uint64_t total)
{
	struct hs_shared *s = t->shared;

	// The reader looks at nothing else while started_ns is 0.
	atomic_store(&s->started_ns, 0);
	store_word(s->what, sizeof(s->what), what);
	store_word(s->unit, sizeof(s->unit), unit);
	atomic_store(&s->done, 0);
	atomic_store(&s->total, total);
	atomic_store(&s->started_ns, hs_now_ns());
}

void hs_progress_end(struct hs_task *t)
{
	atomic_store(&t->shared->started_ns, 0);
}
