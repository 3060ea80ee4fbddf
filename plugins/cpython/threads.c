/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "lookup.h"
#include "plain.h"
#include "walk.h"

enum {
	/* What is followed of lists that may be torn or hostile. */
	MAX_THREADS = 65536,
	MAX_FRAMES = 1 << 18,
	/* Names of a module or a class body. */
	MAX_BODY_NAMES = 1 << 20,
};

struct cpython_threads {
	const struct cpython_mem *m;
	struct cpython_thread *v;
	uint32_t n, cap;

	/* frames of the thread that was asked for last */
	uint32_t walked;	/* index + 1; 0: none */
	uint64_t *frames;	/* addresses, innermost first */
	uint32_t n_frames, cap_frames;
	struct cpython_frame frame;

	/* the dict of a body's names that was asked for last */
	struct {
		uint64_t dict;
		uint32_t next;		/* index of the name that comes next */
		struct cpython_dict_iter it;
	} body;

	char name[256], file[1024];
};

void cpython_gil_read(const struct cpython_mem *m, uint64_t interp,
		      struct cpython_gil *ret)
{
	const struct cpython_layout *l = m->lay;

	*ret = (struct cpython_gil){ 0 };
	// from 3.12 an interpreter may have one of its own
	if (l->interp_gil >= 0)
		ret->address = cpython_field(m, interp, l->interp_gil);
	else if (l->runtime_gil >= 0)
		ret->address = m->runtime + (unsigned)l->runtime_gil;
	ret->locked = cpython_i32(m, ret->address, l->gil_locked, 0) == 1;
	ret->holder = cpython_field(m, ret->address, l->gil_last_holder);
}

/* The kernel's thread: the one whose pthread_self() it is; where the image has
 * no threads, what the interpreter noted (from 3.11). */
static int32_t kernel_thread(const struct cpython_mem *m, uint64_t tstate,
			     uint64_t ident)
{
	struct heapsh_thread_state t = { .size = sizeof(t) };
	int64_t native;

	for (uint32_t i = 0; m->host->thread(m->im, i, &t); i++)
		if (t.tls == ident)
			return t.tid;
	native = cpython_i64(m, tstate, m->lay->ts_native_id, 0);
	return native < 0 || native > INT32_MAX ? 0 : (int32_t)native;
}

static bool add_thread(struct cpython_threads *ts, uint64_t tstate,
		       uint64_t interp, const struct cpython_gil *gil)
{
	struct cpython_thread *v = ts->v;
	uint64_t ident = cpython_field(ts->m, tstate,
				       ts->m->lay->ts_thread_id);

	if (ts->n == ts->cap) {
		ts->cap = ts->cap ? ts->cap * 2 : 16;
		v = realloc(v, ts->cap * sizeof(*v));
		if (v == NULL)
			return false;
		ts->v = v;
	}
	v[ts->n++] = (struct cpython_thread){
		.tstate = tstate,
		.interp = interp,
		.ident = ident,
		.tid = kernel_thread(ts->m, tstate, ident),
		.holds_gil = gil->locked && gil->holder == tstate,
	};
	return true;
}

/* New ones are put at the head of both lists. */
static void reverse(struct cpython_threads *ts)
{
	for (uint32_t i = 0, j = ts->n; i + 1 < j; i++) {
		struct cpython_thread t = ts->v[--j];

		ts->v[j] = ts->v[i];
		ts->v[i] = t;
	}
}

static bool add_interpreter(struct cpython_threads *ts, uint64_t interp)
{
	const struct cpython_mem *m = ts->m;
	uint64_t tstate = cpython_field(m, interp, m->lay->interp_threads);
	struct cpython_chain chain = { 0 };
	struct cpython_gil gil;

	cpython_gil_read(m, interp, &gil);
	while (tstate != 0 && ts->n < MAX_THREADS &&
	       !cpython_chain_repeats(&chain, tstate)) {
		if (!add_thread(ts, tstate, interp, &gil))
			return false;
		tstate = cpython_field(m, tstate, m->lay->ts_next);
	}
	return true;
}

