/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pympler's basicsize(), itemsize() and leng(), computed as asizeof.py of
 * Pympler 1.1 does inside the program: by a table for the types that it knows,
 * by the type's own sizes for all others. Its estimates are kept as they are
 * (a list's length with the room it may have, the slots of a dict). What it
 * asks of an object's own Python code has no length here: __len__ of classes,
 * __length_hint__ of iterators. Beside them, what len() itself answers.
 */
#include "services.h"

#include "lookup.h"
#include "plain.h"
#include "walk.h"

enum {
	TP_HAVE_GC = 1 << 14,	/* Include/object.h, 3.8-3.13 */
	/* asizeof.py: sizeof of PyDictEntry, PyModuleObject, PyCodeObject,
	 * PyFrameObject and setentry as Pympler takes them to be */
	DICT_ENTRY = 24,
	MODULE_OBJECT = 24,
	CODE_OBJECT = 120,
	FRAME_OBJECT = 384,
	SET_ENTRY = 16,
	ARRAY_OBJECT = 56,
	/* co_localspluskinds: 3.11-3.13, Include/internal/pycore_code.h */
	CO_FAST_CELL = 0x40,
	CO_FAST_FREE = 0x80,
	MAX_LOCALS = 1 << 16,
};

/* What its _len_…() functions are for. */
enum leng {
	LENG_NONE,	/* no length */
	LENG_LEN,	/* len(), 0 where there is none */
	LENG_DIGITS,
	LENG_LIST,
	LENG_DICT,
	LENG_MODULE,
	LENG_ALLOC,	/* bytearray.__alloc__() */
	LENG_SET,
	LENG_SLICE,
	LENG_STR,	/* with the final NUL */
	LENG_CODE,
	LENG_FRAME,
};

/* A row of its typedefs. */
struct rule {
	enum cpython_form form;
	bool heirs;		/* also of types derived from it */
	enum leng leng;
	int item;		/* bytes; 0: the type's own */
	int least;		/* bytes that its basic size at least has */
};
static const struct rule rules[] = {
	{ CPYTHON_FORM_INT, false, LENG_DIGITS, 0, 0 },
	{ CPYTHON_FORM_BOOL, false, LENG_NONE, 0, 0 },
	{ CPYTHON_FORM_LIST, false, LENG_LIST, 8, 0 },
	{ CPYTHON_FORM_TUPLE, false, LENG_LEN, 8, 0 },
	{ CPYTHON_FORM_DICT, true, LENG_DICT, DICT_ENTRY, 0 },
	{ CPYTHON_FORM_DEFAULTDICT, true, LENG_DICT, DICT_ENTRY, 0 },
	{ CPYTHON_FORM_ORDEREDDICT, true, LENG_DICT, DICT_ENTRY, 0 },
	{ CPYTHON_FORM_MAPPINGPROXY, false, LENG_DICT, DICT_ENTRY, 0 },
	{ CPYTHON_FORM_MODULE, true, LENG_MODULE, DICT_ENTRY + MODULE_OBJECT,
	  0 },
	{ CPYTHON_FORM_BYTEARRAY, false, LENG_ALLOC, 1, 0 },
	{ CPYTHON_FORM_BYTES, false, LENG_LEN, 1, 0 },
	{ CPYTHON_FORM_SET, false, LENG_SET, SET_ENTRY, 0 },
	{ CPYTHON_FORM_FROZENSET, false, LENG_SET, SET_ENTRY, 0 },
	{ CPYTHON_FORM_SLICE, false, LENG_SLICE, 8, 0 },
	{ CPYTHON_FORM_STR, false, LENG_STR, 1, 0 },
	{ CPYTHON_FORM_GENERATOR, false, LENG_NONE, 0, 0 },
	{ CPYTHON_FORM_CODE, false, LENG_CODE, 8, CODE_OBJECT },
	{ CPYTHON_FORM_FRAME, false, LENG_FRAME, 0, FRAME_OBJECT },
};

struct subject {
	const struct cpython *st;
	const struct cpython_mem *m;
	const struct cpython_type *type;
	uint64_t addr;
	enum cpython_form form;
	bool exact;		/* its type is that of the form itself */
};

/* --- len() ---------------------------------------------------------------- */

/*
 * A __len__ of Python code may say anything. That of a C type is a slot
 * wrapper, and the length is that of the form.
 */
static bool own_len(const struct subject *s)
{
	uint64_t f = cpython_class_attr(s->m, s->type->address,
					cpython_text("__len__"));

	return cpython_form_of(s->m, f) == CPYTHON_FORM_WRAPPER_DESCR;
}

static bool has_len(const struct subject *s)
{
	return cpython_class_attr(s->m, s->type->address,
				  cpython_text("__len__")) != 0;
}

/* What len() answers; -1: nothing, or not known. */
static int64_t exact_length(const struct subject *s)
{
	return own_len(s) ? cpython_length(s->m, s->addr) : -1;
}

/* --- leng() --------------------------------------------------------------- */

/* The least power of two that is not below n. */
static int64_t power_of_2(int64_t n)
{
	int64_t p = 1;

	while (p < n)
		p += p;
	return p;
}

static int64_t grown_list(int64_t n)
{
	return n > 8 ? n + 6 + (n >> 3) : n > 0 ? n + 4 : n;
}

static int64_t grown_dict(int64_t n)
{
	return n < 6 ? (n < 0 ? n : 0) : power_of_2(n + 1);
}

static int64_t grown_set(int64_t n)
{
	return n > 8 ? power_of_2(n + n - 2) : n > 0 ? 8 : n;
}

static bool flat_size(const struct subject *s, uint64_t *ret)
{
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_size size = { 0 };
	struct cpython_obj o;

	if (!cpython_obj_open(s->st, s->m, s->addr, buf, sizeof(buf), &o))
		return false;
	cpython_size(&o, &size);
	*ret = size.flat;
	return !size.torn;
}

/* The words behind the structure's own: of 0 there is one from 3.12 on. */
static int64_t digits(const struct subject *s)
{
	uint64_t flat;

	if (s->type->item <= 0 || !flat_size(s, &flat) ||
	    flat < (uint64_t)s->type->basic)
		return -1;
	return (int64_t)(flat - (uint64_t)s->type->basic) / s->type->item;
}

/* (stop - start + 1) // step; 0 unless all are numbers. */
static bool slice_leng(const struct subject *s, int64_t *ret)
{
	const struct cpython_layout *l = s->m->lay;
	const int32_t field[] = { l->slice_start, l->slice_stop,
				  l->slice_step };
	int64_t v[3], n;

	*ret = 0;
	for (int i = 0; i < 3; i++) {
		uint64_t obj = cpython_field(s->m, s->addr, field[i]);

		// what is no number raises a TypeError, and Pympler says 0
		if (!(cpython_flags_of(s->m, obj) & CPYTHON_TP_LONG) &&
		    cpython_form_of(s->m, obj) != CPYTHON_FORM_FLOAT)
			return true;
		if (!(cpython_flags_of(s->m, obj) & CPYTHON_TP_LONG) ||
		    !cpython_int_value(s->m, obj, &v[i]))
			return false;
	}
	if (__builtin_sub_overflow(v[1], v[0], &n) ||
	    __builtin_add_overflow(n, 1, &n) || v[2] == 0 ||
	    (n == INT64_MIN && v[2] == -1))
		return false;
	*ret = n / v[2] - (n % v[2] != 0 && (n < 0) != (v[2] < 0));
	return true;
}

/* len(co_freevars) + len(co_cellvars); -1: unreadable. */
static int64_t free_and_cells(const struct cpython_mem *m, uint64_t code)
{
	const struct cpython_layout *l = m->lay;
	uint64_t kinds, data, n;
	int64_t sum = 0;

	if (l->code_localspluskinds < 0) {
		int64_t free = cpython_length(
			m, cpython_field(m, code, l->code_freevars));
		int64_t cells = cpython_length(
			m, cpython_field(m, code, l->code_cellvars));

		return free < 0 || cells < 0 ? -1 : free + cells;
	}
	kinds = cpython_field(m, code, l->code_localspluskinds);
	if (!cpython_bytes_open(m, kinds, CPYTHON_FORM_BYTES, &data, &n) ||
	    n > MAX_LOCALS)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		int kind = cpython_u8(m, data + i, 0, 0);

		sum += !!(kind & CO_FAST_CELL) + !!(kind & CO_FAST_FREE);
	}
	return sum;
}

