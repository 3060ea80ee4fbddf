/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a type says of its objects. The chain of its bases is followed up to one
 * that is known, by a row of kinds.c or a shape of layouts.c; what the types
 * before it add, members of __slots__ and of C structures that describe them,
 * are references too. Words that nothing explains are scanned.
 */
#include "kinds.h"
#include "object.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "evaluate.h"
#include "lookup.h"
#include "plain.h"

enum {
	MAX_BASIC = 1 << 20,	/* bytes; larger is no type */
	MAX_ITEM = 1 << 16,
	MAX_MEMBERS = 4096,	/* of one class */
	MAX_HIDDEN = 256,	/* items of a struct sequence */
	MAX_META = 8,
	MAX_NAME = 256,
	TP_READY = 1 << 12,	/* Include/object.h, 3.8-3.13 */
	TP_MANAGED_WEAKREF = 1 << 3,	/* from 3.12 */
	/* PyMemberDef.type: structmember.h, from 3.12 descrobject.h */
	MEMBER_OBJECT = 6,
	MEMBER_OBJECT_EX = 16,
};

/* A type that is being described. */
struct draft {
	const struct cpython *st;
	const struct cpython_mem *m;
	struct cpython_type *t;
	uint8_t *covered;	/* a byte a word of the object */
	int64_t n_words;
	const struct cpython_known_type *row;
	bool exact;		/* row is the type's own */
	bool foreign;		/* a type of C code that is not known: */
	uint64_t first_foreign;	/* the nearest one */
	uint64_t known;		/* what the last of them derives from, or 0 */
	bool failed;		/* no memory */
};

static uint64_t get(const struct draft *d, uint64_t type, int32_t field)
{
	return cpython_field(d->m, type, field);
}

/* Is it a type whose type is a type whose … is `type` itself? */
static bool is_type(const struct cpython *st, const struct cpython_mem *m,
		    uint64_t addr)
{
	uint64_t meta = cpython_type_of(m, addr);

	for (int i = 0; i < MAX_META && meta != st->type_type; i++) {
		if (!cpython_plausible(meta) ||
		    !(cpython_type_flags(m, meta) & CPYTHON_TP_TYPE))
			return false;
		meta = cpython_type_of(m, meta);
	}
	return meta == st->type_type;
}

/*
 * Not every static type has been made ready: PyType_Ready() was never called
 * for functools._lru_list_elem up to 3.9, and every lru_cache is made of it.
 */
static bool sane(const struct draft *d, const struct cpython_type *t)
{
	bool heap = t->tp_flags & CPYTHON_TP_HEAPTYPE;
	char first;

	if (heap && !(t->tp_flags & TP_READY))
		return false;
	return t->basic >= 16 && t->basic <= MAX_BASIC && t->item >= 0 &&
	       t->item <= MAX_ITEM &&
	       cpython_copy(d->m, get(d, t->address, d->m->lay->tp_name),
			    &first, 1) &&
	       (isalpha((unsigned char)first) || first == '_' ||
		(first & 0x80) != 0);
}

uint64_t cpython_python_dealloc(const struct cpython_mem *m)
{
	uint64_t module = cpython_module(m,
					 cpython_text("_frozen_importlib"));
	uint64_t class = cpython_dict_gets(m, cpython_module_dict(m, module),
					   "ModuleSpec");

	return cpython_field(m, class, m->lay->tp_dealloc);
}

static bool made_by_python(const struct draft *d, uint64_t type,
			   const char *name)
{
	if (!(cpython_type_flags(d->m, type) & CPYTHON_TP_HEAPTYPE))
		return false;
	if (d->st->python_dealloc != 0 &&
	    get(d, type, d->m->lay->tp_dealloc) != d->st->python_dealloc)
		return false;
	// PyType_FromSpec() keeps the dotted name of the specification
	return strchr(name, '.') == NULL;
}

