// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>

/*
 * While a thread of the target is made to do a system call, its stack pointer
 * stands on a signal frame, so that "ret" after "syscall" goes to the C
 * library's __restore_rt, and rt_sigreturn puts everything back: registers,
 * XSTATE, signal mask. That is never needed while the tracer lives. When it is
 * killed at whatever instruction, the kernel lets the thread run on, and the
 * thread repairs itself.
 *
 * The child of the clone() gets another stack pointer (clone's second
 * argument), with a frame whose registers are exit_group(0): should nobody
 * hold it from its birth, it ends without having touched anything. No page is
 * mapped and no text is written for any of this.
 *
 *	stack pointer of the thread
 *	  128 bytes: red zone (System V ABI, x86-64, 3.2.2)
 *	  XSTATE area, 64-aligned, and FP_XSTATE_MAGIC2
 *	  scratch		an argument of a call, when one is needed
 *	  child frame		child_sp -> __restore_rt -> exit_group(0)
 *	  frame			sp -> __restore_rt -> as it was
 *
 * The frame that stands lowest is the thread's own: would a signal come in
 * after all, its handler's frame goes below and destroys nothing.
 *
 * Layouts: struct rt_sigframe, arch/x86/include/asm/sigframe.h; ucontext and
 * flags, arch/x86/include/uapi/asm/ucontext.h (Linux 6.1).
 */
enum {
	RED_ZONE = 128,
	UC_FP_XSTATE = 1,
	UC_SIGCONTEXT_SS = 2,
	UC_STRICT_RESTORE_SS = 4,
	/* Linux 6.1, arch/x86/include/asm/fpu/types.h */
	XSTATE_HEADER = 512,		/* xstate_bv is its first word */
	XSTATE_LEGACY = 576,		/* FXSAVE area and header */
	XSTATE_SW_BYTES = 464,		/* XCR0 in what ptrace gives */
	XFEATURE_TILE_DATA = 18,	/* enabled per process, by asking */
	FIRST_EXTENDED = 2,		/* above x87 and SSE */
	LAST_EXTENDED = 63,
	USER_CS = 0x33,
	USER_SS = 0x2b,
	FLAGS_DEFAULT = 0x202,		/* interrupts on, the fixed bit */
};

struct frame {
	uint64_t pretcode;
	/* ucontext, as the kernel reads it: glibc's with a short mask. */
	uint64_t uc_flags, uc_link;
	uint64_t uc_stack[3];
	uint64_t gregs[NGREG];
	uint64_t fpstate;
	uint64_t reserved[8];
	uint64_t sigmask;
};
_Static_assert(offsetof(struct frame, gregs) ==
		       8 + offsetof(ucontext_t, uc_mcontext.gregs),
	       "registers of a signal frame");
_Static_assert(offsetof(struct frame, sigmask) ==
		       8 + offsetof(ucontext_t, uc_sigmask),
	       "mask of a signal frame");

/** Layout of the XSTATE area in a frame. */
struct area {
	uint64_t features;
	uint32_t size;
};

void tg_arch_areas(struct tg_areas *ret)
{
	unsigned int a, b, c, d;

	// EBX: size for the features that are enabled in XCR0.
	if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d) || b < XSTATE_LEGACY)
		b = XSTATE_LEGACY;
	*ret = (struct tg_areas){ .bytes = (uint32_t)hs_align_up(b, 64) };
	for (unsigned int i = FIRST_EXTENDED; i < LAST_EXTENDED; i++) {
		if (__get_cpuid_count(0xd, i, &a, &b, &c, &d) && a)
			ret->end[i] = a + b;
	}
}

/*
 * The kernel takes an area that is larger than what this process may use for
 * none, and then restores SSE only (check_xstate_in_sigframe). ptrace always
 * gives the largest area there is; so leave out what is enabled on request,
 * unless it is in use.
 */
static bool xstate_area(const struct tg_areas *areas, const struct tg_state *s,
			struct area *ret)
{
	uint64_t xcr0, in_use;
	uint32_t size = XSTATE_LEGACY;

	if (!s->xstate || s->xstate_size < XSTATE_LEGACY)
		return false;
	memcpy(&xcr0, (char *)s->xstate + XSTATE_SW_BYTES, 8);
	memcpy(&in_use, (char *)s->xstate + XSTATE_HEADER, 8);
	if (!(in_use >> XFEATURE_TILE_DATA & 1))
		xcr0 &= ~(UINT64_C(1) << XFEATURE_TILE_DATA);
	for (unsigned int i = FIRST_EXTENDED; i < LAST_EXTENDED; i++) {
		if (!(xcr0 >> i & 1))
			continue;
		if (!areas->end[i])
			return false;
		if (areas->end[i] > size)
			size = areas->end[i];
	}
	if (size > s->xstate_size)
		return false;
	*ret = (struct area){ .features = xcr0, .size = size };
	return true;
}

