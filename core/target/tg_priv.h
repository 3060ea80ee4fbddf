/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of the tracer. Everything here runs in its one thread.
 *
 * Rules that hold in every file: no wait without a deadline, and none for
 * "any child" (a dying process reports its leader only after all others were
 * reaped: we would hang). After each request nothing of a live target is
 * stopped. What could not be undone now is on a list and is undone when the
 * kernel lets us.
 */
#ifndef TG_PRIV_H
#define TG_PRIV_H

#include <sys/types.h>

#include "base.h"
#include "err.h"
#include "tg_arch.h"
#include "tracer_wire.h"
#include "vec.h"

enum {
	TG_MS = 1000000,		/* nanoseconds */
	TG_CALL_MS = 2000,		/* a call in a thread of the program */
	TG_CLONE_MS = 10000,		/* in a clone: nobody stands still */
	TG_END_MS = 10000,		/* a killed clone of many GB is gone */
};

/* --- task.c: one traced task --- */

enum tg_event_kind {
	TG_EV_NONE,		/* nothing to report (deadline) */
	TG_EV_STOP,
	TG_EV_END,		/* it ended, and was reaped */
	TG_EV_LOST,		/* not ours (any more) */
};
struct tg_event {
	enum tg_event_kind kind;
	int signal;		/* of a stop, without the syscall bit */
	int event;		/* PTRACE_EVENT_*, or 0 */
	bool syscall;		/* stopped at entry or exit of a call */
	int wait_status;	/* of END: as waitpid() gives it */
};
/**
 * What has tid to report? Never waits. keep: leave a stop reportable, so that
 * a signal it is about to get is not lost should we die (the kernel forgets
 * it once a wait has consumed it).
 */
void tg_task_poll(pid_t tid, bool keep, struct tg_event *ret);
/** As tg_task_poll, until there is something or deadline_ns has passed. */
void tg_task_wait(int signal_fd, pid_t tid, bool keep, uint64_t deadline_ns,
		  struct tg_event *ret);
/**
 * As tg_task_wait for a thread of a target, which may be killed meanwhile: a
 * dying process reports its first thread only when the others have been
 * reaped, so now and then those of t->stopped that ended are.
 */
struct tg_tracer;
void tg_thread_wait(struct tg_tracer *t, pid_t tid, bool keep,
		    uint64_t deadline_ns, struct tg_event *ret);
/** Sleep until a child may have something to report, or the deadline. */
void tg_task_sleep(int signal_fd, uint64_t deadline_ns);
/** Forget the SIGCHLDs so far. */
void tg_task_drain(int signal_fd);
/** Stopped by us or by a job-control signal, not at a signal or a call. */
bool tg_event_is_interrupt(const struct tg_event *ev);

/* --- remote.c: calls made by a stopped task --- */

enum tg_end {
	TG_DONE,		/* made: result is valid */
	TG_ENDED,		/* the task is no more */
	TG_LATE,		/* deadline passed, it is still running */
	TG_ODD,			/* a fault: stopped, and not where it should */
};
struct tg_remote {
	struct tg_call call;
	int64_t result;		/* as the kernel gives it: -errno */
	pid_t child;		/* that was auto-attached, or 0 */
};
/**
 * Make a stopped task do one call on stack sp; it is stopped afterwards, just
 * behind the call. base gives the registers that do not matter.
 */
enum tg_end tg_remote_call(struct tg_tracer *t, pid_t tid,
			   const struct user_regs_struct *base,
			   const struct tg_gadgets *g, uint64_t sp,
			   uint64_t deadline_ns, struct tg_remote *io);

/* --- threads.c: the threads of a target, stopped --- */

