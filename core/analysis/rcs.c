// SPDX-License-Identifier: Apache-2.0
// By the kinds of what refers to an object: one pass over the reverse rows of
// the members. A referrer's kind is that of its shape.
#include "analysis_priv.h"

#include "text.h"

struct rcs {
	enum an_relation of;		/* relation of the referrers */
	uint32_t *of_shape, n_kinds;
	uint64_t *keys;			/* by kind */
	uint64_t *stamp;		/* by kind: place of the last member */
	uint32_t *seen;			/* kinds of this member */
	struct an_lists lists;
};

static void rcs_free(struct rcs *r)
{
	free(r->of_shape);
	free(r->keys);
	free(r->stamp);
	free(r->seen);
	an_lists_deinit(&r->lists);
	free(r);
}

static void rcs_end(struct an_classes *c)
{
	rcs_free(c->data);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "dict of module, tuple": in the order of their names, as Heapy's. */
static char *rcs_name(const struct an_classes *c, uint32_t number)
{
	const struct rcs *r = c->data;
	uint32_t n, i;
	const uint32_t *kinds = an_lists_get(&r->lists, number, &n);
	char **names = hs_xcalloc((size_t)n + 1, sizeof(*names));
	struct hs_text t = { 0 };

	for (i = 0; i < n; i++)
		names[i] = an_key_name(gr_set_graph(c->set), r->of,
				       r->keys[kinds[i]]);
	qsort(names, n, sizeof(*names), by_text);
	if (!n)
		hs_text_add(&t, "<Nothing>");
	for (i = 0; i < n; i++) {
		// two classes of one name are shown once
		if (!i || strcmp(names[i], names[i - 1]))
			hs_text_addf(&t, "%s%s", i ? ", " : "", names[i]);
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return hs_text_take(&t);
}

/* Number of the set of kinds that refer to the node. */
static uint32_t list_of(struct rcs *r, const struct gr_graph *g, uint32_t id,
			uint64_t place)
{
	const uint32_t *in;
	size_t n = gr_in(g, id, &in), i;
	uint32_t n_seen = 0, kind, last = GR_NONE;

	for (i = 0; i < n; i++) {
		if (in[i] == last) // rows ascend, and duplicates are kept
			continue;
		last = in[i];
		kind = r->of_shape[gr_shape(g, in[i])];
		if (r->stamp[kind] == place)
			continue;
		r->stamp[kind] = place;
		r->seen[n_seen++] = kind;
	}
	an_sort_u32(r->seen, n_seen);
	return an_lists_put(&r->lists, r->seen, n_seen);
}

static struct hs_err *fill(struct an_classes *c, struct rcs *r,
			   struct hs_task *task)
{
	const struct gr_graph *g = gr_set_graph(c->set);
	struct hs_err *err = an_classes_members(c, task);
	uint32_t id, i = 0;

	for (id = 0; !err && gr_set_next(c->set, &id); id++, i++) {
		c->of_member[i] = list_of(r, g, id, (uint64_t)i + 1);
		if (!(i & 0x3fff)) {
			err = hs_check_cancel(task);
			hs_progress_add(task, 0x4000);
		}
	}
	c->n = (uint32_t)r->lists.all.n;
	return err;
}

struct hs_err *an_classify_rcs(struct gr_set *set, enum an_relation by,
			       struct hs_task *task, struct an_classes *ret)
{
	struct gr_graph *g = gr_set_graph(set);
	struct hs_err *err = gr_need_rows(g, task);
	struct rcs *r;

	if (err)
		return err;
	r = hs_xalloc(sizeof(*r));
	r->of = by == AN_BY_RCS ? AN_BY_CLODO : AN_BY_TYPE;
	an_shape_classes(g, r->of, &r->of_shape, &r->keys, &r->n_kinds);
	r->stamp = hs_xcalloc((size_t)r->n_kinds + 1, sizeof(*r->stamp));
	r->seen = hs_xcalloc((size_t)r->n_kinds + 1, sizeof(*r->seen));
	ret->data = r;
	ret->name = rcs_name;
	ret->end = rcs_end;
	hs_progress(task, "looking at referrers", "objects",
		    gr_set_count(set));
	err = fill(ret, r, task);
	hs_progress_end(task);
	return err;
}
