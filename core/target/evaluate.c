// SPDX-License-Identifier: Apache-2.0
#include "tg_evaluator.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SLICE_MS = 50,		/* between looks at Ctrl-C and the clock */
	ASK_MS = 60000,
	CPU_MS = 1000,		/* when nobody says */
	WALL_FACTOR = 20,	/* of it, on a starved machine; and */
	WALL_MS = 10000,
	DIRTY_MIB = 512,	/* pages it has touched: it is thrown away */
	PAGE = 4096,
};

/* --- whose identity --- */

/* The higher, the surer that it holds no lock of the allocator's. */
static int rank(const struct tg_instant *in, uint32_t i)
{
	const struct tg_thread *t = &in->threads[i];

	switch (t->syscall) {
	case -1:
		return 1;
	case SYS_brk:
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_madvise:
		return 0;
	case SYS_futex:
		return 2;
	default:
		return t->tid == in->pid ? 4 : 3;
	}
}

static uint32_t best_thread(const struct tg_instant *in)
{
	uint32_t best = 0;

	if (in->state == WR_TRACER_SETTLED)
		return in->settled_thread;
	for (uint32_t i = 1; i < in->n_threads; i++) {
		if (rank(in, i) > rank(in, best))
			best = i;
	}
	return best;
}

void tg_eval_create(struct tg_client *c, const struct tg_instant *in,
		    const struct tg_eval_setup *setup, struct hs_task *task,
		    struct tg_eval **ret)
{
	struct tg_eval *e = hs_xalloc(sizeof(*e));

	e->client = c;
	e->in = in;
	e->task = task;
	e->enter = setup->enter;
	e->thread = setup->thread < in->n_threads ? setup->thread :
						    best_thread(in);
	e->writes = hs_xcalloc(setup->n_writes + 1, sizeof(*e->writes));
	e->n_writes = setup->n_writes;
	if (e->n_writes)
		memcpy(e->writes, setup->writes,
		       e->n_writes * sizeof(*e->writes));
	e->mem_fd = -1;
	*ret = e;
}

void tg_eval_reset(struct tg_eval *e)
{
	struct wr_tracer_guest_end m = { .guest = e->copy };
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };

	if (!e->copy)
		return;
	e->copy = 0;
	e->spoilt = false;
	hs_close_p(&e->mem_fd);
	tg_packet_init(&q, WR_TRACER_GUEST_END, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	// An instant that was released has taken its copies along.
	hs_err_free(tg_client_ask(e->client, &q, ASK_MS, &a));
}

void tg_eval_destroy(struct tg_eval *e)
{
	if (!e)
		return;
	tg_eval_reset(e);
	free(e->writes);
	free(e);
}

/* --- a copy is made --- */

static struct hs_err *make_copy(struct tg_eval *e)
{
	struct wr_tracer_guest_made r;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err = tg_eval_copy_request(e, &q);

	if (!err)
		err = tg_client_ask(e->client, &q, ASK_MS, &a);
	if (err)
		return hs_err_wrap(err, "copy the image of %d", e->in->pid);
	memcpy(&r, a.bytes, sizeof(r));
	e->copy = r.guest;
	e->pid = r.pid;
	e->mem_fd = tg_packet_take_fd(&a, 0);
	e->number++;
	return NULL;
}

/* --- it runs --- */

/** How one request goes. */
struct course {
	uint64_t entry;		/* 0: it has begun */
	uint64_t limit_ns;	/* of processor time */
	uint64_t moved_cpu_ns, moved_ns; /* when progress was last seen */
	uint64_t progress;
	uint64_t value;
};

/* Until the next look, and not far beyond what it may use up. */
static uint32_t slice_of(const struct course *c, uint64_t cpu_ns)
{
	uint64_t used = cpu_ns - c->moved_cpu_ns, left = 1;

	if (used < c->limit_ns)
		left += (c->limit_ns - used) / 1000000;
	return left < SLICE_MS ? (uint32_t)left : SLICE_MS;
}

/** @param ret on entry what the last slice told. */
static struct hs_err *run_slice(struct tg_eval *e, struct course *c,
				struct wr_tracer_ran *ret)
{
	struct wr_tracer_run m = {
		.guest = e->copy,
		.entry = c->entry,
		.argument = e->area,
		.back = e->entry + WR_PROBE_RETURN,
		.slice_ms = slice_of(c, ret->cpu_ns),
		.sp = e->sp,
	};
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_RUN, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	err = tg_client_ask(e->client, &q, ASK_MS, &a);
	if (!err)
		memcpy(ret, a.bytes, sizeof(*ret));
	c->entry = 0;
	return err;
}

