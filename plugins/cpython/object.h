/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the sweep and everything that looks at one object share: the state of
 * an open plugin, a type as it was understood, and an object in a buffer.
 */
#ifndef CPYTHON_OBJECT_H
#define CPYTHON_OBJECT_H

#include <string.h>

#include "layout.h"
#include "read.h"

/** How an object's size and references are found: by its nearest known base. */
enum cpython_kind {
	CPYTHON_KIND_OTHER,	/* by basicsize, itemsize and slots alone */
	CPYTHON_KIND_LONG,
	CPYTHON_KIND_STR,
	CPYTHON_KIND_BYTES,
	CPYTHON_KIND_BYTEARRAY,
	CPYTHON_KIND_TUPLE,
	CPYTHON_KIND_LIST,
	CPYTHON_KIND_DICT,
	CPYTHON_KIND_ODICT,
	CPYTHON_KIND_SET,
	CPYTHON_KIND_DEQUE,
	CPYTHON_KIND_TYPE,
	CPYTHON_KIND_MODULE,
	CPYTHON_KIND_CODE,
	CPYTHON_KIND_FRAME,
	CPYTHON_KIND_GENERATOR,
	CPYTHON_KIND_WEAKREF,
	CPYTHON_KIND_HAMT_ITEMS,
	CPYTHON_KIND_TEE,
	CPYTHON_KIND_COMBINATIONS,
	CPYTHON_KIND_CWR,
	CPYTHON_KIND_PERMUTATIONS,
	CPYTHON_KIND_PRODUCT,
	CPYTHON_KIND_BYTESIO,
	CPYTHON_KIND_STRINGIO,
	CPYTHON_KIND_BUFFERED,
	CPYTHON_KIND_ARRAY,
	CPYTHON_KIND_STRUCT,
	CPYTHON_KIND_DECIMAL,
	CPYTHON_KIND_ELEMENT,
	CPYTHON_KIND_QUEUE,
	CPYTHON_KIND_LRU_CACHE,
	CPYTHON_KIND_TIME,
	CPYTHON_KIND_DATETIME,
	CPYTHON_KIND_CAPSULE,
};

/** No object in a pool has as many items: SMALL_REQUEST_THRESHOLD is 512. */
enum { CPYTHON_POOL_LARGEST = 1024 };

/** Types whose objects are sized without a call: quick.h. */
enum cpython_quick {
	CPYTHON_QUICK_NONE,
	CPYTHON_QUICK_FIXED,	/* one block of tp_basicsize */
	CPYTHON_QUICK_BLOCK,	/* so, and others that size.c knows */
	CPYTHON_QUICK_LONG,
	CPYTHON_QUICK_ITEMS,	/* one block of tp_basicsize and items */
	CPYTHON_QUICK_STR,	/* most of them */
};

/**
 * What a type of the library has that neither its kind nor its members tell;
 * library.c, numpy.c.
 */
enum cpython_more {
	CPYTHON_MORE_NONE,
	CPYTHON_MORE_LOOSE,	/* its blocks are larger than it says */
	/* numbers of numpy: __sizeof__ counts so many bytes twice */
	CPYTHON_MORE_NP_1,
	CPYTHON_MORE_NP_2,
	CPYTHON_MORE_NP_4,
	CPYTHON_MORE_NP_8,
	CPYTHON_MORE_NP_16,
	CPYTHON_MORE_NP_32,
	CPYTHON_MORE_NP_BYTES,
	/* up to here without references of their own */
	CPYTHON_MORE_NP_VOID,
	CPYTHON_MORE_NP_ARRAY,
	CPYTHON_MORE_NP_DTYPE,
	/* up to here allocated in ways that we do not know */
	CPYTHON_MORE_PDATA,
	CPYTHON_MORE_PICKLER,
	CPYTHON_MORE_UNPICKLER,
	CPYTHON_MORE_STGDICT,
	CPYTHON_MORE_CTYPE,
	CPYTHON_MORE_CDATA,
	CPYTHON_MORE_SQLITE,
	CPYTHON_MORE_SQLITE_CACHE,
	CPYTHON_MORE_TEMPLATE,
	CPYTHON_MORE_EXPAT,
	CPYTHON_MORE_ZONEINFO,
	CPYTHON_MORE_PARSER,
};

