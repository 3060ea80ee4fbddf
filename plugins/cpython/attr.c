/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "plain.h"
#include "walk.h"

/* PyMemberDef.type of members that are objects: T_OBJECT, T_OBJECT_EX;
 * CPython 3.8-3.11 structmember.h, from 3.12 descrobject.h */
enum { MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16 };

static bool is(struct heapsh_text name, const char *s)
{
	return name.n == strlen(s) && memcmp(name.s, s, name.n) == 0;
}

bool cpython_seek(struct cpython_sought *s, struct heapsh_text name)
{
	if (name.n > sizeof(s->text))
		return false;
	if (s->name.n == name.n && memcmp(s->text, name.s, name.n) == 0)
		return true;
	*s = (struct cpython_sought){ .name = { s->text, name.n } };
	memcpy(s->text, name.s, name.n);
	return true;
}

/* Names of attributes are shared by all objects of a class. */
static bool is_name(const struct cpython_mem *m, uint64_t key,
		    struct heapsh_text name)
{
	struct cpython_sought *s = m->sought;
	size_t i = (key >> 4 ^ key >> 12) % CPYTHON_N_SOUGHT;

	if (s == NULL)
		return cpython_str_equal(m, key, name.s, name.n);
	if (s->keys[i].key != key) {
		s->keys[i].key = key;
		s->keys[i].equal = cpython_str_equal(m, key, name.s, name.n);
	}
	return s->keys[i].equal;
}

uint64_t cpython_instance_attr(const struct cpython_mem *m, uint64_t obj,
			       struct heapsh_text name)
{
	struct cpython_attributes attributes;
	struct cpython_dict_iter it;
	uint64_t key, value;

	cpython_attributes(m, obj, &attributes);
	if (!cpython_attributes_open(m, &attributes, &it))
		return 0;
	while (cpython_dict_next(m, &it, &key, &value))
		if (is_name(m, key, name))
			return value;
	return 0;
}

static uint64_t seek_in_classes(const struct cpython_mem *m, uint64_t type,
				struct heapsh_text name)
{
	uint64_t class, found = 0;
	struct cpython_seq mro;

	if (!cpython_seq_open(m, cpython_field(m, type, m->lay->tp_mro),
			      CPYTHON_FORM_TUPLE, &mro))
		return 0;
	while (found == 0 && mro.i < CPYTHON_MAX_BASES &&
	       cpython_seq_next(m, &mro, &class))
		found = cpython_dict_get(m, cpython_type_dict(m, class), name);
	return found;
}

uint64_t cpython_class_attr(const struct cpython_mem *m, uint64_t type,
			    struct heapsh_text name)
{
	struct cpython_sought *s = m->sought;
	size_t i = (type >> 4 ^ type >> 12) % CPYTHON_N_SOUGHT;

	if (s == NULL)
		return seek_in_classes(m, type, name);
	if (s->classes[i].type != type) {
		s->classes[i].found = seek_in_classes(m, type, name);
		s->classes[i].type = type;
	}
	return s->classes[i].found;
}

/* A slot, or a member of a structure that is an object. */
static uint64_t member_value(const struct cpython_mem *m, uint64_t obj,
			     uint64_t descr)
{
	uint64_t def = cpython_field(m, descr, m->lay->member_descr_def);
	int type = cpython_i32(m, def, m->lay->member_type, -1);
	int64_t off = cpython_i64(m, def, m->lay->member_offset, -1);

	if ((type != MEMBER_OBJECT && type != MEMBER_OBJECT_EX) || off < 0)
		return 0;
	return cpython_word(m, obj + (uint64_t)off);
}

/*
 * A member that Python code sees through a getter: the shapes know where it
 * is. The shape is that of the nearest base that has one.
 */
static uint64_t shape_value(const struct cpython_mem *m, uint64_t obj,
			    struct heapsh_text name)
{
	uint64_t type = cpython_type_of(m, obj);
	const struct cpython_shape *s = NULL;
	char tp_name[64];

	for (int i = 0; i < CPYTHON_MAX_BASES && type != 0 && !s; i++) {
		cpython_cstr(m, cpython_field(m, type, m->lay->tp_name),
			     tp_name, sizeof(tp_name));
		s = cpython_shape_find(m->lay, tp_name,
				       cpython_i64(m, type,
						   m->lay->tp_basicsize, -1));
		type = cpython_field(m, type, m->lay->tp_base);
	}
	for (int i = 0; s != NULL && i < s->n; i++) {
		const struct cpython_slot *slot = &m->lay->slots[s->first + i];

		if (slot->label[0] == '.' && is(name, slot->label + 1))
			return cpython_field(m, obj, slot->offset);
	}
	return 0;
}

