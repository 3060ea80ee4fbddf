// SPDX-License-Identifier: Apache-2.0
// Referrers. The ids are cut into parts; who takes a part reads all forward
// rows and writes only the rows of its part, so that nothing is shared.
#include "graph_priv.h"

struct reverse {
	struct gr_graph *g;
	struct hs_task *task;
	unsigned n_parts;
	void (*scan)(struct gr_graph *g, uint32_t from, uint32_t to,
		     uint32_t lo, uint32_t hi);
	_Atomic uint32_t next;
	_Atomic bool stop;
};

enum { STRIDE = 1 << 16 };	/* sources between two looks at Ctrl-C */

static void count(struct gr_graph *g, uint32_t from, uint32_t to, uint32_t lo,
		  uint32_t hi)
{
	uint64_t i, end = gr_rows_start(&g->out, to);
	uint32_t target;

	for (i = gr_rows_start(&g->out, from); i < end; i++) {
		target = g->out.v[i] & GR_ID;
		// Stays at the top: gr_rows_place() refuses it there.
		if (target - lo < hi - lo && g->in.off[target] != UINT32_MAX)
			g->in.off[target]++;
	}
}

/* Starts move to ends; shift_back() sets them right. */
static void scatter(struct gr_graph *g, uint32_t from, uint32_t to,
		    uint32_t lo, uint32_t hi)
{
	uint64_t i = gr_rows_start(&g->out, from), end;
	uint32_t source, target;

	for (source = from; source < to; source++) {
		end = gr_rows_start(&g->out, source + 1);
		for (; i < end; i++) {
			target = g->out.v[i] & GR_ID;
			if (target - lo >= hi - lo)
				continue;
			g->in.v[gr_rows_start(&g->in, target)] = source;
			g->in.off[target]++;
		}
	}
}

static void shift_back(struct gr_rows *r)
{
	uint64_t start, n, total = (uint64_t)r->n + 1;

	for (start = 0; start < total; start += n) {
		n = total - start < 1 << GR_PAGE_SHIFT ? total - start :
							 1 << GR_PAGE_SHIFT;
		memmove(r->off + start + 1, r->off + start,
			(n - 1) * sizeof(*r->off));
		r->off[start] = 0;
	}
}

static struct hs_err *reverse_part(void *arg, unsigned thread)
{
	struct reverse *r = arg;
	uint32_t part, lo, hi, from, n = r->g->n;
	struct hs_err *err = NULL;

	(void)thread;
	while (!err && (part = atomic_fetch_add(&r->next, 1)) < r->n_parts) {
		lo = (uint32_t)((uint64_t)n * part / r->n_parts);
		hi = (uint32_t)((uint64_t)n * (part + 1) / r->n_parts);
		for (from = 0; from < n && !err; from += STRIDE) {
			err = hs_check_cancel(r->task);
			if (!err)
				r->scan(r->g, from,
					n - from < STRIDE ? n : from + STRIDE,
					lo, hi);
			hs_progress_add(r->task, STRIDE);
		}
	}
	return err;
}

static struct hs_err *scan_all(struct reverse *r,
			       void (*scan)(struct gr_graph *g, uint32_t from,
					    uint32_t to, uint32_t lo,
					    uint32_t hi))
{
	r->scan = scan;
	atomic_store(&r->next, 0);
	return gr_parallel(r->g->threads, reverse_part, r, &r->stop);
}

struct hs_err *gr_reverse(struct gr_graph *g, struct hs_task *task)
{
	struct reverse r = { .g = g, .task = task, .n_parts = g->threads };
	struct hs_err *err;

	hs_progress(task, "turning edges", "objects",
		    2 * (uint64_t)g->n * g->threads);
	err = gr_rows_init(&g->in, task, g->n);
	if (!err)
		err = scan_all(&r, count);
	if (!err)
		err = gr_rows_place(&g->in, task);
	if (!err)
		err = scan_all(&r, scatter);
	if (!err)
		shift_back(&g->in);
	hs_progress_end(task);
	return err;
}
