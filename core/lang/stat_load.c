// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

#include <errno.h>

/* Heapy's statistics from a file: see set_stat.c for their form. */

enum {
	MAX_LINE = 1 << 16, /* bytes */
	MAX_RECORDS = 1 << 20,
};

struct loading {
	FILE *f;
	const char *path;
	uint64_t line;
	char text[MAX_LINE];
	bool by_id, is_diff;
	json_t *doc, *rows;
	int64_t count, size, b_count, b_size, cumulative;
};

static struct hs_err *wrong(const struct loading *l, const char *why)
{
	return hs_err_new(HS_ERR_FORMAT, "read %s, line %llu: %s", l->path,
			  (unsigned long long)l->line, why);
}

/* False at the end of the file. A line ends before its newline. */
static struct hs_err *next_line(struct loading *l, bool *got)
{
	size_t n;

	*got = fgets(l->text, sizeof(l->text), l->f);
	if (!*got)
		return ferror(l->f) ? hs_err_os(errno, "read %s", l->path)
				    : NULL;
	l->line++;
	n = strlen(l->text);
	if (n && l->text[n - 1] == '\n')
		l->text[n - 1] = '\0';
	else if (n == sizeof(l->text) - 1)
		return wrong(l, "it is longer than 65535 bytes");
	return NULL;
}

/* The value of ".name: value", or NULL. */
static const char *value_of(const struct loading *l, const char *name)
{
	size_t n = strlen(name);
	const char *at = l->text;

	if (*at != '.' || strncmp(at + 1, name, n) || at[n + 1] != ':')
		return NULL;
	at += n + 2;
	return *at == ' ' ? at + 1 : at;
}

static struct hs_err *number(const struct loading *l, const char *text,
			     int64_t *ret)
{
	return hs_parse_i64(text, ret) ? NULL
				       : wrong(l, "a number is expected");
}

static void set_escaped(json_t *doc, const char *key, const char *s)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, s, strlen(s));
	wr_set_text(doc, key, hs_text_str(&t), t.len);
}

static struct hs_err *read_format(struct loading *l, const char *format)
{
	l->by_id = !strcmp(format, "IdFormat");
	l->is_diff = !strcmp(format, "DiffFormat");
	if (!l->by_id && !l->is_diff && strcmp(format, "SetFormat"))
		return wrong(l, "the format is none of SetFormat, IdFormat "
				"and DiffFormat");
	return NULL;
}

/* ".count: 12" and the like; others are passed over. */
static struct hs_err *read_head(struct loading *l)
{
	const char *v;
	char *end;
	double made;

	if ((v = value_of(l, "format")))
		return read_format(l, v);
	if ((v = value_of(l, "count")))
		return number(l, v, &l->count);
	if ((v = value_of(l, "size")))
		return number(l, v, &l->size);
	if ((v = value_of(l, "b_count")))
		return number(l, v, &l->b_count);
	if ((v = value_of(l, "b_size")))
		return number(l, v, &l->b_size);
	if ((v = value_of(l, "kindheader")))
		set_escaped(l->doc, "header", v);
	if ((v = value_of(l, "timemade"))) {
		made = strtod(v, &end);
		if (end == v || *end)
			return wrong(l, "a time is expected");
		json_object_set_new(l->doc, "made", wr_real(made));
	}
	return NULL;
}

/* "COUNT SIZE NAME", by id "SIZE NAME". v is within l->text. */
static struct hs_err *read_row(struct loading *l, char *v)
{
	int64_t count = 1, size;
	struct hs_err *err = NULL;
	json_t *row;
	char *blank;