/* Words from offset `from` up to `to`, which may be any numbers. */
static void cover(struct draft *d, int64_t from, int64_t to)
{
	if (to > d->n_words * 8)
		to = d->n_words * 8;
	for (int64_t i = from < 0 ? 0 : from / 8; i * 8 < to; i++)
		d->covered[i] = 1;
}

static struct cpython_ref *add_ref(struct draft *d)
{
	struct cpython_type *t = d->t;
	struct cpython_ref *p;

	if ((t->n_refs & (t->n_refs - 1)) == 0) {
		p = reallocarray(t->refs, t->n_refs ? t->n_refs * 2 : 1,
				 sizeof(*p));
		if (p == NULL) {
			d->failed = true;
			return NULL;
		}
		t->refs = p;
	}
	memset(&t->refs[t->n_refs], 0, sizeof(*p));
	return &t->refs[t->n_refs++];
}

/*
 * References to surroundings, which no deep size follows (plugin.h): where code
 * runs, and what a definition is called and documented with.
 */
static bool is_context(const char *label)
{
	static const char *const names[] = {
		".__globals__", ".__builtins__", ".__code__", ".f_back",
		".f_globals", ".f_builtins", ".f_code", ".gi_code",
		".cr_code", ".ag_code", ".__objclass__", ".__name__",
		".__qualname__", ".__module__", ".__doc__", ".__annotations__",
		".__type_params__",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], label) == 0)
			return true;
	return false;
}

static void add_shape(struct draft *d, const struct cpython_shape *shape)
{
	const struct cpython_slot *s = d->m->lay->slots + shape->first;

	for (int i = 0; i < shape->n; i++, s++) {
		struct cpython_ref *r = add_ref(d);
		bool attr = s->label[0] == '.';

		if (r == NULL)
			return;
		r->offset = s->offset;
		r->count = s->count;
		r->label = attr ? HEAPSH_LABEL_NAME : HEAPSH_LABEL_FIELD;
		r->flags = is_context(s->label) ? HEAPSH_EDGE_CONTEXT : 0;
		r->text = s->label + (attr ? 1 : 2);
	}
	cover(d, 0, shape->size);
}

/* Names of members live as long as the type. */
static bool keep_name(struct draft *d, struct cpython_ref *r, uint64_t addr)
{
	char name[MAX_NAME];

	if (cpython_cstr(d->m, addr, name, sizeof(name)) <= 0)
		name[0] = '\0';
	r->text = strdup(name);
	r->owned = true;
	return r->text != NULL;
}

/* Members of a heap type lie behind it: PyHeapType_GET_MEMBERS(). */
static void add_members(struct draft *d, uint64_t type)
{
	const struct cpython_layout *l = d->m->lay;
	uint64_t meta = cpython_type_of(d->m, type), at;
	int64_t n = cpython_i64(d->m, type, l->ob_size, 0);
	int64_t basic = cpython_i64(d->m, meta, l->tp_basicsize, 0);

	if (n < 0 || n > MAX_MEMBERS || basic < l->sizeof_heap_type ||
	    basic > MAX_BASIC)
		return;
	at = type + (uint64_t)basic;
	for (; n > 0; n--, at += (uint64_t)l->sizeof_member) {
		int kind = cpython_i32(d->m, at, l->member_type, -1);
		int64_t off = cpython_i64(d->m, at, l->member_offset, -1);
		struct cpython_ref *r;

		if ((kind != MEMBER_OBJECT && kind != MEMBER_OBJECT_EX) ||
		    off < 16 || off > d->t->basic - 8 || (off & 7) != 0 ||
		    d->covered[off / 8])
			continue;
		r = add_ref(d);
		if (r == NULL)
			return;
		r->offset = (int32_t)off;
		r->count = 1;
		r->label = HEAPSH_LABEL_NAME;
		if (!keep_name(d, r, get(d, at, l->member_name))) {
			d->failed = true;
			return;
		}
		cover(d, off, off + 8);
	}
}

