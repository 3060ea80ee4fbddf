// SPDX-License-Identifier: Apache-2.0
// refbrowser, graph, garbage graph: the surroundings of an object, as a tree
// of text or as a picture in the words of graphviz.
#include "verb_priv.h"

#include <inttypes.h>

enum {
	DEPTH = 3,
	MAX_DEPTH = 50,
	LIMIT = 10,		/* children of one object */
	MAX_LINES = 5000,
	MAX_NODES = 500,	/* of a picture: more cannot be read */
	TEXT_COLUMNS = 50,
	LABEL_COLUMNS = 40,
};

struct line {
	uint32_t id, depth, parent;	/* parent: line */
	uint32_t nth;			/* of the edges between the two */
	uint32_t same;			/* line that shows it, or GR_NONE */
	size_t more;			/* children that are left out */
};

/* Breadth of a tree in preorder; children are made behind their parent. */
struct browse {
	const struct lg_call *call;
	struct md_model *m;
	struct gr_graph *g;
	bool referrers, repeat;
	uint64_t depth, limit, max;
	HS_VEC(struct line) lines;
	struct hs_map shown;		/* id -> line */
	HS_VEC(uint32_t) stack;		/* lines to look at, the next last */
};

static size_t neighbours(const struct browse *b, uint32_t id,
			 const uint32_t **ret)
{
	return b->referrers ? gr_in(b->g, id, ret) : gr_out(b->g, id, ret);
}

/* Is it among its own ancestors? Then it is not expanded, also repeated. */
static bool is_above(const struct browse *b, uint32_t line, uint32_t id)
{
	for (; line != GR_NONE; line = b->lines.v[line].parent)
		if (b->lines.v[line].id == id)
			return true;
	return false;
}

static uint32_t shown_at(const struct browse *b, uint32_t parent, uint32_t id)
{
	const uint64_t *found = hs_map_get(&b->shown, id);

	if (!found || (b->repeat && !is_above(b, parent, id)))
		return GR_NONE;
	return (uint32_t)*found;
}

/* Kinds that all objects have are left out: their class, a function's code. */
static bool is_child(const struct browse *b, uint32_t from, uint32_t to)
{
	const uint32_t *out;
	size_t n, i;

	if (!b->referrers)
		return !(to & GR_CONTEXT);
	n = gr_out(b->g, to, &out);
	for (i = 0; i < n; i++)
		if (out[i] == from)
			return true;
	return false;
}

/* Lines of an object's neighbours, in their order, as yet unplaced. */
static void children(struct browse *b, uint32_t at)
{
	uint32_t id = b->lines.v[at].id, first = (uint32_t)b->stack.n;
	const uint32_t *v;
	size_t n = neighbours(b, id, &v), i, k;

	for (i = 0; i < n; i++) {
		struct line line = { .id = v[i] & GR_ID,
				     .parent = at,
				     .depth = b->lines.v[at].depth + 1 };

		if (!is_child(b, id, v[i]))
			continue;
		if (b->stack.n - first >= b->limit) {
			b->lines.v[at].more++;
			continue;
		}
		for (k = 0; k < i && i < 1000; k++)
			line.nth += (v[k] & GR_ID) == line.id;
		hs_vec_push(&b->stack, (uint32_t)b->lines.n);
		hs_vec_push(&b->lines, line);
	}
}

/*
 * The lines vector is in the order of discovery; this makes it preorder, with
 * the parents' numbers set right.
 */
static void sort_lines(struct browse *b)
{
	struct line *v = hs_xcalloc(b->lines.n + 1, sizeof(*v));
	uint32_t *place = hs_xcalloc(b->lines.n + 1, sizeof(*place));
	uint32_t *next = hs_xcalloc(b->lines.n + 1, sizeof(*next));
	uint32_t *child = hs_xcalloc(b->lines.n + 1, sizeof(*child));
	uint32_t i, n = 0, at;

	// children of a line, last first, as linked lists from 1
	for (i = (uint32_t)b->lines.n; i-- > 0;) {
		uint32_t up = b->lines.v[i].parent;
		uint32_t *head = up == GR_NONE ? &child[b->lines.n]
					       : &child[up];

		next[i] = *head;
		*head = i + 1;
	}
	b->stack.n = 0;
	hs_vec_push(&b->stack, child[b->lines.n]);
	while (b->stack.n) {
		at = b->stack.v[--b->stack.n];
		if (!at)
			continue;
		hs_vec_push(&b->stack, next[at - 1]);
		hs_vec_push(&b->stack, child[at - 1]);
		place[at - 1] = n;
		v[n++] = b->lines.v[at - 1];
	}
	for (i = 0; i < n; i++) {
		if (v[i].parent != GR_NONE)
			v[i].parent = place[v[i].parent];
		if (v[i].same != GR_NONE)
			v[i].same = place[v[i].same];
		b->lines.v[i] = v[i];
	}
	free(v);
	free(place);
	free(next);
	free(child);
}

