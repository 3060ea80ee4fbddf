// SPDX-License-Identifier: Apache-2.0
// muppy's summaries: numbers by the name of the type, and their differences.
#include "analysis_priv.h"

#include "map.h"
#include "vec.h"

/* Rows under construction; at: by name. */
struct table {
	HS_VEC(struct an_summary_row) rows;
	struct hs_strmap at;
};

static struct an_summary_row *row_of(struct table *t, const char *type)
{
	const uint64_t *found = hs_strmap_get(&t->at, type);
	uint64_t at = found ? *found : t->rows.n;

	if (!found) {
		const struct an_summary_row row = { hs_xstrdup(type), 0, 0 };

		hs_strmap_put(&t->at, type, at);
		hs_vec_push(&t->rows, row);
	}
	return &t->rows.v[at];
}

static void add(struct table *t, const char *type, int64_t count, int64_t size)
{
	struct an_summary_row *row = row_of(t, type);

	row->count = hs_add_i64(row->count, count);
	row->size = hs_add_i64(row->size, size);
}

static void subtract(struct table *t, const struct an_summary_row *other)
{
	struct an_summary_row *row = row_of(t, other->type);

	row->count = hs_sub_i64(row->count, other->count);
	row->size = hs_sub_i64(row->size, other->size);
}

static int by_size(const void *a, const void *b)
{
	const struct an_summary_row *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->type, y->type);
}

/* Sorted; the table is emptied. */
static struct an_summary *take(struct table *t)
{
	struct an_summary *s = hs_xalloc(sizeof(*s));

	hs_strmap_deinit(&t->at);
	s->rows = t->rows.v;
	s->n = t->rows.n;
	if (s->n)
		qsort(s->rows, s->n, sizeof(*s->rows), by_size);
	return s;
}

struct hs_err *an_summary(struct gr_set *set, struct hs_task *task,
			  struct an_summary **ret)
{
	const struct gr_graph *g = gr_set_graph(set);
	HS_FREE uint64_t *count = NULL;
	const struct gr_shape *shapes;
	size_t n = gr_shapes(g, &shapes), i;
	struct table t = { 0 };
	struct hs_err *err;

	err = an_count_shapes(set, task, &count);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		if (count[i])
			add(&t, md_type(gr_model(g), shapes[i].type)->name,
			    (int64_t)count[i],
			    (int64_t)(count[i] * shapes[i].flat));
	*ret = take(&t);
	return NULL;
}

void an_summary_destroy(struct an_summary *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		free(s->rows[i].type);
	free(s->rows);
	free(s);
}

struct an_summary *an_summary_diff(const struct an_summary *a,
				   const struct an_summary *b)
{
	struct an_summary *s;
	struct table t = { 0 };
	size_t i, to = 0;

	for (i = 0; i < b->n; i++)
		add(&t, b->rows[i].type, b->rows[i].count, b->rows[i].size);
	for (i = 0; i < a->n; i++)
		subtract(&t, &a->rows[i]);
	s = take(&t);
	for (i = 0; i < s->n; i++) {
		if (s->rows[i].count || s->rows[i].size)
			s->rows[to++] = s->rows[i];
		else
			free(s->rows[i].type);
	}
	s->n = to;
	return s;
}
