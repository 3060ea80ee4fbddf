// SPDX-License-Identifier: Apache-2.0
/*
 * How a process becomes an instant:
 *
 *   tg_check       may we? nothing is stopped by a question
 *   md_probe       a plugin claims it, reading the running process
 *   tg_plan        instructions in its files, stacks to stand on
 *   tg_freeze      the one stop: clone S
 *   md_settle      the plugin reads S and says how to run a copy of it
 *   tg_settle      clone E of S, run to a consistent point
 *   md_open        the plugin's state on E (or S, and then it says so)
 *
 * design.md has the settle script answered before the stop. The plugin answers
 * it from S instead: S is frozen, so that it can look the lock's holder up, and
 * the target is running again, so that the time costs it nothing.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "text.h"

enum { PLUGINS_MAX = 64 };	/* that are tried on one process */

/** Threads as the image wants them. free(). */
static struct im_thread *image_threads(const struct tg_instant *t)
{
	struct im_thread *v = hs_xcalloc(t->n_threads + 1, sizeof(*v));

	for (uint32_t i = 0; i < t->n_threads; i++) {
		v[i].tid = t->threads[i].tid;
		v[i].ip = t->threads[i].regs.rip;
		v[i].sp = t->threads[i].regs.rsp;
		v[i].tls = t->threads[i].fs_base;
		v[i].syscall = t->threads[i].syscall;
		memcpy(v[i].args, t->threads[i].args, sizeof(v[i].args));
		memcpy(v[i].comm, t->threads[i].comm, sizeof(v[i].comm));
	}
	return v;
}

static struct hs_err *probe(struct en_engine *en, struct im_image *im,
			    struct md_claim *ret)
{
	return md_probe(en->host, im, ret);
}

static struct hs_err *open_model(struct en_engine *en,
				 const struct md_claim *claim,
				 struct lg_instant *in)
{
	struct hs_err *err;

	err = md_open(en->host, claim, in->image, &en->task, &in->model);
	if (!err)
		err = md_believe(in->model, false);
	if (!err)
		en_eval_create(en_instant_of(in));
	return err;
}

/**
 * A plugin was found out while it opened: it is disabled now, and another may
 * know the process, too. Says so and takes err; false for any other error.
 */
static bool may_try_another(struct en_engine *en, struct hs_err *err)
{
	if (!err || err->code != HS_ERR_PLUGIN)
		return false;
	en_words(en, "heapsh: %s", err->message);
	hs_err_free(err);
	return true;
}

struct hs_err *en_look(struct en_engine *en, const struct md_claim *claim,
		       struct im_image *im, struct md_model **ret)
{
	enum { TRIES = 10 };
	struct hs_err *err = NULL;

	// Of a process that runs, one reading may be in the middle of a change.
	for (int i = 0; i < TRIES; i++) {
		hs_err_free(err);
		err = md_open(en->host, claim, im, &en->task, ret);
		if (!err)
			break;
	}
	return err;
}

struct hs_err *en_open_live(struct en_engine *en, int pid,
			    struct im_image **ret)
{
	int mem = tg_memory(en->tracer, pid);

	// Without it: im_open_live() has the words.
	return mem < 0 ? im_open_live(pid, ret) :
			 im_open_running(pid, mem, ret);
}

static struct hs_err *open_copy(const struct en_engine *en,
				const struct tg_instant *t,
				struct im_image **ret)
{
	HS_FREE struct im_thread *threads = image_threads(t);
	HS_CLOSE int mem = tg_memory(en->tracer, t->pid);
	struct im_copy copy = {
		.pid = t->pid,
		.fd = t->mirror->fd,
		.mem_fd = mem,
		.n_ranges = t->mirror->n_pieces,
		.maps = t->mirror->maps,
		.maps_bytes = t->mirror->maps_bytes,
		.threads = threads,
		.n_threads = t->n_threads,
		.taken_ns = t->taken_ns,
	};
	HS_FREE struct im_range *v =
		hs_xcalloc(copy.n_ranges + 1, sizeof(*v));

	for (size_t i = 0; i < copy.n_ranges; i++)
		v[i] = (struct im_range){ t->mirror->pieces[i].start,
					  t->mirror->pieces[i].end };
	copy.ranges = v;
	return im_open_copy(&copy, ret);
}

