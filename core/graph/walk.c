// SPDX-License-Identifier: Apache-2.0
// Level by level through the model. A level is sorted and cut into slices for
// the threads; what they find is joined by one of them between two levels.
//
// Where the number of levels does not matter, a thread that is given addresses
// of a window goes on to what these refer to there, since most of what belongs
// together was made together:
//
//	level   | . .. .   |  ... .. .  | .  .     |	windows, a thread each
//	            |  ^        |
//	            +--+        +--------> next level	within; to elsewhere
//
// So the image is read a window at a time, and few times. What one thread alone
// marks (gr_window) and all marks (seen) are joined between two levels, too.
#include "window_priv.h"

enum {
	SLICE = 2048,		/* addresses a thread takes at once */
	ALONE = 4 * SLICE,	/* smaller levels are not worth a thread */
	/*
	 * Fewer addresses are asked for together with those of other windows:
	 * a call of at() costs as much as some of them.
	 */
	FEW = 16,
	/*
	 * From so many pages on a window is read as a whole: that takes as
	 * long as to read some pages at so many places of it.
	 */
	MANY = 32,
	RECENT = 1024,		/* targets that a thread remembers */
};

/* A thread of the walk. */
struct walker {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct gr_walk *w;
	unsigned thread;
	struct gr_stream stream;
	struct hs_err *err;
	const uint64_t *addr;		/* slice that is asked for */
	uint64_t n, at;			/* at: the next that may be answered */
	bool follow;			/* edges of the last object */
	struct gr_vec found;		/* uint64_t: of the next level */
	struct gr_vec changed;		/* struct gr_marks */
	uint64_t refused;
	uint64_t recent[RECENT];	/* found, or seen before */
	struct gr_window window;
	uint64_t batch[SLICE];
};

struct gr_walk {
	struct md_model *m;
	struct hs_task *task;
	struct gr_walk_ops ops;
	unsigned threads;
	bool levels;			/* their number matters */
	struct gr_space seen;
	struct gr_vec level, tmp;	/* uint64_t */
	struct walker *walkers;		/* threads of them */
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
	uint64_t target = e->target, *recent;

	if (!k->follow || k->err || !target)
		return;
	if (!k->w->ops.edge(k->w->ops.arg, k->thread, e) || target & 7)
		return;
	if (gr_window_has(&k->window, target)) {
		gr_window_meet(&k->window, target);
		return;
	}
	recent = &k->recent[gr_hash_u64(target) & (RECENT - 1)];
	if (*recent == target)
		return;
	*recent = target;
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

static struct hs_err *ask(struct walker *k, const uint64_t *addr, uint64_t n)
{
	struct hs_err *err;

	k->addr = addr;
	k->n = n;
	k->at = 0;
	k->follow = false;
	md_at(k->w->m, addr, (uint32_t)n, &k->sink);
	hs_progress_add(k->w->task, n);
	err = k->err;
	k->err = NULL;
	// Interrupted, at() has left out the rest.
	return err ? err : hs_check_cancel(k->w->task);
}

static struct hs_err *ask_all(struct walker *k, const uint64_t *addr,
			      uint64_t n)
{
	struct hs_err *err = NULL;
	uint64_t i;

	for (i = 0; i < n && !err; i += SLICE)
		err = ask(k, addr + i, n - i < SLICE ? n - i : SLICE);
	return err;
}

/* These, all of one window, and what they lead to in it. */
static struct hs_err *walk_window(struct walker *k, const uint64_t *addr,
				  uint64_t n)
{
	struct gr_window *x = &k->window;
	struct hs_err *err = NULL, *later;
	bool read = false;
	uint64_t i;

	gr_window_open(x, &k->w->seen, addr[0]);
	for (i = 0; i < n && !err; i++) {
		if (addr[i] & 7)	// what a user may have named
			err = ask(k, &addr[i], 1);
		else
			gr_window_want(x, addr[i]);
	}
	while (!err && (n = gr_window_take(x, k->batch, SLICE))) {
		if (!read && gr_window_pages(x) >= MANY) {
			read = true;
			gr_stream_lend(&k->stream, x->start);
		}
		err = ask(k, k->batch, n);
	}
	gr_stream_return(&k->stream);
	later = gr_window_close(x, k->w->task, &k->changed);
	if (!err)
		return later;
	hs_err_free(later);
	return err;
}

static bool same_window(uint64_t a, uint64_t b)
{
	return a >> GR_WINDOW_SHIFT == b >> GR_WINDOW_SHIFT;
}

/* Where the window of the address before i ends. */
static uint64_t window_end(const struct gr_walk *w, uint64_t i)
{
	const uint64_t *level = w->level.v;
	uint64_t last;

	if (!i || i >= w->level.n)
		return i < w->level.n ? i : w->level.n;
	for (last = level[i - 1]; i < w->level.n; i++)
		if (!same_window(level[i], last))
			break;
	return i;
}

/* Few addresses of a window go with those beside them. */
static struct hs_err *walk_slice(struct walker *k, uint64_t from, uint64_t to)
{
	const uint64_t *level = k->w->level.v;
	uint64_t i = from, end;
	struct hs_err *err = NULL;

	for (; i < to && !err && !k->w->levels; i = end) {
		end = window_end(k->w, i + 1);
		if (end - i < FEW && k->w->level.n >= FEW)
			continue;
		err = ask_all(k, level + from, i - from);
		if (!err)
			err = walk_window(k, level + i, end - i);
		from = end;
	}
	return err ? err : ask_all(k, level + from, to - from);
}

static struct hs_err *walk_part(void *arg, unsigned thread)
{
	struct gr_walk *w = arg;
	struct walker *k = &w->walkers[thread];
	struct hs_err *err = NULL;
	uint64_t i;

	if (!k->stream.buf)
		err = gr_stream_init(&k->stream, w->m, w->task);
	k->sink.reader = k->stream.reader;
	while (!err && !atomic_load(&w->stop)) {
		i = atomic_fetch_add(&w->next, SLICE);
		if (i >= w->level.n)
			break;
		// A window is one thread's.
		err = walk_slice(k, window_end(w, i),
				 window_end(w, i + SLICE));
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
	for (t = 0; t < w->threads && !err; t++)
		err = gr_window_keep(&w->seen, &w->walkers[t].changed);
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

	w->levels = limit != UINT64_MAX;
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
	w->walkers = hs_xcalloc(w->threads, sizeof(*w->walkers));
	gr_space_init(&w->seen, task, GR_SPACE_SMALL);
	w->level.item_size = w->tmp.item_size = sizeof(uint64_t);
	for (t = 0; t < w->threads; t++) {
		struct walker *k = &w->walkers[t];

		k->w = w;
		k->thread = t;
		k->found.item_size = sizeof(uint64_t);
		k->changed.item_size = sizeof(struct gr_marks);
		k->window.start = GR_NO_WINDOW;
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
		gr_vec_deinit(b, &w->walkers[t].changed);
		gr_stream_deinit(&w->walkers[t].stream);
	}
	gr_vec_deinit(b, &w->level);
	gr_vec_deinit(b, &w->tmp);
	gr_space_deinit(&w->seen);
	free(w->walkers);
	free(w);
}