static bool is_late(struct tg_eval *e, struct course *c,
		    const struct wr_tracer_ran *ran)
{
	uint64_t at = e->area + offsetof(struct wr_probe_request, progress);
	uint64_t progress = c->progress, now = hs_now_ns(), wall;

	(void)tg_eval_read(e, at, &progress, sizeof(progress));
	if (progress != c->progress) {
		c->progress = progress;
		c->moved_cpu_ns = ran->cpu_ns;
		c->moved_ns = now;
	}
	wall = c->limit_ns * WALL_FACTOR +
	       UINT64_C(1) * WALL_MS * 1000000;
	return ran->cpu_ns - c->moved_cpu_ns >= c->limit_ns ||
	       now - c->moved_ns >= wall;
}

static enum tg_eval_end end_of(uint32_t state)
{
	switch (state) {
	case WR_TRACER_RAN_RETURNED: return TG_EVAL_RETURNED;
	case WR_TRACER_RAN_CRASHED: return TG_EVAL_CRASHED;
	case WR_TRACER_RAN_STUCK: return TG_EVAL_STUCK;
	case WR_TRACER_RAN_EXITED: return TG_EVAL_EXITED;
	case WR_TRACER_RAN_ENDED:
	default: return TG_EVAL_ENDED;
	}
}

static void take_result(const struct wr_tracer_ran *ran, uint64_t copy,
			enum tg_eval_end end, struct tg_eval_result *ret)
{
	*ret = (struct tg_eval_result){
		.end = end,
		.signal = ran->signal,
		.status = ran->exit_status,
		.n_refused = ran->n_refused,
		.refused = ran->refused,
		.n_helped = ran->n_helped,
		.address = ran->address,
		.copy = copy,
		.cpu_ns = ran->cpu_ns,
	};
}

static struct hs_err *run_course(struct tg_eval *e, struct course *c,
				 struct tg_eval_result *ret)
{
	struct wr_tracer_ran ran = { .refused = -1 };
	struct hs_err *err;

	for (;;) {
		err = run_slice(e, c, &ran);
		if (err)
			return err;
		if (ran.state != WR_TRACER_RAN_ON)
			break;
		if (e->task && hs_cancelled(e->task)) {
			take_result(&ran, e->number, TG_EVAL_CANCELLED, ret);
			return NULL;
		}
		if (is_late(e, c, &ran)) {
			take_result(&ran, e->number, TG_EVAL_LATE, ret);
			return NULL;
		}
	}
	take_result(&ran, e->number, end_of(ran.state), ret);
	c->value = ran.value;
	return NULL;
}

/* In the copy that there is. */
static struct hs_err *serve(struct tg_eval *e, struct wr_probe_request *io,
			    uint32_t cpu_ms, struct tg_eval_result *ret,
			    uint64_t *ret_answer)
{
	struct course c = {
		.entry = e->entry,
		.limit_ns = (uint64_t)(cpu_ms ? cpu_ms : CPU_MS) * 1000000,
		.progress = io->progress,
		.moved_ns = hs_now_ns(),
	};
	struct wr_probe_request after;
	struct hs_err *err;

	if (tg_eval_write(e, e->area, io, sizeof(*io)) != sizeof(*io))
		return hs_err_new(HS_ERR_GONE,
				  "write into the copy of %d: it has ended",
				  e->in->pid);
	err = run_course(e, &c, ret);
	if (err)
		return err;
	if (tg_eval_read(e, e->area, &after, sizeof(after)) ==
	    sizeof(after)) {
		io->progress = after.progress;
		io->used = after.used;
		io->result = after.result;
		io->n_collected = after.n_collected;
		memcpy(io->collectors, after.collectors,
		       sizeof(io->collectors));
	}
	e->spoilt = ret->end != TG_EVAL_RETURNED;
	*ret_answer = c.value;
	return NULL;
}

static struct hs_err *enter(struct tg_eval *e)
{
	struct wr_probe_request q = { .op = WR_PROBE_CALL,
				      .function = e->enter };
	struct tg_eval_result r;
	HS_TEXT why = { 0 };
	uint64_t answer;
	struct hs_err *err = serve(e, &q, 0, &r, &answer);

