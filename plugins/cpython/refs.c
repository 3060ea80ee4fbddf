/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References of an object: first what its kind has of its own, then members,
 * then attributes or the dict that holds them, what a scan of unexplained
 * words finds, and the class.
 */
#include "refs_priv.h"

#include "keys.h"

enum { WINDOW = 256 };	/* words that are copied at a time */

void cpython_edge(struct cpython_visit *v, uint64_t target,
		  enum heapsh_label label, uint64_t a, uint64_t b,
		  const char *text, uint32_t flags)
{
	struct heapsh_edge e = {
		.flags = flags, .label = label, .target = target,
		.a = a, .b = b, .text = text,
	};

	if (v->o->told != NULL)
		cpython_mark_told(v->o, target);
	if (v->frontier && target - v->o->chunk < v->o->chunk_len &&
	    !(flags & HEAPSH_EDGE_TABLE))
		return;
	if (cpython_plausible(target))
		v->sink->edge(v->sink, &e);
}

static bool is_enough(const struct cpython_obj *o)
{
	return o->enough != NULL && *o->enough;
}

static bool words(const struct cpython_obj *o, uint64_t addr, uint64_t *buf,
		  uint64_t n)
{
	uint64_t off = addr - o->addr;

	if (off < o->n && n * 8 <= o->n - off) {
		memcpy(buf, o->p + off, n * 8);
		return true;
	}
	return cpython_copy(o->m, addr, buf, n * 8);
}

bool cpython_each_word(struct cpython_visit *v, uint64_t addr, uint64_t n,
		       cpython_word_fn *fn, void *arg)
{
	const struct cpython_mem *m = v->o->m;
	uint64_t buf[WINDOW], take;

	for (uint64_t i = 0; i < n; i += take) {
		take = n - i < WINDOW ? n - i : WINDOW;
		if (is_enough(v->o))
			break;
		if (!words(v->o, addr + i * 8, buf, take) ||
		    (i != 0 && m->host->cancelled(m->im)))
			return false;
		for (uint64_t k = 0; k < take; k++)
			if (buf[k] != 0)
				fn(v, i + k, buf[k], arg);
	}
	return true;
}

/* --- containers --------------------------------------------------------- */

static void item(struct cpython_visit *v, uint64_t index, uint64_t word,
		 void *arg)
{
	uint64_t *base = arg;

	cpython_edge(v, word, HEAPSH_LABEL_INDEX, *base + index, 0, NULL, 0);
}

static bool refs_tuple(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	uint64_t base = 0, n = cpython_obj_size(o) + (uint64_t)o->type->hidden;

	return cpython_each_word(v, o->addr + (uint64_t)o->m->lay->tuple_items,
				 n, item, &base);
}

static bool refs_list(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t base = 0, n = cpython_obj_size(o);

	if (n > cpython_obj_word(o, l->list_allocated))
		return false;
	return n == 0 || cpython_each_word(v, cpython_obj_word(o,
							       l->list_items),
					   n, item, &base);
}

static bool refs_set(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t table = cpython_obj_word(o, l->set_table);
	uint64_t n = cpython_obj_word(o, l->set_mask) + 1, index = 0;
	uint64_t buf[WINDOW], take, *e;
	const uint64_t stride = 2;	/* words of a setentry: key, hash */

	if ((n & (n - 1)) != 0 || n >> 44 != 0 ||
	    l->sizeof_setentry != (int32_t)(stride * 8) ||
	    l->setentry_key != 0 || l->setentry_hash != 8)
		return false;
	for (uint64_t i = 0; i < n; i += take) {
		take = n - i < WINDOW / stride ? n - i : WINDOW / stride;
		if (is_enough(o))
			break;
		if (!words(o, table + i * stride * 8, buf, take * stride) ||
		    (i != 0 && o->m->host->cancelled(o->m->im)))
			return false;
		for (uint64_t k = 0; k < take; k++) {
			e = buf + k * stride;
			// a deleted entry has a dummy key and the hash -1
			if (e[0] != 0 && e[1] != UINT64_MAX)
				cpython_edge(v, e[0], HEAPSH_LABEL_MEMBER,
					     index++, 0, NULL, 0);
		}
	}
	return true;
}