struct cpython_threads *cpython_threads_create(const struct cpython_mem *m)
{
	struct cpython_threads *ts = calloc(1, sizeof(*ts));
	uint64_t interp = cpython_field(m, m->runtime,
					m->lay->runtime_interp_head);
	struct cpython_chain chain = { 0 };

	if (ts == NULL)
		return NULL;
	ts->m = m;
	while (interp != 0 && !cpython_chain_repeats(&chain, interp)) {
		if (!add_interpreter(ts, interp)) {
			cpython_threads_destroy(ts);
			return NULL;
		}
		interp = cpython_field(m, interp, m->lay->interp_next);
	}
	reverse(ts);
	return ts;
}

void cpython_threads_destroy(struct cpython_threads *ts)
{
	if (ts == NULL)
		return;
	free(ts->v);
	free(ts->frames);
	free(ts);
}

uint32_t cpython_threads_count(const struct cpython_threads *ts)
{
	return ts->n;
}

const struct cpython_thread *
cpython_threads_at(const struct cpython_threads *ts, uint32_t index)
{
	return &ts->v[index];
}

/* ------------------------------------------------------------------------
 * Frames
 */

static bool add_frame(struct cpython_threads *ts, uint64_t address)
{
	uint64_t *v = ts->frames;

	if (ts->n_frames == ts->cap_frames) {
		ts->cap_frames = ts->cap_frames ? ts->cap_frames * 2 : 64;
		v = realloc(v, ts->cap_frames * sizeof(*v));
		if (v == NULL)
			return false;
		ts->frames = v;
	}
	v[ts->n_frames++] = address;
	return true;
}

static void walk(struct cpython_threads *ts, uint32_t thread)
{
	uint64_t address = cpython_frame_innermost(ts->m, ts->v[thread].tstate);
	struct cpython_chain chain = { 0 };
	struct cpython_frame f;

	ts->walked = thread + 1;
	ts->n_frames = 0;
	for (int i = 0; i < MAX_FRAMES && !cpython_cancelled(ts->m, i); i++) {
		if (cpython_chain_repeats(&chain, address) ||
		    !cpython_frame_read(ts->m, address, &f) ||
		    (!f.incomplete && !add_frame(ts, address)))
			return;
		address = f.previous;
	}
}

const struct cpython_frame *cpython_threads_frame(struct cpython_threads *ts,
						  uint32_t thread,
						  uint32_t index)
{
	if (thread >= ts->n)
		return NULL;
	if (ts->walked != thread + 1)
		walk(ts, thread);
	if (index >= ts->n_frames)
		return NULL;
	if (ts->frame.address != ts->frames[index])
		cpython_frame_read(ts->m, ts->frames[index], &ts->frame);
	return &ts->frame;
}

static struct heapsh_text copy_str(struct cpython_threads *ts, uint64_t obj,
				   char *buf, int cap)
{
	int n = cpython_str_copy(ts->m, obj, buf, cap);

	return (struct heapsh_text){ buf, n < 0 ? 0 : (uint64_t)n };
}

/* threading._active[ident]._name */
static uint64_t thread_name(const struct cpython_mem *m, uint64_t ident)
{
	struct heapsh_key key = {
		.kind = HEAPSH_KEY_INT,
		.i = (int64_t)ident,
	};
	uint64_t module = cpython_module(m, cpython_text("threading"));
	uint64_t active = cpython_dict_gets(m, cpython_module_dict(m, module),
					    "_active");

	return cpython_instance_attr(m, cpython_item(m, active, &key),
				     cpython_text("_name"));
}

int cpython_threads_thread(struct cpython_threads *ts, uint32_t index,
			   struct heapsh_thread *ret)
{
	const struct cpython_thread *t;

