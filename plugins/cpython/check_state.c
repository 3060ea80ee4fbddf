/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's own state: pointers that lead back, lists that close,
 * values that every Python has.
 */
#include "check_priv.h"

#include <float.h>

#include "frames.h"
#include "lookup.h"
#include "plain.h"
#include "roots.h"
#include "threads.h"
#include "walk.h"

enum {
	MAX_THREADS = 1 << 16,
	CO_OPTIMIZED = 1,	/* Include/code.h, 3.8-3.13 */
	MAX_OWNER = 4,		/* enum _frameowner, pycore_frame.h */
};

/*
 * Identities as threads have them: pthread_self() is a structure that begins
 * with its own address (glibc's tcbhead_t and musl's struct pthread, x86-64).
 */
static bool is_named(const struct cpython_mem *m, uint64_t ts)
{
	const struct cpython_layout *l = m->lay;
	uint64_t self = cpython_field(m, ts, l->ts_thread_id);
	uint64_t tid = l->ts_native_id < 0 ? 1 :
			cpython_field(m, ts, l->ts_native_id);

	// PID_MAX_LIMIT is 2^22, Linux, include/linux/threads.h
	return self != 0 && cpython_word(m, self) == self && tid != 0 &&
	       tid <= UINT64_C(1) << 22;
}

/* A core may lack the memory of that structure. */
static bool name_is_lost(const struct cpython_mem *m, uint64_t ts)
{
	uint64_t self = cpython_field(m, ts, m->lay->ts_thread_id), v;

	return cpython_plausible(self) &&
	       !cpython_copy(m, self, &v, sizeof(v));
}

/* Where the interpreter's loop keeps its state: on the stack, or here. */
static bool has_cframe(const struct cpython_mem *m, uint64_t ts)
{
	return m->lay->ts_cframe < 0 ||
	       cpython_plausible(cpython_field(m, ts, m->lay->ts_cframe));
}

static void check_threads(const struct cpython_mem *m,
			  struct cpython_verdict *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t ts = cpython_field(m, m->interp, l->interp_threads);
	int n = 0, named = 0, lost = 0;

	for (; ts != 0 && n < MAX_THREADS; n++) {
		if (cpython_field(m, ts, l->ts_interp) != m->interp) {
			cpython_wrong(ret, "a thread's state does not name "
					   "its interpreter");
			return;
		}
		if (!has_cframe(m, ts))
			cpython_wrong(ret, "a thread's cframe is no address");
		named += is_named(m, ts);
		lost += name_is_lost(m, ts);
		ts = cpython_field(m, ts, l->ts_next);
	}
	// of a thread that has ended, the state may stay
	if (n != lost && named == 0)
		cpython_wrong(ret, "no thread's state says which thread it "
				   "is of");
	if (n == 0)
		cpython_wrong(ret, "the interpreter has no threads");
	if (l->interp_runtime >= 0 &&
	    cpython_field(m, m->interp, l->interp_runtime) != m->runtime)
		cpython_wrong(ret, "the interpreter does not name the "
				   "runtime");
}

static bool is_thread(const struct cpython_mem *m, uint64_t addr)
{
	return cpython_field(m, addr, m->lay->ts_interp) == m->interp;
}

static void check_gil(const struct cpython_mem *m, struct cpython_verdict *ret)
{
	const struct cpython_layout *l = m->lay;
	struct cpython_gil gil;
	int32_t locked;

	cpython_gil_read(m, m->interp, &gil);
	locked = cpython_i32(m, gil.address, l->gil_locked, -2);
	if (gil.address == 0 || locked < -1 || locked > 1 ||
	    !is_thread(m, gil.holder))
		cpython_wrong(ret, "the state of the GIL is not where it "
				   "should be");
	// its members follow each other: Include/internal/pycore_gil.h
	if (l->gil_locked != l->gil_last_holder + 8 ||
	    l->gil_cond != l->gil_locked + 16 ||
	    l->gil_switch_mutex != l->gil_cond + 136)
		cpython_wrong(ret, "the members of the GIL have other places");
	if (l->interp_gil_drop != l->interp_eval_breaker + 4 &&
	    l->interp_gil_drop >= 0)
		cpython_wrong(ret, "eval_breaker has another place");
	if (l->runtime_gil_drop != l->runtime_eval_breaker + 4 &&
	    l->runtime_gil_drop >= 0)
		cpython_wrong(ret, "eval_breaker has another place");
}

/* The main interpreter is in the list, and its number is 0. */
static void check_interpreters(const struct cpython_mem *m,
			       struct cpython_verdict *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t at = cpython_field(m, m->runtime, l->runtime_interp_head);
	bool found = false;
	uint64_t ts;

	for (int i = 0; at != 0 && i < 1024; i++) {
		found |= at == m->interp;
		ts = cpython_field(m, at, l->interp_threads);
		if (ts != 0 && cpython_field(m, ts, l->ts_interp) != at)
			cpython_wrong(ret, "the list of interpreters leads "
					   "to something else");
		at = cpython_field(m, at, l->interp_next);
	}
	if (!found || at != 0 ||
	    cpython_field(m, m->runtime, l->runtime_interp_main) !=
		    m->interp ||
	    cpython_i64(m, m->interp, l->interp_id, -1) != 0)
		cpython_wrong(ret, "the list of interpreters does not hold "
				   "the main one");
}

