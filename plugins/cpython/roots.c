/* SPDX-License-Identifier: Apache-2.0 */
#include "roots.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "plain.h"
#include "walk.h"

enum {
	/* Types that are visited; a large program has some ten thousand. */
	MAX_TYPES = 1 << 22,
	/* Words of one table in the interpreter's state; the largest is 243. */
	MAX_SLOT_COUNT = 65536,
	MAX_ATEXIT = 1 << 16,
};

__attribute__((format(printf, 4, 5)))
static void emit(const struct cpython_root_sink *sink, uint64_t target,
		 uint32_t flags, const char *fmt, ...)
{
	struct heapsh_root root = { .size = sizeof(root) };
	char name[512];
	va_list ap;
	int n;

	if (target == 0 || (target & 7) != 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	root.flags = flags;
	root.target = target;
	root.name.s = name;
	root.name.n = (size_t)n < sizeof(name) ? (size_t)n : sizeof(name) - 1;
	sink->emit(sink->arg, &root);
}

/* ------------------------------------------------------------------------
 * The interpreter's own state
 */

/*
 * Heapy's word for a member: what the versions have moved into structures
 * keeps its name of before ("imports.modules" is "modules").
 */
static const char *word_of(const char *member, char *buf, size_t cap)
{
	static const struct {
		const char *prefix, *instead;
	} prefixes[] = {
		{ "imports.", "" }, { "codecs.", "codec_" }, { "base.", "" },
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (strncmp(member, prefixes[i].prefix, n) != 0)
			continue;
		snprintf(buf, cap, "%s%s", prefixes[i].instead, member + n);
		return buf;
	}
	return member;
}

static void emit_slots(const struct cpython_mem *m,
		       const struct cpython_root_sink *sink, uint64_t base,
		       const struct cpython_root_slot *slots, int n,
		       const char *prefix)
{
	char buf[128];

	for (int i = 0; i < n; i++) {
		const struct cpython_root_slot *s = &slots[i];
		const char *word = word_of(s->name, buf, sizeof(buf));
		// up to 3.10 the state of a thread names its frame object
		uint32_t flags = strcmp(word, "frame") == 0 ?
					 HEAPSH_ROOT_CONTEXT : 0;
		uint64_t at = base + (unsigned)s->offset;

		for (int j = 0; j < s->count && j < MAX_SLOT_COUNT; j++) {
			uint64_t target = cpython_word(m, at);

			at += (unsigned)s->stride;
			if (s->count == 1)
				emit(sink, target, flags, "%s%s", prefix,
				     word);
			else
				emit(sink, target, 0, "%s%s[%d]", prefix, word,
				     j);
		}
	}
}

/*
 * Names of attributes that were looked up last: strong references. 3.8 and 3.9,
 * Objects/typeobject.c, a static array that a stripped file does not name; 3.10
 * has it in the interpreter's state, later ones do not count them.
 */
static void emit_method_cache(const struct cpython_mem *m,
			      const struct cpython_root_sink *sink)
{
	// struct method_cache_entry: version, name, value
	enum { ENTRY = 24, NAME = 8, MAX_BYTES = ENTRY << 12 };
	uint64_t size = 0, at;

	at = m->minor < 10 ? m->host->symbol(m->im, NULL, "method_cache",
					     &size) : 0;
	if (at == 0 || size > MAX_BYTES)
		return;
	for (uint64_t i = 0; i < size / ENTRY; i++)
		emit(sink, cpython_word(m, at + i * ENTRY + NAME), 0,
		     "method_cache[%llu].name", (unsigned long long)i);
}

/* What atexit.register() was given: 3.10-3.13, pycore_atexit.h, three words
 * each. Before, it is the state of a module. */
static void emit_atexit(const struct cpython_mem *m,
			const struct cpython_root_sink *sink, uint64_t interp)
{
	static const char *const names[] = { "func", "args", "kwargs" };
	uint64_t list = cpython_field(m, interp, m->lay->interp_atexit), at;
	int n = cpython_i32(m, interp, m->lay->interp_atexit_n, 0);

	for (int i = 0; list != 0 && i < n && i < MAX_ATEXIT; i++) {
		at = cpython_word(m, list + (unsigned)i * 8);
		for (int k = 0; at != 0 && k < 3; k++)
			emit(sink, cpython_word(m, at + (unsigned)k * 8), 0,
			     "atexit[%d].%s", i, names[k]);
	}
}

/* Objects of CPython's file that it names by one reference of its own; from
 * 3.12 nobody counts them. */
static void emit_singletons(const struct cpython_mem *m,
			    const struct cpython_root_sink *sink)
{
	static const char *const symbols[][2] = {
		{ "_Py_NoneStruct", "None" },
		{ "_Py_TrueStruct", "True" },
		{ "_Py_FalseStruct", "False" },
		{ "_Py_EllipsisObject", "Ellipsis" },
		{ "_Py_NotImplementedStruct", "NotImplemented" },
	};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		emit(sink, m->host->symbol(m->im, NULL, symbols[i][0], NULL),
		     0, "%s", symbols[i][1]);
}

static void emit_interpreter(const struct cpython_mem *m,
			     const struct cpython_root_sink *sink,
			     uint64_t interp)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "i%lld_",
		 (long long)cpython_i64(m, interp, m->lay->interp_id, 0));
	emit_slots(m, sink, interp, m->lay->interp_roots,
		   m->lay->n_interp_roots, prefix);
	emit_atexit(m, sink, interp);
}

