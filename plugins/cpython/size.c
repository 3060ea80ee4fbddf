/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes. flat repeats sys.getsizeof(): each type's own __sizeof__ plus what
 * lies in front of the object (Python/sysmodule.c, _PySys_GetSizeOf). held is
 * what was asked of the allocator for the object itself (own) and for the
 * blocks that are its alone.
 */
#include "object.h"

#include "keys.h"
#include "quick.h"
#include "size_priv.h"

static bool is_heap(const struct cpython_type *t)
{
	return (t->tp_flags & CPYTHON_TP_HEAPTYPE) != 0;
}

/*
 * The block of an object of variable size. What makes instances of classes
 * asks for one item more (Objects/typeobject.c, PyType_GenericAlloc); known
 * types have makers of their own, which do not.
 */
static uint64_t var_block(const struct cpython_obj *o, struct cpython_size *ret,
			  uint64_t n, bool spare)
{
	const struct cpython_type *t = o->type;

	return cpython_align8((uint64_t)t->basic +
			      cpython_items(ret, n + spare, (uint64_t)t->item));
}

static void own_long(const struct cpython_obj *o, struct cpython_size *ret)
{
	uint64_t n = cpython_n_digits(o);

	if (n > CPYTHON_MAX_ITEMS) {
		ret->torn = true;
		return;
	}
	cpython_own_long(o->m->lay, n, ret);
	if (o->type->python)
		ret->own = var_block(o, ret, n, true);
}

/* A str without its pre-header, and its blocks elsewhere. */
static void own_str(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint32_t state = (uint32_t)cpython_obj_i32(o, l->str_state);
	uint64_t n = cpython_obj_word(o, l->str_length), data, utf8, wstr;
	uint32_t kind = state >> l->str_kind_bit & 7;
	bool compact = state >> l->str_compact_bit & 1;
	bool ascii = state >> l->str_ascii_bit & 1;

	if (kind > 4 || kind == 3 || (kind == 0 && compact))
		ret->torn = true;
	if (compact) {
		ret->own = (uint64_t)(ascii ? l->sizeof_str_ascii :
					      l->sizeof_str_compact) +
			   cpython_items(ret, n + 1, kind);
		data = o->addr + (uint64_t)l->sizeof_str_compact;
	} else {
		ret->own = (uint64_t)o->type->basic;
		data = cpython_obj_word(o, l->str_data);
		if (data != 0)
			ret->extra += cpython_items(ret, n + 1, kind);
	}
	if (compact && ascii) {
		data = o->addr + (uint64_t)l->sizeof_str_ascii;
	} else {
		utf8 = cpython_obj_word(o, l->str_utf8);
		if (utf8 != 0 && utf8 != data)
			ret->extra += cpython_items(ret, cpython_obj_word(
						o, l->str_utf8_length), 1) + 1;
	}
	wstr = cpython_obj_field(o, l->str_wstr);
	if (wstr != 0 && wstr != data) {
		if (!(compact && ascii))
			n = cpython_obj_word(o, l->str_wstr_length);
		ret->extra += cpython_items(ret, n + 1, 4);
	}
	// unicode_sizeof() knows no subclass
	ret->flat = (compact ? ret->own : (uint64_t)l->sizeof_str) +
		    ret->extra;
}

/* 3.13: room for values behind the object; see cpython_size of its class. */
static uint64_t inline_size(const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t n, size;

	n = (uint64_t)cpython_obj_u8(o, o->type->basic + l->values_capacity);
	size = 8 + n * 8 + cpython_align8(n);
	// the first instances of a class have room for one more: see keys.c
	if (o->block != 0 &&
	    ((uint64_t)o->type->pre + (uint64_t)o->type->basic + size + 15) /
			    16 * 16 < o->block)
		size = 8 + (n + 1) * 8 + cpython_align8(n + 1);
	return size;
}

