// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

struct lg_instant *lg_instant_ref(struct lg_instant *in)
{
	in->refs++;
	return in;
}

void lg_instant_unref(struct lg_instant *in)
{
	if (!in || --in->refs)
		return;
	gr_destroy(in->graph);
	an_summary_destroy(in->summary);
	json_decref(in->attached);
	free(in->name);
	if (in->destroy)
		in->destroy(in, in->destroy_arg);
}

struct md_model *lg_instant_model(struct lg_instant *in, struct hs_task *task)
{
	md_set_task(in->model, task);
	return in->model;
}

struct hs_err *lg_instant_graph(struct lg_instant *in, struct hs_task *task,
				struct gr_graph **ret)
{
	struct hs_err *err = NULL;

	if (!in->graph && !lg_instant_readable(in))
		return hs_err_remedy(hs_err_new(HS_ERR_FAULT,
						"sweep the heap of instant %u: "
						"it was released before",
						in->number),
				     "snap takes a new one");
	if (!in->graph) {
		err = gr_build(lg_instant_model(in, task), task, 0, &in->graph);
		hs_progress_end(task);
	}
	if (!err) {
		md_set_task(in->model, task);
		*ret = in->graph;
	}
	return err;
}

struct hs_err *lg_current(struct lg_session *s, struct lg_instant **ret)
{
	if (!s->current)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"no process is attached"),
				     "attach PID, or open FILE");
	*ret = s->current;
	return md_fault(s->current->model);
}

/* --- without the memory for objects --------------------------------------- */

struct type_total {
	const char *name;
	struct gr_total n;
};

static int by_flat(const void *a, const void *b)
{
	const struct type_total *x = a, *y = b;

	if (x->n.flat != y->n.flat)
		return x->n.flat > y->n.flat ? -1 : 1;
	if (x->n.count != y->n.count)
		return x->n.count > y->n.count ? -1 : 1;
	return strcmp(x->name, y->name);
}

static json_t *total_rows(const struct md_model *m, const struct gr_totals *t)
{
	struct type_total *all = hs_xcalloc((size_t)t->n_types + 1,
					    sizeof(*all));
	json_t *rows = json_array(), *row;
	uint64_t cumulative = 0;
	uint32_t n = 0, i;

	for (i = 0; i < t->n_types; i++)
		if (t->of_type[i].count)
			all[n++] = (struct type_total){ md_type(m, i)->name,
							t->of_type[i] };
	qsort(all, n, sizeof(*all), by_flat);
	for (i = 0; i < n; i++) {
		cumulative += all[i].n.flat;
		row = json_object();
		json_object_set_new(row, "index", wr_u64(i));
		json_object_set_new(row, "count", wr_u64(all[i].n.count));
		json_object_set_new(row, "size", wr_u64(all[i].n.flat));
		json_object_set_new(row, "cumulative", wr_u64(cumulative));
		wr_set_text(row, "kind", all[i].name, strlen(all[i].name));
		json_array_append_new(rows, row);
	}
	free(all);
	return rows;
}

static void set_missing(json_t *doc, const char *key, uint64_t objects,
			uint64_t bytes)
{
	if (objects || bytes)
		json_object_set_new(doc, key,
				    json_pack("{s:o,s:o}", "objects",
					      wr_u64(objects), "bytes",
					      wr_u64(bytes)));
}

static json_t *totals_doc(const struct lg_instant *in,
			  const struct gr_totals *t, const char *note)
{
	HS_FREE char *by = an_relation_name(AN_BY_TYPE);
	HS_FREE char *header = an_relation_header(AN_BY_TYPE);
	json_t *doc = wr_doc_create("set");

	json_object_set_new(doc, "count", wr_u64(t->all.count));
	json_object_set_new(doc, "size", wr_u64(t->all.flat));
	json_object_set_new(doc, "held", wr_u64(t->all.held));
	json_object_set_new(doc, "by", json_string(by));
	json_object_set_new(doc, "header", json_string(header));
	json_object_set_new(doc, "first", wr_u64(0));
	json_object_set_new(doc, "rows", total_rows(in->model, t));
	json_object_set_new(doc, "more", wr_u64(0));
	json_object_set_new(doc, "made",
			    wr_real((double)in->taken_ns / 1e9));
	wr_set_text(doc, "note", note, strlen(note));
	set_missing(doc, "unread", t->unread, t->unread_bytes);
	set_missing(doc, "torn", t->torn, 0);
	return doc;
}

struct hs_err *lg_heap_totals(struct lg_session *s, const struct hs_err *why,
			      struct lg_value **ret)
{
	struct lg_instant *in = NULL;
	HS_FREE char *note = NULL;
	struct gr_totals t;
	struct hs_err *err = lg_current(s, &in);

	if (err)
		return err;
	err = gr_totals(lg_instant_model(in, s->task), s->task, 0, &t);
	hs_progress_end(s->task);
	if (err)
		return err;
	note = hs_xasprintf("By type alone, since there is no memory for what "
			    "asks for objects (%s)%s%s",
			    why->message, why->remedy ? ": " : "",
			    why->remedy ? why->remedy : "");
	*ret = lg_table(in, totals_doc(in, &t, note));
	gr_totals_deinit(&t);
	return NULL;
}
