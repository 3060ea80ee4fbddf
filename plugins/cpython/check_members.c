/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built-in types describe some members of their own structures: name and
 * offset, for what Python code may read (PyMemberDef). Where a row of the
 * layout speaks of the same member, both must agree.
 */
#include "check_priv.h"

#include <stddef.h>

#include "kinds.h"

enum { MAX_MEMBERS = 128, MAX_NAME = 64 };

#define FIELD(name) offsetof(struct cpython_layout, name)

static const struct fact {
	const char *type, *member;
	size_t field;			/* of struct cpython_layout */
} facts[] = {
	{ "type", "__basicsize__", FIELD(tp_basicsize) },
	{ "type", "__itemsize__", FIELD(tp_itemsize) },
	{ "type", "__flags__", FIELD(tp_flags) },
	{ "type", "__weakrefoffset__", FIELD(tp_weaklistoffset) },
	{ "type", "__base__", FIELD(tp_base) },
	{ "type", "__dictoffset__", FIELD(tp_dictoffset) },
	{ "type", "__mro__", FIELD(tp_mro) },
	{ "function", "__closure__", FIELD(func_closure) },
	{ "function", "__globals__", FIELD(func_globals) },
	{ "function", "__module__", FIELD(func_module) },
	{ "method", "__func__", FIELD(im_func) },
	{ "method", "__self__", FIELD(im_self) },
	{ "slice", "start", FIELD(slice_start) },
	{ "slice", "stop", FIELD(slice_stop) },
	{ "slice", "step", FIELD(slice_step) },
	{ "range", "start", FIELD(range_start) },
	{ "range", "stop", FIELD(range_stop) },
	{ "range", "step", FIELD(range_step) },
	{ "complex", "real", FIELD(complex_value) },
	{ "member_descriptor", "__objclass__", FIELD(descr_type) },
	{ "member_descriptor", "__name__", FIELD(descr_name) },
	{ "code", "co_argcount", FIELD(code_argcount) },
	{ "code", "co_kwonlyargcount", FIELD(code_kwonlyargcount) },
	{ "code", "co_stacksize", FIELD(code_stacksize) },
	{ "code", "co_flags", FIELD(code_flags) },
	{ "code", "co_code", FIELD(code_code) },
	{ "code", "co_consts", FIELD(code_consts) },
	{ "code", "co_names", FIELD(code_names) },
	{ "code", "co_nlocals", FIELD(code_nlocals) },
	{ "code", "co_varnames", FIELD(code_varnames) },
	{ "code", "co_freevars", FIELD(code_freevars) },
	{ "code", "co_cellvars", FIELD(code_cellvars) },
	{ "code", "co_filename", FIELD(code_filename) },
	{ "code", "co_name", FIELD(code_name) },
	{ "code", "co_qualname", FIELD(code_qualname) },
	{ "code", "co_firstlineno", FIELD(code_firstlineno) },
	{ "code", "co_linetable", FIELD(code_linetable) },
	{ "frame", "f_back", FIELD(frame_back) },
	{ "frame", "f_code", FIELD(frame_code) },
	{ "frame", "f_builtins", FIELD(frame_builtins) },
	{ "frame", "f_globals", FIELD(frame_globals) },
	{ "frame", "f_lasti", FIELD(frame_lasti) },
	{ "generator", "gi_frame", FIELD(gen_frame) },
	{ "generator", "gi_running", FIELD(gen_running) },
	{ "generator", "gi_code", FIELD(gen_code) },
};

/*
 * Bytes from a member to the end of the structure without its variable items:
 * the same in every version, and tp_basicsize tells the end.
 */
