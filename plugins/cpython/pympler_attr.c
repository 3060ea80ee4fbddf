/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes as Pympler asks for them, getattr() without running code; and what
 * an instance has of them: its table, its class, its slots.
 */
#include "pympler.h"

#include <stdlib.h>

#include "keys.h"
#include "lookup.h"
#include "plain.h"
#include "walk.h"

enum {
	/* PyMemberDef.type: structmember.h, from 3.12 descrobject.h */
	MEMBER_OBJECT = 6,
	MEMBER_OBJECT_EX = 16,
	MAX_SLOTS = 1024, /* names in all __slots__ of an object */
	MAX_ATTRS = 128, /* with one prefix */
};

void cpython_pympler_emit(struct pympler_out *o, uint64_t target,
			  enum heapsh_label label, uint64_t a, const char *text,
			  uint32_t flags)
{
	struct heapsh_edge e = { .flags = flags,
				 .label = label,
				 .target = target,
				 .a = a,
				 .text = text };

	if (target != 0 && !o->stop)
		o->stop = !o->fn(o->arg, &e);
}

void cpython_pympler_name(struct pympler_out *o, uint64_t target,
			  const char *name)
{
	cpython_pympler_emit(o, target, HEAPSH_LABEL_NAME, 0, name, 0);
}

void cpython_pympler_pair(struct pympler_out *o, uint64_t key, uint64_t value)
{
	cpython_pympler_emit(o, key, HEAPSH_LABEL_KEY, key, NULL,
			     HEAPSH_EDGE_KEY);
	cpython_pympler_emit(o, value, HEAPSH_LABEL_VALUE, key, NULL, 0);
}

/* --- attributes --------------------------------------------------------- */

/* A slot or member; None where an empty member reads as that. */
static uint64_t member(const struct cpython *st, uint64_t obj, uint64_t descr)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t def = cpython_field(m, descr, m->lay->member_descr_def), v;
	int type = cpython_i32(m, def, m->lay->member_type, -1);
	int64_t off = cpython_i64(m, def, m->lay->member_offset, -1);

	if ((type != MEMBER_OBJECT && type != MEMBER_OBJECT_EX) || off < 0)
		return 0;
	v = cpython_word(m, obj + (uint64_t)off);
	return v == 0 && type == MEMBER_OBJECT ? st->pympler->none : v;
}

/* Does the class answer with something else than what it holds? */
static bool is_computed(const struct cpython_mem *m, uint64_t found)
{
	char name[24];

	switch (cpython_form_of(m, found)) {
	case CPYTHON_FORM_FUNCTION:
	case CPYTHON_FORM_METHOD_DESCR:
	case CPYTHON_FORM_CLASSMETHOD_DESCR:
	case CPYTHON_FORM_WRAPPER_DESCR:
		return true;
	default:
		break;
	}
	cpython_cstr(
		m, cpython_field(m, cpython_type_of(m, found), m->lay->tp_name),
		name, sizeof(name));
	return strcmp(name, "property") == 0 ||
	       strcmp(name, "classmethod") == 0 ||
	       strcmp(name, "staticmethod") == 0;
}

uint64_t cpython_pympler_value(const struct cpython *st, uint64_t obj,
			       const char *name)
{
	const struct cpython_mem *m = &st->mem;
	struct heapsh_text text = cpython_text(name);
	uint64_t class, found;

	class = cpython_class_attr(m, cpython_type_of(m, obj), text);
	if (class == 0)
		return cpython_instance_attr(m, obj, text);
	if (cpython_form_of(m, class) == CPYTHON_FORM_MEMBER_DESCR)
		return member(st, obj, class);
	if (cpython_form_of(m, class) == CPYTHON_FORM_GETSET_DESCR)
		return cpython_attr(m, obj, text);
	found = cpython_instance_attr(m, obj, text);
	if (found != 0)
		return found;
	return is_computed(m, class) ? 0 : class;
}

void cpython_pympler_attr(struct pympler_out *o, uint64_t obj, const char *name)
{
	cpython_pympler_name(o, cpython_pympler_value(o->st, obj, name), name);
}

struct attr {
	uint64_t key; /* str object */
	char name[64];
};

