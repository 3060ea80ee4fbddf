/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects, recognised in raw memory. A block of a pool holds one when a
 * reference count that lives and a type that is known stand where that type
 * puts them, and the object's size is that of the block's class.
 */
#include "object.h"

#include "evaluate.h"
#include "keys.h"
#include "pool.h"
#include "quick.h"

enum { N_TYPES = 256 };	/* types that a sweep has at hand */

/* What one call of sweep() has at hand. */
struct sweep {
	struct cpython_obj o;		/* the object that is looked at */
	struct cpython_mem m;
	struct cpython_keys_seen keys;
	struct cpython_leaving leaving;
	const struct cpython_type *types[N_TYPES];
	uint64_t no_type[N_TYPES];	/* words that are none */
	struct cpython_asked asked;	/* of the chunk, from the first on */
	bool gathered;
};

enum { IMMORTAL_3_11 = 999999999 };

void cpython_pool_free(const uint8_t *p, uint64_t addr,
		       const struct cpython_pool *pool, uint8_t *is_free)
{
	uint32_t n = (pool->end - pool->first) / pool->block, left;
	uint64_t at = pool->freeblock, i;

	memset(is_free, 0, n);
	for (left = n - pool->n_used; at != 0 && left != 0; left--) {
		i = at - addr - pool->first;
		if (i >= pool->end || i % pool->block != 0 ||
		    i / pool->block >= n)
			return;
		is_free[i / pool->block] = 1;
		memcpy(&at, p + pool->first + i, 8);
	}
}

/*
 * What was shortened keeps its block while more than three quarters of it are
 * used (Objects/obmalloc.c, pymalloc_realloc()).
 */
static bool may_shrink(const struct cpython_type *t)
{
	return t->kind == CPYTHON_KIND_BYTES || t->kind == CPYTHON_KIND_STR ||
	       t->kind == CPYTHON_KIND_TUPLE || t->kind == CPYTHON_KIND_FRAME;
}

/* Is the block of the class that an object of this size asks for? */
static inline bool is_of_class(const struct cpython_obj *o,
			       const struct cpython_size *size)
{
	if (size->own > o->block || size->torn)
		return false;
	if (size->own > o->block - CPYTHON_ALIGNMENT || o->type->loose)
		return true;
	if (o->type->kind == CPYTHON_KIND_LONG)
		// long_normalize() gives back no leading zeros
		return size->own + 48 > o->block;
	return may_shrink(o->type) && 4 * size->own > 3 * o->block;
}

/* So for this one; sets *size's own. */
static bool fits(const struct cpython_obj *o, struct cpython_size *size)
{
	if (!cpython_quick_own(o, size))
		cpython_own_size(o, size);
	return is_of_class(o, size);
}

static inline size_t slot_of(uint64_t type)
{
	return (type >> 4 ^ type >> 12) % N_TYPES;
}

/* As cpython_type(), without its table for what was asked lately. */
static const struct cpython_type *type_at(struct sweep *s, uint64_t addr)
{
	size_t i = slot_of(addr);
	const struct cpython_type *t = s->types[i];

	if (t != NULL && t->address == addr)
		return t;
	if (s->no_type[i] == addr)
		return NULL;
	t = cpython_type(s->o.st, &s->m, addr);
	if (t != NULL)
		s->types[i] = t;
	else
		s->no_type[i] = addr;
	return t;
}

/* The object whose pre-header begins at p, or false. */
static bool recognise(struct sweep *s, const uint8_t *p, uint64_t addr,
		      uint32_t block, struct cpython_size *size)
{
	const struct cpython_layout *l = s->m.lay;
	struct cpython_obj *o = &s->o;
	uint64_t refcount, type;

	o->block = block;
	for (uint32_t pre = 0; pre <= 32 && pre + 16 <= block; pre += 16) {
		memcpy(&refcount, p + pre + l->ob_refcnt, 8);
		memcpy(&type, p + pre + l->ob_type, 8);
		if (!cpython_refcount_ok(refcount) || !cpython_plausible(type))
			continue;
		o->type = type_at(s, type);
		if (o->type == NULL || o->type->pre != (int32_t)pre)
			continue;
		o->addr = addr + pre;
		o->p = p + pre;
		o->n = block - pre;
		if (fits(o, size))
			return true;
	}
	return false;
}