/* ------------------------------------------------------------------------
 * Threads
 */

/* False: there is none. */
static bool emit_slot(const struct cpython_mem *m,
		      const struct cpython_root_sink *sink, const char *frame,
		      const struct cpython_frame *f, int i)
{
	struct cpython_slot_value slot;
	char name[256];

	if (!cpython_frame_slot(m, f, i, &slot))
		return false;
	if (slot.value == 0)
		return true;
	if (i >= f->n_slots) {
		emit(sink, slot.value, HEAPSH_ROOT_LOCAL, "%s.stack[%d]",
		     frame, i - f->n_slots);
		return true;
	}
	if (cpython_str_copy(m, slot.name, name, sizeof(name)) < 0)
		snprintf(name, sizeof(name), "?");
	emit(sink, slot.value, HEAPSH_ROOT_LOCAL, "%s.%s['%s']", frame,
	     slot.is_cell ? "cells" : "locals", name);
	return true;
}

static void emit_frame(const struct cpython_mem *m,
		       const struct cpython_root_sink *sink, uint32_t thread,
		       uint32_t index, const struct cpython_frame *f)
{
	char name[64];

	snprintf(name, sizeof(name), "threads[%u].frames[%u]", thread, index);
	for (int i = 0; emit_slot(m, sink, name, f, i); i++)
		;
	if (f->locals != f->globals)
		emit(sink, f->locals, HEAPSH_ROOT_LOCAL, "%s.f_locals", name);
	emit(sink, f->object, HEAPSH_ROOT_CONTEXT, "%s", name);
	// up to 3.10 the frame object, just emitted, holds the rest
	if (m->minor < 11)
		return;
	emit(sink, f->code, HEAPSH_ROOT_CONTEXT, "%s.f_code", name);
	emit(sink, f->function, HEAPSH_ROOT_CONTEXT, "%s.f_func", name);
}

static void emit_thread(const struct cpython_mem *m,
			const struct cpython_root_sink *sink,
			struct cpython_threads *ts, uint32_t index)
{
	const struct cpython_thread *t = cpython_threads_at(ts, index);
	int32_t deleted = m->lay->ts_on_delete_data;
	int64_t id = cpython_i64(m, t->interp, m->lay->interp_id, 0);
	const struct cpython_frame *f;
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "i%lld_t%llu_", (long long)id,
		 (unsigned long long)t->ident);
	emit_slots(m, sink, t->tstate, m->lay->thread_roots,
		   m->lay->n_thread_roots, prefix);
	// a weak reference to the lock that tells of the thread's end, 3.8-3.12
	if (cpython_form_of(m, cpython_field(m, t->tstate, deleted)) ==
	    CPYTHON_FORM_WEAKREF)
		emit(sink, cpython_field(m, t->tstate, deleted), 0,
		     "%son_delete_data", prefix);
	for (uint32_t i = 0; (f = cpython_threads_frame(ts, index, i)) &&
			     !m->host->cancelled(m->im); i++)
		emit_frame(m, sink, index, i, f);
}