/** What was frozen, as an image. t NULL: nothing was, the process runs. */
static struct hs_err *open_image(struct en_engine *en, int pid,
				 const struct tg_instant *t,
				 struct im_image **ret)
{
	HS_FREE struct im_thread *threads = NULL;
	int fd;

	if (!t)
		return en_open_live(en, pid, ret);
	if (t->mirror)
		return open_copy(en, t, ret);
	threads = image_threads(t);
	fd = fcntl(t->mem_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return hs_err_os(errno, "open memory of the clone of %d",
				 t->pid);
	return im_open_clone(t->pid, t->image_pid, fd, threads, t->n_threads,
			     ret);
}

/** The plugin's writes as the tracer's, those of before and after apart. */
static size_t split_writes(const struct heapsh_settle *s, uint32_t after,
			   struct wr_tracer_write *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->n_writes; i++) {
		const struct heapsh_write *w = &s->writes[i];

		if (!!w->after != !!after || w->len > sizeof(w->bytes))
			continue;
		ret[n].addr = w->addr;
		ret[n].len = w->len;
		ret[n].mode = WR_TRACER_SET;
		memcpy(ret[n].bytes, w->bytes, w->len);
		n++;
	}
	return n;
}

struct hs_err *en_settle(struct en_engine *en, struct tg_instant *t,
			 const struct heapsh_settle *s, struct im_image **im,
			 bool *settled)
{
	HS_FREE struct wr_tracer_write *w =
		hs_xcalloc(2 * HS_ARRAY_SIZE(s->writes), sizeof(*w));
	struct wr_tracer_write *after = w + HS_ARRAY_SIZE(s->writes);
	struct tg_script script = { 0 };
	struct im_image *image;
	struct hs_err *err;

	*settled = s->flags & HEAPSH_SETTLE_CONSISTENT;
	// Only of a clone can another be made, to be run a little.
	if (s->flags || t->mirror || s->n_writes > HS_ARRAY_SIZE(s->writes) ||
	    s->thread >= t->n_threads)
		return NULL;
	script.thread = s->thread;
	script.limit_ms = s->limit_ms;
	script.calls = WR_TRACER_CALLS_MEMORY;
	script.before = w;
	script.n_before = split_writes(s, 0, w);
	script.after = after;
	script.n_after = split_writes(s, 1, after);
	err = tg_settle(en->tracer, t, &script);
	if (err || t->state != WR_TRACER_SETTLED)
		return err;
	err = open_image(en, t->pid, t, &image);
	if (err)
		return err;
	im_destroy(*im);
	*im = image;
	*settled = true;
	return NULL;
}

static struct hs_err *settle(struct en_engine *en, struct tg_instant *t,
			     const struct md_claim *claim,
			     struct im_image **im, bool *settled)
{
	HS_FREE struct heapsh_settle *s = hs_xalloc(sizeof(*s));

	md_settle(en->host, claim, *im, s);
	return en_settle(en, t, s, im, settled);
}

struct hs_err *en_freeze(struct en_engine *en, int pid, struct tg_instant **t,
			 struct im_image **ret)
{
	EN_WAY way = { 0 };
	struct hs_err *err;

	err = en_way_find(en, pid, &way);
	if (!err)
		err = en_way_take(en, &way, t);
	if (err)
		return err;
	en_way_say(en, &way);
	err = open_image(en, pid, *t, ret);
	if (err && *t) {
		hs_err_free(tg_release(en->tracer, *t));
		tg_instant_free(*t);
		*t = NULL;
	}
	return err;
}

/**
 * It stood at a call that is not the allocator's, and the runtime's lock was
 * not given up before that: a lock of malloc() that another thread had, mostly.
 */
static bool stopped_amid(const struct lg_instant *in,
			 const struct tg_instant *t)
{
	return t && t->state == WR_TRACER_SETTLED &&
	       md_status(in->model)->mutating;
}

/**
 * Take over an instant: settle if it is not, open the plugin. t NULL: there is
 * none, the process is read as it runs.
 */
static struct hs_err *understand(struct en_engine *en, struct tg_instant *t,
				 const struct md_claim *claim,
				 struct lg_instant **ret)
{
	struct en_instant *in = en_instant_create(en);
	bool settled = t && t->state == WR_TRACER_SETTLED;
	struct hs_err *err;

