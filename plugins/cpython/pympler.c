/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pympler's typedefs: which rule an object has, and its own size by it. Types
 * that it knows stand in a table, as they do there; all others are told by what
 * they derive from and whether they can be called, in the order of its
 * _typedef().
 */
#include "pympler.h"

#include <stdio.h>
#include <stdlib.h>

#include "lookup.h"
#include "plain.h"
#include "refs_priv.h"
#include "render.h"
#include "services.h"
#include "walk.h"

enum {
	LIMIT = 100, /* asizeof.py, Asizer._limit_ */
	ARRAY_LEAST = 56, /* asizeof.py, _array_kwds() */
	NUMPY_PAGE = 4096, /* asizeof.py, _len_numpy_memmap() */
	MEMMAP_PERCENT = 1, /* asizeof.py, _amapped */
};

/* A row of its static typedefs, by tp_name of CPython 3.8 to 3.13. */
static const struct known {
	const char *name;
	enum pympler_refs refs;
	const char *leng;
	bool code, ignored;
} known[] = {
	{ "complex", PYMPLER_NONE, NULL, false, false },
	{ "float", PYMPLER_NONE, NULL, false, false },
	{ "int", PYMPLER_NONE, "_len_int", false, false },
	{ "list", PYMPLER_SEQ, "_len_list", false, false },
	{ "tuple", PYMPLER_SEQ, "_len", false, false },
	{ "property", PYMPLER_PROP, NULL, false, false },
	{ "ellipsis", PYMPLER_NONE, NULL, false, false },
	{ "NoneType", PYMPLER_NONE, NULL, false, false },
	{ "dict", PYMPLER_DICT, "_len_dict", false, false },
	{ "mappingproxy", PYMPLER_DICT, "_len_dict", false, false },
	{ "module", PYMPLER_MODULE, "_len_module", false, false },
	{ "bool", PYMPLER_NONE, NULL, false, false },
	{ "bytearray", PYMPLER_NONE, "_len_bytearray", false, false },
	/* not bytes, which it takes for the str of Python 2 */
	{ "enumerate", PYMPLER_DOC, NULL, false, false },
	{ "Exception", PYMPLER_EXC, NULL, false, false },
	{ "frozenset", PYMPLER_SEQ, "_len_set", false, false },
	{ "set", PYMPLER_SEQ, "_len_set", false, false },
	{ "getset_descriptor", PYMPLER_NONE, NULL, false, false },
	{ "member_descriptor", PYMPLER_NONE, NULL, false, false },
	{ "NotImplementedType", PYMPLER_NONE, NULL, false, false },
	{ "range", PYMPLER_NONE, NULL, false, false },
	{ "reversed", PYMPLER_DOC, NULL, false, false },
	{ "slice", PYMPLER_NONE, "_len_slice", false, false },
	{ "os.stat_result", PYMPLER_STAT, NULL, false, false },
	{ "os.statvfs_result", PYMPLER_STATVFS, "_len", false, false },
	{ "Struct", PYMPLER_NONE, "_len_struct", false, false },
	{ "_struct.Struct", PYMPLER_NONE, "_len_struct", false, false },
	{ "traceback", PYMPLER_TB, NULL, false, false },
	{ "str", PYMPLER_NONE, "_len_unicode", false, false },
	{ "weakproxy", PYMPLER_NONE, NULL, false, false },
	{ "weakref.ProxyType", PYMPLER_NONE, NULL, false, false },
	{ "weakref", PYMPLER_WEAK, NULL, false, false },
	{ "weakref.ReferenceType", PYMPLER_WEAK, NULL, false, false },
	{ "object", PYMPLER_NONE, NULL, true, true },
	{ "super", PYMPLER_NONE, NULL, true, true },
	{ "classmethod", PYMPLER_METHOD, NULL, true, false },
	{ "staticmethod", PYMPLER_METHOD, NULL, true, false },
	{ "method", PYMPLER_METHOD, NULL, true, false },
	{ "generator", PYMPLER_GEN, NULL, false, false },
	{ "weakcallableproxy", PYMPLER_WEAK, NULL, true, false },
	{ "weakref.CallableProxyType", PYMPLER_WEAK, NULL, true, false },
	{ "dict_itemiterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "dict_keyiterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "dict_valueiterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "list_reverseiterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "callable_iterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "list_iterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "tuple_iterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "bytearray_iterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "set_iterator", PYMPLER_ITER, "_len_iter", false, false },
	/* type(iter('')): from 3.11 there is one for ASCII alone */
	{ "str_iterator", PYMPLER_ITER, "_len_iter", false, false },
	{ "str_ascii_iterator", PYMPLER_ITER, "_len_iter", false, false },
};

