// SPDX-License-Identifier: Apache-2.0
// All shortest paths, as layers: layer d has the nodes at distance d from the
// sources that lie on a path. They are gathered from the targets back; then
// the ways from each node to a target are counted, from the last layer to the
// first. A path is found by its number: no path is made that is not asked for,
// and there may be more of them than could be.
#include "analysis_priv.h"

#include "vec.h"

enum { STEPS = 1 << 14 };

struct source {
	uint32_t root;		/* number, or GR_NONE */
	uint64_t at;		/* in nodes */
};

struct an_paths {
	struct gr_graph *g;
	struct hs_budget *budget;
	struct gr_set *from, *to;
	bool direct;
	HS_VEC(uint64_t) avoid;
	const uint32_t *depth;		/* NULL when direct */
	uint32_t *own_depth;		/* the same, when it is ours */
	struct an_ids nodes;		/* the last layer first */
	HS_VEC(uint64_t) starts;	/* of layers in nodes, and their end */
	uint64_t *ways;			/* by node */
	struct an_rank behind;		/* of a layer, while ways are counted */
	HS_VEC(struct source) sources;
	uint64_t count;
};

struct gr_graph *an_paths_graph(const struct an_paths *p)
{
	return p->g;
}

bool an_paths_from_roots(const struct an_paths *p)
{
	return !p->from;
}

uint64_t an_paths_count(const struct an_paths *p)
{
	return p->count;
}

static size_t n_layers(const struct an_paths *p)
{
	return p->starts.n - 1;
}

/* Where the layer at distance d begins and ends. */
static void layer(const struct an_paths *p, size_t d, uint64_t *from,
		  uint64_t *to)
{
	size_t k = n_layers(p) - 1 - d;

	*from = p->starts.v[k];
	*to = p->starts.v[k + 1];
}

struct gr_set *an_paths_to(const struct an_paths *p)
{
	return p->to;
}

size_t an_paths_levels(const struct an_paths *p)
{
	return n_layers(p);
}

struct hs_err *an_paths_level(const struct an_paths *p, size_t level,
			      struct gr_set **ret)
{
	uint64_t from = 0, to = 0;

	if (level < n_layers(p))
		layer(p, level, &from, &to);
	return gr_set_of(p->g, p->nodes.v + from, to - from, ret);
}

static bool is_avoided(const struct an_paths *p, uint32_t from, uint32_t to)
{
	return gr_is_avoided(p->avoid.v, p->avoid.n, from, to);
}

/* Does a path that comes to this node at distance d end there? */
static bool ends(const struct an_paths *p, size_t d, uint32_t id)
{
	return p->direct ? d == 1 : gr_set_has(p->to, id);
}

/* --- layers --------------------------------------------------------------- */

/* Targets, the farthest last. */
struct targets {
	uint32_t *v;
	uint64_t n, cap;
};

static uint32_t distance(const struct an_paths *p, uint32_t id)
{
	return p->direct ? 1 : p->depth[id] & GR_DEPTH;
}

static bool is_reached(const struct an_paths *p, uint32_t id)
{
	return p->direct || p->depth[id] != GR_NONE;
}

/* When interrupted, of some: who goes on looks, too. */
static uint32_t farthest(const struct an_paths *p, const struct hs_task *task)
{
	uint32_t id, most = 0, d;

	for (id = 0; gr_set_next(p->to, &id); id++) {
		d = is_reached(p, id) ? distance(p, id) : 0;
		most = d > most ? d : most;
		if (!(id & (STEPS - 1)) && hs_cancelled(task))
			break;
	}
	return most;
}

/* Each at the place that is counted for its distance. */
static struct hs_err *place_targets(struct an_paths *p, struct hs_task *task,
				    struct targets *t, uint32_t *count,
				    uint32_t most)
{
	uint32_t id, d, sum = 0, here;
	struct hs_err *err = NULL;

	for (id = 0; gr_set_next(p->to, &id) && !err; id++) {
		if (is_reached(p, id))
			count[distance(p, id)]++;
		err = id & (STEPS - 1) ? NULL : hs_check_cancel(task);
	}
	for (d = 0; d <= most && !err; d++) {
		here = count[d];
		count[d] = sum;
		sum += here;
	}
	for (id = 0; gr_set_next(p->to, &id) && !err; id++) {
		if (is_reached(p, id))
			t->v[count[distance(p, id)]++] = id;
		err = id & (STEPS - 1) ? NULL : hs_check_cancel(task);
	}
	t->n = sum;
	return err;
}

