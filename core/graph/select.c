// SPDX-License-Identifier: Apache-2.0
// A set filtered on several threads: what costs microseconds an object.
#include "graph_priv.h"

#include <pthread.h>

struct selecting {
	struct gr_set *from;
	struct hs_task *task;
	gr_block_fn *fn;
	void *arg;
	_Atomic bool stop;
	pthread_mutex_t lock;		/* for what follows */
	uint32_t next;			/* id to go on at */
	uint64_t left;			/* that may be found yet */
	uint64_t *bits;
};

static uint32_t take_block(struct selecting *s, uint32_t *ids)
{
	uint32_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (s->left && n < GR_BLOCK && gr_set_next(s->from, &s->next))
		ids[n++] = s->next++;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void put_block(struct selecting *s, const uint32_t *ids, uint32_t n,
		      const bool *keep)
{
	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < n && s->left; i++) {
		if (!keep[i])
			continue;
		hs_bit_set(s->bits, ids[i]);
		s->left--;
	}
	pthread_mutex_unlock(&s->lock);
}

static struct hs_err *select_part(void *arg, unsigned thread)
{
	struct selecting *s = arg;
	struct hs_err *err = NULL;
	uint32_t ids[GR_BLOCK], n;
	bool keep[GR_BLOCK];

	while (!err && !atomic_load(&s->stop)) {
		n = take_block(s, ids);
		if (!n)
			break;
		memset(keep, 0, sizeof(keep));
		err = hs_check_cancel(s->task);
		if (!err)
			err = s->fn(s->arg, thread, ids, n, keep);
		put_block(s, ids, n, keep);
		hs_progress_add(s->task, n);
	}
	return err;
}

struct hs_err *gr_set_select(struct gr_set *from, struct hs_task *task,
			     unsigned threads, uint64_t limit, gr_block_fn *fn,
			     void *arg, struct gr_set **ret)
{
	struct selecting s = { .from = from, .task = task, .fn = fn,
			       .arg = arg, .left = limit };
	struct gr_graph *g = from->g;
	struct hs_err *err = gr_alloc(&g->task, hs_bits_words(g->n), 8,
				      &s.bits);

	if (err)
		return err;
	pthread_mutex_init(&s.lock, NULL);
	// The first of them: blocks in their order.
	err = gr_parallel(limit == UINT64_MAX ? gr_threads(threads) : 1,
			  select_part, &s, &s.stop);
	pthread_mutex_destroy(&s.lock);
	if (!err)
		return gr_set_from_bits(g, s.bits, ret);
	hs_big_free(g->task.budget, s.bits, gr_bitmap_bytes(g->n));
	return err;
}
