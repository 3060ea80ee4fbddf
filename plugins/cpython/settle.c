/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to bring a copy of the process to a point where interpreter and
 * allocators are consistent: the thread that holds the GIL is asked to give it
 * up, as another thread would ask it, and runs until it does. The copy has that
 * one thread only, so nobody owns or waits for the locks of the GIL: they are
 * made new.
 */
#include "find.h"

#include <stdio.h>

#include "threads.h"

bool cpython_collecting(const struct cpython_mem *m)
{
	uint64_t gc = m->lay->interp_gc >= 0 ?
			      m->interp + (uint64_t)m->lay->interp_gc :
			      m->runtime + (uint64_t)m->lay->runtime_gc;

	return cpython_i32(m, gc, m->lay->gc_collecting, 0) == 1;
}

/* Where eval_breaker and gil_drop_request are; tstate has them from 3.13. */
static uint64_t breaker(const struct cpython_mem *m, int32_t in_runtime,
			int32_t in_interp)
{
	return in_interp >= 0 ? m->interp + (uint64_t)in_interp :
	       in_runtime >= 0 ? m->runtime + (uint64_t)in_runtime : 0;
}

static void add_write(struct heapsh_settle *ret, uint64_t addr,
		      const void *bytes, uint32_t len, uint32_t after)
{
	struct heapsh_write *w;

	if (addr == 0 || len > sizeof(w->bytes) ||
	    ret->n_writes >= sizeof(ret->writes) / sizeof(ret->writes[0]))
		return;
	w = &ret->writes[ret->n_writes++];
	w->addr = addr;
	w->len = len;
	w->after = after;
	if (bytes != NULL)
		memcpy(w->bytes, bytes, len);
	else
		memset(w->bytes, 0, len);
}

/* Set an int to 1 before, and back to what it was after. */
static void add_flag(const struct cpython_mem *m, struct heapsh_settle *ret,
		     uint64_t addr, int32_t rest)
{
	const int32_t one = 1;

	(void)m;
	add_write(ret, addr, &one, sizeof(one), 0);
	add_write(ret, addr, &rest, sizeof(rest), 1);
}

/* 3.13: bit 0 of the thread's own word, _PY_GIL_DROP_REQUEST_BIT. */
static void add_thread_flag(const struct cpython_mem *m,
			    struct heapsh_settle *ret, uint64_t tstate)
{
	uint64_t at = tstate + (uint64_t)m->lay->ts_eval_breaker;
	uint64_t was = cpython_word(m, at), set = was | 1;

	// the low byte is events; the rest is the version of instrumentation
	was &= ~UINT64_C(0xff);
	add_write(ret, at, &set, sizeof(set), 0);
	add_write(ret, at, &was, sizeof(was), 1);
}

static void ask_for_gil(const struct cpython_mem *m, struct heapsh_settle *ret,
			uint64_t gil, uint64_t tstate)
{
	const struct cpython_layout *l = m->lay;
	// two condition variables and two mutexes, side by side
	uint32_t len = (uint32_t)(l->gil_switch_mutex + 40 - l->gil_cond);

	for (uint32_t after = 0; after < 2; after++)
		add_write(ret, gil + (uint64_t)l->gil_cond, NULL, len, after);
	if (l->ts_eval_breaker >= 0) {
		add_thread_flag(m, ret, tstate);
		return;
	}
	add_flag(m, ret, breaker(m, l->runtime_gil_drop, l->interp_gil_drop),
		 0);
	add_flag(m, ret, breaker(m, l->runtime_eval_breaker,
				 l->interp_eval_breaker), 0);
}

static bool find_thread(const struct cpython_mem *m, uint64_t ident,
			struct heapsh_thread_state *ret, uint32_t *index)
{
	for (uint32_t i = 0;; i++) {
		*ret = (struct heapsh_thread_state){ .size = sizeof(*ret) };
		if (!m->host->thread(m->im, i, ret))
			return false;
		*index = i;
		if (ret->tls == ident)
			return true;
	}
}

void cpython_settle(const struct cpython_found *f, struct heapsh_settle *ret)
{
	const struct cpython_mem *m = &f->mem;
	const struct cpython_layout *l = m->lay;
	struct heapsh_thread_state thread;
	struct cpython_gil gil;
	uint64_t ident;

	ret->n_writes = 0;
	ret->flags = HEAPSH_SETTLE_CONSISTENT;
	cpython_gil_read(m, m->interp, &gil);
	if (gil.address == 0 || !gil.locked) {
		snprintf(ret->why, sizeof(ret->why), "the GIL is free");
		return;
	}
	// pthread_self(), which is where fs points on x86-64
	ident = cpython_field(m, gil.holder, l->ts_thread_id);
	if (ident == 0 || !find_thread(m, ident, &thread, &ret->thread)) {
		ret->flags = HEAPSH_SETTLE_IMPOSSIBLE;
		snprintf(ret->why, sizeof(ret->why),
			 "the thread that holds the GIL is not among the "
			 "threads");
		return;
	}
	if (heapsh_doing_of(&thread) == HEAPSH_BLOCKED) {
		snprintf(ret->why, sizeof(ret->why),
			 "the holder of the GIL rests in a system call");
		return;
	}
	ret->flags = 0;
	ret->limit_ms = 60;
	snprintf(ret->why, sizeof(ret->why),
		 "the holder of the GIL is asked to release it");
	ask_for_gil(m, ret, gil.address, gil.holder);
}
