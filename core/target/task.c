// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = 0x80 };	/* PTRACE_O_TRACESYSGOOD */

static int wait_status_of(const siginfo_t *si)
{
	switch (si->si_code) {
	case CLD_EXITED:
		return (si->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return (si->si_status & 0x7f) | 0x80;
	default:
		return si->si_status & 0x7f;
	}
}

static void stop_event(int status, struct tg_event *ret)
{
	*ret = (struct tg_event){
		.kind = TG_EV_STOP,
		.signal = status & 0x7f,
		.event = status >> 8 & 0xff,
		.syscall = (status & 0xff) == (SIGTRAP | SYSCALL_STOP),
	};
}

static int ask(pid_t tid, int flags, siginfo_t *ret)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	do
		rc = waitid(P_PID, (id_t)tid, ret,
			    WEXITED | WSTOPPED | WNOHANG | __WALL | flags);
	while (rc && errno == EINTR);
	return rc;
}

void tg_task_poll(pid_t tid, bool keep, struct tg_event *ret)
{
	siginfo_t si;

	*ret = (struct tg_event){ .kind = TG_EV_NONE };
	if (ask(tid, WNOWAIT, &si)) {
		ret->kind = TG_EV_LOST;
		return;
	}
	if (!si.si_pid)
		return;
	if (si.si_code == CLD_TRAPPED || si.si_code == CLD_STOPPED) {
		stop_event(si.si_status, ret);
		if (!keep)
			(void)ask(tid, 0, &si);
		return;
	}
	ret->kind = TG_EV_END;
	ret->wait_status = wait_status_of(&si);
	(void)ask(tid, 0, &si);
}

void tg_task_drain(int signal_fd)
{
	struct signalfd_siginfo si;

	while (read(signal_fd, &si, sizeof(si)) > 0)
		;
}

void tg_task_sleep(int signal_fd, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = signal_fd, .events = POLLIN };
	uint64_t now = hs_now_ns(), left;
	struct timespec ts;

	if (now >= deadline_ns)
		return;
	left = deadline_ns - now;
	ts.tv_sec = (time_t)(left / 1000000000);
	ts.tv_nsec = (long)(left % 1000000000);
	(void)ppoll(&p, 1, &ts, NULL);
}

void tg_task_wait(int signal_fd, pid_t tid, bool keep, uint64_t deadline_ns,
		  struct tg_event *ret)
{
	for (;;) {
		// In this order: a report that comes after the question leaves
		// a SIGCHLD behind, and the sleep ends at once.
		tg_task_drain(signal_fd);
		tg_task_poll(tid, keep, ret);
		if (ret->kind != TG_EV_NONE || hs_now_ns() >= deadline_ns)
			return;
		tg_task_sleep(signal_fd, deadline_ns);
	}
}

bool tg_event_is_interrupt(const struct tg_event *ev)
{
	return ev->kind == TG_EV_STOP && ev->event == PTRACE_EVENT_STOP;
}
