// SPDX-License-Identifier: Apache-2.0
// duplicates, waste, audit: memory that need not be, and counts that nothing
// explains.
#include "verb_priv.h"

#include <inttypes.h>

enum {
	LIMIT = 15,
	MAX_LIMIT = 100000,
	STEPS = 1 << 12,
	TEXT_COLUMNS = 60,
};

/* The set that is named, or the heap. */
static struct hs_err *nodes_of(const struct lg_call *call,
			       struct vb_nodes *nodes)
{
	struct lg_call one = *call;
	struct lg_value *heap = NULL;
	struct hs_err *err = NULL;

	if (!call->n_args) {
		err = lg_word_value(call->session, "heap", &heap);
		one.args = &heap;
		one.n_args = 1;
	}
	if (!err)
		err = vb_nodes(&one, nodes);
	lg_unref(heap);
	return err ? err : lg_check_bytes(nodes->in);
}

static struct hs_err *limit_of(const struct lg_call *call, size_t n,
			       size_t *ret)
{
	uint64_t limit;
	struct hs_err *err = lg_opt_size(call, "limit", LIMIT, &limit);

	if (!err && limit == UINT64_MAX)
		limit = MAX_LIMIT; // "all"
	if (!err && (!limit || limit > MAX_LIMIT))
		err = hs_err_new(HS_ERR_USAGE, "%s: limit=%" PRIu64
				 ": 1 to %d", call->verb->name, limit,
				 MAX_LIMIT);
	if (!err)
		*ret = n < limit ? n : (size_t)limit;
	return err;
}

static void set_title(json_t *doc, struct hs_text *t)
{
	wr_set_text(doc, "title", hs_text_str(t), t->len);
}

/* --- duplicates ----------------------------------------------------------- */

struct text {
	uint64_t hash;
	uint32_t id;
};
struct group {
	uint64_t count, wasted;
	uint32_t id;		/* one of them */
};

struct texts {
	const struct lg_call *call;
	struct vb_nodes *nodes;
	struct md_model *m;
	struct text *v;
	uint64_t n, cap;
	HS_VEC(struct group) groups;
	uint64_t count, wasted;
};

static int by_hash(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_wasted(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->wasted != y->wasted)
		return x->wasted > y->wasted ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct hs_err *hash_all(struct texts *t)
{
	struct hs_task *task = t->call->task;
	struct gr_graph *g = t->nodes->g;
	uint64_t hash, steps = 0;
	struct hs_err *err;
	uint32_t id;
	void *v;

	t->cap = (uint64_t)gr_set_count(t->nodes->set) + 1;
	err = hs_big_alloc(task, t->cap * sizeof(*t->v), &v);
	if (err)
		return err;
	t->v = v;
	hs_progress(task, "comparing texts", "objects", t->cap);
	for (id = 0; !err && gr_set_next(t->nodes->set, &id); id++) {
		if (!(++steps & (STEPS - 1))) {
			hs_progress_add(task, STEPS);
			err = hs_check_cancel(task);
		}
		if (!(md_type(t->m, gr_type(g, id))->flags &
		      HEAPSH_TYPE_TEXT))
			continue;
		hash = md_content_hash(t->m, gr_addr(g, id));
		if (hash)
			t->v[t->n++] = (struct text){ hash, id };
	}
	hs_progress_end(task);
	return err;
}

/* Runs of one hash: all but the largest of them need not be. */
static void group_all(struct texts *t)
{
	struct gr_graph *g = t->nodes->g;
	uint64_t i, k;

	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_hash);
	for (i = 0; i < t->n; i = k) {
		struct group group = { .id = t->v[i].id };
		uint64_t most = 0;

		for (k = i; k < t->n && t->v[k].hash == t->v[i].hash; k++) {
			uint64_t held = gr_held(g, t->v[k].id);

			most = held > most ? held : most;
			group.wasted += held;
		}
		group.count = k - i;
		group.wasted -= most;
		if (group.count < 2)
			continue;
		t->count += group.count;
		t->wasted += group.wasted;
		hs_vec_push(&t->groups, group);
	}
	if (t->groups.n)
		qsort(t->groups.v, t->groups.n, sizeof(*t->groups.v),
		      by_wasted);
}

