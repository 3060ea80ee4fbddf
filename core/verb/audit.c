// SPDX-License-Identifier: Apache-2.0
// audit: each object's count of references against those that are found.
#include "verb_priv.h"

#include <inttypes.h>

enum { LIMIT = 15, MAX_LIMIT = 100000, STEPS = 1 << 14, TEXT_COLUMNS = 60 };

struct account {
	uint32_t id;
	uint64_t counted, edges, roots;
};

struct audit {
	const struct lg_call *call;
	struct vb_nodes nodes;
	struct md_model *m;
	HS_VEC(struct account) rows;
	struct hs_map roots;		/* id -> how many name it */
	uint64_t above, below;
};

static int64_t excess(const struct account *a)
{
	return (int64_t)(a->counted - a->edges - a->roots);
}

static int by_excess(const void *a, const void *b)
{
	int64_t x = excess(a), y = excess(b);
	uint64_t i = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
	uint64_t k = y < 0 ? 0 - (uint64_t)y : (uint64_t)y;

	if (i != k)
		return i > k ? -1 : 1;
	return ((const struct account *)a)->id <
			       ((const struct account *)b)->id ?
		       -1 :
		       1;
}

static void count_roots(struct audit *a)
{
	const struct gr_root *roots;
	size_t n = gr_roots(a->nodes.g, &roots), i;

	for (i = 0; i < n; i++) {
		uint64_t *found = hs_map_get(&a->roots, roots[i].id);

		if (found)
			++*found;
		else
			hs_map_put(&a->roots, roots[i].id, 1);
	}
}

static void look_at(struct audit *a, uint32_t id)
{
	struct gr_graph *g = a->nodes.g;
	struct account row = { .id = id, .counted = gr_refcount(g, id) };
	const uint64_t *named;
	const uint32_t *in;

	if (!row.counted || gr_flags(g, id) & HEAPSH_OBJECT_IMMORTAL)
		return;
	named = hs_map_get(&a->roots, id);
	row.roots = named ? *named : 0;
	row.edges = gr_in(g, id, &in);
	if (!excess(&row))
		return;
	if (excess(&row) > 0)
		a->above++;
	else
		a->below++;
	hs_vec_push(&a->rows, row);
}

static struct hs_err *look_at_all(struct audit *a)
{
	struct hs_task *task = a->call->task;
	struct hs_err *err = gr_need_rows(a->nodes.g, task);
	uint64_t steps = 0;
	uint32_t id;

	if (!err && !gr_is_counted(a->nodes.g))
		err = hs_err_remedy(
			hs_err_new(HS_ERR_UNSUPPORTED, "audit: this runtime "
				   "counts no references"),
			"why OBJ, for what holds an object");
	if (err)
		return err;
	count_roots(a);
	for (id = 0; !err && gr_set_next(a->nodes.set, &id); id++) {
		look_at(a, id);
		if (!(++steps & (STEPS - 1)))
			err = hs_check_cancel(task);
	}
	if (a->rows.n)
		qsort(a->rows.v, a->rows.n, sizeof(*a->rows.v), by_excess);
	return err;
}

static void add_row(const struct audit *a, const struct account *r,
		    json_t *doc)
{
	struct gr_graph *g = a->nodes.g;
	HS_FREE char *kind = md_kind_name(a->m, gr_type(g, r->id),
					  gr_owner_type(g, r->id));
	HS_FREE char *text = md_render(a->m, gr_addr(g, r->id),
				       HEAPSH_RENDER_SHORT, TEXT_COLUMNS);
	json_t *row = vb_row(doc);

	vb_cell(row, wr_u64(r->counted));
	vb_cell(row, wr_u64(r->edges));
	vb_cell(row, wr_u64(r->roots));
	vb_cell(row, wr_i64(excess(r)));
	vb_cell_text(row, kind);
	vb_cell_text(row, text);
}

static struct hs_err *list(const struct audit *a, uint64_t limit,
			   struct lg_value **ret)
{
	static const char *const columns[] = { "#Counted", "#Found", "#Roots",
					       "#Difference", "Kind", "Object",
					       NULL };
	json_t *doc = vb_table(columns);
	HS_VEC(uint64_t) addr = { 0 };
	HS_TEXT t = { 0 };
	size_t i;

	hs_text_addf(&t, "%" PRIu64 " objects are counted more often than "
		     "references are found (C holds them), %" PRIu64
		     " less often (C borrows, or a root is not counted).",
		     a->above, a->below);
	wr_set_text(doc, "title", hs_text_str(&t), t.len);
	for (i = 0; i < a->rows.n && i < MAX_LIMIT; i++) {
		add_row(a, &a->rows.v[i], doc);
		hs_vec_push(&addr, gr_addr(a->nodes.g, a->rows.v[i].id));
	}
	*ret = lg_table_of(a->nodes.in, doc, limit, addr.v);
	hs_vec_deinit(&addr);
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct audit a = { .call = call };
	uint64_t limit;
	struct hs_err *err = lg_opt_size(call, "limit", LIMIT, &limit);

	if (!err && limit == UINT64_MAX)
		limit = MAX_LIMIT; // "all"
	if (!err && (!limit || limit > MAX_LIMIT))
		err = hs_err_new(HS_ERR_USAGE, "audit: limit=%" PRIu64
				 ": 1 to %d", limit, MAX_LIMIT);
	if (!err)
		err = vb_nodes(call, &a.nodes);
	if (err)
		return err;
	a.m = lg_instant_model(a.nodes.in, call->task);
	err = look_at_all(&a);
	if (!err)
		err = list(&a, limit, ret);
	vb_nodes_deinit(&a.nodes);
	hs_vec_deinit(&a.rows);
	hs_map_deinit(&a.roots);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "set or object" },
	{ .name = NULL },
};

static const struct lg_arg options[] = {
	LG_LISTING_15,
	{ .name = NULL },
};

const struct lg_verb vb_audit = {
	.name = "audit",
	.args = args,
	.options = options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "counts of references against those that are found",
	.help = "For each object whose own count differs: the count, the "
		"strong references that are found, the roots that name it. "
		"Above 0 C code holds it, or has forgotten to let it go; "
		"immortal objects are left out.",
	.examples = "audit orphans\naudit (heap & list)",
	.run = run,
};
