// SPDX-License-Identifier: Apache-2.0
// Notes that are made in any order and read once, in order.
#include "notes_priv.h"

enum {
	/* The notes, then what is sorted, and as much to sort in. */
	SCRATCH = GR_NOTES * (sizeof(struct gr_note) + 2 * sizeof(uint64_t)),
	NOTE_MAX = 2 * GR_VARINT_MAX,	/* bytes of one in a run */
	UNIT = 3,			/* eight bytes */
};

struct gr_notes *gr_notes_create(struct hs_task *task)
{
	struct gr_notes *n = hs_xalloc(sizeof(*n));

	n->task = task;
	n->chunks.item_size = sizeof(struct gr_chunk);
	n->runs.item_size = sizeof(struct gr_noted);
	return n;
}

static void free_chunk(struct gr_notes *n, struct gr_chunk *c)
{
	hs_big_free(n->task->budget, c->v, GR_NOTES_CHUNK);
	c->v = NULL;
}

static void free_scratch(struct gr_notes *n)
{
	hs_big_free(n->task->budget, n->recent, SCRATCH);
	n->recent = NULL;
	n->n_recent = 0;
}

void gr_notes_destroy(struct gr_notes *n)
{
	uint64_t i;

	if (!n)
		return;
	for (i = 0; i < n->chunks.n; i++)
		free_chunk(n, (struct gr_chunk *)n->chunks.v + i);
	free_scratch(n);
	gr_vec_deinit(n->task->budget, &n->chunks);
	gr_vec_deinit(n->task->budget, &n->runs);
	free(n);
}

/* --- making runs --------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct gr_note *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/*
 * *ret: the order of the recent notes, their numbers in the low bits. Keys are
 * sorted as what they are above the least: tables lie near each other, and a
 * number beside the key is half of what moving the notes would be.
 */
static void sort_recent(struct gr_notes *n, uint64_t **ret)
{
	uint64_t *order = (uint64_t *)(n->recent + GR_NOTES);
	uint64_t least = UINT64_MAX, most = 0, key;
	uint32_t i;

	for (i = 0; i < n->n_recent; i++) {
		key = n->recent[i].key;
		least = key < least ? key : least;
		most = key > most ? key : most;
	}
	*ret = order;
	if ((most - least) >> (64 - GR_NOTES_SHIFT)) {
		qsort(n->recent, n->n_recent, sizeof(*n->recent), by_key);
		for (i = 0; i < n->n_recent; i++)
			order[i] = i;
		return;
	}
	for (i = 0; i < n->n_recent; i++)
		order[i] = (n->recent[i].key - least) << GR_NOTES_SHIFT | i;
	gr_sort_above(order, order + GR_NOTES, n->n_recent, GR_NOTES_SHIFT);
}

/* *ret: the last chunk, with room for a note; *fresh: it is a new one. */
static struct hs_err *chunk_with_room(struct gr_notes *n,
				      struct gr_chunk **ret, bool *fresh)
{
	struct gr_chunk *last = n->chunks.v, c = { .used = 0 };
	struct hs_err *err;

	*fresh = !n->chunks.n ||
		 last[n->chunks.n - 1].used > GR_NOTES_CHUNK - NOTE_MAX;
	if (*fresh) {
		err = gr_alloc(n->task, GR_NOTES_CHUNK, 1, &c.v);
		if (!err)
			err = gr_vec_push(n->task, &n->chunks, &c);
		if (err) {
			free_chunk(n, &c);
			return err;
		}
		last = n->chunks.v;
	}
	*ret = last + n->chunks.n - 1;
	return NULL;
}

static struct hs_err *begin_run(struct gr_notes *n, struct gr_chunk **ret)
{
	struct gr_noted run = { .n = n->n_recent };
	struct hs_err *err;
	bool fresh;

	err = chunk_with_room(n, ret, &fresh);
	if (err)
		return err;
	run.chunk = (uint32_t)n->chunks.n - 1;
	run.at = (*ret)->used;
	err = gr_vec_push(n->task, &n->runs, &run);
	if (!err)
		(*ret)->left++;
	return err;
}

static struct hs_err *flush(struct gr_notes *n)
{
	struct gr_note last = { 0 };
	const struct gr_note *next;
	struct gr_chunk *c;
	struct hs_err *err;
	uint64_t *order;
	bool fresh;
	uint32_t i;

