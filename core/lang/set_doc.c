// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * The document of a set: the rows of its window. Numbers only; the view makes
 * columns and percentages of them.
 */

enum {
	ROW_COLUMNS = 100,	/* of an object's text in a row */
	PART_ROWS = 1000,	/* of a part: some ms of work */
};

static void set_new(json_t *doc, const char *key, json_t *value)
{
	json_object_set_new(doc, key, value);
}

static uint64_t row_address(const struct an_partition *p, size_t row)
{
	return gr_addr(gr_set_graph(p->set), p->ids[row]);
}

/* Name of an object's kind as the table by class has it. free(). */
static char *kind_of(const struct an_partition *p, size_t row)
{
	struct gr_graph *g = gr_set_graph(p->set);
	uint32_t id = p->ids[row];

	return md_kind_name(gr_model(g), gr_type(g, id), gr_owner_type(g, id));
}

/* What rows are shown of. */
struct page {
	struct md_model *m;
	const struct an_partition *p;
	bool one_kind;
	uint32_t module_type;	/* of a module; GR_NONE: there are none */
};

static int note_type(void *arg, struct heapsh_text name, uint64_t target)
{
	struct page *page = arg;
	const struct gr_graph *g = gr_set_graph(page->p->set);
	uint32_t id = gr_id(g, target);

	(void)name;
	if (id != GR_NONE)
		page->module_type = gr_type(g, id);
	return id == GR_NONE;
}

struct named {
	uint64_t addr;
	struct hs_text *name;
};

static int note_name(void *arg, struct heapsh_text name, uint64_t target)
{
	struct named *n = arg;

	if (target != n->addr)
		return 1;
	hs_text_escape(n->name, name.s, name.n);
	return 0;
}

/* "os" for the table of that module, whose first items say little. */
static bool add_module(const struct page *page, uint32_t id,
		       struct hs_text *out)
{
	const struct gr_graph *g = gr_set_graph(page->p->set);
	struct named n = { .name = out };
	size_t before = out->len;

	if (page->module_type == GR_NONE ||
	    gr_owner_type(g, id) != page->module_type ||
	    gr_owner(g, id) == GR_NONE)
		return false;
	n.addr = gr_addr(g, gr_owner(g, id));
	md_each_module(page->m, note_name, &n);
	return out->len > before;
}

static json_t *row_doc(const struct page *page, size_t row, uint64_t cumulative)
{
	const struct an_partition *p = page->p;
	const struct an_row r = an_row_at(p, row);
	json_t *doc = json_object();
	HS_FREE char *name = NULL;
	HS_FREE char *kind = NULL;
	HS_TEXT both = { 0 };

	set_new(doc, "index", wr_u64(row));
	set_new(doc, "count", wr_u64(r.count));
	set_new(doc, "size", wr_u64(r.flat));
	set_new(doc, "held", wr_u64(r.held));
	set_new(doc, "cumulative", wr_u64(cumulative));
	if (p->by != AN_BY_ID) {
		name = an_row_name(p, row);
		wr_set_text(doc, "kind", name, strlen(name));
		return doc;
	}
	if (!page->one_kind) {
		kind = kind_of(p, row);
		hs_text_addf(&both, "%s: ", kind);
	}
	if (!add_module(page, p->ids[row], &both)) {
		name = md_render(page->m, row_address(p, row),
				 HEAPSH_RENDER_SHORT, ROW_COLUMNS);
		hs_text_add(&both, name);
	}
	wr_set_text(doc, "kind", hs_text_str(&both), both.len);
	set_new(doc, "address", wr_addr(row_address(p, row)));
	return doc;
}

static void add_unreachable(struct lg_session *s, json_t *doc,
			    struct gr_set *nodes)
{
	struct gr_graph *g = gr_set_graph(nodes);
	struct gr_set *lost;
	struct hs_err *err;
	json_t *part;

	if (gr_set_count(nodes) != gr_n(g) || !gr_has_reach(g))
		return;
	err = gr_set_unreachable(g, s->task, &lost);
	if (err) { // an extra line, not the answer
		hs_err_free(err);
		return;
	}
	part = json_object();
	set_new(part, "objects", wr_u64(gr_set_count(lost)));
	set_new(part, "bytes", wr_u64(gr_set_flat(lost)));
	set_new(doc, "unreachable", part);
	gr_set_unref(lost);
}

static void set_note(json_t *doc, const char *what, const char *name)
{
	HS_FREE char *note = hs_xasprintf("%s%s", what, name);

	wr_set_text(doc, "note", note, strlen(note));
}