	if (err || r.end == TG_EVAL_RETURNED)
		return err;
	if (r.end == TG_EVAL_CANCELLED)
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	tg_eval_explain(&r, &why);
	return hs_err_new(HS_ERR_OTHER,
			  "make a copy of %d ready: %s", e->in->pid,
			  hs_text_str(&why));
}

/* Pages that it has touched are memory of ours: what it costs is bounded. */
static bool is_used_up(const struct tg_eval *e)
{
	uint64_t faults;

	if (!tg_stat_field(e->pid, TG_STAT_MINFLT, &faults))
		return true;
	return faults > (UINT64_C(1) * DIRTY_MIB << 20) / PAGE;
}

static struct hs_err *need_copy(struct tg_eval *e)
{
	struct hs_err *err;

	if (e->copy && (e->spoilt || is_used_up(e)))
		tg_eval_reset(e);
	if (e->copy)
		return NULL;
	err = make_copy(e);
	if (!err && e->enter)
		err = enter(e);
	if (err)
		tg_eval_reset(e);
	return err;
}

struct hs_err *tg_eval_request(struct tg_eval *e, struct wr_probe_request *io,
			       uint32_t cpu_ms, struct tg_eval_result *ret,
			       uint64_t *ret_answer)
{
	struct hs_err *err = need_copy(e);

	if (!err)
		err = serve(e, io, cpu_ms, ret, ret_answer);
	if (err)
		tg_eval_reset(e);
	return err;
}

struct hs_err *tg_eval_call(struct tg_eval *e, uint64_t function,
			    const uint64_t *args, size_t n, uint32_t cpu_ms,
			    struct tg_eval_result *ret, uint64_t *ret_value)
{
	struct wr_probe_request q = { .op = WR_PROBE_CALL,
				      .function = function };
	struct hs_err *err;
	uint64_t answer;

	for (size_t i = 0; i < n && i < WR_PROBE_ARGS; i++)
		q.args[i] = args[i];
	err = tg_eval_request(e, &q, cpu_ms, ret, &answer);
	if (!err)
		*ret_value = q.result;
	return err;
}

/* --- memory of the copy --- */

struct hs_err *tg_eval_area(struct tg_eval *e, struct tg_eval_area *ret)
{
	struct hs_err *err = need_copy(e);

	if (err)
		return err;
	*ret = (struct tg_eval_area){
		.data = e->area + WR_PROBE_REQUEST_BYTES,
		.data_end = e->area + TG_EVAL_DATA,
		.scratch = e->area + TG_EVAL_DATA,
		.scratch_end = e->area + TG_EVAL_DATA + TG_EVAL_SCRATCH,
	};
	return NULL;
}

uint64_t tg_eval_read(struct tg_eval *e, uint64_t addr, void *buf,
		      uint64_t len)
{
	uint64_t done = 0;

	while (e->mem_fd >= 0 && done < len) {
		ssize_t n = pread(e->mem_fd, (char *)buf + done, len - done,
				  (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done;
}

uint64_t tg_eval_write(struct tg_eval *e, uint64_t addr, const void *buf,
		       uint64_t len)
{
	uint64_t done = 0;

	while (e->mem_fd >= 0 && done < len) {
		ssize_t n = pwrite(e->mem_fd, (const char *)buf + done,
				   len - done, (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done;
}

void tg_eval_explain(const struct tg_eval_result *r, struct hs_text *ret)
{
	switch (r->end) {
	case TG_EVAL_CRASHED:
		hs_text_addf(ret, "it crashed with signal %d (%s)", r->signal,
			     strsignal(r->signal));
		if (r->signal == SIGSEGV || r->signal == SIGBUS)
			hs_text_addf(ret, " at 0x%llx",
				     (unsigned long long)r->address);
		break;
	case TG_EVAL_LATE:
		hs_text_addf(ret, "it was ended after %.1f s of processor "
			     "time", (double)r->cpu_ns / 1e9);
		break;
	case TG_EVAL_STUCK:
		hs_text_add(ret, "it waits for a lock that nobody in the "
			    "copy gives back");
		break;
	case TG_EVAL_EXITED:
		hs_text_addf(ret, "it has called exit(%d)", r->status);
		break;
	case TG_EVAL_ENDED:
		hs_text_add(ret, "the copy was killed from outside, memory "
			    "may be short");
		break;
	case TG_EVAL_CANCELLED:
		hs_text_add(ret, "interrupted");
		break;
	case TG_EVAL_RETURNED:
	case TG_EVAL_FAILED:
	default:
		break;
	}
}