	in->tracer = t;
	err = open_image(en, en->pid, t, &in->lg.image);
	if (!err)
		in->lg.taken_ns = im_info(in->lg.image)->taken_ns;
	if (!err && t && t->state == WR_TRACER_UNSETTLED)
		err = settle(en, t, claim, &in->lg.image, &settled);
	if (!err)
		err = open_model(en, claim, &in->lg);
	if (err) {
		if (t)
			hs_err_free(tg_release(en->tracer, t));
		lg_instant_unref(&in->lg);
		return err;
	}
	if (stopped_amid(&in->lg, t)) {
		settled = false;
		snprintf(t->why, sizeof(t->why),
			 "the runtime was still in the middle of something at "
			 "the call where it stopped");
	}
	in->lg.attached = en_attached_doc(&in->lg);
	json_object_set_new(in->lg.attached, "settled", json_boolean(settled));
	*ret = &in->lg;
	return NULL;
}

/**
 * What was not settled may have been read, or stopped, in the middle of a
 * change that a plugin rightly refuses: another moment is as good.
 */
static bool another_may_do(const struct en_way *way, const struct hs_err *err)
{
	return way->rung != TG_CLONE &&
	       (err->code == HS_ERR_UNSUPPORTED || err->code == HS_ERR_TORN ||
		err->code == HS_ERR_FAULT || err->code == HS_ERR_FORMAT);
}

static struct hs_err *take_one(struct en_engine *en, struct en_way *way,
			       struct tg_instant **t, struct lg_instant **ret)
{
	enum { TRIES = 10 };
	struct hs_err *err;

	for (int i = 1;; i++) {
		err = en_way_take(en, way, t);
		if (err)
			return err;
		err = understand(en, *t, &en->claim, ret);
		if (!err || i == TRIES || !another_may_do(way, err))
			return err;
		hs_err_free(err);
	}
}

/**
 * An instant whose copy ran into a lock is given back and another is taken: one
 * of 150 is such, on a busy machine. Each costs the process one pause more, so
 * that there are few, and all together keep to the limit of one. Not for a copy
 * that found no end of what it was doing: a moment later that goes on still.
 */
static struct hs_err *take_settled(struct en_engine *en, struct en_way *way,
				   struct lg_instant **ret)
{
	enum { TRIES = 5 };
	uint64_t max = en->max_pause_ns ? en->max_pause_ns : TG_MAX_PAUSE_NS;
	uint64_t spent = 0;

	for (int i = 1;; i++) {
		struct tg_instant *t = NULL;
		struct hs_err *err = take_one(en, way, &t, ret);

		if (err || i == TRIES || !stopped_amid(*ret, t))
			return err;
		spent += t->pause_ns;
		if (spent + t->pause_ns > max)
			return NULL;
		err = en_instant_release(en, *ret);
		lg_instant_unref(*ret);
		if (err)
			return err;
	}
}

/** Take an instant by way, or one that is worse, and say so. */
static struct hs_err *take(struct en_engine *en, struct en_way *way,
			   struct lg_instant **ret)
{
	struct hs_err *err = take_settled(en, way, ret);

	if (err)
		return err;
	en_way_say(en, way);
	if (way->reason)
		json_object_set_new((*ret)->attached, "reason",
				    json_string(way->reason));
	return NULL;
}

/** What is not known may be the parent of what is meant. */
static struct hs_err *or_child(struct en_engine *en, int pid,
			       struct hs_err *err)
{
	struct md_claim claim;
	int child;

	if (err->code != HS_ERR_UNSUPPORTED || err->remedy)
		return err;
	child = en_family_find(en, pid, &claim);
	if (!child)
		return err;
	return hs_err_remedy(err, "heapsh attach %d, a child of it: %s %s",
			     child, claim.claim.runtime, claim.claim.version);
}

struct hs_err *en_recognise(struct en_engine *en,
			    const struct tg_report *report,
			    struct md_claim *ret)
{
	struct im_image *live;
	struct hs_err *err = en_open_live(en, report->pid, &live);

	if (err)
		return err;
	err = probe(en, live, ret);
	im_destroy(live);
	if (err)
		return hs_err_wrap(or_child(en, report->pid, err),
				   "attach to %d (%s)", report->pid,
				   report->comm);
	return NULL;
}

static struct hs_err *attach(struct en_engine *en, int pid,
			     struct lg_instant **ret)
{
	EN_WAY way = { 0 };
	struct md_claim claim;
	struct hs_err *err;

