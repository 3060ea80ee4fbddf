// SPDX-License-Identifier: Apache-2.0
// From the order in which threads read edges to rows in the order of ids.
#include "forward_priv.h"

static void free_slab(struct gr_targets *s, struct hs_budget *b, uint64_t i)
{
	uint32_t **slabs = s->slabs.v;

	hs_big_free(b, slabs[i], GR_SLAB * sizeof(**slabs));
	slabs[i] = NULL;
}

/* Copy n targets from *at on; slabs that are done with are given back. */
static void copy(struct gr_forward *f, struct gr_targets *s, uint64_t *at,
		 uint32_t *to, uint64_t n)
{
	uint32_t *const *slabs = s->slabs.v;
	uint64_t part;

	while (n) {
		part = GR_SLAB - (*at & (GR_SLAB - 1));
		if (part > n)
			part = n;
		memcpy(to, slabs[*at / GR_SLAB] + (*at & (GR_SLAB - 1)),
		       part * sizeof(*to));
		to += part;
		n -= part;
		*at += part;
		if (!(*at & (GR_SLAB - 1)))
			free_slab(s, f->task->budget, *at / GR_SLAB - 1);
	}
}

/* Rows of one item: runs of ids that are all inside, or all outside. */
static void copy_item(struct gr_forward *f, const struct gr_item *item,
		      bool outside)
{
	const struct gr_graph *g = f->g;
	struct gr_targets *s = &f->streams[item->thread];
	uint64_t at = item->start, start;
	uint32_t id = item->lo, end;

	while (id < item->hi) {
		if (hs_bit(g->outside, id) != outside) {
			id++;
			continue;
		}
		end = outside ? id + 1 :
				(uint32_t)hs_bits_next(g->outside, item->hi,
						       id);
		start = gr_rows_start(&g->out, id);
		copy(f, s, &at, g->out.v + start,
		     gr_rows_start(&g->out, end) - start);
		id = end;
	}
}

/* Each thread copies what one thread has written: the order is its own. */
static struct hs_err *copy_part(void *arg, unsigned thread)
{
	struct gr_forward *f = arg;
	uint64_t i, t;

	(void)thread;
	while ((t = atomic_fetch_add(&f->next, 1)) < f->g->threads)
		for (i = 0; i < f->n_items; i++) {
			if (hs_cancelled(f->task))
				return hs_check_cancel(f->task);
			if (f->items[i].thread == t)
				copy_item(f, &f->items[i],
					  i >= f->g->jobs.n_jobs);
		}
	return NULL;
}

struct hs_err *gr_place(struct gr_forward *f)
{
	atomic_store(&f->next, 0);
	return gr_parallel(f->g->threads, copy_part, f, &f->stop);
}

void gr_targets_deinit(struct gr_targets *s, struct hs_budget *b)
{
	uint64_t i;

	for (i = 0; i < s->slabs.n; i++)
		free_slab(s, b, i);
	gr_vec_deinit(b, &s->slabs);
}
