/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What depends on the processor: registers, system call numbers, the signal
 * frame. x86_64*.c fill it in; another architecture brings files of its own.
 */
#ifndef TG_ARCH_H
#define TG_ARCH_H

#include <sys/types.h>
#include <sys/user.h>

#include "base.h"
#include "tracer_wire.h"

/** Instructions that are found in the target's own text. */
struct tg_gadgets {
	uint64_t syscall_ret;	/* system call, then return */
	uint64_t restore_rt;	/* what a signal handler returns to */
};

enum {
	TG_XSTATE_MAX = 16384,	/* AMX: 11008 bytes; room for the next */
	TG_FRAME_MAX = TG_XSTATE_MAX + 2048,
	TG_SCRATCH = 64,	/* bytes for an argument of a call */
};

/**
 * Bytes that make a hijacked thread harmless, to be written at addr. See
 * x86_64_frame.c for the picture.
 */
struct tg_frame {
	uint64_t addr;
	uint32_t size;
	uint64_t sp;		/* of calls: returning from one restores all */
	uint64_t child_sp;	/* returning on this one is exit_group(0) */
	uint64_t scratch;	/* TG_SCRATCH bytes */
	uint8_t bytes[TG_FRAME_MAX] __attribute__((__aligned__(64)));
};

/** A stopped thread's state, as the kernel had it. */
struct tg_state {
	struct user_regs_struct regs;
	uint64_t sigmask;
	void *xstate;		/* NT_X86_XSTATE, or NULL */
	uint32_t xstate_size;
};

/** One system call: made in a clone or target, or seen in one. */
struct tg_call {
	int64_t nr;
	uint64_t args[6];
};

/**
 * Where the parts of an XSTATE area lie. It is asked of the processor once:
 * each question (CPUID) leaves a virtual machine, which costs microseconds
 * that a target would stand still.
 */
struct tg_areas {
	uint32_t bytes;		/* that ptrace will give, about */
	uint32_t end[64];	/* of each feature's part; 0: not known */
};

enum tg_verdict { TG_STOP_HERE, TG_PASS, TG_PRETEND /* done, result 0 */ };

void tg_arch_areas(struct tg_areas *ret);
/** Read regs, mask and xstate (room of TG_XSTATE_MAX bytes); 0 or -errno. */
int tg_arch_get_state(pid_t tid, struct tg_state *ret);
int tg_arch_get_regs(pid_t tid, struct user_regs_struct *ret);
int tg_arch_set_regs(pid_t tid, const struct user_regs_struct *regs);
int tg_arch_set_xstate(pid_t tid, const void *xstate, uint32_t size);

/**
 * Lay out and fill frames below the thread's red zone. false when the state
 * cannot be put in a frame (unknown features).
 */
bool tg_arch_build_frame(const struct tg_areas *areas,
			 const struct tg_state *state,
			 const struct tg_gadgets *g, struct tg_frame *ret);
/** Bytes below the stack pointer that tg_arch_build_frame() needs at most. */
uint64_t tg_arch_frame_room(const struct tg_state *state);

bool tg_arch_is_native(const struct user_regs_struct *r);
uint64_t tg_arch_ip(const struct user_regs_struct *r);
uint64_t tg_arch_sp(const struct user_regs_struct *r);
/** The system call it is blocked in (not: has just done). nr -1: none. */
void tg_arch_blocked_in(const struct user_regs_struct *r, struct tg_call *ret);
/** Arguments of the call that these registers are at. */
void tg_arch_call_args(const struct user_regs_struct *r, uint64_t ret[6]);
/** Blocked in a call that the kernel restarts by itself, unseen. */
bool tg_arch_restartable(const struct user_regs_struct *r);
/** Of these: one of which only the kernel knows how to go on. */
bool tg_arch_keeps_time(const struct user_regs_struct *r);
/**
 * A call that any ptrace stop ends with EINTR, where no signal came: change
 * the registers so that it is made again. false: it is not such a call.
 */
bool tg_arch_rewind(struct user_regs_struct *r);
/** Registers with which a thread that is not stopped for us would go on. */
void tg_arch_restart(struct user_regs_struct *r);

/** Registers to make a call from: base, with the stack at sp. */
void tg_arch_call(const struct user_regs_struct *base,
		  const struct tg_gadgets *g, uint64_t sp,
		  const struct tg_call *call, struct user_regs_struct *ret);
/** Registers of a thread that restores itself as soon as it runs. */
void tg_arch_park(const struct user_regs_struct *base,
		  const struct tg_gadgets *g, uint64_t sp,
		  struct user_regs_struct *ret);
int64_t tg_arch_result(const struct user_regs_struct *r);
/** The kernel wants the call made again (a stop came in between). */
bool tg_arch_wants_restart(int64_t result);
/** Make the call at whose entry it stands not happen; then, its result. */
void tg_arch_cancel(struct user_regs_struct *r);
void tg_arch_set_result(struct user_regs_struct *r, int64_t result);

/** May this call of a clone that is being settled be made? */
enum tg_verdict tg_arch_verdict(enum wr_tracer_calls set,
				const struct tg_call *call,
				const struct wr_tracer_range *shared,
				size_t n_shared);
/** What code that runs in a copy wants of the kernel, and does not get. */
enum tg_run_call {
	TG_CALL_REFUSE,		/* EPERM, and it goes on */
	TG_CALL_EXIT,		/* detail: status */
	TG_CALL_RAISE,		/* at itself; detail: signal */
	TG_CALL_WAIT,		/* for a futex word to change */
	TG_CALL_NO_TERMINAL,	/* is this a terminal, and how wide? ENOTTY */
};
struct tg_wait {
	uint64_t addr;		/* of 4 bytes */
	uint32_t value;		/* it waits as long as they are this */
	bool timed;
};
/** Kind of a call that tg_arch_verdict() does not let pass; self: its tid. */
enum tg_run_call tg_arch_run_call(const struct tg_call *call, pid_t self,
				  struct tg_wait *ret_wait, int *ret_detail);
/**
 * Registers to begin a function of the C ABI from: those of a thread, the
 * stack pointer sp or, for 0, well below its own, rdi the argument.
 */
void tg_arch_enter(const struct user_regs_struct *thread, uint64_t sp,
		   uint64_t entry, uint64_t argument,
		   struct user_regs_struct *ret);
/** Behind a call that was not made: registers that make it again. */
void tg_arch_again(struct user_regs_struct *r, const struct tg_call *call);
/** At a syscall-entry stop: the call; false for foreign ABIs (int 0x80). */
bool tg_arch_entered(pid_t tid, struct tg_call *ret);

/** Are the bytes at the gadgets what they should be? 16 bytes each. */
bool tg_arch_gadgets_valid(const uint8_t *syscall_ret,
			   const uint8_t *restore_rt);
/** Offset of the first gadget in text, or -1. */
int64_t tg_arch_find_syscall_ret(const uint8_t *text, size_t n);
int64_t tg_arch_find_restore_rt(const uint8_t *text, size_t n);

/**
 * Code that is planted (see tg_plant.h): int f(struct tg_plant_data *). It
 * runs wherever it is copied to. *ret_size: its bytes.
 */
const uint8_t *tg_arch_plant_code(size_t *ret_size);

enum { TG_GADGET_BYTES = 16 };
#endif