static struct hs_err *list_texts(struct texts *t, struct lg_value **ret)
{
	static const char *const columns[] = { "#Count", "#Wasted", "#Size",
					       "Type", "Value", NULL };
	struct gr_graph *g = t->nodes->g;
	HS_VEC(uint64_t) addr = { 0 };
	HS_TEXT title = { 0 };
	size_t n, i;
	json_t *doc;
	struct hs_err *err = limit_of(t->call, t->groups.n, &n);

	if (err)
		return err;
	doc = vb_table(columns);
	hs_text_addf(&title, "%" PRIu64 " texts in %zu groups of equal ones; "
		     "one of each would save %" PRIu64 " bytes.",
		     t->count, t->groups.n, t->wasted);
	set_title(doc, &title);
	for (i = 0; i < t->groups.n && i < MAX_LIMIT; i++) {
		const struct group *group = &t->groups.v[i];
		uint64_t at = gr_addr(g, group->id);
		HS_FREE char *text = md_render(t->m, at, HEAPSH_RENDER_SHORT,
					       TEXT_COLUMNS);
		json_t *row = vb_row(doc);

		vb_cell(row, wr_u64(group->count));
		vb_cell(row, wr_u64(group->wasted));
		vb_cell(row, wr_u64(gr_held(g, group->id)));
		vb_cell_text(row, md_type(t->m, gr_type(g, group->id))->name);
		vb_cell_text(row, text);
		hs_vec_push(&addr, at);
	}
	*ret = lg_table_of(t->nodes->in, doc, n ? n : 1, addr.v);
	hs_vec_deinit(&addr);
	return NULL;
}

static struct hs_err *run_duplicates(const struct lg_call *call,
				     struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	struct texts t = { .call = call, .nodes = &nodes };
	struct hs_err *err = nodes_of(call, &nodes);

	if (err)
		return err;
	t.m = lg_instant_model(nodes.in, call->task);
	err = hash_all(&t);
	if (!err)
		group_all(&t);
	if (!err)
		err = list_texts(&t, ret);
	hs_big_free(call->task->budget, t.v, t.cap * sizeof(*t.v));
	hs_vec_deinit(&t.groups);
	return err;
}

/* --- waste ---------------------------------------------------------------- */

struct holder {
	uint32_t type, id;
	uint64_t count, used, capacity, unused;
};

struct waste {
	const struct lg_call *call;
	struct vb_nodes nodes;
	struct md_model *m;
	bool by_object;
	HS_VEC(struct holder) rows;
	struct hs_map row_of;		/* type -> row */
	uint64_t count, unused;
};

static int by_unused(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->unused != y->unused)
		return x->unused > y->unused ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void add_usage(struct waste *w, uint32_t id,
		      const struct heapsh_usage *u)
{
	struct holder row = { .type = gr_type(w->nodes.g, id), .id = id };
	const uint64_t *found;
	size_t at;

	found = w->by_object ? NULL : hs_map_get(&w->row_of, row.type);
	at = found ? *found : w->rows.n;
	if (!found) {
		hs_map_put(&w->row_of, w->by_object ? id : row.type, at);
		hs_vec_push(&w->rows, row);
	}
	w->rows.v[at].count++;
	w->rows.v[at].used += u->used;
	w->rows.v[at].capacity += u->capacity;
	w->rows.v[at].unused += u->unused_bytes;
	w->count++;
	w->unused += u->unused_bytes;
}

static struct hs_err *measure_all(struct waste *w)
{
	struct hs_task *task = w->call->task;
	struct hs_err *err = NULL;
	struct heapsh_usage u;
	uint64_t steps = 0;
	uint32_t id;

	hs_progress(task, "looking into containers", "objects",
		    gr_set_count(w->nodes.set));
	for (id = 0; !err && gr_set_next(w->nodes.set, &id); id++) {
		if (!(++steps & (STEPS - 1))) {
			hs_progress_add(task, STEPS);
			err = hs_check_cancel(task);
		}
		if (md_type(w->m, gr_type(w->nodes.g, id))->flags &
		    HEAPSH_TYPE_LEAF)
			continue;
		if (md_usage(w->m, gr_addr(w->nodes.g, id), &u) &&
		    (!w->by_object || u.unused_bytes))
			add_usage(w, id, &u);
	}
	hs_progress_end(task);
	if (w->rows.n)
		qsort(w->rows.v, w->rows.n, sizeof(*w->rows.v), by_unused);
	return err;
}

