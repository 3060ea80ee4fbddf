// SPDX-License-Identifier: Apache-2.0
// retained and top: rows of a set by what they keep alive alone.
#include "verb_priv.h"

enum { TEXT_COLUMNS = 100 };

enum column { BY_RETAINED, BY_SIZE, BY_HELD, BY_COUNT };
static const char *const columns[] = { "retained", "size", "held", "count" };

/* A partition, in another order than its own. */
struct ordered {
	struct an_partition *p;
	struct hs_budget *budget;
	uint64_t *retained;	/* by row of p */
	uint32_t *order;	/* rows of p */
	enum column column;
};

static uint64_t key_of(const struct ordered *o, uint32_t row)
{
	const struct an_row r = an_row_at(o->p, row);

	switch (o->column) {
	case BY_SIZE:
		return r.flat;
	case BY_HELD:
		return r.held;
	case BY_COUNT:
		return r.count;
	case BY_RETAINED:
	default:
		return o->retained[row];
	}
}

static uint64_t rows(void *data)
{
	return ((struct ordered *)data)->p->n_rows;
}

static void destroy(void *data)
{
	struct ordered *o = data;
	uint64_t n = o->p ? o->p->n_rows : 0;

	hs_big_free(o->budget, o->retained, n * sizeof(*o->retained));
	hs_big_free(o->budget, o->order, n * sizeof(*o->order));
	an_partition_destroy(o->p);
	free(o);
}

static void add_name(json_t *doc, struct md_model *m,
		     const struct an_partition *p, uint32_t row)
{
	HS_FREE char *text = NULL, *kind = NULL, *both = NULL;
	struct gr_graph *g = gr_set_graph(p->set);
	uint32_t id;

	if (p->by != AN_BY_ID) {
		text = an_row_name(p, row);
		wr_set_text(doc, "kind", text, strlen(text));
		return;
	}
	id = p->ids[row];
	text = md_render(m, gr_addr(g, id), HEAPSH_RENDER_SHORT, TEXT_COLUMNS);
	kind = md_kind_name(m, gr_type(g, id), gr_owner_type(g, id));
	both = hs_xasprintf("%s: %s", kind, text);
	wr_set_text(doc, "kind", both, strlen(both));
	json_object_set_new(doc, "address", wr_addr(gr_addr(g, id)));
}

static json_t *row_doc(struct md_model *m, const struct ordered *o,
		       uint64_t i, uint64_t cumulative)
{
	const struct an_row r = an_row_at(o->p, o->order[i]);
	json_t *doc = json_object();

	json_object_set_new(doc, "index", wr_u64(i));
	json_object_set_new(doc, "count", wr_u64(r.count));
	json_object_set_new(doc, "size", wr_u64(r.flat));
	json_object_set_new(doc, "held", wr_u64(r.held));
	json_object_set_new(doc, "cumulative", wr_u64(cumulative));
	json_object_set_new(doc, "retained",
			    wr_u64(o->retained[o->order[i]]));
	add_name(doc, m, o->p, o->order[i]);
	return doc;
}

static const struct lg_view_ops ops;

static json_t *head_doc(const struct an_partition *p)
{
	HS_FREE char *name = an_relation_name(p->by);
	HS_FREE char *header = an_relation_header(p->by);
	json_t *doc = wr_doc_create("set");

	json_object_set_new(doc, "count", wr_u64(p->count));
	json_object_set_new(doc, "size", wr_u64(p->flat));
	json_object_set_new(doc, "held", wr_u64(p->held));
	json_object_set_new(doc, "by", json_string(name));
	json_object_set_new(doc, "header",
			    json_string(p->by == AN_BY_ID ? "Brief" : header));
	if (p->by == AN_BY_ID)
		json_object_set_new(doc, "kind", json_string("mixed"));
	return doc;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	const struct ordered *o = lg_view_data(v, &ops);
	struct md_model *m = lg_instant_model(lg_instant_of(v), s->task);
	json_t *list = json_array(), *out = head_doc(o->p);
	uint64_t cumulative = 0, i;

	json_object_set_new(out, "rows", list);
	for (i = 0; i < end; i++) {
		cumulative += an_row_at(o->p, o->order[i]).flat;
		if (i < first)
			continue;
		json_array_append_new(list, row_doc(m, o, i, cumulative));
		if (hs_cancelled(s->task)) {
			json_decref(out);
			return hs_check_cancel(s->task);
		}
	}
	*ret = out;
	return NULL;
}