/* The known base of the type; its refs, and those of what comes before it. */
static void follow_bases(struct draft *d)
{
	const struct cpython_layout *l = d->m->lay;
	uint64_t type = d->t->address;
	char name[MAX_NAME];

	for (int i = 0; i < CPYTHON_MAX_BASES && type != 0; i++) {
		int64_t basic = cpython_i64(d->m, type, l->tp_basicsize, 0);
		uint64_t base = get(d, type, l->tp_base);
		const struct cpython_known_type *row;
		const struct cpython_shape *shape;

		cpython_cstr(d->m, get(d, type, l->tp_name), name,
			     sizeof(name));
		if (made_by_python(d, type, name)) {
			add_members(d, type);
			type = base;
			continue;
		}
		row = cpython_known_type(name);
		if (row != NULL && cpython_known_size(row, l) >= 0 &&
		    cpython_known_size(row, l) != basic)
			row = NULL;
		shape = cpython_shape_find(l, name, basic);
		if (shape == NULL &&
		    (cpython_shape_differs(l, name, basic) ||
		     !cpython_name_tells(d->st, type,
					 cpython_type_flags(d->m, type),
					 name)))
			row = NULL;
		if (shape != NULL)
			add_shape(d, shape);
		d->row = row;
		d->exact = type == d->t->address;
		// without a base: object itself, or a type that is not ready
		if (row != NULL || shape != NULL ||
		    (base == 0 && strcmp(name, "object") == 0)) {
			cover(d, 0, basic);
			d->known = type;
			return;
		}
		if (!d->foreign)
			d->first_foreign = type;
		d->foreign = true;
		if (cpython_type_flags(d->m, type) & CPYTHON_TP_HEAPTYPE)
			add_members(d, type);
		type = base;
	}
}

/* Runs of words that nothing explains. */
static void find_scans(struct draft *d)
{
	struct cpython_type *t = d->t;
	int64_t i = 2, from;

	while (i < d->n_words) {
		if (d->covered[i]) {
			i++;
			continue;
		}
		for (from = i; i < d->n_words && !d->covered[i];)
			i++;
		t->scans = reallocarray(t->scans, t->n_scans + 1,
					sizeof(*t->scans));
		if (t->scans == NULL) {
			d->failed = true;
			return;
		}
		t->scans[t->n_scans].from = (int32_t)(from * 8);
		t->scans[t->n_scans++].to = (int32_t)(i * 8);
	}
}

/*
 * Words of the structure that items of the object lie over: those that a
 * subclass with a dict behind the items adds to tp_basicsize, and, from 3.13,
 * those of a struct sequence. They are not members.
 */
static void cover_items(struct draft *d)
{
	const struct cpython_type *t = d->t;

	if (t->dict_offset < 0)
		cover(d, t->basic + t->dict_offset, t->basic);
	if (t->kind == CPYTHON_KIND_TUPLE)
		cover(d, d->m->lay->tuple_items, t->basic);
}

static int64_t int_in_dict(const struct draft *d, uint64_t dict,
			   const char *key)
{
	uint64_t obj = cpython_dict_gets(d->m, dict, key);
	int64_t v;

	return obj != 0 && cpython_int_value(d->m, obj, &v) ? v : -1;
}

/*
 * Struct sequences hide items behind those that ob_size counts
 * (Objects/structseq.c, REAL_SIZE); from 3.13 tp_basicsize includes them.
 * There is no other reference: nobody needs to ask their tp_traverse.
 */
static void find_hidden(struct draft *d)
{
	struct cpython_type *t = d->t;
	uint64_t dict = cpython_type_dict(d->m, t->address);
	int64_t all = int_in_dict(d, dict, "n_fields");
	int64_t seen = int_in_dict(d, dict, "n_sequence_fields");

	if (t->python || all < seen || seen < 0 || all - seen > MAX_HIDDEN)
		return;
	d->first_foreign = 0;
	t->hidden = (int32_t)(all - seen);
}