	err = en_way_find(en, pid, &way);
	if (!err)
		err = en_recognise(en, &way.report, &claim);
	if (err)
		return err;
	if (en->pid && en->pid != pid)
		en_instants_clear(en);
	en->pid = pid;
	en->claim = claim;
	err = take(en, &way, ret);
	if (err)
		en->pid = 0;
	return err;
}

struct hs_err *en_attach(struct en_engine *en, int pid, struct lg_instant **ret)
{
	unsigned turns = 0;
	struct hs_err *err;

	// Each turn disables a plugin.
	do {
		err = attach(en, pid, ret);
	} while (turns++ < PLUGINS_MAX && may_try_another(en, err));
	if (!err)
		en_family_say(en, pid);
	return err;
}

struct hs_err *en_snap(struct en_engine *en, const char *name,
		       struct lg_instant **ret)
{
	EN_WAY way = { 0 };
	struct lg_instant *in;
	struct hs_err *err;

	if (!en->pid)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
				"take a new instant: no process is attached"),
				     "attach PID");
	err = en_way_find(en, en->pid, &way);
	if (!err)
		err = take(en, &way, &in);
	if (err)
		return hs_err_wrap(err, "take a new instant of %d", en->pid);
	if (name)
		in->name = hs_xstrdup(name);
	*ret = in;
	return NULL;
}

/** A truncated core explains most of what then goes wrong: say so first. */
static struct hs_err *say_missing(struct hs_err *err, const struct im_image *im)
{
	HS_TEXT t = { 0 };

	if (!im_missing(im))
		return err;
	hs_text_size(&t, im_missing(im));
	return hs_err_wrap(err, "the core is truncated, %s are missing",
			   hs_text_str(&t));
}

static struct hs_err *open_core(struct en_engine *en, const char *path,
				struct lg_instant **ret)
{
	struct en_instant *in;
	struct md_claim claim;
	struct im_image *im;
	struct hs_err *err;

	err = im_open_core(path, &im);
	if (err && !err->remedy)
		err = hs_err_remedy(err, "gcore PID writes a core; load FILE "
					 "reads a statistic");
	if (err)
		return err;
	err = probe(en, im, &claim);
	if (err) {
		err = say_missing(err, im);
		im_destroy(im);
		return hs_err_wrap(err, "open '%s'", path);
	}
	in = en_instant_create(en);
	in->lg.image = im;
	in->lg.taken_ns = im_info(im)->taken_ns;
	err = open_model(en, &claim, &in->lg);
	if (err) {
		err = say_missing(err, im);
		lg_instant_unref(&in->lg);
		return hs_err_wrap(err, "open '%s'", path);
	}
	en_instants_clear(en);
	en->claim = claim;
	in->lg.attached = en_attached_doc(&in->lg);
	*ret = &in->lg;
	return NULL;
}

struct hs_err *en_open(struct en_engine *en, const char *path,
		       struct lg_instant **ret)
{
	unsigned turns = 0;
	struct hs_err *err;

	do {
		err = open_core(en, path, ret);
	} while (turns++ < PLUGINS_MAX && may_try_another(en, err));
	return err;
}

/** Whose process the tracer's instant is, asked of its own clone. */
static struct hs_err *adopt_one(struct en_engine *en, uint64_t id,
				struct lg_instant **ret)
{
	struct tg_instant *t;
	struct im_image *im;
	struct hs_err *err;

	err = tg_adopt(en->tracer, id, &t);
	if (err)
		return err;
	err = open_image(en, t->pid, t, &im);
	if (!err) {
		err = probe(en, im, &en->claim);
		im_destroy(im);
	}
	if (err) {
		hs_err_free(tg_release(en->tracer, t));
		tg_instant_free(t);
		return err;
	}
	en->pid = t->pid;
	return understand(en, t, &en->claim, ret);
}

void en_adopt(struct en_engine *en)
{
	HS_FREE struct wr_tracer_item *items = NULL;
	struct lg_instant *in;
	struct hs_err *err;
	size_t n = 0;

	err = tg_list(en->tracer, &items, &n);
	for (size_t i = 0; !err && i < n; i++) {
		if (!items[i].id) {
			if (!items[i].state)
				en_own_child(en, items[i].pid);
			continue;
		}
		err = adopt_one(en, items[i].id, &in);
		if (err)
			break;
		en_instant_enter(en, in);
		lg_instant_unref(in);
	}
	if (err)
		en_words(en, "heapsh: take the instants over: %s",
			 err->message);
	hs_err_free(err);
}