/*
 * Every generation is a ring of headers. But for the youngest: where the
 * process is read as it runs, that one is another from read to read.
 */
static void check_collector(const struct cpython_mem *m,
			    struct cpython_verdict *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t gc = l->interp_gc >= 0 ? m->interp + (uint64_t)l->interp_gc :
					  m->runtime + (uint64_t)l->runtime_gc;
	uint64_t head;
	int32_t collecting = cpython_i32(m, gc, l->gc_collecting, -1);

	for (int i = 1; i < 4; i++) {
		head = i == 3 ? gc + (uint64_t)l->gc_generation_head +
					(uint64_t)l->gc_permanent :
				cpython_generation(m, gc, i);
		if (!cpython_is_ring(m, head) && collecting != 1)
			cpython_wrong(ret, "a generation of the collector is "
					   "no ring");
	}
	if (collecting != 0 && collecting != 1)
		cpython_wrong(ret, "gc.collecting is neither 0 nor 1");
}

static uint64_t sys(const struct cpython_mem *m, const char *name)
{
	return cpython_dict_gets(m, cpython_field(m, m->interp,
						  m->lay->interp_sysdict),
				 name);
}

/* Values that are the same in every CPython on this machine. */
static void check_values(const struct cpython_mem *m,
			 struct cpython_verdict *ret)
{
	struct cpython_seq info;
	int64_t maxsize = 0, digit = 0;
	uint64_t max = 0;
	double value = 0;

	if (!cpython_int_value(m, sys(m, "maxsize"), &maxsize) ||
	    maxsize != INT64_MAX)
		cpython_wrong(ret, "sys.maxsize is not 2**63-1");
	if (!cpython_str_equal(m, sys(m, "byteorder"), "little", 6))
		cpython_wrong(ret, "sys.byteorder is not 'little'");
	if (!cpython_seq_open(m, sys(m, "float_info"), CPYTHON_FORM_TUPLE,
			      &info) ||
	    !cpython_seq_next(m, &info, &max) ||
	    !cpython_float_value(m, max, &value) || value != DBL_MAX)
		cpython_wrong(ret, "sys.float_info.max is not DBL_MAX");
	if (!cpython_seq_open(m, sys(m, "int_info"), CPYTHON_FORM_TUPLE,
			      &info) ||
	    !cpython_seq_next(m, &info, &max) ||
	    !cpython_seq_next(m, &info, &max) ||
	    !cpython_int_value(m, max, &digit) ||
	    digit != m->lay->sizeof_digit)
		cpython_wrong(ret, "sys.int_info.sizeof_digit is another");
	if (sys(m, "modules") !=
	    cpython_field(m, m->interp, m->lay->interp_modules))
		cpython_wrong(ret, "the interpreter's modules are not "
				   "sys.modules");
	if (cpython_dict_gets(m, cpython_field(m, m->interp,
					       m->lay->interp_builtins),
			      "len") == 0)
		cpython_wrong(ret, "builtins.len is not found");
}

/* Named references of a structure: each is nothing, or an object. */
static void check_roots(const struct cpython *st,
			const struct cpython_root_slot *s, int n,
			uint64_t base, struct cpython_verdict *ret)
{
	int bad = 0, ok = 0;
	const char *name = NULL;

	for (; n > 0; n--, s++) {
		for (int i = 0; i < s->count && i < 32; i++) {
			uint64_t v = cpython_word(&st->mem,
						  base + (uint64_t)s->offset +
						  (uint64_t)i *
						  (uint64_t)s->stride);

			if (v == 0)
				continue;
			if (cpython_living(st, &st->mem, v))
				ok++;
			else if (bad++ == 0)
				name = s->name;
		}
	}
	if (bad > 1 && bad * 8 > ok)
		cpython_wrong(ret, "%s and %d more references of the "
				   "interpreter lead to no object",
			      name, bad - 1);
}

/*
 * Numbers and pointers of a frame: what it has of a stack is behind its
 * variables, the instruction within the code. The code of a module or class
 * has a dict of variables, that of a function has none of its own.
 */
static bool frame_fits(const struct cpython_mem *m,
		       const struct cpython_frame *f)
{
	const struct cpython_layout *l = m->lay;
	int32_t flags = cpython_i32(m, f->code, l->code_flags, 0);
	int32_t top = cpython_i32(m, f->address, l->iframe_stacktop, -1);
	int64_t stack = cpython_i32(m, f->code, l->code_stacksize, 0);
	int64_t size = cpython_i64(m, f->code, l->ob_size, 0);

	if ((flags & CO_OPTIMIZED) == 0 && f->locals == 0)
		return false;
	if (l->frame_valuestack >= 0)
		return cpython_field(m, f->address, l->frame_valuestack) ==
		       f->slots + (uint64_t)f->n_slots * 8;
	return top >= -1 &&
	       top <= f->n_slots + stack && f->offset / 2 < size &&
	       cpython_u8(m, f->address, l->iframe_owner, 255) <= MAX_OWNER;
}