/** A member of an object that is a strong reference, ready to emit. */
struct cpython_ref {
	int32_t offset;
	int16_t count;
	uint8_t label;		/* heapsh_label: NAME or FIELD */
	uint8_t flags;		/* heapsh_edge_flags */
	bool owned;		/* text is freed with the type */
	const char *text;
};

/** Words of an object of which nothing is known: [from, to). */
struct cpython_scan {
	int32_t from, to;
};

/** A type, understood once and never changed. */
struct cpython_type {
	uint64_t address;
	uint64_t tp_flags;
	uint64_t cached_keys;	/* of a class's instances, or 0 */
	int64_t basic, item;	/* tp_basicsize, tp_itemsize */
	int64_t dict_offset;	/* 0: none, or managed */
	uint32_t number;	/* of heapsh_host.type() */
	uint32_t flags;		/* heapsh_type_flags */
	int32_t pre;		/* bytes in front of the object */
	int32_t hidden;		/* items of a struct sequence past ob_size */
	uint8_t kind;		/* cpython_kind */
	uint8_t more;		/* cpython_more */
	uint8_t quick;		/* cpython_quick */
	bool plain;		/* quick, no header, no reference, no doubt */
	bool python;		/* made by a class statement */
	bool loose;		/* allocated in ways that we do not know */
	bool managed_dict, inline_values;
	bool about;		/* its __sizeof__ in C is not known */
	bool whole_size;	/* sizeof_fn answers as sys.getsizeof() */
	uint64_t traverse, sizeof_fn;	/* of the program: evaluate.h; or 0 */
	_Atomic uint32_t failed;	/* times that these crashed or looped */
	uint32_t n_refs, n_scans;
	struct cpython_ref *refs;
	struct cpython_scan *scans;
	struct cpython_type *next;	/* all of them, to free */
};

struct cpython_answer;	/* evaluate.h */
struct cpython_functions;
struct cpython_types;
struct cpython_values;	/* keys.h */

struct cpython_sites;
struct cpython_pympler;
/** Interpreters whose interned strings are known for what they are. */
enum { CPYTHON_N_INTERNED = 8 };
/** State of an open plugin; read-only but for the types. */
struct cpython {
	struct cpython_mem mem;		/* reader NULL: the main thread's */
	uint64_t type_type;		/* &PyType_Type */
	uint64_t python_dealloc;	/* subtype_dealloc, or 0 */
	uint32_t pool_size;
	struct cpython_types *types;	/* has a lock of its own */
	struct cpython_threads *threads;	/* main thread only */
	const struct heapsh_eval *eval;		/* of the host, or NULL */
	struct cpython_functions *functions;
	struct heapsh_range *ranges;	/* of pools, sorted; freed by close */
	uint32_t n_ranges;
	struct heapsh_range image;	/* CPython's own data, of its file */
	uint64_t interned[CPYTHON_N_INTERNED];	/* interned.c; the rest is 0 */
	struct cpython_sites *sites;	/* main thread only; NULL: not looked */
	struct cpython_sought *sought;	/* so, too: by attr() */
	struct cpython_pympler *pympler;	/* so, too: of the last walk */
};

/** An object, its first bytes at hand. */
struct cpython_obj {
	const struct cpython *st;
	const struct cpython_mem *m;	/* with the reader of this thread */
	const struct cpython_type *type;
	uint64_t addr;
	const uint8_t *p;	/* bytes from addr on… */
	uint64_t n;		/* … this many, and type->pre before them */
	uint64_t block;		/* bytes of its pool block from its own first
				   byte (pre-header included), 0: not in one */
	uint64_t chunk, chunk_len;	/* what is swept with it; 0, 0: alone */
	const uint8_t *chunk_bytes;
	uint64_t *told;		/* what its tp_traverse has told, sorted; what
				   is emitted gets bit 0. NULL: not asked */
	uint64_t n_told;
	const bool *enough;	/* who gets its references wants no more: the
				   rest of an array may be left. Or NULL */
};

