// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <errno.h>
#include <time.h>

/*
 * Statistics: the rows of a set as numbers, which outlive its objects; their
 * difference; and Heapy's text form of them on disk:
 *
 *	.loader: _load_stat
 *	.format: SetFormat		IdFormat: .r: SIZE NAME
 *	.timemade: 1795218880.264695
 *	.count: 50267
 *	.size: 6724255
 *	.kindname:
 *	.kindheader: Kind (class / dict of class)
 *	.numrows: 160
 *	.r: 14614 1530471 str		COUNT SIZE NAME
 *	.end: .loader: _load_stat
 *
 * (guppy3 3.1.7, guppy/heapy/Part.py). A statistic is a document of type
 * "set" with all of its rows.
 */

enum {
	MAX_LINE = 1 << 16, /* bytes of a line of a file */
};

static void set_new(json_t *doc, const char *key, json_t *value)
{
	json_object_set_new(doc, key, value);
}

static bool is_stat(const json_t *doc)
{
	const char *type = wr_get_text(doc, "type");

	return !strcmp(type, "set") || !strcmp(type, "diff");
}

/* --- from a set ----------------------------------------------------------- */

struct hs_err *lg_stat_doc(struct lg_session *s, struct lg_value *v,
			   json_t **ret)
{
	struct lg_value all = *v; // the same set, seen whole
	struct an_partition *p;
	struct hs_err *err = lg_set_parts(s, v, &p);

	if (err)
		return err;
	if (p->n_rows > LG_ALL_ROWS)
		return hs_err_remedy(
			hs_err_new(HS_ERR_USAGE,
				   "a statistic of %zu rows: at most %d",
				   p->n_rows, LG_ALL_ROWS),
			"SET.bytype.stat has fewer");
	all.u.set.window = (struct lg_window){ .page = LG_ALL };
	all.u.set.kind = NULL;
	err = lg_set_doc(s, &all, ret);
	if (!err)
		set_new(*ret, "made", wr_real((double)v->in->taken_ns / 1e9));
	return err;
}

struct hs_err *lg_set_stat(struct lg_session *s, struct lg_value *v,
			   int64_t arg, struct lg_value **ret)
{
	struct hs_err *err;
	json_t *doc;

	(void)arg;
	err = lg_stat_doc(s, v, &doc);
	if (!err)
		*ret = lg_table(v->in, doc);
	return err;
}

/* --- difference ----------------------------------------------------------- */

struct change {
	const char *kind; /* of a document */
	int64_t count, size;
};

struct changes {
	HS_VEC(struct change) rows;
	struct hs_strmap at;
};

static void add_side(struct changes *c, const json_t *doc,
		     int64_t (*plus)(int64_t a, int64_t b))
{
	const json_t *rows = json_object_get(doc, "rows");
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)rows, i, row) {
		struct change one = { .kind = wr_get_text(row, "kind") };
		const uint64_t *at = hs_strmap_get(&c->at, one.kind);
		size_t to = at ? *at : c->rows.n;

		if (!at) {
			hs_strmap_put(&c->at, one.kind, to);
			hs_vec_push(&c->rows, one);
		}
		c->rows.v[to].count = plus(c->rows.v[to].count,
					   wr_get_i64(row, "count"));
		c->rows.v[to].size = plus(c->rows.v[to].size,
					  wr_get_i64(row, "size"));
	}
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

static int by_magnitude(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	uint64_t m = magnitude(x->size), n = magnitude(y->size);

	if (m == n) {
		m = magnitude(x->count);
		n = magnitude(y->count);
	}
	return m != n ? (m < n ? 1 : -1) : strcmp(x->kind, y->kind);
}

static json_t *totals(const json_t *doc)
{
	json_t *sum = json_object();

	set_new(sum, "count", wr_i64(wr_get_i64(doc, "count")));
	set_new(sum, "size", wr_i64(wr_get_i64(doc, "size")));
	return sum;
}

