// SPDX-License-Identifier: Apache-2.0
// Heapy's rp.paths(): object by object, how those of a line of a pattern come
// to its set. Form of guppy3 3.1.7, guppy/heapy/RefPat.py, get_line_iter_2():
//
//	Paths from source 'aa' to target '_'.
//	 0: aa    [0] @ [0]
//	 1: a     [0]  @ ['key']
//	 2: _     [0]   = <1 list: …>
//	 3: aa    [1] @ [0] -> #1
//
// A line is an edge from an object, number [0] of its row by size, to one of
// the row that it hangs on; "-> #1" where that one has its lines already.
// Nothing recurses; labels are made for what is shown.
#include "verb_priv.h"

enum {
	MAX_LINES = 10000,
	MAX_LABELS = 4,		/* edges between the same two objects */
};

/* A row of the pattern; the first is the source's, the last the set itself. */
struct level {
	char *name;
	struct gr_set *set;
};

struct line {
	uint32_t level, node;
	uint32_t index;			/* of the node among those beside it */
	uint32_t to;			/* GR_NONE: the last of a path */
	uint32_t seen;			/* line of to, or GR_NONE */
};

struct rp_paths {
	HS_VEC(struct level) levels;
	HS_VEC(struct line) lines;
	bool cut;
	size_t width;			/* of name, blanks and number */
	char *title;
};

static const struct lg_view_ops ops;

static void destroy(void *data)
{
	struct rp_paths *d = data;

	for (size_t i = 0; i < d->levels.n; i++) {
		free(d->levels.v[i].name);
		gr_set_unref(d->levels.v[i].set);
	}
	hs_vec_deinit(&d->levels);
	hs_vec_deinit(&d->lines);
	free(d->title);
	free(d);
}

/* --- making --------------------------------------------------------------- */

/* An object whose lines are being made. */
struct open {
	uint32_t level, node, index;
	uint32_t *to;			/* free() */
	size_t n, next;
};

struct maker {
	struct rp_paths *d;
	struct gr_graph *g;
	struct hs_task *task;
	struct hs_map seen;		/* level << 32 | node -> line */
	HS_VEC(struct open) stack;	/* at most one a level */
};

static uint64_t key_of(uint32_t level, uint32_t node)
{
	return (uint64_t)level << 32 | node;
}

/* As rows by id: the largest first. */
static int by_size(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t p = gr_flat(arg, x), q = gr_flat(arg, y);

	return p != q ? (p > q ? -1 : 1) : (x > y) - (x < y);
}

/* What the node refers to of the next level, each once. */
static void find_targets(const struct maker *k, struct open *o)
{
	const struct gr_set *set = k->d->levels.v[o->level + 1].set;
	struct hs_map had = { 0 };
	const uint32_t *out;
	size_t n = gr_out(k->g, o->node, &out), i;

	o->to = hs_xcalloc(n + 1, sizeof(*o->to));
	for (i = 0; i < n; i++)
		if (gr_set_has(set, out[i] & GR_ID) &&
		    hs_map_put(&had, out[i] & GR_ID, 0))
			o->to[o->n++] = out[i] & GR_ID;
	hs_map_deinit(&had);
	if (o->n)
		qsort_r(o->to, o->n, sizeof(*o->to), by_size, k->g);
}

static void add_line(struct maker *k, const struct open *o, uint32_t to,
		     uint32_t seen)
{
	const struct line line = { o->level, o->node, o->index, to, seen };

	hs_vec_push(&k->d->lines, line);
}

static void open_node(struct maker *k, uint32_t level, uint32_t node,
		      uint32_t index)
{
	struct open o = { .level = level, .node = node, .index = index };

	hs_map_put(&k->seen, key_of(level, node), k->d->lines.n);
	if (level + 1 == k->d->levels.n) {
		add_line(k, &o, GR_NONE, GR_NONE);
		return;
	}
	find_targets(k, &o);
	hs_vec_push(&k->stack, o);
}

/* The next line of the object on top, or the end of it. */
static void next_line(struct maker *k)
{
	struct open *o = &k->stack.v[k->stack.n - 1];
	uint32_t to, index, level = o->level;
	const uint64_t *seen;

	if (o->next == o->n) {
		free(o->to);
		k->stack.n--;
		return;
	}
	index = (uint32_t)o->next;
	to = o->to[o->next++];
	seen = hs_map_get(&k->seen, key_of(level + 1, to));
	add_line(k, o, to, seen ? (uint32_t)*seen : GR_NONE);
	if (!seen)
		open_node(k, level + 1, to, index);
}

static struct hs_err *make_lines(struct maker *k)
{
	struct an_partition *rows;
	struct hs_err *err = an_partition(k->d->levels.v[0].set, AN_BY_ID,
					  k->task, &rows);

	if (err)
		return err;
	for (size_t i = 0; i < rows->n_rows && !k->d->cut && !err; i++) {
		open_node(k, 0, rows->ids[i], (uint32_t)i);
		while (k->stack.n && !err) {
			next_line(k);
			if (k->d->lines.n >= MAX_LINES) {
				k->d->cut = true;
				break;
			}
			err = hs_check_cancel(k->task);
		}
	}
	while (k->stack.n)
		free(k->stack.v[--k->stack.n].to);
	hs_vec_deinit(&k->stack);
	hs_map_deinit(&k->seen);
	an_partition_destroy(rows);
	return err;
}

static size_t digits(uint32_t n)
{
	size_t d = 1;

	for (; n > 9; n /= 10)
		d++;
	return d;
}