static const struct tail {
	const char *type;
	size_t field;
	int32_t bytes;
} tails[] = {
	{ "object", FIELD(sizeof_object), 0 },
	{ "int", FIELD(long_digits), 0 },
	{ "float", FIELD(float_value), 8 },
	{ "complex", FIELD(complex_value), 16 },
	{ "tuple", FIELD(tuple_items), 0 },
	{ "bytes", FIELD(bytes_data), 1 },
	{ "bytearray", FIELD(bytearray_start), 16 },
	{ "bytearray", FIELD(bytearray_alloc), 32 },
	{ "list", FIELD(list_items), 16 },
	{ "list", FIELD(list_allocated), 8 },
	{ "cell", FIELD(cell_ref), 8 },
	{ "method", FIELD(im_func), 32 },
	{ "method", FIELD(im_self), 24 },
	{ "builtin_function_or_method", FIELD(cfunc_ml), 40 },
	{ "builtin_function_or_method", FIELD(cfunc_self), 32 },
	{ "module", FIELD(md_dict), 40 },
	{ "module", FIELD(md_def), 32 },
	{ "module", FIELD(md_state), 24 },
	{ "mappingproxy", FIELD(proxy_mapping), 8 },
	{ "dict_keys", FIELD(dv_dict), 8 },
	{ "dict", FIELD(ma_keys), 16 },
	{ "dict", FIELD(ma_values), 8 },
	{ "set", FIELD(set_smalltable), 136 },
	{ "set", FIELD(set_table), 160 },
	{ "set", FIELD(set_mask), 168 },
	{ "set", FIELD(set_used), 176 },
	{ "set", FIELD(set_fill), 184 },
	{ "str", FIELD(str_data), 8 },
	{ "str", FIELD(sizeof_str_compact), 8 },
	{ "memoryview", FIELD(memoryview_array), 0 },
	{ "types.SimpleNamespace", FIELD(namespace_dict), 8 },
	{ "_io.BytesIO", FIELD(bytesio_buf), 48 },
	{ "itertools.combinations", FIELD(combinations_r), 16 },
	{ "itertools.combinations_with_replacement", FIELD(cwr_r), 16 },
	{ "itertools.permutations", FIELD(permutations_pool), 48 },
	{ "itertools.permutations", FIELD(permutations_r), 16 },
	{ "itertools.product", FIELD(product_pools), 32 },
	{ "itertools._tee_dataobject", FIELD(teedata_values), 456 },
	{ "datetime.time", FIELD(time_tzinfo), 8 },
	{ "datetime.datetime", FIELD(datetime_tzinfo), 8 },
	{ "hamt_bitmap_node", FIELD(hamt_bitmap_array), 0 },
};

struct checked_type {
	const struct cpython *st;
	char name[MAX_NAME];		/* tp_name */
	const struct cpython_shape *shape;
	struct cpython_verdict *verdict;
	int n_found;			/* that a fact is of */
};

static void against_facts(struct checked_type *c, const char *member,
			  int64_t offset)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		int32_t have;

		if (strcmp(facts[i].type, c->name) != 0 ||
		    strcmp(facts[i].member, member) != 0)
			continue;
		c->n_found++;
		memcpy(&have, (const char *)c->st->mem.lay + facts[i].field,
		       sizeof(have));
		if (have >= 0 && have != offset)
			cpython_wrong(c->verdict,
				      "%s.%s is at %lld, not at %d", c->name,
				      member, (long long)offset, (int)have);
	}
}

static void against_shape(struct checked_type *c, const char *member,
			  int64_t offset)
{
	const struct cpython_slot *s;

	if (c->shape == NULL)
		return;
	s = c->st->mem.lay->slots + c->shape->first;
	for (int i = 0; i < c->shape->n; i++, s++)
		if (s->label[0] == '.' && strcmp(s->label + 1, member) == 0 &&
		    s->offset != offset)
			cpython_wrong(c->verdict,
				      "%s.%s is at %lld, not at %d", c->name,
				      member, (long long)offset,
				      (int)s->offset);
}

/*
 * A type of a library, and some of the interpreter's own, may have another size
 * in another patch (seen: 3.9.2, iterators of contexts; 3.13.18, exception
 * groups). Then its shape is not used; a wrong row shows in these.
 */
static bool must_fit(const char *name)
{
	static const char *const types[] = {
		"builtin_function_or_method", "cell", "classmethod",
		"getset_descriptor", "member_descriptor", "method",
		"method_descriptor", "module", "property", "slice",
		"staticmethod", "super", "wrapper_descriptor",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], name) == 0)
			return true;
	return false;
}