/* From 3.8, Modules/_collectionsmodule.c: attributes of a namedtuple */
static bool is_tuplegetter(const struct cpython_mem *m, uint64_t obj)
{
	uint64_t type = cpython_type_of(m, obj);
	const char *dot;
	char name[64];

	cpython_cstr(m, cpython_field(m, type, m->lay->tp_name), name,
		     sizeof(name));
	dot = strrchr(name, '.');
	return dot != NULL && strcmp(dot, "._tuplegetter") == 0;
}

static uint64_t named_item(const struct cpython_mem *m, uint64_t obj,
			   uint64_t getter)
{
	struct heapsh_key key = {
		.kind = HEAPSH_KEY_INT,
		.i = cpython_i64(m, getter, m->lay->tuplegetter_index, -1),
	};

	if (key.i < 0 || !(cpython_flags_of(m, obj) & CPYTHON_TP_TUPLE))
		return 0;
	return cpython_item(m, obj, &key);
}

/* What the class says of an attribute of its instance. */
static uint64_t from_class(const struct cpython_mem *m, uint64_t obj,
			   uint64_t found, struct heapsh_text name)
{
	switch (cpython_form_of(m, found)) {
	case CPYTHON_FORM_MEMBER_DESCR:
		return member_value(m, obj, found);
	case CPYTHON_FORM_GETSET_DESCR:
		return shape_value(m, obj, name);
	default:
		return is_tuplegetter(m, found) ? named_item(m, obj, found)
						: found;
	}
}

/* A submodule that its package does not (yet) have as an attribute. */
static uint64_t submodule(const struct cpython_mem *m, uint64_t module,
			  struct heapsh_text name)
{
	uint64_t dict = cpython_module_dict(m, module);
	char full[512];
	int n;

	if (dict == 0)
		return 0;
	n = cpython_str_copy(m, cpython_dict_gets(m, dict, "__name__"), full,
			     sizeof(full));
	if (n < 0 || (unsigned)n + 1 + name.n >= sizeof(full))
		return 0;
	full[n] = '.';
	memcpy(full + n + 1, name.s, name.n);
	return cpython_module(m, (struct heapsh_text){
					 full, (unsigned)n + 1 + name.n });
}

static uint64_t type_attr(const struct cpython_mem *m, uint64_t type,
			  struct heapsh_text name)
{
	if (is(name, "__dict__"))
		return cpython_type_dict(m, type);
	if (is(name, "__mro__"))
		return cpython_field(m, type, m->lay->tp_mro);
	if (is(name, "__bases__"))
		return cpython_field(m, type, m->lay->tp_bases);
	if (is(name, "__base__"))
		return cpython_field(m, type, m->lay->tp_base);
	if ((cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE) &&
	    is(name, "__name__"))
		return cpython_field(m, type, m->lay->ht_name);
	if ((cpython_type_flags(m, type) & CPYTHON_TP_HEAPTYPE) &&
	    is(name, "__qualname__"))
		return cpython_field(m, type, m->lay->ht_qualname);
	return cpython_class_attr(m, type, name);
}

uint64_t cpython_attr(const struct cpython_mem *m, uint64_t obj,
		      struct heapsh_text name)
{
	uint64_t type = cpython_type_of(m, obj);
	struct cpython_attributes attributes;
	uint64_t class, found;

	if (!cpython_is_object(m, obj))
		return 0;
	if (is(name, "__class__"))
		return type;
	if (cpython_type_flags(m, type) & CPYTHON_TP_TYPE) {
		found = type_attr(m, obj, name);
		if (found != 0)
			return found;
	} else if (is(name, "__dict__")) {
		cpython_attributes(m, obj, &attributes);
		return attributes.dict;
	}
	class = cpython_class_attr(m, type, name);
	if (cpython_form_of(m, class) == CPYTHON_FORM_MEMBER_DESCR)
		return member_value(m, obj, class);
	found = cpython_instance_attr(m, obj, name);
	if (found == 0 && class != 0)
		found = from_class(m, obj, class, name);
	if (found == 0)
		found = submodule(m, obj, name);
	return found;
}
