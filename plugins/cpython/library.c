/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of the standard library that keep references or bytes in blocks of
 * their own form: sizes as their __sizeof__ counts them, and references that
 * lie in no member of the object. All of it is in Modules/ of CPython 3.8 to
 * 3.13, each in the file that is named after the module.
 */
#include "refs_priv.h"
#include "size_priv.h"

#include <string.h>

enum {
	/* pyexpat.c, handler_info[]: the same 22 in 3.8 to 3.13 */
	EXPAT_HANDLERS = 22,
	MAX_TEXT = 1 << 24, /* bytes of a C string */
	MAX_NODES = 1 << 22, /* of a parse tree */
	MAX_DEPTH = 4096, /* nodes of it that are not done with */
	/* ALIGNOF_MAX_ALIGN_T: where what a metatype adds to a type begins */
	TYPE_DATA_ALIGN = 16,
};

/* --- references --------------------------------------------------------- */

/* Records side by side; bit i of refs says that their word i is one. */
struct records {
	uint64_t n_words;
	uint32_t refs;
	const char *text;
};

static void record_word(struct cpython_visit *v, uint64_t index, uint64_t word,
			void *arg)
{
	const struct records *r = arg;

	if (r->refs >> index % r->n_words & 1)
		cpython_edge_field(v, word, r->text);
}

static bool refs_records(struct cpython_visit *v, uint64_t addr, uint64_t n,
			 int32_t size, uint32_t refs, const char *text)
{
	struct records r = {
		.n_words = (uint64_t)size / 8,
		.refs = refs,
		.text = text,
	};

	if (addr == 0 || n == 0)
		return true;
	if (size < 8 || n > CPYTHON_MAX_ITEMS / (uint64_t)size)
		return false;
	return cpython_each_word(v, addr, n * r.n_words, record_word, &r);
}

static bool refs_pickler(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint64_t memo = cpython_obj_word(o, l->pickler_memo);

	return refs_records(
		v, cpython_field(o->m, memo, l->memotable_entries),
		(uint64_t)cpython_i64(o->m, memo, l->memotable_allocated, 0),
		l->sizeof_memoentry, 1U << l->memoentry_key / 8, "memo");
}

/* From 3.11 a callback lies in a block with the module it belongs to. */
static bool refs_sqlite(struct cpython_visit *v)
{
	const struct cpython_layout *l = v->o->m->lay;
	const struct {
		int32_t field;
		const char *callable, *module;
	} all[] = {
		{ l->sqlite_trace, "trace_ctx->callable", "trace_ctx->module" },
		{ l->sqlite_progress, "progress_ctx->callable",
		  "progress_ctx->module" },
		{ l->sqlite_authorizer, "authorizer_ctx->callable",
		  "authorizer_ctx->module" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t at = cpython_obj_field(v->o, all[i].field);

		cpython_edge_field(
			v, cpython_field(v->o->m, at, l->sqlite_callable),
			all[i].callable);
		cpython_edge_field(v,
				   cpython_field(v->o->m, at, l->sqlite_module),
				   all[i].module);
	}
	return true;
}

/* Up to 3.10: statements that were prepared, in a list. */
static bool refs_sqlite_cache(struct cpython_visit *v)
{
	const struct cpython_layout *l = v->o->m->lay;
	uint64_t at = cpython_obj_field(v->o, l->sqlite_cache_first);
	struct cpython_chain chain = { 0 };

	while (at != 0 && !cpython_chain_repeats(&chain, at)) {
		cpython_edge_field(v, at, "nodes");
		at = cpython_field(v->o->m, at, l->sqlite_node_next);
	}
	return at == 0;
}

static bool refs_zoneinfo(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;
	uint32_t refs = 1U << l->ttinfo_utcoff / 8 |
			1U << l->ttinfo_dstoff / 8 | 1U << l->ttinfo_tzname / 8;

	return refs_records(v, cpython_obj_word(o, l->zone_ttinfos),
			    cpython_obj_word(o, l->zone_num_ttinfos),
			    l->sizeof_ttinfo, refs, "ttinfos");
}

/* From 3.13: what ctypes knows of a type lies behind the type itself. */
static uint64_t type_data(const struct cpython_obj *o)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t at = ((uint64_t)l->sizeof_heap_type + TYPE_DATA_ALIGN - 1) &
		      ~(uint64_t)(TYPE_DATA_ALIGN - 1);

	return l->stginfo_initialized >= 0 &&
			       cpython_obj_i32(
				       o, (int32_t)at +
						  l->stginfo_initialized) != 0
		       ? o->addr + at
		       : 0;
}

