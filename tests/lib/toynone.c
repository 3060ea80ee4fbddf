// SPDX-License-Identifier: Apache-2.0
// What a model may answer, and the toy does not have.
#include "toymodel.h"

void md_each_module(struct md_model *m, heapsh_name_fn *fn, void *arg)
{
	(void)m;
	(void)fn;
	(void)arg;
}

bool md_has_sites(struct md_model *m)
{
	(void)m;
	return false;
}

bool md_site(struct md_model *m, uint64_t addr, uint32_t index,
	     struct heapsh_site *ret)
{
	(void)m;
	(void)addr;
	(void)index;
	(void)ret;
	return false;
}

/* --- no other tool's rules ----------------------------------------------- */

void md_compat_begin(struct md_model *m, uint32_t options)
{
	(void)m;
	(void)options;
}

bool md_compat_thing(struct md_model *m, uint64_t id,
		     struct heapsh_compat_thing *ret)
{
	(void)m;
	(void)id;
	(void)ret;
	return false;
}

struct hs_err *md_compat_edges(struct md_model *m, uint64_t id,
			       struct md_edge **ret, size_t *n)
{
	(void)id;
	return md_edges(m, 0, ret, n);
}

bool md_compat_words(struct md_model *m, uint64_t id,
		     struct md_compat_words *ret)
{
	(void)m;
	(void)id;
	(void)ret;
	return false;
}

void md_compat_words_deinit(struct md_compat_words *w)
{
	(void)w;
}
