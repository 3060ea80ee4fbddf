/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a copy of the process needs before Python code can run in it: the
 * identity of a thread that the interpreter knows, and a GIL that nobody else
 * owns, waits for, or wants (struct heapsh_prepare). The copy has one thread,
 * so the locks of the GIL are made new; a request to drop it would make the
 * first bytecode wait for a thread that does not exist.
 */
#include "evaluate.h"

#include "threads.h"

static void add_write(struct heapsh_eval_setup *ret, uint64_t addr,
		      const void *bytes, uint32_t len)
{
	struct heapsh_write *w;

	if (addr == 0 || len > sizeof(w->bytes) ||
	    ret->n_writes >= sizeof(ret->writes) / sizeof(ret->writes[0]))
		return;
	w = &ret->writes[ret->n_writes++];
	w->addr = addr;
	w->len = len;
	if (bytes != NULL)
		memcpy(w->bytes, bytes, len);
	else
		memset(w->bytes, 0, len);
}

/* An int of the interpreter's state or of the runtime's, to 0. */
static void clear_flag(const struct cpython_mem *m,
		       struct heapsh_eval_setup *ret, int32_t in_runtime,
		       int32_t in_interp)
{
	uint64_t addr = in_interp >= 0    ? m->interp + (uint64_t)in_interp
			: in_runtime >= 0 ? m->runtime + (uint64_t)in_runtime
					  : 0;

	add_write(ret, addr, NULL, sizeof(int32_t));
}

/* From 3.13 each thread has a word; its low byte is requests. */
static void clear_thread(const struct cpython_mem *m,
			 struct heapsh_eval_setup *ret, uint64_t tstate)
{
	uint64_t at = tstate + (uint64_t)m->lay->ts_eval_breaker;
	uint64_t word = cpython_word(m, at) & ~UINT64_C(0xff);

	add_write(ret, at, &word, sizeof(word));
}

static void repair_gil(const struct cpython_mem *m,
		       struct heapsh_eval_setup *ret, uint64_t gil)
{
	const struct cpython_layout *l = m->lay;
	// two condition variables and two mutexes, side by side
	uint32_t len = (uint32_t)(l->gil_switch_mutex + 40 - l->gil_cond);

	add_write(ret, gil + (uint64_t)l->gil_cond, NULL, len);
	if (l->ts_eval_breaker >= 0)
		return;
	clear_flag(m, ret, l->runtime_gil_drop, l->interp_gil_drop);
	clear_flag(m, ret, l->runtime_eval_breaker, l->interp_eval_breaker);
}

/* The higher, the surer that it is in no allocator. */
static int rank(const struct heapsh_thread_state *t, uint32_t index)
{
	switch (heapsh_doing_of(t)) {
	case HEAPSH_MAPPING:
		return 0;
	case HEAPSH_RUNNING:
		return 1;
	case HEAPSH_LOCKING:
		return 2;
	case HEAPSH_BLOCKED:
	default:
		return index == 0 ? 4 : 3;
	}
}

/* The thread with this pthread_self(), which is where fs points. */
static bool find_thread(const struct cpython_mem *m, uint64_t ident,
			struct heapsh_thread_state *ret, uint32_t *index)
{
	for (uint32_t i = 0; ident != 0; i++) {
		*ret = (struct heapsh_thread_state){ .size = sizeof(*ret) };
		if (!m->host->thread(m->im, i, ret))
			return false;
		*index = i;
		if (ret->tls == ident)
			return true;
	}
	return false;
}

/*
 * Whose identity: the owner's of the GIL; else of a thread of the interpreter
 * that rests in a system call; else what the host takes for the best, which is
 * the one that has just given up the GIL if the image was settled.
 */
static uint32_t choose(const struct cpython *st, const struct cpython_gil *gil)
{
	const struct cpython_mem *m = &st->mem;
	struct heapsh_thread_state t;
	uint32_t index, found = UINT32_MAX;
	int best = 2;

	if (gil->locked &&
	    find_thread(m, cpython_field(m, gil->holder, m->lay->ts_thread_id),
			&t, &index))
		return index;
	for (uint32_t i = 0; i < cpython_threads_count(st->threads); i++) {
		const struct cpython_thread *p =
			cpython_threads_at(st->threads, i);

		if (p->interp != m->interp ||
		    !find_thread(m, p->ident, &t, &index) ||
		    rank(&t, index) <= best)
			continue;
		best = rank(&t, index);
		found = index;
	}
	return found;
}

void cpython_prepare(const struct cpython *st, struct heapsh_eval_setup *ret)
{
	const struct cpython_mem *m = &st->mem;
	struct cpython_gil gil;

	cpython_gil_read(m, m->interp, &gil);
	if (gil.address == 0)
		return;
	repair_gil(m, ret, gil.address);
	for (uint32_t i = 0; m->lay->ts_eval_breaker >= 0 &&
			     i < cpython_threads_count(st->threads);
	     i++)
		clear_thread(m, ret,
			     cpython_threads_at(st->threads, i)->tstate);
	ret->thread = choose(st, &gil);
	ret->enter = m->host->symbol(m->im, NULL, "PyGILState_Ensure", NULL);
}
