/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the collector knows of an object, and how full a container is.
 *
 * Collector: CPython 3.8 to 3.13, Include/internal/pycore_gc.h, Modules/
 * gcmodule.c and Python/gc.c: an object is tracked when its head's link is not
 * 0; bit 0 of the other link says that its finalizer has run.
 */
#include "services.h"

#include "keys.h"
#include "layout.h"
#include "walk.h"

enum {
	PREV_FINALIZED = 1,	/* _PyGC_PREV_MASK_FINALIZED */
	/*
	 * From tp_subclasses on: tp_weaklist, tp_del, tp_version_tag and a gap,
	 * tp_finalize. CPython 3.8 to 3.13, Include/cpython/object.h.
	 */
	TO_DEL = 16,
	TO_FINALIZE = 32,
	KIND_GENERAL = 0,	/* DICT_KEYS_GENERAL, from 3.11 */
};

/* Has it a head? Types that are not made by a class statement have none. */
static bool has_head(const struct cpython_mem *m, uint64_t addr,
		     uint64_t flags)
{
	if (!(flags & CPYTHON_TP_HAVE_GC))
		return false;
	return !(flags & CPYTHON_TP_TYPE) ||
	       (cpython_type_flags(m, addr) & CPYTHON_TP_HEAPTYPE) != 0;
}

uint32_t cpython_collector_flags(const struct cpython *st, uint64_t addr)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;
	uint64_t flags = cpython_flags_of(m, addr);
	uint64_t head = addr - (uint64_t)l->sizeof_gc_head, type, slots;
	uint32_t ret = 0;

	if (!has_head(m, addr, flags))
		return 0;
	type = cpython_type_of(m, addr);
	slots = type + (uint64_t)l->tp_subclasses;
	if (cpython_field(m, head, l->gc_next) != 0)
		ret |= HEAPSH_COLLECTOR_TRACKED;
	if ((cpython_field(m, head, l->gc_prev) & PREV_FINALIZED) != 0)
		ret |= HEAPSH_COLLECTOR_FINALIZED;
	if (cpython_word(m, slots + TO_FINALIZE) != 0)
		ret |= HEAPSH_COLLECTOR_FINALIZER;
	if (cpython_word(m, slots + TO_DEL) != 0)
		ret |= HEAPSH_COLLECTOR_NEVER;
	return ret;
}

static void set_usage(struct heapsh_usage *ret, int64_t used, int64_t capacity,
		      int64_t item)
{
	if (used < 0 || capacity < used || capacity >> 40)
		return;
	ret->used = (uint64_t)used;
	ret->capacity = (uint64_t)capacity;
	ret->unused_bytes = (uint64_t)((capacity - used) * item);
}

static void list_usage(const struct cpython_mem *m, uint64_t addr,
		       struct heapsh_usage *ret)
{
	set_usage(ret, cpython_i64(m, addr, m->lay->ob_size, -1),
		  cpython_i64(m, addr, m->lay->list_allocated, -1), 8);
}

/*
 * Entries, without the table of indices. One whose keys are its class's has
 * no table of its own.
 */
static void dict_usage(const struct cpython_mem *m, uint64_t addr,
		       struct heapsh_usage *ret)
{
	const struct cpython_layout *l = m->lay;
	uint64_t keys = cpython_field(m, addr, l->ma_keys);
	int64_t item = 24, room;

	if (keys == 0 || cpython_field(m, addr, l->ma_values) != 0)
		return;
	if (l->dk_kind >= 0 &&
	    cpython_u8(m, keys, l->dk_kind, KIND_GENERAL) != KIND_GENERAL)
		item = 16;
	if (!__builtin_add_overflow(cpython_i64(m, keys, l->dk_usable, -1),
				    cpython_i64(m, keys, l->dk_nentries, -1),
				    &room))
		set_usage(ret, cpython_i64(m, addr, l->ma_used, -1), room,
			  item);
}

/* The eight entries within the object itself are not its to save. */
static void set_table_usage(const struct cpython_mem *m, uint64_t addr,
			    struct heapsh_usage *ret)
{
	const struct cpython_layout *l = m->lay;
	int64_t mask = cpython_i64(m, addr, l->set_mask, INT64_MAX);

	if (mask == INT64_MAX ||
	    cpython_field(m, addr, l->set_table) ==
		    addr + (uint64_t)l->set_smalltable)
		return;
	set_usage(ret, cpython_i64(m, addr, l->set_used, -1), mask + 1,
		  l->sizeof_setentry);
}

int cpython_usage(const struct cpython *st, uint64_t addr,
		  struct heapsh_usage *ret)
{
	const struct cpython_mem *m = &st->mem;
	const struct cpython_type *t =
		cpython_type(st, m, cpython_type_of(m, addr));

	if (t == NULL)
		return 0;
	ret->used = ret->capacity = ret->unused_bytes = 0;
	switch ((enum cpython_kind)t->kind) {
	case CPYTHON_KIND_LIST:
		list_usage(m, addr, ret);
		return 1;
	case CPYTHON_KIND_DICT:
		dict_usage(m, addr, ret);
		return 1;
	case CPYTHON_KIND_SET:
		set_table_usage(m, addr, ret);
		return 1;
	default:
		return 0;
	}
}
