// SPDX-License-Identifier: Apache-2.0
/*
 * Code of the program, run for plugins and verbs: struct md_evaluator on the
 * target's evaluator. What a copy needs is asked of the plugin when the first
 * one is wanted. Plugins call from the threads of a sweep as well; there is
 * one tracer, so they wait for each other here.
 */
#include "engine.h"

#include <pthread.h>

#include "tg_eval.h"

struct en_eval {
	struct en_instant *in;
	pthread_mutex_t lock;		/* guards what follows */
	struct tg_eval *eval;		/* NULL: nobody has asked yet */
	struct md_evaluator ops;
};

static const char *why_not(void *arg)
{
	struct en_eval *v = arg;

	switch (im_info(v->in->lg.image)->kind) {
	case IM_CLONE:
		break;
	case IM_CORE:
	case IM_SNAPSHOT:
		return "no code can be run: this is a file, not a process";
	default:
		return "no code can be run: only a frozen clone is a process "
		       "of its own";
	}
	if (v->in->lg.released || !v->in->tracer)
		return "no code can be run: the instant was released, 'snap' "
		       "takes a new one";
	return NULL;
}

/* The plugin's answer, as the tracer's. */
static void create(struct en_eval *v)
{
	HS_FREE struct heapsh_eval_setup *s = hs_xalloc(sizeof(*s));
	HS_FREE struct wr_tracer_write *w =
		hs_xcalloc(HS_ARRAY_SIZE(s->writes), sizeof(*w));
	struct tg_eval_setup setup = { .writes = w };

	md_prepare(v->in->lg.model, s);
	setup.thread = s->thread;
	setup.enter = s->enter;
	for (uint32_t i = 0; i < s->n_writes; i++) {
		const struct heapsh_write *from = &s->writes[i];
		struct wr_tracer_write *to = &w[setup.n_writes];

		if (from->len > sizeof(from->bytes))
			continue;
		to->addr = from->addr;
		to->len = from->len;
		to->mode = WR_TRACER_SET;
		memcpy(to->bytes, from->bytes, from->len);
		setup.n_writes++;
	}
	tg_eval_create(v->in->engine->tracer, v->in->tracer, &setup,
		       &v->in->engine->task, &v->eval);
}

static struct tg_eval *need(struct en_eval *v)
{
	if (!v->eval)
		create(v);
	return v->eval;
}

static uint32_t end_for_plugins(enum tg_eval_end end)
{
	switch (end) {
	case TG_EVAL_RETURNED: return HEAPSH_EVAL_RETURNED;
	case TG_EVAL_FAILED: return HEAPSH_EVAL_FAILED;
	case TG_EVAL_CRASHED: return HEAPSH_EVAL_CRASHED;
	case TG_EVAL_LATE: return HEAPSH_EVAL_LATE;
	case TG_EVAL_STUCK: return HEAPSH_EVAL_STUCK;
	case TG_EVAL_EXITED: return HEAPSH_EVAL_EXITED;
	case TG_EVAL_CANCELLED: return HEAPSH_EVAL_CANCELLED;
	case TG_EVAL_ENDED:
	default: return HEAPSH_EVAL_ENDED;
	}
}

static void answer(struct hs_err *err, const struct tg_eval_result *r,
		   struct heapsh_eval_result *ret)
{
	HS_TEXT why = { 0 };

	if (err) {
		ret->end = err->code == HS_ERR_CANCELLED ?
				   HEAPSH_EVAL_CANCELLED :
				   HEAPSH_EVAL_UNAVAILABLE;
		snprintf(ret->why, sizeof(ret->why), "%s", err->message);
		hs_err_free(err);
		return;
	}
	tg_eval_explain(r, &why);
	snprintf(ret->why, sizeof(ret->why), "%s", hs_text_str(&why));
	ret->end = end_for_plugins(r->end);
	ret->signal = r->signal;
	ret->status = r->status;
	ret->n_refused = r->n_refused;
	ret->refused = r->refused;
	ret->address = r->address;
	ret->copy = r->copy;
	ret->cpu_ns = r->cpu_ns;
}

static void call(void *arg, uint64_t function, const uint64_t *args,
		 uint32_t n, uint32_t cpu_ms, struct heapsh_eval_result *ret)
{
	struct tg_eval_result r = { .refused = -1 };
	struct en_eval *v = arg;
	struct hs_err *err;

	pthread_mutex_lock(&v->lock);
	err = tg_eval_call(need(v), function, args, n, cpu_ms, &r,
			   &ret->value);
	answer(err, &r, ret);
	pthread_mutex_unlock(&v->lock);
}

