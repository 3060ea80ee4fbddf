// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/*
 * Which system calls a clone may make while it is settled: those that an
 * allocator makes, and only as far as they act on the clone's own private
 * memory. What is shared with other processes was made read-only before it
 * ran, and stays so.
 */

static bool overlaps(uint64_t addr, uint64_t len,
		     const struct wr_tracer_range *r, size_t n)
{
	uint64_t end;

	// A length of 0 is not nothing: mremap doubles a shared mapping by it.
	if (hs_add_overflows(addr, len ? len : 1, &end))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (addr < r[i].end && r[i].start < end)
			return true;
	}
	return false;
}

static enum tg_verdict map_verdict(const struct tg_call *c)
{
	uint64_t need = MAP_PRIVATE | MAP_ANONYMOUS;

	return (c->args[3] & (need | MAP_SHARED)) == need ? TG_PASS :
							    TG_STOP_HERE;
}

/* MADV_REMOVE would punch a hole in a shared file, prot or no prot. */
static enum tg_verdict advise_verdict(const struct tg_call *c)
{
	switch (c->args[2]) {
	case MADV_NORMAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return TG_PASS;
	default:
		return TG_STOP_HERE;
	}
}

/* In shared memory others may wait: nobody of this clone's does. */
static enum tg_verdict futex_verdict(const struct tg_call *c,
				     const struct wr_tracer_range *shared,
				     size_t n_shared)
{
	switch ((int)c->args[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		return overlaps(c->args[0], 4, shared, n_shared) ? TG_PRETEND :
								   TG_PASS;
	default:
		return TG_STOP_HERE;
	}
}

static enum tg_verdict memory_verdict(const struct tg_call *c,
				      const struct wr_tracer_range *shared,
				      size_t n_shared)
{
	switch (c->nr) {
	case SYS_brk:
	case SYS_munmap:
	case SYS_clock_gettime:
	case SYS_gettimeofday:
	case SYS_sched_yield:
	case SYS_rt_sigprocmask:
		return TG_PASS;
	case SYS_mmap:
		return map_verdict(c);
	case SYS_mremap:
	case SYS_mprotect:
		return overlaps(c->args[0], c->args[1], shared, n_shared) ?
			       TG_STOP_HERE :
			       TG_PASS;
	case SYS_madvise:
		return advise_verdict(c);
	case SYS_futex:
		return futex_verdict(c, shared, n_shared);
	default:
		return TG_STOP_HERE;
	}
}

/* Answers a question, or changes what is this thread's own. */
static bool only_asks(int64_t nr)
{
	switch (nr) {
	case SYS_getpid:
	case SYS_getppid:
	case SYS_gettid:
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
	case SYS_getpgrp:
	case SYS_getrandom:
	case SYS_clock_getres:
	case SYS_time:
	case SYS_times:
	case SYS_getrusage:
	case SYS_getcpu:
	case SYS_sysinfo:
	case SYS_uname:
	case SYS_sched_getaffinity:
	case SYS_sched_getscheduler:
	case SYS_getrlimit:
	case SYS_rt_sigaction:
	case SYS_rt_sigpending:
	case SYS_rt_sigreturn:
	case SYS_sigaltstack:
		return true;
	default:
		return false;
	}
}

enum tg_verdict tg_arch_verdict(enum wr_tracer_calls set,
				const struct tg_call *call,
				const struct wr_tracer_range *shared,
				size_t n_shared)
{
	switch (set) {
	case WR_TRACER_CALLS_MEMORY:
		return memory_verdict(call, shared, n_shared);
	case WR_TRACER_CALLS_RUN:
		return only_asks(call->nr) ?
			       TG_PASS :
			       memory_verdict(call, shared, n_shared);
	default:
		return TG_STOP_HERE;
	}
}

/* Timed, it ends by itself; of a word that has changed it never begins. */
static bool futex_wait(const struct tg_call *c, struct tg_wait *ret)
{
	switch ((int)c->args[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		ret->addr = c->args[0];
		ret->value = (uint32_t)c->args[2];
		ret->timed = c->args[3] != 0;
		return true;
	default:
		return false;
	}
}

enum tg_run_call tg_arch_run_call(const struct tg_call *c, pid_t self,
				  struct tg_wait *ret_wait, int *ret_detail)
{
	switch (c->nr) {
	case SYS_exit:
	case SYS_exit_group:
		*ret_detail = (int)c->args[0] & 0xff;
		return TG_CALL_EXIT;
	case SYS_kill:
	case SYS_tkill:
		*ret_detail = (int)c->args[1];
		return (pid_t)c->args[0] == self ? TG_CALL_RAISE :
						   TG_CALL_REFUSE;
	case SYS_tgkill:
		*ret_detail = (int)c->args[2];
		return (pid_t)c->args[1] == self ? TG_CALL_RAISE :
						   TG_CALL_REFUSE;
	case SYS_futex:
		return futex_wait(c, ret_wait) ? TG_CALL_WAIT :
						 TG_CALL_REFUSE;
	case SYS_ioctl:
		// A copy has no descriptor at all; a repr() of a table asks.
		return c->args[1] == TCGETS || c->args[1] == TIOCGWINSZ ?
			       TG_CALL_NO_TERMINAL :
			       TG_CALL_REFUSE;
	default:
		return TG_CALL_REFUSE;
	}
}
