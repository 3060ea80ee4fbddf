// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>

/** Where a call is on its way. */
struct progress {
	pid_t tid;
	bool entered;		/* the next stop at a call is its exit */
	int signal;		/* to give when it goes on */
	bool made;
};

/*
 * One stop of the task. true: the call has been made (or never will be: *ret
 * is not TG_DONE).
 */
static bool step(struct progress *p, const struct tg_event *ev,
		 struct tg_remote *io, enum tg_end *ret)
{
	unsigned long child;

	p->signal = 0;
	if (ev->kind == TG_EV_END || ev->kind == TG_EV_LOST) {
		*ret = TG_ENDED;
		return true;
	}
	if (ev->syscall) {
		if (p->entered)
			p->made = true;
		p->entered = !p->entered;
		*ret = TG_DONE;
		return p->made;
	}
	if (ev->event == PTRACE_EVENT_CLONE) {
		if (!ptrace(PTRACE_GETEVENTMSG, p->tid, 0, &child))
			io->child = (pid_t)child;
		return false;
	}
	// An interrupt of before, or job control: it goes on, and at the end
	// is stopped again by whoever stopped it.
	if (ev->event == PTRACE_EVENT_STOP)
		return false;
	if (ev->event == 0 && ev->signal == SIGSTOP) {
		p->signal = SIGSTOP;
		return false;
	}
	*ret = TG_ODD;
	return true;
}

static enum tg_end run(struct tg_tracer *t, struct progress *p,
		       uint64_t deadline_ns, struct tg_remote *io)
{
	enum tg_end end = TG_DONE;
	struct tg_event ev;

	do {
		if (ptrace(PTRACE_SYSCALL, p->tid, 0, p->signal))
			return TG_ENDED;
		tg_thread_wait(t, p->tid, false, deadline_ns, &ev);
		if (ev.kind == TG_EV_NONE)
			return TG_LATE;
	} while (!step(p, &ev, io, &end));
	return end;
}

enum tg_end tg_remote_call(struct tg_tracer *t, pid_t tid,
			   const struct user_regs_struct *base,
			   const struct tg_gadgets *g, uint64_t sp,
			   uint64_t deadline_ns, struct tg_remote *io)
{
	struct user_regs_struct r;

	io->child = 0;
	for (;;) {
		struct progress p = { .tid = tid };
		enum tg_end end;

		tg_arch_call(base, g, sp, &io->call, &r);
		if (tg_arch_set_regs(tid, &r))
			return TG_ENDED;
		end = run(t, &p, deadline_ns, io);
		if (end != TG_DONE)
			return end;
		if (tg_arch_get_regs(tid, &r))
			return TG_ENDED;
		io->result = tg_arch_result(&r);
		// clone() does not begin while a stop is due (fork.c,
		// copy_process): it has been taken by now.
		if (!tg_arch_wants_restart(io->result))
			return TG_DONE;
		if (hs_now_ns() >= deadline_ns)
			return TG_LATE;
	}
}