/** A word of the object: from the bytes at hand, or read; 0: unreadable. */
static inline uint64_t cpython_obj_word(const struct cpython_obj *o,
					int64_t offset)
{
	uint64_t v;

	if (offset >= 0 && (uint64_t)offset + sizeof(v) <= o->n) {
		memcpy(&v, o->p + offset, sizeof(v));
		return v;
	}
	if (offset < 0 && -offset <= o->type->pre) {
		memcpy(&v, o->p + offset, sizeof(v));
		return v;
	}
	return cpython_word(o->m, o->addr + (uint64_t)offset);
}

/** A member by its field of the layout; 0 also when there is no such. */
static inline uint64_t cpython_obj_field(const struct cpython_obj *o,
					 int32_t field)
{
	return field < 0 ? 0 : cpython_obj_word(o, field);
}

static inline int32_t cpython_obj_i32(const struct cpython_obj *o,
				      int32_t field)
{
	int32_t v;

	if (field < 0)
		return 0;
	if ((uint64_t)field + sizeof(v) <= o->n) {
		memcpy(&v, o->p + field, sizeof(v));
		return v;
	}
	return cpython_i32(o->m, o->addr, field, 0);
}

static inline int cpython_obj_u8(const struct cpython_obj *o, int64_t offset)
{
	if (offset >= 0 && (uint64_t)offset < o->n)
		return o->p[offset];
	return cpython_u8(o->m, o->addr, (int)offset, 0);
}

