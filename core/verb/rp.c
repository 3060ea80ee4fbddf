// SPDX-License-Identifier: Apache-2.0
// rp: the pattern of references to a set. Form and words of guppy3 3.1.7,
// guppy/heapy/RefPat.py.
#include "verb_priv.h"

enum {
	DEPTH = 7,
	MAX_NODES = 10000,
	MEMBER_COLUMNS = 24,
	MEMBERS = VB_TREE_COLUMNS / 3,	/* no more fit */
};

struct pattern {
	struct an_pattern *p;
	char *title;
};

static const struct lg_view_ops ops;

static size_t nodes_of(const struct pattern *d,
		       const struct an_pattern_node **ret)
{
	bool cut;

	return an_pattern_nodes(d->p, ret, &cut);
}

static bool is_cut(const struct pattern *d)
{
	const struct an_pattern_node *nodes;
	bool cut;

	an_pattern_nodes(d->p, &nodes, &cut);
	return cut;
}

static uint64_t rows(void *data)
{
	const struct an_pattern_node *nodes;

	return nodes_of(data, &nodes);
}

static void destroy(void *data)
{
	struct pattern *d = data;

	an_pattern_destroy(d->p);
	free(d->title);
	free(d);
}

static char *mark_text(const struct an_pattern_node *n)
{
	switch (n->mark) {
	case AN_MARK_EXPANDED:
		return hs_xstrdup("[-]");
	case AN_MARK_DEPTH:
		return hs_xstrdup("[+]");
	case AN_MARK_STOP:
		return hs_xstrdup("[S]");
	case AN_MARK_SEEN:
		return hs_xasprintf("[^ %u]", n->same);
	case AN_MARK_ROOT:
	default:
		return hs_xstrdup("[R]");
	}
}

/* "[1, 2], {}...": the first members, as far as the line goes. */
static char *members(struct md_model *m, const struct an_pattern_node *n,
		     size_t columns)
{
	struct gr_graph *g = gr_set_graph(n->set);
	struct hs_text t = { 0 };
	uint32_t id = 0, i;

	for (i = 0; i < MEMBERS && gr_set_next(n->set, &id); i++, id++) {
		HS_FREE char *one = md_render(m, gr_addr(g, id),
					      HEAPSH_RENDER_SHORT,
					      MEMBER_COLUMNS);

		if (i && t.len + strlen(one) + 2 >= columns)
			break;
		hs_text_addf(&t, "%s%s", i ? ", " : "", one);
	}
	if (gr_set_count(n->set) > i)
		hs_text_add(&t, "...");
	return hs_text_take(&t);
}

/* Odd lines are filled with blanks, even ones with dashes, for the eye. */
static void add_name(struct hs_text *t, const char *name, uint64_t line,
		     uint32_t depth)
{
	size_t width = 6 + depth, n = strlen(name) + 2;

	hs_text_addf(t, "%2llu: %s ", (unsigned long long)line, name);
	for (; n < width; n++)
		hs_text_addc(t, line & 1 ? ' ' : '-');
	hs_text_addc(t, ' ');
}

static json_t *row_doc(struct md_model *m, const void *data, uint64_t line)
{
	const struct pattern *d = data;
	const struct an_pattern_node *nodes, *n;
	HS_FREE char *name = an_pattern_name(d->p, (uint32_t)line);
	HS_FREE char *mark = NULL, *list = NULL;
	json_t *row = json_object();
	HS_TEXT t = { 0 };

	nodes_of(d, &nodes);
	n = &nodes[line];
	mark = mark_text(n);
	add_name(&t, name, line, n->depth);
	hs_text_addf(&t, "%s %u %s: ", mark, gr_set_count(n->set), n->kind);
	list = members(m, n,
		       t.len < VB_TREE_COLUMNS ? VB_TREE_COLUMNS - t.len : 0);
	hs_text_add(&t, list);
	json_object_set_new(row, "line", wr_u64(line));
	json_object_set_new(row, "depth", wr_u64(n->depth));
	json_object_set_new(row, "mark", json_string(mark));
	json_object_set_new(row, "count", wr_u64(gr_set_count(n->set)));
	json_object_set_new(row, "size", wr_u64(gr_set_flat(n->set)));
	wr_set_text(row, "kind", n->kind, strlen(n->kind));
	wr_set_text(row, "label", name, strlen(name));
	wr_set_text(row, "members", list, strlen(list));
	wr_set_text(row, "text", hs_text_str(&t), t.len);
	return row;
}

static struct hs_err *doc(struct lg_session *s, struct lg_value *v,
			  uint64_t first, uint64_t end, json_t **ret)
{
	const struct pattern *d = lg_view_data(v, &ops);
	const struct vb_tree tree = { .title = d->title,
				      .cut = is_cut(d),
				      .row = row_doc,
				      .data = d };

	return vb_tree_doc(s, v, &tree, first, end, ret);
}