/* Breadth first, so that an object is expanded where it is nearest. */
static struct hs_err *browse(struct browse *b, uint32_t start)
{
	struct line first = { .id = start, .parent = GR_NONE, .same = GR_NONE };
	struct hs_err *err = gr_need_rows(b->g, b->call->task);
	size_t at = 0;

	hs_vec_push(&b->lines, first);
	for (; at < b->lines.n && at < b->max && !err; at++) {
		struct line *l = &b->lines.v[at];

		l->same = shown_at(b, l->parent, l->id);
		if (l->same != GR_NONE)
			continue;
		if (!hs_map_get(&b->shown, l->id))
			hs_map_put(&b->shown, l->id, at);
		b->stack.n = 0;
		if (l->depth < b->depth)
			children(b, (uint32_t)at);
		err = hs_check_cancel(b->call->task);
	}
	if (b->lines.n > at)
		b->lines.n = at;
	if (!err)
		sort_lines(b);
	return err;
}

static void browse_deinit(struct browse *b)
{
	hs_vec_deinit(&b->lines);
	hs_vec_deinit(&b->stack);
	hs_map_deinit(&b->shown);
}

static char *label_of(const struct browse *b, uint32_t from, uint32_t to,
		      uint32_t nth)
{
	struct md_edge e;

	return md_edge_to(b->m, gr_addr(b->g, from), gr_addr(b->g, to), nth,
			  &e) ?
		       md_label(b->m, &e.e) :
		       hs_xstrdup(".??");
}

static char *kind_of(const struct browse *b, uint32_t id)
{
	return md_kind_name(b->m, gr_type(b->g, id), gr_owner_type(b->g, id));
}

/* --- as text -------------------------------------------------------------- */

static char *line_label(const struct browse *b, const struct line *l)
{
	uint32_t up;

	if (l->parent == GR_NONE)
		return hs_xstrdup("");
	up = b->lines.v[l->parent].id;
	// of several edges from one referrer only the first is told
	return b->referrers ? label_of(b, l->id, up, 0)
			    : label_of(b, up, l->id, l->nth);
}

static void add_line(const struct browse *b, uint32_t i, json_t *doc)
{
	const struct line *l = &b->lines.v[i];
	HS_FREE char *label = line_label(b, l);
	HS_FREE char *kind = kind_of(b, l->id);
	HS_FREE char *value = md_render(b->m, gr_addr(b->g, l->id),
					HEAPSH_RENDER_SHORT, TEXT_COLUMNS);
	json_t *row = json_object();
	HS_TEXT t = { 0 };

	hs_text_addf(&t, "%*s%s%s%s: %s size=%" PRIu64, (int)(4 * l->depth),
		     "", label, *label ? " " : "", kind, value,
		     gr_flat(b->g, l->id));
	if (l->same != GR_NONE)
		hs_text_addf(&t, " [^ %u]", l->same);
	if (l->more)
		hs_text_addf(&t, " (%zu more)", l->more);
	json_object_set_new(row, "line", wr_u64(i));
	json_object_set_new(row, "depth", wr_u64(l->depth));
	json_object_set_new(row, "mark",
			    json_string(l->same != GR_NONE ? "^" : "-"));
	json_object_set_new(row, "count", wr_u64(1));
	json_object_set_new(row, "size", wr_u64(gr_flat(b->g, l->id)));
	json_object_set_new(row, "more", wr_u64(l->more));
	wr_set_text(row, "kind", kind, strlen(kind));
	wr_set_text(row, "label", label, strlen(label));
	json_object_set_new(row, "address", wr_addr(gr_addr(b->g, l->id)));
	wr_set_text(row, "text", hs_text_str(&t), t.len);
	json_array_append_new(json_object_get(doc, "rows"), row);
}

static struct hs_err *options_of(struct browse *b)
{
	const struct lg_call *call = b->call;
	unsigned of = 0;
	struct hs_err *err;

	err = lg_opt_u64(call, "depth", DEPTH, &b->depth);
	if (!err)
		err = lg_opt_u64(call, "limit", LIMIT, &b->limit);
	if (!err)
		err = lg_opt_bool(call, "repeat", false, &b->repeat);
	if (!err)
		err = lg_opt_word(call, "of", b->referrers ? 0 : 1, &of);
	if (!err && (b->depth > MAX_DEPTH || !b->limit))
		err = hs_err_new(HS_ERR_USAGE,
				 "%s: depth is at most %d, limit at least 1",
				 call->verb->name, MAX_DEPTH);
	b->referrers = !of;
	return err;
}