struct tg_stacks {
	struct wr_tracer_range *v;	/* sorted by start, disjoint */
	size_t n;
};
struct tg_task {
	pid_t tid;
	bool stopped;
	bool clean;		/* stopped by us, not at a signal */
	int signal;		/* it is about to get; given back at the end */
	bool rewound;		/* the call it was in will be made again */
	struct tg_state state;	/* xstate: in the stop's own memory */
	struct user_regs_struct resume;	/* registers to go on with */
};
struct tg_block {
	void *bytes;
	size_t used, size;
};
/** All threads of one target. {0} is empty. */
struct tg_stop {
	pid_t pid;
	int pidfd;		/* borrowed */
	uint32_t xstate_bytes;	/* of one area, about; 0: not known */
	HS_VEC(struct tg_task) tasks;
	HS_VEC(struct tg_block) blocks;	/* XSTATE areas live here */
	uint64_t started_ns;	/* first interrupt */
	uint64_t ended_ns;	/* last detach */
};
/**
 * Between on and off the tracer goes before others, where that is permitted
 * (root): threads of a target stand still and wait for it.
 */
void tg_hurry(const struct tg_tracer *t, bool on);
/** Room for the states of n threads, so that none is made during the stop. */
void tg_stop_prepare(const struct tg_tracer *t, struct tg_stop *stop, size_t n);
/** Stop all of them. On failure they are already let go. */
struct hs_err *tg_stop_all(struct tg_tracer *t, struct tg_stop *stop,
			   uint64_t limit_ns) HS_MUST_USE;
/** Let all go on, each with the signal it was about to get. */
void tg_stop_end(struct tg_tracer *t, struct tg_stop *stop);
void tg_stop_deinit(struct tg_stop *stop);
/**
 * Seize and stop one thread, without the others; its XSTATE lives in s. false
 * when it cannot be had just now: it is not ours then.
 */
bool tg_stop_one(struct tg_tracer *t, struct tg_stop *s, pid_t tid,
		 uint64_t deadline_ns, struct tg_task *ret);
/** Detach; a thread that is not stopped goes on the list of lingering ones. */
void tg_let_go(struct tg_tracer *t, const struct tg_task *task);
void tg_sweep_lingering(struct tg_tracer *t);
/** The process behind a pidfd has not ended. */
bool tg_process_lives(int pidfd);

/* --- hijack.c: one thread of a live target, made to do calls --- */

struct tg_hijack {
	pid_t pid;
	struct tg_task *task;
	const struct tg_gadgets *gadgets;
	int mem_fd;		/* of the target, read and write */
	struct tg_areas areas;	/* of this machine's processor */
	struct tg_frame frame;
	uint8_t saved[TG_FRAME_MAX];
};
/** How well may this thread be used? 0: not at all. */
int tg_hijack_rank(const struct tg_task *task, const struct tg_stacks *stacks);
/** Index of the thread that is best to use; s->tasks.n: there is none. */
uint32_t tg_hijack_choose(const struct tg_stop *s,
			  const struct tg_stacks *stacks, int mem_fd);
/** In the middle of a restartable sequence: it may not be used. */
bool tg_in_rseq(const struct tg_task *task, int mem_fd);
/** From here to tg_hijack_end() the thread restores itself if we die. */
struct hs_err *tg_hijack_begin(struct tg_hijack *h, pid_t pid,
			       struct tg_task *task,
			       const struct tg_gadgets *g,
			       int mem_fd) HS_MUST_USE;
enum tg_end tg_hijack_call(struct tg_tracer *t, struct tg_hijack *h,
			   uint64_t deadline_ns, struct tg_remote *io);
/** Registers, mask and bytes as they were; the thread stays stopped. */
void tg_hijack_end(struct tg_hijack *h);

/* filter.c */
struct sock_filter;
struct seccomp_data;
/** What a seccomp filter of n instructions says of a call: SECCOMP_RET_*. */
uint32_t tg_filter_run(const struct sock_filter *v, size_t n,
		       const struct seccomp_data *d);
/**
 * NULL when the filters of a stopped thread, if it has any, permit the calls
 * that are made in it, and those that it makes by itself should we die.
 */
struct hs_err *tg_filter_check(pid_t pid, pid_t tid, const struct tg_gadgets *g,
			       uint64_t sp) HS_MUST_USE;

bool tg_mem_read(int mem_fd, uint64_t addr, void *buf, size_t len);
bool tg_mem_write(int mem_fd, uint64_t addr, const void *buf, size_t len);
/** open("/proc/PID/NAME"), close on exec. Descriptor or -errno. */
int tg_proc_open(pid_t pid, const char *name, int flags);

/* --- held.c: an instant and its clones --- */

