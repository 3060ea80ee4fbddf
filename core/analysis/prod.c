// SPDX-License-Identifier: Apache-2.0
// Which line of the program allocated an object, as far as its runtime has
// taken notes (heapsh_sites). They are read from outside.
#include "analysis_priv.h"

#include "map.h"
#include "text.h"

struct prod {
	struct hs_strmap by_name;
	HS_VEC(char *) names;		/* by class; 0: not known */
	struct hs_map by_site;		/* file's address, line → class */
};

static char *prod_name(const struct an_classes *c, uint32_t number)
{
	const struct prod *p = c->data;

	return hs_xstrdup(p->names.v[number]);
}

static void prod_end(struct an_classes *c)
{
	struct prod *p = c->data;
	size_t i;

	for (i = 0; i < p->names.n; i++)
		free(p->names.v[i]);
	hs_vec_deinit(&p->names);
	hs_strmap_deinit(&p->by_name);
	hs_map_deinit(&p->by_site);
	free(p);
}

static uint32_t class_named(struct prod *p, const char *name)
{
	uint64_t *known = hs_strmap_get(&p->by_name, name);

	if (known)
		return (uint32_t)*known;
	hs_strmap_put(&p->by_name, name, p->names.n);
	hs_vec_push(&p->names, hs_xstrdup(name));
	return (uint32_t)(p->names.n - 1);
}

/* "/srv/app.py:12" */
static uint32_t class_of(struct prod *p, const struct heapsh_site *site)
{
	uint64_t key = site->id;
	uint64_t *known = key ? hs_map_get(&p->by_site, key) : NULL;
	HS_TEXT name = { 0 };
	uint32_t class;

	if (known)
		return (uint32_t)*known;
	hs_text_escape(&name, site->file.s, site->file.n);
	hs_text_addf(&name, ":%u", site->line);
	class = class_named(p, hs_text_str(&name));
	if (key)
		hs_map_put(&p->by_site, key, class);
	return class;
}

static struct hs_err *fill(struct an_classes *c, struct prod *p,
			   struct hs_task *task)
{
	struct gr_graph *g = gr_set_graph(c->set);
	struct hs_err *err = NULL;
	struct heapsh_site site;
	uint32_t id, i = 0;

	for (id = 0; !err && gr_set_next(c->set, &id); id++, i++) {
		if (md_site(gr_model(g), gr_addr(g, id), 0, &site))
			c->of_member[i] = class_of(p, &site);
		if (!(i & 0xfff)) {
			err = hs_check_cancel(task);
			hs_progress_add(task, 0x1000);
		}
	}
	c->n = (uint32_t)p->names.n;
	return err;
}

struct hs_err *an_classify_prod(struct gr_set *set, struct hs_task *task,
				struct an_classes *ret)
{
	struct md_model *m = gr_model(gr_set_graph(set));
	HS_FREE char *how = NULL;
	struct hs_err *err;
	struct prod *p;

	if (!md_has_sites(m)) {
		how = md_sites_how(m);
		return hs_err_remedy(
			hs_err_new(HS_ERR_UNSUPPORTED,
				   "by producer: the program takes no notes of "
				   "who allocates"), "%s", how);
	}
	err = an_classes_members(ret, task);
	if (err)
		return err;
	p = hs_xalloc(sizeof(*p));
	ret->data = p;
	ret->name = prod_name;
	ret->end = prod_end;
	class_named(p, "unknown");
	hs_progress(task, "looking up allocations", "objects",
		    gr_set_count(set));
	err = fill(ret, p, task);
	hs_progress_end(task);
	return err;
}
