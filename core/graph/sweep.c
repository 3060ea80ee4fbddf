// SPDX-License-Identifier: Apache-2.0
// The first pass: which objects lie in the claimed ranges, and what do they
// point at outside?
#include "graph_priv.h"

enum {
	SLAB_SHAPES = 1 << 20,		/* shapes that are allocated at once */
	WINDOW_SHAPES = GR_WINDOW / 8,	/* most objects of one window */
	RECENT = 1024,			/* outside targets seen last */
};

/* The sink of one thread. */
struct sweeper {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct gr_building *b;
	struct gr_find *find;
	struct gr_vec *slabs, *outside;
	struct gr_space seen;		/* outside targets already noted */
	struct gr_stream stream;
	struct hs_err *err;
	uint64_t recent[RECENT];

	uint64_t start, len;		/* of the piece */
	uint64_t next;			/* least address that is in order */
	uint64_t *words[2];		/* object bits of the window's blocks */
	uint64_t object;		/* that edges belong to, or 0 */
	uint32_t n_types;		/* known to exist */
	uint32_t *shapes, n, room;	/* of this job; room: in the slab */
	unsigned thread;
};

static void fail(struct sweeper *s, struct hs_err *err)
{
	if (s->err)
		hs_err_free(err);
	else
		s->err = err;
	s->object = 0;
}

static bool type_exists(struct sweeper *s, uint32_t type)
{
	if (HS_UNLIKELY(type >= s->n_types))
		s->n_types = md_n_types(s->b->g->m);
	return type < s->n_types;
}

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	struct sweeper *s = (struct sweeper *)sink;
	uint64_t addr = o->address;
	struct hs_err *err;

	s->object = 0;
	if (HS_UNLIKELY(addr - s->start >= s->len || addr & 7 || s->err ||
			!type_exists(s, o->type) ||
			hs_bit_test_set(s->words[addr >> GR_SPACE_BLOCK & 1],
					addr >> 3 & 0xffff))) {
		s->find->refused++;
		return;
	}
	if (HS_LIKELY(addr >= s->next)) {
		s->next = addr + 8;
		err = gr_find_shape(s->find, o, &s->shapes[s->n]);
		s->n += !err;
	} else {
		err = gr_find_late(s->find, o);
	}
	if (HS_UNLIKELY(err != NULL))
		fail(s, err);
	else
		s->object = addr;
}

static void note_outside(struct sweeper *s, uint64_t target)
{
	struct hs_err *err;
	bool had;

	err = gr_space_put(&s->seen, target, &had);
	if (!err && !had)
		err = gr_vec_push(s->b->task, s->outside, &target);
	if (err)
		fail(s, err);
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct sweeper *s = (struct sweeper *)sink;
	uint64_t target = e->target, *recent;
	struct hs_err *err;

	if (HS_UNLIKELY(!s->object || e->flags & HEAPSH_EDGE_WEAK))
		return;
	if (e->flags & HEAPSH_EDGE_TABLE) {
		err = gr_find_owner(s->find, target, s->object);
		if (err)
			fail(s, err);
	}
	// Most edges that leave the ranges go to a few objects.
	recent = &s->recent[gr_hash_u64(target) & (RECENT - 1)];
	if (*recent == target || gr_is_swept(s->b, target))
		return;
	*recent = target;
	if (HS_LIKELY(!(target & 7)))
		note_outside(s, target);
}

/* Room for the shapes of one window at the end of the newest slab. */
static struct hs_err *make_room(struct sweeper *s)
{
	struct hs_err *err;
	uint32_t *slab;

	if (s->room >= WINDOW_SHAPES)
		return NULL;
	err = gr_alloc(s->b->task, SLAB_SHAPES, sizeof(*slab), &slab);
	if (err)
		return err;
	err = gr_vec_push(s->b->task, s->slabs, &slab);
	if (err) {
		hs_big_free(s->b->task->budget, slab,
			    SLAB_SHAPES * sizeof(*slab));
		return err;
	}
	s->shapes = slab;
	s->room = SLAB_SHAPES;
	return NULL;
}

/* Blocks were made before the threads began: both are there. */
static void find_words(struct sweeper *s, uint64_t addr)
{
	uint64_t window = addr & ~(uint64_t)(GR_WINDOW - 1);
	uint32_t block;
	unsigned i;

	for (i = 0; i < 2; i++) {
		block = gr_space_find(&s->b->space,
				      window + (uint64_t)i * (GR_WINDOW / 2));
		s->words[i] = block == GR_NONE ?
				      NULL :
				      gr_space_words(&s->b->space, block);
	}
}

static struct hs_err *sweep_job(struct sweeper *s, uint64_t number)
{
	const struct gr_jobs *jobs = &s->b->g->jobs;
	const struct gr_job *job = &jobs->jobs[number];
	const struct gr_piece *p = jobs->pieces + job->first_piece;
	struct hs_err *err = make_room(s);
	uint32_t i;

