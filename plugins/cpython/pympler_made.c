/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Pympler makes by looking, as it would have been made: the dict of an
 * instance that has none, the locals of a frame that nobody asked for.
 */
#include "pympler.h"

#include "frames.h"
#include "keys.h"
#include "lookup.h"
#include "plain.h"
#include "walk.h"

enum { DICT_MIN = 8 }; /* PyDict_MINSIZE: slots of the first table */

/* --- what is made ------------------------------------------------------- */

/* Frame of a generator, or of a frame object. */
static bool frame_of(const struct cpython_mem *m, uint64_t obj,
		     struct cpython_frame *ret)
{
	return cpython_frame_of_generator(m, obj, ret) ||
	       cpython_frame_of_object(m, obj, ret);
}

/* The next bound variable from *i on, without its cell. */
static bool next_local(const struct cpython_mem *m,
		       const struct cpython_frame *f, int *i, uint64_t *name,
		       uint64_t *value)
{
	struct cpython_slot_value slot;

	while (*i < f->n_slots && cpython_frame_slot(m, f, (*i)++, &slot)) {
		if (!slot.name)
			continue;
		*name = slot.name;
		*value = slot.is_cell ? cpython_field(m, slot.value,
						      m->lay->cell_ref)
				      : slot.value;
		if (*value != 0)
			return true;
	}
	return false;
}

/*
 * A dict to which n str keys were added one by one. Objects/dictobject.c, 3.8
 * to 3.13: the first table has 8 slots, two thirds of which can be used; a full
 * one is replaced by the next power of two that holds three times the items.
 */
static uint64_t grown_dict(const struct cpython_layout *l, uint64_t n)
{
	uint64_t slots = DICT_MIN, index;
	uint64_t entry = l->sizeof_unicode_entry > 0
				 ? (uint64_t)l->sizeof_unicode_entry
				 : (uint64_t)l->sizeof_entry;
	uint64_t own = (uint64_t)(l->sizeof_gc_head + l->sizeof_dict), least;

	if (n == 0)
		return own;
	while (slots * 2 / 3 < n && slots >> 30 == 0) {
		least = slots * 2 / 3 * 3;
		while (slots < least)
			slots *= 2;
	}
	index = slots <= 0xff ? 1 : slots <= 0xffff ? 2 : 4;
	return own + (uint64_t)l->dk_indices + slots * index +
	       slots * 2 / 3 * entry;
}

/* Objects/dictobject.c, PyObject_GenericGetDict() and what it calls. */
static bool table_size(const struct cpython *st, uint64_t obj, uint64_t *ret)
{
	const struct cpython_layout *l = st->mem.lay;
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_values v;
	struct cpython_keys k;
	struct cpython_obj o;

	if (!cpython_pympler_open(st, obj, buf, &o))
		return false;
	*ret = (uint64_t)(l->sizeof_gc_head + l->sizeof_dict);
	// 3.11: without values of its own nothing is shared either
	if (o.type->cached_keys == 0 ||
	    (o.type->managed_dict && l->minor == 11 &&
	     !cpython_instance_values(&o, &v)) ||
	    !cpython_keys_open(o.m, o.type->cached_keys, &k))
		return true;
	// shared with the class: room for values, the keys are the class's
	*ret += 8 * (uint64_t)(l->minor <= 10 ? k.n_fraction
					      : k.n_entries + k.n_usable);
	return true;
}

static bool locals_size(const struct cpython *st, uint64_t obj, uint64_t *ret)
{
	const struct cpython_layout *l = st->mem.lay;
	struct cpython_frame f;
	uint64_t name, value, n = 0;
	int i = 0;

	if (!frame_of(&st->mem, obj, &f))
		return false;
	while (next_local(&st->mem, &f, &i, &name, &value))
		n++;
	// from 3.13 a view: Objects/frameobject.c, PyFrameLocalsProxyObject
	*ret = l->minor >= 13
		       ? (uint64_t)(l->sizeof_gc_head + l->sizeof_object) + 8
		       : grown_dict(l, n);
	return true;
}

