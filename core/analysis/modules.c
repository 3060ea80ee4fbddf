// SPDX-License-Identifier: Apache-2.0
// Which module an object is, as Heapy's Module: modules are few, and what the
// runtime lists as imported. Where it lists none, no object is a module.
#include "analysis_priv.h"

#include "map.h"
#include "text.h"

struct listed {
	uint32_t id, type;
	char *name;
};

struct modules {
	struct gr_graph *g;
	HS_VEC(struct listed) listed;
	struct hs_map class_of;		/* id → class */
	HS_VEC(char *) names;		/* by class; 0: no module */
};

static int add_module(void *arg, struct heapsh_text name, uint64_t target)
{
	struct modules *m = arg;
	struct listed one = { .id = gr_id(m->g, target) };
	HS_TEXT shown = { 0 };

	if (one.id == GR_NONE)
		return 1;
	hs_text_escape(&shown, name.s, name.n);
	one.name = hs_text_take(&shown);
	one.type = gr_type(m->g, one.id);
	hs_vec_push(&m->listed, one);
	return 1;
}

/* Anything may be listed as a module: those are of the type that most are. */
static uint32_t module_type(const struct modules *m)
{
	struct hs_map count = { 0 };
	uint64_t most = 0;
	uint32_t type = GR_NONE;
	size_t i;

	for (i = 0; i < m->listed.n; i++) {
		uint64_t *n = hs_map_get(&count, m->listed.v[i].type);
		uint64_t now = n ? *n + 1 : 1;

		hs_map_put(&count, m->listed.v[i].type, now);
		if (now > most) {
			most = now;
			type = m->listed.v[i].type;
		}
	}
	hs_map_deinit(&count);
	return type;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->name,
		      ((const struct listed *)b)->name);
}

/* In the order of their names; one object under two has the first. */
static void number_modules(struct modules *m)
{
	uint32_t type = module_type(m);
	size_t i;

	if (m->listed.n)
		qsort(m->listed.v, m->listed.n, sizeof(*m->listed.v), by_name);
	hs_vec_push(&m->names, hs_xstrdup("~module"));
	for (i = 0; i < m->listed.n; i++) {
		struct listed *one = &m->listed.v[i];

		if (one->type == type && !hs_map_get(&m->class_of, one->id)) {
			hs_map_put(&m->class_of, one->id, m->names.n);
			hs_vec_push(&m->names, hs_take(one->name));
		}
		free(one->name);
	}
	hs_vec_deinit(&m->listed);
}

static char *module_name(const struct an_classes *c, uint32_t number)
{
	const struct modules *m = c->data;

	return hs_xstrdup(m->names.v[number]);
}

static void modules_end(struct an_classes *c)
{
	struct modules *m = c->data;
	size_t i;

	for (i = 0; i < m->names.n; i++)
		free(m->names.v[i]);
	hs_vec_deinit(&m->names);
	hs_map_deinit(&m->class_of);
	free(m);
}

struct hs_err *an_classify_module(struct gr_set *set, struct hs_task *task,
				  struct an_classes *ret)
{
	struct modules *m = hs_xalloc(sizeof(*m));
	struct hs_err *err = an_classes_members(ret, task);
	uint32_t id, i = 0;
	uint64_t *found;

	m->g = gr_set_graph(set);
	ret->data = m;
	ret->name = module_name;
	ret->end = modules_end;
	if (err)
		return err;
	md_each_module(gr_model(m->g), add_module, m);
	number_modules(m);
	for (id = 0; gr_set_next(set, &id); id++, i++) {
		found = hs_map_get(&m->class_of, id);
		ret->of_member[i] = found ? (uint32_t)*found : 0;
	}
	ret->n = (uint32_t)m->names.n;
	return NULL;
}