static json_t *change_rows(struct changes *c)
{
	json_t *rows = json_array();
	int64_t cumulative = 0;
	uint64_t index = 0;

	if (c->rows.n)
		qsort(c->rows.v, c->rows.n, sizeof(*c->rows.v), by_magnitude);
	for (size_t i = 0; i < c->rows.n; i++) {
		const struct change *one = &c->rows.v[i];
		json_t *row;

		if (!one->count && !one->size)
			continue;
		row = json_object();
		cumulative = hs_add_i64(cumulative, one->size);
		set_new(row, "index", wr_u64(index++));
		set_new(row, "count", wr_i64(one->count));
		set_new(row, "size", wr_i64(one->size));
		set_new(row, "cumulative", wr_i64(cumulative));
		set_new(row, "kind", json_string(one->kind));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *subtract(const json_t *a, const json_t *b)
{
	struct changes c = { 0 };
	json_t *doc = wr_doc_create("diff");

	add_side(&c, a, hs_add_i64);
	add_side(&c, b, hs_sub_i64);
	set_new(doc, "a", totals(a));
	set_new(doc, "b", totals(b));
	set_new(doc, "header", json_string(wr_get_text(a, "header")));
	set_new(doc, "rows", change_rows(&c));
	hs_vec_deinit(&c.rows);
	hs_strmap_deinit(&c.at);
	return doc;
}

static struct hs_err *same_relation(const json_t *a, const json_t *b)
{
	const char *x = wr_get_text(a, "header"), *y = wr_get_text(b, "header");

	if (!strcmp(x, y))
		return NULL;
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"the difference of rows by '%s' and "
					"rows by '%s'",
					x, y),
			     "make both by the same: SET.bytype");
}

struct hs_err *lg_stat_subtract(struct lg_session *s, struct lg_value *a,
				struct lg_value *b, struct lg_value **ret)
{
	const json_t *x = a->u.table.doc, *y = b->u.table.doc;
	struct hs_err *err;

	(void)s;
	if (strcmp(wr_get_text(x, "type"), "set") ||
	    strcmp(wr_get_text(y, "type"), "set"))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"- between two tables that "
						"are not statistics"),
				     "SET.stat - SET.stat");
	err = same_relation(x, y);
	if (!err)
		*ret = lg_table(a->in, subtract(x, y));
	return err;
}

/* Rows of the other side by the relation of this one. */
static struct hs_err *other_side(struct lg_session *s, struct lg_value *v,
				 struct lg_value *other, json_t **ret)
{
	LG_GUARD same = NULL;
	struct gr_set *nodes;
	struct hs_err *err;
	bool all;

	if (other->kind == LG_TABLE && is_stat(other->u.table.doc)) {
		*ret = json_incref(other->u.table.doc);
		return NULL;
	}
	if (other->kind == LG_SET) { // by names: also of another instant
		same = lg_set(other->in, other->u.set.nodes, v->u.set.by);
		return lg_stat_doc(s, same, ret);
	}
	err = lg_to_set_in(s, v->in, other, &nodes, &all);
	if (err)
		return err;
	same = lg_set(v->in, nodes, v->u.set.by);
	gr_set_unref(nodes);
	return lg_stat_doc(s, same, ret);
}

struct hs_err *lg_set_diff(struct lg_session *s, struct lg_value *v,
			   const struct lg_args *args, struct lg_value **ret)
{
	json_t *a = NULL, *b = NULL;
	struct hs_err *err;

	if (args->n != 1)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"diff takes one set or stat"),
				     "SET.diff(SET)");
	err = lg_stat_doc(s, v, &a);
	if (!err)
		err = other_side(s, v, args->v[0], &b);
	if (!err)
		err = same_relation(a, b);
	if (!err)
		*ret = lg_table(v->in, subtract(a, b));
	json_decref(a);
	json_decref(b);
	return err;
}

/* --- to a file ------------------------------------------------------------ */

