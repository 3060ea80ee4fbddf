/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEAPSH_SAFEPOINT_0: the queue of pending calls. The main thread looks at it
 * between two bytecodes, with the GIL, and calls what is there, so that it may
 * do what an import does.
 *
 * Nothing of the queue is taken for granted. A copy of the process runs the
 * interpreter's own Py_AddPendingCall(), and what that has changed is the plan:
 * the words must be those of the queue that is known (below), to the last one.
 * The queue's lock, which it leaves as it was, is found beside it, and proven:
 * in another copy it is taken, and Py_AddPendingCall() must not get it.
 *
 * In the process itself the same words are changed while all threads stand
 * still, where each of them is as it was before, the queue is empty and its
 * lock is free: nobody is between two of its words then.
 *
 * struct _pending_calls, CPython 3.8 to 3.13, Include/internal, of release
 * builds with semaphores:
 *
 *	up to 3.12		from 3.13
 *	-24  busy, finishing	-24  handling_thread
 *	-16  lock, a pointer	-16  mutex, a byte
 *	 -8  calls_to_do	-12  npending
 *	  0  calls[32]		  0  calls[300]
 *	     func, arg		     func, arg, flags
 *	     first, last	     first, next
 */
#include <stdlib.h>

#include "evaluate.h"
#include "threads.h"

enum {
	CPU_MS = 1000,
	INTERP_BYTES = 16384,	/* of its beginning, where the queue may be */
	THREAD_BYTES = 512,
	REGIONS = 66,
	RUNTIME_MAX = 4 << 20,	/* bytes of _PyRuntime */
	SEM_FREE = 1,		/* glibc, struct new_sem: value, no waiters */
};

/** Memory in which something may change. */
struct region {
	uint64_t addr, len;
	uint8_t *before, *after;
};

/** Where things are, of one version. */
struct queue {
	uint64_t stride, n;	/* bytes and number of calls[] */
	uint64_t calls;		/* address */
	uint64_t slot;		/* of the call that was added */
	uint64_t index;		/* of it */
};

struct planning {
	const struct cpython *st;
	const struct cpython_mem *m;
	const struct heapsh_eval *eval;
	uint64_t add;		/* Py_AddPendingCall() */
	uint64_t function, arg;
	struct region region[REGIONS];
	uint32_t n_regions;
	struct queue q;
	struct heapsh_safepoint_plan *plan;
	bool odd;		/* a word did not fit */
};

/* --- two looks at a copy ------------------------------------------------- */

static bool add_region(struct planning *p, uint64_t addr, uint64_t len)
{
	struct region *r = &p->region[p->n_regions];

	for (uint32_t i = 0; i < p->n_regions; i++)
		if (addr - p->region[i].addr < p->region[i].len)
			return true;
	if (addr == 0 || p->n_regions == REGIONS)
		return true;
	// a word may be looked at that begins before the end
	*r = (struct region){ addr & ~UINT64_C(7), len & ~UINT64_C(7),
			      malloc(len), malloc(len) };
	p->n_regions++;
	return r->before != NULL && r->after != NULL;
}

static bool add_regions(struct planning *p)
{
	uint64_t len = 0;
	uint32_t n = cpython_threads_count(p->st->threads);
	bool ok;

	p->m->host->symbol(p->m->im, NULL, "_PyRuntime", &len);
	if (len < 256 || len > RUNTIME_MAX)
		return false;
	ok = add_region(p, p->m->runtime, len) &&
	     add_region(p, p->m->interp, INTERP_BYTES);
	for (uint32_t i = 0; ok && i < n; i++)
		ok = add_region(p,
				cpython_threads_at(p->st->threads, i)->tstate,
				THREAD_BYTES);
	return ok;
}

/* What is mapped of each; the rest reads as 0 both times. */
static void look(struct planning *p, bool after)
{
	for (uint32_t i = 0; i < p->n_regions; i++) {
		struct region *r = &p->region[i];
		uint8_t *to = after ? r->after : r->before;

		memset(to, 0, r->len);
		p->eval->read(p->m->im, r->addr, to, r->len);
	}
}

static uint64_t value_at(const struct planning *p, uint64_t addr, uint32_t n,
			 bool after)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->region[i];
		uint64_t at = addr - r->addr;

		if (at < r->len && n <= r->len - at) {
			memcpy(&v, (after ? r->after : r->before) + at, n);
			return v;
		}
	}
	return 0;
}

/* The interpreter's own function, in the copy that there is. */
static uint32_t call_add(struct planning *p, int32_t *ret)
{
	uint64_t args[2] = { p->function, p->arg };
	struct heapsh_eval_result r = { .size = sizeof(r) };

	p->eval->call(p->m->im, p->add, args, 2, CPU_MS, &r);
	*ret = (int32_t)r.value;
	return r.end;
}

/* --- what it has changed ------------------------------------------------- */

