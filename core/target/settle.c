// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "tg_packet.h"

/*
 * E, a clone of the clone, takes the identity of one thread and runs as the
 * program would have, to its first system call that is not memory management.
 * There allocator and interpreter are consistent. Whether that is so is the
 * plugin's knowledge; ours is that nobody else can notice the run: no
 * descriptor is open, what is shared is read-only, and every system call is
 * looked at before it is made.
 */
enum {
	LIMIT_MS_MAX = 5000,
	WALL_FACTOR = 20,	/* on a starved machine */
	WALL_MS_MAX = 5000,
	SLICE_MS = 5,		/* between looks at the processor time */
};

/** One settling. */
struct settle {
	struct tg_tracer *t;
	struct tg_held *h;
	struct wr_tracer_settle q;
	struct wr_tracer_write *writes;	/* before, then after */
	struct wr_tracer_range *ranges;	/* all that is shared with others */
	size_t n_ranges;		/* the first q.n_shared: writable */
	int mem_fd;			/* of E */
	clockid_t clock;		/* E's processor time */
	uint64_t deadline_ns;		/* wall */
	uint64_t limit_ns;		/* processor time, absolute */
	bool made;			/* E is ours, to be ended on failure */
	struct wr_tracer_settled r;
};

static void settle_deinit(struct settle *s)
{
	free(s->writes);
	free(s->ranges);
	hs_close_p(&s->mem_fd);
}

static struct hs_err *take_lists(struct settle *s, struct tg_packet *in)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 0);
	size_t n = (size_t)s->q.n_before + s->q.n_after;
	uint64_t size = n * sizeof(*s->writes);
	struct hs_err *err;

	s->writes = hs_xcalloc(n + 1, sizeof(*s->writes));
	s->n_ranges = (size_t)s->q.n_shared + s->q.n_closed;
	s->ranges = hs_xcalloc(s->n_ranges + 1, sizeof(*s->ranges));
	err = hs_err_wrap(tg_take_writes(fd, 0, n, s->writes), "settle");
	if (!err)
		err = tg_memfd_read(fd, size, s->ranges,
				    s->n_ranges * sizeof(*s->ranges));
	return err;
}

static struct hs_err *take_request(struct settle *s, struct tg_packet *in)
{
	memcpy(&s->q, in->bytes, sizeof(s->q));
	if (in->head.size != sizeof(s->q) || !s->q.limit_ms ||
	    s->q.limit_ms > LIMIT_MS_MAX ||
	    s->q.n_before > WR_TRACER_WRITES ||
	    s->q.n_after > WR_TRACER_WRITES ||
	    s->q.n_shared > WR_TRACER_SHARED ||
	    s->q.n_closed > WR_TRACER_SHARED)
		return hs_err_new(HS_ERR_FORMAT, "settle: wrong request");
	s->h = tg_held_find(s->t, s->q.id);
	if (!s->h || !s->h->snap)
		return hs_err_new(HS_ERR_NAME,
				  "settle: the instant is not held any more");
	if (s->h->eval || s->h->settle_state != WR_TRACER_UNSETTLED)
		return hs_err_new(HS_ERR_USAGE,
				  "settle: the instant has been settled");
	if (s->q.thread >= s->h->stop.tasks.n)
		return hs_err_new(HS_ERR_FORMAT, "settle: no thread %u",
				  s->q.thread);
	return take_lists(s, in);
}

/* --- E is made --- */

static struct hs_err *make_eval(struct settle *s)
{
	struct tg_held *h = s->h;
	uint64_t start = hs_now_ns();
	struct hs_err *err = tg_clone_of(s->t, h, h->snap, &h->eval);

	s->made = h->eval != 0;
	if (err)
		return err;
	s->r.clone_ns = hs_now_ns() - start;
	return NULL;
}

/* --- E runs --- */

