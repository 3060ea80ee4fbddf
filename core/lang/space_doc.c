// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Tables of threads, frames and variables. */

enum { VALUE_COLUMNS = 60 };

static void column(json_t *columns, const char *name, const char *align)
{
	json_t *c = json_object();

	json_object_set_new(c, "name", json_string(name));
	json_object_set_new(c, "align", json_string(align));
	json_array_append_new(columns, c);
}

static json_t *foreign_text(const char *s, size_t n)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, s ? s : "", s ? n : 0);
	return json_string(hs_text_str(&t));
}

static json_t *text_of(struct heapsh_text t)
{
	return foreign_text(t.s, t.n);
}

static json_t *thread_row(struct md_model *m, uint32_t i)
{
	json_t *row = json_array();
	struct heapsh_thread t;
	struct heapsh_frame f;

	md_thread(m, i, &t);
	json_array_append_new(row, wr_u64(i));
	json_array_append_new(row, text_of(t.name));
	json_array_append_new(row, t.tid ? wr_i64(t.tid) : json_null());
	json_array_append_new(row, json_string(t.holds_lock ? "*" : ""));
	if (!md_frame(m, i, 0, &f)) {
		json_array_append_new(row, json_string(""));
		json_array_append_new(row, json_string(""));
		json_array_append_new(row, json_null());
		return row;
	}
	json_array_append_new(row, text_of(f.function));
	json_array_append_new(row, text_of(f.file));
	json_array_append_new(row, f.line ? wr_u64(f.line) : json_null());
	return row;
}

static json_t *frame_row(struct md_model *m, const struct lg_space_value *at,
			 uint64_t i, bool with_thread)
{
	json_t *row = json_array();
	struct heapsh_frame f;

	md_frame(m, at->thread, at->frame, &f);
	json_array_append_new(row, wr_u64(i));
	if (with_thread)
		json_array_append_new(row, wr_u64(at->thread));
	json_array_append_new(row, text_of(f.function));
	json_array_append_new(row, text_of(f.file));
	json_array_append_new(row, f.line ? wr_u64(f.line) : json_null());
	return row;
}

static json_t *variable_row(struct md_model *m, const struct lg_space_value *at,
			    uint64_t i)
{
	json_t *row = json_array();
	struct heapsh_variable v;
	struct md_object o;
	HS_FREE char *value = NULL;
	HS_TEXT stack = { 0 };

	md_variable(m, at->thread, at->frame, (uint32_t)i, &v);
	json_array_append_new(row, wr_u64(i));
	if (v.kind == HEAPSH_LABEL_STACK) {
		hs_text_addf(&stack, "<stack %llu>", (unsigned long long)i);
		json_array_append_new(row, json_string(hs_text_str(&stack)));
	} else {
		json_array_append_new(row, text_of(v.name));
	}
	if (!v.target && v.value.n) {
		json_array_append_new(row, json_string(""));
		json_array_append_new(row, json_null());
		json_array_append_new(row, text_of(v.value));
		return row;
	}
	if (!v.target || !md_object_at(m, v.target, &o)) {
		json_array_append_new(row, json_string(""));
		json_array_append_new(row, v.target ? wr_addr(v.target)
						    : json_null());
		json_array_append_new(row, json_string(v.target ? "<unread>"
								: "<unbound>"));
		return row;
	}
	value = md_render(m, v.target, HEAPSH_RENDER_SHORT, VALUE_COLUMNS);
	json_array_append_new(row, json_string(o.type->name));
	json_array_append_new(row, wr_addr(v.target));
	json_array_append_new(row, json_string(value));
	return row;
}

static json_t *columns_of(enum lg_space space)
{
	json_t *c = json_array();

	column(c, "Index", "right");
	switch (space) {
	case LG_THREADS:
		column(c, "Name", "left");
		column(c, "TID", "right");
		column(c, "Lock", "left");
		column(c, "Function", "left");
		column(c, "File", "left");
		column(c, "Line", "right");
		break;
	case LG_ALL_FRAMES:
		column(c, "Thread", "right");
		__attribute__((__fallthrough__));
	case LG_THREAD:
	case LG_FRAMES:
		column(c, "Function", "left");
		column(c, "File", "left");
		column(c, "Line", "right");
		break;
	case LG_FRAME:
	case LG_LOCALS:
	default:
		column(c, "Name", "left");
		column(c, "Type", "left");
		column(c, "Address", "left");
		column(c, "Value", "left");
		break;
	}
	return c;
}

static json_t *row_of(struct lg_session *s, struct lg_value *v,
		      struct md_model *m, uint64_t i)
{
	struct lg_space_value at = { 0 };
	struct hs_err *err;

	switch (v->u.space.space) {
	case LG_THREADS:
		return thread_row(m, (uint32_t)i);
	case LG_THREAD:
	case LG_FRAMES:
	case LG_ALL_FRAMES:
		err = lg_frame_at(s, v, i, &at);
		if (err) { // cancelled: lg_space_doc() says so
			hs_err_free(err);
			return json_array();
		}
		return frame_row(m, &at, i, v->u.space.space == LG_ALL_FRAMES);
	case LG_FRAME:
	case LG_LOCALS:
	default:
		return variable_row(m, &v->u.space, i);
	}
}

/* "thread 0, MainThread" over frames, the place over variables. */
static void set_title(json_t *doc, struct md_model *m,
		      const struct lg_space_value *v)
{
	struct heapsh_thread t;
	struct heapsh_frame f;
	HS_TEXT title = { 0 };

	if (v->space == LG_THREADS || v->space == LG_ALL_FRAMES)
		return;
	if (v->space == LG_THREAD || v->space == LG_FRAMES) {
		if (!md_thread(m, v->thread, &t))
			return;
		hs_text_addf(&title, "thread %u", v->thread);
		if (t.name.n)
			hs_text_add(&title, ", ");
		hs_text_escape(&title, t.name.s, t.name.n);
	} else {
		if (!md_frame(m, v->thread, v->frame, &f))
			return;
		hs_text_escape(&title, f.function.s, f.function.n);
		hs_text_add(&title, ", ");
		hs_text_escape(&title, f.file.s, f.file.n);
		hs_text_addf(&title, ":%u", f.line);
	}
	json_object_set_new(doc, "title", json_string(hs_text_str(&title)));
}

struct hs_err *lg_space_doc(struct lg_session *s, struct lg_value *v,
			    json_t **ret)
{
	const struct lg_window *w = &v->u.space.window;
	struct md_model *m;
	uint64_t n, end;
	json_t *doc, *rows;
	struct hs_err *err = lg_runtime(s, v->in, &m);

	if (!err)
		err = lg_space_len(s, v, &n);
	if (err)
		return err;
	end = lg_window_end(s, w, n);
	doc = wr_doc_create("table");
	rows = json_array();
	set_title(doc, m, &v->u.space);
	json_object_set_new(doc, "columns", columns_of(v->u.space.space));
	json_object_set_new(doc, "rows", rows);
	for (uint64_t i = w->first; i < end; i++) {
		json_array_append_new(rows, row_of(s, v, m, i));
		err = hs_check_cancel(s->task);
		if (err) {
			json_decref(doc);
			return err;
		}
	}
	json_object_set_new(doc, "first", wr_u64(w->first));
	json_object_set_new(doc, "more", wr_u64(n - end));
	*ret = doc;
	return NULL;
}