static bool code_leng(const struct cpython_mem *m, uint64_t code, int64_t *ret)
{
	const struct cpython_layout *l = m->lay;
	int64_t outer = free_and_cells(m, code);
	int64_t stack = cpython_i32(m, code, l->code_stacksize, -1);
	int64_t locals = cpython_i32(m, code, l->code_nlocals, -1);

	*ret = outer + stack + locals - 1;
	return outer >= 0 && stack >= 0 && locals >= 0;
}

static uint64_t code_of_frame(const struct cpython_mem *m, uint64_t frame)
{
	const struct cpython_layout *l = m->lay;

	if (l->frame_iframe < 0)
		return cpython_field(m, frame, l->frame_code);
	frame = cpython_field(m, frame, l->frame_iframe);
	return cpython_field(m, frame, l->iframe_code);
}

/* A length that is not negative where there is one. */
static bool known(int64_t n, int64_t *ret)
{
	*ret = n;
	return n >= 0;
}

/* len() or 0, where a type that Pympler does not know has items. */
static bool any_length(const struct subject *s, int64_t *ret)
{
	*ret = 0;
	return !has_len(s) || known(exact_length(s), ret);
}

static bool leng(const struct subject *s, enum leng how, int64_t *ret)
{
	const struct cpython_layout *l = s->m->lay;
	uint64_t dict;

	switch (how) {
	case LENG_LEN:
		return any_length(s, ret);
	case LENG_DIGITS:
		return known(digits(s), ret);
	case LENG_LIST:
		return known(grown_list(exact_length(s)), ret);
	case LENG_DICT:
		return known(grown_dict(exact_length(s)), ret);
	case LENG_MODULE:
		dict = cpython_field(s->m, s->addr, l->md_dict);
		return known(cpython_length(s->m, dict), ret);
	case LENG_ALLOC:
		return known(cpython_i64(s->m, s->addr, l->bytearray_alloc,
					 -1), ret);
	case LENG_SET:
		return known(grown_set(exact_length(s)), ret);
	case LENG_SLICE:
		return slice_leng(s, ret);
	case LENG_STR:
		return known(exact_length(s), ret) && ++*ret;
	case LENG_CODE:
		return code_leng(s->m, s->addr, ret);
	case LENG_FRAME:
		return code_leng(s->m, code_of_frame(s->m, s->addr), ret);
	case LENG_NONE:
	default:
		return false;
	}
}