/* --- modules of types ----------------------------------------------------- */

static bool is_among(const char *words, const char *s, size_t n)
{
	size_t len;

	for (; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len == n && memcmp(words, s, n) == 0)
			return true;
	}
	return false;
}

bool cpython_pympler_of_module(const struct cpython_mem *m, uint64_t type,
			       const char *names)
{
	char name[128];
	const char *dot;
	int n;

	if (cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE) {
		n = cpython_str_copy(
			m,
			cpython_dict_gets(m, cpython_type_dict(m, type),
					  "__module__"),
			name, sizeof(name));
		return n >= 0 && is_among(names, name, (size_t)n);
	}
	if (cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
			 sizeof(name)) < 0)
		return false;
	dot = strrchr(name, '.');
	return dot != NULL ? is_among(names, name, (size_t)(dot - name))
			   : is_among(names, "builtins", 8);
}

static const char ignored_modules[] = "builtins types pympler.asizeof";

/* obj.__module__, as instances see it: what their class says of theirs. */
static bool is_of_ignored(const struct cpython_mem *m, uint64_t type)
{
	uint64_t name = cpython_class_attr(m, type, cpython_text("__module__"));
	char buf[64];
	int n = cpython_str_copy(m, name, buf, sizeof(buf));

	return n >= 0 && is_among(ignored_modules, buf, (size_t)n);
}

/* --- rules ---------------------------------------------------------------- */

static bool has(const struct cpython_mem *m, uint64_t type, const char *name)
{
	return cpython_class_attr(m, type, cpython_text(name)) != 0;
}

bool cpython_pympler_knows(const struct cpython_mem *m, uint64_t type,
			   struct pympler_rule *ret)
{
	bool heap = cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE;
	char name[40];

	*ret = (struct pympler_rule){ .type = type, .origin = "dynamic" };
	if (cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
			 sizeof(name)) <= 0)
		return false;
	// a class of that name is not the type
	if (heap && strchr(name, '.') == NULL) {
		if (strcmp(name, "KeyedRef") != 0 ||
		    !cpython_pympler_of_module(m, type, "weakref"))
			return false;
		ret->refs = PYMPLER_WEAK;
		ret->origin = "static";
		return true;
	}
	if (m->lay->minor >= 11 && strcmp(name, "str_iterator") == 0)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		ret->refs = (uint8_t)known[i].refs;
		ret->leng = known[i].leng;
		ret->code = known[i].code;
		ret->ignored = known[i].ignored;
		ret->origin = ret->ignored ? "ignored" : "static";
		return true;
	}
	return false;
}

/* What can be called and is no class. */
static void callable(const struct cpython *st, enum cpython_form form,
		     uint64_t type, struct pympler_rule *ret)
{
	const struct cpython_type *t = cpython_type(st, &st->mem, type);

	if (form == CPYTHON_FORM_BUILTIN) {
		ret->code = ret->ignored = true;
		ret->origin = "ignored";
	} else if (form == CPYTHON_FORM_FUNCTION) {
		ret->code = true;
		ret->refs = PYMPLER_FUNC;
	} else {
		ret->refs = PYMPLER_INST;
		ret->leng = t != NULL && t->item != 0 ? "_len" : NULL;
	}
}

static void table(struct pympler_rule *ret, enum pympler_refs refs,
		  const char *origin)
{
	ret->refs = (uint8_t)refs;
	ret->leng = "_len_dict";
	ret->origin = origin;
}

/* Dictionaries that are known by their names, or by how they behave. */
static bool is_table(const struct cpython *st, uint64_t type,
		     struct pympler_rule *ret)
{
	static const char *const duck[] = { "items",   "keys", "values",
					    "__len__", "get",  "has_key" };
	const struct cpython_mem *m = &st->mem;
	char name[40];
	size_t i;

	cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
		     sizeof(name));
	if (cpython_pympler_of_module(m, type, "weakref")) {
		if (strcmp(name, "WeakKeyDictionary") == 0)
			return table(ret, PYMPLER_WEAK_KEYS, "inferred"), true;
		if (strcmp(name, "WeakValueDictionary") == 0)
			return table(ret, PYMPLER_WEAK_VALUES, "inferred"),
			       true;
	}
	if (!(st->pympler->options & HEAPSH_COMPAT_INFER))
		return false;
	for (i = 0; i < sizeof(duck) / sizeof(duck[0]); i++)
		if (!has(m, type, duck[i]))
			return false;
	// its items() is code of the program, which is not run
	return table(ret, PYMPLER_NONE, "inferred"), true;
}

static bool is_numpy(const struct cpython *st, const struct cpython_type *t)
{
	const struct cpython_mem *m = &st->mem;
	char name[64];
	int n;

	if (!has(m, t->address, "dtype") || !has(m, t->address, "itemsize") ||
	    !has(m, t->address, "nbytes"))
		return false;
	if (!(t->tp_flags & CPYTHON_TP_HEAPTYPE))
		return cpython_cstr(
			       m, cpython_field(m, t->address, m->lay->tp_name),
			       name, sizeof(name)) > 0 &&
		       strncmp(name, "numpy", 5) == 0;
	n = cpython_str_copy(m,
			     cpython_class_attr(m, t->address,
						cpython_text("__module__")),
			     name, sizeof(name));
	return n > 0 && strncmp(name, "numpy", 5) == 0;
}

static bool is_exception(const struct cpython_mem *m, uint64_t type)
{
	struct cpython_seq mro;
	uint64_t class;
	char name[16];

	if (!cpython_seq_open(m, cpython_field(m, type, m->lay->tp_mro),
			      CPYTHON_FORM_TUPLE, &mro))
		return false;
	while (mro.i < CPYTHON_MAX_BASES && cpython_seq_next(m, &mro, &class)) {
		cpython_cstr(m, cpython_field(m, class, m->lay->tp_name), name,
			     sizeof(name));
		if (strcmp(name, "Exception") == 0 &&
		    !(cpython_type_flags(m, class) & CPYTHON_TP_HEAPTYPE))
			return true;
	}
	return false;
}

/* "Assume an instance of some class." */
static void instance(const struct cpython *st, const struct cpython_type *t,
		     struct pympler_rule *ret)
{
	ret->leng = t->item != 0 ? "_len" : NULL;
	ret->refs = PYMPLER_INST;
	if (is_exception(&st->mem, t->address)) {
		ret->refs = PYMPLER_EXC;
		ret->origin = "derived";
	}
}

/* Its _typedef(): the first that fits. */
static void classify(const struct cpython *st, const struct cpython_type *t,
		     struct pympler_rule *ret)
{
	const struct cpython_mem *m = &st->mem;
	enum cpython_form form = cpython_form(m, t->address, NULL);

	if (form == CPYTHON_FORM_MODULE) {
		ret->refs = PYMPLER_MODULE;
		ret->leng = "_len_module";
	} else if (form == CPYTHON_FORM_FRAME) {
		ret->refs = PYMPLER_FRAME;
		ret->leng = "_len_frame";
		ret->ignored = !(st->pympler->options & HEAPSH_COMPAT_FRAMES);
		ret->origin = ret->ignored ? "ignored" : "dynamic";
	} else if (form == CPYTHON_FORM_CODE) {
		ret->refs = PYMPLER_CODE;
		ret->leng = "_len_code";
		ret->code = true;
	} else if (has(m, t->address, "__call__")) {
		callable(st, form, t->address, ret);
	} else if (t->tp_flags & CPYTHON_TP_DICT) {
		table(ret, PYMPLER_DICT, "derived");
	} else if (is_table(st, t->address, ret)) {
		return;
	} else if (form == CPYTHON_FORM_CELL) {
		ret->refs = PYMPLER_CELL;
	} else if (t->tp_flags & CPYTHON_TP_TUPLE &&
		   has(m, t->address, "_fields")) {
		ret->refs = PYMPLER_NAMEDTUPLE;
	} else if (is_numpy(st, t)) {
		ret->refs = PYMPLER_NUMPY;
		ret->leng = "_len_numpy";
		ret->own_size = PYMPLER_NDARRAY;
	} else if (t->kind == CPYTHON_KIND_ARRAY) {
		ret->leng = "_len_array";
		ret->own_size = PYMPLER_ARRAY;
	} else if (is_of_ignored(m, t->address)) {
		ret->ignored = true;
		ret->origin = "ignored";
	} else {
		instance(st, t, ret);
	}
}

