// SPDX-License-Identifier: Apache-2.0
// The tables of stats=3 by another tool's rules, in the lines that Pympler
// prints (1.1, asizeof.py, print_typedefs).
#include "verb_priv.h"

struct rule {
	const char *kind, *text, *origin;	/* borrowed */
};
/* Those of what was met, and those that the other tool always has. */
struct rules {
	HS_VEC(struct md_compat_words) own;
	HS_VEC(struct rule) all;
};

static int by_kind(const void *a, const void *b)
{
	return strcmp(((const struct rule *)a)->kind,
		      ((const struct rule *)b)->kind);
}

static bool has_rule(const struct rules *r, const char *kind)
{
	for (size_t i = 0; i < r->all.n; i++)
		if (!strcmp(r->all.v[i].kind, kind))
			return true;
	return false;
}

static void find_rules(struct md_model *m, const struct an_profile *p,
		       struct rules *r)
{
	struct md_compat_words w = { 0 };
	size_t i;

	for (uint32_t n = 0; md_compat_own_rule(m, n, &w); n++)
		hs_vec_push(&r->own, w);
	for (i = 0; i < p->n_kinds; i++) {
		const struct an_kind_row *k = &p->kinds[i];
		const struct rule rule = { k->name, k->rule, k->origin };

		if (*k->rule && *k->origin)
			hs_vec_push(&r->all, rule);
	}
	for (i = 0; i < r->own.n; i++) {
		const struct md_compat_words *own = &r->own.v[i];
		const struct rule rule = { own->kind, own->rule, own->origin };

		if (*rule.text && *rule.origin && !has_rule(r, rule.kind))
			hs_vec_push(&r->all, rule);
	}
	if (r->all.n)
		qsort(r->all.v, r->all.n, sizeof(*r->all.v), by_kind);
}

/* Those of one origin: "static", "dynamic", …, by their names. */
static void add_rules(struct hs_text *t, int w, const struct rules *r,
		      const char *origin)
{
	size_t n = 0, i;

	for (i = 0; i < r->all.n; i++)
		n += !strcmp(r->all.v[i].origin, origin);
	if (n)
		hs_text_addf(t,
			     "\n%*zu %s type%s:  basicsize, itemsize, _len_(), "
			     "_refs()\n",
			     w, n, origin, n == 1 ? "" : "s");
	for (i = 0; i < r->all.n; i++)
		if (!strcmp(r->all.v[i].origin, origin))
			hs_text_addf(t, "%*s %s:  %s\n", w, "",
				     r->all.v[i].kind, r->all.v[i].text);
}

/* What it lists beside them, under headings of its own. */
static void add_other(struct hs_text *t, int w, const struct rules *r)
{
	const char *heading = NULL;

	for (size_t i = 0; i < r->own.n; i++) {
		const struct md_compat_words *own = &r->own.v[i];

		if (*own->origin || !own->name)
			continue;
		if (!heading || strcmp(heading, own->name))
			hs_text_addf(t, "\n%*s%s\n", w - 1, "",
				     own->name);
		heading = own->name;
		hs_text_addf(t, "%*s %s:  %s\n", w, "", own->kind,
			     own->rule);
	}
}

void vb_stats_rules(struct hs_text *t, struct md_model *m,
		    const struct an_profile *p, int w)
{
	static const char *const origins[] = { "static", "dynamic", "derived",
					       "ignored", "inferred" };
	struct rules r = { 0 };
	size_t i;

	find_rules(m, p, &r);
	for (i = 0; i < HS_ARRAY_SIZE(origins); i++)
		add_rules(t, w, &r, origins[i]);
	add_other(t, w, &r);
	for (i = 0; i < r.own.n; i++)
		md_compat_words_deinit(&r.own.v[i]);
	hs_vec_deinit(&r.own);
	hs_vec_deinit(&r.all);
}
