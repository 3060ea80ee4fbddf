// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* One line: parsed, evaluated, remembered, made a document. */

/* `_` and `_N` keep their values through words, None and what says so. */
static bool is_result(const struct lg_line *line, const struct lg_value *v)
{
	if (line->target || v->kind == LG_WORDS || v->kind == LG_NONE)
		return false;
	return line->expr->kind != LG_N_VERB ||
	       !(line->expr->verb->flags & LG_VERB_NO_RESULT);
}

static void forget(struct lg_session *s, unsigned number)
{
	uint64_t *old = hs_map_get(&s->results, number);

	if (!old || !*old)
		return;
	lg_unref((struct lg_value *)(uintptr_t)*old);
	*old = 0;
}

static void remember(struct lg_session *s, unsigned number, struct lg_value *v)
{
	lg_unref(s->last);
	s->last = lg_ref(v);
	forget(s, number);
	hs_map_put(&s->results, number, (uintptr_t)lg_ref(v));
}

/* Results of long ago would keep their instants in memory. */
static void advance(struct lg_session *s, unsigned number)
{
	for (; s->line < number; s->line++) {
		if (number - s->line > LG_RESULTS)
			s->line = number - LG_RESULTS;
		if (s->line >= LG_RESULTS)
			forget(s, s->line - LG_RESULTS);
	}
}

static void assign(struct lg_session *s, const char *name, struct lg_value *v)
{
	uint64_t *old = hs_strmap_get(&s->variables, name);

	if (old)
		lg_unref((struct lg_value *)(uintptr_t)*old);
	hs_strmap_put(&s->variables, name, (uintptr_t)lg_ref(v));
}

static void missing(json_t *doc, const char *key, uint64_t objects,
		    uint64_t bytes)
{
	json_t *part = json_object();

	json_object_set_new(part, "objects", wr_u64(objects));
	json_object_set_new(part, "bytes", wr_u64(bytes));
	json_object_set_new(doc, key, part);
}

static void stamp(json_t *doc, const char *line, const struct lg_instant *in)
{
	const struct gr_quality *q =
		in && in->graph ? gr_quality(in->graph) : NULL;

	wr_doc_stamp(doc, line, in ? in->number : 0, q && q->partial);
	if (q && (q->unread || q->unread_bytes))
		missing(doc, "unread", q->unread, q->unread_bytes);
	if (q && q->torn)
		missing(doc, "torn", q->torn, 0);
}

static struct hs_err *print(struct lg_session *s, const char *line,
			    struct lg_value *v, json_t **ret)
{
	struct lg_instant *in = v->in ? v->in : s->current;
	struct hs_err *err = lg_doc(s, v, ret);

	if (!err)
		stamp(*ret, line, in);
	return err;
}

/* A row an object, of millions: all but the last part are shown at once. */
static struct hs_err *print_long(struct lg_session *s, const char *line,
				 struct lg_value *v, json_t **ret)
{
	uint64_t at = v->u.set.window.first;
	struct hs_err *err;
	bool last;
	json_t *doc;

	for (;;) {
		err = lg_set_part(s, v, &at, &last, &doc);
		if (err)
			return err;
		stamp(doc, line, v->in);
		if (last)
			break;
		err = s->part(s->part_arg, doc);
		if (!err)
			err = hs_check_cancel(s->task);
		if (err)
			return err;
	}
	*ret = doc;
	return NULL;
}

/* The word "heap" alone, which nothing was taken out of. */
static bool is_heap(struct lg_session *s, const struct lg_line *line)
{
	const struct lg_node *e = line->expr;

	return !line->target && e->kind == LG_N_NAME && !e->program &&
	       !strcmp(e->s, "heap") && !s->reference &&
	       !hs_strmap_get(&s->variables, "heap");
}

static struct hs_err *evaluate(struct lg_session *s, const struct lg_line *line,
			       struct lg_value **ret)
{
	struct hs_err *err, *again;

	if (line->expr->kind == LG_N_VERB)
		return lg_eval_verb(s, line->expr, ret);
	err = lg_eval(s, line->expr, ret);
	if (!err || err->code != HS_ERR_NOMEM || !is_heap(s, line))
		return err;
	// If not even that can be had, what the user hears is the first.
	again = lg_heap_totals(s, err, ret);
	if (again && again->code != HS_ERR_CANCELLED) {
		hs_err_free(again);
		return err;
	}
	hs_err_free(err);
	return again;
}