static void print_head(FILE *f, const json_t *doc, const char *format)
{
	const json_t *made = json_object_get(doc, "made");
	const json_t *b = json_object_get(doc, "b");
	const json_t *a = json_object_get(doc, "a");
	double when = json_is_number(made) ? json_number_value(made)
					   : (double)time(NULL);
	int64_t count = wr_get_i64(doc, "count");
	int64_t size = wr_get_i64(doc, "size");
	const char *kind = wr_get_text(doc, "kind");

	fprintf(f, ".loader: _load_stat\n.format: %s\n.timemade: %f\n", format,
		when);
	if (b) {
		count = hs_sub_i64(wr_get_i64(a, "count"),
				   wr_get_i64(b, "count"));
		size = hs_sub_i64(wr_get_i64(a, "size"),
				  wr_get_i64(b, "size"));
		fprintf(f, ".b_count: %lld\n.b_size: %lld\n",
			(long long)wr_get_i64(b, "count"),
			(long long)wr_get_i64(b, "size"));
	}
	fprintf(f,
		".count: %lld\n.size: %lld\n.kindname: %s%s%s\n"
		".kindheader: %s\n.numrows: %zu\n",
		(long long)count, (long long)size, *kind ? "<" : "", kind,
		*kind ? ">" : "", wr_get_text(doc, "header"),
		json_array_size(json_object_get(doc, "rows")));
}

static void print_record(FILE *f, const json_t *doc)
{
	const json_t *rows = json_object_get(doc, "rows");
	bool by_id = !strcmp(wr_get_text(doc, "by"), "id");
	bool is_diff = !strcmp(wr_get_text(doc, "type"), "diff");
	json_t *row;
	size_t i;

	print_head(f, doc,
		   is_diff ? "DiffFormat"
		   : by_id ? "IdFormat"
			   : "SetFormat");
	json_array_foreach ((json_t *)rows, i, row) {
		fputs(".r: ", f);
		if (!by_id)
			fprintf(f, "%lld ",
				(long long)wr_get_i64(row, "count"));
		fprintf(f, "%lld %s\n", (long long)wr_get_i64(row, "size"),
			wr_get_text(row, "kind"));
	}
	fputs(".end: .loader: _load_stat\n", f);
}

static struct hs_err *dump(const json_t *doc, const struct lg_args *args,
			   struct lg_value **ret)
{
	const char *path = args->n ? lg_as_text(args->v[0], NULL) : NULL;
	const char *mode = args->n > 1 ? lg_as_text(args->v[1], NULL) : "a";
	FILE *f;

	if (!path || args->n > 2 || !mode ||
	    (strcmp(mode, "a") && strcmp(mode, "w")))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"dump takes the name of a "
						"file, and 'a' or 'w'"),
				     "dump('FILE.hpy')");
	f = fopen(path, *mode == 'a' ? "ae" : "we");
	if (!f)
		return hs_err_os(errno, "write %s", path);
	print_record(f, doc);
	if (ferror(f) | fclose(f))
		return hs_err_os(errno, "write %s", path);
	*ret = lg_words("%zu rows %s %s",
			json_array_size(json_object_get(doc, "rows")),
			*mode == 'a' ? "appended to" : "written to", path);
	return NULL;
}

struct hs_err *lg_set_dump(struct lg_session *s, struct lg_value *v,
			   const struct lg_args *args, struct lg_value **ret)
{
	struct hs_err *err;
	json_t *doc;

	err = lg_stat_doc(s, v, &doc);
	if (err)
		return err;
	err = dump(doc, args, ret);
	json_decref(doc);
	return err;
}

struct hs_err *lg_table_dump(struct lg_session *s, struct lg_value *v,
			     const struct lg_args *args, struct lg_value **ret)
{
	(void)s;
	if (!is_stat(v->u.table.doc))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"dump: the table is not a "
						"statistic"),
				     "SET.stat");
	return dump(v->u.table.doc, args, ret);
}
