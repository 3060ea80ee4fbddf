/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <string.h>

#include "layout.h"
#include "plain.h"
#include "walk.h"

static uint64_t find(const struct cpython_mem *m, struct cpython_dict_iter *it,
		     struct heapsh_text name)
{
	uint64_t key, value;

	while (cpython_dict_next(m, it, &key, &value))
		if (cpython_str_equal(m, key, name.s, name.n))
			return value;
	return 0;
}

uint64_t cpython_dict_get(const struct cpython_mem *m, uint64_t dict,
			  struct heapsh_text key)
{
	struct cpython_dict_iter it;

	if (!(cpython_flags_of(m, dict) & CPYTHON_TP_DICT) ||
	    !cpython_dict_open(m, dict, &it))
		return 0;
	return find(m, &it, key);
}

uint64_t cpython_dict_gets(const struct cpython_mem *m, uint64_t dict,
			   const char *key)
{
	return cpython_dict_get(m, dict, cpython_text(key));
}

uint64_t cpython_module(const struct cpython_mem *m, struct heapsh_text name)
{
	uint64_t modules = cpython_field(m, m->interp, m->lay->interp_modules);

	return cpython_dict_get(m, modules, name);
}

uint64_t cpython_module_dict(const struct cpython_mem *m, uint64_t module)
{
	if (cpython_form_of(m, module) != CPYTHON_FORM_MODULE)
		return 0;
	return cpython_field(m, module, m->lay->md_dict);
}

static uint64_t main_dict(const struct cpython_mem *m)
{
	return cpython_module_dict(m,
				   cpython_module(m, cpython_text("__main__")));
}

static uint64_t builtins_dict(const struct cpython_mem *m)
{
	return cpython_field(m, m->interp, m->lay->interp_builtins);
}

uint64_t cpython_lookup(const struct cpython_mem *m, struct heapsh_text name)
{
	uint64_t found = cpython_dict_get(m, main_dict(m), name);

	if (found == 0)
		found = cpython_dict_get(m, builtins_dict(m), name);
	if (found == 0)
		found = cpython_module(m, name);
	return found;
}

/* ------------------------------------------------------------------------
 * Completion
 */

struct naming {
	const struct cpython_mem *m;
	struct heapsh_text prefix;
	heapsh_name_fn *fn;
	void *arg;
	bool stop;
};

/* One name; longer ones than anybody types are left out. */
static void name_one(struct naming *n, uint64_t key, uint64_t target)
{
	char buf[256];
	int len = cpython_str_copy(n->m, key, buf, sizeof(buf));

	if (len <= 0 || len >= (int)sizeof(buf) - 4 ||
	    (uint64_t)len < n->prefix.n ||
	    memcmp(buf, n->prefix.s, n->prefix.n) != 0)
		return;
	if (!n->fn(n->arg, (struct heapsh_text){ buf, (uint64_t)len }, target))
		n->stop = true;
}

static void name_all(struct naming *n, struct cpython_dict_iter *it)
{
	uint64_t key, value;

	while (!n->stop && cpython_dict_next(n->m, it, &key, &value))
		name_one(n, key, value);
}

static void name_dict(struct naming *n, uint64_t dict)
{
	struct cpython_dict_iter it;

	if ((cpython_flags_of(n->m, dict) & CPYTHON_TP_DICT) &&
	    cpython_dict_open(n->m, dict, &it))
		name_all(n, &it);
}

/* Attributes that the classes of a type have for its instances. */
static void name_classes(struct naming *n, uint64_t type)
{
	const struct cpython_mem *m = n->m;
	struct cpython_seq mro;
	uint64_t class;

	if (!cpython_seq_open(m, cpython_field(m, type, m->lay->tp_mro),
			      CPYTHON_FORM_TUPLE, &mro))
		return;
	while (!n->stop && mro.i < CPYTHON_MAX_BASES &&
	       cpython_seq_next(m, &mro, &class))
		name_dict(n, cpython_type_dict(m, class));
}

static void name_attributes(struct naming *n, uint64_t obj)
{
	uint64_t type = cpython_type_of(n->m, obj);
	struct cpython_attributes attributes;
	struct cpython_dict_iter it;

	cpython_attributes(n->m, obj, &attributes);
	if (cpython_attributes_open(n->m, &attributes, &it))
		name_all(n, &it);
	if (cpython_type_flags(n->m, type) & CPYTHON_TP_TYPE)
		name_classes(n, obj);
	name_classes(n, type);
}

void cpython_names(const struct cpython_mem *m, uint64_t obj,
		   struct heapsh_text prefix, heapsh_name_fn *fn, void *arg)
{
	struct naming n = { m, prefix, fn, arg, false };

	if (obj != 0) {
		name_attributes(&n, obj);
		return;
	}
	name_dict(&n, main_dict(m));
	name_dict(&n, builtins_dict(m));
	name_dict(&n, cpython_field(m, m->interp, m->lay->interp_modules));
}
