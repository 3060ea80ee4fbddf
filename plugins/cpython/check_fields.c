/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What members of objects must be, beyond being objects: a function's name is
 * a str, a code object has as many names as variables.
 */
#include "check_priv.h"

#include <stddef.h>

#include "keys.h"
#include "kinds.h"
#include "plain.h"

enum { CO_GENERATOR = 0x20 };	/* Include/code.h, 3.8-3.13 */

enum what {
	ANY,		/* an object */
	STR, TUPLE, BYTES, DICT, TYPE, CODE, FUNCTION,
	KEYS,		/* a table of a dict */
	NAMED,		/* a C string, or a structure that begins with one */
	METHOD,		/* PyMethodDef */
	SMALL,		/* an int from 0 to a million */
	BLOCK,		/* memory that is no object */
	COUNT,		/* a word from 0 to 2^40 */
	FLAG,		/* a byte, 0 or 1 */
};

#define FIELD(name) offsetof(struct cpython_layout, name), #name

// clang-format off
static const struct expectation {
	const char *type;		/* tp_name */
	size_t field;
	const char *text;
	enum what what;
	bool or_null;
} expectations[] = {
	{"type", FIELD(tp_bases), TUPLE, true},
	{"type", FIELD(tp_mro), TUPLE, true},
	{"type", FIELD(tp_base), TYPE, true},
	{"type", FIELD(tp_cache), ANY, true},
	{"type", FIELD(tp_dict), DICT, true},
	{"type", FIELD(tp_name), NAMED, false},
	{"heap type", FIELD(tp_dict), DICT, false},
	{"heap type", FIELD(ht_name), STR, false},
	{"heap type", FIELD(ht_qualname), STR, false},
	{"heap type", FIELD(ht_slots), TUPLE, true},
	{"heap type", FIELD(ht_module), ANY, true},
	{"heap type", FIELD(ht_cached_keys), KEYS, true},
	{"heap type", FIELD(tp_subclasses), DICT, true},
	{"function", FIELD(func_code), CODE, false},
	{"function", FIELD(func_globals), DICT, false},
	{"function", FIELD(func_name), STR, false},
	{"function", FIELD(func_qualname), STR, false},
	{"function", FIELD(func_closure), TUPLE, true},
	{"function", FIELD(func_module), ANY, true},
	{"method", FIELD(im_func), ANY, false},
	{"method", FIELD(im_self), ANY, false},
	{"builtin_function_or_method", FIELD(cfunc_ml), METHOD, false},
	{"builtin_function_or_method", FIELD(cfunc_self), ANY, true},
	{"module", FIELD(md_dict), DICT, true},
	{"weakref", FIELD(wr_object), ANY, false},
	{"weakref.ReferenceType", FIELD(wr_object), ANY, false},
	{"cell", FIELD(cell_ref), ANY, true},
	{"member_descriptor", FIELD(descr_type), TYPE, false},
	{"member_descriptor", FIELD(descr_name), STR, false},
	{"member_descriptor", FIELD(member_descr_def), NAMED, false},
	{"mappingproxy", FIELD(proxy_mapping), ANY, false},
	{"slice", FIELD(slice_start), ANY, false},
	{"slice", FIELD(slice_stop), ANY, false},
	{"slice", FIELD(slice_step), ANY, false},
	{"range", FIELD(range_start), ANY, false},
	{"range", FIELD(range_stop), ANY, false},
	{"range", FIELD(range_step), ANY, false},
	{"types.SimpleNamespace", FIELD(namespace_dict), DICT, false},
	{"collections.defaultdict", FIELD(defdict_factory), ANY, true},
	{"code", FIELD(code_name), STR, false},
	{"code", FIELD(code_qualname), STR, false},
	{"code", FIELD(code_filename), STR, false},
	{"code", FIELD(code_consts), TUPLE, false},
	{"code", FIELD(code_names), TUPLE, false},
	{"code", FIELD(code_varnames), TUPLE, false},
	{"code", FIELD(code_freevars), TUPLE, false},
	{"code", FIELD(code_cellvars), TUPLE, false},
	{"code", FIELD(code_localsplusnames), TUPLE, false},
	{"code", FIELD(code_localspluskinds), BYTES, false},
	{"code", FIELD(code_linetable), BYTES, false},
	{"code", FIELD(code_code), BYTES, false},
	{"code", FIELD(code_argcount), SMALL, false},
	{"code", FIELD(code_kwonlyargcount), SMALL, false},
	{"code", FIELD(code_nlocals), SMALL, false},
	{"code", FIELD(code_nlocalsplus), SMALL, false},
	{"code", FIELD(code_stacksize), SMALL, false},
	{"code", FIELD(code_firstlineno), SMALL, false},
	{"code", FIELD(code_cell2arg), BLOCK, true},
	{"code", FIELD(code_extra), BLOCK, true},
	{"code", FIELD(code_opcache), BLOCK, true},
	{"frame", FIELD(frame_trace), ANY, true},
	{"frame", FIELD(frame_back), ANY, true},
	{"generator", FIELD(gen_qualname), STR, false},
	{"coroutine", FIELD(gen_qualname), STR, false},
	{"collections.deque", FIELD(deque_leftindex), SMALL, false},
	{"collections.deque", FIELD(deque_left), BLOCK, false},
	{"collections.deque", FIELD(deque_numfreeblocks), COUNT, false},
	{"collections.OrderedDict", FIELD(odict_fast_nodes_size), COUNT, false},
	{"collections.OrderedDict", FIELD(odict_first), BLOCK, true},
	{"array.array", FIELD(array_descr), BLOCK, false},
	{"array.array", FIELD(array_allocated), COUNT, false},
	{"Struct", FIELD(struct_codes), BLOCK, true},
	{"_struct.Struct", FIELD(struct_codes), BLOCK, true},
	{"decimal.Decimal", FIELD(decimal_alloc), COUNT, false},
	{"xml.etree.ElementTree.Element", FIELD(element_extra), BLOCK, true},
	{"datetime.time", FIELD(time_hastzinfo), FLAG, false},
	{"datetime.datetime", FIELD(datetime_hastzinfo), FLAG, false},
	{"_queue.SimpleQueue", FIELD(queue_items), BLOCK, false},
	{"_queue.SimpleQueue", FIELD(queue_items_cap), COUNT, false},
	{"_queue.SimpleQueue", FIELD(queue_num_items), COUNT, false},
	{"_queue.SimpleQueue", FIELD(queue_get_idx), COUNT, false},
	{"_io.StringIO", FIELD(stringio_buf_size), COUNT, false},
	{"_io.BufferedReader", FIELD(buffered_buffer), BLOCK, true},
	{"_io.BufferedReader", FIELD(buffered_buffer_size), COUNT, false},
	{"_io.BufferedWriter", FIELD(buffered_buffer), BLOCK, true},
};
// clang-format on