static struct hs_err *run_parsed(struct lg_session *s, const char *text,
				 const struct lg_line *line, unsigned number,
				 json_t **ret)
{
	LG_GUARD v = NULL;
	struct hs_err *err = evaluate(s, line, &v);

	if (err)
		return err;
	if (line->target) {
		LG_GUARD none = v ? NULL : lg_none();

		assign(s, line->target, v ? v : none);
		return NULL;
	}
	if (!v)
		return NULL;
	if (lg_set_is_long(s, v))
		err = print_long(s, text, v, ret);
	else
		err = print(s, text, v, ret);
	if (!err && is_result(line, v))
		remember(s, number, v);
	return err;
}

/* "?", "?heap", "heap?": as in other shells. free(), or NULL. *from is where
 * in the line the words are that follow "help ". */
static char *as_help(const char *line, size_t *from)
{
	size_t at = lg_skip_blanks(line, 0), end = strlen(line);

	while (end > at && lg_is_blank(line[end - 1]))
		end--;
	*from = at;
	if (line[at] == '?') {
		*from = at + 1;
		return hs_xasprintf("help %.*s", (int)(end - at - 1),
				    line + at + 1);
	}
	if (end > at + 1 && line[end - 1] == '?' &&
	    !memchr(line + at, '\'', end - at) &&
	    !memchr(line + at, '"', end - at))
		return hs_xasprintf("help %.*s", (int)(end - at - 1),
				    line + at);
	return NULL;
}

/* A caret in "help " and the words belongs under what was typed. */
static void move_caret(struct hs_err *err, const char *line, size_t from)
{
	const int help = (int)strlen("help ");
	size_t len = strlen(line), column;

	if (!err || err->column < 0)
		return;
	column = from + (err->column > help ? (size_t)(err->column - help) : 0);
	err->column = (int)(column < len ? column : len);
}

/* Whoever typed it may have meant another tool's word. */
static bool is_misunderstood(const struct hs_err *err)
{
	return err && (err->code == HS_ERR_NAME || err->code == HS_ERR_USAGE ||
		       err->code == HS_ERR_REFUSED);
}

static bool is_found_out(const struct lg_session *s)
{
	return s->current && md_found_out(s->current->model);
}

/*
 * A plugin that was found out during this line: what it said so far is not
 * shown. Later lines fail only where they look at its instant.
 */
static struct hs_err *judge(const struct lg_session *s, bool before,
			    struct hs_err *err, json_t **doc)
{
	if (before || !is_found_out(s))
		return err;
	hs_err_free(err);
	json_decref(*doc);
	*doc = NULL;
	return md_fault(s->current->model);
}

/* What failed after Ctrl-C failed because of it: a name that was not looked up
 * to the end is not one that does not exist. */
static struct hs_err *interrupted(const struct lg_session *s,
				  struct hs_err *err)
{
	if (!err || err->code == HS_ERR_CANCELLED || !hs_cancelled(s->task))
		return err;
	hs_err_free(err);
	return hs_check_cancel(s->task);
}

struct hs_err *lg_run(struct lg_session *s, const char *line, unsigned number,
		      json_t **ret)
{
	struct hs_arena arena = { 0 };
	struct lg_line parsed = { 0 };
	size_t from = 0;
	HS_FREE char *help = as_help(line, &from);
	const char *text = help ? help : line;
	json_t *doc = NULL;
	struct hs_err *err;
	bool before = is_found_out(s);

	advance(s, number);
	err = lg_parse(s, &arena, text, &parsed);
	if (!err && parsed.expr)
		err = run_parsed(s, text, &parsed, number, &doc);
	hs_progress_end(s->task);
	err = judge(s, before, interrupted(s, err), &doc);
	if (is_misunderstood(err))
		err = lg_elsewhere(s, text, err);
	hs_arena_deinit(&arena);
	if (help)
		move_caret(err, line, from);
	if (!err)
		*ret = doc;
	return err;
}