static void entry(struct cpython_visit *v, uint64_t i, uint64_t key,
		  uint64_t value)
{
	if (value == 0)
		return;
	cpython_edge(v, key, HEAPSH_LABEL_KEY, key, i, NULL, HEAPSH_EDGE_KEY);
	cpython_edge(v, value, HEAPSH_LABEL_VALUE, key, i, NULL, 0);
}

/*
 * Entries of a table, with the values beside them (values 0) or those of one
 * instance; fn for each that has a key.
 */
typedef void entry_fn(struct cpython_visit *v, uint64_t i, uint64_t key,
		      uint64_t value);

static bool each_entry(struct cpython_visit *v, const struct cpython_keys *k,
		       uint64_t values, uint64_t n, entry_fn *fn)
{
	const struct cpython_obj *o = v->o;
	uint64_t buf[WINDOW], vals[WINDOW], stride = (uint64_t)k->stride / 8;
	uint64_t take, per = WINDOW / stride, *e;

	for (uint64_t i = 0; i < n; i += take) {
		take = n - i < per ? n - i : per;
		if (is_enough(o))
			break;
		if (!words(o, k->entries + i * stride * 8, buf,
			   take * stride) ||
		    (values != 0 && !words(o, values + i * 8, vals, take)) ||
		    (i != 0 && o->m->host->cancelled(o->m->im)))
			return false;
		for (uint64_t j = 0; j < take; j++) {
			e = buf + j * stride;
			fn(v, i + j, e[k->key / 8],
			   values != 0 ? vals[j] : e[k->value / 8]);
		}
	}
	return true;
}

/* interned.c: only what stays for ever is held, by one count for both. */
static void interned(struct cpython_visit *v, uint64_t i, uint64_t key,
		     uint64_t value)
{
	// what lies outside the ranges may be known to nobody else
	uint32_t weak = v->frontier ? HEAPSH_EDGE_FOUND : HEAPSH_EDGE_WEAK;

	if (value == 0)
		return;
	cpython_edge(v, key, HEAPSH_LABEL_KEY, key, i, NULL,
		     HEAPSH_EDGE_KEY | weak);
	cpython_edge(v, value, HEAPSH_LABEL_VALUE, key, i, NULL,
		     cpython_interned_for_ever(v->o->st, v->o->m, value) ?
			     0 : weak);
}

static bool refs_dict(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	struct cpython_values values = { 0 };
	struct cpython_keys k;
	uint64_t n;

	if (!cpython_keys_open(o->m, cpython_obj_word(o, l->ma_keys), &k))
		return false;
	n = (uint64_t)k.n_entries;
	if (cpython_obj_word(o, l->ma_values) != 0) {
		if (!cpython_dict_values(o, &values))
			return false;
		if (n > (uint64_t)values.n)
			n = (uint64_t)values.n;
	}
	return each_entry(v, &k, values.addr, n,
			  cpython_is_interned_dict(o->st, o->addr) ? interned :
								     entry);
}

static void attribute(struct cpython_visit *v, uint64_t i, uint64_t key,
		      uint64_t value)
{
	if (value != 0)
		cpython_edge(v, value, HEAPSH_LABEL_ATTR, key, i, NULL, 0);
}

/* Modules/_collectionsmodule.c: blocks of 64 items in a list */
static bool refs_deque(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t block = cpython_obj_word(o, l->deque_left), base = 0, take;
	uint64_t at = cpython_obj_word(o, l->deque_leftindex);
	uint64_t n = cpython_obj_size(o);
	struct cpython_chain chain = { 0 };

	while (n != 0) {
		if (at > 64 || block == 0 || is_enough(o) ||
		    cpython_chain_repeats(&chain, block) ||
		    cpython_cancelled(o->m, (int64_t)chain.n))
			return false;
		take = 64 - at < n ? 64 - at : n;
		if (!cpython_each_word(v, block + (uint64_t)l->dequeblock_data +
					  at * 8, take, item, &base))
			return false;
		base += take;
		n -= take;
		at = 0;
		block = cpython_field(o->m, block, l->dequeblock_right);
	}
	return true;
}

/* Python/hamt.c: key and value, or no key and a node */
static bool refs_hamt(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	uint64_t n = cpython_obj_size(o);
	uint64_t key, value;

	if (n > 64 * 1024)
		return false;
	for (uint64_t i = 0; i + 1 < n; i += 2) {
		key = cpython_obj_word(o, o->m->lay->hamt_bitmap_array +
					  (int64_t)i * 8);
		value = cpython_obj_word(o, o->m->lay->hamt_bitmap_array +
					    (int64_t)i * 8 + 8);
		if (key != 0)
			entry(v, i / 2, key, value);
		else
			cpython_edge_field(v, value, "b_array");
	}
	return true;
}