static bool form_is(const struct cpython_mem *m, uint64_t v, uint64_t flag)
{
	return (cpython_flags_of(m, v) & flag) != 0;
}

static bool named(const struct cpython_mem *m, uint64_t v)
{
	char name[80];

	if (cpython_cstr(m, v, name, sizeof(name)) <= 0)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			return false;
	return true;
}

/* Does it point into a mapping that can be executed? */
static bool is_code(const struct cpython_mem *m, uint64_t addr)
{
	struct heapsh_mapping map;

	for (uint32_t i = 0;; i++) {
		map = (struct heapsh_mapping){ .size = sizeof(map) };
		if (!m->host->mapping(m->im, i, &map))
			return false;
		if (addr >= map.start && addr < map.end)
			return (map.prot & 4) != 0;
	}
}

static bool is_keys(const struct cpython_mem *m, uint64_t v)
{
	struct cpython_keys keys;

	return cpython_keys_open(m, v, &keys) && keys.refcount > 0;
}

static bool is(const struct cpython_obj *o, const struct expectation *e,
	       int32_t at)
{
	const struct cpython_mem *m = o->m;
	uint64_t v = cpython_obj_word(o, at);

	if (e->what == COUNT)
		return v >> 40 == 0;
	if (e->what == FLAG)
		return (v & 0xff) <= 1;
	if (e->what == SMALL)
		return (uint32_t)cpython_obj_i32(o, at) < 1000000;
	if (v == 0)
		return e->or_null;
	switch (e->what) {
	case ANY:
		return cpython_living(o->st, m, v);
	case STR:
		return form_is(m, v, CPYTHON_TP_UNICODE);
	case TUPLE:
		return form_is(m, v, CPYTHON_TP_TUPLE);
	case BYTES:
		return form_is(m, v, CPYTHON_TP_BYTES);
	case DICT:
		return form_is(m, v, CPYTHON_TP_DICT);
	case TYPE:
		return form_is(m, v, CPYTHON_TP_TYPE);
	case CODE:
		return cpython_form_of(m, v) == CPYTHON_FORM_CODE;
	case FUNCTION:
		return cpython_form_of(m, v) == CPYTHON_FORM_FUNCTION;
	case KEYS:
		return is_keys(m, v);
	case NAMED:
		if (e->field != offsetof(struct cpython_layout, tp_name))
			v = cpython_word(m, v);
		return named(m, v);
	case BLOCK:
		return cpython_plausible(v) && !cpython_living(o->st, m, v);
	case METHOD:
		// flags: Include/methodobject.h, the highest is METH_METHOD
		return named(m, cpython_field(m, v, m->lay->ml_name)) &&
		       is_code(m, cpython_field(m, v, m->lay->ml_meth)) &&
		       (uint32_t)cpython_i32(m, v, m->lay->ml_flags, -1) <
			       0x400;
	default:
		return false;
	}
}

