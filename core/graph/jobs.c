// SPDX-License-Identifier: Apache-2.0
// What is streamed: the plugin's ranges, cut into windows of one MiB, and the
// reading of one.
#include "graph_priv.h"

enum {
	PAGE = 4096,
	FIRST_RANGES = 256,
	/* Arenas of 256 KiB in 1 TiB: more would be sorted for seconds. */
	MAX_RANGES = 1 << 22,
};
/* More claimed bytes than any machine of today has are a mistake. */
#define MAX_BYTES (UINT64_C(1) << 44)

static int by_start(const void *a, const void *b)
{
	const struct heapsh_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* *ret: at least n ranges as the plugin gave them. free(). */
static struct hs_err *ask(struct md_model *m, struct heapsh_range **ret,
			  uint32_t *n)
{
	struct heapsh_range *r = NULL;
	uint32_t cap = FIRST_RANGES, have;
	uint64_t grain;

	for (;;) {
		free(r);
		r = hs_xcalloc(cap, sizeof(*r));
		have = md_ranges(m, r, cap, &grain);
		if (have <= cap)
			break;
		if (have > MAX_RANGES) {
			free(r);
			return hs_err_new(HS_ERR_PLUGIN,
					  "ask for ranges: %u are too many",
					  have);
		}
		cap = have;
	}
	*ret = r;
	*n = have;
	return NULL;
}

/* Sort, drop empty ones, join those that overlap or touch. */
static uint32_t tidy(struct heapsh_range *r, uint32_t n)
{
	uint32_t i, to = 0;

	qsort(r, n, sizeof(*r), by_start);
	for (i = 0; i < n; i++) {
		if (r[i].start >= r[i].end)
			continue;
		if (to && r[i].start <= r[to - 1].end) {
			if (r[i].end > r[to - 1].end)
				r[to - 1].end = r[i].end;
			continue;
		}
		r[to++] = r[i];
	}
	return to;
}

static uint64_t n_windows(const struct heapsh_range *r)
{
	return ((r->end - 1) >> GR_WINDOW_SHIFT) -
	       (r->start >> GR_WINDOW_SHIFT) + 1;
}

static struct hs_err *measure(const struct heapsh_range *r, uint32_t n,
			      uint64_t *pieces, uint64_t *bytes)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (r[i].end > INT64_MAX)
			return hs_err_new(HS_ERR_PLUGIN,
					  "ask for ranges: %#llx is no address "
					  "of a program",
					  (unsigned long long)r[i].end);
		if (r[i].end - r[i].start > MAX_BYTES - *bytes)
			return hs_err_new(HS_ERR_PLUGIN,
					  "ask for ranges: more than 16 TiB");
		*bytes += r[i].end - r[i].start;
		*pieces += n_windows(&r[i]);
	}
	return NULL;
}

static void add_piece(struct gr_jobs *j, uint64_t start, uint64_t end)
{
	const struct gr_piece *last = j->pieces + j->n_pieces - 1;

	if (!j->n_pieces ||
	    last->start >> GR_WINDOW_SHIFT != start >> GR_WINDOW_SHIFT)
		j->jobs[j->n_jobs++].first_piece = (uint32_t)j->n_pieces;
	j->jobs[j->n_jobs - 1].n_pieces++;
	j->pieces[j->n_pieces++] = (struct gr_piece){ start, end - start };
}

static void cut(struct gr_jobs *j, const struct heapsh_range *r)
{
	uint64_t at = r->start, end;

	while (at < r->end) {
		end = (at | (GR_WINDOW - 1)) + 1;
		if (end > r->end)
			end = r->end;
		add_piece(j, at, end);
		at = end;
	}
}

struct hs_err *gr_jobs_init(struct gr_jobs *j, struct md_model *m,
			    struct hs_task *task)
{
	HS_FREE struct heapsh_range *r = NULL;
	uint64_t pieces = 0;
	struct hs_err *err;
	uint32_t n = 0, i;

