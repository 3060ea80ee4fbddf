/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <string.h>

#include "frames.h"
#include "layout.h"
#include "lookup.h"

/* The C string tp_name; "?" when it cannot be read. */
static const char *tp_name(const struct cpython_mem *m, uint64_t type,
			   char *buf, int cap)
{
	uint64_t addr = cpython_field(m, type, m->lay->tp_name);

	return cpython_cstr(m, addr, buf, cap) < 0 ? "?" : buf;
}

static bool is_heap(const struct cpython_mem *m, uint64_t type)
{
	return cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE;
}

void cpython_put_type_name(const struct cpython_mem *m, struct cpython_out *o,
			   uint64_t type)
{
	uint64_t module;
	char buf[256];

	if (!is_heap(m, type)) {
		cpython_puts(o, tp_name(m, type, buf, sizeof(buf)));
		return;
	}
	module = cpython_dict_gets(m, cpython_type_dict(m, type),
				   "__module__");
	if (module != 0 && !cpython_str_equal(m, module, "builtins", 8) &&
	    cpython_put_str(m, o, module))
		cpython_puts(o, ".");
	if (!cpython_put_str(m, o, cpython_field(m, type,
						 m->lay->ht_qualname)))
		cpython_puts(o, tp_name(m, type, buf, sizeof(buf)));
}

void cpython_put_short_name(const struct cpython_mem *m,
			    struct cpython_out *o, uint64_t type)
{
	char buf[256];
	const char *name = tp_name(m, type, buf, sizeof(buf));
	const char *dot = strrchr(name, '.');

	cpython_puts(o, dot ? dot + 1 : name);
}

static void put_at(struct cpython_out *o, uint64_t obj)
{
	cpython_putf(o, " at 0x%llx", (unsigned long long)obj);
}

void cpython_repr_object(const struct cpython_mem *m, struct cpython_out *o,
			 uint64_t obj)
{
	cpython_puts(o, "<");
	cpython_put_type_name(m, o, cpython_type_of(m, obj));
	cpython_puts(o, " object");
	put_at(o, obj);
	cpython_puts(o, ">");
}

static void put_attr(const struct cpython_mem *m, struct cpython_out *o,
		     uint64_t obj, int off)
{
	if (!cpython_put_str(m, o, cpython_field(m, obj, off)))
		cpython_puts(o, "?");
}

static void repr_function(const struct cpython_mem *m, struct cpython_out *o,
			  uint64_t obj)
{
	cpython_puts(o, "<function ");
	put_attr(m, o, obj, m->lay->func_qualname);
	put_at(o, obj);
	cpython_puts(o, ">");
}

/* meth_repr(): CPython 3.8-3.13, Objects/methodobject.c */
static void repr_builtin(const struct cpython_mem *m, struct cpython_out *o,
			 uint64_t obj)
{
	uint64_t ml = cpython_field(m, obj, m->lay->cfunc_ml);
	uint64_t self = cpython_field(m, obj, m->lay->cfunc_self);
	char name[128], type[128];

	cpython_cstr(m, cpython_field(m, ml, m->lay->ml_name), name,
		     sizeof(name));
	if (self == 0 || cpython_form_of(m, self) == CPYTHON_FORM_MODULE) {
		cpython_putf(o, "<built-in function %s>", name);
		return;
	}
	cpython_putf(o, "<built-in method %s of %s object", name,
		     tp_name(m, cpython_type_of(m, self), type, sizeof(type)));
	put_at(o, self);
	cpython_puts(o, ">");
}

/* descr_repr() and its kin: CPython 3.8-3.13, Objects/descrobject.c */
static void repr_descr(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t obj, const char *what)
{
	char type[256];

	cpython_putf(o, "<%s '", what);
	put_attr(m, o, obj, m->lay->descr_name);
	cpython_putf(o, "' of '%s' objects>",
		     tp_name(m, cpython_field(m, obj, m->lay->descr_type),
			     type, sizeof(type)));
}

static void repr_code(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	cpython_puts(o, "<code object ");
	put_attr(m, o, obj, m->lay->code_name);
	put_at(o, obj);
	cpython_puts(o, ", file \"");
	put_attr(m, o, obj, m->lay->code_filename);
	cpython_putf(o, "\", line %d>",
		     cpython_i32(m, obj, m->lay->code_firstlineno, -1));
}