static int64_t tuple_length(const struct cpython_obj *o, int32_t field)
{
	return cpython_i64(o->m, cpython_obj_field(o, field),
			   o->m->lay->ob_size, -1);
}

/* Numbers of a code object that say the same. */
static void check_code(const struct cpython_obj *o, cpython_met_fn *met,
		       void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	int32_t locals = cpython_obj_i32(o, l->code_nlocals);
	int32_t plus = cpython_obj_i32(o, l->code_nlocalsplus);
	uint32_t first;

	if (l->code_varnames >= 0)
		met(arg, "co_nlocals",
		    tuple_length(o, l->code_varnames) == locals);
	if (l->code_nlocalsplus >= 0)
		met(arg, "co_nlocalsplus",
		    tuple_length(o, l->code_localsplusnames) == plus &&
			    tuple_length(o, l->code_localspluskinds) == plus &&
			    locals <= plus);
	if (l->code_adaptive >= 0)
		met(arg, "co_code_adaptive",
		    l->code_adaptive == o->type->basic);
	// what makes a generator comes before; code that is never run may
	// have no such instruction
	first = (uint32_t)cpython_obj_i32(o, l->code_firsttraceable);
	if (l->code_firsttraceable >= 0 &&
	    (cpython_obj_i32(o, l->code_flags) & CO_GENERATOR) != 0)
		met(arg, "_co_firsttraceable of a generator",
		    first > 0 && first <= cpython_obj_size(o));
	met(arg, "co_argcount",
	    cpython_obj_i32(o, l->code_argcount) <= locals);
	met(arg, "co_kwonlyargcount",
	    cpython_obj_i32(o, l->code_kwonlyargcount) <= locals);
}

static bool has_dot(const struct cpython_obj *o, int32_t field)
{
	char name[160];

	return cpython_str_copy(o->m, cpython_obj_field(o, field), name,
				sizeof(name)) > 0 &&
	       strchr(name, '.') != NULL;
}

/* The qualified name of a method has dots, its name has none. */
static void check_function(const struct cpython_obj *o, cpython_met_fn *met,
			   void *arg)
{
	const struct cpython_layout *l = o->m->lay;

	if (has_dot(o, l->func_qualname))
		met(arg, "__name__ of a method", !has_dot(o, l->func_name));
}

static void check_generator(const struct cpython_obj *o, cpython_met_fn *met,
			    void *arg)
{
	int state = cpython_u8(o->m, o->addr, o->m->lay->gen_frame_state, 0);

	// enum _framestate, from -3 on: Include/internal/pycore_frame.h
	met(arg, "gi_frame_state", (uint8_t)(state + 3) < 8);
}