static int by_name(const void *a, const void *b)
{
	const struct attr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* dir() of what begins with prefix, of the type's own: in order. */
void cpython_pympler_prefix(struct pympler_out *o, uint64_t obj,
			    const char *prefix)
{
	uint64_t dict = cpython_type_dict(o->m, cpython_type_of(o->m, obj));
	struct cpython_dict_iter it;
	uint64_t key, value;
	struct attr *all;
	size_t n = 0, i;

	all = calloc(MAX_ATTRS, sizeof(*all));
	if (all == NULL || !(cpython_flags_of(o->m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(o->m, dict, &it)) {
		free(all);
		return;
	}
	while (n < MAX_ATTRS && cpython_dict_next(o->m, &it, &key, &value)) {
		all[n].key = key;
		if (cpython_str_copy(o->m, key, all[n].name,
				     sizeof(all[n].name)) > 0 &&
		    strncmp(all[n].name, prefix, strlen(prefix)) == 0)
			n++;
	}
	qsort(all, n, sizeof(*all), by_name);
	for (i = 0; i < n; i++)
		cpython_pympler_emit(
			o, cpython_pympler_value(o->st, obj, all[i].name),
			HEAPSH_LABEL_ATTR, all[i].key, NULL, 0);
	free(all);
}

/* --- instances ---------------------------------------------------------- */

bool cpython_pympler_open(const struct cpython *st, uint64_t obj, uint8_t *buf,
			  struct cpython_obj *ret)
{
	return cpython_obj_open(st, &st->mem, obj, buf, CPYTHON_HEAD, ret);
}

static uint64_t dict_of(const struct cpython *st, uint64_t obj)
{
	uint8_t buf[CPYTHON_HEAD];
	struct cpython_obj o;

	return cpython_pympler_open(st, obj, buf, &o)
		       ? cpython_instance_dict(&o)
		       : 0;
}

/* Names that were told: an inherited slot is told once. */
struct slots {
	struct pympler_out *o;
	uint64_t obj, class;
	uint64_t told[MAX_SLOTS];
	size_t n;
};

static void emit_slot(struct slots *s, const char *name, uint64_t key)
{
	const struct cpython_mem *m = s->o->m;
	uint64_t value = cpython_pympler_value(s->o->st, s->obj, name), descr;
	size_t i;

	if (value == 0)
		return;
	descr = cpython_class_attr(m, cpython_type_of(m, s->obj),
				   cpython_text(name));
	if (cpython_form_of(m, descr) == CPYTHON_FORM_MEMBER_DESCR)
		key = cpython_field(m, descr, m->lay->descr_name);
	for (i = 0; i < s->n; i++)
		if (s->told[i] == key ||
		    cpython_str_equal(m, s->told[i], name, strlen(name)))
			return;
	if (s->n < MAX_SLOTS)
		s->told[s->n++] = key;
	cpython_pympler_emit(s->o, value, HEAPSH_LABEL_ATTR, key, NULL, 0);
}

/* One name, mangled as Pympler does: with all of the class's own name. */
static void slot_named(struct slots *s, uint64_t key)
{
	const struct cpython_mem *m = s->o->m;
	char name[256];
	struct cpython_out out = { .buf = name, .cap = sizeof(name) - 1 };
	char own[200];

	if (cpython_str_copy(m, key, own, sizeof(own)) < 0)
		return;
	if (strncmp(own, "__", 2) == 0) {
		cpython_puts(&out, "_");
		cpython_put_str(m, &out,
				cpython_field(m, s->class, m->lay->ht_name));
	}
	cpython_puts(&out, own);
	if (out.len > out.cap)
		return;
	name[out.len] = '\0';
	emit_slot(s, name, key);
}

/* A name alone is gone through character by character. */
static void slots_of_str(struct slots *s, uint64_t str)
{
	char all[256], one[2] = "";
	int n = cpython_str_copy(s->o->m, str, all, sizeof(all));

	for (int i = 0; i < n; i++) {
		one[0] = all[i];
		emit_slot(s, one, str);
	}
}

static void slots_of(struct slots *s, uint64_t names)
{
	const struct cpython_mem *m = s->o->m;
	uint64_t flags = cpython_flags_of(m, names), key, value;
	struct cpython_dict_iter dict;
	struct cpython_seq seq;

	if (flags & CPYTHON_TP_UNICODE) {
		slots_of_str(s, names);
	} else if (flags & CPYTHON_TP_DICT) {
		if (!cpython_dict_open(m, names, &dict))
			return;
		while (dict.i < MAX_SLOTS &&
		       cpython_dict_next(m, &dict, &key, &value))
			slot_named(s, key);
	} else if (cpython_seq_open(m, names, cpython_form_of(m, names),
				    &seq)) {
		while (seq.i < MAX_SLOTS && cpython_seq_next(m, &seq, &key))
			slot_named(s, key);
	}
}

static void emit_slots(struct pympler_out *o, uint64_t obj)
{
	uint64_t type = cpython_type_of(o->m, obj), names;
	struct slots *s;
	struct cpython_seq mro;

	if (!o->rule->slots ||
	    !cpython_seq_open(o->m,
			      cpython_field(o->m, type, o->m->lay->tp_mro),
			      CPYTHON_FORM_TUPLE, &mro))
		return;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return;
	s->o = o;
	s->obj = obj;
	while (mro.i < CPYTHON_MAX_BASES &&
	       cpython_seq_next(o->m, &mro, &s->class)) {
		names = cpython_class_attr(o->m, s->class,
					   cpython_text("__slots__"));
		if (names != 0)
			slots_of(s, names);
	}
	free(s);
}

void cpython_pympler_instance(struct pympler_out *o, uint64_t obj, bool table)
{
	uint64_t type = cpython_type_of(o->m, obj), dict;

	if (table && o->rule->table) {
		dict = dict_of(o->st, obj);
		cpython_pympler_name(
			o, dict != 0 ? dict : obj + PYMPLER_MADE_TABLE,
			"__dict__");
	}
	cpython_pympler_name(o, type, "__class__");
	emit_slots(o, obj);
}