bool cpython_has_method(const struct cpython_mem *m, uint64_t type,
			const char *want)
{
	const struct cpython_layout *l = m->lay;
	uint64_t def = cpython_field(m, type, l->tp_methods);
	char name[32];

	for (int i = 0; def != 0 && i < 1024; i++) {
		uint64_t at = cpython_field(m, def, l->ml_name);

		if (at == 0 || cpython_cstr(m, at, name, sizeof(name)) < 0)
			return false;
		if (strcmp(name, want) == 0)
			return true;
		def += (uint64_t)l->sizeof_method_def;
	}
	return false;
}

static bool custom_repr(const struct draft *d)
{
	uint64_t f;

	if (!(d->t->tp_flags & CPYTHON_TP_HEAPTYPE))
		return false;
	f = cpython_class_attr(d->m, d->t->address, cpython_text("__repr__"));
	return f != 0 && cpython_form_of(d->m, f) == CPYTHON_FORM_FUNCTION;
}

/* "collections.deque", "__main__.Account", and "int" for what is built in. */
static void full_name(const struct draft *d, char *ret, size_t cap)
{
	const struct cpython_layout *l = d->m->lay;
	uint64_t type = d->t->address;
	char module[MAX_NAME] = "", name[MAX_NAME];
	uint64_t dict;

	cpython_cstr(d->m, get(d, type, l->tp_name), name, sizeof(name));
	if (d->t->python) {
		dict = cpython_type_dict(d->m, type);
		cpython_str_copy(d->m, cpython_dict_gets(d->m, dict,
							 "__module__"),
				 module, sizeof(module));
		if (cpython_str_copy(d->m, get(d, type, l->ht_qualname), name,
				     sizeof(name)) <= 0)
			cpython_cstr(d->m, get(d, type, l->tp_name), name,
				     sizeof(name));
	}
	if (module[0] == '\0' || strcmp(module, "builtins") == 0)
		snprintf(ret, cap, "%s",
			 strncmp(name, "builtins.", 9) ? name : name + 9);
	else
		snprintf(ret, cap, "%s.%s", module, name);
}

static bool leaf(const struct draft *d)
{
	const struct cpython_type *t = d->t;

	switch ((enum cpython_kind)t->kind) {
	case CPYTHON_KIND_OTHER:
	case CPYTHON_KIND_LONG:
	case CPYTHON_KIND_STR:
	case CPYTHON_KIND_BYTES:
	case CPYTHON_KIND_BYTEARRAY:
		return t->traverse == 0 &&
		       t->more <= CPYTHON_MORE_NP_BYTES && t->n_refs == 0 &&
		       t->n_scans == 0 && !t->managed_dict &&
		       t->dict_offset == 0 &&
		       !(t->tp_flags & CPYTHON_TP_HEAPTYPE);
	default:
		return false;
	}
}

/* Tell the host. */
static void announce(struct draft *d)
{
	struct cpython_type *t = d->t;
	char name[2 * MAX_NAME + 2];
	struct heapsh_type h = {
		.size = sizeof(h),
		.address = t->address,
		.basic_size = (uint64_t)t->basic,
		.item_size = (uint64_t)t->item,
		.pre_size = (uint64_t)t->pre,
	};

	full_name(d, name, sizeof(name));
	h.name = cpython_text(name);
	t->flags = d->row != NULL ? d->row->flags : 0;
	// instances keep their attributes in a dict, not in one of its heirs
	if (!d->exact)
		t->flags &= ~(uint32_t)HEAPSH_TYPE_TABLE;
	if (leaf(d))
		t->flags |= HEAPSH_TYPE_LEAF;
	if (t->managed_dict || t->dict_offset != 0)
		t->flags |= HEAPSH_TYPE_OWNS_TABLE;
	if (custom_repr(d))
		t->flags |= HEAPSH_TYPE_CUSTOM_REPR;
	h.flags = t->flags;
	t->number = d->m->host->type(d->m->im, &h);
}