/** ob_size, without the sign that int had up to 3.11. */
static inline uint64_t cpython_obj_size(const struct cpython_obj *o)
{
	int64_t n = (int64_t)cpython_obj_word(o, o->m->lay->ob_size);

	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

static inline uint64_t cpython_align8(uint64_t v)
{
	return (v + 7) & ~UINT64_C(7);
}

/** Can it be the address of an object at all? User space, aligned. */
static inline bool cpython_plausible(uint64_t addr)
{
	return (addr & 7) == 0 && addr - 4096 < (UINT64_C(1) << 47);
}

/**
 * The reference count that a living object can have: up to 3.11 any small
 * number, from 3.12 up to UINT_MAX, which is that of immortals (3.12,
 * Include/object.h, _Py_IMMORTAL_REFCNT).
 */
static inline bool cpython_refcount_ok(uint64_t refcount)
{
	return refcount - 1 < UINT64_C(0xffffffff);
}

/* --- types.c --- */

/** NULL: no memory. */
struct cpython_types *cpython_types_create(void);
void cpython_types_destroy(struct cpython_types *types);
/**
 * The type at addr, understood now if it is new; NULL: there is no type.
 * Thread-safe; a hash look-up when known. m: of the calling thread.
 */
const struct cpython_type *cpython_type(const struct cpython *st,
					const struct cpython_mem *m,
					uint64_t addr);

/* --- describe.c --- */

/** Understand the type at addr. NULL: there is none, or no memory. */
struct cpython_type *cpython_describe(const struct cpython *st,
				      const struct cpython_mem *m,
				      uint64_t addr);
void cpython_type_free(struct cpython_type *t);
/**
 * What deallocates instances of classes, to tell these from types of C code:
 * that of a class that every interpreter has. 0: not found.
 */
uint64_t cpython_python_dealloc(const struct cpython_mem *m);
/** Has a type a method in C of this name, itself (tp_methods)? */
bool cpython_has_method(const struct cpython_mem *m, uint64_t type,
			const char *want);

/* --- size.c --- */

struct cpython_size {
	uint64_t flat;		/* what sys.getsizeof() answers */
	uint64_t held;		/* bytes requested for its own blocks */
	uint64_t own;		/* of held: the block that it lies in */
	uint64_t extra;		/* of held: what a str has elsewhere */
	bool torn;		/* a number contradicts another */
};
/** Which of the quick ones a type is; its other members are set. */
enum cpython_quick cpython_quick_of(const struct cpython_type *t);
/** own alone, and torn: what an object's place in a pool must agree with. */
void cpython_own_size(const struct cpython_obj *o, struct cpython_size *ret);
/**
 * The rest; s is as cpython_own_size() left it. May read tables. values: what
 * cpython_instance_values() says, or NULL.
 */
void cpython_rest_size(const struct cpython_obj *o,
		       const struct cpython_values *values,
		       struct cpython_size *s);
/** All of it. */
void cpython_size(const struct cpython_obj *o, struct cpython_size *ret);

/* --- interned.c --- */

/** Find the dicts of interned strings. After the image. */
void cpython_interned_find(struct cpython *st);
/** dict: not 0. */
bool cpython_is_interned_dict(const struct cpython *st, uint64_t dict);
/** Does that dict hold this string of its own, for ever? */
bool cpython_interned_for_ever(const struct cpython *st,
			       const struct cpython_mem *m, uint64_t str);

/* --- library.c --- */

/** What its cpython_more adds to, or puts in place of, the sizes so far. */
void cpython_more_size(const struct cpython_obj *o, struct cpython_size *s);

/* --- frontier.c --- */

/** What leaves a chunk; {0} but for sink and st at its start. */
struct cpython_leaving {
	struct heapsh_sink *sink;
	const struct cpython *st;
	struct heapsh_range swept;	/* that the last target was in */
	uint64_t recent[256];	/* targets told last: many name the same */
	struct heapsh_object waiting[64];	/* to be emitted together… */
	uint32_t n_waiting;	/* … at the latest before an edge */
};
void cpython_leaving_flush(struct cpython_leaving *v);
/** Where the next one is to be written; then count it in n_waiting. */
static inline struct heapsh_object *
cpython_leaving_room(struct cpython_leaving *v)
{
	if (v->n_waiting == sizeof(v->waiting) / sizeof(v->waiting[0]))
		cpython_leaving_flush(v);
	return &v->waiting[v->n_waiting];
}
/**
 * As cpython_refs() for HEAPSH_WANT_FRONTIER, of an object in a chunk: without
 * labels, and not each time what was told before. values: of an instance, or
 * NULL when it has none of its own.
 */
void cpython_leave(struct cpython_leaving *v, const struct cpython_obj *o,
		   const struct cpython_values *values);

/* --- refs.c, refs_code.c --- */

/** Emit every reference of the object. False: torn, some are left out. */
bool cpython_refs(const struct cpython_obj *o, struct heapsh_sink *sink);

/* --- arenas.c --- */

/** Fill st->image: the mappings of the file that has _PyRuntime. */
void cpython_image_find(struct cpython *st);
/**
 * Fill st->ranges: none when pymalloc is not in use. False: no memory. Needs
 * st->image.
 */
bool cpython_arenas_find(struct cpython *st);

/* --- sweep.c --- */

void cpython_sweep(const struct cpython *st, const struct heapsh_chunk *chunk,
		   struct heapsh_sink *sink);
void cpython_at(const struct cpython *st, const uint64_t *addr, uint32_t n,
		struct heapsh_sink *sink);
/** Is there an object? What conservative scans and roots are checked with. */
bool cpython_living(const struct cpython *st, const struct cpython_mem *m,
		    uint64_t addr);
/**
 * Look at one object: *ret is filled, its bytes copied to buf. False: there is
 * none. Of a large object only the first cap bytes are at hand.
 */
bool cpython_obj_open(const struct cpython *st, const struct cpython_mem *m,
		      uint64_t addr, uint8_t *buf, uint64_t cap,
		      struct cpython_obj *ret);
enum { CPYTHON_HEAD = 2048 };	/* bytes that cpython_at() keeps at hand */

#endif