/* "Set of 3 <str> objects." */
static void set_kind(json_t *doc, const struct an_partition *p, bool one_kind)
{
	HS_FREE char *kind = NULL;

	if (p->by != AN_BY_ID || !p->n_rows)
		return;
	kind = one_kind ? kind_of(p, 0) : hs_xstrdup("mixed");
	wr_set_text(doc, "kind", kind, strlen(kind));
}

static void add_relation(json_t *doc, const struct an_partition *p,
			 bool one_kind)
{
	HS_FREE char *name = an_relation_name(p->by);
	HS_FREE char *header = an_relation_header(p->by);

	set_new(doc, "by", json_string(name));
	if (p->by == AN_BY_ID)
		set_new(doc, "header",
			json_string(one_kind ? "Representation (limited)"
					     : "Brief"));
	else
		set_new(doc, "header", json_string(header));
}

static struct hs_err *add_rows(struct lg_session *s, json_t *doc,
			       struct lg_value *v, const struct an_partition *p,
			       bool one_kind)
{
	const struct lg_window *w = &v->u.set.window;
	uint64_t end = lg_window_end(s, w, p->n_rows), cumulative;
	struct page page = { v->in->model, p, one_kind, GR_NONE };
	json_t *rows = json_array();

	if (p->by == AN_BY_ID && lg_instant_readable(v->in))
		md_each_module(page.m, note_type, &page);
	set_new(doc, "first", wr_u64(w->first));
	set_new(doc, "rows", rows);
	cumulative = an_rows_flat(p, w->first);
	for (uint64_t i = w->first; i < end; i++) {
		cumulative += an_row_at(p, i).flat;
		json_array_append_new(rows, row_doc(&page, i, cumulative));
		if (hs_cancelled(s->task))
			return hs_check_cancel(s->task);
	}
	set_new(doc, "more", wr_u64(p->n_rows - end));
	return NULL;
}

/* tail: with what is said below the rows. */
static struct hs_err *set_doc(struct lg_session *s, struct lg_value *v,
			      bool tail, json_t **ret)
{
	struct an_partition *p;
	struct hs_err *err = lg_set_parts(s, v, &p);
	bool one_kind;
	json_t *doc;

	if (err)
		return err;
	one_kind = p->by == AN_BY_ID && p->one_kind;
	if (v->u.set.kind && v->u.set.kind->as_words) {
		doc = wr_doc_create("text");
		wr_set_text(doc, "value", v->u.set.kind->words,
			    strlen(v->u.set.kind->words));
		*ret = doc;
		return NULL;
	}
	doc = wr_doc_create("set");
	set_new(doc, "count", wr_u64(p->count));
	set_new(doc, "size", wr_u64(p->flat));
	set_new(doc, "held", wr_u64(p->held));
	add_relation(doc, p, one_kind);
	set_kind(doc, p, one_kind);
	err = add_rows(s, doc, v, p, one_kind);
	if (err) {
		json_decref(doc);
		return err;
	}
	if (tail)
		add_unreachable(s, doc, v->u.set.nodes);
	if (v->u.set.kind && !p->count)
		set_note(doc, "no object of the heap is of the kind ",
			 v->u.set.kind->words);
	*ret = doc;
	return NULL;
}

struct hs_err *lg_set_doc(struct lg_session *s, struct lg_value *v,
			  json_t **ret)
{
	return set_doc(s, v, true, ret);
}

bool lg_set_is_long(const struct lg_session *s, const struct lg_value *v)
{
	return s->part && v->kind == LG_SET &&
	       lg_page(s, &v->u.set.window) >= LG_ALL_ROWS &&
	       !(v->u.set.kind && v->u.set.kind->as_words);
}

struct hs_err *lg_set_part(struct lg_session *s, struct lg_value *v,
			   uint64_t *at, bool *last, json_t **ret)
{
	struct lg_value part = *v;
	struct an_partition *p;
	struct hs_err *err = lg_set_parts(s, v, &p);
	bool first = *at == v->u.set.window.first;
	uint64_t end;

	if (err)
		return err;
	part.u.set.window = (struct lg_window){ *at, PART_ROWS };
	end = lg_window_end(s, &part.u.set.window, p->n_rows);
	*last = end == p->n_rows;
	err = set_doc(s, &part, *last, ret);
	if (err)
		return err;
	*at = end;
	if (!first || !*last)
		set_new(*ret, "part",
			json_string(first ? "first" : *last ? "last" : "next"));
	return NULL;
}