static bool refs_ctype(struct cpython_visit *v)
{
	const struct cpython_mem *m = v->o->m;
	const struct cpython_layout *l = m->lay;
	const struct {
		int32_t field;
		const char *name;
	} all[] = {
		{ l->stginfo_proto, "proto" },
		{ l->stginfo_argtypes, "argtypes" },
		{ l->stginfo_converters, "converters" },
		{ l->stginfo_restype, "restype" },
		{ l->stginfo_checker, "checker" },
		{ l->stginfo_module, "module" },
	};
	uint64_t at = type_data(v->o);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cpython_edge_field(v, cpython_field(m, at, all[i].field),
				   all[i].name);
	return true;
}

bool cpython_refs_more(struct cpython_visit *v)
{
	const struct cpython_obj *o = v->o;
	const struct cpython_layout *l = o->m->lay;

	switch ((enum cpython_more)o->type->more) {
	case CPYTHON_MORE_PDATA:
		return refs_records(v, cpython_obj_word(o, l->pdata_items),
				    cpython_obj_size(o), 8, 1, "data");
	case CPYTHON_MORE_PICKLER:
		return refs_pickler(v);
	case CPYTHON_MORE_UNPICKLER:
		return refs_records(v, cpython_obj_word(o, l->unpickler_memo),
				    cpython_obj_word(o, l->unpickler_memo_size),
				    8, 1, "memo");
	case CPYTHON_MORE_CTYPE:
		return refs_ctype(v);
	case CPYTHON_MORE_SQLITE:
		return refs_sqlite(v);
	case CPYTHON_MORE_SQLITE_CACHE:
		return refs_sqlite_cache(v);
	case CPYTHON_MORE_TEMPLATE:
		// items of an index and a text
		return refs_records(v, o->addr + (uint64_t)l->template_items,
				    cpython_obj_size(o), 16, 2, "items");
	case CPYTHON_MORE_EXPAT:
		return refs_records(v, cpython_obj_word(o, l->expat_handlers),
				    EXPAT_HANDLERS, 8, 1, "handlers");
	case CPYTHON_MORE_ZONEINFO:
		return refs_zoneinfo(v);
	default:
		return cpython_refs_numpy(v);
	}
}

/* --- sizes -------------------------------------------------------------- */

/* Bytes of a C string with its NUL; 0: there is none. */
static uint64_t text_size(const struct cpython_mem *m, uint64_t addr)
{
	char buf[256];
	uint64_t n = 0;
	int take;

	while (addr != 0 && n < MAX_TEXT) {
		take = cpython_cstr(m, addr + n, buf, sizeof(buf));
		if (take < 0)
			break;
		n += (uint64_t)take;
		if (take < (int)sizeof(buf) - 1)
			return n + 1;
	}
	return n;
}

static void size_pickler(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t memo = cpython_obj_word(o, l->pickler_memo);
	uint64_t out = cpython_obj_word(o, l->pickler_output);

	if (memo != 0) {
		cpython_add(ret, (uint64_t)l->sizeof_memotable, 1);
		cpython_add(ret,
			    (uint64_t)cpython_i64(o->m, memo,
						  l->memotable_allocated, 0),
			    (uint64_t)l->sizeof_memoentry);
	}
	// an object of its own, which __sizeof__ counts all the same
	if (out != 0)
		ret->flat += (uint64_t)l->bytes_data + 1 +
			     cpython_items(ret,
					   (uint64_t)cpython_i64(o->m, out,
								 l->ob_size, 0),
					   1);
}

static void size_unpickler(const struct cpython_obj *o,
			   struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	const int32_t texts[] = { l->unpickler_line, l->unpickler_encoding,
				  l->unpickler_errors };

	if (cpython_obj_word(o, l->unpickler_memo) != 0)
		cpython_add(ret, cpython_obj_word(o, l->unpickler_memo_size),
			    8);
	if (cpython_obj_word(o, l->unpickler_marks) != 0)
		cpython_add(ret, cpython_obj_word(o, l->unpickler_marks_size),
			    8);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cpython_add(ret, text_size(o->m, cpython_obj_word(o, texts[i])),
			    1);
}