static struct hs_err *start(struct browse *b, struct vb_nodes *nodes,
			    uint32_t *id)
{
	struct hs_err *err = options_of(b);

	if (!err)
		err = vb_node(b->call, nodes, id);
	if (err)
		return err;
	b->g = nodes->g;
	b->m = lg_instant_model(nodes->in, b->call->task);
	return browse(b, *id);
}

static struct hs_err *run_browser(const struct lg_call *call,
				  struct lg_value **ret)
{
	struct browse b = { .call = call, .referrers = true,
			    .max = MAX_LINES };
	VB_NODES nodes = { 0 };
	HS_VEC(uint64_t) addr = { 0 };
	json_t *doc;
	uint32_t id;
	struct hs_err *err = start(&b, &nodes, &id);

	if (err) {
		browse_deinit(&b);
		return err;
	}
	doc = wr_doc_create("tree");
	json_object_set_new(doc, "rows", json_array());
	for (uint32_t i = 0; i < b.lines.n; i++) {
		add_line(&b, i, doc);
		hs_vec_push(&addr, gr_addr(b.g, b.lines.v[i].id));
	}
	*ret = lg_table_of(nodes.in, doc, MAX_LINES, addr.v);
	hs_vec_deinit(&addr);
	browse_deinit(&b);
	return NULL;
}

/* --- as a picture --------------------------------------------------------- */

/* A text in double quotes, as DOT has it. */
static void add_quoted(struct hs_text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			hs_text_addc(t, '\\');
		hs_text_addc(t, *s);
	}
}

static void add_node(struct hs_text *t, const struct browse *b, uint32_t id,
		     bool first)
{
	HS_FREE char *kind = kind_of(b, id);
	HS_FREE char *value = md_render(b->m, gr_addr(b->g, id),
					HEAPSH_RENDER_SHORT, LABEL_COLUMNS);

	hs_text_addf(t, "  o%u [label=\"", id);
	add_quoted(t, kind);
	hs_text_add(t, "\\n");
	add_quoted(t, value);
	hs_text_addf(t, "\\nsize=%" PRIu64, gr_flat(b->g, id));
	if (gr_has_dominators(b->g))
		hs_text_addf(t, " retained=%" PRIu64, gr_retained(b->g, id));
	hs_text_addf(t, "\"%s];\n", first ? " style=filled" : "");
}

static void add_edges(struct hs_text *t, const struct browse *b, uint32_t id,
		      uint64_t *n_edges)
{
	const uint32_t *out;
	size_t n = gr_out(b->g, id, &out), i, k;

	for (i = 0; i < n; i++) {
		HS_FREE char *label = NULL;
		uint32_t to = out[i] & GR_ID, nth = 0;

		if (out[i] & GR_CONTEXT || !hs_map_get(&b->shown, to))
			continue;
		for (k = 0; k < i && i < 1000; k++)
			nth += (out[k] & GR_ID) == to;
		label = label_of(b, id, to, nth);
		hs_text_addf(t, "  o%u -> o%u [label=\"", id, to);
		add_quoted(t, label);
		hs_text_add(t, "\"];\n");
		++*n_edges;
	}
}

/* What is shown, and every reference within it. */
static struct hs_err *picture(const struct browse *b, const uint32_t *ids,
			      size_t n, struct lg_value **ret)
{
	const char *path = lg_opt_text(b->call, "file");
	struct hs_err *err = NULL;
	uint64_t edges = 0;
	HS_TEXT t = { 0 };
	json_t *doc;
	size_t i;

	hs_text_add(&t, "digraph heap {\n  node [shape=box];\n");
	for (i = 0; i < n; i++)
		add_node(&t, b, ids[i], !i);
	for (i = 0; i < n && !err; i++) {
		add_edges(&t, b, ids[i], &edges);
		err = hs_check_cancel(b->call->task);
	}
	hs_text_add(&t, "}\n");
	if (!err && path)
		err = vb_dot_to_file(b->call, path, &t);
	if (err)
		return err;
	if (path) {
		*ret = lg_words("%s has %zu objects and %" PRIu64
				" references", path, n, edges);
		return NULL;
	}
	doc = wr_doc_create("dot");
	json_object_set_new(doc, "nodes", wr_u64(n));
	json_object_set_new(doc, "edges", wr_u64(edges));
	wr_set_text(doc, "value", hs_text_str(&t), t.len);
	*ret = lg_table(NULL, doc);
	return NULL;
}

