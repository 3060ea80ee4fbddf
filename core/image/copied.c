// SPDX-License-Identifier: Apache-2.0
// A source that is memory of ours: runs of bytes that were copied out of a
// process. Added in any order, sorted once, then read by any thread.
#include "copied.h"

#include <stdlib.h>

struct run {
	uint64_t addr, len;
	const uint8_t *bytes;		/* NULL: zeros */
};

struct block {
	void *bytes;
	uint64_t size;
};

struct im_copied {
	struct hs_budget *budget;
	HS_VEC(struct run) runs;
	HS_VEC(struct block) blocks;
};

struct im_copied *im_copied_create(struct hs_budget *budget)
{
	struct im_copied *c = hs_xalloc(sizeof(*c));

	c->budget = budget;
	return c;
}

struct hs_err *im_copied_block(struct im_copied *c, struct hs_task *task,
			       uint64_t size, void **ret)
{
	struct block b = { .size = size };
	struct hs_err *err = hs_big_alloc(task, size, &b.bytes);

	if (err)
		return err;
	hs_vec_push(&c->blocks, b);
	*ret = b.bytes;
	return NULL;
}

void im_copied_add(struct im_copied *c, uint64_t addr, const void *bytes,
		   uint64_t len)
{
	struct run *last = c->runs.n ? &c->runs.v[c->runs.n - 1] : NULL;
	struct run r = { addr, len, bytes };

	if (!len)
		return;
	// What follows in both memories, or is zeros in both, is one run.
	if (last && last->addr + last->len == addr &&
	    (bytes ? last->bytes && last->bytes + last->len == r.bytes :
		     !last->bytes))
		last->len += len;
	else
		hs_vec_push(&c->runs, r);
}

static int by_address(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void im_copied_sort(struct im_copied *c)
{
	if (c->runs.n)
		qsort(c->runs.v, c->runs.n, sizeof(*c->runs.v), by_address);
}

/** The run that holds addr, or NULL. */
static const struct run *run_at(const struct im_copied *c, uint64_t addr)
{
	size_t lo = 0, hi = c->runs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct run *r = &c->runs.v[mid];

		if (r->addr + r->len <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->runs.n && c->runs.v[lo].addr <= addr ? &c->runs.v[lo]
							    : NULL;
}

static uint64_t copied_read(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	const struct im_copied *c = ctx;
	const struct run *r = run_at(c, addr);
	const struct run *end = c->runs.v + c->runs.n;
	uint64_t done = 0;

	for (; r && done < len && r < end && r->addr <= addr + done; r++) {
		uint64_t from = addr + done - r->addr;
		uint64_t n = r->len - from;

		n = n < len - done ? n : len - done;
		if (r->bytes)
			memcpy((char *)buf + done, r->bytes + from, n);
		else
			memset((char *)buf + done, 0, n);
		done += n;
	}
	return done;
}

static void copied_destroy(void *ctx)
{
	struct im_copied *c = ctx;

	for (size_t i = 0; i < c->blocks.n; i++)
		hs_big_free(c->budget, c->blocks.v[i].bytes,
			    c->blocks.v[i].size);
	hs_vec_deinit(&c->blocks);
	hs_vec_deinit(&c->runs);
	free(c);
}

const struct im_source im_copied_source = { copied_read, copied_destroy };