static void read_head(struct draft *d)
{
	const struct cpython_layout *l = d->m->lay;
	struct cpython_type *t = d->t;
	uint64_t preheader = CPYTHON_TP_MANAGED_DICT;

	t->tp_flags = cpython_type_flags(d->m, t->address);
	t->basic = cpython_i64(d->m, t->address, l->tp_basicsize, -1);
	if (t->basic < 0 || t->basic > MAX_BASIC)
		t->basic = 0;	// not sane()
	t->item = cpython_i64(d->m, t->address, l->tp_itemsize, -1);
	if (l->minor >= 12)
		preheader |= TP_MANAGED_WEAKREF;
	t->managed_dict = l->minor >= 11 &&
			  (t->tp_flags & CPYTHON_TP_MANAGED_DICT);
	t->inline_values = l->minor >= 13 &&
			   (t->tp_flags & CPYTHON_TP_INLINE_VALUES);
	if (t->tp_flags & CPYTHON_TP_HAVE_GC)
		t->pre += l->sizeof_gc_head;
	if (l->minor >= 11 && (t->tp_flags & preheader))
		t->pre += 16;
	if (!t->managed_dict)
		t->dict_offset = cpython_i64(d->m, t->address,
					     l->tp_dictoffset, 0);
	if (t->dict_offset > t->basic - 8 || t->dict_offset < -t->basic)
		t->dict_offset = 0;
	if (t->tp_flags & CPYTHON_TP_HEAPTYPE)
		t->cached_keys = get(d, t->address, l->ht_cached_keys);
}

static void describe(struct draft *d)
{
	struct cpython_type *t = d->t;
	char name[MAX_NAME];
	int64_t weak;

	cpython_cstr(d->m, get(d, t->address, d->m->lay->tp_name), name,
		     sizeof(name));
	t->python = made_by_python(d, t->address, name);
	if (t->dict_offset > 0)
		cover(d, t->dict_offset, t->dict_offset + 8);
	weak = cpython_i64(d->m, t->address, d->m->lay->tp_weaklistoffset, 0);
	if (weak > 0 && weak < t->basic)
		cover(d, weak, weak + 8);
	follow_bases(d);
	t->kind = d->row != NULL ? d->row->kind : CPYTHON_KIND_OTHER;
	t->more = d->row != NULL ? d->row->more : CPYTHON_MORE_NONE;
	t->loose = d->foreign || (t->more >= CPYTHON_MORE_LOOSE &&
				  t->more <= CPYTHON_MORE_NP_DTYPE);
	cover_items(d);
	find_scans(d);
	if (t->kind == CPYTHON_KIND_TUPLE)
		find_hidden(d);
	cpython_find_functions(d->st, d->m, d->first_foreign, d->known, t);
	t->quick = (uint8_t)cpython_quick_of(t);
	announce(d);
	t->plain = (t->flags & HEAPSH_TYPE_LEAF) && t->pre == 0 && !t->loose &&
		   t->sizeof_fn == 0 && t->quick != CPYTHON_QUICK_NONE &&
		   t->quick != CPYTHON_QUICK_BLOCK;
}

struct cpython_type *cpython_describe(const struct cpython *st,
				      const struct cpython_mem *m,
				      uint64_t addr)
{
	struct draft d = { .st = st, .m = m };

	if (!is_type(st, m, addr))
		return NULL;
	d.t = calloc(1, sizeof(*d.t));
	if (d.t == NULL)
		return NULL;
	d.t->address = addr;
	read_head(&d);
	d.n_words = d.t->basic / 8;
	if (sane(&d, d.t))
		d.covered = calloc(1, (size_t)d.n_words + 1);
	if (d.covered != NULL)
		describe(&d);
	if (d.covered == NULL || d.failed) {
		cpython_type_free(d.t);
		d.t = NULL;
	}
	free(d.covered);
	return d.t;
}

void cpython_type_free(struct cpython_type *t)
{
	for (uint32_t i = 0; i < t->n_refs; i++)
		if (t->refs[i].owned)
			free((char *)t->refs[i].text);
	free(t->refs);
	free(t->scans);
	free(t);
}