static void repr_frame(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t obj)
{
	struct cpython_frame f;

	if (!cpython_frame_of_object(m, obj, &f)) {
		cpython_repr_object(m, o, obj);
		return;
	}
	cpython_puts(o, "<frame");
	put_at(o, obj);
	cpython_puts(o, ", file ");
	if (!cpython_repr_str(m, o, cpython_field(m, f.code,
						  m->lay->code_filename)))
		cpython_puts(o, "?");
	cpython_putf(o, ", line %d, code ", cpython_frame_line(m, &f));
	put_attr(m, o, f.code, m->lay->code_name);
	cpython_puts(o, ">");
}

static void repr_generator(const struct cpython_mem *m, struct cpython_out *o,
			   uint64_t obj, const char *what)
{
	cpython_putf(o, "<%s object ", what);
	put_attr(m, o, obj, m->lay->gen_qualname);
	put_at(o, obj);
	cpython_puts(o, ">");
}

static void repr_cell(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	uint64_t in = cpython_field(m, obj, m->lay->cell_ref);
	char type[128];

	cpython_puts(o, "<cell");
	put_at(o, obj);
	if (in == 0) {
		cpython_puts(o, ": empty>");
		return;
	}
	cpython_putf(o, ": %s object", tp_name(m, cpython_type_of(m, in),
					       type, sizeof(type)));
	put_at(o, in);
	cpython_puts(o, ">");
}

/* weakref_repr(): CPython 3.8-3.13, Objects/weakrefobject.c */
static void repr_weakref(const struct cpython_mem *m, struct cpython_out *o,
			 uint64_t obj)
{
	uint64_t to = cpython_field(m, obj, m->lay->wr_object);
	uint64_t type = cpython_type_of(m, to), name;
	char buf[256];

	cpython_puts(o, "<weakref");
	put_at(o, obj);
	// a dead one points to None
	if (cpython_form(m, type, NULL) == CPYTHON_FORM_NONE) {
		cpython_puts(o, "; dead>");
		return;
	}
	cpython_putf(o, "; to '%s'", tp_name(m, type, buf, sizeof(buf)));
	put_at(o, to);
	name = cpython_attr(m, to, cpython_text("__name__"));
	if (cpython_flags_of(m, name) & CPYTHON_TP_UNICODE) {
		cpython_puts(o, " (");
		cpython_put_str(m, o, name);
		cpython_puts(o, ")");
	}
	cpython_puts(o, ">");
}

static uint64_t spec_attr(const struct cpython_mem *m, uint64_t spec,
			  const char *name)
{
	return cpython_instance_attr(m, spec, cpython_text(name));
}

static bool is_none(const struct cpython_mem *m, uint64_t obj)
{
	return obj == 0 || cpython_form_of(m, obj) == CPYTHON_FORM_NONE;
}

/* For want of an origin, what loaded it. */
static void put_loader(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t loader)
{
	uint64_t type = cpython_type_of(m, loader);
	char name[64];

	if (is_none(m, loader))
		return;
	cpython_puts(o, " (");
	if (cpython_type_flags(m, type) & CPYTHON_TP_TYPE)
		cpython_puts(o, "built-in");
	else if (strstr(tp_name(m, type, name, sizeof(name)), "Namespace"))
		cpython_puts(o, "namespace");
	else
		cpython_repr_object(m, o, loader);
	cpython_puts(o, ")");
}

/* What follows the name: _module_repr_from_spec(), importlib/_bootstrap.py */
static void put_origin(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t spec, uint64_t file)
{
	uint64_t origin = is_none(m, spec) ? file
					   : spec_attr(m, spec, "origin");
	bool located = is_none(m, spec);
	int64_t v;

	if (is_none(m, origin)) {
		put_loader(m, o, spec_attr(m, spec, "loader"));
		return;
	}
	if (cpython_int_value(m, spec_attr(m, spec, "_set_fileattr"), &v))
		located = v != 0;
	if (located) {
		cpython_puts(o, " from ");
		cpython_repr_str(m, o, origin);
		return;
	}
	cpython_puts(o, " (");
	cpython_put_str(m, o, origin);
	cpython_puts(o, ")");
}

static void repr_module(const struct cpython_mem *m, struct cpython_out *o,
			uint64_t obj)
{
	uint64_t dict = cpython_field(m, obj, m->lay->md_dict);
	uint64_t spec = cpython_dict_gets(m, dict, "__spec__");
	uint64_t name = is_none(m, spec)
				? cpython_dict_gets(m, dict, "__name__")
				: spec_attr(m, spec, "name");

	cpython_puts(o, "<module ");
	if (!cpython_repr_str(m, o, name))
		cpython_puts(o, "'?'");
	put_origin(m, o, spec, cpython_dict_gets(m, dict, "__file__"));
	cpython_puts(o, ">");
}

