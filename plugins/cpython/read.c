/* SPDX-License-Identifier: Apache-2.0 */
#include "read.h"

#include <stdatomic.h>
#include <string.h>

#include "layout.h"

uint64_t cpython_word(const struct cpython_mem *m, uint64_t addr)
{
	uint64_t v = 0;

	return cpython_copy(m, addr, &v, sizeof(v)) ? v : 0;
}

uint64_t cpython_field(const struct cpython_mem *m, uint64_t base, int off)
{
	return base == 0 || off < 0 ? 0 : cpython_word(m, base + (unsigned)off);
}

int64_t cpython_i64(const struct cpython_mem *m, uint64_t base, int off,
		    int64_t otherwise)
{
	int64_t v;

	if (base == 0 || off < 0 ||
	    !cpython_copy(m, base + (unsigned)off, &v, sizeof(v)))
		return otherwise;
	return v;
}

int32_t cpython_i32(const struct cpython_mem *m, uint64_t base, int off,
		    int32_t otherwise)
{
	int32_t v;

	if (base == 0 || off < 0 ||
	    !cpython_copy(m, base + (unsigned)off, &v, sizeof(v)))
		return otherwise;
	return v;
}

int cpython_u8(const struct cpython_mem *m, uint64_t base, int off,
	       int otherwise)
{
	uint8_t v;

	if (base == 0 || off < 0 ||
	    !cpython_copy(m, base + (unsigned)off, &v, sizeof(v)))
		return otherwise;
	return v;
}

bool cpython_copy(const struct cpython_mem *m, uint64_t addr, void *buf,
		  uint64_t len)
{
	const void *p;

	if (addr == 0 || addr + len < addr)
		return false;
	p = m->host->view(m->im, m->reader, addr, len);
	if (p == NULL)
		return false;
	memcpy(buf, p, len);
	return true;
}

int cpython_cstr(const struct cpython_mem *m, uint64_t addr, char *buf,
		 int cap)
{
	int n = 0, most = cap - 1;

	// up to the next multiple of 32: no page ends before it
	while (n < most) {
		int step = 32 - (int)((addr + (unsigned)n) & 31), len;

		if (step > most - n)
			step = most - n;
		if (!cpython_copy(m, addr + (unsigned)n, buf + n,
				  (unsigned)step))
			break;
		len = (int)strnlen(buf + n, (unsigned)step);
		n += len;
		if (len < step)
			break;
	}
	buf[n] = '\0';
	return n == 0 && !cpython_copy(m, addr, buf, 1) ? -1 : n;
}

uint64_t cpython_type_of(const struct cpython_mem *m, uint64_t obj)
{
	return cpython_field(m, obj, m->lay->ob_type);
}

uint64_t cpython_type_flags(const struct cpython_mem *m, uint64_t type)
{
	return cpython_field(m, type, m->lay->tp_flags);
}

uint64_t cpython_flags_of(const struct cpython_mem *m, uint64_t obj)
{
	return cpython_type_flags(m, cpython_type_of(m, obj));
}

/*
 * One entry of the interpreter's table of static types, if it is that of the
 * type; tp_subclasses of such a type holds 1 + its index.
 */
static uint64_t static_entry(const struct cpython_mem *m, uint64_t type,
			     int table)
{
	uint64_t index = cpython_field(m, type, m->lay->tp_subclasses) - 1;
	uint64_t entry;

	// _Py_MAX_STATIC_BUILTIN_TYPES is 200, 3.12; 10 for extensions, 3.13
	if (table < 0 || index > 4096 || m->lay->sizeof_static_type <= 0)
		return 0;
	entry = m->interp + (unsigned)table +
		index * (unsigned)m->lay->sizeof_static_type;
	if (cpython_field(m, entry, m->lay->static_type_type) != type)
		return 0;
	return entry;
}

/*
 * A member of a type that static built-in types have in the interpreter from
 * 3.12: what the type itself says, else what the interpreter's entry does.
 */
static uint64_t type_field(const struct cpython_mem *m, uint64_t type,
			   int own, int in_entry)
{
	uint64_t entry;

	if (in_entry < 0 || !(cpython_type_flags(m, type) &
			      CPYTHON_TP_STATIC_BUILTIN))
		return cpython_field(m, type, own);
	entry = static_entry(m, type, m->lay->interp_static_types);
	if (entry == 0)
		entry = static_entry(m, type, m->lay->interp_extension_types);
	return cpython_field(m, entry, in_entry);
}

uint64_t cpython_type_dict(const struct cpython_mem *m, uint64_t type)
{
	return type_field(m, type, m->lay->tp_dict, m->lay->static_type_dict);
}

uint64_t cpython_type_subclasses(const struct cpython_mem *m, uint64_t type)
{
	return type_field(m, type, m->lay->tp_subclasses,
			  m->lay->static_type_subclasses);
}

bool cpython_is_object(const struct cpython_mem *m, uint64_t obj)
{
	uint64_t type = cpython_type_of(m, obj);

	return type != 0 && (obj & 7) == 0 && (type & 7) == 0 &&
	       (cpython_flags_of(m, type) & CPYTHON_TP_TYPE) != 0;
}

