// SPDX-License-Identifier: Apache-2.0
// Rows of a profile: kinds of what was met, and the largest.
#include "analysis_priv.h"

enum {
	MAX_RANKED = 1 << 20, /* objects that are kept for the list */
	COMPAT_RANKED = 100, /* Pympler's (asizeof.py, Asizer._rank) */
};

static struct an_kind_row of_compat(struct md_model *m, uint64_t id)
{
	struct md_compat_words w = { 0 };
	struct an_kind_row row = { 0 };

	if (!md_compat_words(m, id, &w))
		w.kind = hs_xstrdup("class ?");
	row.name = w.kind;
	row.origin = w.origin;
	row.rule = w.rule;
	free(w.name);
	return row;
}

static struct an_kind_row of_type(const struct md_type *type)
{
	return (struct an_kind_row){
		.name = hs_xasprintf("class %s", type->name),
		.basic_size = type->basic_size,
		.item_size = type->item_size,
	};
}

uint32_t an_profile_row(struct an_profile_rows *r, uint64_t key, uint64_t id)
{
	const uint64_t *at = hs_map_get(&r->row_of, key);
	struct an_kind_row row;

	if (at)
		return (uint32_t)*at;
	row = r->compat ? of_compat(r->m, id)
			: of_type(md_type(r->m, (uint32_t)key));
	row.key = key;
	row.nth = (uint32_t)r->kinds.n;
	hs_map_put(&r->row_of, key, row.nth);
	hs_vec_push(&r->kinds, row);
	return row.nth;
}

void an_profile_count(struct an_profile_rows *r, uint32_t row, uint64_t id,
		      uint64_t bytes)
{
	struct an_kind_row *k = &r->kinds.v[row];

	k->count++;
	k->total = an_add(k->total, bytes);
	if (k->high < bytes || !k->largest) {
		k->high = bytes;
		k->largest = id;
	}
}

void an_profile_rank(struct an_profile_rows *r, const struct an_ranked *own)
{
	struct an_ranked one = *own;

	one.nth = r->n_ranked++;
	if (r->ranked.n < MAX_RANKED)
		hs_vec_push(&r->ranked, one);
}

/* Of equal ones the last first, as Pympler's list has them. */
static int by_size(const void *a, const void *b)
{
	const struct an_ranked *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->nth > y->nth ? -1 : x->nth < y->nth;
}

static int by_total(const void *a, const void *b)
{
	const struct an_kind_row *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

void an_profile_end(struct an_profile_rows *r, struct an_profile *ret)
{
	if (r->ranked.n)
		qsort(r->ranked.v, r->ranked.n, sizeof(*r->ranked.v), by_size);
	if (r->kinds.n)
		qsort(r->kinds.v, r->kinds.n, sizeof(*r->kinds.v), by_total);
	ret->n_ranked = r->n_ranked;
	ret->ranked = r->ranked.v;
	ret->n_kept = r->ranked.n;
	if (r->compat && ret->n_kept > COMPAT_RANKED)
		ret->n_kept = COMPAT_RANKED;
	ret->kinds = r->kinds.v;
	ret->n_kinds = r->kinds.n;
	hs_map_deinit(&r->row_of);
	memset(r, 0, sizeof(*r));
}

static void free_kinds(struct an_kind_row *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].origin);
		free(v[i].rule);
	}
	free(v);
}

void an_profile_drop(struct an_profile_rows *r)
{
	free_kinds(r->kinds.v, r->kinds.n);
	hs_vec_deinit(&r->ranked);
	hs_map_deinit(&r->row_of);
	memset(r, 0, sizeof(*r));
}

const struct an_kind_row *an_profile_kind(const struct an_profile *p,
					  const struct an_ranked *r)
{
	for (size_t i = 0; i < p->n_kinds; i++)
		if (p->kinds[i].nth == r->kind)
			return &p->kinds[i];
	return NULL;
}

void an_profile_deinit(struct an_profile *p)
{
	free(p->sizes);
	free(p->ranked);
	free_kinds(p->kinds, p->n_kinds);
	memset(p, 0, sizeof(*p));
}