	memset(j, 0, sizeof(*j));
	j->budget = task->budget;
	err = ask(m, &r, &n);
	if (err)
		return err;
	n = tidy(r, n);
	err = measure(r, n, &pieces, &j->bytes);
	if (!err)
		err = gr_alloc(task, pieces, sizeof(*j->pieces), &j->pieces);
	if (!err)
		err = gr_alloc(task, pieces, sizeof(*j->jobs), &j->jobs);
	if (err) {
		hs_big_free(j->budget, j->pieces, pieces * sizeof(*j->pieces));
		j->pieces = NULL;
		return err;
	}
	j->cap_pieces = j->cap_jobs = pieces;
	for (i = 0; i < n; i++)
		cut(j, &r[i]);
	return NULL;
}

bool gr_jobs_has(const struct gr_jobs *j, uint64_t addr)
{
	uint64_t lo = 0, hi = j->n_pieces, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (j->pieces[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr - j->pieces[lo - 1].start < j->pieces[lo - 1].len;
}

void gr_jobs_deinit(struct gr_jobs *j)
{
	hs_big_free(j->budget, j->pieces, j->cap_pieces * sizeof(*j->pieces));
	hs_big_free(j->budget, j->jobs, j->cap_jobs * sizeof(*j->jobs));
	memset(j, 0, sizeof(*j));
}

struct hs_err *gr_stream_init(struct gr_stream *s, struct md_model *m,
			      struct hs_task *task)
{
	struct hs_err *err;
	void *p;

	memset(s, 0, sizeof(*s));
	s->m = m;
	s->task = task;
	err = md_reader_create(m, task->budget, &s->reader);
	if (!err)
		err = hs_big_alloc(task, GR_WINDOW, &p);
	if (err) {
		md_reader_destroy(s->reader);
		return err;
	}
	s->buf = p;
	return NULL;
}

void gr_stream_deinit(struct gr_stream *s)
{
	if (!s->buf)
		return;
	hs_big_free(s->task->budget, s->buf, GR_WINDOW);
	md_reader_destroy(s->reader);
	s->buf = NULL;
}

/* Read all that can be read of it; the rest is zero. How many bytes were. */
static uint64_t read_piece(struct gr_stream *s, const struct gr_piece *p)
{
	uint64_t at = 0, got = 0, n, hole;

	while (at < p->len) {
		n = md_read(s->m, p->start + at, s->buf + at, p->len - at);
		if (n > p->len - at)
			n = p->len - at;
		got += n;
		at += n;
		if (at == p->len)
			break;
		// To the next page: that one may be readable again.
		hole = PAGE - ((p->start + at) & (PAGE - 1));
		if (hole > p->len - at)
			hole = p->len - at;
		memset(s->buf + at, 0, hole);
		at += hole;
	}
	return got;
}

void gr_stream_sweep(struct gr_stream *s, const struct gr_piece *p,
		     struct heapsh_sink *sink)
{
	struct heapsh_chunk chunk = {
		.size = sizeof(chunk),
		.address = p->start,
		.len = p->len,
		.bytes = s->buf,
	};
	uint64_t got;

	sink->reader = s->reader;
	if (!md_wants_bytes(s->m, sink->want)) {
		chunk.bytes = NULL;
		md_sweep(s->m, &chunk, sink);
		return;
	}
	got = read_piece(s, p);
	s->unread += p->len - got;
	if (!got)
		return;
	md_reader_lend(s->reader, p->start, s->buf, p->len);
	md_sweep(s->m, &chunk, sink);
	md_reader_lend(s->reader, 0, NULL, 0);
}

bool gr_stream_lend(struct gr_stream *s, uint64_t addr)
{
	if (md_read(s->m, addr, s->buf, GR_WINDOW) != GR_WINDOW)
		return false;
	md_reader_lend(s->reader, addr, s->buf, GR_WINDOW);
	return true;
}

void gr_stream_return(struct gr_stream *s)
{
	md_reader_lend(s->reader, 0, NULL, 0);
}