/* A built-in type of that name has a structure of that size. */
static void check_size(struct checked_type *c, int64_t basic)
{
	const struct cpython_layout *l = c->st->mem.lay;
	const struct cpython_known_type *row = cpython_known_type(c->name);
	int64_t want = row != NULL ? cpython_known_size(row, l) : -1;

	if (want >= 0 && want != basic)
		cpython_wrong(c->verdict, "%s.__basicsize__ is %lld, not %lld",
			      c->name, (long long)basic, (long long)want);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		int32_t at;

		if (strcmp(tails[i].type, c->name) != 0)
			continue;
		memcpy(&at, (const char *)l + tails[i].field, sizeof(at));
		if (at >= 0 && at + tails[i].bytes != basic)
			cpython_wrong(c->verdict,
				      "a member of %s is not at %d", c->name,
				      (int)at);
	}
	if (must_fit(c->name) && cpython_shape_differs(l, c->name, basic))
		cpython_wrong(c->verdict, "%s.__basicsize__ is %lld, not that "
			      "of the table", c->name, (long long)basic);
}

/* What a type's own numbers say of members that nothing describes. */
static void check_numbers(struct checked_type *c,
			  const struct cpython_type *type)
{
	const struct cpython_mem *m = &c->st->mem;
	const struct cpython_layout *l = m->lay;

	// args follow the dict
	if (strcmp(c->name, "BaseException") == 0 &&
	    cpython_i64(m, type->address, l->tp_dictoffset, 0) !=
		    l->exc_args - 8)
		cpython_wrong(c->verdict, "BaseException.args is not at %d",
			      (int)l->exc_args);
	if (strcmp(c->name, "frame") == 0 && l->frame_localsplus >= 0 &&
	    l->sizeof_frame != type->basic)
		cpython_wrong(c->verdict, "a frame has %lld bytes, not %d",
			      (long long)type->basic, (int)l->sizeof_frame);
	// the frame is its last member, and a frame's variables are its
	if (strcmp(c->name, "generator") == 0 && l->gen_iframe >= 0 &&
	    l->gen_iframe + l->iframe_localsplus != type->basic)
		cpython_wrong(c->verdict, "generator.gi_iframe is not at %d",
			      (int)l->gen_iframe);
}

static void check_defs(struct checked_type *c, uint64_t def)
{
	const struct cpython_mem *m = &c->st->mem;
	const struct cpython_layout *l = m->lay;
	char member[MAX_NAME];
	int64_t offset;

	for (int i = 0; def != 0 && i < MAX_MEMBERS; i++) {
		uint64_t name = cpython_field(m, def, l->member_name);

		if (name == 0 || cpython_cstr(m, name, member,
					      sizeof(member)) <= 0)
			return;
		offset = cpython_i64(m, def, l->member_offset, -1);
		// T_OBJECT: Include/structmember.h, 3.12 descrobject.h
		if (strcmp(member, "__closure__") == 0 &&
		    cpython_i32(m, def, l->member_type, -1) != 6)
			cpython_wrong(c->verdict,
				      "function.__closure__ is no object");
		against_facts(c, member, offset);
		against_shape(c, member, offset);
		def += (uint64_t)l->sizeof_member;
	}
}

/* Types that describe a member that a fact is of, in every version. */
static int must_describe(const char *name)
{
	static const struct {
		const char *name;
		int n;
	} types[] = { { "type", 5 }, { "function", 3 }, { "method", 2 },
		      { "slice", 3 }, { "code", 5 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].n;
	return 0;
}

void cpython_check_members(const struct cpython *st,
			   const struct cpython_type *type,
			   struct cpython_verdict *ret)
{
	struct checked_type c = { .st = st, .verdict = ret };
	const struct cpython_mem *m = &st->mem;
	const struct cpython_layout *l = m->lay;

	if (type->python)
		return;
	cpython_cstr(m, cpython_field(m, type->address, l->tp_name), c.name,
		     sizeof(c.name));
	if (!cpython_name_tells(st, type->address, type->tp_flags, c.name))
		return;
	c.shape = cpython_shape_find(l, c.name, type->basic);
	check_size(&c, type->basic);
	check_numbers(&c, type);
	check_defs(&c, cpython_field(m, type->address, l->tp_members));
	if (c.n_found < must_describe(c.name))
		cpython_wrong(ret, "the members of %s are not found", c.name);
}
