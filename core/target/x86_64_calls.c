// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include <linux/futex.h>
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

enum tg_verdict tg_arch_verdict(enum wr_tracer_calls set,
				const struct tg_call *call,
				const struct wr_tracer_range *shared,
				size_t n_shared)
{
	switch (set) {
	case WR_TRACER_CALLS_MEMORY:
		return memory_verdict(call, shared, n_shared);
	default:
		return TG_STOP_HERE;
	}
}