static struct hs_err *sort_targets(struct an_paths *p, struct hs_task *task,
				   struct targets *t)
{
	uint32_t most = farthest(p, task);
	uint64_t bytes = ((uint64_t)most + 1) * sizeof(uint32_t);
	struct hs_err *err = hs_check_cancel(task);
	void *v, *count;

	if (err)
		return err;
	t->cap = (uint64_t)gr_set_count(p->to) + 1;
	err = hs_big_alloc(task, t->cap * sizeof(*t->v), &v);
	if (err)
		return err;
	t->v = v;
	err = hs_big_alloc(task, bytes, &count);
	if (err)
		return err;
	err = place_targets(p, task, t, count, most);
	hs_big_free(task->budget, count, bytes);
	return err;
}

/* Does a shortest path go from one node to the other, by this edge? */
static bool leads(const struct an_paths *p, uint32_t from, uint32_t to)
{
	if (p->direct)
		return gr_set_has(p->from, from);
	return p->depth[from] != GR_NONE &&
	       p->depth[from] + 1 == p->depth[to] && !is_avoided(p, from, to);
}

/* Nodes of a layer: those that lead to the layer at start..end - 1. */
static struct hs_err *add_referrers(struct an_paths *p, struct hs_task *task,
				    uint64_t start, uint64_t end)
{
	struct hs_err *err = NULL;
	const uint32_t *in;
	size_t n, k;
	uint64_t i;

	for (i = start; i < end && !err; i++) {
		uint32_t id = p->nodes.v[i];

		n = gr_in(p->g, id, &in);
		for (k = 0; k < n && !err; k++) {
			if (k && in[k] == in[k - 1])
				continue;
			if (leads(p, in[k], id))
				err = an_ids_push(&p->nodes, task, in[k]);
			if (!(k & (STEPS - 1)) && !err)
				err = hs_check_cancel(task);
		}
	}
	return err;
}

static struct hs_err *gather(struct an_paths *p, struct hs_task *task,
			     struct targets *t)
{
	uint64_t d = t->n ? distance(p, t->v[t->n - 1]) : 0;
	uint64_t start = 0, end = 0;
	struct hs_err *err = NULL;

	hs_vec_push(&p->starts, 0);
	for (d++; t->n + end && d-- && !err;) {
		for (; t->n && distance(p, t->v[t->n - 1]) == d && !err;
		     t->n--)
			err = an_ids_push(&p->nodes, task, t->v[t->n - 1]);
		if (!err)
			err = add_referrers(p, task, start, end);
		an_ids_sort(&p->nodes, end, task);
		start = end;
		end = p->nodes.n;
		hs_vec_push(&p->starts, end);
		if (!err)
			err = hs_check_cancel(task);
	}
	return err;
}

static struct hs_err *make_layers(struct an_paths *p, struct hs_task *task)
{
	struct targets t = { 0 };
	struct hs_err *err = sort_targets(p, task, &t);

	if (!err)
		err = gather(p, task, &t);
	hs_big_free(task->budget, t.v, t.cap * sizeof(*t.v));
	return err;
}

/* --- counting ------------------------------------------------------------- */

/* Index of an edge's target in the layer behind d, or UINT64_MAX. */
static uint64_t follow(const struct an_paths *p, size_t d, uint32_t from,
		       uint32_t to)
{
	uint64_t start, end;

	if (d + 1 >= n_layers(p) || !leads(p, from, to))
		return UINT64_MAX;
	layer(p, d + 1, &start, &end);
	if (start == p->behind.from && end == p->behind.to)
		return an_rank_find(&p->behind, &p->nodes, to);
	return an_ids_find(&p->nodes, start, end, to);
}

static uint64_t ways_from(const struct an_paths *p, size_t d, uint32_t id)
{
	uint64_t sum = ends(p, d, id), at;
	const uint32_t *out;
	size_t n = d + 1 < n_layers(p) ? gr_out(p->g, id, &out) : 0, i;

	for (i = 0; i < n; i++) {
		at = follow(p, d, id, out[i] & GR_ID);
		if (at != UINT64_MAX)
			sum = an_add(sum, p->ways[at]);
	}
	return sum;
}

static struct hs_err *count_ways(struct an_paths *p, struct hs_task *task)
{
	struct hs_err *err;
	uint64_t i, end;
	void *ways;
	size_t k;

