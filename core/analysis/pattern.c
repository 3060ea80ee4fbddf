// SPDX-License-Identifier: Apache-2.0
// Reference patterns: the referrers of a set by kind, the referrers of each of
// these kinds, and so on, as a tree in preorder, or level by level. What was
// met before is named instead of shown again, so that cycles end.
#include "analysis_priv.h"

#include "text.h"
#include "vec.h"

struct an_pattern {
	HS_VEC(struct an_pattern_node) nodes;
	bool cut;
};

/* A node whose children are being made. */
struct open {
	uint32_t node;
	struct an_partition *rows;	/* its referrers */
	size_t next;
};

struct maker {
	struct an_pattern *p;
	struct gr_graph *g;
	struct md_model *m;
	struct hs_task *task;
	const struct an_pattern_of *of;
	struct gr_set *reached;		/* from of->from, or NULL */
	HS_VEC(struct open) stack;	/* or a queue, from first on */
	size_t first;
};

/* Modules, types and code, and their attribute tables: all lead there. */
static bool stops(const struct maker *k, struct gr_set *set)
{
	uint32_t id = 0, type, owner;

	if (k->of->stop)
		return gr_set_subset(set, k->of->stop);
	if (!gr_set_next(set, &id))
		return false;
	type = gr_type(k->g, id);
	owner = gr_owner_type(k->g, id);
	if (owner != GR_NONE)
		type = owner;
	return md_type(k->m, type)->flags &
	       (HEAPSH_TYPE_CODE_LEAF | HEAPSH_TYPE_OF_TYPES);
}

static uint32_t seen_before(const struct an_pattern *p, struct gr_set *set)
{
	size_t i;

	for (i = 0; i < p->nodes.n; i++)
		if (gr_set_count(p->nodes.v[i].set) == gr_set_count(set) &&
		    gr_set_equal(p->nodes.v[i].set, set))
			return (uint32_t)i;
	return GR_NONE;
}

/* *set op other, in place. */
static struct hs_err *apply(enum gr_op op, struct gr_set **set,
			    struct gr_set *other)
{
	struct gr_set *both;
	struct hs_err *err = gr_set_op(op, *set, other, &both);

	if (err)
		return err;
	gr_set_unref(*set);
	*set = both;
	return NULL;
}

/* Without the sets of the node and of those that it hangs on. */
static struct hs_err *drop_cycles(const struct maker *k, uint32_t node,
				  struct gr_set **set)
{
	struct hs_err *err = NULL;

	for (; !err && node != GR_NONE; node = k->p->nodes.v[node].parent)
		err = apply(GR_SUB, set, k->p->nodes.v[node].set);
	return err;
}

static struct hs_err *referrers_of(const struct maker *k, uint32_t node,
				   struct gr_set **ret)
{
	struct gr_set *set = k->p->nodes.v[node].set, *found;
	struct hs_err *err;

	if (k->of->imdom)
		err = an_imdom_from(set, k->of->from, k->task, &found);
	else
		err = gr_set_referrers(set, k->task, &found);
	if (err)
		return err;
	if (k->reached && !k->of->imdom)
		err = apply(GR_AND, &found, k->reached);
	if (!err && k->of->no_cycles)
		err = drop_cycles(k, node, &found);
	if (err)
		gr_set_unref(found);
	else
		*ret = found;
	return err;
}

/* The referrers of a node's set become what is made next. */
static struct hs_err *expand(struct maker *k, uint32_t node)
{
	struct open open = { .node = node };
	struct gr_set *referrers;
	struct hs_err *err;

	err = referrers_of(k, node, &referrers);
	if (err)
		return err;
	if (!gr_set_count(referrers)) {
		k->p->nodes.v[node].mark = AN_MARK_ROOT;
	} else if (k->p->nodes.v[node].depth >= k->of->depth) {
		k->p->nodes.v[node].mark = AN_MARK_DEPTH;
	} else {
		err = an_partition(referrers, k->of->by, k->task, &open.rows);
		if (!err)
			hs_vec_push(&k->stack, open);
	}
	gr_set_unref(referrers);
	return err;
}

/* Takes set over. */
static struct hs_err *add_node(struct maker *k, uint32_t parent,
			       uint32_t child, struct gr_set *set, char *kind)
{
	struct an_pattern_node node = {
		.parent = parent,
		.child = child,
		.set = set,
		.kind = kind,
		.same = seen_before(k->p, set),
	};
	uint32_t at = (uint32_t)k->p->nodes.n;

	if (parent != GR_NONE)
		node.depth = k->p->nodes.v[parent].depth + 1;
	if (node.same != GR_NONE)
		node.mark = AN_MARK_SEEN;
	else if (parent != GR_NONE && stops(k, set))
		node.mark = AN_MARK_STOP;
	hs_vec_push(&k->p->nodes, node);
	return node.mark ? NULL : expand(k, at);
}

static struct hs_err *next_child(struct maker *k)
{
	bool queue = k->of->breadth_first;
	struct open *open = &k->stack.v[queue ? k->first : k->stack.n - 1];
	size_t row = open->next++;
	struct gr_set *set;
	struct hs_err *err;