static void fill_xstate(const struct tg_state *s, const struct area *area,
			uint8_t *to)
{
	const uint32_t magic2 = FP_XSTATE_MAGIC2;
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = area->size + sizeof(magic2),
		.xstate_bv = area->features,
		.xstate_size = area->size,
	};

	memcpy(to, s->xstate, area->size);
	memcpy(to + XSTATE_SW_BYTES, &sw, sizeof(sw));
	memcpy(to + area->size, &magic2, sizeof(magic2));
}

/* Segments as a signal frame has them: cs, gs, fs, ss, 16 bits each. */
static uint64_t segments(uint64_t cs, uint64_t ss)
{
	return (cs & 0xffff) | (ss & 0xffff) << 48;
}

static void fill_own(const struct tg_state *s, const struct tg_gadgets *g,
		     uint64_t fpstate, struct frame *f)
{
	struct user_regs_struct r = s->regs;
	const uint64_t gregs[NGREG] = {
		[REG_R8] = r.r8, [REG_R9] = r.r9, [REG_R10] = r.r10,
		[REG_R11] = r.r11, [REG_R12] = r.r12, [REG_R13] = r.r13,
		[REG_R14] = r.r14, [REG_R15] = r.r15, [REG_RDI] = r.rdi,
		[REG_RSI] = r.rsi, [REG_RBP] = r.rbp, [REG_RBX] = r.rbx,
		[REG_RDX] = r.rdx, [REG_RCX] = r.rcx, [REG_RSP] = r.rsp,
		[REG_EFL] = r.eflags, [REG_CSGSFS] = segments(r.cs, r.ss),
	};

	// What the kernel would do before the thread's next instruction, since
	// rt_sigreturn does not.
	tg_arch_restart(&r);
	memset(f, 0, sizeof(*f));
	f->pretcode = g->restore_rt;
	f->uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	memcpy(f->gregs, gregs, sizeof(gregs));
	f->gregs[REG_RAX] = r.rax;
	f->gregs[REG_RIP] = r.rip;
	f->fpstate = fpstate;
	f->sigmask = s->sigmask;
}

static void fill_child(const struct tg_gadgets *g, uint64_t sp,
		       struct frame *f)
{
	memset(f, 0, sizeof(*f));
	f->pretcode = g->restore_rt;
	f->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f->gregs[REG_RIP] = g->syscall_ret;
	f->gregs[REG_RAX] = SYS_exit_group;
	f->gregs[REG_RSP] = sp;
	f->gregs[REG_EFL] = FLAGS_DEFAULT;
	f->gregs[REG_CSGSFS] = segments(USER_CS, USER_SS);
	f->sigmask = ~UINT64_C(0);
}

uint64_t tg_arch_frame_room(const struct tg_state *s)
{
	return RED_ZONE + s->xstate_size + 2 * sizeof(struct frame) +
	       TG_SCRATCH + 256;
}

bool tg_arch_build_frame(const struct tg_areas *areas, const struct tg_state *s,
			 const struct tg_gadgets *g, struct tg_frame *ret)
{
	uint64_t sp = s->regs.rsp, fpstate, child, own;
	struct area area;
	struct frame f;

	if (!xstate_area(areas, s, &area) || sp < tg_arch_frame_room(s))
		return false;
	fpstate = (sp - RED_ZONE - area.size - 8) & ~UINT64_C(63);
	ret->scratch = fpstate - TG_SCRATCH;
	// A frame begins 8 bytes off a multiple of 16, as after a call.
	child = ((ret->scratch - sizeof(f)) & ~UINT64_C(15)) - 8;
	own = ((child - sizeof(f)) & ~UINT64_C(15)) - 8;
	ret->addr = own & ~UINT64_C(63);
	ret->size = (uint32_t)(fpstate + area.size + 8 - ret->addr);
	if (ret->size > sizeof(ret->bytes))
		return false;
	ret->sp = own;
	ret->child_sp = child;
	memset(ret->bytes, 0, ret->size);
	fill_xstate(s, &area, ret->bytes + (fpstate - ret->addr));
	fill_child(g, child, &f);
	memcpy(ret->bytes + (child - ret->addr), &f, sizeof(f));
	fill_own(s, g, fpstate, &f);
	memcpy(ret->bytes + (own - ret->addr), &f, sizeof(f));
	return true;
}