static bool frame_ok(const struct cpython *st, const struct cpython_frame *f)
{
	const struct cpython_mem *m = &st->mem;
	struct cpython_slot_value slot;

	if (!frame_fits(m, f) ||
	    (f->locals != 0 &&
	     cpython_form_of(m, f->locals) == CPYTHON_FORM_CODE))
		return false;

	if (cpython_form_of(m, f->code) != CPYTHON_FORM_CODE ||
	    cpython_form_of(m, f->globals) != CPYTHON_FORM_DICT ||
	    cpython_form_of(m, f->builtins) != CPYTHON_FORM_DICT ||
	    (f->locals != 0 && !cpython_living(st, m, f->locals)))
		return false;
	if (m->minor >= 11 && !f->incomplete &&
	    (cpython_form_of(m, f->function) != CPYTHON_FORM_FUNCTION ||
	     cpython_field(m, f->function, m->lay->func_globals) !=
		     f->globals))
		return false;
	if (cpython_dict_gets(m, f->globals, "__name__") == 0 ||
	    cpython_dict_gets(m, f->builtins, "len") == 0)
		return false;
	if (f->object != 0 &&
	    cpython_form_of(m, f->object) != CPYTHON_FORM_FRAME)
		return false;
	for (int i = 0; i < f->n_slots && cpython_frame_slot(m, f, i, &slot);
	     i++)
		if (slot.value != 0 && !cpython_living(st, m, slot.value))
			return false;
	return true;
}

/*
 * Does a word beside the one that should lead to the frame of a thread lead to
 * one? 3.11 and 3.12, struct _PyCFrame: three words, the frame is one of them.
 */
static bool frame_beside(const struct cpython *st, uint64_t ts)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;
	uint64_t cframe = cpython_field(m, ts, l->ts_cframe), at;
	struct cpython_frame f;

	for (int off = 0; cframe != 0 && off < 24; off += 8) {
		at = cpython_field(m, cframe, off);
		if (off != l->cframe_current_frame && at != 0 &&
		    cpython_frame_read(m, at, &f) && f.code != 0 &&
		    frame_ok(st, &f))
			return true;
	}
	return false;
}

/*
 * The frames of each thread run code, with variables that are objects. A host
 * that embeds the interpreter has none while it waits in code of its own.
 */
static void check_frames(const struct cpython *st, struct cpython_verdict *ret)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;
	uint64_t ts = cpython_field(m, m->interp, l->interp_threads), at;
	struct cpython_frame f;
	int ok = 0, bad = 0;
	bool any = false;

	for (int i = 0; ts != 0 && i < 16; i++) {
		at = cpython_frame_innermost(m, ts);
		any |= at != 0 || frame_beside(st, ts);
		for (int k = 0; at != 0 && k < 16; k++) {
			if (!cpython_frame_read(m, at, &f)) {
				bad++;
				break;
			}
			// without code: a step of the C stack, 3.12
			if (f.code != 0 && frame_ok(st, &f))
				ok++;
			else if (f.code != 0)
				bad++;
			at = f.previous;
		}
		ts = cpython_field(m, ts, l->ts_next);
	}
	if (bad * 4 > ok || (any && ok == 0))
		cpython_wrong(ret, "the frames of threads cannot be read");
}

/* From 3.12: a table of arenas that is doubled from 16 (new_arena()). */
static void check_arenas(const struct cpython_mem *m,
			 struct cpython_verdict *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t state = m->interp + (uint64_t)l->interp_obmalloc;
	uint32_t n;

	if (l->obmalloc_maxarenas < 0)
		return;
	if (m->minor >= 13)
		state = cpython_word(m, state);
	n = (uint32_t)cpython_i32(m, state, l->obmalloc_maxarenas, 0);
	if (state != 0 && ((n & (n - 1)) != 0 || (n != 0 && n < 16) ||
			   (n == 0) != (cpython_field(m, state,
						      l->obmalloc_arenas) ==
					0)))
		cpython_wrong(ret, "the number of arenas is not where it "
				   "should be");
}

void cpython_check_state(const struct cpython *st, struct cpython_verdict *ret)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;

	check_interpreters(m, ret);
	check_threads(m, ret);
	check_arenas(m, ret);
	check_gil(m, ret);
	check_collector(m, ret);
	check_values(m, ret);
	check_roots(st, l->interp_roots, l->n_interp_roots, m->interp, ret);
	check_roots(st, l->thread_roots, l->n_thread_roots,
		    cpython_field(m, m->interp, l->interp_threads), ret);
	check_frames(st, ret);
}