static void repr_type(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	cpython_puts(o, "<class '");
	cpython_put_type_name(m, o, obj);
	cpython_puts(o, "'>");
}

static bool repr_bytearray(const struct cpython_mem *m, struct cpython_out *o,
			   uint64_t obj)
{
	cpython_put_short_name(m, o, cpython_type_of(m, obj));
	cpython_puts(o, "(");
	if (!cpython_repr_bytes(m, o, obj, CPYTHON_FORM_BYTEARRAY))
		cpython_puts(o, "?");
	cpython_puts(o, ")");
	return true;
}

static bool repr_bool(const struct cpython_mem *m, struct cpython_out *o,
		      uint64_t obj)
{
	int64_t v;

	if (!cpython_int_value(m, obj, &v))
		return false;
	cpython_puts(o, v ? "True" : "False");
	return true;
}

static bool repr_value(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t obj, enum cpython_form form)
{
	switch (form) {
	case CPYTHON_FORM_NONE:
		cpython_puts(o, "None");
		return true;
	case CPYTHON_FORM_ELLIPSIS:
		cpython_puts(o, "Ellipsis");
		return true;
	case CPYTHON_FORM_NOTIMPLEMENTED:
		cpython_puts(o, "NotImplemented");
		return true;
	case CPYTHON_FORM_BOOL:
		return repr_bool(m, o, obj);
	case CPYTHON_FORM_INT:
		return cpython_repr_int(m, o, obj);
	case CPYTHON_FORM_FLOAT:
		return cpython_repr_float(m, o, obj);
	case CPYTHON_FORM_COMPLEX:
		return cpython_repr_complex(m, o, obj);
	case CPYTHON_FORM_STR:
		return cpython_repr_str(m, o, obj);
	case CPYTHON_FORM_BYTES:
		return cpython_repr_bytes(m, o, obj, form);
	case CPYTHON_FORM_BYTEARRAY:
		return repr_bytearray(m, o, obj);
	default:
		return false;
	}
}

static bool repr_descriptor(const struct cpython_mem *m,
			    struct cpython_out *o, uint64_t obj,
			    enum cpython_form form)
{
	switch (form) {
	case CPYTHON_FORM_METHOD_DESCR:
	case CPYTHON_FORM_CLASSMETHOD_DESCR:
		repr_descr(m, o, obj, "method");
		return true;
	case CPYTHON_FORM_WRAPPER_DESCR:
		repr_descr(m, o, obj, "slot wrapper");
		return true;
	case CPYTHON_FORM_MEMBER_DESCR:
		repr_descr(m, o, obj, "member");
		return true;
	case CPYTHON_FORM_GETSET_DESCR:
		repr_descr(m, o, obj, "attribute");
		return true;
	default:
		return false;
	}
}

bool cpython_repr_leaf(const struct cpython_mem *m, struct cpython_out *o,
		       uint64_t obj, enum cpython_form form)
{
	switch (form) {
	case CPYTHON_FORM_TYPE:
		repr_type(m, o, obj);
		return true;
	case CPYTHON_FORM_FUNCTION:
		repr_function(m, o, obj);
		return true;
	case CPYTHON_FORM_BUILTIN:
		repr_builtin(m, o, obj);
		return true;
	case CPYTHON_FORM_MODULE:
		repr_module(m, o, obj);
		return true;
	case CPYTHON_FORM_CODE:
		repr_code(m, o, obj);
		return true;
	case CPYTHON_FORM_FRAME:
		repr_frame(m, o, obj);
		return true;
	case CPYTHON_FORM_GENERATOR:
		repr_generator(m, o, obj, "generator");
		return true;
	case CPYTHON_FORM_COROUTINE:
		repr_generator(m, o, obj, "coroutine");
		return true;
	case CPYTHON_FORM_ASYNC_GENERATOR:
		repr_generator(m, o, obj, "async_generator");
		return true;
	case CPYTHON_FORM_CELL:
		repr_cell(m, o, obj);
		return true;
	case CPYTHON_FORM_WEAKREF:
		repr_weakref(m, o, obj);
		return true;
	default:
		return repr_value(m, o, obj, form) ||
		       repr_descriptor(m, o, obj, form);
	}
}