/* --- the numbers ---------------------------------------------------------- */

static const struct rule *rule_of(const struct subject *s)
{
	// what can be called is an instance, whatever it derives from
	if (!s->exact && cpython_class_attr(s->m, s->type->address,
					    cpython_text("__call__")) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].form == s->form && (s->exact || rules[i].heirs))
			return &rules[i];
	return NULL;
}

static uint64_t head(const struct subject *s, uint64_t tp_flags)
{
	return tp_flags & TP_HAVE_GC ? (uint64_t)s->m->lay->sizeof_gc_head : 0;
}

/* _basicsize() in asizeof.py */
static uint64_t basic_size(const struct subject *s, const struct rule *rule)
{
	uint64_t own = (uint64_t)s->type->basic, dict;
	uint64_t least = rule != NULL ? (uint64_t)rule->least : 0;

	dict = (uint64_t)s->m->lay->sizeof_dict + 16;
	// what derives from dict or module is a dict to it
	if (rule != NULL && rule->heirs && !s->exact)
		return dict;
	if (s->form == CPYTHON_FORM_DEFAULTDICT ||
	    s->form == CPYTHON_FORM_ORDEREDDICT)
		return dict;
	if (s->form == CPYTHON_FORM_MODULE)
		least = dict;
	// of a class: whether it is itself made at run time
	if (s->type->address == s->st->type_type)
		return own + (cpython_type_flags(s->m, s->addr) &
				      CPYTHON_TP_HEAPTYPE ?
			      (uint64_t)s->m->lay->sizeof_gc_head : 0);
	return (own > least ? own : least) + head(s, s->type->tp_flags);
}