static void add_word(struct planning *p, uint64_t addr, uint32_t bytes,
		     uint64_t before, uint64_t now, uint32_t flags)
{
	struct heapsh_safepoint_plan *plan = p->plan;

	if (plan->n_words == HEAPSH_WORDS) {
		p->odd = true;
		return;
	}
	plan->words[plan->n_words++] = (struct heapsh_word){
		.addr = addr,
		.before = before,
		.now = now,
		.bytes = bytes,
		.flags = flags,
	};
}

/* One that has changed, and must be as it was before, to be changed. */
static void add_changed(struct planning *p, uint64_t addr, uint32_t bytes,
			bool undo)
{
	add_word(p, addr, bytes, value_at(p, addr, bytes, false),
		 value_at(p, addr, bytes, true),
		 HEAPSH_WORD_CHECK | HEAPSH_WORD_SET |
			 (undo ? HEAPSH_WORD_UNDO : 0));
}

static void add_must(struct planning *p, uint64_t addr, uint32_t bytes,
		     uint64_t value)
{
	if (value_at(p, addr, bytes, false) != value)
		p->odd = true;
	add_word(p, addr, bytes, value, 0, HEAPSH_WORD_CHECK);
}

/* The call that was added, and with it the queue. */
static bool find_slot(struct planning *p, uint64_t addr)
{
	struct queue *q = &p->q;

	for (uint64_t i = 0; i < q->n; i++) {
		uint64_t calls = addr - i * q->stride;
		uint64_t last = calls + q->n * q->stride + 4;

		if (value_at(p, last, 4, false) != i ||
		    value_at(p, last, 4, true) != (i + 1) % q->n ||
		    value_at(p, last - 4, 4, false) != i ||
		    value_at(p, last - 4, 4, true) != i)
			continue;
		q->calls = calls;
		q->slot = addr;
		q->index = i;
		return true;
	}
	return false;
}

static bool find_queue(struct planning *p)
{
	p->q.stride = p->m->minor >= 13 ? 24 : 16;
	p->q.n = p->m->minor >= 13 ? 300 : 32;
	for (uint32_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->region[i];

		for (uint64_t at = 0; at + 16 <= r->len; at += 8)
			if (memcmp(r->after + at, &p->function, 8) == 0 &&
			    memcmp(r->after + at + 8, &p->arg, 8) == 0 &&
			    find_slot(p, r->addr + at))
				return true;
	}
	return false;
}

/* Address of the interpreter's eval breaker, before 3.13; 0: none. */
static uint64_t common_breaker(const struct planning *p)
{
	const struct cpython_layout *l = p->m->lay;

	if (l->interp_eval_breaker >= 0)
		return p->m->interp + (uint64_t)l->interp_eval_breaker;
	return l->runtime_eval_breaker >= 0
		       ? p->m->runtime + (uint64_t)l->runtime_eval_breaker
		       : 0;
}

/* That of a thread, from 3.13. */
static uint64_t thread_breaker(const struct planning *p, uint32_t i)
{
	return cpython_threads_at(p->st->threads, i)->tstate +
	       (uint64_t)p->m->lay->ts_eval_breaker;
}

static bool is_breaker(const struct planning *p, uint64_t addr)
{
	if (p->m->lay->ts_eval_breaker < 0)
		return addr == common_breaker(p);
	for (uint32_t i = 0; i < cpython_threads_count(p->st->threads); i++)
		if (thread_breaker(p, i) == addr)
			return true;
	return false;
}

/*
 * Before 3.13 it says that something is to be done; the copy that Python's
 * function ran in need not have been the main thread's, so that it may not have
 * changed there. From 3.13 there is a bit for the main thread.
 */
static bool add_breaker(struct planning *p)
{
	uint32_t n = p->plan->n_words;
	uint64_t addr, before, after;

	if (p->m->lay->ts_eval_breaker < 0) {
		addr = common_breaker(p);
		add_word(p, addr, 4, 0, 1, HEAPSH_WORD_OR);
		return addr != 0;
	}
	for (uint32_t i = 0; i < cpython_threads_count(p->st->threads); i++) {
		addr = thread_breaker(p, i);
		before = value_at(p, addr, 8, false);
		after = value_at(p, addr, 8, true);
		if (before != after && (before & ~after) == 0)
			add_word(p, addr, 8, 0, before ^ after,
				 HEAPSH_WORD_OR);
	}
	return p->plan->n_words == n + 1;
}

static bool is_planned(const struct planning *p, uint64_t addr)
{
	for (uint32_t i = 0; i < p->plan->n_words; i++) {
		const struct heapsh_word *w = &p->plan->words[i];

		if (w->flags & (HEAPSH_WORD_SET | HEAPSH_WORD_OR) &&
		    addr - w->addr < w->bytes)
			return true;
	}
	return is_breaker(p, addr);
}

/* Did it change nothing else? */
static bool is_all(const struct planning *p)
{
	for (uint32_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->region[i];

		for (uint64_t at = 0; at + 4 <= r->len; at += 4)
			if (memcmp(r->before + at, r->after + at, 4) != 0 &&
			    !is_planned(p, r->addr + at))
				return false;
	}
	return true;
}