/* The row and those that it hangs on; in full: columns are of these. */
static void make_levels(struct rp_paths *d, const struct an_pattern *p,
			uint32_t row)
{
	size_t name = 0, number = 0;
	const struct an_pattern_node *nodes;
	bool cut;

	an_pattern_nodes(p, &nodes, &cut);
	for (; row != GR_NONE; row = nodes[row].parent) {
		struct level level = { .name = an_pattern_name(p, row),
				       .set = gr_set_ref(nodes[row].set) };
		size_t n = strlen(level.name);
		size_t m = digits(gr_set_count(level.set));

		name = n > name ? n : name;
		number = m > number ? m : number;
		hs_vec_push(&d->levels, level);
	}
	d->width = 3 + name + number;
	d->title = hs_xasprintf("Paths from source '%s' to target '_'.",
				d->levels.v[0].name);
}

/* Of each level only what is in the set that was given for it. */
static struct hs_err *limit_levels(struct rp_paths *d,
				   const struct vb_rp_paths_of *of)
{
	struct hs_err *err = NULL;
	struct gr_set *both;

	if (of->n_sets > d->levels.n)
		return hs_err_new(HS_ERR_USAGE,
				  "andsets has %zu sets: there are %zu lines "
				  "from '%s' to the set",
				  of->n_sets, (size_t)d->levels.n,
				  d->levels.v[0].name);
	for (size_t i = 0; i < of->n_sets && !err; i++) {
		if (!of->sets[i])
			continue;
		err = gr_set_op(GR_AND, d->levels.v[i].set, of->sets[i],
				&both);
		if (err)
			break;
		gr_set_unref(d->levels.v[i].set);
		d->levels.v[i].set = both;
	}
	return err;
}

struct hs_err *vb_rp_paths(struct lg_instant *in,
			   const struct vb_rp_paths_of *of,
			   struct hs_task *task, struct lg_value **ret)
{
	enum { PAGE = 10 };
	struct rp_paths *d = hs_xalloc(sizeof(*d));
	struct maker k = { .d = d, .task = task };
	struct hs_err *err;

	make_levels(d, of->p, of->row);
	k.g = gr_set_graph(d->levels.v[0].set);
	err = limit_levels(d, of);
	if (!err)
		err = make_lines(&k);
	if (err)
		destroy(d);
	else
		*ret = lg_view(in, &ops, d, PAGE);
	return err;
}

/* --- showing -------------------------------------------------------------- */

static uint64_t rows(void *data)
{
	return ((struct rp_paths *)data)->lines.n;
}

/* "[0] / .name": all edges from one to the other. */
static void add_labels(struct hs_text *t, struct md_model *m,
		       const struct gr_graph *g, const struct line *line)
{
	const uint32_t *out;
	size_t n = gr_out(g, line->node, &out), i;
	uint32_t nth = 0;

	for (i = 0; i < n && nth < MAX_LABELS; i++) {
		HS_FREE char *label = NULL;

		if ((out[i] & GR_ID) != line->to)
			continue;
		label = vb_edge_label(m, g, line->node, line->to, nth);
		hs_text_addf(t, "%s%s", nth++ ? " / " : " ", label);
	}
	if (i < n && nth == MAX_LABELS)
		hs_text_add(t, " …");
}

static void add_text(struct hs_text *t, struct md_model *m,
		     const struct rp_paths *d, uint64_t i)
{
	const struct line *line = &d->lines.v[i];
	const struct level *level = &d->levels.v[line->level];
	const struct gr_graph *g = gr_set_graph(level->set);
	size_t digit = digits(line->index) + 2, n = strlen(level->name);
	HS_FREE char *brief = NULL;
	size_t pad = d->width > n + digit ? d->width - n - digit : 1;

	hs_text_addf(t, "%2llu: %s%*s[%u]%*s", (unsigned long long)i,
		     level->name, (int)pad, "", line->index,
		     (int)line->level + 1, "");
	if (line->to == GR_NONE) {
		brief = vb_brief(m, g, line->node);
		hs_text_addf(t, "= %s", brief);
		return;
	}
	hs_text_addc(t, '@');
	add_labels(t, m, g, line);
	if (line->seen != GR_NONE)
		hs_text_addf(t, " -> #%u", line->seen);
}

static json_t *row_doc(struct md_model *m, const void *data, uint64_t i)
{
	const struct rp_paths *d = data;
	const struct line *line = &d->lines.v[i];
	const struct level *level = &d->levels.v[line->level];
	const struct gr_graph *g = gr_set_graph(level->set);
	json_t *row = json_object();
	HS_TEXT t = { 0 };

	add_text(&t, m, d, i);
	json_object_set_new(row, "line", wr_u64(i));
	json_object_set_new(row, "depth", wr_u64(line->level));
	wr_set_text(row, "label", level->name, strlen(level->name));
	json_object_set_new(row, "address", wr_addr(gr_addr(g, line->node)));
	wr_set_text(row, "text", hs_text_str(&t), t.len);
	return row;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	const struct rp_paths *d = lg_view_data(v, &ops);
	const struct vb_tree tree = { .title = d->title,
				      .cut = d->cut,
				      .row = row_doc,
				      .data = d };

	return vb_tree_doc(s, v, &tree, first, end, ret);
}

static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	const struct rp_paths *d = lg_view_data(v, &ops);
	const struct line *line = &d->lines.v[i];
	const struct gr_graph *g = gr_set_graph(d->levels.v[0].set);

	(void)s;
	*ret = lg_object(lg_instant_of(v), gr_addr(g, line->node));
	return NULL;
}

static const struct lg_word attrs[] = {
	{ NULL, NULL },
};

static const struct lg_view_ops ops = {
	.words = "paths of a pattern",
	.attrs = attrs,
	.rows = rows,
	.doc = doc,
	.item = item,
	.destroy = destroy,
};
