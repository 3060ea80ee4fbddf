/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object that is swept names outside of its chunk. The first pass over
 * the heap asks for nothing else, of every object: so the common kinds are
 * gone through here, a word and a comparison each; the others by refs.c.
 */
#include "object.h"

#include "keys.h"

enum { WINDOW = 1 << 17 };	/* words that are looked at at a time: 1 MiB */

/* What stays in the chunk, nearly all, is found there. */
static inline bool leaves(const struct cpython_obj *o, uint64_t target)
{
	return target != 0 && target - o->chunk >= o->chunk_len;
}

void cpython_leaving_flush(struct cpython_leaving *v)
{
	struct heapsh_sink *sink = v->sink;
	uint32_t n = v->n_waiting;

	v->n_waiting = 0;
	if (HEAPSH_HAS(sink, objects)) {
		if (n != 0)
			sink->objects(sink, v->waiting, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		sink->object(sink, &v->waiting[i]);
}

static void tell_edge(struct cpython_leaving *v, const struct heapsh_edge *e)
{
	cpython_leaving_flush(v);
	v->sink->edge(v->sink, e);
}

/* Is it in a range? Then the sweep finds it there, or nothing. */
static bool find_range(struct cpython_leaving *v, uint64_t target)
{
	const struct heapsh_range *r = v->st->ranges;
	uint32_t low = 0, high = v->st->n_ranges, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (r[middle].end <= target)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == v->st->n_ranges || target < r[low].start)
		return false;
	v->swept = r[low];
	return true;
}

static inline bool is_swept(struct cpython_leaving *v, uint64_t target)
{
	return target - v->swept.start < v->swept.end - v->swept.start ||
	       find_range(v, target);
}

static void tell(struct cpython_leaving *v, uint64_t target)
{
	const size_t n = sizeof(v->recent) / sizeof(v->recent[0]);
	uint64_t *recent = &v->recent[(target >> 4 ^ target >> 12) % n];
	struct heapsh_edge e = { .target = target };

	if (is_swept(v, target))
		return;
	if (*recent == target || !cpython_plausible(target))
		return;
	*recent = target;
	tell_edge(v, &e);
}

/* Bytes of the process, where they are if possible; NULL: unreadable. */
static const uint8_t *bytes_at(const struct cpython_obj *o, uint64_t addr,
			       uint64_t len)
{
	uint64_t off = addr - o->chunk;

	if (off < o->chunk_len && len <= o->chunk_len - off)
		return o->chunk_bytes + off;
	if (addr == 0 || addr + len < addr)
		return NULL;
	return o->m->host->view(o->m->im, o->m->reader, addr, len);
}

/* Asked in large containers only. */
static bool interrupted(const struct cpython_obj *o, uint64_t n)
{
	return n >= WINDOW / 4 && o->m->host->cancelled(o->m->im);
}

/* False: they lie in the chunk, or the host leaves them to us. */
static bool leave_to_host(struct cpython_leaving *v,
			  const struct cpython_obj *o, uint64_t addr,
			  uint64_t n)
{
	if (addr - o->chunk < o->chunk_len || addr % 8 != 0 ||
	    !HEAPSH_HAS(v->sink, words) || v->sink->words == NULL)
		return false;
	v->sink->words(v->sink, addr, n);
	return true;
}

/* n words at addr. */
static void tell_words(struct cpython_leaving *v, const struct cpython_obj *o,
		       uint64_t addr, uint64_t n)
{
	uint64_t take, word;
	const uint8_t *p;

	if (leave_to_host(v, o, addr, n))
		return;
	for (; n != 0; n -= take, addr += take * 8) {
		take = n < WINDOW ? n : WINDOW;
		p = bytes_at(o, addr, take * 8);
		if (p == NULL || interrupted(o, take))
			return;
		for (uint64_t i = 0; i < take; i++) {
			memcpy(&word, p + i * 8, 8);
			if (leaves(o, word))
				tell(v, word);
		}
	}
}

static void leave_tuple(struct cpython_leaving *v, const struct cpython_obj *o)
{
	uint64_t n = cpython_obj_size(o) + (uint64_t)o->type->hidden;

	if (n >> 44 == 0)
		tell_words(v, o, o->addr + (uint64_t)o->m->lay->tuple_items, n);
}

static void leave_list(struct cpython_leaving *v, const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t n = cpython_obj_size(o);

	if (n <= cpython_obj_word(o, l->list_allocated) && n >> 44 == 0)
		tell_words(v, o, cpython_obj_word(o, l->list_items), n);
}

/* Entries of a table: keys, and the values beside them. */
static void tell_entries(struct cpython_leaving *v,
			 const struct cpython_obj *o,
			 const struct cpython_keys *k)
{
	uint64_t stride = (uint64_t)k->stride, n = (uint64_t)k->n_entries;
	uint64_t addr = k->entries, take, key, value;
	const uint8_t *p;

	for (; n != 0; n -= take, addr += take * stride) {
		take = n < WINDOW / 4 ? n : WINDOW / 4;
		p = bytes_at(o, addr, take * stride);
		if (p == NULL || interrupted(o, take))
			return;
		for (uint64_t i = 0; i < take; i++, p += stride) {
			memcpy(&key, p + k->key, 8);
			memcpy(&value, p + k->value, 8);
			if (value == 0)
				continue;	// deleted
			if (leaves(o, key))
				tell(v, key);
			if (leaves(o, value))
				tell(v, value);
		}
	}
}

/* False: a table that instances share, which refs.c goes through. */
static bool leave_dict(struct cpython_leaving *v, const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	struct cpython_keys k;

	if (cpython_obj_word(o, l->ma_values) != 0)
		return false;
	if (cpython_keys_open(o->m, cpython_obj_word(o, l->ma_keys), &k))
		tell_entries(v, o, &k);
	return true;
}

static void leave_members(struct cpython_leaving *v,
			  const struct cpython_obj *o)
{
	const struct cpython_type *t = o->type;
	uint64_t word;

	for (uint32_t i = 0; i < t->n_refs; i++) {
		const struct cpython_ref *r = &t->refs[i];

		for (int k = 0; k < r->count; k++) {
			word = cpython_obj_word(o, r->offset + 8 * k);
			if (leaves(o, word) &&
			    !(r->flags & HEAPSH_EDGE_WEAK))
				tell(v, word);
		}
	}
}

static void leave_attributes(struct cpython_leaving *v,
			     const struct cpython_obj *o,
			     const struct cpython_values *values)
{
	struct heapsh_edge e = { .flags = HEAPSH_EDGE_TABLE };

	if (values != NULL) {
		if (values->n_named > 0)
			tell_words(v, o, values->addr,
				   (uint64_t)values->n_named);
		return;
	}
	if (!o->type->managed_dict && o->type->dict_offset == 0)
		return;
	e.target = cpython_instance_dict(o);
	if (e.target != 0 && cpython_plausible(e.target))
		tell_edge(v, &e);
}

/* The collector's list: see neighbours() in refs.c. */
static void leave_neighbours(struct cpython_leaving *v,
			     const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	struct heapsh_edge e = { .flags = HEAPSH_EDGE_FOUND };
	const int32_t links[] = { l->gc_next, l->gc_prev };

	for (int i = 0; i < 2; i++) {
		uint64_t at = cpython_obj_word(o, links[i] - l->sizeof_gc_head);

		at &= ~(uint64_t)CPYTHON_LINK_MARKS;
		e.target = at + (uint64_t)l->sizeof_gc_head;
		if (leaves(o, at) && !is_swept(v, at) &&
		    cpython_plausible(e.target))
			tell_edge(v, &e);
	}
}

/* Kinds whose references are all found here. */
static bool leave_kind(struct cpython_leaving *v, const struct cpython_obj *o)
{
	switch ((enum cpython_kind)o->type->kind) {
	case CPYTHON_KIND_OTHER:
	case CPYTHON_KIND_LONG:
	case CPYTHON_KIND_STR:
	case CPYTHON_KIND_BYTES:
		return true;
	case CPYTHON_KIND_TUPLE:
		leave_tuple(v, o);
		return true;
	case CPYTHON_KIND_LIST:
		leave_list(v, o);
		return true;
	case CPYTHON_KIND_DICT:
		return leave_dict(v, o);
	default:
		return false;
	}
}

void cpython_leave(struct cpython_leaving *v, const struct cpython_obj *o,
		   const struct cpython_values *values)
{
	const struct cpython_type *t = o->type;

	if (t->flags & HEAPSH_TYPE_LEAF)
		return;
	if (t->n_scans != 0 || t->more != CPYTHON_MORE_NONE ||
	    t->traverse != 0 ||
	    !leave_kind(v, o)) {
		cpython_leaving_flush(v);
		cpython_refs(o, v->sink);
		return;
	}
	leave_members(v, o);
	leave_attributes(v, o, values);
	if (t->tp_flags & CPYTHON_TP_HAVE_GC)
		leave_neighbours(v, o);
}