/* Slots of the frame within a generator or a frame object, from 3.11 on. */
static uint64_t n_frame_slots(const struct cpython_obj *o,
			      struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t frame, code;
	int64_t n;

	frame = o->type->kind == CPYTHON_KIND_FRAME ?
			cpython_obj_word(o, l->frame_iframe) :
			o->addr + (uint64_t)l->gen_iframe;
	code = cpython_field(o->m, frame, l->iframe_code);
	n = (int64_t)cpython_i32(o->m, code, l->code_nlocalsplus, -1) +
	    cpython_i32(o->m, code, l->code_stacksize, -1);
	if (n < 0 || n > 1 << 24)
		ret->torn = true;
	return ret->torn ? 0 : (uint64_t)n;
}

static void own_frame(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_type *t = o->type;
	uint64_t n;

	n = o->m->lay->iframe_code >= 0 ? n_frame_slots(o, ret) :
	    t->item != 0 ? cpython_obj_size(o) : 0;
	ret->flat = ret->own = (uint64_t)t->basic + cpython_items(ret, n, 8);
}

/*
 * Without a time zone there is no room for one, which would be the last member
 * (Modules/_datetimemodule.c, time_alloc()). hastzinfo is a byte.
 */
static void own_time(const struct cpython_obj *o, struct cpython_size *ret,
		     int32_t hastzinfo, int32_t tzinfo)
{
	ret->flat = ret->own = (uint64_t)o->type->basic;
	if (!o->type->python && tzinfo > 0 &&
	    cpython_obj_u8(o, hastzinfo) == 0)
		ret->own = (uint64_t)tzinfo;
}

/* The object's block without its pre-header, and flat where that is near. */
static void own_body(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_type *t = o->type;
	uint64_t n;

	switch ((enum cpython_kind)t->kind) {
	case CPYTHON_KIND_LONG:
		own_long(o, ret);
		return;
	case CPYTHON_KIND_STR:
		own_str(o, ret);
		return;
	case CPYTHON_KIND_BYTES:
		n = cpython_obj_size(o);
		ret->flat = (uint64_t)t->basic + cpython_items(ret, n, 1);
		ret->own = t->python ? var_block(o, ret, n, true) : ret->flat;
		return;
	case CPYTHON_KIND_FRAME:
	case CPYTHON_KIND_GENERATOR:
		own_frame(o, ret);
		return;
	case CPYTHON_KIND_TIME:
		own_time(o, ret, o->m->lay->time_hastzinfo,
			 o->m->lay->time_tzinfo);
		return;
	case CPYTHON_KIND_DATETIME:
		own_time(o, ret, o->m->lay->datetime_hastzinfo,
			 o->m->lay->datetime_tzinfo);
		return;
	default:
		break;
	}
	ret->flat = ret->own = (uint64_t)t->basic;
	if (t->item != 0) {
		n = cpython_obj_size(o);
		ret->flat += cpython_items(ret, n, (uint64_t)t->item);
		if (o->m->lay->minor < 13)
			n += (uint64_t)t->hidden;
		ret->own = var_block(o, ret, n, t->python || t->kind ==
						CPYTHON_KIND_TYPE);
	}
	if (t->inline_values)
		ret->own += inline_size(o);
}

void cpython_own_size(const struct cpython_obj *o, struct cpython_size *ret)
{
	*ret = (struct cpython_size){ 0 };
	own_body(o, ret);
	ret->own += (uint64_t)o->type->pre;
}

enum cpython_quick cpython_quick_of(const struct cpython_type *t)
{
	switch ((enum cpython_kind)t->kind) {
	case CPYTHON_KIND_LONG:
		return t->python ? CPYTHON_QUICK_NONE : CPYTHON_QUICK_LONG;
	case CPYTHON_KIND_STR:
		return CPYTHON_QUICK_STR;
	case CPYTHON_KIND_TUPLE:
		return t->python || t->hidden ? CPYTHON_QUICK_NONE
					      : CPYTHON_QUICK_ITEMS;
	case CPYTHON_KIND_BYTES:
	case CPYTHON_KIND_FRAME:
	case CPYTHON_KIND_GENERATOR:
	case CPYTHON_KIND_TIME:
	case CPYTHON_KIND_DATETIME:
		return CPYTHON_QUICK_NONE;
	default:
		break;
	}
	if (t->item != 0 || t->inline_values)
		return CPYTHON_QUICK_NONE;
	return t->kind == CPYTHON_KIND_OTHER && !t->managed_dict &&
		       t->more == CPYTHON_MORE_NONE && !t->about
		       ? CPYTHON_QUICK_FIXED
		       : CPYTHON_QUICK_BLOCK;
}

