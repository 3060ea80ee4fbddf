// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <time.h>

#include "tg_packet.h"

/*
 * Code runs in a copy. It stops at every system call, before it is made: what
 * only acts on the copy's own memory passes, all else does not happen. There
 * is no filter in the kernel that could be forgotten or fooled, and what a
 * call would have been is known.
 */
enum {
	SLICE_MS_MAX = 1000,
	STOP_MS = 2000,		/* to stop what runs */
	TIMED_MAX = 500,	/* waits that are told their time is over */
};

/** One request. */
struct running {
	struct tg_tracer *t;
	struct tg_held *h;
	struct tg_guest *c;
	uint64_t deadline_ns;
};

void tg_guest_advance(struct tg_tracer *t, struct tg_guest *c,
		     uint64_t deadline_ns, struct tg_event *ret)
{
	ret->kind = TG_EV_END;
	if (!ptrace(PTRACE_SYSCALL, c->pid, 0, 0))
		tg_task_wait(t->signal_fd, c->pid, false, deadline_ns, ret);
}

bool tg_guest_slice(struct tg_tracer *t, struct tg_guest *c,
		   uint64_t deadline_ns, struct tg_event *ret)
{
	tg_guest_advance(t, c, deadline_ns, ret);
	if (ret->kind != TG_EV_NONE)
		return true;
	// Whatever it stops at first: the stop that was asked for may come
	// later, and is passed over then.
	(void)ptrace(PTRACE_INTERRUPT, c->pid, 0, 0);
	tg_task_wait(t->signal_fd, c->pid, false,
		     hs_now_ns() + UINT64_C(1) * STOP_MS * TG_MS, ret);
	return ret->kind != TG_EV_NONE;
}

bool tg_guest_cancel(struct tg_tracer *t, struct tg_guest *c, int64_t result,
		    struct user_regs_struct *ret)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * STOP_MS * TG_MS;
	struct tg_event ev;

	if (tg_arch_get_regs(c->pid, ret))
		return false;
	tg_arch_cancel(ret);
	if (tg_arch_set_regs(c->pid, ret))
		return false;
	do
		tg_guest_advance(t, c, deadline, &ev);
	while (tg_event_is_interrupt(&ev));
	if (ev.kind != TG_EV_STOP || !ev.syscall ||
	    tg_arch_get_regs(c->pid, ret))
		return false;
	tg_arch_set_result(ret, result);
	return !tg_arch_set_regs(c->pid, ret);
}