	err = hs_big_alloc(task, (p->nodes.n + 1) * sizeof(*p->ways), &ways);
	if (err)
		return err;
	p->ways = ways;
	for (k = 0; k < n_layers(p) && !err; k++) {
		end = p->starts.v[k + 1];
		if (k)
			err = an_rank_make(&p->behind, &p->nodes,
					   p->starts.v[k - 1], p->starts.v[k],
					   gr_n(p->g), task);
		for (i = p->starts.v[k]; i < end && !err; i++) {
			p->ways[i] = ways_from(p, n_layers(p) - 1 - k,
					       p->nodes.v[i]);
			if (!(i & 255))
				err = hs_check_cancel(task);
		}
	}
	an_rank_deinit(&p->behind, p->budget);
	return err;
}

static void add_source(struct an_paths *p, uint32_t root, uint64_t at)
{
	const struct source s = { root, at };

	hs_vec_push(&p->sources, s);
	p->count = an_add(p->count, p->ways[at]);
}

/* By number of the root; then what no root names. */
static void add_roots(struct an_paths *p, uint64_t from, uint64_t to)
{
	bool *named = hs_xcalloc(to - from + 1, 1);
	const struct gr_root *roots;
	size_t n = gr_roots(p->g, &roots), i;
	uint64_t at;

	for (i = 0; i < n; i++) {
		at = an_ids_find(&p->nodes, from, to, roots[i].id);
		if (at == UINT64_MAX ||
		    is_avoided(p, GR_ROOTS, (uint32_t)i))
			continue;
		named[at - from] = true;
		add_source(p, (uint32_t)i, at);
	}
	for (at = from; at < to; at++)
		if (!named[at - from])
			add_source(p, GR_NONE, at);
	free(named);
}

static void add_sources(struct an_paths *p)
{
	uint64_t from, to;

	if (!n_layers(p))
		return;
	layer(p, 0, &from, &to);
	if (!p->from)
		add_roots(p, from, to);
	for (; p->from && from < to; from++)
		add_source(p, GR_NONE, from);
}

static struct hs_err *run(struct an_paths *p, struct hs_task *task)
{
	struct hs_err *err = gr_need_rows(p->g, task);

	if (!err && !p->direct && !p->from && !p->avoid.n) {
		err = gr_need_depth(p->g, task, &p->depth);
	} else if (!err && !p->direct) {
		err = gr_depths(p->g, task, p->from, p->avoid.v, p->avoid.n,
				&p->own_depth);
		p->depth = p->own_depth;
	}
	if (!err)
		err = make_layers(p, task);
	if (!err)
		err = count_ways(p, task);
	if (!err)
		add_sources(p);
	return err;
}

struct hs_err *an_paths(struct gr_graph *g, const struct an_paths_of *of,
			struct hs_task *task, struct an_paths **ret)
{
	struct an_paths *p = hs_xalloc(sizeof(*p));
	struct hs_err *err;
	size_t i;

	p->g = g;
	p->budget = task->budget;
	p->from = of->from ? gr_set_ref(of->from) : NULL;
	p->to = gr_set_ref(of->to);
	p->direct = of->direct && of->from;
	for (i = 0; i < of->n_avoid; i++)
		hs_vec_push(&p->avoid, of->avoid[i]);
	err = run(p, task);
	if (err)
		an_paths_destroy(p);
	else
		*ret = p;
	return err;
}

void an_paths_destroy(struct an_paths *p)
{
	if (!p)
		return;
	if (p->own_depth)
		gr_depths_free(p->g, p->own_depth);
	hs_big_free(p->budget, p->ways, (p->nodes.n + 1) * sizeof(*p->ways));
	an_ids_deinit(&p->nodes, p->budget);
	hs_vec_deinit(&p->avoid);
	hs_vec_deinit(&p->starts);
	hs_vec_deinit(&p->sources);
	gr_set_unref(p->from);
	gr_set_unref(p->to);
	free(p);
}

/* --- one path ------------------------------------------------------------- */

