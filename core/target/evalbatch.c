// SPDX-License-Identifier: Apache-2.0
#include "tg_eval.h"

#include "tg_client.h"

/*
 * A batch goes to the copy in parts. The part's arrays lie in the area, one
 * after the other, and what is left is for values and text; when that is full,
 * or an object has ended the copy, it goes on from there.
 */
enum {
	PART = 32768,		/* objects */
	MAX_DEFAULT = 65536,	/* values or bytes of one object */
	MAX_MOST = 1 << 20,
};

/** A batch on its way. */
struct batch {
	struct tg_eval *e;
	const struct tg_eval_batch *b;
	uint64_t at;			/* objects before it are through */
	uint64_t max;
	struct tg_eval_area area;
	struct wr_probe_request q;	/* of the part */
	struct wr_probe_item *items;	/* PART of them */
	uint8_t *out;			/* what the part has put out */
	uint64_t out_size;
	struct tg_eval_result sum;
	bool stopped;			/* by each() */
};

static void tell(struct batch *s, const struct tg_eval_item *item)
{
	if (!s->b->each(s->b->arg, item))
		s->stopped = true;
}

/* The area is the program's to write to: what lies there is not believed. */
static void tell_item(struct batch *s, const struct wr_probe_item *p)
{
	uint64_t width = s->b->op == WR_PROBE_VISIT ? 8 : 1, n = p->kept;
	struct tg_eval_item item = {
		.end = p->failed ? TG_EVAL_FAILED : TG_EVAL_RETURNED,
		.index = s->at,
		.total = p->total,
	};

	if (s->b->op == WR_PROBE_VALUE) {
		item.values = &p->value;
		item.n = 1;
	} else if (n <= s->max && p->value >= s->q.out &&
		   p->value - s->q.out <= s->out_size &&
		   s->out_size - (p->value - s->q.out) >= n * width) {
		const uint8_t *bytes = s->out + (p->value - s->q.out);

		item.n = n;
		if (s->b->op == WR_PROBE_VISIT)
			item.values = (const uint64_t *)bytes;
		else
			item.text = (const char *)bytes;
	} else if (!p->failed) {
		item.end = TG_EVAL_FAILED;
		item.total = 0;
	}
	tell(s, &item);
	s->at++;
}

/* Objects of the part that are through, from q.progress as it was: first. */
static struct hs_err *tell_part(struct batch *s, uint64_t first, uint64_t end)
{
	uint64_t n = end - first, used = s->q.used - s->q.out;

	if (!n)
		return NULL;
	if (used > s->q.out_end - s->q.out)
		used = 0;
	free(s->out);
	s->out = hs_xalloc(used + 8);
	s->out_size = tg_eval_read(s->e, s->q.out, s->out, used);
	if (tg_eval_read(s->e, s->q.items + first * sizeof(*s->items),
			 s->items, n * sizeof(*s->items)) !=
	    n * sizeof(*s->items))
		return hs_err_new(HS_ERR_GONE, "read answers of the copy: it "
				  "has ended");
	for (uint64_t i = 0; i < n && !s->stopped; i++)
		tell_item(s, &s->items[i]);
	return NULL;
}

/* Lay the part out, and its arrays into the copy. */
static struct hs_err *send_part(struct batch *s, uint64_t n)
{
	const struct tg_eval_batch *b = s->b;
	uint64_t bytes = n * sizeof(uint64_t), to;
	struct hs_err *err = tg_eval_area(s->e, &s->area);

	if (err)
		return err;
	to = s->area.data;
	s->q = (struct wr_probe_request){
		.op = b->op, .function = b->function,
		.args = { b->args[0], b->args[1] }, .n = n,
		.finish = b->finish, .release = b->release,
		.clear = b->clear, .bad = b->bad, .max = s->max,
		.objects = to,
		.functions = b->functions ? to + bytes : 0,
		.items = to + 2 * bytes,
		.out_end = s->area.data_end,
	};
	s->q.out = s->q.items + n * sizeof(*s->items);
	s->q.used = s->q.out;
	if (tg_eval_write(s->e, to, b->objects + s->at, bytes) != bytes ||
	    (b->functions && tg_eval_write(s->e, to + bytes,
					   b->functions + s->at,
					   bytes) != bytes))
		return hs_err_new(HS_ERR_GONE,
				  "write into the copy: it has ended");
	return NULL;
}

static void add_up(struct batch *s, const struct tg_eval_result *r)
{
	if (!s->sum.n_refused)
		s->sum.refused = r->refused;
	s->sum.n_refused += r->n_refused;
	s->sum.n_helped += r->n_helped;
	s->sum.cpu_ns += r->cpu_ns;
	s->sum.copy = r->copy;
}

/* What the object that has ended the copy has come to. */
static void tell_culprit(struct batch *s, const struct tg_eval_result *r)
{
	struct tg_eval_item item = {
		.end = r->end,
		.signal = r->signal,
		.index = s->at++,
	};

	if (!s->stopped)
		tell(s, &item);
}

/* It is ended by what is no fault of the object's. */
static bool is_over(struct batch *s, const struct tg_eval_result *r)
{
	if (r->end != TG_EVAL_CANCELLED && r->end != TG_EVAL_ENDED)
		return false;
	s->sum.end = r->end;
	s->stopped = true;
	return true;
}

/* One request, and what has come of it. *ret_on: the part has more. */
static struct hs_err *do_request(struct batch *s, uint64_t n, bool *ret_on)
{
	struct tg_eval_result r = { .end = TG_EVAL_RETURNED };
	uint64_t first = s->q.progress, answer = 0, done;
	struct hs_err *err;

	*ret_on = false;
	s->q.used = s->q.out;
	err = tg_eval_request(s->e, &s->q, s->b->cpu_ms, &r, &answer);
	if (err)
		return err;
	add_up(s, &r);
	done = s->q.progress < first ? first :
	       s->q.progress > n     ? n : s->q.progress;
	s->q.progress = done;
	err = tell_part(s, first, done);
	if (err || is_over(s, &r))
		return err;
	if (r.end != TG_EVAL_RETURNED && done < n)
		tell_culprit(s, &r);
	*ret_on = r.end == TG_EVAL_RETURNED && answer == WR_PROBE_FULL &&
		  done > first && done < n;
	if (r.end == TG_EVAL_RETURNED && done == first && done < n)
		return hs_err_new(HS_ERR_OTHER,
				  "run a batch: the copy answers nonsense");
	return NULL;
}

static struct hs_err *do_part(struct batch *s, uint64_t n)
{
	struct hs_err *err = send_part(s, n);
	bool on = true;

	while (!err && on && !s->stopped)
		err = do_request(s, n, &on);
	return err;
}

struct hs_err *tg_eval_batch(struct tg_eval *e, const struct tg_eval_batch *b,
			     struct tg_eval_result *ret)
{
	struct batch s = {
		.e = e,
		.b = b,
		.max = b->max ? b->max : MAX_DEFAULT,
		.sum = { .end = TG_EVAL_RETURNED, .refused = -1 },
	};
	struct hs_err *err = NULL;

	if (s.max > MAX_MOST)
		s.max = MAX_MOST;
	s.items = hs_xcalloc(PART, sizeof(*s.items));
	while (!err && s.at < b->n && !s.stopped)
		err = do_part(&s, b->n - s.at < PART ? b->n - s.at : PART);
	free(s.items);
	free(s.out);
	*ret = s.sum;
	return err;
}