/* --- what lies in other blocks ------------------------------------------ */

static void size_dict(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	struct cpython_values v;
	struct cpython_keys k;

	if (!cpython_keys_open(o->m, cpython_obj_word(o, l->ma_keys), &k)) {
		ret->torn = true;
		return;
	}
	if (k.refcount == 1)
		cpython_add(ret, k.size, 1);
	if (cpython_dict_values(o, &v)) {
		ret->flat += (uint64_t)v.n * 8;
		ret->held += v.size;
	}
}

static void size_odict(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;

	size_dict(o, ret);
	cpython_add(ret, cpython_obj_word(o, l->odict_fast_nodes_size), 8);
	if (cpython_obj_word(o, l->odict_first) != 0)
		cpython_add(ret, cpython_obj_word(o, l->ma_used),
		    (uint64_t)l->sizeof_odictnode);
}

static void size_list(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t allocated = cpython_obj_word(o, l->list_allocated);

	// while list.sort() runs, allocated is -1 and the items are elsewhere
	if (cpython_obj_size(o) > allocated || allocated > CPYTHON_MAX_ITEMS)
		ret->torn = true;
	else
		cpython_add(ret, allocated, 8);
}

static void size_set(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t mask = cpython_obj_word(o, l->set_mask);

	if ((mask & (mask + 1)) != 0 || mask > CPYTHON_MAX_ITEMS ||
	    cpython_obj_word(o, l->set_used) > mask)
		ret->torn = true;
	else if (cpython_obj_word(o, l->set_table) !=
		 o->addr + (uint64_t)l->set_smalltable)
		cpython_add(ret, mask + 1, (uint64_t)l->sizeof_setentry);
}

/* Modules/_collectionsmodule.c, deque_sizeof(): BLOCKLEN is 64 */
static void size_deque(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t left = cpython_obj_word(o, l->deque_leftindex);
	uint64_t n = cpython_obj_size(o);

	if (left > 64 || n > CPYTHON_MAX_ITEMS) {
		ret->torn = true;
		return;
	}
	cpython_add(ret, (left + n + 63) / 64, (uint64_t)l->sizeof_dequeblock);
	ret->held += cpython_items(ret, cpython_obj_field(
					o, l->deque_numfreeblocks),
			       (uint64_t)l->sizeof_dequeblock);
}

/*
 * sys.getsizeof() counts a header that a static type has not: 3.11 and 3.12 do
 * for all, 3.13 for those whose metatype is not `type` itself, numpy's dtypes
 * (Python/sysmodule.c, _PySys_GetSizeOf()).
 */
static bool counts_absent_header(const struct cpython_obj *o)
{
	int minor = (int)o->m->lay->minor;

	return minor == 11 || minor == 12 ||
	       (minor > 12 && o->type->address != o->st->type_type);
}

static void size_type(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t flags = cpython_obj_word(o, l->tp_flags);
	struct cpython_keys k;

	if (!(flags & CPYTHON_TP_HEAPTYPE)) {
		ret->flat = (uint64_t)l->sizeof_type;
		if (counts_absent_header(o))
			ret->flat += (uint64_t)o->type->pre;
		ret->own = ret->held = (uint64_t)l->sizeof_type;
		return;
	}
	ret->flat = (uint64_t)l->sizeof_heap_type + (uint64_t)o->type->pre;
	if (cpython_keys_open(o->m, cpython_obj_word(o, l->ht_cached_keys),
			      &k))
		cpython_add(ret, k.size, 1);
}

static void size_module(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t def = cpython_obj_word(o, l->md_def);
	int64_t n;

	if (cpython_obj_word(o, l->md_state) == 0)
		return;
	n = cpython_i64(o->m, def, l->moduledef_size, 0);
	if (n > 0 && n < 1 << 20)
		ret->held += (uint64_t)n;
}

