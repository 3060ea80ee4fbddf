// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

enum sort { SORT_SIZE, SORT_TYPE, SORT_COUNT };
enum { PAGE = 15 }; /* muppy's own limit */

struct hs_err *vb_summary_of(const struct lg_call *call, struct lg_instant *in,
			     const struct an_summary **ret)
{
	struct gr_graph *g;
	struct gr_set *all;
	struct hs_err *err;

	if (!in->summary) {
		err = lg_instant_graph(in, call->task, &g);
		if (!err)
			err = gr_set_all(g, &all);
		if (err)
			return err;
		err = an_summary(all, call->task, &in->summary);
		gr_set_unref(all);
		if (err)
			return err;
	}
	*ret = in->summary;
	return NULL;
}

static int by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Ties by size, then by name, so that the order never changes. */
static int compare(const void *va, const void *vb, void *arg)
{
	const struct an_summary_row *a = va, *b = vb;
	enum sort sort = *(const enum sort *)arg;
	int order = 0;

	if (sort == SORT_COUNT)
		order = by_number(a->count, b->count);
	if (sort != SORT_TYPE && !order)
		order = by_number(a->size, b->size);
	return order ? order
		     : -strcmp(a->type, b->type) * (sort == SORT_TYPE ? -1 : 1);
}

static json_t *rows_of(const struct an_summary *sum, enum sort sort,
		       bool ascending)
{
	struct an_summary_row *rows = hs_xcalloc(sum->n + 1, sizeof(*rows));
	json_t *array = json_array();

	memcpy(rows, sum->rows, sum->n * sizeof(*rows));
	qsort_r(rows, sum->n, sizeof(*rows), compare, &sort);
	for (size_t i = 0; i < sum->n; i++) {
		const struct an_summary_row *r =
			&rows[ascending ? i : sum->n - 1 - i];
		json_t *row = json_object();

		wr_set_text(row, "type", r->type, strlen(r->type));
		json_object_set_new(row, "count", wr_i64(r->count));
		json_object_set_new(row, "size", wr_i64(r->size));
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

struct hs_err *vb_summary_table(const struct lg_call *call,
				struct lg_instant *in,
				const struct an_summary *sum, bool diff,
				struct lg_value **ret)
{
	uint64_t limit;
	unsigned sort, order;
	json_t *doc;
	struct hs_err *err = lg_opt_size(call, "limit", PAGE, &limit);

	if (!err)
		err = lg_opt_word(call, "sort", SORT_SIZE, &sort);
	if (!err)
		err = lg_opt_word(call, "order", 0, &order);
	if (err)
		return err;
	doc = wr_doc_create("summary");
	if (diff)
		json_object_set_new(doc, "diff", json_true());
	json_object_set_new(doc, "rows",
			    rows_of(sum, (enum sort)sort, order == 1));
	*ret = lg_table_of(in, doc, limit ? limit : UINT64_MAX, NULL);
	return NULL;
}

static struct hs_err *of_value(const struct lg_call *call, struct lg_value *v,
			       struct lg_value **ret)
{
	struct lg_instant *in = lg_instant_of(v);
	struct an_summary *sum;
	struct gr_set *set;
	struct hs_err *err = lg_to_set(call->session, v, &set);

	if (err)
		return err;
	err = an_summary(set, call->task, &sum);
	gr_set_unref(set);
	if (err)
		return err;
	err = vb_summary_table(call, in, sum, false, ret);
	an_summary_destroy(sum);
	return err;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	const struct an_summary *sum;
	struct lg_instant *in;
	struct hs_err *err;

	if (call->n_args)
		return of_value(call, call->args[0], ret);
	err = lg_current(call->session, &in);
	if (!err)
		err = vb_summary_of(call, in, &sum);
	return err ? err : vb_summary_table(call, in, sum, false, ret);
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .help = "a set; without it the whole heap" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	VB_SUMMARY_OPTIONS,
	{ .name = NULL },
};

const struct lg_verb vb_summary = {
	.name = "summary",
	.args = args,
	.options = options,
	.flags = LG_VERB_LISTS,
	.summary = "objects and flat bytes by type, as muppy prints them",
	.help = "A row a type, the largest first.",
	.examples = "summary\nsummary x sort=count limit=30",
	.run = run,
};