/* Items that asizeof.py does not count: of code, of what has fields. */
static bool without_items(const struct subject *s)
{
	switch (s->form) {
	case CPYTHON_FORM_TYPE:
	case CPYTHON_FORM_FUNCTION:
	case CPYTHON_FORM_BUILTIN:
	case CPYTHON_FORM_METHOD:
		return true;
	case CPYTHON_FORM_TUPLE:
		return cpython_class_attr(s->m, s->type->address,
					  cpython_text("_fields")) != 0;
	default:
		return false;
	}
}

/* array.array: the item's own size, everything else is basic. */
static bool array_sizes(const struct subject *s, struct heapsh_measure *ret)
{
	const struct cpython_layout *l = s->m->lay;
	uint64_t descr = cpython_field(s->m, s->addr, l->array_descr), flat;
	int64_t item = cpython_i32(s->m, descr, l->arraydescr_itemsize, 0);
	int64_t n = cpython_i64(s->m, s->addr, l->ob_size, -1);

	if (item < 1 || item > 16 || n < 0 || n >> 44 ||
	    !flat_size(s, &flat) || flat < (uint64_t)(n * item))
		return false;
	ret->basic_size = flat - (uint64_t)(n * item);
	if (ret->basic_size < ARRAY_OBJECT)
		ret->basic_size = ARRAY_OBJECT;
	ret->item_size = (uint64_t)item;
	ret->length = (uint64_t)n;
	ret->has_length = 1;
	return true;
}

static enum leng type_sizes(const struct subject *s, struct heapsh_measure *ret)
{
	const struct rule *rule = rule_of(s);
	enum leng how = LENG_NONE;

	ret->basic_size = basic_size(s, rule);
	if (rule != NULL) {
		how = rule->leng;
		ret->item_size = (uint64_t)(rule->item ? rule->item :
					    s->type->item);
	} else if (!without_items(s)) {
		ret->item_size = (uint64_t)s->type->item;
		how = ret->item_size != 0 ? LENG_LEN : LENG_NONE;
		if (s->type->kind == CPYTHON_KIND_STRUCT)
			ret->item_size = 1;	// bytes of what it packs
	}
	return how;
}

static void pympler_sizes(const struct subject *s, struct heapsh_measure *ret)
{
	enum leng how = type_sizes(s, ret);
	int64_t n;

	ret->has_length = leng(s, how, &n);
	if (ret->has_length)
		ret->length = (uint64_t)n;
}

static bool of_type(struct subject *s, uint64_t type)
{
	uint64_t base;

	s->type = cpython_type(s->st, s->m, type);
	if (s->type == NULL)
		return false;
	s->form = cpython_form(s->m, type, &base);
	s->exact = base == type;
	return true;
}

int cpython_measure_type(const struct cpython *st, uint64_t type,
			 struct heapsh_measure *ret)
{
	struct subject s = { .st = st, .m = &st->mem };

	if (!of_type(&s, type))
		return 0;
	type_sizes(&s, ret);
	return 1;
}

int cpython_measure(const struct cpython *st, uint64_t addr,
		    struct heapsh_measure *ret)
{
	struct subject s = { .st = st, .m = &st->mem, .addr = addr };
	int64_t n;

	if (!of_type(&s, cpython_type_of(s.m, addr)))
		return 0;
	if (s.type->kind != CPYTHON_KIND_ARRAY || !array_sizes(&s, ret))
		pympler_sizes(&s, ret);
	if (!HEAPSH_HAS(ret, has_exact_length))
		return 1;
	n = s.type->kind == CPYTHON_KIND_ARRAY && own_len(&s) ?
		    (int64_t)ret->length : exact_length(&s);
	ret->has_exact_length = n >= 0;
	ret->exact_length = n >= 0 ? (uint64_t)n : 0;
	return 1;
}