/* Length of a tuple, bytes, … or 0. */
static uint64_t length_of(const struct cpython_obj *o, uint64_t addr)
{
	int64_t n = cpython_i64(o->m, addr, o->m->lay->ob_size, 0);

	return n < 0 ? 0 : (uint64_t)n;
}

/* Objects/codeobject.c, code_sizeof() */
static void size_code(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t extra = cpython_obj_field(o, l->code_extra), cells;

	ret->flat = ret->own;	// also rounded up
	if (extra != 0)
		cpython_add(ret, (uint64_t)l->sizeof_code_extra - 8 +
			 8 * (uint64_t)cpython_i64(o->m, extra,
						   l->code_extra_size, 0), 1);
	if (cpython_obj_field(o, l->code_cell2arg) != 0) {
		cells = cpython_obj_word(o, l->code_cellvars);
		cpython_add(ret, length_of(o, cells), 8);
	}
	if (cpython_obj_field(o, l->code_opcache) != 0) {
		cpython_add(ret,
			    length_of(o, cpython_obj_word(o, l->code_code)) / 2,
			    1);
		// An unsigned char, and padding.
		cpython_add(ret,
			    (uint64_t)cpython_obj_i32(o, l->code_opcache_size) &
				    0xff,
			    (uint64_t)l->sizeof_opcache);
	}
}

/* Objects/frameobject.c, frame_sizeof(), up to 3.10 */
static void size_frame(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t code = cpython_obj_field(o, l->frame_code), n;

	if (code == 0)
		return;
	n = (uint64_t)cpython_i32(o->m, code, l->code_stacksize, 0) +
	    (uint64_t)cpython_i32(o->m, code, l->code_nlocals, 0) +
	    length_of(o, cpython_field(o->m, code, l->code_cellvars)) +
	    length_of(o, cpython_field(o->m, code, l->code_freevars));
	ret->flat = (uint64_t)o->type->pre + (uint64_t)l->sizeof_frame - 8 +
		    cpython_items(ret, n, 8);
}

static void size_bytesio(const struct cpython_obj *o, struct cpython_size *ret)
{
	uint64_t buf = cpython_obj_word(o, o->m->lay->bytesio_buf);

	// shared with others: then it is not counted
	if (cpython_i64(o->m, buf, o->m->lay->ob_refcnt, 0) == 1)
		ret->flat += (uint64_t)o->m->lay->bytes_data + 1 +
			     length_of(o, buf);
}

static void size_array(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t descr = cpython_obj_word(o, l->array_descr);

	cpython_add(ret, cpython_obj_word(o, l->array_allocated),
	    (uint64_t)cpython_i32(o->m, descr, l->arraydescr_itemsize, 0));
}

/* Modules/_struct.c, s_sizeof(): codes up to and with the one of no type */
static void size_struct(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t code = cpython_obj_word(o, l->struct_codes), n = 1;

	while (n < 1 << 16 && cpython_field(o->m, code,
					    l->formatcode_fmtdef) != 0) {
		code += (uint64_t)l->sizeof_formatcode;
		n++;
	}
	cpython_add(ret, n, (uint64_t)l->sizeof_formatcode);
}

/* Modules/_decimal/libmpdec/mpdecimal.h, MPD_DATAFLAGS */
static void size_decimal(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;

	if ((cpython_obj_word(o, l->decimal_flags) & 0xe0) == 0)
		cpython_add(ret, cpython_obj_word(o, l->decimal_alloc), 8);
}

static void size_element(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t extra = cpython_obj_word(o, l->element_extra);
	uint64_t children;

	if (extra == 0)
		return;
	cpython_add(ret, (uint64_t)l->sizeof_elementextra, 1);
	children = cpython_field(o->m, extra, l->elementextra_children);
	if (children != extra + (uint64_t)l->elementextra_own)
		cpython_add(ret, (uint64_t)cpython_i64(o->m, extra,
					       l->elementextra_allocated, 0),
		    8);
}

/* From 3.13, Modules/_queuemodule.c, RingBuf; a list up to 3.12 */
static void size_queue(const struct cpython_obj *o, struct cpython_size *ret)
{
	ret->held += cpython_items(ret, cpython_obj_field(
					o, o->m->lay->queue_items_cap), 8);
}