	if (!n->n_recent)
		return NULL;
	sort_recent(n, &order);
	err = begin_run(n, &c);
	for (i = 0; i < n->n_recent && !err; i++) {
		next = &n->recent[order[i] & (GR_NOTES - 1)];
		if (c->used > GR_NOTES_CHUNK - NOTE_MAX) {
			err = chunk_with_room(n, &c, &fresh);
			if (err)
				break;
			c->left++;
		}
		c->used += gr_varint_put(c->v + c->used, next->key - last.key);
		c->used += gr_varint_put(c->v + c->used,
					 gr_zigzag(last.value, next->value));
		last = *next;
	}
	n->n_recent = 0;
	return err;
}

struct hs_err *gr_notes_put(struct gr_notes *n, uint64_t key, uint64_t value)
{
	struct hs_err *err;

	if (!n->recent) {
		err = gr_alloc(n->task, SCRATCH, 1, &n->recent);
		if (err)
			return err;
	}
	n->recent[n->n_recent++] =
		(struct gr_note){ key >> UNIT, value >> UNIT };
	return n->n_recent < GR_NOTES ? NULL : flush(n);
}

struct hs_err *gr_notes_seal(struct gr_notes *n)
{
	struct hs_err *err = flush(n);

	free_scratch(n);
	return err;
}

/* --- reading them -------------------------------------------------------- */

static void leave_chunk(const struct gr_cursor *c)
{
	struct gr_chunk *chunk = (struct gr_chunk *)c->of->chunks.v + c->chunk;

	if (!--chunk->left)
		free_chunk(c->of, chunk);
}

static void read_note(struct gr_cursor *c)
{
	const struct gr_chunk *chunk =
		(struct gr_chunk *)c->of->chunks.v + c->chunk;
	const uint8_t *p;

	if (c->at == chunk->used) {
		leave_chunk(c);
		c->chunk++;
		c->at = 0;
		chunk++;
	}
	p = chunk->v + c->at;
	c->now.key += gr_varint_get(&p);
	c->now.value = gr_unzigzag(c->now.value, gr_varint_get(&p));
	c->at = (uint32_t)(p - chunk->v);
}

/* What is at i may be too large for its place. */
static void sift_down(struct gr_drain *d, uint64_t i)
{
	const struct gr_cursor c = d->v[i];
	uint64_t child;

	while ((child = 2 * i + 1) < d->n) {
		if (child + 1 < d->n &&
		    d->v[child + 1].now.key < d->v[child].now.key)
			child++;
		if (c.now.key <= d->v[child].now.key)
			break;
		d->v[i] = d->v[child];
		i = child;
	}
	d->v[i] = c;
}

static void put_first(struct gr_drain *d)
{
	uint64_t i;

	sift_down(d, 0);
	d->limit = UINT64_MAX;
	for (i = 1; i < d->n && i <= 2; i++)
		if (d->v[i].now.key < d->limit)
			d->limit = d->v[i].now.key;
}

static void add_runs(struct gr_drain *d, struct gr_notes *of)
{
	const struct gr_noted *run = of->runs.v;
	struct gr_cursor *c;
	uint64_t i;

	for (i = 0; i < of->runs.n; i++, run++) {
		c = &d->v[d->n++];
		*c = (struct gr_cursor){ .of = of,
					 .chunk = run->chunk,
					 .at = run->at,
					 .left = run->n - 1 };
		read_note(c);
	}
}

struct hs_err *gr_drain_init(struct gr_drain *d, struct hs_task *task,
			     struct gr_notes *const *of, unsigned n)
{
	struct hs_err *err;
	uint64_t i;

	*d = (struct gr_drain){ .task = task };
	for (i = 0; i < n; i++)
		d->cap += of[i] ? of[i]->runs.n : 0;
	err = gr_alloc(task, d->cap, sizeof(*d->v), &d->v);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		if (of[i])
			add_runs(d, of[i]);
	for (i = d->n / 2; i-- > 1;)
		sift_down(d, i);
	if (d->n)
		put_first(d);
	return NULL;
}

bool gr_drain_next(struct gr_drain *d, struct gr_note *ret)
{
	struct gr_cursor *c = d->v;

	if (!d->n)
		return false;
	*ret = (struct gr_note){ c->now.key << UNIT, c->now.value << UNIT };
	if (!c->left) {
		leave_chunk(c);
		*c = d->v[--d->n];
	} else {
		c->left--;
		read_note(c);
		// A run's notes mostly follow each other.
		if (HS_LIKELY(c->now.key <= d->limit))
			return true;
	}
	if (d->n)
		put_first(d);
	return true;
}

void gr_drain_deinit(struct gr_drain *d)
{
	hs_big_free(d->task->budget, d->v, d->cap * sizeof(*d->v));
	d->v = NULL;
	d->n = d->cap = 0;
}
