/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that Pympler has before it meets an object: its static typedefs,
 * which stats=3 lists whether there is an object of them or not.
 */
#include "pympler.h"

#include "lookup.h"
#include "plain.h"
#include "render.h"
#include "walk.h"

enum { MAX_SUBCLASSES = 1 << 20 };	/* that are looked through */

/* asizeof.py, _dict_types: without a rule of their own until one is met. */
static const struct {
	const char *module, *classes;
} tables[] = {
	{ "UserDict", "(IterableUserDict, UserDict)" },
	{ "weakref", "(WeakKeyDictionary, WeakValueDictionary)" },
};

static void add(struct cpython_pympler *p, uint64_t type)
{
	for (uint32_t i = 0; i < p->n_statics; i++)
		if (p->statics[i] == type)
			return;
	if (p->n_statics < PYMPLER_STATICS)
		p->statics[p->n_statics++] = type;
}

/* Do known types derive from it? asizeof.py names none below these. */
static bool is_above(const struct cpython_mem *m, uint64_t type)
{
	switch (cpython_form_of(m, type) == CPYTHON_FORM_TYPE
			? cpython_form(m, type, NULL)
			: CPYTHON_FORM_OTHER) {
	case CPYTHON_FORM_INT:
	case CPYTHON_FORM_TUPLE:
	case CPYTHON_FORM_EXCEPTION:
	case CPYTHON_FORM_WEAKREF:
		return true;
	default:
		return false;
	}
}

static void add_below(const struct cpython *st, uint64_t type, bool go_on)
{
	const struct cpython_mem *m = &st->mem;
	uint64_t dict = cpython_type_subclasses(m, type), key, ref;
	struct cpython_dict_iter it;
	struct pympler_rule rule;

	if (!(cpython_flags_of(m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, dict, &it))
		return;
	while (it.i < MAX_SUBCLASSES && cpython_dict_next(m, &it, &key, &ref)) {
		type = cpython_field(m, ref, m->lay->wr_object);
		if (!(cpython_flags_of(m, type) & CPYTHON_TP_TYPE))
			continue;
		if (cpython_pympler_knows(m, type, &rule))
			add(st->pympler, type);
		if (go_on && is_above(m, type))
			add_below(st, type, false);
	}
}

/* All are object, derive from it, or from what does. */
static void find(const struct cpython *st)
{
	uint64_t object = cpython_field(&st->mem, st->type_type,
					st->mem.lay->tp_base);

	st->pympler->statics_found = true;
	add(st->pympler, st->type_type);
	add(st->pympler, object);
	add_below(st, object, true);
}

int cpython_pympler_static(struct cpython *st, uint32_t index,
			   struct heapsh_compat_words *ret)
{
	struct cpython_pympler *p = st->pympler;

	if (!p->statics_found)
		find(st);
	if (index < p->n_statics) {
		cpython_pympler_type_words(st, p->statics[index], ret);
		return 1;
	}
	index -= p->n_statics;
	if (index >= sizeof(tables) / sizeof(tables[0]))
		return 0;
	ret->origin = cpython_text("");
	ret->name = cpython_text("4 dict/-like classes:");
	ret->kind = cpython_text(tables[index].module);
	ret->rule = cpython_text(tables[index].classes);
	return 1;
}