/* Of a class: it has a rule of its own. */
static void of_class(const struct cpython_mem *m, uint64_t class,
		     struct pympler_rule *ret)
{
	ret->refs = PYMPLER_CLASS;
	ret->code = true;
	ret->origin = "dynamic";
	if (cpython_pympler_of_module(m, class, ignored_modules)) {
		ret->ignored = true;
		ret->origin = "ignored";
	}
}

bool cpython_pympler_rule(const struct cpython *st, uint64_t obj,
			  struct pympler_rule *ret)
{
	uint64_t type = cpython_type_of(&st->mem, obj);
	const struct cpython_type *t = cpython_type(st, &st->mem, type);
	struct pympler_rule *at;

	if (t == NULL)
		return false;
	if (t->tp_flags & CPYTHON_TP_TYPE) {
		*ret = (struct pympler_rule){ .type = type };
		of_class(&st->mem, obj, ret);
		return true;
	}
	at = &st->pympler->rules[(type >> 4 ^ type >> 13) % PYMPLER_RULES];
	if (at->type != type) {
		if (!cpython_pympler_knows(&st->mem, type, at))
			classify(st, t, at);
		at->table = has(&st->mem, type, "__dict__");
		at->slots = has(&st->mem, type, "__slots__");
	}
	*ret = *at;
	return true;
}

/* --- own sizes ------------------------------------------------------------ */

/* What the first of a type had beside its items: bytes, if that is this. */
static uint64_t base_of(struct cpython_pympler *p, uint64_t type,
			uint64_t bytes)
{
	uint32_t i;

	for (i = 0; i < p->n_bases; i++)
		if (p->bases[i].type == type)
			return p->bases[i].bytes;
	if (i < PYMPLER_BASES)
		p->bases[p->n_bases++] = (struct pympler_base){ type, bytes };
	return bytes;
}

static uint64_t array_size(struct cpython_pympler *p,
			   const struct cpython_obj *o, uint64_t flat)
{
	const struct cpython_layout *l = o->m->lay;
	uint64_t descr = cpython_obj_word(o, l->array_descr), n, bytes;
	int32_t item = cpython_i32(o->m, descr, l->arraydescr_itemsize, 0);

	n = cpython_obj_size(o);
	if (item < 1 || item > 16 || n >> 43 != 0)
		return flat;
	bytes = n * (uint64_t)item;
	return bytes +
	       base_of(p, o->type->address,
		       flat > bytes + ARRAY_LEAST ? flat - bytes : ARRAY_LEAST);
}

/*
 * numpy: of an array its bytes, also where they are another's, and what the
 * first one of its type had beside its own. Pympler fails where that is a view
 * of more bytes than its head has; then the head is taken.
 */
static uint64_t numpy_size(struct cpython_pympler *p,
			   const struct cpython_obj *o, uint64_t flat)
{
	struct cpython_numpy_array a;
	char name[16];
	uint64_t head;

	if (!cpython_numpy_array(o, &a))
		return flat;
	// also where they are not among them, if they are that few
	head = flat >= a.bytes ? flat - a.bytes : flat;
	cpython_cstr(o->m,
		     cpython_field(o->m, o->type->address, o->m->lay->tp_name),
		     name, sizeof(name));
	if (strcmp(name, "memmap") == 0)
		return flat +
		       (a.bytes * MEMMAP_PERCENT / 100 + NUMPY_PAGE - 1) /
			       NUMPY_PAGE * NUMPY_PAGE;
	return base_of(p, o->type->address, head) + a.bytes;
}

