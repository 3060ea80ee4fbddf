// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "unit.h"

/* What a settling clone may do, and the frames that hijacked threads stand
 * on: all of it without a process. */

static const struct wr_tracer_range shared[] = {
	{ 0x10000, 0x20000 },
	{ 0x50000, 0x51000 },
};

static enum tg_verdict verdict(int64_t nr, uint64_t a, uint64_t b, uint64_t c,
			       uint64_t d)
{
	const struct tg_call call = { nr, { a, b, c, d } };

	return tg_arch_verdict(WR_TRACER_CALLS_MEMORY, &call, shared,
			       HS_ARRAY_SIZE(shared));
}

static void private_memory_may_be_managed(void **state)
{
	const uint64_t anon = MAP_PRIVATE | MAP_ANONYMOUS;

	(void)state;
	assert_int_equal(verdict(SYS_brk, 0, 0, 0, 0), TG_PASS);
	assert_int_equal(verdict(SYS_mmap, 0, 4096, 3, anon), TG_PASS);
	assert_int_equal(verdict(SYS_munmap, 0x10000, 4096, 0, 0), TG_PASS);
	assert_int_equal(verdict(SYS_mprotect, 0x20000, 4096, 3, 0), TG_PASS);
	assert_int_equal(verdict(SYS_madvise, 0x20000, 4096, MADV_DONTNEED, 0),
			 TG_PASS);
	assert_int_equal(verdict(SYS_futex, 0x30000, FUTEX_WAKE_PRIVATE, 1, 0),
			 TG_PASS);
}

static void shared_memory_stays_closed(void **state)
{
	(void)state;
	assert_int_equal(verdict(SYS_mmap, 0, 4096, 3, MAP_PRIVATE),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_mmap, 0, 4096, 3,
				 MAP_SHARED | MAP_ANONYMOUS),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_mprotect, 0x1f000, 0x2000, 3, 0),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_mprotect, 0xf000, 0x1001, 3, 0),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_mprotect, 0x30000, UINT64_MAX, 3, 0),
			 TG_STOP_HERE);
	// An old length of 0 makes a second mapping of the same memory.
	assert_int_equal(verdict(SYS_mremap, 0x10000, 0, 4096, 1),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_madvise, 0x10000, 4096, MADV_REMOVE, 0),
			 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_futex, 0x50ffc, FUTEX_WAKE, 1, 0),
			 TG_PRETEND);
}

static void everything_else_is_the_end(void **state)
{
	static const int64_t v[] = { SYS_read,	SYS_write,	SYS_openat,
				     SYS_kill,	SYS_exit_group, SYS_clone,
				     SYS_getpid, SYS_rt_sigreturn, -1,
				     0x40000000 | SYS_brk };

	(void)state;
	for (size_t i = 0; i < HS_ARRAY_SIZE(v); i++)
		assert_int_equal(verdict(v[i], 0x30000, 1, 0, 0),
				 TG_STOP_HERE);
	assert_int_equal(verdict(SYS_futex, 0x30000, FUTEX_WAIT_PRIVATE, 1, 0),
			 TG_STOP_HERE);
}

static struct user_regs_struct blocked(uint64_t nr, int64_t rax)
{
	return (struct user_regs_struct){
		.orig_rax = nr,
		.rax = (uint64_t)rax,
		.rip = 0x401002,
		.rdi = 7,
		.cs = 0x33,
	};
}

static void an_interrupted_call_is_made_again(void **state)
{
	struct user_regs_struct r = blocked(SYS_epoll_wait, -EINTR);
	struct tg_call in;

	(void)state;
	tg_arch_blocked_in(&r, &in);
	assert_int_equal(in.nr, SYS_epoll_wait);
	assert_int_equal(in.args[0], 7);
	assert_true(tg_arch_rewind(&r));
	assert_int_equal(r.rip, 0x401000);
	assert_int_equal(r.rax, SYS_epoll_wait);
	assert_int_equal((int64_t)r.orig_rax, -1);
	r = blocked(SYS_read, -512);
	tg_arch_restart(&r);
	assert_int_equal(r.rip, 0x401000);
	assert_int_equal(r.rax, SYS_read);
}

static void a_finished_call_is_not(void **state)
{
	struct user_regs_struct r = blocked(SYS_close, -EINTR);
	struct tg_call in;

	(void)state;
	tg_arch_blocked_in(&r, &in);
	assert_int_equal(in.nr, -1);
	assert_false(tg_arch_rewind(&r));
	r = blocked(SYS_read, 512);
	tg_arch_restart(&r);
	assert_int_equal(r.rip, 0x401002);
	assert_int_equal(r.rax, 512);
}