struct tg_guest;
struct tg_held {
	uint64_t id;
	pid_t pid;		/* the target */
	int pidfd;		/* of it */
	pid_t snap, eval;	/* S and E, 0 when there is none */
	pid_t dead_snap;	/* S ended by itself: a zombie in the target */
	bool together;		/* S is not to be the first to go */
	int snap_mem;		/* S's memory, read and write */
	struct tg_gadgets gadgets;
	struct tg_stacks stacks;
	struct user_regs_struct base;	/* S, where it stands */
	uint64_t sp;		/* S's stack for calls */
	uint64_t scratch;
	struct tg_stop stop;	/* threads at the instant (all let go) */
	uint32_t victim;
	uint32_t settled_thread;	/* when there is an E: whose it is */
	HS_VEC(struct tg_guest *) guests;
	uint32_t settle_state;
	uint64_t pause_ns, clone_ns, settle_ns, taken_ns;
};
struct tg_held *tg_held_find(struct tg_tracer *t, uint64_t id);
/** Frees ours; the clones must have ended. */
void tg_held_destroy(struct tg_held *h);
/** Wait for a new clone's first stop and make it ours for good. */
struct hs_err *tg_clone_adopt(struct tg_tracer *t, pid_t pid) HS_MUST_USE;
/** S alone: no descriptors, a name, first to go when memory is short. */
struct hs_err *tg_clone_disarm(struct tg_tracer *t,
			       struct tg_held *h) HS_MUST_USE;
/** Kill, and wait until it has ended. false: it takes longer. */
bool tg_clone_end(struct tg_tracer *t, pid_t pid);
/** End the copies and E, and take its zombie out of S. */
void tg_held_end_eval(struct tg_tracer *t, struct tg_held *h);

/* --- clone.c: clones of clones --- */

/**
 * Clone one that stands still. *ret is set when there is a clone, also on
 * error.
 */
struct hs_err *tg_clone_of(struct tg_tracer *t, struct tg_held *h,
			   pid_t parent, pid_t *ret) HS_MUST_USE;
/** A call in any clone of the instant; on TG_DONE *ret is its result. */
enum tg_end tg_clone_call(struct tg_tracer *t, struct tg_held *h, pid_t pid,
			  struct tg_call call, int64_t *ret);
/** Make what is shared and writable read-only. false: it could not be. */
bool tg_clone_confine(struct tg_tracer *t, struct tg_held *h, pid_t pid,
		      const struct wr_tracer_range *v, size_t n);
bool tg_clone_write(int mem_fd, const struct wr_tracer_write *w, size_t n);
/** n writes of a request, checked. */
struct hs_err *tg_take_writes(int fd, uint64_t offset, size_t n,
			      struct wr_tracer_write *ret) HS_MUST_USE;
/** End child and take its zombie out of parent (0: that has ended). */
void tg_clone_reap(struct tg_tracer *t, struct tg_held *h, pid_t parent,
		   pid_t child);

/* --- guest.c, run.c, help.c: a copy in which code of the program runs --- */

/** A thread of the program that was made to run on within a copy. */
struct tg_other {
	struct user_regs_struct regs;
	void *xstate;		/* NULL: as at the instant */
	uint32_t xstate_size;
	bool moved;		/* regs are of this copy */
	bool parked;		/* it cannot get further */
};
struct tg_guest {
	uint64_t id;
	pid_t pid;		/* 0: it has ended */
	pid_t parent;		/* E or S, which it was cloned of */
	pid_t self;		/* what it calls itself: in its namespace */
	uint32_t thread;	/* whose identity it has */
	int mem_fd;
	clockid_t clock;	/* its processor time */
	struct wr_tracer_range *ranges;	/* shared with others: read-only */
	size_t n_ranges;
	struct tg_other *others;	/* one for each thread, or NULL */

	/* The call under way. */
	bool under_way;
	bool inside;		/* of a system call that passes */
	uint64_t back;
	uint64_t cpu_ns;	/* of the copy when it began */
	unsigned int n_timed;	/* waits that were told to be over */
	struct wr_tracer_ran ran;
};
struct tg_guest *tg_guest_find(struct tg_tracer *t, uint64_t id,
			     struct tg_held **ret_held);
