// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/*
 * Results that never reach a program: the kernel makes the call again, or
 * turns them to EINTR when a handler runs. Linux 6.1, include/linux/errno.h.
 */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
	SYSCALL_BYTES = 2,		/* 0f 05 */
	FLAG_TRAP = 0x100,
	FLAG_DIRECTION = 0x400,
	FLAG_ALIGNMENT = 0x40000,
	STACK_GAP = 16 << 10,		/* for the thread's own next frames */
	USER_CS_64 = 0x33,
};

int tg_arch_get_regs(pid_t tid, struct user_regs_struct *ret)
{
	return ptrace(PTRACE_GETREGS, tid, 0, ret) ? -errno : 0;
}

int tg_arch_set_regs(pid_t tid, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, tid, 0, regs) ? -errno : 0;
}

int tg_arch_set_xstate(pid_t tid, const void *xstate, uint32_t size)
{
	struct iovec v = { (void *)xstate, size };

	return ptrace(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &v) ? -errno : 0;
}

int tg_arch_get_state(pid_t tid, struct tg_state *ret)
{
	struct iovec v = { ret->xstate, TG_XSTATE_MAX };
	int rc = tg_arch_get_regs(tid, &ret->regs);

	if (rc)
		return rc;
	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &v))
		return -errno;
	ret->xstate_size = (uint32_t)v.iov_len;
	if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(ret->sigmask),
		   &ret->sigmask))
		return -errno;
	return 0;
}

bool tg_arch_is_native(const struct user_regs_struct *r)
{
	return (r->cs & 0xffff) == USER_CS_64;
}

uint64_t tg_arch_ip(const struct user_regs_struct *r)
{
	return r->rip;
}

uint64_t tg_arch_sp(const struct user_regs_struct *r)
{
	return r->rsp;
}

bool tg_arch_wants_restart(int64_t result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR ||
	       result == -ERESTARTNOHAND;
}

bool tg_arch_restartable(const struct user_regs_struct *r)
{
	int64_t rax = (int64_t)r->rax;

	return (int64_t)r->orig_rax >= 0 &&
	       (tg_arch_wants_restart(rax) || rax == -ERESTART_RESTARTBLOCK);
}

bool tg_arch_keeps_time(const struct user_regs_struct *r)
{
	return (int64_t)r->orig_rax >= 0 &&
	       (int64_t)r->rax == -ERESTART_RESTARTBLOCK;
}

/*
 * Calls that a mere stop ends with EINTR (signal(7), "Interruption of system
 * calls and library functions by stop signals"; the socket calls do so when a
 * timeout is set on the socket). All of them return EINTR only when nothing
 * was done, so that making them again is what a program would do. Not in the
 * list: close and connect, which have been done in part.
 */
static bool ends_by_stop(int64_t nr)
{
	switch (nr) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_rt_sigtimedwait:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_io_getevents:
	case SYS_io_uring_enter:
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_splice:
	case SYS_sendfile:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_accept:
	case SYS_accept4:
		return true;
	default:
		return false;
	}
}

static bool ended_by_stop(const struct user_regs_struct *r)
{
	return (int64_t)r->rax == -EINTR && ends_by_stop((int64_t)r->orig_rax);
}

void tg_arch_call_args(const struct user_regs_struct *r, uint64_t ret[6])
{
	const uint64_t args[6] = { r->rdi, r->rsi, r->rdx,
				   r->r10, r->r8,  r->r9 };

	memcpy(ret, args, sizeof(args));
}

void tg_arch_blocked_in(const struct user_regs_struct *r, struct tg_call *ret)
{
	*ret = (struct tg_call){ .nr = -1 };
	if (!tg_arch_restartable(r) && !ended_by_stop(r))
		return;
	ret->nr = (int64_t)r->orig_rax;
	tg_arch_call_args(r, ret->args);
}

bool tg_arch_rewind(struct user_regs_struct *r)
{
	if (!ended_by_stop(r))
		return false;
	r->rax = r->orig_rax;
	r->rip -= SYSCALL_BYTES;
	r->orig_rax = UINT64_MAX;
	return true;
}

/*
 * As arch_do_signal_or_restart() does when there is no signal; but calls with
 * a restart block (nanosleep, poll, timed futex) are made again from their
 * beginning. What time was left is known to the kernel alone, and forgotten by
 * rt_sigreturn. A program that has no handlers is not made for EINTR; to wait
 * longer does it no harm. But a call that has been stopped before is
 * restart_syscall() by now, and does become EINTR then: such a thread is used
 * last, and this happens to it only when the tracer is killed.
 */
void tg_arch_restart(struct user_regs_struct *r)
{
	if (tg_arch_restartable(r)) {
		r->rax = r->orig_rax;
		r->rip -= SYSCALL_BYTES;
	} else {
		(void)tg_arch_rewind(r);
	}
	r->orig_rax = UINT64_MAX;
}

void tg_arch_call(const struct user_regs_struct *base,
		  const struct tg_gadgets *g, uint64_t sp,
		  const struct tg_call *call, struct user_regs_struct *ret)
{
	*ret = *base;
	ret->rip = g->syscall_ret;
	ret->rsp = sp;
	ret->orig_rax = UINT64_MAX;
	ret->rax = (uint64_t)call->nr;
	ret->rdi = call->args[0];
	ret->rsi = call->args[1];
	ret->rdx = call->args[2];
	ret->r10 = call->args[3];
	ret->r8 = call->args[4];
	ret->r9 = call->args[5];
	ret->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION);
}

void tg_arch_park(const struct user_regs_struct *base,
		  const struct tg_gadgets *g, uint64_t sp,
		  struct user_regs_struct *ret)
{
	*ret = *base;
	ret->rip = g->restore_rt;
	ret->rsp = sp + 8;		// as if its address had been popped
	ret->orig_rax = UINT64_MAX;
	ret->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION);
}

int64_t tg_arch_result(const struct user_regs_struct *r)
{
	return (int64_t)r->rax;
}

void tg_arch_cancel(struct user_regs_struct *r)
{
	r->orig_rax = UINT64_MAX;
}

void tg_arch_set_result(struct user_regs_struct *r, int64_t result)
{
	r->rax = (uint64_t)result;
}

void tg_arch_again(struct user_regs_struct *r, const struct tg_call *call)
{
	r->rax = (uint64_t)call->nr;
	r->rip -= SYSCALL_BYTES;
	r->orig_rax = UINT64_MAX;
}

bool tg_arch_entered(pid_t tid, struct tg_call *ret)
{
	struct __ptrace_syscall_info info;
	long n = ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);

	if (n < (long)offsetof(struct __ptrace_syscall_info, entry.args) ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.arch != AUDIT_ARCH_X86_64)
		return false;
	ret->nr = (int64_t)info.entry.nr;
	memcpy(ret->args, info.entry.args, sizeof(ret->args));
	return true;
}

/*
 * The gap is for the case that the thread itself must run on before the
 * function can (tg_guest_help): its frames grow into it.
 */
void tg_arch_enter(const struct user_regs_struct *thread, uint64_t sp,
		   uint64_t entry, uint64_t argument,
		   struct user_regs_struct *ret)
{
	*ret = *thread;
	ret->rip = entry;
	ret->rdi = argument;
	ret->rsp = (sp ? sp : thread->rsp - STACK_GAP) & ~UINT64_C(63);
	ret->rbp = 0;
	ret->orig_rax = UINT64_MAX;
	ret->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION |
				   FLAG_ALIGNMENT);
}
