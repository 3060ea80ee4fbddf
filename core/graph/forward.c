// SPDX-License-Identifier: Apache-2.0
// The second pass: the same windows again, and what lies outside of them; now
// targets have ids. Each thread writes targets one after another into slabs of
// its own; when all degrees are known they are copied to where they belong.
#include "forward_priv.h"

enum {
	BATCH = 1024,			/* targets that are looked up at once */
	ASK = 512,			/* objects outside asked for at once */
	IDS = 1 << 14,			/* ids of one item outside */
};

/*
 * Batched words: the address of a target, with bit 0 set when it is context;
 * or MARK and an id, shifted by 3: the targets that follow are this node's.
 */
enum { CONTEXT = 1, MARK = 2 };

struct rower {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct gr_forward *f;
	struct gr_graph *g;
	struct gr_targets *stream;
	struct gr_stream read;
	struct hs_err *err;
	uint32_t *slab;			/* of the stream: the last one */

	uint64_t start, len;		/* addresses that are accepted */
	uint32_t lo, hi;		/* ids that are */
	uint32_t next;			/* least id that is in order */
	bool outside, skip;
	uint32_t id;			/* whose targets are being placed */
	uint64_t degree;

	unsigned n;
	uint64_t batch[BATCH], cell[BATCH];
};

static void fail(struct rower *r, struct hs_err *err)
{
	if (r->err)
		hs_err_free(err);
	else
		r->err = err;
	r->skip = true;
}

static bool next_slab(struct rower *r)
{
	struct hs_err *err;
	uint32_t *slab;

	err = gr_alloc(r->f->task, GR_SLAB, sizeof(*slab), &slab);
	if (!err) {
		err = gr_vec_push(r->f->task, &r->stream->slabs, &slab);
		if (err)
			hs_big_free(r->f->task->budget, slab,
				    GR_SLAB * sizeof(*slab));
	}
	if (err)
		fail(r, err);
	else
		r->slab = slab;
	return !err;
}

static void end_node(struct rower *r)
{
	if (r->id == GR_NONE)
		return;
	if (r->degree > UINT32_MAX)
		fail(r, hs_err_new(HS_ERR_UNSUPPORTED,
				   "make rows: an object with %llu edges",
				   (unsigned long long)r->degree));
	else
		r->g->out.off[r->id] = (uint32_t)r->degree;
	r->id = GR_NONE;
	r->degree = 0;
}

static void place(struct rower *r, uint32_t target)
{
	unsigned at = r->stream->n & (GR_SLAB - 1);

	if (HS_UNLIKELY(!at) && !next_slab(r))
		return;
	r->slab[at] = target;
	r->stream->n++;
	r->degree++;
}

/* Look all up: first fetch what the look-ups will read. */
static void flush(struct rower *r)
{
	const struct gr_index *x = &r->g->index;
	unsigned i;
	uint64_t w;

	for (i = 0; i < r->n; i++) {
		w = r->batch[i];
		r->cell[i] = w & MARK ? UINT64_MAX : gr_index_cell(x, w);
		if (r->cell[i] == UINT64_MAX)
			continue;
		__builtin_prefetch(gr_index_word(x, r->cell[i]));
		__builtin_prefetch(&x->rank[r->cell[i]]);
	}
	for (i = 0; i < r->n && !r->err; i++) {
		uint32_t id = GR_NONE;

		w = r->batch[i];
		if (w & MARK) {
			end_node(r);
			r->id = (uint32_t)(w >> 3);
			continue;
		}
		if (r->cell[i] != UINT64_MAX)
			id = gr_index_at(x, r->cell[i], w & ~(uint64_t)7);
		if (id == GR_NONE)
			r->stream->dangling++;
		else
			place(r, id | (w & CONTEXT ? GR_CONTEXT : 0));
	}
	r->n = 0;
}

static void put(struct rower *r, uint64_t word)
{
	r->batch[r->n++] = word;
	if (HS_UNLIKELY(r->n == BATCH))
		flush(r);
}

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct rower *r = (struct rower *)sink;
	uint32_t id;

	r->skip = true;
	if (o->address - r->start >= r->len || r->err)
		return;
	id = gr_index_id(&r->g->index, o->address);
	// A live image may have changed since the first pass: what was not
	// there then, or is told of twice, has no edges now.
	if (id == GR_NONE || id < r->next || id < r->lo || id >= r->hi ||
	    hs_bit(r->g->outside, id) != r->outside)
		return;
	r->next = id + 1;
	r->g->refcount[id] = o->refcount < UINT32_MAX ?
				     (uint32_t)o->refcount :
				     UINT32_MAX;
	r->skip = false;
	put(r, (uint64_t)id << 3 | MARK);
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct rower *r = (struct rower *)sink;

	if (HS_UNLIKELY(r->skip || e->flags & HEAPSH_EDGE_WEAK || !e->target))
		return;
	if (HS_UNLIKELY(e->target & 7)) {
		r->stream->dangling++;
		return;
	}
	put(r, e->target | (e->flags & HEAPSH_EDGE_CONTEXT ? CONTEXT : 0));
}

static void on_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	(void)addr;
	((struct rower *)sink)->skip = true;
}