static struct hs_err *list_waste(struct waste *w, struct lg_value **ret)
{
	static const char *const columns[] = { "#Unused", "#Count", "#Used",
					       "#Capacity", "Type", "Value",
					       NULL };
	HS_VEC(uint64_t) addr = { 0 };
	HS_TEXT title = { 0 };
	size_t n, i;
	json_t *doc;
	struct hs_err *err = limit_of(w->call, w->rows.n, &n);

	if (err)
		return err;
	doc = vb_table(columns);
	hs_text_addf(&title, "%" PRIu64 " containers have %" PRIu64
		     " bytes for items that they do not have.",
		     w->count, w->unused);
	set_title(doc, &title);
	for (i = 0; i < w->rows.n && i < MAX_LIMIT; i++) {
		const struct holder *r = &w->rows.v[i];
		uint64_t at = gr_addr(w->nodes.g, r->id);
		HS_FREE char *text =
			w->by_object ? md_render(w->m, at, HEAPSH_RENDER_SHORT,
						 TEXT_COLUMNS)
				     : hs_xstrdup("");
		json_t *row = vb_row(doc);

		vb_cell(row, wr_u64(r->unused));
		vb_cell(row, wr_u64(r->count));
		vb_cell(row, wr_u64(r->used));
		vb_cell(row, wr_u64(r->capacity));
		vb_cell_text(row, md_type(w->m, r->type)->name);
		vb_cell_text(row, text);
		hs_vec_push(&addr, w->by_object ? at : 0);
	}
	*ret = lg_table_of(w->nodes.in, doc, n ? n : 1, addr.v);
	hs_vec_deinit(&addr);
	return NULL;
}

static struct hs_err *run_waste(const struct lg_call *call,
				struct lg_value **ret)
{
	struct waste w = { .call = call };
	unsigned by = 0;
	struct hs_err *err = lg_opt_word(call, "by", 0, &by);

	if (!err)
		err = nodes_of(call, &w.nodes);
	if (err)
		return err;
	w.by_object = by == 1;
	w.m = lg_instant_model(w.nodes.in, call->task);
	if (!md_has_usage(w.m))
		err = hs_err_new(HS_ERR_UNSUPPORTED,
				 "waste: how full its containers are is not "
				 "known of this runtime");
	if (!err)
		err = measure_all(&w);
	if (!err)
		err = list_waste(&w, ret);
	vb_nodes_deinit(&w.nodes);
	hs_vec_deinit(&w.rows);
	hs_map_deinit(&w.row_of);
	return err;
}

/* --- the verbs ------------------------------------------------------------ */

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .help = "of these; every object" },
	{ .name = NULL },
};

static const struct lg_arg duplicates_options[] = {
	LG_LISTING_15,
	{ .name = NULL },
};

static const struct lg_arg waste_options[] = {
	LG_LISTING_15,
	{ .name = "by",
	  .kind = LG_ARG_OPTION,
	  .values = "type|object",
	  .help = "what a row is; type" },
	{ .name = NULL },
};

const struct lg_verb vb_duplicates = {
	.name = "duplicates",
	.args = args,
	.options = duplicates_options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "equal strings and bytes, and what they waste",
	.help = "Texts of the same type and content: how many there are, and "
		"the held bytes of all but one. _[0] is one of the first row.",
	.examples = "duplicates\nduplicates (heap & str) limit=5",
	.run = run_duplicates,
};

const struct lg_verb vb_waste = {
	.name = "waste",
	.args = args,
	.options = waste_options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "room in containers that no item uses",
	.help = "Lists, dicts and sets get room for more items than they "
		"have, and keep it when items go. Capacity counts items, "
		"Unused bytes. A table of a hash has some free room by "
		"design.",
	.examples = "waste\nwaste (heap & list) by=object",
	.run = run_waste,
};