/** Kill it, and forget it. */
void tg_guest_end(struct tg_tracer *t, struct tg_held *h, struct tg_guest *c);
/** Let it go on to its next stop, or until the deadline: TG_EV_NONE. */
void tg_guest_advance(struct tg_tracer *t, struct tg_guest *c,
		     uint64_t deadline_ns, struct tg_event *ret);
/**
 * As tg_guest_advance, but at the deadline it is stopped: false only when that
 * fails.
 */
bool tg_guest_slice(struct tg_tracer *t, struct tg_guest *c,
		   uint64_t deadline_ns, struct tg_event *ret);
/**
 * Stands at the entry of a call: it is not made, and answers result. *ret:
 * registers behind it.
 */
bool tg_guest_cancel(struct tg_tracer *t, struct tg_guest *c, int64_t result,
		    struct user_regs_struct *ret);
/**
 * The copy waits, at the entry of a call, for a word that another thread of
 * the program would change. Cancels the call, lets the others run in turn
 * until it has changed, and comes back behind the call with result 0. false:
 * none of them changes it; the call is cancelled all the same.
 */
bool tg_guest_help(struct tg_tracer *t, struct tg_held *h, struct tg_guest *c,
		  const struct tg_wait *wait);

/* --- reap.c: zombies of ours in live targets --- */

struct tg_zombie {
	pid_t pid;		/* the clone's */
	bool dying;		/* killed, but has not ended yet */
};
/** Clones that wait to be taken out of one target. */
struct tg_grave {
	pid_t pid;
	int pidfd;
	pid_t tid;		/* that was of use before: try it first */
	struct tg_gadgets gadgets;
	struct tg_stacks stacks;
	unsigned int tries;
	HS_VEC(struct tg_zombie) zombies;
};
/** Take the held instant apart: its clones end, its zombie is on a list. */
void tg_bury(struct tg_tracer *t, struct tg_held *h);
/** One short stop for each target with zombies; returns how long. */
uint64_t tg_reap(struct tg_tracer *t);
/** Zombies that still wait. */
size_t tg_unreaped(const struct tg_tracer *t);

/* --- tracer.c --- */

struct tg_child {
	pid_t pid;
	bool ended;
	int wait_status;
};
/** If pid is a child of tg_spawn(): whoever reaped it tells. */
void tg_note_end(struct tg_tracer *t, pid_t pid, int wait_status);
struct tg_tracer {
	int control_fd, service_fd, signal_fd;
	int nice;		/* as it was started */
	struct tg_stop *stopped;	/* the target that stands still now */
	uint64_t last_id;
	HS_VEC(struct tg_held *) held;
	HS_VEC(struct tg_grave *) graves;
	HS_VEC(struct tg_child) children;
	HS_VEC(pid_t) lingering;
	struct tg_hijack hijack;	/* large, hence here */
};

/* --- requests: one function each; reply is filled, fds are given away --- */

struct tg_packet;
struct hs_err *tg_do_freeze(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_settle(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_guest(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_run(struct tg_tracer *t, struct tg_packet *in,
			 struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_guest_end(struct tg_tracer *t, struct tg_packet *in,
			      struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_get(struct tg_tracer *t, struct tg_packet *in,
			 struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_spawn(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out) HS_MUST_USE;
/** Ranges in memfd i of the packet replace those in *ret. */
struct hs_err *tg_take_stacks(struct tg_packet *in, size_t i, uint32_t n,
			      struct tg_stacks *ret) HS_MUST_USE;
/** struct wr_tracer_thread of each, then their XSTATE areas. */
struct hs_err *tg_write_threads(const struct tg_stop *s, int fd) HS_MUST_USE;
struct hs_err *tg_do_clean(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_copy(struct tg_tracer *t, struct tg_packet *in,
			  struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_plant(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out) HS_MUST_USE;
struct hs_err *tg_do_uproot(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out) HS_MUST_USE;
/** Fill a FROZEN reply from what is held. */
struct hs_err *tg_reply_frozen(const struct tg_held *h,
			       struct tg_packet *out) HS_MUST_USE;
#endif