/* What ctypes knows of a type: PyCStgDict_sizeof(), CType_Type_sizeof() */
static void size_stginfo(const struct cpython_mem *m, uint64_t at,
			 int32_t format, int32_t ndim, int32_t length,
			 int32_t elements, struct cpython_size *ret)
{
	cpython_add(ret, text_size(m, cpython_field(m, at, format)), 1);
	cpython_add(ret, (uint64_t)(uint32_t)cpython_i32(m, at, ndim, 0), 8);
	if (cpython_field(m, at, elements) != 0)
		cpython_add(ret, (uint64_t)cpython_i64(m, at, length, 0) + 1,
			    8);
}

static void size_ctype(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t at = type_data(o);

	ret->flat = (uint64_t)o->type->pre + (uint64_t)o->type->basic +
		    cpython_items(ret, cpython_obj_size(o),
				  (uint64_t)o->type->item);
	if (at != 0)
		size_stginfo(o->m, at, l->stginfo_format, l->stginfo_ndim,
			     l->stginfo_length, l->stginfo_elements, ret);
}

/* ctypes.c, PyCData_MallocBuffer(): small ones lie in the object */
static void size_cdata(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t at = cpython_obj_word(o, l->cdata_ptr);

	if (cpython_obj_i32(o, l->cdata_needsfree) != 0 && at != 0 &&
	    at != o->addr + (uint64_t)l->cdata_value)
		ret->held += cpython_items(
			ret, cpython_obj_word(o, l->cdata_size), 1);
}

/* Parser/node.c: room for n children; a large n is made a power of two */
static uint64_t children_room(uint64_t n)
{
	uint64_t room = 256;

	if (n <= 1)
		return n;
	if (n <= 128)
		return (n + 3) & ~UINT64_C(3);
	while (room < n)
		room *= 2;
	return room;
}

/* Up to 3.9, Parser/node.c, _PyNode_SizeOf() */
static void size_parser(const struct cpython_obj *o, struct cpython_size *ret)
{
	const struct cpython_mem *m = o->m;
	const struct cpython_layout *l = m->lay;
	uint64_t todo[MAX_DEPTH], left[MAX_DEPTH], at, n;
	int depth = 1, seen = 0;
	uint8_t first;

	todo[0] = cpython_obj_field(o, l->st_node);
	left[0] = todo[0] != 0;
	cpython_add(ret, left[0], (uint64_t)l->sizeof_node);
	while (depth > 0 && !cpython_cancelled(m, seen) &&
	       seen++ < MAX_NODES) {
		if (left[depth - 1]-- == 0) {
			depth--;
			continue;
		}
		at = todo[depth - 1];
		// a number of children may be any: no more than there are
		if (!cpython_copy(m, at, &first, sizeof(first))) {
			ret->torn = true;
			return;
		}
		todo[depth - 1] += (uint64_t)l->sizeof_node;
		cpython_add(ret,
			    text_size(m, cpython_field(m, at, l->node_str)), 1);
		n = (uint64_t)(uint32_t)cpython_i32(m, at, l->node_nchildren,
						    0);
		at = cpython_field(m, at, l->node_child);
		if (at == 0 || n == 0 || depth == MAX_DEPTH)
			continue;
		cpython_add(ret, children_room(n), (uint64_t)l->sizeof_node);
		todo[depth] = at;
		left[depth++] = n;
	}
}

void cpython_more_size(const struct cpython_obj *o, struct cpython_size *s)
{
	const struct cpython_layout *l = o->m->lay;

	switch ((enum cpython_more)o->type->more) {
	case CPYTHON_MORE_PICKLER:
		size_pickler(o, s);
		break;
	case CPYTHON_MORE_UNPICKLER:
		size_unpickler(o, s);
		break;
	case CPYTHON_MORE_STGDICT:
		// PyCStgDict_sizeof() counts what dict's has counted
		s->flat += (uint64_t)(o->type->basic - l->sizeof_dict);
		size_stginfo(o->m, o->addr, l->stgdict_format, l->stgdict_ndim,
			     l->stgdict_length, l->stgdict_elements, s);
		break;
	case CPYTHON_MORE_CTYPE:
		size_ctype(o, s);
		break;
	case CPYTHON_MORE_CDATA:
		size_cdata(o, s);
		break;
	case CPYTHON_MORE_PARSER:
		size_parser(o, s);
		break;
	default:
		cpython_numpy_size(o, s);
		break;
	}
}
