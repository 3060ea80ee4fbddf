/* SPDX-License-Identifier: Apache-2.0 */
/**
 * CPython's objects, read one at a time: for look-up, rendering, threads and
 * roots. The sweep, which meets a hundred million of them, has ways of its
 * own.
 *
 * Nothing that is read is trusted: a pointer that leads nowhere reads as 0, a
 * size beyond what its object can have as "torn", and every loop over a chain
 * has a bound.
 */
#ifndef CPYTHON_READ_H
#define CPYTHON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <heapsh/plugin.h>

struct cpython_layout;
struct cpython_keys_seen;
struct cpython_pool_seen;
struct cpython_forms;
struct cpython_sought;

/** Where bytes come from, and what they mean. Borrows all that it points to. */
struct cpython_mem {
	const struct heapsh_host *host;
	struct heapsh_image *im;
	void *reader;			/* of a sink; NULL: the main thread */
	struct cpython_keys_seen *keys;	/* of one sweep, or NULL */
	struct cpython_pool_seen *pool;	/* of one call of at(), or NULL */
	struct cpython_forms *forms;	/* of all threads, or NULL */
	struct cpython_sought *sought;	/* of one thread, or NULL */
	const struct cpython_layout *lay;
	int minor;			/* 8 … 13, of CPython 3.minor */
	uint64_t runtime;		/* _PyRuntime */
	uint64_t interp;		/* the main PyInterpreterState */
};

/* tp_flags, CPython 3.8-3.13, Include/object.h */
enum {
	CPYTHON_TP_STATIC_BUILTIN = 1 << 1,	/* from 3.12 */
	CPYTHON_TP_INLINE_VALUES = 1 << 2,	/* from 3.13 */
	CPYTHON_TP_MANAGED_DICT = 1 << 4,	/* from 3.11 */
	CPYTHON_TP_HEAPTYPE = 1 << 9,
	CPYTHON_TP_HAVE_GC = 1 << 14,
	CPYTHON_TP_LONG = 1 << 24,
	CPYTHON_TP_LIST = 1 << 25,
	CPYTHON_TP_TUPLE = 1 << 26,
	CPYTHON_TP_BYTES = 1 << 27,
	CPYTHON_TP_UNICODE = 1 << 28,
	CPYTHON_TP_DICT = 1 << 29,
	CPYTHON_TP_BASE_EXC = 1 << 30,
};
#define CPYTHON_TP_TYPE (UINT64_C(1) << 31)

/** Most steps that are followed from a type along tp_base. */
enum { CPYTHON_MAX_BASES = 128 };
/**
 * Low bits of PyGC_Head's links that are marks (_PyGC_PREV_SHIFT, CPython
 * 3.8-3.13, Include/internal/pycore_gc.h). Bit 2 is not: a head may be at a
 * multiple of four.
 */
enum { CPYTHON_LINK_MARKS = 3 };

/**
 * The word at addr; 0 when it cannot be read. For pointers, where both mean
 * "none".
 */
uint64_t cpython_word(const struct cpython_mem *m, uint64_t addr);
/** A pointer member of a structure: 0 also for base 0 or an absent member. */
uint64_t cpython_field(const struct cpython_mem *m, uint64_t base, int off);
/** Numbers; otherwise is the answer when there is nothing to read. */
int64_t cpython_i64(const struct cpython_mem *m, uint64_t base, int off,
		    int64_t otherwise);
int32_t cpython_i32(const struct cpython_mem *m, uint64_t base, int off,
		    int32_t otherwise);
int cpython_u8(const struct cpython_mem *m, uint64_t base, int off,
	       int otherwise);
/** len bytes at addr into buf: all of them or false. */
bool cpython_copy(const struct cpython_mem *m, uint64_t addr, void *buf,
		  uint64_t len);
/**
 * A C string, at most cap - 1 bytes of it, always NUL-terminated. Returns its
 * length, or -1 when not even its first byte can be read.
 */
int cpython_cstr(const struct cpython_mem *m, uint64_t addr, char *buf,
		 int cap);

/**
 * A chain that is followed link by link. Some link of a ring, or of a chain
 * that runs into one, comes again (R. Brent, An improved Monte Carlo
 * factorization algorithm, 1980): noticed within three times its length.
 */
struct cpython_chain {
	uint64_t n, kept;	/* {0} at the start */
};
static inline bool cpython_chain_repeats(struct cpython_chain *c,
					 uint64_t link)
{
	if (c->n++ != 0 && link == c->kept)
		return true;
	if ((c->n & (c->n - 1)) == 0)
		c->kept = link;
	return false;
}