/* The edge by which path *i goes on from id; *i becomes its number behind. */
static uint64_t next_hop(const struct an_paths *p, size_t d, uint32_t id,
			 uint64_t *i, struct an_hop *hop)
{
	const uint32_t *out;
	size_t n = gr_out(p->g, id, &out), k, before;
	uint64_t at;

	for (k = 0; k < n; k++) {
		at = follow(p, d, id, out[k] & GR_ID);
		if (at == UINT64_MAX)
			continue;
		if (*i >= p->ways[at]) {
			*i -= p->ways[at];
			continue;
		}
		*hop = (struct an_hop){ id, out[k] & GR_ID, 0 };
		for (before = 0; before < k; before++)
			hop->nth += (out[before] & GR_ID) == hop->to;
		return at;
	}
	return UINT64_MAX;
}

struct hs_err *an_paths_get(const struct an_paths *p, uint64_t i,
			    struct hs_task *task, struct an_path *ret)
{
	HS_VEC(struct an_hop) hops = { 0 };
	struct hs_err *err = NULL;
	struct an_hop hop;
	size_t s = 0, d;
	uint64_t at;

	if (i >= p->count)
		return hs_err_new(HS_ERR_NAME, "there are %llu paths",
				  (unsigned long long)p->count);
	for (; i >= p->ways[p->sources.v[s].at]; s++)
		i -= p->ways[p->sources.v[s].at];
	at = p->sources.v[s].at;
	ret->root = p->sources.v[s].root;
	ret->first = p->nodes.v[at];
	for (d = 0; !err; d++) {
		uint32_t id = p->nodes.v[at];

		if (ends(p, d, id) && !i--)
			break;
		at = next_hop(p, d, id, &i, &hop);
		if (at == UINT64_MAX)
			break;
		hs_vec_push(&hops, hop);
		err = hs_check_cancel(task);
	}
	if (err) {
		hs_vec_deinit(&hops);
		return err;
	}
	ret->hops = hops.v;
	ret->n = hops.n;
	return NULL;
}

/* --- the next best -------------------------------------------------------- */

struct edges {
	HS_VEC(uint64_t) v;
};

static void add_edge(struct edges *e, uint32_t from, uint32_t to)
{
	hs_vec_push(&e->v, (uint64_t)from << 32 | to);
}

/* Edges from layer d to the one behind it. */
static struct hs_err *add_layer(const struct an_paths *p, struct hs_task *task,
				size_t d, struct edges *e)
{
	struct hs_err *err = NULL;
	const uint32_t *out;
	uint64_t from, to;
	size_t n, i;

	for (layer(p, d, &from, &to); from < to && !err; from++) {
		uint32_t id = p->nodes.v[from];

		n = gr_out(p->g, id, &out);
		for (i = 0; i < n; i++)
			if (follow(p, d, id, out[i] & GR_ID) != UINT64_MAX)
				add_edge(e, id, out[i] & GR_ID);
		err = hs_check_cancel(task);
	}
	return err;
}

static struct hs_err *add_level(const struct an_paths *p, struct hs_task *task,
				int64_t level, struct edges *e)
{
	int64_t n = (int64_t)n_layers(p) - (p->from ? 1 : 0);
	size_t i;

	if (level < 0)
		level += n;
	if (level < 0 || level >= n)
		return hs_err_new(HS_ERR_USAGE,
				  "avoided: the paths have levels 0 to %lld",
				  (long long)n - 1);
	if (p->from)
		return add_layer(p, task, (size_t)level, e);
	for (i = 0; !level && i < p->sources.n; i++)
		if (p->sources.v[i].root != GR_NONE)
			add_edge(e, GR_ROOTS, p->sources.v[i].root);
	return level ? add_layer(p, task, (size_t)level - 1, e) : NULL;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct hs_err *an_paths_avoiding(const struct an_paths *p,
				 const int64_t *levels, size_t n,
				 struct hs_task *task, struct an_paths **ret)
{
	struct an_paths_of of = { .from = p->from, .to = p->to };
	struct hs_err *err = NULL;
	struct edges e = { 0 };
	size_t i;

	if (!p->count)
		return hs_err_new(HS_ERR_USAGE, "avoided: there are no paths");
	for (i = 0; i < p->avoid.n; i++)
		hs_vec_push(&e.v, p->avoid.v[i]);
	for (i = 0; i < n && !err; i++)
		err = add_level(p, task, levels[i], &e);
	if (!err) {
		if (e.v.n)
			qsort(e.v.v, e.v.n, sizeof(*e.v.v), ascending);
		of.avoid = e.v.v;
		of.n_avoid = e.v.n;
		err = an_paths(p->g, &of, task, ret);
	}
	hs_vec_deinit(&e.v);
	return err;
}
