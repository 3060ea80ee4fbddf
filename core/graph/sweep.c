// SPDX-License-Identifier: Apache-2.0
// The first pass: which objects lie in the claimed ranges, and what do they
// point at outside?
#include "words_priv.h"

enum {
	SLAB_BYTES = 4 << 20,		/* for shapes, allocated at once */
	WINDOW_SHAPES = GR_WINDOW / 8,	/* most objects of one window */
	RECENT = 1024,			/* outside targets seen last */
};

/* The sink of one thread. */
struct sweeper {
	struct heapsh_sink sink;	/* first: the plugin gives it back */
	struct gr_building *b;
	struct gr_find *find;
	struct gr_vec *outside, *slabs;
	struct gr_space seen;		/* outside targets already noted */
	struct gr_stream stream;
	struct gr_words elsewhere;	/* words of objects */
	struct hs_err *err;
	uint64_t recent[RECENT];

	uint64_t start, len;		/* of the piece */
	uint64_t next;			/* least address that is in order */
	uint64_t *words[2];		/* object bits of the window's blocks */
	uint64_t own[2][GR_BLOCK_WORDS];	/* those, of totals */
	uint64_t object;		/* that edges belong to, or 0 */
	uint32_t n_types;		/* known to exist */
	struct gr_run run;		/* of this job */
	char *room;			/* in the newest slab… */
	uint64_t n_room;		/* … bytes */
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

/* The shapes of one window, at the end of the newest slab. */
static struct hs_err *open_run(struct sweeper *s, bool wide)
{
	uint64_t need = WINDOW_SHAPES * (wide ? sizeof(uint32_t) :
						sizeof(uint16_t));
	struct gr_slab slab = { .bytes = SLAB_BYTES };
	struct hs_err *err;

	s->run = (struct gr_run){ .map = (uint8_t)s->thread, .wide = wide };
	if (s->n_room < need) {
		err = gr_alloc(s->b->task, slab.bytes, 1, &slab.v);
		if (err)
			return err;
		err = gr_vec_push(s->b->task, s->slabs, &slab);
		if (err) {
			hs_big_free(s->b->task->budget, slab.v, slab.bytes);
			return err;
		}
		s->room = slab.v;
		s->n_room = slab.bytes;
	}
	s->run.v = s->room;
	return NULL;
}

/* More shapes than two bytes can tell: the job's begin anew, in four. */
static struct hs_err *widen(struct sweeper *s)
{
	const struct gr_run old = s->run;
	const uint16_t *from = old.v;
	struct hs_err *err;
	uint32_t i;

	s->n_room = 0;	// what is there already must not be overwritten
	err = open_run(s, true);
	for (i = 0; i < old.n && !err; i++)
		gr_run_add(&s->run, from[i]);
	return err;
}

static void close_run(struct sweeper *s)
{
	uint64_t used = s->run.n * (s->run.wide ? sizeof(uint32_t) :
						  sizeof(uint16_t));

	used = hs_align_up(used, sizeof(uint32_t));
	s->room += used;
	s->n_room -= used;
}

static struct hs_err *add(struct sweeper *s, const struct heapsh_object *o)
{
	struct hs_err *err;
	uint32_t shape;