/*
 * Types that are told by name. The name of a class made by Python code has no
 * dot unless somebody put one there; so heap types count only with one.
 */
static const struct known {
	const char *name;
	enum cpython_form form;
} known[] = {
	{ "object", CPYTHON_FORM_OBJECT },
	{ "NoneType", CPYTHON_FORM_NONE },
	{ "ellipsis", CPYTHON_FORM_ELLIPSIS },
	{ "NotImplementedType", CPYTHON_FORM_NOTIMPLEMENTED },
	{ "bool", CPYTHON_FORM_BOOL },
	{ "int", CPYTHON_FORM_INT },
	{ "float", CPYTHON_FORM_FLOAT },
	{ "complex", CPYTHON_FORM_COMPLEX },
	{ "str", CPYTHON_FORM_STR },
	{ "bytes", CPYTHON_FORM_BYTES },
	{ "bytearray", CPYTHON_FORM_BYTEARRAY },
	{ "tuple", CPYTHON_FORM_TUPLE },
	{ "list", CPYTHON_FORM_LIST },
	{ "dict", CPYTHON_FORM_DICT },
	{ "dict_keys", CPYTHON_FORM_DICT_KEYS },
	{ "dict_values", CPYTHON_FORM_DICT_VALUES },
	{ "dict_items", CPYTHON_FORM_DICT_ITEMS },
	{ "set", CPYTHON_FORM_SET },
	{ "frozenset", CPYTHON_FORM_FROZENSET },
	{ "type", CPYTHON_FORM_TYPE },
	{ "function", CPYTHON_FORM_FUNCTION },
	{ "builtin_function_or_method", CPYTHON_FORM_BUILTIN },
	{ "method", CPYTHON_FORM_METHOD },
	{ "method_descriptor", CPYTHON_FORM_METHOD_DESCR },
	{ "classmethod_descriptor", CPYTHON_FORM_CLASSMETHOD_DESCR },
	{ "wrapper_descriptor", CPYTHON_FORM_WRAPPER_DESCR },
	{ "member_descriptor", CPYTHON_FORM_MEMBER_DESCR },
	{ "getset_descriptor", CPYTHON_FORM_GETSET_DESCR },
	{ "module", CPYTHON_FORM_MODULE },
	{ "code", CPYTHON_FORM_CODE },
	{ "frame", CPYTHON_FORM_FRAME },
	{ "generator", CPYTHON_FORM_GENERATOR },
	{ "coroutine", CPYTHON_FORM_COROUTINE },
	{ "async_generator", CPYTHON_FORM_ASYNC_GENERATOR },
	{ "range", CPYTHON_FORM_RANGE },
	{ "slice", CPYTHON_FORM_SLICE },
	{ "cell", CPYTHON_FORM_CELL },
	{ "collections.deque", CPYTHON_FORM_DEQUE },
	{ "collections.defaultdict", CPYTHON_FORM_DEFAULTDICT },
	{ "collections.OrderedDict", CPYTHON_FORM_ORDEREDDICT },
	{ "types.SimpleNamespace", CPYTHON_FORM_NAMESPACE },
	{ "mappingproxy", CPYTHON_FORM_MAPPINGPROXY },
	{ "BaseException", CPYTHON_FORM_EXCEPTION },
	{ "weakref", CPYTHON_FORM_WEAKREF },
	{ "weakref.ReferenceType", CPYTHON_FORM_WEAKREF },
};

static enum cpython_form form_by_name(const struct cpython_mem *m,
				      uint64_t type)
{
	bool heap = cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE;
	char name[40];

	if (cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
			 sizeof(name)) <= 0)
		return CPYTHON_FORM_OTHER;
	if (heap && strchr(name, '.') == NULL)
		return CPYTHON_FORM_OTHER;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].form;
	return CPYTHON_FORM_OTHER;
}

enum cpython_form cpython_form(const struct cpython_mem *m, uint64_t type,
			       uint64_t *base)
{
	enum cpython_form form = CPYTHON_FORM_OTHER;

	for (int i = 0; i < CPYTHON_MAX_BASES && type != 0; i++) {
		form = form_by_name(m, type);
		if (form != CPYTHON_FORM_OTHER)
			break;
		type = cpython_field(m, type, m->lay->tp_base);
	}
	if (base != NULL)
		*base = form == CPYTHON_FORM_OTHER ? 0 : type;
	return form;
}

/* As cpython_form() without *base; of nearly every call. */
static enum cpython_form form_lately(const struct cpython_mem *m,
				     uint64_t type)
{
	_Atomic uint64_t *at =
		&m->forms->v[(type >> 4 ^ type >> 12) % CPYTHON_N_FORMS];
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
	enum cpython_form form;

	if (word >> 8 == type)
		return (enum cpython_form)(word & 0xff);
	form = cpython_form(m, type, NULL);
	atomic_store_explicit(at, type << 8 | (uint64_t)form,
			      memory_order_relaxed);
	return form;
}

enum cpython_form cpython_form_of(const struct cpython_mem *m, uint64_t obj)
{
	uint64_t type = cpython_type_of(m, obj);

	// an address of user space leaves room for the form
	return m->forms != NULL && type != 0 && type >> 47 == 0 ?
		       form_lately(m, type) :
		       cpython_form(m, type, NULL);
}