	if (json_array_size(l->rows) >= LG_ALL_ROWS)
		return wrong(l, "there are more than 100000 rows");
	for (int i = l->by_id; !err && i < 2; i++) {
		blank = strchr(v, ' ');
		if (!blank)
			return wrong(l, "a row has a size and a name");
		*blank = '\0';
		err = number(l, v, i ? &size : &count);
		v = blank + 1;
	}
	if (err)
		return err;
	if (__builtin_add_overflow(l->cumulative, size, &l->cumulative))
		return wrong(l, "the sum of the sizes is beyond 64 bits");
	row = json_object();
	json_object_set_new(row, "index", wr_u64(json_array_size(l->rows)));
	json_object_set_new(row, "count", wr_i64(count));
	json_object_set_new(row, "size", wr_i64(size));
	json_object_set_new(row, "cumulative", wr_i64(l->cumulative));
	set_escaped(row, "kind", v);
	json_array_append_new(l->rows, row);
	return NULL;
}

static json_t *sum(int64_t count, int64_t size)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "count", wr_i64(count));
	json_object_set_new(doc, "size", wr_i64(size));
	return doc;
}

static struct hs_err *end_record(struct loading *l)
{
	int64_t count, size;

	if (!l->is_diff) {
		json_object_set_new(l->doc, "count", wr_i64(l->count));
		json_object_set_new(l->doc, "size", wr_i64(l->size));
		json_object_set_new(l->doc, "by",
				    json_string(l->by_id ? "id" : "stat"));
		return NULL;
	}
	if (__builtin_add_overflow(l->count, l->b_count, &count) ||
	    __builtin_add_overflow(l->size, l->b_size, &size))
		return wrong(l, "a sum is beyond 64 bits");
	json_object_set_new(l->doc, "type", json_string("diff"));
	json_object_set_new(l->doc, "a", sum(count, size));
	json_object_set_new(l->doc, "b", sum(l->b_count, l->b_size));
	return NULL;
}

/* From ".loader:" to ".end:". *got: a record was there. */
static struct hs_err *read_record(struct loading *l, bool *got)
{
	struct hs_err *err = next_line(l, got);

	if (err || !*got)
		return err;
	if (!value_of(l, "loader") ||
	    strcmp(value_of(l, "loader"), "_load_stat"))
		return wrong(l, "no statistic of Heapy's begins here");
	json_decref(l->doc);
	l->doc = wr_doc_create("set");
	l->rows = json_array();
	json_object_set_new(l->doc, "rows", l->rows);
	l->count = l->size = l->b_count = l->b_size = l->cumulative = 0;
	l->by_id = l->is_diff = false;
	while (!err) {
		bool more;

		err = next_line(l, &more);
		if (!err && !more)
			err = wrong(l, "the file ends within a statistic");
		if (err || value_of(l, "end"))
			break;
		err = value_of(l, "r") ? read_row(l, (char *)value_of(l, "r"))
				       : read_head(l);
	}
	return err ? err : end_record(l);
}

static struct hs_err *read_all(struct loading *l, uint64_t record)
{
	struct hs_err *err = NULL;
	uint64_t n = 0;
	bool got = true;

	for (; !err && n <= record && n < MAX_RECORDS; n++) {
		err = read_record(l, &got);
		if (err || got)
			continue;
		if (!n)
			return hs_err_new(HS_ERR_FORMAT, "read %s: it is empty",
					  l->path);
		return hs_err_remedy(hs_err_new(HS_ERR_NAME,
						"read %s: it has %llu "
						"records",
						l->path, (unsigned long long)n),
				     "load %s record=%llu", l->path,
				     (unsigned long long)n - 1);
	}
	return err;
}

struct hs_err *lg_stat_load(const char *path, uint64_t record,
			    struct lg_value **ret)
{
	struct loading *l = hs_xalloc(sizeof(*l));
	struct hs_err *err;

	l->path = path;
	l->f = fopen(path, "re");
	if (!l->f) {
		free(l);
		return hs_err_os(errno, "read %s", path);
	}
	err = read_all(l, record);
	if (!err)
		*ret = lg_table(NULL, json_incref(l->doc));
	json_decref(l->doc);
	fclose(l->f);
	free(l);
	return err;
}