bool cpython_pympler_made(const struct cpython *st, uint64_t id, uint64_t *flat)
{
	const struct cpython_layout *l = st->mem.lay;
	uint64_t obj = id & ~(uint64_t)HEAPSH_COMPAT_MADE;

	switch (id & HEAPSH_COMPAT_MADE) {
	case PYMPLER_MADE_TABLE:
		return table_size(st, obj, flat);
	case PYMPLER_MADE_LOCALS:
		return locals_size(st, obj, flat);
	case PYMPLER_MADE_LASTI:
	case PYMPLER_MADE_LINENO:
		// an int of one digit
		*flat = (uint64_t)(l->long_digits + l->sizeof_digit);
		return true;
	case PYMPLER_MADE_PROXY:
		*flat = (uint64_t)(l->sizeof_gc_head + l->sizeof_object) + 8;
		return true;
	default:
		return false;
	}
}

static void emit_locals(struct pympler_out *o, uint64_t obj)
{
	struct cpython_frame f;
	uint64_t name, value;
	int i = 0;

	if (o->m->lay->minor >= 13 || !frame_of(o->m, obj, &f))
		return;
	while (!o->stop && next_local(o->m, &f, &i, &name, &value))
		cpython_pympler_pair(o, name, value);
}

void cpython_pympler_emit_made(struct pympler_out *o, uint64_t id)
{
	uint64_t obj = id & ~(uint64_t)HEAPSH_COMPAT_MADE, key, value;
	struct cpython_attributes attributes;
	struct cpython_dict_iter it;

	switch (id & HEAPSH_COMPAT_MADE) {
	case PYMPLER_MADE_TABLE:
		cpython_attributes(o->m, obj, &attributes);
		if (!cpython_attributes_open(o->m, &attributes, &it))
			return;
		while (!o->stop && cpython_dict_next(o->m, &it, &key, &value))
			cpython_pympler_pair(o, key, value);
		return;
	case PYMPLER_MADE_LOCALS:
		emit_locals(o, obj);
		return;
	case PYMPLER_MADE_PROXY:
		cpython_pympler_dict(o, cpython_type_dict(o->m, obj));
		return;
	default:
		return;
	}
}

static int count(void *arg, const struct heapsh_edge *e)
{
	(void)e;
	++*(uint64_t *)arg;
	return 1;
}

void cpython_pympler_made_words(const struct cpython *st, uint64_t id,
				struct heapsh_compat_words *ret)
{
	static const char *const kinds[] = {
		[PYMPLER_MADE_TABLE] = "class dict",
		[PYMPLER_MADE_LOCALS] = "class dict",
		[PYMPLER_MADE_LASTI] = "class int",
		[PYMPLER_MADE_LINENO] = "class int",
		[PYMPLER_MADE_PROXY] = "class mappingproxy",
	};
	uint64_t made = id & HEAPSH_COMPAT_MADE, n = 0;
	struct pympler_out o = {
		.st = st, .m = &st->mem, .fn = count, .arg = &n
	};

	ret->kind = cpython_text(made != 0 && made <= PYMPLER_MADE_PROXY
					 ? kinds[made]
					 : "class ?");
	if (made == PYMPLER_MADE_LOCALS && st->mem.lay->minor >= 13)
		ret->kind = cpython_text("class FrameLocalsProxy");
	ret->name = ret->rule = cpython_text("");
	ret->origin = cpython_text("static");
	if (made != PYMPLER_MADE_TABLE && made != PYMPLER_MADE_LOCALS)
		return;
	cpython_pympler_emit_made(&o, id);
	ret->has_length = 1;
	ret->exact_length = n / 2;
	// asizeof.py, _len_dict()
	for (ret->length = n / 2 < 6 ? 0 : 8;
	     ret->length && ret->length < n / 2 + 1;)
		ret->length *= 2;
}