/* --- the lock ------------------------------------------------------------ */

/* Address and bytes of what is in the lock when it is free. */
static uint64_t lock_word(const struct planning *p, uint32_t *bytes,
			  uint64_t *is_free, uint64_t *is_taken)
{
	uint64_t at = p->q.calls - 16;

	if (p->m->minor >= 13) {
		*bytes = 1;
		*is_free = 0;
		*is_taken = 1;
		return at;
	}
	*bytes = 8;
	*is_free = SEM_FREE;
	*is_taken = 0;
	return value_at(p, at, 8, false);
}

/* A new copy, in which it is taken: nobody can add a call then. */
static bool is_lock(struct planning *p, uint64_t lock, uint32_t bytes,
		    uint64_t is_free, uint64_t is_taken)
{
	uint64_t room, v = 0;
	int32_t result = 0;
	uint32_t end;

	p->eval->reset(p->m->im);
	p->eval->scratch(p->m->im, &room);
	if (lock == 0 || p->eval->read(p->m->im, lock, &v, bytes) != bytes ||
	    v != is_free ||
	    p->eval->write(p->m->im, lock, &is_taken, bytes) != bytes)
		return false;
	end = call_add(p, &result);
	p->eval->reset(p->m->im);
	// 3.8 tries a hundred times and gives up
	return end == HEAPSH_EVAL_STUCK || end == HEAPSH_EVAL_LATE ||
	       (end == HEAPSH_EVAL_RETURNED && result == -1);
}

static bool add_lock(struct planning *p)
{
	uint64_t is_free, is_taken, lock;
	uint32_t bytes;

	lock = lock_word(p, &bytes, &is_free, &is_taken);
	if (p->m->minor < 13)
		add_word(p, p->q.calls - 16, 8, lock, 0, HEAPSH_WORD_CHECK);
	add_word(p, lock, bytes, is_free, 0, HEAPSH_WORD_CHECK);
	return is_lock(p, lock, bytes, is_free, is_taken);
}

/* --- the plan ------------------------------------------------------------ */

static const char *make_plan(struct planning *p)
{
	const struct queue *q = &p->q;
	uint64_t last = q->calls + q->n * q->stride + 4;
	bool newer = p->m->minor >= 13;

	if (!add_lock(p))
		return "the lock of its pending calls is not where it should "
		       "be, or not free";
	// 3.9 to 3.11 have nothing there
	if (newer || p->m->minor == 12 || p->m->minor == 8)
		add_must(p, q->calls - 24, newer ? 8 : 4, 0);
	add_must(p, last - 4, 4, q->index);
	add_changed(p, q->slot, 8, true);
	add_changed(p, q->slot + 8, 8, true);
	if (newer) {
		add_changed(p, q->slot + 16, 4, true);
		add_changed(p, q->calls - 12, 4, true);
	}
	add_changed(p, last, 4, true);
	// where it is taken back, this brings the eval breaker in order again
	if (!newer)
		add_changed(p, q->calls - 8, 4, false);
	if (!add_breaker(p) || p->odd || !is_all(p))
		return "Py_AddPendingCall() does something else than in the "
		       "versions that are known";
	return NULL;
}

static const char *plan(struct planning *p)
{
	uint64_t room = 0;
	int32_t result = -1;

	if (!add_regions(p))
		return "its state is not where it should be";
	p->eval->reset(p->m->im);
	if (p->eval->scratch(p->m->im, &room) == 0)
		return "no copy of it can be made";
	look(p, false);
	if (call_add(p, &result) != HEAPSH_EVAL_RETURNED || result != 0)
		return "Py_AddPendingCall() fails in a copy of it";
	look(p, true);
	if (!find_queue(p))
		return "its pending calls are not where they should be, or "
		       "some are waiting";
	return make_plan(p);
}

const char *cpython_safepoint(const struct cpython *st, uint64_t function,
			      uint64_t arg, struct heapsh_safepoint_plan *ret)
{
	const struct cpython_mem *m = &st->mem;
	struct planning p = {
		.st = st,
		.m = m,
		.eval = st->eval,
		.function = function,
		.arg = arg,
		.plan = ret,
	};
	const char *why;

	if (st->eval == NULL)
		return "this host runs no code of a program";
	why = st->eval->why_not(m->im);
	if (why != NULL)
		return why;
	p.add = m->host->symbol(m->im, NULL, "Py_AddPendingCall", NULL);
	ret->leave = m->host->symbol(m->im, NULL, "PyEval_SaveThread", NULL);
	ret->back = m->host->symbol(m->im, NULL, "PyEval_RestoreThread", NULL);
	if (p.add == 0 || ret->leave == 0 || ret->back == 0)
		return "a function of the interpreter is not found";
	why = plan(&p);
	for (uint32_t i = 0; i < p.n_regions; i++) {
		free(p.region[i].before);
		free(p.region[i].after);
	}
	return why;
}