static void set_of_node(struct lg_value *v, uint32_t node,
			struct lg_value **ret)
{
	const struct pattern *d = lg_view_data(v, &ops);
	const struct an_pattern_node *nodes;

	nodes_of(d, &nodes);
	*ret = lg_set(lg_instant_of(v), nodes[node].set, AN_BY_CLODO);
}

static struct hs_err *item(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_value **ret)
{
	(void)s;
	set_of_node(v, (uint32_t)i, ret);
	return NULL;
}

/* --- rp.paths(row) -------------------------------------------------------- */

/* Row of a pattern by number or by name. */
static struct hs_err *row_of(const struct pattern *d, const struct lg_value *v,
			     uint32_t *ret)
{
	const struct an_pattern_node *nodes;
	const char *name = lg_as_text(v, NULL);
	int64_t i = lg_as_int(v);

	if (lg_kind(v) == LG_INT && i >= 0 &&
	    (uint64_t)i < nodes_of(d, &nodes)) {
		*ret = (uint32_t)i;
		return NULL;
	}
	if (name) {
		*ret = an_pattern_named(d->p, name);
		if (*ret != GR_NONE)
			return NULL;
	}
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"paths takes a line of the pattern"),
			     "_.paths(2), or _.paths('aa')");
}

/* SET, None, … of the lines from that one up to the set itself. */
static struct hs_err *andsets_of(struct lg_session *s,
				 const struct lg_inner *with,
				 struct gr_set ***ret, size_t *n)
{
	struct lg_value *const *items = NULL;
	struct hs_err *err = NULL;
	size_t i, count;

	if (!with->n_options)
		return NULL;
	if (lg_kind(with->options[0].value) != LG_LIST)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"andsets is a tuple of sets: "
						"of the line, of the next, "
						"and so on"),
				     "_.paths(2, andsets=(None, SET))");
	count = lg_items(with->options[0].value, &items);
	*ret = hs_xcalloc(count + 1, sizeof(struct gr_set *));
	for (i = 0; i < count && !err; i++)
		if (lg_kind(items[i]) != LG_NONE)
			err = lg_to_set(s, items[i], &(*ret)[i]);
	*n = count;
	return err;
}

static struct hs_err *paths(struct lg_session *s, struct lg_value *v,
			    const struct lg_inner *with, struct lg_value **ret)
{
	const struct pattern *d = lg_view_data(v, &ops);
	LG_GUARD one = lg_int(1);
	struct gr_set **sets = NULL;
	uint32_t row = 0;
	size_t n = 0;
	struct hs_err *err;

	if (with->n_args > 1)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"paths takes one line"),
				     "_.paths(2), or _.paths('aa')");
	err = row_of(d, with->n_args ? with->args[0] : one, &row);
	if (!err)
		err = andsets_of(s, with, &sets, &n);
	if (!err)
		err = vb_rp_paths(lg_instant_of(v),
				  &(struct vb_rp_paths_of){
					  d->p, row, sets, n },
				  s->task, ret);
	while (n)
		gr_set_unref(sets[--n]);
	free(sets);
	return err;
}

static struct hs_err *attr(struct lg_session *s, struct lg_value *v,
			   const char *name, const struct lg_inner *with,
			   struct lg_value **ret)
{
	const struct pattern *d = lg_view_data(v, &ops);
	uint32_t node;

	if (!strcmp(name, "paths"))
		return paths(s, v, with, ret);
	node = with->n_args ? GR_NONE : an_pattern_named(d->p, name);
	if (node != GR_NONE)
		set_of_node(v, node, ret);
	return NULL;
}

static const char *const path_options[] = { "andsets", NULL };

/* guppy3 3.1.7, RefPat.py */
static const struct lg_word elsewhere[] = {
	{ "get_row", "_[N], or _.aa of the line named aa" },
	{ "get_row_named", "_.aa is the set of the line named aa" },
	{ "get_row_indexed", "_[N] is the set of line N" },
	{ "iterlines", "_.all" },
	{ "lines", "_.all" },
	{ "edges", "_.paths(N) has the edges from line N to the set" },
	{ "generate", "it is made as a whole: depth= says how deep" },
	{ "reset", "rp SET makes a new one" },
	{ "reset_nogc", "rp SET makes a new one" },
	{ "line_length", "set width=N" },
	{ NULL, NULL },
};

static const struct lg_word attrs[] = {
	{ "paths", "paths(LINE): ways from the objects of a line to the set; "
		   "andsets=(SET, None, …): by these of the lines alone" },
	{ "a", "the set of line 1; .a2 of the line named aa, and so on" },
	{ NULL, NULL },
};

static const struct lg_view_ops ops = {
	.words = "reference patterns",
	.attrs = attrs,
	.rows = rows,
	.doc = doc,
	.item = item,
	.attr = attr,
	.options = path_options,
	.elsewhere = elsewhere,
	.destroy = destroy,
};

/* --- the verb ------------------------------------------------------------- */