static uint64_t first_item(const struct cpython_obj *o, int32_t field)
{
	return cpython_word(o->m, cpython_obj_field(o, field) +
				  (uint64_t)o->m->lay->tuple_items);
}

/* A type comes first in its own __mro__; what deallocates is code. */
static void check_type(const struct cpython_obj *o, cpython_met_fn *met,
		       void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	const struct cpython_type *t = cpython_type(o->st, o->m, o->addr);
	uint64_t base = cpython_obj_word(o, l->tp_base);

	met(arg, "__mro__", cpython_obj_field(o, l->tp_mro) == 0 ||
				    first_item(o, l->tp_mro) == o->addr);
	met(arg, "__bases__", cpython_obj_field(o, l->tp_bases) == 0 ||
				      base == 0 ||
				      form_is(o->m, first_item(o, l->tp_bases),
					      CPYTHON_TP_TYPE));
	met(arg, "tp_dealloc", is_code(o->m, cpython_obj_word(
						     o, l->tp_dealloc)));
	// where its methods in C are, within the structure of a class
	if (t != NULL && t->python)
		met(arg, "tp_as_async",
		    cpython_obj_word(o, l->tp_as_async) ==
			    o->addr + (uint64_t)l->sizeof_type);
	// a class may have lost them
	if (t != NULL && t->python && is_keys(o->m, t->cached_keys))
		met(arg, CPYTHON_CACHED_KEYS, true);
	met(arg, "tp_repr", is_code(o->m, cpython_obj_word(o, l->tp_repr)));
	met(arg, "__dict__ of a type",
	    form_is(o->m, cpython_type_dict(o->m, o->addr), CPYTHON_TP_DICT));
	if (t != NULL && t->kind == CPYTHON_KIND_LIST && !t->python)
		met(arg, "tp_methods",
		    cpython_has_method(o->m, o->addr, "append"));
	met(arg, "bases before mro", l->tp_bases + 8 == l->tp_mro &&
					     l->tp_mro + 8 == l->tp_cache &&
					     l->tp_cache + 8 ==
						     l->tp_subclasses);
}

/*
 * What a str keeps beside its characters: a copy in wchar_t up to 3.11, one in
 * UTF-8 if there are others than ASCII.
 */
static void check_str(const struct cpython_obj *o, cpython_met_fn *met,
		      void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	uint32_t state = (uint32_t)cpython_obj_i32(o, l->str_state);
	uint64_t utf8 = cpython_obj_word(o, l->str_utf8), n;
	char want[256], have[256];
	int len;

	if (l->str_wstr >= 0)
		met(arg, "wstr", cpython_obj_word(o, l->str_wstr) == 0 ||
					 cpython_plausible(cpython_obj_word(
						 o, l->str_wstr)));
	if ((state >> l->str_ascii_bit & 1) != 0)
		return;
	n = cpython_obj_word(o, l->str_utf8_length);
	len = cpython_str_copy(o->m, o->addr, want, sizeof(want));
	// of a longer one, only the first characters are at hand
	if (utf8 != 0 || n != 0)
		met(arg, "utf8",
		    len >= 0 && (n == (uint64_t)len ||
				 (len > 200 && n > (uint64_t)len &&
				  n / 4 <= cpython_obj_word(
						   o, l->str_length))) &&
			    cpython_copy(o->m, utf8, have, (uint64_t)len) &&
			    memcmp(have, want, (size_t)len) == 0);
	if (l->str_wstr >= 0)
		met(arg, "wstr_length",
		    cpython_obj_word(o, l->str_wstr) != 0 ||
			    cpython_obj_word(o, l->str_wstr_length) == 0);
}

static void check_module(const struct cpython_obj *o, cpython_met_fn *met,
			 void *arg)
{
	uint64_t def = cpython_obj_word(o, o->m->lay->md_def);
	int64_t size = cpython_i64(o->m, def, o->m->lay->moduledef_size, 0);

	// a negative size: one state for all interpreters
	met(arg, "m_size", def == 0 || (size >= -1 && size < 1 << 20));
}

