// SPDX-License-Identifier: Apache-2.0
// The evaluation service, as plugins see it: plugin.h, struct heapsh_eval.
#include "model_priv.h"

static const char none[] = "this host runs no code of a program";

static const char *why_not(struct heapsh_image *h)
{
	const struct md_evaluator *e = h->evaluator;

	return e ? e->why_not(e->arg) : none;
}

/*
 * The plugin may be of an older header: its struct is shorter. What it has is
 * filled, the rest of ours is dropped. One that left its size 0 is of this.
 */
static void hand_out(const struct heapsh_eval_result *from,
		     struct heapsh_eval_result *to)
{
	uint32_t theirs = to->size;

	if (theirs < sizeof(theirs) || theirs > sizeof(*from))
		theirs = sizeof(*from);
	memcpy(to, from, theirs);
	to->size = theirs;
}

static void unavailable(const char *why, struct heapsh_eval_result *ret)
{
	struct heapsh_eval_result r = {
		.end = HEAPSH_EVAL_UNAVAILABLE,
		.refused = -1,
	};

	snprintf(r.why, sizeof(r.why), "%s", why);
	hand_out(&r, ret);
}

static void call(struct heapsh_image *h, uint64_t function,
		 const uint64_t *args, uint32_t n, uint32_t cpu_ms,
		 struct heapsh_eval_result *ret)
{
	struct heapsh_eval_result r = { .size = sizeof(r), .refused = -1 };
	const char *why = why_not(h);

	if (!why && n > HEAPSH_EVAL_ARGS)
		why = "a call has twelve arguments at most";
	if (why) {
		unavailable(why, ret);
		return;
	}
	md_pause(h->own);
	h->evaluator->call(h->evaluator->arg, function, args, n, cpu_ms, &r);
	md_resume(h->own);
	hand_out(&r, ret);
}

static void batch(struct heapsh_image *h, const struct heapsh_eval_batch *b,
		  struct heapsh_eval_result *ret)
{
	struct heapsh_eval_result r = { .size = sizeof(r), .refused = -1 };
	const char *why = why_not(h);

	if (!why && (!HEAPSH_HAS(b, arg) || b->kind > HEAPSH_EVAL_TEXT ||
		     !b->each))
		why = "this batch is not one that the host knows";
	if (why) {
		unavailable(why, ret);
		return;
	}
	md_pause(h->own);
	h->evaluator->batch(h->evaluator->arg, b, &r);
	md_resume(h->own);
	hand_out(&r, ret);
}

static uint64_t eval_read(struct heapsh_image *h, uint64_t addr, void *buf,
			  uint64_t len)
{
	const struct md_evaluator *e = h->evaluator;

	return why_not(h) ? 0 : e->read(e->arg, addr, buf, len);
}

static uint64_t eval_write(struct heapsh_image *h, uint64_t addr,
			   const void *buf, uint64_t len)
{
	const struct md_evaluator *e = h->evaluator;

	return why_not(h) ? 0 : e->write(e->arg, addr, buf, len);
}

static uint64_t scratch(struct heapsh_image *h, uint64_t *len)
{
	const struct md_evaluator *e = h->evaluator;

	*len = 0;
	return why_not(h) ? 0 : e->scratch(e->arg, len);
}

static void reset(struct heapsh_image *h)
{
	if (!why_not(h))
		h->evaluator->reset(h->evaluator->arg);
}

const struct heapsh_eval md_eval_services = {
	.size = sizeof(md_eval_services),
	.why_not = why_not,
	.call = call,
	.batch = batch,
	.read = eval_read,
	.write = eval_write,
	.scratch = scratch,
	.reset = reset,
};

static void set_evaluator(struct md_model *part, void *e)
{
	part->image->evaluator = e;
}

void md_set_evaluator(struct md_model *m, const struct md_evaluator *e)
{
	m->image->evaluator = e;
	md_each_part(m, set_evaluator, (void *)(uintptr_t)e);
}

void md_prepare(struct md_model *m, struct heapsh_eval_setup *ret)
{
	const struct heapsh_prepare *p;
	void *state = NULL;
	struct md_call call;

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	ret->thread = UINT32_MAX;
	p = md_interface(m, HEAPSH_PREPARE_0, &state);
	if (!p || !HEAPSH_HAS(p, prepare) || !p->prepare)
		return;
	if (!md_enter(m->own, MD_PREPARE, m->image, &call))
		return;
	p->prepare(state, ret);
	md_leave(&call);
	if (ret->n_writes > HS_ARRAY_SIZE(ret->writes))
		ret->n_writes = 0;
}