static uint64_t cpu_ns(const struct settle *s)
{
	struct timespec ts;

	if (clock_gettime(s->clock, &ts))
		return UINT64_MAX;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool over_limit(const struct settle *s)
{
	return hs_now_ns() >= s->deadline_ns || cpu_ns(s) >= s->limit_ns;
}

static bool become(struct settle *s, const struct tg_task *task)
{
	struct user_regs_struct r = task->state.regs;
	struct timespec ts;

	tg_arch_restart(&r);
	if (tg_arch_set_regs(s->h->eval, &r) ||
	    tg_arch_set_xstate(s->h->eval, task->state.xstate,
			       task->state.xstate_size))
		return false;
	if (clock_getcpuclockid(s->h->eval, &s->clock) ||
	    clock_gettime(s->clock, &ts))
		return false;
	s->limit_ns = cpu_ns(s) + UINT64_C(1) * s->q.limit_ms * TG_MS;
	return true;
}

/* Let it run until it has something to report, or the limit is reached. */
static bool run_slice(struct settle *s, struct tg_event *ret)
{
	if (ptrace(PTRACE_SYSCALL, s->h->eval, 0, 0)) {
		ret->kind = TG_EV_END;
		return true;
	}
	do {
		tg_task_wait(s->t->signal_fd, s->h->eval, false,
			     hs_now_ns() + SLICE_MS * TG_MS, ret);
		if (ret->kind != TG_EV_NONE)
			return true;
	} while (!over_limit(s));
	return false;
}

/* Stands at the entry of a call that is not made. Stops behind it. */
static bool cancel(struct settle *s, struct user_regs_struct *r,
		   int64_t result)
{
	struct tg_event ev;

	tg_arch_cancel(r);
	if (tg_arch_set_regs(s->h->eval, r) || !run_slice(s, &ev) ||
	    !ev.syscall || tg_arch_get_regs(s->h->eval, r))
		return false;
	tg_arch_set_result(r, result);
	return !tg_arch_set_regs(s->h->eval, r);
}

/*
 * At an entry. true: *ret is the state in which it ends. Else *ret_inside:
 * whether the exit of the call is still to come.
 */
static bool entered(struct settle *s, enum wr_tracer_settle_state *ret,
		    bool *ret_inside)
{
	struct user_regs_struct r;
	struct tg_call call = { .nr = -1 };
	enum tg_verdict v;

	*ret = WR_TRACER_ENDED;
	if (tg_arch_get_regs(s->h->eval, &r))
		return true;
	if (!tg_arch_entered(s->h->eval, &call)) {
		s->r.signal = SIGSYS;
		*ret = WR_TRACER_FAULT;
		return true;
	}
	v = tg_arch_verdict(s->q.calls, &call, s->ranges, s->n_ranges);
	if (v == TG_STOP_HERE) {
		memcpy(s->r.regs, &r, sizeof(s->r.regs));
		s->r.call = (int32_t)call.nr;
		if (cancel(s, &r, -ENOSYS))
			*ret = WR_TRACER_SETTLED;
		return true;
	}
	s->r.calls_passed++;
	*ret_inside = v == TG_PASS;
	return v == TG_PRETEND && !cancel(s, &r, 0);
}

static enum wr_tracer_settle_state run(struct settle *s)
{
	enum wr_tracer_settle_state state;
	bool inside = false;	/* of a call that passes */

	for (;;) {
		struct tg_event ev;

		if (over_limit(s) || !run_slice(s, &ev))
			return WR_TRACER_LIMIT;
		if (ev.kind != TG_EV_STOP)
			return WR_TRACER_ENDED;
		if (tg_event_is_interrupt(&ev))
			continue;
		if (!ev.syscall) {
			s->r.signal = ev.signal;
			return WR_TRACER_FAULT;
		}
		if (inside)
			inside = false;
		else if (entered(s, &state, &inside))
			return state;
	}
}

/* Blocked in a call that ends the run: it is where it would arrive. */
static bool stands_already(struct settle *s, const struct tg_task *task)
{
	struct tg_call in;

	tg_arch_blocked_in(&task->state.regs, &in);
	if (in.nr < 0 || tg_arch_verdict(s->q.calls, &in, s->ranges,
					 s->n_ranges) != TG_STOP_HERE)
		return false;
	memcpy(s->r.regs, &task->state.regs, sizeof(s->r.regs));
	s->r.call = (int32_t)in.nr;
	return true;
}

static enum wr_tracer_settle_state settle(struct settle *s)
{
	const struct tg_task *task = &s->h->stop.tasks.v[s->q.thread];
	uint64_t wall_ms = (uint64_t)s->q.limit_ms * WALL_FACTOR;
	enum wr_tracer_settle_state state = WR_TRACER_SETTLED;

	if (!tg_clone_confine(s->t, s->h, s->h->eval, s->ranges,
			      s->q.n_shared))
		return WR_TRACER_UNCONFINED;
	if (!tg_clone_write(s->mem_fd, s->writes, s->q.n_before))
		return WR_TRACER_FAULT;
	if (wall_ms > WALL_MS_MAX)
		wall_ms = WALL_MS_MAX;
	s->deadline_ns = hs_now_ns() + wall_ms * TG_MS;
	if (!become(s, task))
		return WR_TRACER_ENDED;
	if (!stands_already(s, task))
		state = run(s);
	if (state == WR_TRACER_SETTLED &&
	    !tg_clone_write(s->mem_fd, s->writes + s->q.n_before,
			    s->q.n_after))
		return WR_TRACER_FAULT;
	return state;
}

static struct hs_err *do_settle(struct settle *s, struct tg_packet *out)
{
	struct tg_held *h = s->h;
	struct hs_err *err = make_eval(s);
	uint64_t start = hs_now_ns();
	int fd;

	if (!err) {
		s->mem_fd = tg_proc_open(h->eval, "mem", O_RDWR);
		if (s->mem_fd < 0)
			err = hs_err_os(-s->mem_fd, "open memory of clone %d",
					h->eval);
	}
	if (err)
		return err;
	h->settle_state = settle(s);
	s->r.run_ns = hs_now_ns() - start;
	h->settle_ns = s->r.clone_ns + s->r.run_ns;
	s->r.state = h->settle_state;
	if (h->settle_state != WR_TRACER_SETTLED)
		return NULL;
	fd = tg_proc_open(h->eval, "mem", O_RDONLY);
	if (fd < 0)
		return hs_err_os(-fd, "open memory of clone %d", h->eval);
	tg_packet_add_fd(out, fd);
	s->r.eval_pid = h->eval;
	h->settled_thread = s->q.thread;
	memcpy(&h->stop.tasks.v[s->q.thread].state.regs, s->r.regs,
	       sizeof(s->r.regs));
	return NULL;
}

struct hs_err *tg_do_settle(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out)
{
	struct settle s = { .t = t, .mem_fd = -1 };
	struct hs_err *err = take_request(&s, in);

	s.r.call = -1;
	if (!err)
		err = do_settle(&s, out);
	if (err && s.made)
		s.h->settle_state = WR_TRACER_ENDED;
	if (s.made && !s.r.eval_pid)
		tg_held_end_eval(t, s.h);
	if (!err) {
		memcpy(&s.r, out->bytes, offsetof(struct wr_tracer_settled,
						  state));
		s.r.head.size = sizeof(s.r);
		memcpy(out->bytes, &s.r, sizeof(s.r));
	}
	settle_deinit(&s);
	return err;
}
