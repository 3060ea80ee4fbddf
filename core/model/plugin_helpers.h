/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What most plugins would otherwise write themselves, part of
 * <heapsh/plugin.h>: nothing here is part of the ABI, it is compiled into the
 * plugin.
 */
#ifndef HEAPSH_PLUGIN_HELPERS_H
#define HEAPSH_PLUGIN_HELPERS_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "plugin.h"

#if defined(__GNUC__)
#define HEAPSH_PRINTF(format, first) \
	__attribute__((__format__(__printf__, format, first)))
#else
#define HEAPSH_PRINTF(format, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** All len bytes at addr? 1, or 0 and *buf is of no meaning. */
static inline int heapsh_read(const struct heapsh_host *host,
			      struct heapsh_image *im, uint64_t addr, void *buf,
			      uint64_t len)
{
	return addr && host->read(im, addr, buf, len) == len;
}

/** All of a symbol's first len bytes? As heapsh_read(). */
static inline int heapsh_read_symbol(const struct heapsh_host *host,
				     struct heapsh_image *im, const char *name,
				     void *buf, uint64_t len)
{
	return heapsh_read(host, im, host->symbol(im, NULL, name, NULL), buf,
			   len);
}

/** A NUL-terminated text; borrowed. */
static inline struct heapsh_text heapsh_text_of(const char *s)
{
	struct heapsh_text t;

	t.s = s;
	t.n = strlen(s);
	return t;
}

/** What a thread was doing, as far as its system call tells. */
enum heapsh_doing {
	HEAPSH_RUNNING,		/* in no system call */
	HEAPSH_MAPPING,		/* changes mappings: maybe within malloc() */
	HEAPSH_LOCKING,		/* at a futex: maybe of a lock, maybe idle */
	HEAPSH_BLOCKED,		/* in a call that no allocator makes */
};

static inline enum heapsh_doing
heapsh_doing_of(const struct heapsh_thread_state *t)
{
	switch (t->syscall) {
	case -1:
		return HEAPSH_RUNNING;
	case SYS_brk:
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_madvise:
		return HEAPSH_MAPPING;
	case SYS_futex:
		return HEAPSH_LOCKING;
	default:
		return HEAPSH_BLOCKED;
	}
}

/**
 * Register a type that is no object of the program. item_size: 0 for types
 * whose objects have one size. Returns its number.
 */
static inline uint32_t heapsh_add_type(const struct heapsh_host *host,
				       struct heapsh_image *im,
				       const char *name, uint32_t flags,
				       uint64_t basic_size, uint64_t item_size)
{
	struct heapsh_type t;

	memset(&t, 0, sizeof(t));
	t.size = sizeof(t);
	t.flags = flags;
	t.name = heapsh_text_of(name);
	t.basic_size = basic_size;
	t.item_size = item_size;
	return host->type(im, &t);
}

/** Answer of probe(): every text is cut to fit. */
static inline void heapsh_answer_claim(struct heapsh_claim *ret,
				       uint32_t answer, const char *runtime,
				       const char *version, const char *reason)
{
	ret->answer = answer;
	ret->confidence = 100;
	strncpy(ret->runtime, runtime, sizeof(ret->runtime) - 1);
	strncpy(ret->version, version, sizeof(ret->version) - 1);
	strncpy(ret->reason, reason, sizeof(ret->reason) - 1);
}

/** Emit an object without flags; refcount 0: not counted. */
static inline void heapsh_add_object(struct heapsh_sink *sink, uint64_t address,
				     uint32_t type, uint64_t flat,
				     uint64_t held, uint64_t refcount)
{
	struct heapsh_object o;

	o.address = address;
	o.type = type;
	o.flags = 0;
	o.flat = flat;
	o.held = held;
	o.refcount = refcount;
	sink->object(sink, &o);
}

/** Emit a reference; target 0 is none. */
static inline void heapsh_add_edge(struct heapsh_sink *sink, uint64_t target,
				   uint32_t flags, uint32_t label, uint64_t a,
				   uint64_t b, const char *text)
{
	struct heapsh_edge e;

	if (!target)
		return;
	e.flags = flags;
	e.label = label;
	e.target = target;
	e.a = a;
	e.b = b;
	e.text = text;
	sink->edge(sink, &e);
}

/** [i] of the object that was emitted last. */
static inline void heapsh_add_item(struct heapsh_sink *sink, uint64_t i,
				   uint64_t target)
{
	heapsh_add_edge(sink, target, 0, HEAPSH_LABEL_INDEX, i, 0, NULL);
}

/** The i-th pair of a mapping: its key, then [key]. Either may be 0. */
static inline void heapsh_add_pair(struct heapsh_sink *sink, uint64_t i,
				   uint64_t key, uint64_t value)
{
	heapsh_add_edge(sink, key, value ? HEAPSH_EDGE_KEY : 0,
			HEAPSH_LABEL_KEY, 0, i, NULL);
	heapsh_add_edge(sink, value, 0,
			key ? HEAPSH_LABEL_VALUE : HEAPSH_LABEL_NONE, key, 0,
			NULL);
}

/** ->name. flags: of heapsh_edge_flags. */
static inline void heapsh_add_field(struct heapsh_sink *sink, const char *name,
				    uint64_t target, uint32_t flags)
{
	heapsh_add_edge(sink, target, flags, HEAPSH_LABEL_FIELD, 0, 0, name);
}

/** Emit a root by what roots() was given; its name as printf() makes it. */
static inline void heapsh_add_root(heapsh_root_fn *emit, void *arg,
				   uint64_t target, uint32_t flags,
				   const char *format, ...)
	HEAPSH_PRINTF(5, 6);
static inline void heapsh_add_root(heapsh_root_fn *emit, void *arg,
				   uint64_t target, uint32_t flags,
				   const char *format, ...)
{
	struct heapsh_root r;
	char name[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(name, sizeof(name), format, ap);
	va_end(ap);
	memset(&r, 0, sizeof(r));
	r.size = sizeof(r);
	r.flags = flags;
	r.target = target;
	r.name = heapsh_text_of(name);
	emit(arg, &r);
}

/** ranges(): the n-th one, where ret has room for it. */
static inline void heapsh_put_range(struct heapsh_range *ret, uint32_t cap,
				    uint32_t n, uint64_t start, uint64_t end)
{
	if (n >= cap)
		return;
	ret[n].start = start;
	ret[n].end = end;
}

/** render(): n bytes at s, as many as fit. Returns what render() returns. */
static inline uint64_t heapsh_put_text(char *buf, uint64_t cap, const void *s,
				       uint64_t n)
{
	memcpy(buf, s, n < cap ? n : cap);
	return n;
}

#ifdef __cplusplus
}
#endif
#endif