/*
 * Never freed: from 3.12 the count says so itself (Include/object.h,
 * _Py_IsImmortal). 3.11 gives what the file of CPython holds a count that
 * nothing uses up, and counts on from there (pycore_object.h,
 * _PyObject_IMMORTAL_REFCNT).
 */
static bool is_immortal(const struct cpython_obj *o, uint64_t refcount)
{
	const struct heapsh_range *image = &o->st->image;

	if (o->m->minor >= 12)
		return (int32_t)refcount < 0;
	return o->m->minor == 11 && refcount > IMMORTAL_3_11 / 2 &&
	       o->addr >= image->start && o->addr < image->end;
}

/* size: as fits() left it; what is beyond its own is added here. */
static void fill_size(const struct cpython_obj *o,
		      const struct cpython_values *values,
		      struct cpython_size *size, struct heapsh_object *ret)
{
	const struct cpython_type *t = o->type;

	if (t->quick == CPYTHON_QUICK_NONE ||
	    t->quick == CPYTHON_QUICK_BLOCK || size->extra != 0 ||
	    t->managed_dict) {
		cpython_rest_size(o, values, size);
	} else {
		size->flat += (uint64_t)t->pre;
		size->held = size->own;
	}
	ret->flat = size->flat;
	ret->held = size->held;
	if (size->torn)
		ret->flags |= HEAPSH_OBJECT_TORN;
}

/*
 * What its type's own __sizeof__ answers. What it has beyond the object is
 * taken for its own.
 */
static void fill_answer(const struct cpython_type *t,
			const struct cpython_answer *answer,
			struct heapsh_object *ret)
{
	if (answer == NULL || answer->flat == UINT64_MAX) {
		if (t->about)
			ret->flags |= HEAPSH_OBJECT_APPROXIMATE;
		return;
	}
	if (answer->flat > ret->flat)
		ret->held += answer->flat - ret->flat;
	ret->flat = answer->flat;
}

/* What is wanted of it but its references. values: or NULL. */
static void fill(const struct cpython_obj *o,
		 const struct cpython_values *values,
		 struct cpython_size *size,
		 const struct cpython_answer *answer, uint32_t want,
		 struct heapsh_object *ret)
{
	ret->address = o->addr;
	ret->type = o->type->number;
	ret->flags = 0;
	ret->flat = ret->held = 0;
	ret->refcount = cpython_obj_word(o, o->m->lay->ob_refcnt);
	if (is_immortal(o, ret->refcount))
		ret->flags |= HEAPSH_OBJECT_IMMORTAL;
	if (want & HEAPSH_WANT_SIZES) {
		fill_size(o, values, size, ret);
		fill_answer(o->type, answer, ret);
	}
}

/* leaving: how its references are told, or NULL: all of them. */
static void emit(const struct cpython_obj *o, struct cpython_size *size,
		 struct heapsh_sink *sink, struct cpython_leaving *leaving,
		 const struct cpython_answer *answer)
{
	struct cpython_values all, *values = NULL;
	struct heapsh_object out;

	if (o->type->managed_dict && cpython_instance_values(o, &all))
		values = &all;
	if (leaving != NULL) {
		fill(o, values, size, answer, sink->want,
		     cpython_leaving_room(leaving));
		leaving->n_waiting++;
		cpython_leave(leaving, o, values);
		return;
	}
	fill(o, values, size, answer, sink->want, &out);
	sink->object(sink, &out);
	if (sink->want & HEAPSH_WANT_EDGES)
		cpython_refs(o, sink);
}

/*
 * Most objects, without all that others need: false when it is not one of
 * these, whatever it is.
 */
static inline bool emit_plain(struct sweep *s, const uint8_t *p, uint64_t addr,
			      uint32_t block)
{
	const struct cpython_layout *l = s->m.lay;
	struct cpython_obj *o = &s->o;
	struct heapsh_object *out;
	struct cpython_size size;
	uint64_t refcount, type;

	memcpy(&refcount, p + l->ob_refcnt, 8);
	memcpy(&type, p + l->ob_type, 8);
	o->type = s->types[slot_of(type)];
	if (o->type == NULL || o->type->address != type || !o->type->plain ||
	    !cpython_refcount_ok(refcount))
		return false;
	o->addr = addr;
	o->p = p;
	o->n = o->block = block;
	if (!cpython_quick_own(o, &size) || !is_of_class(o, &size))
		return false;
	out = cpython_leaving_room(&s->leaving);
	out->address = addr;
	out->type = o->type->number;
	out->flags = is_immortal(o, refcount) ? HEAPSH_OBJECT_IMMORTAL : 0;
	out->flat = size.flat;
	out->held = size.own;
	out->refcount = refcount;
	s->leaving.n_waiting++;
	return true;
}

