// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <sys/ptrace.h>

/*
 * In a copy there is one thread, and the locks are as they were: the owner of
 * one may be a thread that is not here. Its registers are; so the copy becomes
 * that thread for a while, on that thread's own stack, until it has given the
 * lock back, and then goes on with the call.
 *
 * Who waits has told the owner so in the lock word itself (that is what makes
 * a futex one), and the owner will wake it: a system call, at which we stop
 * anyway. No instruction need be counted, and no word watched.
 */
enum {
	ROUNDS = 2,
	SLICE_MS = 5,		/* of each thread, ten times that the second */
	LONGER = 10,
	THREADS_MAX = 256,	/* that are tried */
};

/** One wait that is to be ended. */
struct help {
	struct tg_tracer *t;
	struct tg_held *h;
	struct tg_guest *c;
	const struct tg_wait *wait;
};

static bool has_changed(const struct help *p)
{
	uint32_t word;

	return tg_mem_read(p->c->mem_fd, p->wait->addr, &word,
			   sizeof(word)) &&
	       word != p->wait->value;
}

/* Could it own a lock, and run? A thread that waits for the world cannot. */
static bool may_run(const struct help *p, uint32_t i)
{
	const struct tg_task *task = &p->h->stop.tasks.v[i];
	const struct tg_other *o = &p->c->others[i];
	struct tg_wait wait;
	struct tg_call in;
	int detail;

	if (o->parked || !task->tid || !task->state.xstate_size ||
	    !tg_arch_is_native(&task->state.regs))
		return false;
	if (p->h->eval && i == p->h->settled_thread)
		return false;
	if (o->moved)
		return true;
	tg_arch_blocked_in(&task->state.regs, &in);
	return in.nr < 0 ||
	       tg_arch_verdict(WR_TRACER_CALLS_RUN, &in, p->c->ranges,
			       p->c->n_ranges) != TG_STOP_HERE ||
	       tg_arch_run_call(&in, 0, &wait, &detail) == TG_CALL_WAIT;
}

static bool become(const struct help *p, uint32_t i)
{
	const struct tg_state *s = &p->h->stop.tasks.v[i].state;
	struct tg_other *o = &p->c->others[i];

	if (!o->moved) {
		o->regs = s->regs;
		tg_arch_restart(&o->regs);
	}
	return !tg_arch_set_regs(p->c->pid, &o->regs) &&
	       !tg_arch_set_xstate(p->c->pid,
				   o->xstate ? o->xstate : s->xstate,
				   o->xstate ? o->xstate_size :
					       s->xstate_size);
}

/* Where it stands now is where it goes on when it is its turn again. */
static bool keep(const struct help *p, uint32_t i)
{
	struct tg_other *o = &p->c->others[i];
	struct tg_state s = { 0 };

	if (!o->xstate)
		o->xstate = hs_xalloc(TG_XSTATE_MAX);
	s.xstate = o->xstate;
	if (tg_arch_get_state(p->c->pid, &s))
		return false;
	o->regs = s.regs;
	o->xstate_size = s.xstate_size;
	o->moved = true;
	return true;
}

/* It would leave the copy: it has come as far as it can. */
static bool park(const struct help *p, uint32_t i, const struct tg_call *call,
		 bool for_ever)
{
	struct user_regs_struct regs;

	p->c->others[i].parked = for_ever;
	if (!tg_guest_cancel(p->t, p->c, -EPERM, &regs))
		return false;
	tg_arch_again(&regs, call);
	return !tg_arch_set_regs(p->c->pid, &regs);
}

/** What is to be done next with the thread that runs. */
enum next { GO_ON, ENOUGH, LOST };

/* At the entry of a call; *ret_inside: it is made. */
static enum next entered(const struct help *p, uint32_t i, bool *ret_inside)
{
	struct user_regs_struct regs;
	struct tg_call call = { .nr = -1 };
	struct tg_wait wait;
	uint32_t word;
	int detail;

	if (!tg_arch_entered(p->c->pid, &call))
		return park(p, i, &call, true) ? ENOUGH : LOST;
	switch (tg_arch_verdict(WR_TRACER_CALLS_RUN, &call, p->c->ranges,
				p->c->n_ranges)) {
	case TG_PASS:
		*ret_inside = true;
		return GO_ON;
	case TG_PRETEND:
		return tg_guest_cancel(p->t, p->c, 0, &regs) ? GO_ON : LOST;
	case TG_STOP_HERE:
	default:
		break;
	}
	if (tg_arch_run_call(&call, 0, &wait, &detail) != TG_CALL_WAIT)
		return park(p, i, &call, true) ? ENOUGH : LOST;
	if (tg_mem_read(p->c->mem_fd, wait.addr, &word, sizeof(word)) &&
	    word != wait.value)
		return tg_guest_cancel(p->t, p->c, -EAGAIN, &regs) ? GO_ON :
								    LOST;
	return park(p, i, &call, false) ? ENOUGH : LOST;
}

static enum next at_stop(const struct help *p, uint32_t i,
			 const struct tg_event *ev, bool *inside)
{
	if (ev->kind != TG_EV_STOP)
		return LOST;
	if (tg_event_is_interrupt(ev))
		return GO_ON;
	if (!ev->syscall) {
		p->c->others[i].parked = true;	// it takes a signal
		return ENOUGH;
	}
	if (*inside) {
		*inside = false;
		return has_changed(p) ? ENOUGH : GO_ON;
	}
	return entered(p, i, inside);
}

/* false: the copy is lost. */
static bool let_run(const struct help *p, uint32_t i, uint64_t slice_ns)
{
	uint64_t deadline = hs_now_ns() + slice_ns;
	enum next next = GO_ON;
	bool inside = false;

	if (!become(p, i))
		return false;
	// Not to be left within a call: what is behind it would be lost.
	while (next == GO_ON && (inside || hs_now_ns() < deadline)) {
		struct tg_event ev;

		if (!tg_guest_slice(p->t, p->c, deadline, &ev))
			return false;
		next = at_stop(p, i, &ev, &inside);
	}
	return next != LOST && keep(p, i);
}

static bool run_others(const struct help *p)
{
	size_t n = p->h->stop.tasks.n;
	uint64_t slice = SLICE_MS * UINT64_C(1) * TG_MS;

	if (n > THREADS_MAX)
		n = THREADS_MAX;
	for (int round = 0; round < ROUNDS; round++, slice *= LONGER) {
		for (uint32_t i = 0; i < n; i++) {
			if (!may_run(p, i))
				continue;
			if (!let_run(p, i, slice))
				return false;
			if (has_changed(p))
				return true;
		}
	}
	return false;
}

bool tg_guest_help(struct tg_tracer *t, struct tg_held *h, struct tg_guest *c,
		  const struct tg_wait *wait)
{
	HS_FREE uint8_t *xstate = hs_xalloc(TG_XSTATE_MAX);
	struct help p = { .t = t, .h = h, .c = c, .wait = wait };
	struct tg_state caller = { .xstate = xstate };
	struct user_regs_struct regs;
	bool ok;

	if (!c->others)
		c->others = hs_xcalloc(h->stop.tasks.n, sizeof(*c->others));
	if (!tg_guest_cancel(t, c, 0, &regs) ||
	    tg_arch_get_state(c->pid, &caller))
		return false;
	caller.regs.orig_rax = UINT64_MAX;
	ok = run_others(&p);
	if (tg_arch_set_regs(c->pid, &caller.regs) ||
	    tg_arch_set_xstate(c->pid, caller.xstate, caller.xstate_size))
		return false;
	return ok;
}
