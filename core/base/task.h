/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Cancellation, progress and the memory budget of one command.
 *
 * struct hs_shared lies in memory that shell and engine share: Ctrl-C stores a
 * word, every loop looks at it (hs_cancelled, one load); the engine stores how
 * far it is, and the shell draws the progress line after a second.
 */
#ifndef HS_TASK_H
#define HS_TASK_H

#include <stdatomic.h>

#include "base.h"
#include "err.h"

struct hs_shared {
	_Atomic uint32_t version;	/* 1 */
	_Atomic uint32_t cancel;	/* not 0: give up soon */
	_Atomic uint64_t done, total;	/* units of what; total 0: unknown */
	_Atomic uint64_t started_ns;	/* 0: nothing to show */
	char what[64];			/* "sweeping heap", NUL inside */
	char unit[16];			/* "objects", "MiB" */
};

struct hs_budget {
	_Atomic uint64_t used, peak;
	uint64_t limit;			/* bytes; 0: none */
};

struct hs_task {
	struct hs_shared *shared;	/* never NULL; see hs_task_init */
	struct hs_budget *budget;	/* may be NULL: unbounded */
	struct hs_shared own;		/* used when no memory is shared */
};

/** shared may be NULL (tests): then the task's own word is used. */
void hs_task_init(struct hs_task *task, struct hs_shared *shared,
		  struct hs_budget *budget);
static inline bool hs_cancelled(const struct hs_task *t)
{
	return atomic_load_explicit(&t->shared->cancel, memory_order_relaxed);
}
/** NULL, or an HS_ERR_CANCELLED. */
struct hs_err *hs_check_cancel(const struct hs_task *t) HS_MUST_USE;
/** Start or rename the progress line. total 0 is unknown. */
void hs_progress(struct hs_task *t, const char *what, const char *unit,
		 uint64_t total);
static inline void hs_progress_add(struct hs_task *t, uint64_t n)
{
	atomic_fetch_add_explicit(&t->shared->done, n, memory_order_relaxed);
}
void hs_progress_end(struct hs_task *t);

/**
 * Zeroed memory for what follows the target: mmap'ed when large, charged to
 * the budget. Free with hs_big_free() and the same size. HS_ERR_NOMEM names
 * size, limit and the setting.
 */
struct hs_err *hs_big_alloc(struct hs_task *t, uint64_t size, void **ret)
	HS_MUST_USE;
/**
 * The same memory with another size, moved to *ret; what is new is zeroed. p
 * may be NULL with a size of 0. On an error it stays as it was.
 */
struct hs_err *hs_big_resize(struct hs_task *t, void *p, uint64_t size,
			     uint64_t want, void **ret) HS_MUST_USE;
void hs_big_free(struct hs_budget *b, void *p, uint64_t size);
/** Default limit: half of what is available to us, cgroup included. */
uint64_t hs_budget_default(void);
#endif