static bool own_size(const struct cpython *st, uint64_t obj,
		     const struct pympler_rule *rule, uint64_t *ret)
{
	struct cpython_size size = { 0 };
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_obj o;

	if (!cpython_obj_open(st, &st->mem, obj, buf, sizeof(buf), &o))
		return false;
	cpython_size(&o, &size);
	*ret = size.flat;
	if (rule->own_size == PYMPLER_ARRAY)
		*ret = array_size(st->pympler, &o, size.flat);
	else if (rule->own_size == PYMPLER_NDARRAY)
		*ret = numpy_size(st->pympler, &o, size.flat);
	return true;
}

/* --- the interface -------------------------------------------------------- */

static bool begun(struct cpython *st)
{
	if (st->pympler == NULL)
		st->pympler = calloc(1, sizeof(*st->pympler));
	return st->pympler != NULL;
}

static void begin(void *state, uint32_t options)
{
	struct cpython *st = state;

	if (!begun(st))
		return;
	memset(st->pympler->rules, 0, sizeof(st->pympler->rules));
	st->pympler->options = options;
	st->pympler->n_bases = 0;
	st->pympler->none = cpython_lookup(&st->mem, cpython_text("None"));
	// sys.modules is a dict and nothing else
	st->pympler->dict_type = cpython_type_of(
		&st->mem, cpython_field(&st->mem, st->mem.interp,
					st->mem.lay->interp_modules));
}

static uint64_t owner_of(uint64_t id)
{
	return id & ~(uint64_t)HEAPSH_COMPAT_MADE;
}

/* A class whose type is type itself stands for itself, all else for its type */
static uint64_t key_of(const struct cpython *st, uint64_t obj, uint64_t type)
{
	return type == st->type_type ? obj : type;
}

static int made_thing(const struct cpython *st, uint64_t id,
		      struct heapsh_compat_thing *ret)
{
	if (!cpython_pympler_made(st, id, &ret->flat))
		return 0;
	ret->flags = HEAPSH_COMPAT_COUNTS | HEAPSH_COMPAT_LEADS;
	ret->key = st->pympler->dict_type;
	// a number that is no address: nothing else is of that kind
	if ((id & HEAPSH_COMPAT_MADE) != PYMPLER_MADE_TABLE &&
	    ((id & HEAPSH_COMPAT_MADE) != PYMPLER_MADE_LOCALS ||
	     st->mem.lay->minor >= 13))
		ret->key = id & HEAPSH_COMPAT_MADE;
	return 1;
}

static int thing(void *state, uint64_t id, struct heapsh_compat_thing *ret)
{
	struct cpython *st = state;
	struct pympler_rule rule;
	uint32_t with;

	if (!begun(st))
		return 0;
	if (id != owner_of(id))
		return made_thing(st, id, ret);
	if (!cpython_pympler_rule(st, id, &rule) ||
	    !own_size(st, id, &rule, &ret->flat))
		return 0;
	with = st->pympler->options;
	ret->flags = 0;
	if ((!rule.code || with & HEAPSH_COMPAT_CODE) &&
	    (!rule.ignored || with & HEAPSH_COMPAT_IGNORED))
		ret->flags |= HEAPSH_COMPAT_COUNTS;
	if (rule.refs != PYMPLER_NONE)
		ret->flags |= HEAPSH_COMPAT_LEADS;
	if (rule.refs == PYMPLER_MODULE)
		ret->flags |= HEAPSH_COMPAT_ARGUMENT;
	ret->key = key_of(st, id, rule.type);
	return 1;
}

static void referents(void *state, uint64_t id, heapsh_compat_fn *fn, void *arg)
{
	struct pympler_rule rule = { .refs = PYMPLER_NONE };
	struct cpython *st = state;

	if (!begun(st) ||
	    (id == owner_of(id) && !cpython_pympler_rule(st, id, &rule)))
		return;
	cpython_pympler_refs(st, id, &rule, fn, arg);
}

static int words(void *state, uint64_t id, struct heapsh_compat_words *ret)
{
	return begun(state) && cpython_pympler_words(state, id, ret);
}

static int own_rule(void *state, uint32_t index,
		    struct heapsh_compat_words *ret)
{
	return begun(state) && cpython_pympler_static(state, index, ret);
}

const struct heapsh_compat cpython_pympler = {
	.size = sizeof(cpython_pympler),
	.limit = LIMIT,
	.name = "pympler",
	.begin = begin,
	.thing = thing,
	.referents = referents,
	.words = words,
	.own_rule = own_rule,
};