	if (row == open->rows->n_rows || row >= AN_PATTERN_CHILDREN) {
		an_partition_destroy(open->rows);
		if (queue)
			k->first++;
		else
			k->stack.n--;
		return NULL;
	}
	err = an_rows_set(open->rows, row, row + 1, k->task, &set);
	if (err)
		return err;
	return add_node(k, open->node, (uint32_t)row, set,
			an_row_name(open->rows, row));
}

static struct hs_err *make(struct maker *k, struct gr_set *set)
{
	struct an_partition *own;
	struct hs_err *err = an_partition(set, k->of->by, k->task, &own);
	char *kind;

	if (err)
		return err;
	kind = own->n_rows == 1 ? an_row_name(own, 0) : hs_xstrdup("<mixed>");
	an_partition_destroy(own);
	err = add_node(k, GR_NONE, 0, gr_set_ref(set), kind);
	while (!err && k->stack.n > k->first) {
		if (k->p->nodes.n >= k->of->max) {
			k->p->cut = true;
			break;
		}
		err = next_child(k);
		if (!err)
			err = hs_check_cancel(k->task);
	}
	while (k->stack.n > k->first)
		an_partition_destroy(k->stack.v[--k->stack.n].rows);
	hs_vec_deinit(&k->stack);
	return err;
}

struct hs_err *an_pattern(struct gr_set *set, const struct an_pattern_of *of,
			  struct hs_task *task, struct an_pattern **ret)
{
	struct gr_graph *g = gr_set_graph(set);
	struct maker k = { .g = g, .m = gr_model(g), .task = task, .of = of };
	struct hs_err *err;

	k.p = hs_xalloc(sizeof(*k.p));
	err = of->from ? an_reach_from(of->from, task, &k.reached) : NULL;
	if (!err)
		err = make(&k, set);
	gr_set_unref(k.reached);
	if (err)
		an_pattern_destroy(k.p);
	else
		*ret = k.p;
	return err;
}

void an_pattern_destroy(struct an_pattern *p)
{
	size_t i;

	for (i = 0; i < p->nodes.n; i++) {
		gr_set_unref(p->nodes.v[i].set);
		free(p->nodes.v[i].kind);
	}
	hs_vec_deinit(&p->nodes);
	free(p);
}

size_t an_pattern_nodes(const struct an_pattern *p,
			const struct an_pattern_node **ret, bool *cut)
{
	*ret = p->nodes.v;
	*cut = p->cut;
	return p->nodes.n;
}

/* --- names ---------------------------------------------------------------- */

enum { MAX_DEPTH = 64 };

/* Children from the root down to a node; how many. */
static uint32_t way_to(const struct an_pattern *p, uint32_t node,
		       uint32_t way[MAX_DEPTH])
{
	uint32_t n = p->nodes.v[node].depth, i;

	for (i = n; i; i--) {
		way[i - 1] = p->nodes.v[node].child;
		node = p->nodes.v[node].parent;
	}
	return n;
}

char *an_pattern_name(const struct an_pattern *p, uint32_t node)
{
	uint32_t way[MAX_DEPTH], n = way_to(p, node, way), i, run;
	HS_TEXT t = { 0 };

	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && way[i + run] == way[i]; run++)
			;
		if (way[i] < 26)
			hs_text_addc(&t, (char)('a' + way[i]));
		else
			hs_text_addf(&t, "(%u)", way[i]);
		if (run == 2 && way[i] < 26)
			hs_text_addc(&t, (char)('a' + way[i]));
		else if (run > 1)
			hs_text_addf(&t, "%u", run);
	}
	if (!n)
		hs_text_addc(&t, '_');
	return hs_text_take(&t);
}

/* "a2b" is aab: children of a name as it is typed, or MAX_DEPTH + 1. */
static uint32_t spell(const char *name, uint32_t way[MAX_DEPTH])
{
	uint32_t n = 0, times, child;

	while (*name >= 'a' && *name <= 'z') {
		child = (uint32_t)(*name++ - 'a');
		times = *name >= '0' && *name <= '9' ? 0 : 1;
		for (; *name >= '0' && *name <= '9'; name++)
			times = times < MAX_DEPTH ?
					times * 10 + (uint32_t)(*name - '0') :
					MAX_DEPTH;
		for (; times; times--) {
			if (n == MAX_DEPTH)
				return MAX_DEPTH + 1;
			way[n++] = child;
		}
	}
	return *name ? MAX_DEPTH + 1 : n;
}

uint32_t an_pattern_named(const struct an_pattern *p, const char *name)
{
	uint32_t want[MAX_DEPTH], way[MAX_DEPTH], n, i;

	if (!strcmp(name, "_"))
		return 0;
	n = spell(name, want);
	for (i = 1; i < p->nodes.n; i++)
		if (way_to(p, i, way) == n &&
		    !memcmp(way, want, n * sizeof(*way)))
			return i;
	return GR_NONE;
}
