// SPDX-License-Identifier: Apache-2.0
// Breadth first through the model, level by level. A level is sorted, so that
// the image is read in the order of addresses, and cut into slices for the
// threads; what they find is joined by one of them between two levels.
#include "graph_priv.h"

enum {
	SLICE = 2048,		/* addresses a thread takes at once */
	ALONE = 4 * SLICE,	/* smaller levels are not worth a thread */
};

/* A thread of the walk. */
struct walker {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct gr_walk *w;
	unsigned thread;
	struct im_reader *reader;
	struct hs_err *err;
	const uint64_t *addr;		/* slice that is asked for */
	uint64_t n, at;			/* at: the next that may be answered */
	bool follow;			/* edges of the last object */
	struct gr_vec found;		/* uint64_t: of the next level */
	uint64_t refused;
};

struct gr_walk {
	struct md_model *m;
	struct hs_task *task;
	struct gr_walk_ops ops;
	unsigned threads;
	struct gr_space seen;
	struct gr_vec level, tmp;	/* uint64_t */
	struct walker walkers[GR_MAX_THREADS];
	_Atomic uint64_t next;		/* of the level, not yet taken */
	_Atomic bool stop;
};

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct walker *k = (struct walker *)sink;
	uint64_t i = k->at;

	k->follow = false;
	// Answers come in the order of the questions; some are missing.
	while (i < k->n && k->addr[i] != o->address)
		i++;
	if (k->err || i == k->n || o->type >= md_n_types(k->w->m)) {
		k->refused++;
		return;
	}
	k->at = i + 1;
	k->follow = k->w->ops.object(k->w->ops.arg, k->thread, o);
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct walker *k = (struct walker *)sink;
	uint64_t target = e->target;

	if (!k->follow || k->err || !target)
		return;
	if (!k->w->ops.edge(k->w->ops.arg, k->thread, e) || target & 7)
		return;
	// Only read here: what was marked in earlier levels.
	if (!gr_space_has(&k->w->seen, target))
		k->err = gr_vec_push(k->w->task, &k->found, &target);
}

static void on_nothing(struct heapsh_sink *sink, uint64_t addr)
{
	struct walker *k = (struct walker *)sink;

	(void)addr;
	k->follow = false;
}

static void walk_slice(struct walker *k, const uint64_t *addr, uint64_t n)
{
	k->addr = addr;
	k->n = n;
	k->at = 0;
	k->follow = false;
	k->sink.reader = k->reader;
	md_at(k->w->m, addr, (uint32_t)n, &k->sink);
	hs_progress_add(k->w->task, n);
}

static struct hs_err *walk_part(void *arg, unsigned thread)
{
	struct gr_walk *w = arg;
	struct walker *k = &w->walkers[thread];
	const uint64_t *level = w->level.v;
	struct hs_err *err = NULL;
	uint64_t i, n;

	if (!k->reader)
		err = md_reader_create(w->m, w->task->budget, &k->reader);
	while (!err && !atomic_load(&w->stop)) {
		i = atomic_fetch_add(&w->next, SLICE);
		if (i >= w->level.n)
			break;
		n = w->level.n - i < SLICE ? w->level.n - i : SLICE;
		err = hs_check_cancel(w->task);
		if (!err) {
			walk_slice(k, level + i, n);
			err = k->err;
			k->err = NULL;
		}
	}
	return err;
}

/* What the threads found becomes the next level, each address once. */
static struct hs_err *join(struct gr_walk *w)
{
	const uint64_t *found;
	struct hs_err *err = NULL;
	unsigned t;
	uint64_t i;
	bool had;

	w->level.n = 0;
	for (t = 0; t < w->threads; t++) {
		found = w->walkers[t].found.v;
		for (i = 0; i < w->walkers[t].found.n && !err; i++) {
			err = gr_walk_mark(w, found[i], &had);
			if (!err && !had)
				err = gr_walk_push(w, found[i]);
			if (!err && !(i & 0xffff))
				err = hs_check_cancel(w->task);
		}
		w->walkers[t].found.n = 0;
	}
	return err;
}

static struct hs_err *walk_level(struct gr_walk *w)
{
	struct hs_err *err;

	err = gr_vec_reserve(w->task, &w->tmp, w->level.n);
	if (err)
		return err;
	gr_sort_u64(w->level.v, w->tmp.v, w->level.n);
	atomic_store(&w->next, 0);
	atomic_store(&w->stop, false);
	err = gr_parallel(w->level.n < ALONE ? 1 : w->threads, walk_part, w,
			  &w->stop);
	return err ? err : join(w);
}

struct hs_err *gr_walk_run(struct gr_walk *w, uint64_t limit)
{
	struct hs_err *err = NULL;
	uint64_t depth;
	unsigned t;

	for (depth = 0; w->level.n && !err && depth <= limit; depth++) {
		for (t = 0; t < w->threads; t++)
			w->walkers[t].sink.want =
				HEAPSH_WANT_OBJECTS | w->ops.want |
				(depth < limit ? HEAPSH_WANT_EDGES : 0);
		err = hs_check_cancel(w->task);
		if (!err)
			err = walk_level(w);
	}
	w->level.n = 0;
	return err;
}

struct hs_err *gr_walk_mark(struct gr_walk *w, uint64_t addr, bool *had)
{
	bool dummy;

	if (addr & 7) {
		if (had)
			*had = true;
		return NULL;
	}
	return gr_space_put(&w->seen, addr, had ? had : &dummy);
}

struct hs_err *gr_walk_push(struct gr_walk *w, uint64_t addr)
{
	return gr_vec_push(w->task, &w->level, &addr);
}

uint64_t gr_walk_refused(const struct gr_walk *w)
{
	uint64_t sum = 0;
	unsigned t;

	for (t = 0; t < w->threads; t++)
		sum += w->walkers[t].refused;
	return sum;
}

struct hs_err *gr_walk_create(struct md_model *m, struct hs_task *task,
			      unsigned threads, const struct gr_walk_ops *ops,
			      struct gr_walk **ret)
{
	struct gr_walk *w = hs_xalloc(sizeof(*w));
	unsigned t;

	w->m = m;
	w->task = task;
	w->ops = *ops;
	w->threads = gr_threads(threads);
	gr_space_init(&w->seen, task, GR_SPACE_SMALL);
	w->level.item_size = w->tmp.item_size = sizeof(uint64_t);
	for (t = 0; t < w->threads; t++) {
		struct walker *k = &w->walkers[t];

		k->w = w;
		k->thread = t;
		k->found.item_size = sizeof(uint64_t);
		k->sink.size = sizeof(k->sink);
		k->sink.object = on_object;
		k->sink.edge = on_edge;
		k->sink.nothing = on_nothing;
	}
	*ret = w;
	return NULL;
}

void gr_walk_destroy(struct gr_walk *w)
{
	struct hs_budget *b;
	unsigned t;

	if (!w)
		return;
	b = w->task->budget;
	for (t = 0; t < w->threads; t++) {
		gr_vec_deinit(b, &w->walkers[t].found);
		md_reader_destroy(w->walkers[t].reader);
	}
	gr_vec_deinit(b, &w->level);
	gr_vec_deinit(b, &w->tmp);
	gr_space_deinit(&w->seen);
	free(w);
}
