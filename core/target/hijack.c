// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

/*
 * The order of the steps is what makes them safe. At every point where the
 * tracer may be killed, one of these holds:
 *	- the thread's registers are its own, and so is its signal mask;
 *	- its registers lead to rt_sigreturn on our frame, which is complete.
 * Bytes below the red zone may be left changed by our death; nothing may rely
 * on them (a signal would overwrite them too), and so a frame is put on
 * ordinary stacks only, never on memory that merely is below a stack pointer.
 */

int tg_proc_open(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool tg_process_lives(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

bool tg_mem_read(int mem_fd, uint64_t addr, void *buf, size_t len)
{
	errno = 0;
	return pread(mem_fd, buf, len, (off_t)addr) == (ssize_t)len;
}

bool tg_mem_write(int mem_fd, uint64_t addr, const void *buf, size_t len)
{
	errno = 0;
	return pwrite(mem_fd, buf, len, (off_t)addr) == (ssize_t)len;
}

static const struct wr_tracer_range *range_at(const struct tg_stacks *s,
					      uint64_t addr)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->v[lo].start <= addr ? &s->v[lo] : NULL;
}

int tg_hijack_rank(const struct tg_task *task, const struct tg_stacks *stacks)
{
	const struct user_regs_struct *r = &task->state.regs;
	uint64_t sp = tg_arch_sp(r), room = tg_arch_frame_room(&task->state);
	const struct wr_tracer_range *stack = range_at(stacks, sp);
	struct tg_call in;

	if (!task->tid || !task->stopped || !task->clean ||
	    !task->state.xstate_size || !tg_arch_is_native(r))
		return 0;
	if (!stack || sp - stack->start < room)
		return 0;
	// Best is what can be made again exactly, should we die. The time that
	// a sleep has left cannot: the kernel keeps it, and may lose it then.
	tg_arch_blocked_in(r, &in);
	if (in.nr < 0)
		return 2;
	return tg_arch_keeps_time(r) ? 1 : 3;
}

/* struct rseq and struct rseq_cs, include/uapi/linux/rseq.h (Linux 6.1). */
enum { RSEQ_CS = 8 };
struct rseq_cs {
	uint32_t version, flags;
	uint64_t start_ip, post_commit_offset, abort_ip;
};

bool tg_in_rseq(const struct tg_task *task, int mem_fd)
{
	uint64_t ip = tg_arch_ip(&task->state.regs), at;
	struct __ptrace_rseq_configuration conf;
	struct rseq_cs cs;

	// Linux 5.13 and later can tell.
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, task->tid, sizeof(conf),
		   &conf) != sizeof(conf) ||
	    !conf.rseq_abi_pointer)
		return false;
	if (!tg_mem_read(mem_fd, conf.rseq_abi_pointer + RSEQ_CS, &at,
			 sizeof(at)))
		return true;
	if (!at)
		return false;
	// The kernel would see an ip outside, and forget to abort it later.
	return !tg_mem_read(mem_fd, at, &cs, sizeof(cs)) ||
	       ip - cs.start_ip < cs.post_commit_offset;
}

uint32_t tg_hijack_choose(const struct tg_stop *s,
			  const struct tg_stacks *stacks, int mem_fd)
{
	for (int want = 3; want > 0; want--) {
		for (uint32_t i = 0; i < s->tasks.n; i++) {
			const struct tg_task *task = &s->tasks.v[i];

			if (tg_hijack_rank(task, stacks) == want &&
			    !tg_in_rseq(task, mem_fd))
				return i;
		}
	}
	return (uint32_t)s->tasks.n;
}

static struct hs_err *failed(const struct tg_hijack *h, const char *what)
{
	// Of a process that is ending, memory reads as nothing at all.
	if (!errno || errno == ESRCH || errno == EIO)
		return hs_err_new(HS_ERR_GONE, "%s of thread %d: it has ended",
				  what, h->task->tid);
	return hs_err_os(errno, "%s of thread %d", what, h->task->tid);
}

static struct hs_err *check_gadgets(const struct tg_hijack *h)
{
	uint8_t a[TG_GADGET_BYTES], b[TG_GADGET_BYTES];

	if (!tg_mem_read(h->mem_fd, h->gadgets->syscall_ret, a, sizeof(a)) ||
	    !tg_mem_read(h->mem_fd, h->gadgets->restore_rt, b, sizeof(b)))
		return failed(h, "read program text");
	if (!tg_arch_gadgets_valid(a, b))
		return hs_err_new(HS_ERR_REFUSED,
				  "use thread %d: its program text is not what "
				  "the mapped file says", h->task->tid);
	return NULL;
}

/* Frame in place, registers on it, signals blocked; in this order. */
static struct hs_err *enter(struct tg_hijack *h)
{
	const uint64_t all = ~UINT64_C(0);
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
	struct user_regs_struct parked;
	pid_t tid = h->task->tid;

	if (!tg_mem_write(h->mem_fd, h->frame.addr, h->frame.bytes,
			  h->frame.size))
		return failed(h, "write on the stack");
	tg_arch_park(&h->task->state.regs, h->gadgets, h->frame.sp, &parked);
	if (tg_arch_set_regs(tid, &parked))
		return failed(h, "set registers");
	if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all))
		return failed(h, "block signals");
	if (ptrace(PTRACE_SETOPTIONS, tid, 0, options))
		return failed(h, "set options");
	return NULL;
}

struct hs_err *tg_hijack_begin(struct tg_hijack *h, pid_t pid,
			       struct tg_task *task,
			       const struct tg_gadgets *g, int mem_fd)
{
	struct hs_err *err;

	h->pid = pid;
	h->task = task;
	h->gadgets = g;
	h->mem_fd = mem_fd;
	err = check_gadgets(h);
	if (err)
		return err;
	if (!tg_arch_build_frame(&h->areas, &task->state, g, &h->frame))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "use thread %d: its processor state has "
				  "parts that are not known", task->tid);
	if (!tg_mem_read(mem_fd, h->frame.addr, h->saved, h->frame.size))
		return failed(h, "read the stack");
	err = tg_filter_check(pid, task->tid, g, h->frame.child_sp);
	if (err)
		return err;
	err = enter(h);
	if (err)
		tg_hijack_end(h);
	return err;
}

enum tg_end tg_hijack_call(struct tg_tracer *t, struct tg_hijack *h,
			   uint64_t deadline_ns, struct tg_remote *io)
{
	return tg_remote_call(t, h->task->tid, &h->task->state.regs,
			      h->gadgets, h->frame.sp, deadline_ns, io);
}

/*
 * XSTATE is not put back: no instruction of user space has run but "syscall",
 * and the kernel keeps it. (It is in the frame for when we die.)
 */
void tg_hijack_end(struct tg_hijack *h)
{
	const struct tg_state *s = &h->task->state;
	pid_t tid = h->task->tid;

	(void)ptrace(PTRACE_SETOPTIONS, tid, 0, 0);
	(void)ptrace(PTRACE_SETSIGMASK, tid, sizeof(s->sigmask), &s->sigmask);
	(void)tg_arch_set_regs(tid, &h->task->resume);
	// Only now that nothing leads there any more.
	(void)tg_mem_write(h->mem_fd, h->frame.addr, h->saved, h->frame.size);
}