	err = gr_find_shape(s->find, o, &shape);
	if (HS_UNLIKELY(s->b->totals))
		return err;
	if (HS_UNLIKELY(!err && shape >= GR_NARROW && !s->run.wide))
		err = widen(s);
	if (HS_LIKELY(!err))
		gr_run_add(&s->run, shape);
	return err;
}

/* False: it is none, or an error. */
static inline bool take_object(struct sweeper *s,
			       const struct heapsh_object *o)
{
	uint64_t addr = o->address;
	struct hs_err *err;

	if (HS_UNLIKELY(addr - s->start >= s->len || addr & 7 || s->err ||
			!type_exists(s, o->type) ||
			hs_bit_test_set(s->words[addr >> GR_SPACE_BLOCK & 1],
					addr >> 3 & 0xffff))) {
		s->find->refused++;
		return false;
	}
	if (HS_LIKELY(addr >= s->next)) {
		s->next = addr + 8;
		err = add(s, o);
	} else {
		err = gr_find_late(s->find, o);
	}
	if (HS_UNLIKELY(err != NULL))
		fail(s, err);
	return !err;
}

static void on_objects(struct heapsh_sink *sink, const struct heapsh_object *o,
		       uint32_t n)
{
	struct sweeper *s = (struct sweeper *)sink;
	uint32_t i;

	s->object = 0;
	for (i = 0; i < n; i++)
		s->object = take_object(s, &o[i]) ? o[i].address : 0;
}

static void on_object(struct heapsh_sink *sink, const struct heapsh_object *o)
{
	on_objects(sink, o, 1);
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

/* Most edges that leave the ranges go to a few objects. */
static inline void see_target(struct sweeper *s, uint64_t target)
{
	uint64_t *recent = &s->recent[gr_hash_u64(target) & (RECENT - 1)];

	if (*recent == target || gr_is_swept(s->b, target))
		return;
	*recent = target;
	if (HS_LIKELY(!(target & 7)))
		note_outside(s, target);
}

static void on_word(void *arg, uint64_t word)
{
	see_target(arg, word);
}

static void on_words(struct heapsh_sink *sink, uint64_t addr, uint64_t n)
{
	struct sweeper *s = (struct sweeper *)sink;
	struct hs_err *err;

	if (HS_UNLIKELY(s->err != NULL))
		return;
	err = gr_words_take(&s->elsewhere, addr, n);
	if (err)
		fail(s, err);
}

static void on_edge(struct heapsh_sink *sink, const struct heapsh_edge *e)
{
	struct sweeper *s = (struct sweeper *)sink;
	struct hs_err *err;

	if (HS_UNLIKELY(!s->object || e->flags & HEAPSH_EDGE_WEAK))
		return;
	if (e->flags & HEAPSH_EDGE_TABLE) {
		err = gr_find_owner(s->find, e->target, s->object);
		if (err)
			fail(s, err);
	}
	see_target(s, e->target);
}

/* Blocks were made before the threads began: both are there. */
static void find_words(struct sweeper *s, uint64_t addr)
{
	uint64_t window = addr & ~(uint64_t)(GR_WINDOW - 1);
	uint32_t block;
	unsigned i;

	if (s->b->totals)
		memset(s->own, 0, sizeof(s->own));
	for (i = 0; i < 2; i++) {
		if (s->b->totals) {
			s->words[i] = s->own[i];
			continue;
		}
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
	struct hs_err *err = NULL;
	uint32_t i;

	if (!s->b->totals)
		err = open_run(s, s->find->shapes.all.n >= GR_NARROW);
	if (err)
		return err;
	find_words(s, p->start);
	s->next = 0;
	for (i = 0; i < job->n_pieces && !s->err; i++, p++) {
		s->start = p->start;
		s->len = p->len;
		s->object = 0;
		gr_stream_sweep(&s->stream, p, &s->sink);
	}
	if (!s->b->totals) {
		s->b->runs[number] = s->run;
		close_run(s);
	}
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

/* All windows, and what lay elsewhere than they did. */
static struct hs_err *sweep_all(struct sweeper *s)
{
	struct hs_err *err;

	gr_words_init(&s->elsewhere, s->b->task, s->stream.reader, on_word, s);
	err = sweep_jobs(s);
	if (!err)
		err = gr_words_rest(&s->elsewhere);
	gr_words_deinit(&s->elsewhere);
	if (!err)
		err = gr_find_seal(s->find);
	if (!err)
		err = s->err;
	else
		hs_err_free(s->err);
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
	s->slabs = &b->g->nodes.slabs[thread];
	s->outside = &b->outside[thread];
	s->sink.size = sizeof(s->sink);
	s->sink.want = HEAPSH_WANT_OBJECTS | HEAPSH_WANT_EDGES |
		       HEAPSH_WANT_SIZES | HEAPSH_WANT_FRONTIER;
	s->sink.object = on_object;
	s->sink.objects = on_objects;
	s->sink.edge = on_edge;
	s->sink.words = on_words;
	gr_space_init(&s->seen, b->task, GR_SPACE_SMALL);
	err = gr_stream_init(&s->stream, b->g->m, b->task);
	if (!err) {
		err = sweep_all(s);
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

	err = b->totals ? NULL : prepare(b);
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
	hs_big_free(b->task->budget, b->runs,
		    b->g->jobs.n_jobs * sizeof(*b->runs));
	b->runs = NULL;
}
