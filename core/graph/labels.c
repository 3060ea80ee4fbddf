// SPDX-License-Identifier: Apache-2.0
// Edges with their labels. These are not stored (they would double the graph):
// they are read again, streamed as in the first pass, or asked of each source
// where sources are few.
#include "graph_priv.h"

enum {
	ASK = 512,			/* sources asked for at once */
	IDS = 1 << 14,			/* ids of one item outside windows */
	FEW = 16,			/* below 1/FEW of all: ask each */
};

struct labels {
	struct gr_graph *g;
	struct hs_task *task;
	struct gr_set *sources;
	const struct gr_edge_ops *ops;
	bool ask_all;			/* windows are not streamed */
	uint64_t n_items;
	_Atomic uint64_t next;
	_Atomic bool stop;
};

struct labeller {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct labels *l;
	unsigned thread;
	uint32_t source;		/* or GR_NONE: not wanted */
	bool outside;
	struct gr_stream read;
};

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct labeller *r = (struct labeller *)sink;
	const struct labels *l = r->l;
	uint32_t id = gr_index_id(&l->g->index, o->address);

	r->source = GR_NONE;
	if (id == GR_NONE || !gr_set_has(l->sources, id) ||
	    (!l->ask_all && hs_bit(l->g->outside, id) != r->outside))
		return;
	r->source = id;
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct labeller *r = (struct labeller *)sink;
	const struct gr_edge_ops *ops = r->l->ops;
	uint32_t target;

	if (r->source == GR_NONE || e->flags & HEAPSH_EDGE_WEAK || !e->target ||
	    e->target & 7)
		return;
	target = gr_index_id(&r->l->g->index, e->target);
	if (target != GR_NONE)
		ops->edge(ops->arg, r->thread, r->source, target, e);
}

static void on_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)addr;
	((struct labeller *)sink)->source = GR_NONE;
}

static void ask(struct labeller *r, const uint64_t *addr, uint32_t n)
{
	r->source = GR_NONE;
	r->sink.reader = r->read.reader;
	md_at(r->l->g->m, addr, n, &r->sink);
}

/* All sources, one after the other. */
static struct hs_err *ask_each(struct labeller *r)
{
	struct gr_set *sources = r->l->sources;
	struct hs_err *err = NULL;
	uint64_t addr[ASK];
	uint32_t n = 0, id;

	for (id = 0; !err && gr_set_next(sources, &id); id++) {
		addr[n++] = gr_addr(r->l->g, id);
		if (n < ASK)
			continue;
		ask(r, addr, n);
		n = 0;
		err = hs_check_cancel(r->l->task);
	}
	if (n && !err)
		ask(r, addr, n);
	return err;
}

/* Sources among ids lo to hi that are in no window. */
static void ask_outside(struct labeller *r, uint32_t lo, uint32_t hi)
{
	const struct gr_graph *g = r->l->g;
	uint64_t addr[ASK], id = hs_bits_next(g->outside, hi, lo);
	uint32_t n = 0;

	r->outside = true;
	for (; id < hi; id = hs_bits_next(g->outside, hi, id + 1)) {
		if (!gr_set_has(r->l->sources, (uint32_t)id))
			continue;
		addr[n++] = gr_addr(g, (uint32_t)id);
		if (n == ASK) {
			ask(r, addr, n);
			n = 0;
		}
	}
	if (n)
		ask(r, addr, n);
}

static void sweep_window(struct labeller *r, const struct gr_job *job)
{
	const struct gr_piece *p = r->l->g->jobs.pieces + job->first_piece;
	uint32_t i;

	r->outside = false;
	for (i = 0; i < job->n_pieces; i++, p++) {
		r->source = GR_NONE;
		gr_stream_sweep(&r->read, p, &r->sink);
	}
}

static void do_item(struct labeller *r, uint64_t i)
{
	const struct gr_graph *g = r->l->g;
	uint32_t lo;

	if (i < g->jobs.n_jobs) {
		sweep_window(r, &g->jobs.jobs[i]);
		return;
	}
	lo = (uint32_t)(i - g->jobs.n_jobs) * IDS;
	ask_outside(r, lo, g->n - lo < IDS ? g->n : lo + IDS);
}

static struct hs_err *do_items(struct labeller *r)
{
	struct labels *l = r->l;
	struct hs_err *err = NULL;
	uint64_t i;

	while (!err && !atomic_load(&l->stop)) {
		i = atomic_fetch_add(&l->next, 1);
		if (i >= l->n_items)
			break;
		err = hs_check_cancel(l->task);
		if (!err)
			do_item(r, i);
		hs_progress_add(l->task, 1);
	}
	return err;
}

static struct hs_err *label_part(void *arg, unsigned thread)
{
	struct labels *l = arg;
	struct labeller *r = hs_xalloc(sizeof(*r));
	struct hs_err *err;

	r->l = l;
	r->thread = thread;
	r->sink.size = sizeof(r->sink);
	r->sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
		       HEAPSH_WANT_LABELS;
	r->sink.object = on_object;
	r->sink.edge = on_edge;
	r->sink.nothing = on_nothing;
	err = gr_stream_init(&r->read, l->g->m, l->task);
	if (!err) {
		err = l->ask_all ? ask_each(r) : do_items(r);
		gr_stream_deinit(&r->read);
	}
	free(r);
	return err;
}

struct hs_err *gr_each_edge(struct gr_set *sources, struct hs_task *task,
			    const struct gr_edge_ops *ops)
{
	struct gr_graph *g = gr_set_graph(sources);
	struct labels l = {
		.g = g,
		.task = task,
		.sources = sources,
		.ops = ops,
		.ask_all = gr_set_count(sources) < g->n / FEW,
	};
	struct hs_err *err = gr_check_bytes(g);

	if (err)
		return err;
	l.n_items = g->jobs.n_jobs + ((uint64_t)g->n + IDS - 1) / IDS;
	hs_progress(task, "naming edges", "MiB", l.n_items);
	err = gr_parallel(l.ask_all ? 1 : g->threads, label_part, &l, &l.stop);
	hs_progress_end(task);
	return err;
}