static bool refs_tee(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	int n = cpython_obj_i32(o, l->teedata_numread);
	uint64_t base = 0;

	// LINKCELLS, Modules/itertoolsmodule.c
	if (n < 0 || n > 57)
		return false;
	return cpython_each_word(v, o->addr + (uint64_t)l->teedata_values,
				 (uint64_t)n, item, &base);
}

static void refs_time(struct cpython_visit *v, int32_t has, int32_t tzinfo)
{
	const struct cpython_obj *o = v->o;

	if (cpython_u8(o->m, o->addr, has, 0) != 0)
		cpython_edge_attr(v, cpython_obj_word(o, tzinfo), "tzinfo", 0);
}

static bool refs_element(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t extra = cpython_obj_word(o, l->element_extra), base = 0;
	int64_t n = cpython_i64(o->m, extra, l->elementextra_length, 0);

	if (extra == 0)
		return true;
	cpython_edge_attr(v, cpython_field(o->m, extra,
					   l->elementextra_attrib),
			  "attrib", 0);
	if (n < 0 || n > cpython_i64(o->m, extra, l->elementextra_allocated, 0))
		return false;
	return cpython_each_word(v, cpython_field(o->m, extra,
						  l->elementextra_children),
				 (uint64_t)n, item, &base);
}

/*
 * From 3.13, Modules/_queuemodule.c, RingBuf: items_cap places, of which
 * num_items from get_idx on, and round the end, hold items.
 */
static bool refs_queue(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t items = cpython_obj_field(o, l->queue_items);
	uint64_t at = cpython_obj_field(o, l->queue_get_idx), base = 0;
	uint64_t cap = cpython_obj_field(o, l->queue_items_cap);
	uint64_t n = cpython_obj_field(o, l->queue_num_items), first;

	// up to 3.12 a list, which is a member like others
	if (l->queue_items < 0 || n == 0)
		return true;
	if (n > cap || at >= cap || cap >> 44 != 0)
		return false;
	first = n < cap - at ? n : cap - at;
	if (!cpython_each_word(v, items + at * 8, first, item, &base))
		return false;
	base = first;
	return cpython_each_word(v, items, n - first, item, &base);
}

/*
 * Results of a cache of limited size are also a ring, which holds a reference
 * to each of its links; it begins in the cache itself, whose first members are
 * those of a link (Modules/_functoolsmodule.c, struct lru_cache_object).
 */
static bool refs_lru_cache(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	int32_t next = o->m->lay->lru_next;
	uint64_t link = cpython_obj_field(o, next);
	struct cpython_chain chain = { 0 };

	while (link != 0 && link != o->addr) {
		if (cpython_chain_repeats(&chain, link) ||
		    cpython_cancelled(o->m, (int64_t)chain.n))
			return false;
		cpython_edge_field(v, link, "link");
		link = cpython_field(o->m, link, next);
	}
	return true;
}

static bool refs_kind(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;

	switch ((enum cpython_kind)o->type->kind) {
	case CPYTHON_KIND_TUPLE:
		return refs_tuple(v);
	case CPYTHON_KIND_LIST:
		return refs_list(v);
	case CPYTHON_KIND_DICT:
	case CPYTHON_KIND_ODICT:
		return refs_dict(v);
	case CPYTHON_KIND_SET:
		return refs_set(v);
	case CPYTHON_KIND_DEQUE:
		return refs_deque(v);
	case CPYTHON_KIND_TYPE:
		return cpython_refs_type(v);
	case CPYTHON_KIND_MODULE:
		return cpython_refs_module(v);
	case CPYTHON_KIND_CODE:
		return cpython_refs_code(v);
	case CPYTHON_KIND_FRAME:
		return cpython_refs_frame(v);
	case CPYTHON_KIND_GENERATOR:
		return cpython_refs_generator(v);
	case CPYTHON_KIND_WEAKREF:
		cpython_edge(v, cpython_obj_word(o, o->m->lay->wr_object),
			     HEAPSH_LABEL_FIELD, 0, 0, "wr_object",
			     HEAPSH_EDGE_WEAK);
		return true;
	case CPYTHON_KIND_CAPSULE:
		// Objects/capsule.c, 3.8 to 3.13: what it is for comes first
		cpython_edge(v, cpython_obj_word(o,
						 o->m->lay->sizeof_object),
			     HEAPSH_LABEL_FIELD, 0, 0, "pointer",
			     HEAPSH_EDGE_MAYBE);
		return true;
	case CPYTHON_KIND_HAMT_ITEMS:
		return refs_hamt(v);
	case CPYTHON_KIND_TEE:
		return refs_tee(v);
	case CPYTHON_KIND_ELEMENT:
		return refs_element(v);
	case CPYTHON_KIND_QUEUE:
		return refs_queue(v);
	case CPYTHON_KIND_LRU_CACHE:
		return refs_lru_cache(v);
	case CPYTHON_KIND_TIME:
		refs_time(v, o->m->lay->time_hastzinfo,
			  o->m->lay->time_tzinfo);
		return true;
	case CPYTHON_KIND_DATETIME:
		refs_time(v, o->m->lay->datetime_hastzinfo,
			  o->m->lay->datetime_tzinfo);
		return true;
	default:
		return true;
	}
}