	if (err)
		return err;
	find_words(s, p->start);
	s->n = 0;
	s->next = 0;
	for (i = 0; i < job->n_pieces && !s->err; i++, p++) {
		s->start = p->start;
		s->len = p->len;
		s->object = 0;
		gr_stream_sweep(&s->stream, p, &s->sink);
	}
	s->b->runs[number] = (struct gr_run){ s->shapes, s->n, s->thread };
	s->shapes += s->n;
	s->room -= s->n;
	err = s->err;
	s->err = NULL;
	return err;
}

static struct hs_err *sweep_jobs(struct sweeper *s)
{
	struct gr_building *b = s->b;
	struct hs_err *err = NULL;
	uint64_t i;

	while (!err && !atomic_load(&b->stop)) {
		i = atomic_fetch_add(&b->next_job, 1);
		if (i >= b->g->jobs.n_jobs)
			break;
		err = hs_check_cancel(b->task);
		if (!err)
			err = sweep_job(s, i);
		hs_progress_add(b->task, 1);
	}
	return err;
}

static struct hs_err *sweep_part(void *arg, unsigned thread)
{
	struct gr_building *b = arg;
	struct sweeper *s = hs_xalloc(sizeof(*s));
	struct hs_err *err;

	s->b = b;
	s->thread = thread;
	s->find = &b->find[thread];
	s->slabs = &b->slabs[thread];
	s->outside = &b->outside[thread];
	s->sink.size = sizeof(s->sink);
	s->sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
		       HEAPSH_WANT_SIZES | HEAPSH_WANT_FRONTIER;
	s->sink.object = on_object;
	s->sink.edge = on_edge;
	gr_space_init(&s->seen, b->task, GR_SPACE_SMALL);
	err = gr_stream_init(&s->stream, b->g->m, b->task);
	if (!err) {
		err = sweep_jobs(s);
		b->unread[thread] = s->stream.unread;
		gr_stream_deinit(&s->stream);
	}
	gr_space_deinit(&s->seen);
	free(s);
	return err;
}

static void mark_pages(uint64_t (*swept)[2], const struct gr_space *space,
		       uint64_t start, uint64_t end)
{
	uint64_t addr;
	unsigned page;

	start = hs_align_up(start, 4096);
	for (addr = start; addr + 4096 <= end; addr += 4096) {
		page = addr >> 12 & 127;
		swept[gr_space_find(space, addr)][page >> 6] |=
			UINT64_C(1) << (page & 63);
	}
}

/* Make the blocks of all pieces and note which whole pages they cover. */
static struct hs_err *prepare(struct gr_building *b)
{
	const struct gr_jobs *j = &b->g->jobs;
	struct hs_err *err = NULL;
	uint64_t i, at, end;
	uint32_t block;

	for (i = 0; i < j->n_pieces && !err; i++) {
		end = j->pieces[i].start + j->pieces[i].len;
		for (at = j->pieces[i].start; at < end && !err;
		     at = (at | (GR_WINDOW / 2 - 1)) + 1)
			err = gr_space_block(&b->space, at, &block);
	}
	if (!err)
		err = gr_alloc(b->task, b->space.n_blocks, sizeof(*b->swept),
			       &b->swept);
	if (!err)
		err = gr_alloc(b->task, j->n_jobs, sizeof(*b->runs), &b->runs);
	if (err)
		return err;
	b->n_swept = b->space.n_blocks;
	for (i = 0; i < j->n_pieces; i++)
		mark_pages(b->swept, &b->space, j->pieces[i].start,
			   j->pieces[i].start + j->pieces[i].len);
	return NULL;
}

struct hs_err *gr_sweep(struct gr_building *b)
{
	struct gr_graph *g = b->g;
	struct hs_err *err;
	unsigned i;

	err = prepare(b);
	if (err)
		return err;
	hs_progress(b->task, "sweeping heap", "MiB", g->jobs.n_jobs);
	if (g->jobs.n_jobs)
		err = gr_parallel(g->threads, sweep_part, b, &b->stop);
	hs_progress_end(b->task);
	for (i = 0; i < GR_MAX_THREADS; i++)
		g->quality.unread_bytes += b->unread[i];
	return err;
}

void gr_sweep_free(struct gr_building *b)
{
	struct hs_budget *budget = b->task->budget;
	uint32_t **slabs;
	unsigned t;
	uint64_t i;

	for (t = 0; t < GR_MAX_THREADS; t++) {
		slabs = b->slabs[t].v;
		for (i = 0; i < b->slabs[t].n; i++)
			hs_big_free(budget, slabs[i],
				    SLAB_SHAPES * sizeof(**slabs));
		gr_vec_deinit(budget, &b->slabs[t]);
	}
	hs_big_free(budget, b->runs, b->g->jobs.n_jobs * sizeof(*b->runs));
	b->runs = NULL;
}