static void read_window(struct rower *r, const struct gr_job *job)
{
	const struct gr_piece *p = r->g->jobs.pieces + job->first_piece;
	uint32_t i;

	r->outside = false;
	for (i = 0; i < job->n_pieces && !r->err; i++, p++) {
		r->start = p->start;
		r->len = p->len;
		r->skip = true;
		gr_stream_sweep(&r->read, p, &r->sink);
	}
}

static void read_outside(struct rower *r)
{
	uint64_t ask[ASK], id = hs_bits_next(r->g->outside, r->hi, r->lo);
	uint32_t n = 0;

	r->outside = true;
	r->start = 0;
	r->len = UINT64_MAX;
	r->sink.reader = r->read.reader;
	while (id < r->hi && !r->err) {
		ask[n++] = gr_addr(r->g, (uint32_t)id);
		id = hs_bits_next(r->g->outside, r->hi, id + 1);
		if (n < ASK && id < r->hi)
			continue;
		r->skip = true;
		md_at(r->g->m, ask, n, &r->sink);
		n = 0;
	}
}

static struct hs_err *do_item(struct rower *r, uint64_t number)
{
	struct gr_item *item = &r->f->items[number];
	struct hs_err *err;

	item->start = r->stream->n;
	item->thread = (unsigned)(r->stream - r->f->streams);
	r->lo = item->lo;
	r->hi = item->hi;
	r->next = 0;
	if (number < r->g->jobs.n_jobs)
		read_window(r, &r->g->jobs.jobs[number]);
	else
		read_outside(r);
	flush(r);
	end_node(r);
	err = r->err;
	r->err = NULL;
	return err;
}

static struct hs_err *do_items(struct rower *r)
{
	struct gr_forward *f = r->f;
	struct hs_err *err = NULL;
	uint64_t i;

	while (!err && !atomic_load(&f->stop)) {
		i = atomic_fetch_add(&f->next, 1);
		if (i >= f->n_items)
			break;
		err = hs_check_cancel(f->task);
		if (!err)
			err = do_item(r, i);
		hs_progress_add(f->task, 1);
	}
	return err;
}

static struct hs_err *forward_part(void *arg, unsigned thread)
{
	struct gr_forward *f = arg;
	struct rower *r = hs_xalloc(sizeof(*r));
	struct hs_err *err;

	r->f = f;
	r->g = f->g;
	r->stream = &f->streams[thread];
	r->id = GR_NONE;
	r->sink.size = sizeof(r->sink);
	r->sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES;
	r->sink.object = on_object;
	r->sink.edge = on_edge;
	r->sink.nothing = on_nothing;
	err = gr_stream_init(&r->read, f->g->m, f->task);
	if (!err) {
		err = do_items(r);
		gr_stream_deinit(&r->read);
	}
	free(r);
	return err;
}

static struct hs_err *make_items(struct gr_forward *f)
{
	const struct gr_graph *g = f->g;
	uint64_t ids = (uint64_t)g->n + IDS - 1, i;
	struct hs_err *err;

	f->n_items = g->jobs.n_jobs + ids / IDS;
	err = gr_alloc(f->task, f->n_items, sizeof(*f->items), &f->items);
	for (i = 0; i < f->n_items && !err; i++) {
		const struct gr_piece *p, *last;
		struct gr_item *item = &f->items[i];

		if (i >= g->jobs.n_jobs) {
			item->lo = (uint32_t)(i - g->jobs.n_jobs) * IDS;
			item->hi = g->n - item->lo < IDS ? g->n :
							   item->lo + IDS;
			continue;
		}
		p = &g->jobs.pieces[g->jobs.jobs[i].first_piece];
		last = p + g->jobs.jobs[i].n_pieces - 1;
		item->lo = gr_index_rank(&g->index, p->start);
		item->hi = gr_index_rank(&g->index, last->start + last->len);
	}
	return err;
}

static struct hs_err *alloc_rows(struct gr_graph *g, struct hs_task *task)
{
	struct hs_err *err;

	err = gr_rows_init(&g->out, task, g->n);
	if (!err)
		err = gr_alloc(task, g->n, sizeof(*g->refcount), &g->refcount);
	return err;
}

static struct hs_err *run(struct gr_forward *f)
{
	struct gr_graph *g = f->g;
	struct hs_err *err;

	err = make_items(f);
	if (!err)
		err = alloc_rows(g, f->task);
	if (err)
		return err;
	hs_progress(f->task, "reading edges", "MiB", f->n_items);
	err = gr_parallel(g->threads, forward_part, f, &f->stop);
	if (!err)
		err = gr_rows_place(&g->out, f->task);
	if (err)
		return err;
	return gr_place(f);
}

struct hs_err *gr_forward(struct gr_graph *g, struct hs_task *task)
{
	struct gr_forward f = { .g = g, .task = task };
	struct hs_err *err;
	unsigned t;

	for (t = 0; t < GR_MAX_THREADS; t++)
		f.streams[t].slabs.item_size = sizeof(uint32_t *);
	err = run(&f);
	hs_progress_end(task);
	g->quality.dangling = 0;
	for (t = 0; t < GR_MAX_THREADS; t++) {
		g->quality.dangling += f.streams[t].dangling;
		gr_targets_deinit(&f.streams[t], task->budget);
	}
	hs_big_free(task->budget, f.items, f.n_items * sizeof(*f.items));
	return err;
}