static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	const struct ordered *o = lg_view_data(v, &ops);
	uint32_t row = o->order[i];
	struct gr_set *set;
	struct hs_err *err = an_rows_set(o->p, row, row + 1, s->task, &set);

	if (err)
		return err;
	*ret = lg_set(lg_instant_of(v), set, o->p->by);
	gr_set_unref(set);
	return NULL;
}

static const struct lg_view_ops ops = {
	.words = "rows by what they retain",
	.apart = true,
	.rows = rows,
	.doc = doc,
	.item = item,
	.destroy = destroy,
};

enum { DIGITS = 1 << 16 };

/* One digit of the keys, the largest first; ties stay in their order. */
static void place_digit(const struct ordered *o, const uint32_t *from,
			uint32_t *to, uint64_t n, unsigned shift,
			uint32_t *count)
{
	uint32_t sum = 0, d;
	uint64_t i;

	memset(count, 0, DIGITS * sizeof(*count));
	for (i = 0; i < n; i++)
		count[key_of(o, from[i]) >> shift & (DIGITS - 1)]++;
	for (d = DIGITS; d--;) {
		uint32_t here = count[d];

		count[d] = sum;
		sum += here;
	}
	for (i = 0; i < n; i++)
		to[count[key_of(o, from[i]) >> shift & (DIGITS - 1)]++] =
			from[i];
}

/* Without comparing: there may be a hundred million rows. */
static struct hs_err *sort_rows(struct ordered *o, struct hs_task *task)
{
	HS_FREE uint32_t *count = hs_xcalloc(DIGITS, sizeof(*count));
	uint64_t n = o->p->n_rows, bytes = n * sizeof(*o->order), all = 0, i;
	uint32_t *from = o->order, *to, *swap;
	struct hs_err *err;
	unsigned shift;
	void *v;

	err = hs_big_alloc(task, bytes, &v);
	if (err)
		return err;
	to = v;
	for (i = 0; i < n; i++) {
		from[i] = (uint32_t)i;
		all |= key_of(o, (uint32_t)i);
	}
	for (shift = 0; shift < 64 && all >> shift && !err; shift += 16) {
		place_digit(o, from, to, n, shift, count);
		swap = from;
		from = to;
		to = swap;
		err = hs_check_cancel(task);
	}
	o->order = from;
	hs_big_free(task->budget, to, bytes);
	return err;
}

static struct hs_err *arrange(struct ordered *o, struct hs_task *task)
{
	uint64_t n = o->p->n_rows;
	struct hs_err *err;
	void *v;

	err = hs_big_alloc(task, n * sizeof(*o->retained), &v);
	if (err)
		return err;
	o->retained = v;
	err = hs_big_alloc(task, n * sizeof(*o->order), &v);
	if (err)
		return err;
	o->order = v;
	err = an_retained(o->p, task, o->retained);
	return err ? err : sort_rows(o, task);
}

static struct hs_err *show(const struct lg_call *call, struct lg_instant *in,
			   struct gr_set *set, enum an_relation by,
			   enum column column, size_t page,
			   struct lg_value **ret)
{
	struct ordered *o = hs_xalloc(sizeof(*o));
	struct hs_err *err;

	o->column = column;
	o->budget = call->task->budget;
	err = an_partition(set, by, call->task, &o->p);
	if (!err)
		err = arrange(o, call->task);
	if (err)
		destroy(o);
	else
		*ret = lg_view(in, &ops, o, page);
	return err;
}