static void size_permutations(const struct cpython_obj *o,
			      struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;

	cpython_add(ret,
		    length_of(o, cpython_obj_word(o, l->permutations_pool)), 8);
	cpython_add(ret, cpython_obj_word(o, l->permutations_r), 8);
}

static void size_other(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;

	switch ((enum cpython_kind)o->type->kind) {
	case CPYTHON_KIND_BYTEARRAY:
		cpython_add(ret, cpython_obj_word(o, l->bytearray_alloc), 1);
		break;
	case CPYTHON_KIND_BUFFERED:
		if (cpython_obj_word(o, l->buffered_buffer) != 0)
			cpython_add(ret,
				    cpython_obj_word(o,
						     l->buffered_buffer_size),
				    1);
		break;
	case CPYTHON_KIND_STRINGIO:
		ret->held += cpython_items(ret, cpython_obj_word(
						o, l->stringio_buf_size), 4);
		break;
	case CPYTHON_KIND_QUEUE:
		size_queue(o, ret);
		break;
	case CPYTHON_KIND_COMBINATIONS:
		cpython_add(ret, cpython_obj_word(o, l->combinations_r), 8);
		break;
	case CPYTHON_KIND_CWR:
		cpython_add(ret, cpython_obj_word(o, l->cwr_r), 8);
		break;
	case CPYTHON_KIND_PERMUTATIONS:
		size_permutations(o, ret);
		break;
	case CPYTHON_KIND_PRODUCT:
		cpython_add(ret,
			    length_of(o, cpython_obj_word(o, l->product_pools)),
			    8);
		break;
	default:
		break;
	}
}

static void size_blocks(const struct cpython_obj *o, struct cpython_size *ret)
{
	switch ((enum cpython_kind)o->type->kind) {
	case CPYTHON_KIND_STR:
		ret->held += ret->extra;
		break;
	case CPYTHON_KIND_LIST:
		size_list(o, ret);
		break;
	case CPYTHON_KIND_DICT:
		size_dict(o, ret);
		break;
	case CPYTHON_KIND_ODICT:
		size_odict(o, ret);
		break;
	case CPYTHON_KIND_SET:
		size_set(o, ret);
		break;
	case CPYTHON_KIND_DEQUE:
		size_deque(o, ret);
		break;
	case CPYTHON_KIND_TYPE:
		size_type(o, ret);
		break;
	case CPYTHON_KIND_MODULE:
		size_module(o, ret);
		break;
	case CPYTHON_KIND_CODE:
		size_code(o, ret);
		break;
	case CPYTHON_KIND_FRAME:
		size_frame(o, ret);
		break;
	case CPYTHON_KIND_BYTESIO:
		size_bytesio(o, ret);
		break;
	case CPYTHON_KIND_ARRAY:
		size_array(o, ret);
		break;
	case CPYTHON_KIND_STRUCT:
		size_struct(o, ret);
		break;
	case CPYTHON_KIND_DECIMAL:
		size_decimal(o, ret);
		break;
	case CPYTHON_KIND_ELEMENT:
		size_element(o, ret);
		break;
	case CPYTHON_KIND_OTHER:
	case CPYTHON_KIND_LONG:
	case CPYTHON_KIND_BYTES:
	case CPYTHON_KIND_TUPLE:
		break;
	default:
		size_other(o, ret);
	}
}

void cpython_rest_size(const struct cpython_obj *o,
		       const struct cpython_values *values,
		       struct cpython_size *ret)
{
	ret->flat += (uint64_t)o->type->pre;
	ret->held = ret->own;
	size_blocks(o, ret);
	if (o->type->more != CPYTHON_MORE_NONE)
		cpython_more_size(o, ret);
	if (values != NULL && is_heap(o->type))
		ret->held += values->size;
}

void cpython_size(const struct cpython_obj *o, struct cpython_size *ret)
{
	struct cpython_values v;

	cpython_own_size(o, ret);
	cpython_rest_size(o, cpython_instance_values(o, &v) ? &v : NULL, ret);
}