static void gadgets_are_found_where_they_are(void **state)
{
	const uint8_t text[] = { 0x90, 0x0f, 0x05, 0x90, 0x0f, 0x05, 0xc3,
				 0x48, 0xc7, 0xc0, 0x0f, 0,    0,    0,
				 0x0f, 0x05, 0xcc };

	(void)state;
	assert_int_equal(tg_arch_find_syscall_ret(text, sizeof(text)), 4);
	assert_int_equal(tg_arch_find_restore_rt(text, sizeof(text)), 7);
	assert_int_equal(tg_arch_find_syscall_ret(text, 6), -1);
	assert_int_equal(tg_arch_find_restore_rt(text, 15), -1);
	assert_true(tg_arch_gadgets_valid(text + 4, text + 7));
	assert_false(tg_arch_gadgets_valid(text + 1, text + 7));
}

static uint64_t word_at(const struct tg_frame *f, uint64_t addr)
{
	uint64_t v;

	assert_in_range(addr, f->addr, f->addr + f->size - 8);
	memcpy(&v, f->bytes + (addr - f->addr), sizeof(v));
	return v;
}

static uint64_t greg(const struct tg_frame *f, uint64_t sp, int reg)
{
	return word_at(f, sp + 8 + offsetof(ucontext_t, uc_mcontext.gregs) +
				  8 * (uint64_t)reg);
}

static void frames_lead_back_and_out(void **state)
{
	static uint8_t xstate[2688] __attribute__((__aligned__(64)));
	const struct tg_gadgets g = { 0x1000, 0x2000 };
	const uint64_t features = 3;	// x87 and SSE: 576 bytes
	struct tg_state s = { .regs = blocked(SYS_read, -512),
			      .sigmask = 0x123,
			      .xstate = xstate,
			      .xstate_size = sizeof(xstate) };
	static struct tg_frame f;
	struct tg_areas areas;

	(void)state;
	tg_arch_areas(&areas);
	memcpy(xstate + 464, &features, sizeof(features));
	s.regs.rsp = 0x7fff0000;
	s.regs.r15 = 15;
	assert_true(tg_arch_build_frame(&areas, &s, &g, &f));
	assert_true(f.addr + f.size <= s.regs.rsp - 128);
	assert_true(s.regs.rsp - f.addr <= tg_arch_frame_room(&s));
	// The thread's own: as it was, the call to be made again.
	assert_int_equal(word_at(&f, f.sp), g.restore_rt);
	assert_int_equal(greg(&f, f.sp, REG_RSP), s.regs.rsp);
	assert_int_equal(greg(&f, f.sp, REG_RIP), 0x401000);
	assert_int_equal(greg(&f, f.sp, REG_RAX), SYS_read);
	assert_int_equal(greg(&f, f.sp, REG_R15), 15);
	assert_int_equal(word_at(&f, f.sp + 8 + offsetof(ucontext_t,
							 uc_sigmask)),
			 0x123);
	// The child's: exit_group(0).
	assert_int_equal(word_at(&f, f.child_sp), g.restore_rt);
	assert_int_equal(greg(&f, f.child_sp, REG_RIP), g.syscall_ret);
	assert_int_equal(greg(&f, f.child_sp, REG_RAX), SYS_exit_group);
	assert_int_equal(greg(&f, f.child_sp, REG_RDI), 0);
	assert_true(f.sp < f.child_sp);
	// A part of which nobody knows where it lies.
	memcpy(xstate + 464, &(uint64_t){ features | 1ull << 62 }, 8);
	assert_int_equal(areas.end[62], 0);
	assert_false(tg_arch_build_frame(&areas, &s, &g, &f));
	memcpy(xstate + 464, &features, sizeof(features));
	s.xstate_size = 500;
	assert_false(tg_arch_build_frame(&areas, &s, &g, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_memory_may_be_managed),
		cmocka_unit_test(shared_memory_stays_closed),
		cmocka_unit_test(everything_else_is_the_end),
		cmocka_unit_test(an_interrupted_call_is_made_again),
		cmocka_unit_test(a_finished_call_is_not),
		cmocka_unit_test(gadgets_are_found_where_they_are),
		cmocka_unit_test(frames_lead_back_and_out),
	};

	return UNIT_RUN(tests);
}