static struct hs_err *run_retained(const struct lg_call *call,
				   struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);
	enum an_relation by = AN_BY_CLODO;

	if (err)
		return err;
	if (call->n_args == 1 && lg_kind(call->args[0]) == LG_SET)
		by = lg_set_relation(call->args[0]);
	return show(call, nodes.in, nodes.set, by, BY_RETAINED, 0, ret);
}

/* --- top N by COLUMN ------------------------------------------------------ */

static struct hs_err *column_of(const struct lg_call *call, enum column *ret)
{
	const char *by = vb_word(call, 1), *word = vb_word(call, 2), *near;
	struct hs_err *err;
	size_t i;

	if (!by)
		return NULL; // by retained
	if (strcmp(by, "by"))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"top: %s stands where by is "
						"expected",
						by),
				     "top 20 by retained");
	for (i = 0; i < BY_COUNT; i++)
		if (!word || !strcmp(columns[i], word)) {
			*ret = (enum column)i;
			return NULL;
		}
	near = hs_nearest(word, columns, BY_COUNT);
	err = hs_err_new(HS_ERR_USAGE,
			 "top: by %s: it orders by retained, size or held",
			 word);
	return hs_err_remedy(err, "top 20 by %s", near ? near : columns[0]);
}

/* The set that is named, or the heap. */
static struct hs_err *nodes_of(const struct lg_call *call,
			       struct vb_nodes *nodes)
{
	struct lg_call rest = *call;
	struct lg_value *heap = NULL;
	struct hs_err *err = NULL;

	rest.args = call->n_args > 3 ? call->args + 3 : &heap;
	rest.n_args = 1;
	if (call->n_args <= 3)
		err = lg_word_value(call->session, "heap", &heap);
	if (!err)
		err = vb_nodes(&rest, nodes);
	lg_unref(heap);
	return err;
}

enum { TOP_ROWS = 10 }; /* when nobody says how many */

static struct hs_err *run_top(const struct lg_call *call, struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	enum column column = BY_RETAINED;
	bool counts = !call->n_args || lg_kind(call->args[0]) == LG_INT;
	int64_t n = call->n_args ? lg_as_int(call->args[0]) : TOP_ROWS;
	struct hs_err *err = column_of(call, &column);

	if (!err && (!counts || n < 1 || n > 100000))
		err = hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					       "top: how many is a number from "
					       "1 to 100000"),
				    "top 20 by retained");
	if (!err)
		err = nodes_of(call, &nodes);
	return err ? err :
		     show(call, nodes.in, nodes.set, AN_BY_ID, column,
			  (size_t)n, ret);
}

static const struct lg_arg retained_args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "set or object" },
	{ .name = NULL },
};

static const struct lg_arg top_args[] = {
	{ .name = "N",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .help = "rows; 10" },
	{ .name = "by",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .values = "by",
	  .help = "the word itself" },
	{ .name = "COLUMN",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .values = "retained|size|held",
	  .help = "what orders them; retained" },
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .optional = true,
	  .help = "of these; every object" },
	{ .name = NULL },
};

const struct lg_verb vb_retained = {
	.name = "retained",
	.args = retained_args,
	.flags = LG_VERB_OF_SETS,
	.summary = "rows of a set by the bytes that would go with them",
	.help = "What an object retains is what every path from a root leads "
		"to through it: its own held bytes, and those that would be "
		"freed if nothing referred to it any more. Exact, for all "
		"objects at once, from the tree of dominators. A row counts "
		"what its objects retain, once. The rows are those that the "
		"set is shown by; _[0] is the set of the first. 0 for what no "
		"root reaches.",
	.examples = "heap.retained\nheap.bytype.retained\nretained "
		    "(heap & dict)",
	.run = run_retained,
};

const struct lg_verb vb_top = {
	.name = "top",
	.args = top_args,
	.summary = "the N objects that retain, hold or are the most",
	.help = "One row an object. See retained for what that is.",
	.examples = "top 20 by retained\ntop 10 by held (heap & list)",
	.run = run_top,
};