static bool each(void *arg, const struct tg_eval_item *item)
{
	const struct heapsh_eval_batch *b = arg;
	struct heapsh_eval_item out = {
		.size = sizeof(out),
		.end = end_for_plugins(item->end),
		.index = item->index,
		.n = item->n,
		.total = item->total,
		.values = item->values,
		.text = item->text,
		.signal = item->signal,
	};

	return b->each(b->arg, &out) != 0;
}

static enum wr_probe_op op_of(uint32_t kind)
{
	switch (kind) {
	case HEAPSH_EVAL_VISIT: return WR_PROBE_VISIT;
	case HEAPSH_EVAL_TEXT: return WR_PROBE_TEXT;
	case HEAPSH_EVAL_VALUE:
	default: return WR_PROBE_VALUE;
	}
}

static void batch(void *arg, const struct heapsh_eval_batch *b,
		  struct heapsh_eval_result *ret)
{
	struct tg_eval_batch out = {
		.op = op_of(b->kind),
		.n = b->n,
		.objects = b->objects,
		.functions = b->functions,
		.function = b->function,
		.args = { b->args[0], b->args[1] },
		.finish = b->finish,
		.release = b->release,
		.clear = b->clear,
		.bad = b->bad,
		.cpu_ms = b->cpu_ms,
		.max = b->max,
		.each = each,
		.arg = (void *)b,
	};
	struct tg_eval_result r = { .refused = -1 };
	struct en_eval *v = arg;
	struct hs_err *err;

	pthread_mutex_lock(&v->lock);
	err = tg_eval_batch(need(v), &out, &r);
	answer(err, &r, ret);
	pthread_mutex_unlock(&v->lock);
}

static uint64_t eval_read(void *arg, uint64_t addr, void *buf, uint64_t len)
{
	struct en_eval *v = arg;
	uint64_t n = 0;

	pthread_mutex_lock(&v->lock);
	if (v->eval)
		n = tg_eval_read(v->eval, addr, buf, len);
	pthread_mutex_unlock(&v->lock);
	return n;
}

static uint64_t eval_write(void *arg, uint64_t addr, const void *buf,
			   uint64_t len)
{
	struct tg_eval_area area;
	struct en_eval *v = arg;
	struct hs_err *err;
	uint64_t n = 0;

	pthread_mutex_lock(&v->lock);
	err = tg_eval_area(need(v), &area);
	if (!err)
		n = tg_eval_write(v->eval, addr, buf, len);
	pthread_mutex_unlock(&v->lock);
	hs_err_free(err);
	return n;
}

static uint64_t scratch(void *arg, uint64_t *len)
{
	struct tg_eval_area area = { 0 };
	struct en_eval *v = arg;
	struct hs_err *err;

	pthread_mutex_lock(&v->lock);
	err = tg_eval_area(need(v), &area);
	pthread_mutex_unlock(&v->lock);
	hs_err_free(err);
	*len = area.scratch_end - area.scratch;
	return area.scratch;
}

static void reset(void *arg)
{
	struct en_eval *v = arg;

	pthread_mutex_lock(&v->lock);
	if (v->eval)
		tg_eval_reset(v->eval);
	pthread_mutex_unlock(&v->lock);
}

void en_eval_create(struct en_instant *in)
{
	struct en_eval *v = hs_xalloc(sizeof(*v));

	v->in = in;
	pthread_mutex_init(&v->lock, NULL);
	v->ops = (struct md_evaluator){
		.arg = v,
		.why_not = why_not,
		.call = call,
		.batch = batch,
		.read = eval_read,
		.write = eval_write,
		.scratch = scratch,
		.reset = reset,
	};
	in->eval = v;
	md_set_evaluator(in->lg.model, &v->ops);
}

void en_eval_end(struct en_instant *in)
{
	if (!in->eval)
		return;
	tg_eval_destroy(in->eval->eval);
	in->eval->eval = NULL;
}

void en_eval_destroy(struct en_instant *in)
{
	if (!in->eval)
		return;
	en_eval_end(in);
	md_set_evaluator(in->lg.model, NULL);
	pthread_mutex_destroy(&in->eval->lock);
	free(in->eval);
	in->eval = NULL;
}

struct hs_err *en_eval_of(void *engine, struct lg_instant *lg,
			  struct tg_eval **ret)
{
	struct en_instant *in = en_instant_of(lg);
	const char *why;

	(void)engine;
	why = in->eval ? why_not(in->eval) : "no code can be run";
	if (why)
		return hs_err_new(HS_ERR_UNSUPPORTED, "%s", why);
	*ret = need(in->eval);
	return NULL;
}