/* A descriptor and its definition have the same name. */
static void check_descr(const struct cpython_obj *o, cpython_met_fn *met,
			void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t def = cpython_obj_word(o, l->member_descr_def);
	char name[80];
	int n = cpython_cstr(o->m, cpython_field(o->m, def, l->member_name),
			     name, sizeof(name));

	met(arg, "d_member", n > 0 && cpython_str_equal(
					 o->m, cpython_obj_word(
						       o, l->descr_name),
					 name, (uint64_t)n));
}

void cpython_check_fields(const struct cpython_obj *o, cpython_met_fn *met,
			  void *arg)
{
	const char *also = "";
	char name[64];
	int32_t at;

	if (o->type->python)
		return;
	cpython_cstr(o->m, cpython_field(o->m, o->type->address,
					 o->m->lay->tp_name),
		     name, sizeof(name));
	if (!cpython_name_tells(o->st, o->type->address, o->type->tp_flags,
				name))
		return;
	if (o->type->kind == CPYTHON_KIND_TYPE &&
	    (cpython_obj_word(o, o->m->lay->tp_flags) & CPYTHON_TP_HEAPTYPE))
		also = "heap type";
	for (size_t i = 0; i < sizeof(expectations) / sizeof(*expectations);
	     i++) {
		const struct expectation *e = &expectations[i];

		if (strcmp(e->type, name) != 0 && strcmp(e->type, also) != 0)
			continue;
		memcpy(&at, (const char *)o->m->lay + e->field, sizeof(at));
		if (at >= 0)
			met(arg, e->text, is(o, e, at));
	}
	if (o->type->kind == CPYTHON_KIND_CODE)
		check_code(o, met, arg);
	if (o->type->kind == CPYTHON_KIND_TYPE)
		check_type(o, met, arg);
	if (o->type->kind == CPYTHON_KIND_MODULE)
		check_module(o, met, arg);
	if (o->type->kind == CPYTHON_KIND_STR)
		check_str(o, met, arg);
	if (o->type->kind == CPYTHON_KIND_GENERATOR &&
	    o->m->lay->gen_frame_state >= 0)
		check_generator(o, met, arg);
	if (strcmp(name, "function") == 0)
		check_function(o, met, arg);
	if (strcmp(name, "member_descriptor") == 0)
		check_descr(o, met, arg);
}

/* A table is counted by its kind: each has entries of its own form. */
static void check_dict(const struct cpython_obj *o, uint64_t n, uint64_t bad,
		       cpython_met_fn *met, void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	bool split = cpython_obj_word(o, l->ma_values) != 0;
	uint64_t used = cpython_obj_word(o, l->ma_used);
	struct cpython_keys k;

	if (!cpython_keys_open(o->m, cpython_obj_word(o, l->ma_keys), &k)) {
		met(arg, "ma_keys", false);
		return;
	}
	met(arg, split ? "split table" : k.stride == l->sizeof_entry ?
			 "table" : "unicode table", bad == 0);
	met(arg, "ma_used", n == used);
	cpython_check_table(o->m, &k, met, arg);
	// only an empty table is shared by dicts that are not split
	if (!split && used != 0)
		met(arg, "dk_refcnt", k.refcount == 1);
}

static void check_set(const struct cpython_obj *o, uint64_t n,
		      cpython_met_fn *met, void *arg)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t mask = cpython_obj_word(o, l->set_mask);

	met(arg, "used", n == cpython_obj_word(o, l->set_used));
	met(arg, "smalltable",
	    (mask == 7) == (cpython_obj_word(o, l->set_table) ==
			    o->addr + (uint64_t)l->set_smalltable));
}

void cpython_check_count(const struct cpython_obj *o, uint64_t n, uint64_t bad,
			 cpython_met_fn *met, void *arg)
{
	switch ((enum cpython_kind)o->type->kind) {
	case CPYTHON_KIND_DICT:
		check_dict(o, n, bad, met, arg);
		break;
	case CPYTHON_KIND_SET:
		check_set(o, n, met, arg);
		break;
	case CPYTHON_KIND_LIST:
	case CPYTHON_KIND_DEQUE:
		met(arg, "items", n == cpython_obj_size(o));
		break;
	default:
		break;
	}
}