static struct hs_err *run_graph(const struct lg_call *call,
				struct lg_value **ret)
{
	struct browse b = { .call = call, .max = MAX_NODES };
	HS_VEC(uint32_t) ids = { 0 };
	VB_NODES nodes = { 0 };
	uint32_t id;
	struct hs_err *err = start(&b, &nodes, &id);

	for (uint32_t i = 0; !err && i < b.lines.n; i++)
		if (b.lines.v[i].same == GR_NONE)
			hs_vec_push(&ids, b.lines.v[i].id);
	if (!err)
		err = picture(&b, ids.v, ids.n, ret);
	hs_vec_deinit(&ids);
	browse_deinit(&b);
	return err;
}

/* The largest cycles first, as many as a picture can have. */
static struct hs_err *run_garbage_graph(const struct lg_call *call,
					struct lg_value **ret)
{
	struct browse b = { .call = call };
	struct an_islands is = { 0 };
	struct lg_instant *in;
	HS_VEC(uint32_t) ids = { 0 };
	struct gr_set *set;
	struct hs_err *err = lg_current(call->session, &in);
	uint64_t r, i;

	if (!err)
		err = lg_instant_graph(in, call->task, &b.g);
	if (!err)
		err = an_garbage(b.g, call->task, &set);
	if (err)
		return err;
	b.m = lg_instant_model(in, call->task);
	err = an_islands(set, call->task, &is);
	gr_set_unref(set);
	if (err)
		return err;
	for (r = 0; r < is.n_rows; r++)
		for (i = 0; i < is.rows[r].n && ids.n < MAX_NODES; i++) {
			hs_vec_push(&ids, is.nodes[is.rows[r].first + i]);
			hs_map_put(&b.shown, is.nodes[is.rows[r].first + i],
				   1);
		}
	err = picture(&b, ids.v, ids.n, ret);
	an_islands_deinit(&is);
	hs_vec_deinit(&ids);
	browse_deinit(&b);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .help = "object, or set of one" },
	{ .name = NULL },
};

static const struct lg_arg browser_options[] = {
	{ .name = "depth",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "levels; 3" },
	{ .name = "of",
	  .kind = LG_ARG_OPTION,
	  .values = "referrers|referents",
	  .help = "in which direction" },
	{ .name = "limit",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "references of one object that are shown; 10" },
	{ .name = "repeat",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "show again what hangs on an object shown before; 0" },
	{ .name = NULL },
};

/* clang-format off */
#define FILE_OPTION \
	{ .name = "file", .kind = LG_ARG_OPTION, .values = "NAME", \
	  .help = "to a new file: leak.dot as it is; .svg .png .pdf … drawn" }
/* clang-format on */

static const struct lg_arg graph_options[] = {
	{ .name = "depth",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "levels; 3" },
	{ .name = "of",
	  .kind = LG_ARG_OPTION,
	  .values = "referrers|referents",
	  .help = "in which direction; referents" },
	{ .name = "limit",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "references of one object that are shown; 10" },
	FILE_OPTION,
	{ .name = NULL },
};

static const struct lg_arg garbage_options[] = {
	FILE_OPTION,
	{ .name = NULL },
};

const struct lg_verb vb_refbrowser = {
	.name = "refbrowser",
	.args = args,
	.options = browser_options,
	.summary = "tree of the referrers of an object, or of its referents",
	.help = "A line an object: the name of the reference, its class, "
		"itself, its flat size. Classes and code are left out. [^ 3] "
		"stands for what hangs on line 3. _[N] is the object of a "
		"line.",
	.examples = "refbrowser __main__.cache\n"
		    "refbrowser __main__.cache of=referents depth=2",
	.run = run_browser,
};

const struct lg_verb vb_graph = {
	.name = "graph",
	.args = args,
	.options = graph_options,
	.summary = "the surroundings of an object in the words of graphviz",
	.help = "Objects with their sizes and references with their names, as "
		"DOT. file=leak.svg has it drawn by graphviz.",
	.examples = "graph __main__.cache\n"
		    "graph __main__.cache file=leak.svg\n"
		    "graph __main__.cache of=referrers depth=2",
	.run = run_graph,
};

const struct lg_verb vb_garbage_graph = {
	.name = "garbage graph",
	.options = garbage_options,
	.summary = "garbage in the words of graphviz",
	.help = "As graph: objects that the runtime's collector would free, "
		"the largest cycles first.",
	.examples = "garbage graph\ngarbage graph file=cycles.pdf",
	.run = run_garbage_graph,
};