/** In a loop's i-th round: has the user interrupted? Asked now and then. */
static inline bool cpython_cancelled(const struct cpython_mem *m, int64_t i)
{
	return (i & 0x1fff) == 0x1fff && m->host->cancelled(m->im);
}

/** Address of the type of an object; 0 when unreadable. */
uint64_t cpython_type_of(const struct cpython_mem *m, uint64_t obj);
/** tp_flags of a type; 0 when unreadable. */
uint64_t cpython_type_flags(const struct cpython_mem *m, uint64_t type);
/** tp_flags of the type of obj. */
uint64_t cpython_flags_of(const struct cpython_mem *m, uint64_t obj);
/**
 * tp_dict of a type. From 3.12 that of a static built-in type lies in the
 * interpreter (Objects/typeobject.c, lookup_tp_dict).
 */
uint64_t cpython_type_dict(const struct cpython_mem *m, uint64_t type);
/** tp_subclasses: a dict of weak references; 0: none derives from it. */
uint64_t cpython_type_subclasses(const struct cpython_mem *m, uint64_t type);
/** Is it an object whose type is a type? A cheap test, not a proof. */
bool cpython_is_object(const struct cpython_mem *m, uint64_t obj);

/** What can be told of an object of a type, or of one derived from it. */
enum cpython_form {
	CPYTHON_FORM_OTHER,
	CPYTHON_FORM_OBJECT,
	CPYTHON_FORM_NONE,
	CPYTHON_FORM_ELLIPSIS,
	CPYTHON_FORM_NOTIMPLEMENTED,
	CPYTHON_FORM_BOOL,
	CPYTHON_FORM_INT,
	CPYTHON_FORM_FLOAT,
	CPYTHON_FORM_COMPLEX,
	CPYTHON_FORM_STR,
	CPYTHON_FORM_BYTES,
	CPYTHON_FORM_BYTEARRAY,
	CPYTHON_FORM_TUPLE,
	CPYTHON_FORM_LIST,
	CPYTHON_FORM_DICT,
	CPYTHON_FORM_DICT_KEYS,
	CPYTHON_FORM_DICT_VALUES,
	CPYTHON_FORM_DICT_ITEMS,
	CPYTHON_FORM_SET,
	CPYTHON_FORM_FROZENSET,
	CPYTHON_FORM_TYPE,
	CPYTHON_FORM_FUNCTION,
	CPYTHON_FORM_BUILTIN,
	CPYTHON_FORM_METHOD,
	CPYTHON_FORM_METHOD_DESCR,
	CPYTHON_FORM_CLASSMETHOD_DESCR,
	CPYTHON_FORM_WRAPPER_DESCR,
	CPYTHON_FORM_MEMBER_DESCR,
	CPYTHON_FORM_GETSET_DESCR,
	CPYTHON_FORM_MODULE,
	CPYTHON_FORM_CODE,
	CPYTHON_FORM_FRAME,
	CPYTHON_FORM_GENERATOR,
	CPYTHON_FORM_COROUTINE,
	CPYTHON_FORM_ASYNC_GENERATOR,
	CPYTHON_FORM_RANGE,
	CPYTHON_FORM_SLICE,
	CPYTHON_FORM_CELL,
	CPYTHON_FORM_DEQUE,
	CPYTHON_FORM_DEFAULTDICT,
	CPYTHON_FORM_ORDEREDDICT,
	CPYTHON_FORM_NAMESPACE,
	CPYTHON_FORM_MAPPINGPROXY,
	CPYTHON_FORM_EXCEPTION,
	CPYTHON_FORM_WEAKREF,
};

/**
 * Forms of types that were asked for lately: names are compared for each else.
 * A word is the type's address and its form; any thread may write it.
 */
enum { CPYTHON_N_FORMS = 1024 };
struct cpython_forms {
	_Atomic uint64_t v[CPYTHON_N_FORMS];
	/* As what objects of a type are shown, where that is by its own code or
	   as an object: render.c. */
	_Atomic uint64_t shown[CPYTHON_N_FORMS];
};

/**
 * The form of a type: of itself or of its nearest known base, whose address
 * goes to *base when that is not NULL (0 for OTHER). Reads names: some
 * microseconds.
 */
enum cpython_form cpython_form(const struct cpython_mem *m, uint64_t type,
			       uint64_t *base);
/** The form of an object. */
enum cpython_form cpython_form_of(const struct cpython_mem *m, uint64_t obj);

#endif