/* ------------------------------------------------------------------------
 * Static types: object, and what derives from it
 */

/* Types that were met, in a table by address; and those to look at yet. */
struct types {
	uint64_t *table, *queue;
	uint64_t size, n, done;		/* size: a power of two */
};

static uint64_t slot_of(const struct types *t, uint64_t type)
{
	uint64_t i = (type >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	while (t->table[i & (t->size - 1)] != 0 &&
	       t->table[i & (t->size - 1)] != type)
		i++;
	return i & (t->size - 1);
}

static bool grow(struct types *t)
{
	struct types bigger = { .size = t->size ? t->size * 2 : 1024 };

	bigger.table = calloc(bigger.size, sizeof(uint64_t));
	bigger.queue = realloc(t->queue, bigger.size * sizeof(uint64_t));
	if (bigger.queue != NULL)
		t->queue = bigger.queue;
	if (bigger.table == NULL || bigger.queue == NULL) {
		free(bigger.table);
		return false;
	}
	for (uint64_t i = 0; i < t->n; i++)
		bigger.table[slot_of(&bigger, t->queue[i])] = t->queue[i];
	free(t->table);
	t->table = bigger.table;
	t->size = bigger.size;
	return true;
}

static void meet(const struct cpython_mem *m, struct types *t, uint64_t type)
{
	uint64_t slot;

	if (t->n >= MAX_TYPES || (t->n * 2 >= t->size && !grow(t)) ||
	    !(cpython_flags_of(m, type) & CPYTHON_TP_TYPE))
		return;
	slot = slot_of(t, type);
	if (t->table[slot] != 0)
		return;
	t->table[slot] = type;
	t->queue[t->n++] = type;
}

/* tp_subclasses: a dict of weak references to what derives from a type. */
static void meet_subclasses(const struct cpython_mem *m, struct types *t,
			    uint64_t type)
{
	uint64_t dict = cpython_type_subclasses(m, type), key, ref;
	struct cpython_dict_iter it;

	if (!(cpython_flags_of(m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, dict, &it))
		return;
	while (cpython_dict_next(m, &it, &key, &ref))
		meet(m, t, cpython_field(m, ref, m->lay->wr_object));
}

static void emit_static_type(const struct cpython_mem *m,
			     const struct cpython_root_sink *sink,
			     uint64_t type)
{
	char name[128];

	if (cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE)
		return;
	cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
		     sizeof(name));
	emit(sink, type, 0, "types['%s']", name);
}

static void emit_static_types(const struct cpython_mem *m,
			      const struct cpython_root_sink *sink)
{
	struct types t = { 0 };

	meet(m, &t, m->host->symbol(m->im, NULL, "PyBaseObject_Type", NULL));
	while (t.done < t.n && !m->host->cancelled(m->im)) {
		emit_static_type(m, sink, t.queue[t.done]);
		meet_subclasses(m, &t, t.queue[t.done++]);
	}
	free(t.table);
	free(t.queue);
}

void cpython_roots(const struct cpython_mem *m, struct cpython_threads *ts,
		   uint64_t interned, const struct cpython_root_sink *sink)
{
	uint64_t interp = cpython_field(m, m->runtime,
					m->lay->runtime_interp_head);
	struct cpython_chain chain = { 0 };

	emit_slots(m, sink, m->runtime, m->lay->runtime_roots,
		   m->lay->n_runtime_roots, "runtime_");
	emit_singletons(m, sink);
	while (interp != 0 && !cpython_chain_repeats(&chain, interp)) {
		emit_interpreter(m, sink, interp);
		interp = cpython_field(m, interp, m->lay->interp_next);
	}
	for (uint32_t i = 0; i < cpython_threads_count(ts); i++)
		emit_thread(m, sink, ts, i);
	// from 3.12 a member of the interpreter's state
	if (m->minor < 12)
		emit(sink, interned, 0, "interned");
	emit_method_cache(m, sink);
	emit_static_types(m, sink);
}