	if (index >= ts->n)
		return 0;
	t = &ts->v[index];
	*ret = (struct heapsh_thread){
		.size = sizeof(*ret),
		.tid = t->tid,
		.ident = t->ident,
		.holds_lock = t->holds_gil,
		.name = copy_str(ts, thread_name(ts->m, t->ident), ts->name,
				 sizeof(ts->name)),
	};
	return 1;
}

/* Up to 3.10 code objects have no qualified name. */
static uint64_t code_name(const struct cpython_mem *m, uint64_t code)
{
	return cpython_field(m, code, m->lay->code_qualname >= 0
					      ? m->lay->code_qualname
					      : m->lay->code_name);
}

int cpython_threads_frame_info(struct cpython_threads *ts, uint32_t thread,
			       uint32_t index, struct heapsh_frame *ret)
{
	const struct cpython_frame *f = cpython_threads_frame(ts, thread,
							      index);

	if (f == NULL)
		return 0;
	*ret = (struct heapsh_frame){
		.size = sizeof(*ret),
		.line = (uint32_t)cpython_frame_line(ts->m, f),
		.address = f->address,
		.object = f->object,
		.code = f->code,
		.function = copy_str(ts, code_name(ts->m, f->code), ts->name,
				     sizeof(ts->name)),
		.file = copy_str(ts, cpython_field(ts->m, f->code,
					ts->m->lay->code_filename),
				 ts->file, sizeof(ts->file)),
	};
	return 1;
}

/* ------------------------------------------------------------------------
 * Variables
 */

/*
 * The index-th name of a class body or a module, whose variables lie in a dict.
 * They are asked for one after the other.
 */
static bool body_variable(struct cpython_threads *ts,
			  const struct cpython_frame *f, uint32_t index,
			  struct heapsh_variable *ret)
{
	uint64_t key, value;

	if (f->locals == 0 || index >= MAX_BODY_NAMES ||
	    !(cpython_flags_of(ts->m, f->locals) & CPYTHON_TP_DICT))
		return false;
	if (ts->body.dict != f->locals || index < ts->body.next) {
		ts->body.dict = 0;
		ts->body.next = 0;
		if (!cpython_dict_open(ts->m, f->locals, &ts->body.it))
			return false;
		ts->body.dict = f->locals;
	}
	do {
		if (!cpython_dict_next(ts->m, &ts->body.it, &key, &value)) {
			ts->body.dict = 0;
			return false;
		}
	} while (ts->body.next++ < index);
	ret->target = value;
	ret->name = copy_str(ts, key, ts->name, sizeof(ts->name));
	return true;
}

static void slot_variable(struct cpython_threads *ts,
			  const struct cpython_slot_value *slot,
			  struct heapsh_variable *ret)
{
	ret->target = slot->value;
	if (slot->is_cell)
		ret->target = cpython_field(ts->m, slot->value,
					    ts->m->lay->cell_ref);
	ret->name = copy_str(ts, slot->name, ts->name, sizeof(ts->name));
}

int cpython_threads_variable(struct cpython_threads *ts, uint32_t thread,
			     uint32_t frame, uint32_t index,
			     struct heapsh_variable *ret)
{
	const struct cpython_frame *f = cpython_threads_frame(ts, thread,
							      frame);
	struct cpython_slot_value slot;
	uint32_t slots;

	*ret = (struct heapsh_variable){
		.size = sizeof(*ret),
		.kind = HEAPSH_LABEL_LOCAL,
		.name = { "", 0 },
	};
	if (f == NULL)
		return 0;
	slots = (uint32_t)(f->n_slots + f->n_stack);
	if (index >= slots)
		return body_variable(ts, f, index - slots, ret);
	if (!cpython_frame_slot(ts->m, f, (int)index, &slot))
		return 0;
	slot_variable(ts, &slot, ret);
	if (index >= (uint32_t)f->n_slots)
		ret->kind = HEAPSH_LABEL_STACK;
	return 1;
}