static uint64_t cpu_ns(const struct tg_guest *c)
{
	struct timespec ts;

	if (clock_gettime(c->clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- at a system call --- */

static bool answer(struct running *r, int64_t result)
{
	struct user_regs_struct regs;

	return tg_guest_cancel(r->t, r->c, result, &regs);
}

static bool refuse(struct running *r, int64_t nr)
{
	struct wr_tracer_ran *ran = &r->c->ran;

	if (!ran->n_refused++)
		ran->refused = (int32_t)nr;
	return answer(r, -EPERM);
}

/*
 * Nobody else lives in the copy. Either another thread of the program has what
 * is waited for and, run on, gives it; or nobody ever will.
 */
static bool wait_for_word(struct running *r, const struct tg_wait *wait,
			  bool *ret_stuck)
{
	struct tg_guest *c = r->c;
	struct user_regs_struct regs;
	uint32_t word;

	if (!tg_mem_read(c->mem_fd, wait->addr, &word, sizeof(word)))
		return answer(r, -EFAULT);
	if (word != wait->value)
		return answer(r, -EAGAIN);
	if (wait->timed && c->n_timed) {
		*ret_stuck = c->n_timed++ > TIMED_MAX;
		return answer(r, -ETIMEDOUT);
	}
	if (tg_guest_help(r->t, r->h, c, wait)) {
		c->ran.n_helped++;
		return true;
	}
	c->n_timed++;
	*ret_stuck = !wait->timed;
	if (*ret_stuck)
		return true;
	if (tg_arch_get_regs(c->pid, &regs))
		return false;
	tg_arch_set_result(&regs, -ETIMEDOUT);
	return !tg_arch_set_regs(c->pid, &regs);
}

static bool raised(struct running *r, int signal,
		   enum wr_tracer_ran_state *ret)
{
	if (!signal)
		return answer(r, 0);
	r->c->ran.signal = signal;
	*ret = WR_TRACER_RAN_CRASHED;
	return true;
}

/* A call that must not be made. */
static bool withheld(struct running *r, const struct tg_call *call,
		     enum wr_tracer_ran_state *ret)
{
	struct tg_wait wait = { 0 };
	bool stuck = false, ok;
	int detail = 0;

	switch (tg_arch_run_call(call, r->c->self, &wait, &detail)) {
	case TG_CALL_EXIT:
		r->c->ran.exit_status = detail;
		*ret = WR_TRACER_RAN_EXITED;
		return true;
	case TG_CALL_RAISE:
		return raised(r, detail, ret);
	case TG_CALL_WAIT:
		ok = wait_for_word(r, &wait, &stuck);
		if (stuck)
			*ret = WR_TRACER_RAN_STUCK;
		return ok;
	case TG_CALL_NO_TERMINAL:
		return answer(r, -ENOTTY);
	case TG_CALL_REFUSE:
	default:
		return refuse(r, call->nr);
	}
}

/* At an entry or exit. false: the copy has ended. */
static bool at_call(struct running *r, enum wr_tracer_ran_state *ret)
{
	struct tg_guest *c = r->c;
	struct tg_call call = { .nr = -1 };

	if (c->inside) {
		c->inside = false;
		return true;
	}
	// int $0x80 and its like: the numbers mean other calls.
	if (!tg_arch_entered(c->pid, &call))
		return refuse(r, -1);
	switch (tg_arch_verdict(WR_TRACER_CALLS_RUN, &call, c->ranges,
				c->n_ranges)) {
	case TG_PASS:
		c->inside = true;
		return true;
	case TG_PRETEND:
		return answer(r, 0);
	case TG_STOP_HERE:
	default:
		return withheld(r, &call, ret);
	}
}

/* --- at a signal --- */

/* What an instruction does; all else comes from outside, and is not for it. */
static bool is_fault(int signal)
{
	switch (signal) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

static bool at_signal(struct running *r, int signal,
		      enum wr_tracer_ran_state *ret)
{
	struct wr_tracer_ran *ran = &r->c->ran;
	struct user_regs_struct regs;
	siginfo_t si;

	if (!is_fault(signal))
		return true;
	if (tg_arch_get_regs(r->c->pid, &regs) ||
	    ptrace(PTRACE_GETSIGINFO, r->c->pid, 0, &si))
		return false;
	if (si.si_code <= 0 && si.si_code != SI_KERNEL)
		return true;
	ran->ip = tg_arch_ip(&regs);
	if (signal == SIGTRAP && ran->ip == r->c->back) {
		ran->value = (uint64_t)tg_arch_result(&regs);
		*ret = WR_TRACER_RAN_RETURNED;
		return true;
	}
	ran->signal = signal;
	ran->address = (uint64_t)si.si_addr;
	*ret = WR_TRACER_RAN_CRASHED;
	return true;
}

/* --- the loop --- */

static bool at_stop(struct running *r, const struct tg_event *ev,
		    enum wr_tracer_ran_state *ret)
{
	if (ev->kind != TG_EV_STOP)
		return false;
	if (tg_event_is_interrupt(ev))
		return true;
	return ev->syscall ? at_call(r, ret) : at_signal(r, ev->signal, ret);
}

static enum wr_tracer_ran_state run(struct running *r)
{
	enum wr_tracer_ran_state state = WR_TRACER_RAN_ON;

	do {
		struct tg_event ev;

		if (!tg_guest_slice(r->t, r->c, r->deadline_ns, &ev) ||
		    !at_stop(r, &ev, &state))
			return WR_TRACER_RAN_ENDED;
	} while (state == WR_TRACER_RAN_ON && hs_now_ns() < r->deadline_ns);
	return state;
}

static bool begin(struct running *r, const struct wr_tracer_run *q)
{
	const struct tg_task *task = &r->h->stop.tasks.v[r->c->thread];
	struct tg_guest *c = r->c;
	struct user_regs_struct regs;

	tg_arch_enter(&task->state.regs, q->sp, q->entry, q->argument, &regs);
	c->ran = (struct wr_tracer_ran){ .refused = -1 };
	c->under_way = true;
	c->inside = false;
	c->back = q->back;
	c->n_timed = 0;
	c->cpu_ns = cpu_ns(c);
	return !tg_arch_set_regs(c->pid, &regs) &&
	       !tg_arch_set_xstate(c->pid, task->state.xstate,
				   task->state.xstate_size);
}

static struct hs_err *take_request(struct running *r, struct tg_packet *in,
				   struct wr_tracer_run *ret)
{
	memcpy(ret, in->bytes, sizeof(*ret));
	if (in->head.size != sizeof(*ret) || !ret->slice_ms ||
	    ret->slice_ms > SLICE_MS_MAX)
		return hs_err_new(HS_ERR_FORMAT, "run: wrong request");
	r->c = tg_guest_find(r->t, ret->guest, &r->h);
	if (!r->c)
		return hs_err_new(HS_ERR_NAME,
				  "run: the copy is not held any more");
	if (!ret->entry && !r->c->under_way)
		return hs_err_new(HS_ERR_USAGE, "run: nothing is under way");
	r->deadline_ns = hs_now_ns() + UINT64_C(1) * ret->slice_ms * TG_MS;
	return NULL;
}

struct hs_err *tg_do_run(struct tg_tracer *t, struct tg_packet *in,
			 struct tg_packet *out)
{
	struct running r = { .t = t };
	struct wr_tracer_ran *ran;
	struct wr_tracer_run q;
	struct hs_err *err = take_request(&r, in, &q);

	if (err)
		return err;
	ran = &r.c->ran;
	ran->state = WR_TRACER_RAN_ENDED;
	if (r.c->pid && (!q.entry || begin(&r, &q)))
		ran->state = run(&r);
	if (ran->state != WR_TRACER_RAN_ON)
		r.c->under_way = false;
	ran->cpu_ns = cpu_ns(r.c) - r.c->cpu_ns;
	memcpy(&ran->head, out->bytes,
	       offsetof(struct wr_tracer_ran, state));
	ran->head.size = sizeof(*ran);
	memcpy(out->bytes, ran, sizeof(*ran));
	return NULL;
}