/* Is there a pool? Then which of its blocks are free. */
static bool open_pool(const struct sweep *s, const uint8_t *p, uint64_t addr,
		      struct cpython_pool *pool, uint8_t *is_free)
{
	if (!cpython_pool_open(s->o.st, p, pool))
		return false;
	cpython_pool_free(p, addr, pool, is_free);
	return true;
}

/* The answers of this pool's objects and of all behind it, asked at once. */
static void gather(struct sweep *s, uint64_t addr, uint32_t want)
{
	uint64_t size = s->o.st->pool_size;
	uint64_t end = s->o.chunk + s->o.chunk_len;
	struct cpython_obj was = s->o;
	uint8_t is_free[CPYTHON_BLOCKS_MAX];
	struct cpython_size own;
	struct cpython_pool pool;

	s->gathered = true;
	for (; addr + size <= end; addr += size) {
		const uint8_t *p = s->o.chunk_bytes + (addr - s->o.chunk);
		uint32_t i = 0;

		if (!open_pool(s, p, addr, &pool, is_free))
			continue;
		for (uint32_t at = pool.first; at < pool.end;
		     at += pool.block, i++)
			if (!is_free[i] &&
			    recognise(s, p + at, addr + at, pool.block, &own) &&
			    cpython_asks(s->o.type))
				cpython_asked_add(&s->asked, s->o.addr,
						  s->o.type);
	}
	s->o = was;
	cpython_asked_go(s->o.st, &s->m, &s->asked, want);
}

/* What the program's own code says of the object; NULL: nobody was asked. */
static struct cpython_answer *answer_of(struct sweep *s, uint64_t pool,
					uint32_t want)
{
	struct cpython_answer *answer;

	s->o.told = NULL;
	s->o.n_told = 0;
	if (!cpython_asks(s->o.type))
		return NULL;
	if (!s->gathered)
		gather(s, pool, want);
	answer = cpython_asked_next(&s->asked, s->o.addr);
	if (answer != NULL && answer->told) {
		s->o.told = s->asked.words + answer->first;
		s->o.n_told = answer->n;
	}
	return answer;
}

static void sweep_pool(struct sweep *s, const uint8_t *p, uint64_t addr,
		       struct heapsh_sink *sink)
{
	uint8_t is_free[CPYTHON_BLOCKS_MAX];
	struct cpython_leaving *leaving = NULL;
	struct cpython_size size;
	struct cpython_pool pool;
	uint32_t i = 0;

	if (!open_pool(s, p, addr, &pool, is_free))
		return;
	if (sink->want & HEAPSH_WANT_FRONTIER)
		leaving = &s->leaving;
	for (uint32_t at = pool.first; at < pool.end; at += pool.block, i++) {
		const struct cpython_answer *answer;

		if (is_free[i] ||
		    (leaving != NULL &&
		     emit_plain(s, p + at, addr + at, pool.block)) ||
		    !recognise(s, p + at, addr + at, pool.block, &size))
			continue;
		answer = answer_of(s, addr, sink->want);
		emit(&s->o, &size, sink, leaving, answer);
	}
}

void cpython_sweep(const struct cpython *st, const struct heapsh_chunk *chunk,
		   struct heapsh_sink *sink)
{
	struct sweep s = {
		.o = { .st = st, .chunk = chunk->address,
		       .chunk_len = chunk->len, .chunk_bytes = chunk->bytes },
		.m = st->mem,
		.leaving = { .sink = sink, .st = st },
	};
	uint64_t size = st->pool_size, end = chunk->address + chunk->len;
	uint64_t at = (chunk->address + size - 1) & ~(size - 1);

