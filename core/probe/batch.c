// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

/*
 * One function over many objects. It may not return: then progress names the
 * culprit, and a new copy goes on behind it. Whether an object's values fit is
 * looked at before it is tried, so that none is tried twice.
 */

typedef int visit_fn(void *target, void *arg);
typedef int traverse_fn(uint64_t object, visit_fn *visit, void *arg);
typedef uint64_t value_fn(uint64_t object, uint64_t a, uint64_t b);
typedef uint64_t finish_fn(uint64_t result, int64_t *length);
typedef void release_fn(uint64_t result);
typedef void clear_fn(void);

/** Targets of one object. */
struct visited {
	uint64_t *to, *end;
	uint64_t total;
};

static int visit(void *target, void *arg)
{
	struct visited *v = arg;

	v->total++;
	if (v->to < v->end)
		*v->to++ = (uint64_t)target;
	return 0;
}

static void try_visit(struct wr_probe_request *q, uint64_t fn, uint64_t object,
		      struct wr_probe_item *item)
{
	uint64_t *out = (uint64_t *)q->used;
	struct visited v = { .to = out, .end = out + q->max };

	((traverse_fn *)fn)(object, visit, &v);
	item->value = (uint64_t)out;
	item->total = v.total;
	item->kept = (uint64_t)(v.to - out);
	q->used = (uint64_t)v.to;
}

static void clear(const struct wr_probe_request *q, struct wr_probe_item *item)
{
	item->failed = 1;
	if (q->clear)
		((clear_fn *)q->clear)();
}

static void try_value(struct wr_probe_request *q, uint64_t result,
		      struct wr_probe_item *item)
{
	uint64_t v = result;

	if (q->finish) {
		v = ((finish_fn *)q->finish)(result, NULL);
		if (q->clear && v == UINT64_MAX)
			clear(q, item);
	}
	item->value = v;
	item->total = item->kept = 1;
}

static uint64_t length_of(const char *s)
{
	uint64_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void try_text(struct wr_probe_request *q, uint64_t result,
		     struct wr_probe_item *item)
{
	char *to = (char *)q->used;
	const char *s = (const char *)result;
	int64_t n = 0;

	if (q->finish)
		s = (const char *)((finish_fn *)q->finish)(result, &n);
	else if (s)
		n = (int64_t)length_of(s);
	if (!s || n < 0) {
		clear(q, item);
		return;
	}
	item->total = (uint64_t)n;
	item->kept = item->total < q->max ? item->total : q->max;
	item->value = (uint64_t)to;
	for (uint64_t i = 0; i < item->kept; i++)
		to[i] = s[i];
	q->used = (q->used + item->kept + 7) & ~UINT64_C(7);
}

static void try_one(struct wr_probe_request *q, uint64_t i)
{
	uint64_t fn = q->functions ? ((uint64_t *)q->functions)[i] :
				     q->function;
	uint64_t object = ((uint64_t *)q->objects)[i], result;
	struct wr_probe_item *item = (struct wr_probe_item *)q->items + i;

	*item = (struct wr_probe_item){ 0 };
	if (q->op == WR_PROBE_VISIT) {
		try_visit(q, fn, object, item);
		return;
	}
	result = ((value_fn *)fn)(object, q->args[0], q->args[1]);
	if (q->clear && result == q->bad) {
		clear(q, item);
		return;
	}
	if (q->op == WR_PROBE_VALUE)
		try_value(q, result, item);
	else
		try_text(q, result, item);
	if (q->release)
		((release_fn *)q->release)(result);
}

uint64_t pb_batch(struct wr_probe_request *q)
{
	uint64_t room = q->op == WR_PROBE_VISIT ? q->max * 8 :
			q->op == WR_PROBE_TEXT	? q->max + 8 :
						  0;

	for (uint64_t i = q->progress; i < q->n; i++) {
		q->progress = i;
		if (q->out_end - q->used < room)
			return WR_PROBE_FULL;
		try_one(q, i);
	}
	q->progress = q->n;
	return WR_PROBE_DONE;
}