/* --- what every object may have ----------------------------------------- */

static void refs_members(struct cpython_visit *v)
{
	const struct cpython_type *t = v->o->type;

	for (uint32_t i = 0; i < t->n_refs; i++) {
		const struct cpython_ref *r = &t->refs[i];

		for (int k = 0; k < r->count; k++)
			cpython_edge(v, cpython_obj_word(v->o, r->offset +
							       8 * k),
				     r->label, 0, 0, r->text, r->flags);
	}
}

static bool refs_attributes(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	struct cpython_values values;
	struct cpython_keys k;
	uint64_t dict, n;

	if (o->type->kind == CPYTHON_KIND_TYPE)
		return true;
	dict = cpython_instance_dict(o);
	if (dict != 0) {
		cpython_edge_attr(v, dict, "__dict__", HEAPSH_EDGE_TABLE);
		return true;
	}
	if (!cpython_instance_values(o, &values))
		return true;
	if (!cpython_keys_open(o->m, o->type->cached_keys, &k))
		return false;
	n = (uint64_t)(k.n_entries < values.n ? k.n_entries : values.n);
	return each_entry(v, &k, values.addr, n, attribute);
}

/*
 * What the collector's list names before and after the object. Such an object
 * may be known to nobody else: cycles of objects outside the pools.
 */
static void neighbours(struct cpython_visit *v)
{
	const struct cpython_layout *l = v->o->m->lay;
	const int32_t links[] = { l->gc_next, l->gc_prev };

	for (int i = 0; i < 2; i++) {
		uint64_t at = cpython_obj_word(v->o,
					       links[i] - l->sizeof_gc_head);

		// the low bits of a link are marks; 0: not tracked
		at &= ~(uint64_t)CPYTHON_LINK_MARKS;
		if (at != 0)
			cpython_edge(v, at + (uint64_t)l->sizeof_gc_head,
				     HEAPSH_LABEL_NONE, 0, 0, NULL,
				     HEAPSH_EDGE_FOUND);
	}
}

bool cpython_refs(const struct cpython_obj *o, struct heapsh_sink *sink)
{
	struct cpython_visit v = {
		.o = o, .sink = sink,
		.frontier = (sink->want & HEAPSH_WANT_FRONTIER) != 0,
	};
	const struct cpython_type *t = o->type;
	bool whole;

	if (t->flags & HEAPSH_TYPE_LEAF)
		return true;
	whole = refs_kind(&v);
	refs_members(&v);
	if (t->more != CPYTHON_MORE_NONE)
		whole &= cpython_refs_more(&v);
	whole &= refs_attributes(&v);
	for (uint32_t i = 0; i < t->n_scans; i++)
		cpython_scan_words(&v, o->addr + (uint64_t)t->scans[i].from,
				   (uint64_t)(t->scans[i].to -
					      t->scans[i].from) / 8, NULL);
	if (o->told != NULL)
		cpython_refs_told(&v);
	if (v.frontier) {
		if (t->tp_flags & CPYTHON_TP_HAVE_GC)
			neighbours(&v);
	} else if (t->tp_flags & CPYTHON_TP_HEAPTYPE) {
		cpython_edge_attr(&v, t->address, "__class__",
				  HEAPSH_EDGE_CONTEXT);
	}
	return whole;
}