	s.o.m = &s.m;
	s.m.reader = sink->reader;
	s.m.keys = &s.keys;
	if (s.m.host->cancelled(s.m.im))
		return;
	for (; at + size <= end; at += size)
		sweep_pool(&s, chunk->bytes + (at - chunk->address), at, sink);
	cpython_leaving_flush(&s.leaving);
	cpython_asked_deinit(&s.asked);
}

/* --- one address -------------------------------------------------------- */

/* Fill *ret for the pool at base, if there is one. */
static void look_at_pool(const struct cpython *st, const struct cpython_mem *m,
			 uint64_t base, struct cpython_pool_seen *ret)
{
	uint8_t head[64];
	const uint8_t *p;

	ret->base = base;
	ret->is_pool = cpython_copy(m, base, head, sizeof(head)) &&
		       cpython_pool_open(st, head, &ret->pool);
	if (!ret->is_pool)
		return;
	p = m->host->view(m->im, m->reader, base, st->pool_size);
	if (p != NULL)
		cpython_pool_free(p, base, &ret->pool, ret->is_free);
	else	// a free block shows no living object either
		memset(ret->is_free, 0, sizeof(ret->is_free));
}

/* The pool that addr is in, or NULL. own: where there is none of m's. */
static const struct cpython_pool_seen *
pool_of(const struct cpython *st, const struct cpython_mem *m, uint64_t addr,
	struct cpython_pool_seen *own)
{
	uint64_t base = addr & ~((uint64_t)st->pool_size - 1);
	struct cpython_pool_seen *seen = m->pool;

	if (seen == NULL) {
		seen = own;
		seen->base = 0;
	}
	if (base != 0 && seen->base != base)
		look_at_pool(st, m, base, seen);
	return base != 0 && seen->is_pool ? seen : NULL;
}

/*
 * Its count lives and its type is known, which is set; p: its own bytes. What
 * lies beside the object before is often of that one's type.
 */
static bool head_ok(struct cpython_obj *o, const uint8_t *p)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t refcount, type;

	memcpy(&refcount, p + l->ob_refcnt, 8);
	memcpy(&type, p + l->ob_type, 8);
	if (!cpython_refcount_ok(refcount))
		return false;
	if (o->type == NULL || o->type->address != type)
		o->type = cpython_type(o->st, o->m, type);
	return o->type != NULL;
}

/* The object in its block of a pool, which is copied. */
static bool open_block(struct cpython_obj *o,
		       const struct cpython_pool_seen *seen, uint8_t *buf,
		       uint64_t cap, struct cpython_size *size)
{
	uint32_t off = (uint32_t)(o->addr - seen->base), i, pre;
	const struct cpython_pool *pool = &seen->pool;
	uint64_t n = pool->block < cap ? pool->block : cap;

	if (off < pool->first || off >= pool->end)
		return false;
	i = (off - pool->first) / pool->block;
	pre = off - pool->first - i * pool->block;
	if (seen->is_free[i] || pre + 16 > n ||
	    !cpython_copy(o->m, o->addr - pre, buf, n) ||
	    !head_ok(o, buf + pre) || o->type->pre != (int32_t)pre)
		return false;
	o->block = pool->block;
	o->p = buf + pre;
	o->n = n - pre;
	return fits(o, size);
}

/*
 * What lies in no pool has only its own word for what it is; a header of the
 * collector's must at least hold pointers.
 */
static bool pre_ok(const struct cpython_obj *o)
{
	uint64_t next, prev;

	if (o->type->pre == 0)
		return true;
	memcpy(&next, o->p - 16, 8);
	memcpy(&prev, o->p - 8, 8);
	return next >> 48 == 0 && prev >> 48 == 0;
}

/* The object that lies in no pool: as much of it as is known to be there. */
static bool open_outside(struct cpython_obj *o, uint8_t *buf, uint64_t cap)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t pre, n;
	bool static_type;

	if (!cpython_copy(o->m, o->addr, buf, 16) || !head_ok(o, buf))
		return false;
	pre = (uint64_t)o->type->pre;
	n = (uint64_t)o->type->basic + 64;
	// a static type has no header of the collector's (type_is_gc)
	static_type = o->type->kind == CPYTHON_KIND_TYPE &&
		      !(cpython_type_flags(o->m, o->addr) &
			CPYTHON_TP_HEAPTYPE);
	if (static_type)
		n = (uint64_t)l->sizeof_type;
	if (n > cap - 32)
		n = cap - 32;
	o->p = buf + 32;
	memset(buf, 0, 32);
	while (n >= 16 && !cpython_copy(o->m, o->addr, buf + 32, n))
		n = n / 2 & ~UINT64_C(7);
	o->n = n;
	if (n < 16 || (pre != 0 && !static_type &&
		       !cpython_copy(o->m, o->addr - pre, buf + 32 - pre, pre)))
		return false;
	return static_type || pre_ok(o);
}