static struct hs_err *numbers_of(const struct lg_call *call,
				 struct an_pattern_of *of)
{
	const char *er = lg_opt_text(call, "er");
	uint64_t depth;
	struct hs_err *err = lg_opt_u64(call, "depth", DEPTH, &depth);

	if (!err && (!depth || depth > AN_PATTERN_DEPTH))
		err = hs_err_new(HS_ERR_USAGE, "%s: depth=%llu: 1 to %d",
				 call->verb->name, (unsigned long long)depth,
				 AN_PATTERN_DEPTH);
	if (!err && er)
		err = an_by_named(er, &of->by);
	of->depth = (uint32_t)depth;
	of->max = MAX_NODES;
	return err;
}

/* ref=gc and gcx leave out what Heapy itself adds: nothing of it is here. */
static struct hs_err *words_of(const struct lg_call *call,
			       struct an_pattern_of *of)
{
	enum { REFERRERS, IMDOM };
	unsigned ref;
	struct hs_err *err = lg_opt_bool(call, "imdom", false, &of->imdom);

	if (!err)
		err = lg_opt_bool(call, "bf", false, &of->breadth_first);
	if (!err)
		err = lg_opt_bool(call, "nocyc", false, &of->no_cycles);
	if (!err)
		err = lg_opt_word(call, "ref", REFERRERS, &ref);
	if (!err && ref == IMDOM)
		of->imdom = true;
	return err;
}

static struct hs_err *options_of(const struct lg_call *call,
				 struct lg_instant *in,
				 struct an_pattern_of *of)
{
	struct hs_err *err = numbers_of(call, of);

	if (!err)
		err = words_of(call, of);
	if (!err)
		err = vb_option_nodes(call, in, "src", &of->from);
	if (!err)
		err = vb_option_nodes(call, in, "stopkind", &of->stop);
	return err;
}

static char *title_of(enum an_relation by)
{
	HS_FREE char *name = by == AN_BY_CLODO ?
				     hs_xstrdup("[dict of] class") :
				     an_relation_name(by);

	return hs_xasprintf("Reference Pattern by <%s>.", name);
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	enum { PAGE = 10 };
	struct an_pattern_of of = { .by = AN_BY_CLODO };
	struct pattern *d;
	struct an_pattern *p;
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);

	if (!err)
		err = options_of(call, nodes.in, &of);
	if (!err)
		err = an_pattern(nodes.set, &of, call->task, &p);
	gr_set_unref(of.from);
	gr_set_unref(of.stop);
	if (err)
		return err;
	d = hs_xalloc(sizeof(*d));
	d->p = p;
	d->title = title_of(of.by);
	*ret = lg_view(nodes.in, &ops, d, PAGE);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "SET",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "set or object" },
	{ .name = NULL },
};

static const struct lg_arg options[] = {
	{ .name = "depth",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "levels of referrers; 7" },
	{ .name = "er",
	  .kind = LG_ARG_OPTION,
	  .values = "RELATION",
	  .help = "how referrers are told apart; clodo" },
	{ .name = "imdom",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "only referrers that are reached through no other; 0" },
	{ .name = "bf",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "all of a level before the next; 0" },
	{ .name = "src",
	  .kind = LG_ARG_OPTION,
	  .values = "(OBJ)",
	  .help = "only referrers that are reached from there" },
	{ .name = "stopkind",
	  .kind = LG_ARG_OPTION,
	  .values = "(SET)",
	  .help = "where it ends; modules, types, code and frames" },
	{ .name = "nocyc",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "leave out what is on the way there already; 0" },
	{ .name = "ref",
	  .kind = LG_ARG_OPTION,
	  .values = "referrers|imdom|gc|gcx",
	  .help = "what follows each set; gc and gcx are referrers" },
	{ .name = NULL },
};

#define RP_HELP                                                              \
	"The referrers of a set by kind, their referrers, and so on. Marks: " \
	"[-] referrers follow; [+] there are some, deeper than depth=; [S] "  \
	"modules, types and code, where all ways lead; [^ 3] the same set as " \
	"line 3; [R] nothing refers to it.\n\n"                               \
	"_[3] is the set of line 3, _.aa that of the line named aa, "         \
	"_.paths(3) how each of its objects comes to the set: a line an "     \
	"edge, -> #2 where line 2 goes on; andsets=(SET, None, …): by these " \
	"objects of each line alone."

const struct lg_verb vb_rp = {
	.name = "rp",
	.args = args,
	.options = options,
	.flags = LG_VERB_OF_SETS,
	.summary = "pattern of references to a set",
	.help = RP_HELP,
	.examples = "rp __main__.cache\nheap.bysize[0].rp\n"
		    "(heap & list).rp(depth=3)\n"
		    "rp cache imdom=1 stopkind=(Type(dict))",
	.run = run,
};

const struct lg_verb vb_get_rp = {
	.name = "get_rp",
	.args = args,
	.options = options,
	.flags = LG_VERB_OF_SETS,
	.summary = "the same as rp",
	.help = RP_HELP,
	.examples = "(heap & list).get_rp(depth=3)",
	.run = run,
};
