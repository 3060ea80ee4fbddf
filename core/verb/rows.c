// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

/*
 * Rows of any partition in another order, or only some of them. They keep the
 * index that they have in the set: SET[index] are their objects.
 */

enum sort { SORT_SIZE, SORT_COUNT, SORT_HELD, SORT_KIND };

struct order {
	enum sort sort;
	bool ascending;
};

struct entry {
	json_t *row; /* borrowed */
	uint64_t key, index;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct entry *x = a, *y = b;
	const struct order *o = arg;
	int c;

	if (o->sort == SORT_KIND)
		c = strcmp(wr_get_text(y->row, "kind"),
			   wr_get_text(x->row, "kind"));
	else
		c = x->key < y->key ? -1 : x->key > y->key;
	if (!c)
		return x->index < y->index ? -1 : x->index > y->index;
	return o->ascending ? c : -c;
}

static bool has_filter(const json_t *row, const char *filter)
{
	return !filter || strcasestr(wr_get_text(row, "kind"), filter);
}

/* What cumulative says is of the rows that are left, in their order. */
static json_t *arrange(const json_t *rows, const char *filter,
		       struct order *order)
{
	static const char *const keys[] = { "size", "count", "held", "index" };
	size_t n = json_array_size(rows), to = 0, i;
	HS_FREE struct entry *all = hs_xcalloc(n + 1, sizeof(*all));
	json_t *ret = json_array(), *row;
	uint64_t cumulative = 0;

	json_array_foreach ((json_t *)rows, i, row) {
		if (!has_filter(row, filter))
			continue;
		all[to].row = row;
		all[to].index = i;
		all[to++].key = wr_get_u64(row, keys[order->sort]);
	}
	qsort_r(all, to, sizeof(*all), compare, order);
	for (i = 0; i < to; i++) {
		cumulative += wr_get_u64(all[i].row, "size");
		json_object_set_new(all[i].row, "cumulative",
				    wr_u64(cumulative));
		json_array_append(ret, all[i].row);
	}
	return ret;
}

static struct hs_err *read_options(const struct lg_call *call,
				   struct order *order, uint64_t *limit)
{
	unsigned sort, direction;
	struct hs_err *err = lg_opt_word(call, "sort", SORT_SIZE, &sort);

	if (!err)
		err = lg_opt_word(call, "order", sort == SORT_KIND, &direction);
	if (!err)
		err = lg_opt_size(call, "limit", 0, limit);
	if (err)
		return err;
	order->sort = (enum sort)sort;
	// names ascend where numbers descend: 'a' before 'b'
	order->ascending = direction == 1;
	if (order->sort == SORT_KIND)
		order->ascending = !order->ascending;
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	const char *filter = lg_opt_text(call, "filter");
	struct order order;
	uint64_t limit;
	json_t *doc, *rows;
	struct hs_err *err = read_options(call, &order, &limit);

	if (!err && lg_kind(call->args[0]) != LG_SET)
		err = hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					       "rows: it takes a set"),
				    "rows iso(OBJ), rows heap.bytype");
	if (!err)
		err = lg_stat_doc(call->session, call->args[0], &doc);
	if (err)
		return err;
	rows = arrange(json_object_get(doc, "rows"), filter, &order);
	json_object_set_new(doc, "rows", rows);
	*ret = lg_table_of(lg_instant_of(call->args[0]), doc,
			   limit < 100000 ? (size_t)limit : 100000, NULL);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .help = "by any relation: heap.byrcs" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "limit",
	  .kind = LG_ARG_OPTION,
	  .values = "N|all",
	  .help = "rows of a page; the setting rows" },
	{ .name = "sort",
	  .kind = LG_ARG_OPTION,
	  .values = "size|count|held|kind",
	  .help = "by which column; size" },
	{ .name = "order",
	  .kind = LG_ARG_OPTION,
	  .values = "descending|ascending",
	  .help = "numbers descend, names ascend" },
	{ .name = "filter",
	  .kind = LG_ARG_OPTION,
	  .values = "TEXT",
	  .help = "only rows whose name has it, in any case" },
	{ .name = NULL },
};

const struct lg_verb vb_rows = {
	.name = "rows",
	.args = args,
	.options = options,
	.summary = "rows of a set in another order, or some of them",
	.help = "Rows keep the number that they have in the set: SET[number] "
		"is the set of their objects. Percentages are of the whole "
		"set.",
	.examples = "rows heap sort=count limit=20\n"
		    "rows heap.byrcs filter=Account\nrows(heap.bymodule, "
		    "sort=kind)",
	.run = run,
};