/*
 * As cpython_obj_open(), of *ret whose st and m are set, and which is as of the
 * object before or zero. *size: of the object's own block.
 */
static bool open_sized(struct cpython_obj *ret, uint64_t addr, uint8_t *buf,
		       uint64_t cap, struct cpython_size *size)
{
	const struct cpython_pool_seen *seen;
	struct cpython_pool_seen own;

	if (!cpython_plausible(addr))
		return false;
	ret->addr = addr;
	ret->block = 0;
	ret->told = NULL;
	ret->n_told = 0;
	seen = pool_of(ret->st, ret->m, addr, &own);
	if (seen != NULL)
		return open_block(ret, seen, buf, cap, size);
	if (!open_outside(ret, buf, cap))
		return false;
	cpython_own_size(ret, size);
	return true;
}

bool cpython_obj_open(const struct cpython *st, const struct cpython_mem *m,
		      uint64_t addr, uint8_t *buf, uint64_t cap,
		      struct cpython_obj *ret)
{
	struct cpython_size size;

	*ret = (struct cpython_obj){ .st = st, .m = m };
	return open_sized(ret, addr, buf, cap, &size);
}

bool cpython_living(const struct cpython *st, const struct cpython_mem *m,
		    uint64_t addr)
{
	uint8_t buf[512];
	struct cpython_obj o;

	return cpython_obj_open(st, m, addr, buf, sizeof(buf), &o);
}

enum {
	TOGETHER = 4096,	/* looked at again when one is to be asked */
	LOOK = 16,		/* addresses without a look at Ctrl-C */
};

static void gather_at(const struct cpython *st, const struct cpython_mem *m,
		      const uint64_t *addr, uint32_t n, uint32_t want,
		      struct cpython_asked *asked)
{
	uint8_t buf[CPYTHON_HEAD + 32];
	struct cpython_obj o;

	cpython_asked_reset(asked);
	for (uint32_t i = 0; i < n; i++)
		if (cpython_obj_open(st, m, addr[i], buf, sizeof(buf), &o) &&
		    cpython_asks(o.type))
			cpython_asked_add(asked, addr[i], o.type);
	cpython_asked_go(st, m, asked, want);
}

void cpython_at(const struct cpython *st, const uint64_t *addr, uint32_t n,
		struct heapsh_sink *sink)
{
	uint8_t buf[CPYTHON_HEAD + 32];
	struct cpython_asked asked = { 0 };
	struct cpython_keys_seen keys = { 0 };
	struct cpython_pool_seen pool;
	struct cpython_mem m = st->mem;
	uint32_t gathered = 0;		/* up to here */
	struct cpython_size size;
	struct cpython_obj o = { .st = st, .m = &m };

	m.reader = sink->reader;
	m.keys = &keys;
	m.pool = &pool;
	pool.base = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct cpython_answer *answer = NULL;

		// a large one looks itself, every few items
		if (i % LOOK == 0 && m.host->cancelled(m.im))
			break;
		if (!open_sized(&o, addr[i], buf, sizeof(buf), &size)) {
			sink->nothing(sink, addr[i]);
			continue;
		}
		if (cpython_asks(o.type) && i >= gathered) {
			gathered = n - i < TOGETHER ? n : i + TOGETHER;
			gather_at(st, &m, addr + i, gathered - i, sink->want,
				  &asked);
		}
		if (cpython_asks(o.type))
			answer = cpython_asked_next(&asked, addr[i]);
		if (answer != NULL && answer->told) {
			o.told = asked.words + answer->first;
			o.n_told = answer->n;
		}
		emit(&o, &size, sink, NULL, answer);
	}
	cpython_asked_deinit(&asked);
}
