/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tracer and those who use it say to each other.
 *
 * Both sockets are SOCK_SEQPACKET, one message a packet, little-endian as the
 * machine is, fixed width. What does not fit a packet (threads, stacks,
 * writes, argv) travels as a memfd beside it, so that no message has more
 * than WR_TRACER_MAX bytes and none is ever cut in two. A request carries all
 * that it needs: a new engine may go on where the old one died.
 *
 * Every reply echoes type and seq of its request; a client drops replies with
 * a foreign seq (they were meant for its predecessor). Requests are answered
 * in order. A malformed request is answered with HS_ERR_FORMAT and harms
 * nothing: the tracer takes the engine, which runs plugins, for hostile.
 *
 * Descriptors are listed with each message, in this order. A reply whose code
 * is not 0 carries none.
 */
#ifndef WR_TRACER_WIRE_H
#define WR_TRACER_WIRE_H

#include <stdint.h>

/** What a clone is called, so that people and we know it in a list. */
#define WR_TRACER_CLONE "heapsh-snap"

enum {
	WR_TRACER_MAGIC = 0x48535452,	/* "RTSH" */
	WR_TRACER_VERSION = 1,		/* both ends are one binary */
	WR_TRACER_MAX = 4096,		/* bytes of any message */
	WR_TRACER_FDS = 5,		/* descriptors of a message, at most */
	WR_TRACER_INSTANTS = 64,	/* held at once, all targets together */
	WR_TRACER_CHILDREN = 16,	/* of tg_spawn, at once */
	WR_TRACER_STACKS = 65536,	/* ranges in a plan */
	WR_TRACER_WRITES = 256,		/* of a settle script, each way */
	WR_TRACER_SHARED = 16384,	/* shared writable mappings to close */
	WR_TRACER_GUESTS = 4,		/* of one instant, at once */
	WR_TRACER_MAPS = 16,		/* put into one copy */
	WR_TRACER_MAP_BYTES = 64 << 20,	/* each */
	WR_TRACER_WORDS = 32,		/* that a planted function needs */
	WR_TRACER_ARGV = 4 << 20,	/* bytes of argv, environ and folder */
};

enum wr_tracer_type {
	/* On the service socket. */
	WR_TRACER_PROBE = 1,	/* may we ptrace this process? */
	WR_TRACER_FREEZE,
	WR_TRACER_SETTLE,
	WR_TRACER_RELEASE,
	WR_TRACER_LIST,
	WR_TRACER_GET,		/* an instant again, for a new engine */
	WR_TRACER_SPAWN,
	WR_TRACER_COPY,
	WR_TRACER_GUEST,	/* a disposable copy, to run code in */
	WR_TRACER_RUN,
	WR_TRACER_GUEST_END,
	WR_TRACER_CLEAN,
	WR_TRACER_PLANT,	/* a function that the program is to call */
	WR_TRACER_UPROOT,
	/* On the control socket; not answered. */
	WR_TRACER_SERVICE = 100, /* fd: a new service socket; drops the old */
};

struct wr_tracer_head {
	uint32_t magic, version;
	uint32_t type;			/* wr_tracer_type */
	uint32_t size;			/* of the message, this included */
	uint64_t seq;
};

/** Begins every reply. code 0: done, and the rest of the reply is valid. */
struct wr_tracer_status {
	uint32_t code;			/* enum hs_code */
	int32_t errnum;
	uint64_t addr;
	char text[240];			/* NUL-terminated sentence */
	char remedy[160];		/* or "" */
};

struct wr_tracer_range {
	uint64_t start, end;		/* end exclusive */
};

struct wr_tracer_probe {
	struct wr_tracer_head head;
	int32_t pid;
	uint32_t reserved;
};
/** Reply to PROBE. fds: when it is not denied, that mem, read-only. */
struct wr_tracer_probed {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	int32_t denied;			/* errno of opening mem, or 0 */
	int32_t tracer;			/* pid of the tracer */
};

/**
 * fds: pidfd of the target, which pins the process that was checked;
 * memfd of n_stacks wr_tracer_range: where a frame may be put.
 */
struct wr_tracer_freeze {
	struct wr_tracer_head head;
	int32_t pid;
	uint32_t n_stacks;
	uint64_t syscall_ret;		/* address of 0f 05 c3 */
	uint64_t restore_rt;		/* address of mov $15,%eax; syscall */
	uint32_t stop_ms;		/* give up if not all stopped by then */
	uint32_t flags;			/* wr_tracer_freeze_flag */
};
enum wr_tracer_freeze_flag {
	/* The clone's end for want of memory would be that of its group. */
	WR_TRACER_TOGETHER = 1,
};
/**
 * Reply to FREEZE and GET. fds: /proc/IMAGE/mem, read-only; memfd of
 * n_threads wr_tracer_thread and then their XSTATE areas.
 */
struct wr_tracer_frozen {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint64_t id;			/* never 0, never used twice */
	int32_t pid;
	int32_t snap_pid, eval_pid;	/* eval_pid 0: not settled */
	uint32_t n_threads;
	uint64_t pause_ns;		/* all of the target stood still */
	uint64_t clone_ns;		/* of that, inside clone() */
	uint64_t taken_ns;		/* CLOCK_REALTIME */
	uint64_t settle_ns;
	uint32_t settle_state;		/* wr_tracer_settle_state */
	uint32_t victim;		/* index of the thread that was used */
	uint32_t settled_thread;	/* index of the one that was run */
	uint32_t reserved;
};

struct wr_tracer_thread {
	int32_t tid;
	uint32_t signal;		/* it was about to get, or 0 */
	uint64_t sigmask;
	uint64_t xstate_offset;		/* in the memfd; 0: none */
	uint32_t xstate_size;
	uint32_t reserved;
	uint64_t regs[27];		/* struct user_regs_struct (x86-64) */
};

enum wr_tracer_write_mode {
	WR_TRACER_SET,
	WR_TRACER_OR,
	WR_TRACER_AND,
};
enum { WR_TRACER_WRITE_BYTES = 192 };

struct wr_tracer_write {
	uint64_t addr;
	uint32_t len;			/* at most WR_TRACER_WRITE_BYTES */
	uint32_t mode;			/* wr_tracer_write_mode */
	uint8_t bytes[WR_TRACER_WRITE_BYTES];
};

enum wr_tracer_calls {
	/**
	 * brk, mmap and mremap of private anonymous memory, munmap, madvise
	 * (but not MADV_REMOVE), mprotect (but not of shared mappings), futex
	 * wake, clock_gettime, gettimeofday, sched_yield, rt_sigprocmask.
	 */
	WR_TRACER_CALLS_MEMORY,
	/** These, and what only asks: getpid, getrandom, uname, times, … */
	WR_TRACER_CALLS_RUN,
};

enum wr_tracer_settle_state {
	WR_TRACER_UNSETTLED,		/* nobody asked yet */
	WR_TRACER_SETTLED,
	WR_TRACER_LIMIT,		/* ran for limit_ms, did not arrive */
	WR_TRACER_FAULT,		/* got a signal */
	WR_TRACER_ENDED,		/* it is no more */
	WR_TRACER_UNCONFINED,		/* could not be confined: never ran */
};

/**
 * fds: memfd of n_before, then n_after wr_tracer_write, then wr_tracer_range:
 * n_shared mappings of the clone that are shared and writable, and n_closed
 * that are shared and not.
 */
struct wr_tracer_settle {
	struct wr_tracer_head head;
	uint64_t id;
	uint32_t thread;		/* index: whose identity it gets */
	uint32_t calls;			/* wr_tracer_calls: that may pass */
	uint32_t limit_ms;		/* of its own processor time */
	uint32_t n_before, n_after, n_shared;
	uint32_t n_closed;
	uint32_t reserved;
};
/** fds, when state is SETTLED: /proc/EVAL/mem, read-only. */
struct wr_tracer_settled {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint32_t state;			/* wr_tracer_settle_state */
	int32_t eval_pid;
	int32_t signal;			/* of FAULT */
	int32_t call;			/* system call where it stands, or -1 */
	uint32_t calls_passed;
	uint32_t reserved;
	uint64_t clone_ns, run_ns;
	uint64_t regs[27];		/* of the thread that was run, now */
};

/** fds: memfd of n_stacks ranges, fresh; none when n_stacks is 0. */
struct wr_tracer_release {
	struct wr_tracer_head head;
	uint64_t id;			/* 0: all of them */
	uint32_t n_stacks;
	uint32_t reserved;
};
struct wr_tracer_released {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint32_t n_released;
	uint32_t n_left;		/* zombies that could not be reaped */
	uint64_t pause_ns;		/* one thread stood still */
};

/**
 * fds: pidfd of the target; memfd of bytes bytes, which the copy is written
 * to. It is given up, and the target let go, after max_ns.
 */
struct wr_tracer_copy {
	struct wr_tracer_head head;
	int32_t pid;
	uint32_t stop_ms;
	uint64_t bytes;
	uint64_t max_ns;
};
/**
 * fds: memfd of n_threads wr_tracer_thread and their XSTATE areas; memfd of
 * n_pieces wr_tracer_range, which lie one after the other in the copy; memfd
 * of the text of /proc/PID/maps.
 */
struct wr_tracer_copied {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint64_t pause_ns, taken_ns;
	uint64_t n_pieces, maps_bytes;
	uint32_t n_threads, reserved;
};

/**
 * Answered as RELEASE is. fds: pidfd of the target; memfd of n_stacks ranges;
 * memfd of n_zombies ranges: start is a child's pid, end is 1 when it has not
 * ended yet.
 */
struct wr_tracer_clean {
	struct wr_tracer_head head;
	int32_t pid;
	uint32_t n_stacks, n_zombies, reserved;
	uint64_t syscall_ret, restore_rt;
};

struct wr_tracer_list {
	struct wr_tracer_head head;
};
/** One instant or child. */
struct wr_tracer_item {
	uint64_t id;			/* 0: a child of SPAWN */
	int32_t pid;
	int32_t snap_pid, eval_pid;
	uint32_t state;			/* settle state; child: 1 ended */
	int32_t wait_status;		/* of a child that has ended */
	uint32_t gone;			/* 1: the target is no more */
};
/** fds: memfd of n wr_tracer_item. */
struct wr_tracer_listed {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint32_t n;
	uint32_t n_lingering;		/* threads that never stopped for us */
};

enum wr_tracer_spawn_flags {
	WR_TRACER_OWN_GROUP = 1,	/* a process group of its own */
};
/**
 * fds: memfd of folder, n_argv and n_env NUL-terminated strings, one after
 * the other; then stdin, stdout, stderr.
 */
struct wr_tracer_spawn {
	struct wr_tracer_head head;
	uint32_t n_argv, n_env;
	uint32_t bytes;			/* of the memfd */
	uint32_t flags;			/* wr_tracer_spawn_flags */
};
struct wr_tracer_spawned {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	int32_t pid;
	uint32_t reserved;
};

/** Memory that is mapped into a copy, at this address and nowhere else. */
struct wr_tracer_map {
	uint64_t addr, len;		/* whole pages */
	uint64_t bytes;			/* of content, the rest is zero */
	uint32_t prot;			/* PROT_READ 1, WRITE 2, EXEC 4 */
	uint32_t reserved;
};
/**
 * fds: memfd of n_writes wr_tracer_write; n_shared, then n_closed ranges as of
 * SETTLE; n_maps wr_tracer_map; and the content of these, one after the other.
 */
struct wr_tracer_guest {
	struct wr_tracer_head head;
	uint64_t id;			/* of the instant */
	uint32_t thread;		/* index: whose identity it gets */
	uint32_t n_writes, n_shared, n_closed, n_maps;
	uint32_t room_mib;		/* memory it may come to need more */
};
/** fds: /proc/GUEST/mem, to read and write. */
struct wr_tracer_guest_made {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint64_t guest;			/* never 0, never used twice */
	int32_t pid;
	uint32_t reserved;
	uint64_t clone_ns;
};

enum wr_tracer_ran_state {
	WR_TRACER_RAN_ON,		/* it has not ended: RUN with entry 0 */
	WR_TRACER_RAN_RETURNED,
	WR_TRACER_RAN_CRASHED,
	WR_TRACER_RAN_STUCK,		/* in a wait that nobody can end */
	WR_TRACER_RAN_EXITED,
	WR_TRACER_RAN_ENDED,		/* killed by others */
};
/** Let code run in a copy, at most slice_ms; it stands still afterwards. */
struct wr_tracer_run {
	struct wr_tracer_head head;
	uint64_t guest;
	uint64_t entry;			/* 0: go on where it was */
	uint64_t argument;		/* first of entry */
	uint64_t back;			/* a trap here is the return */
	uint64_t sp;			/* 0: below the thread's own */
	uint32_t slice_ms;
	uint32_t reserved;
};
struct wr_tracer_ran {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	uint32_t state;			/* wr_tracer_ran_state */
	int32_t signal;			/* of CRASHED */
	int32_t exit_status;		/* of EXITED */
	int32_t refused;		/* first call that was, or -1 */
	uint32_t n_refused;
	uint32_t n_helped;		/* waits that others' running ended */
	uint64_t value;			/* of RETURNED */
	uint64_t address, ip;		/* of CRASHED */
	uint64_t cpu_ns;		/* since entry */
};
struct wr_tracer_guest_end {
	struct wr_tracer_head head;
	uint64_t guest;
};

enum wr_tracer_word_flags {
	WR_TRACER_WORD_CHECK = 1,	/* must be before, or nothing is done */
	WR_TRACER_WORD_SET = 2,		/* becomes now */
	WR_TRACER_WORD_OR = 4,		/* gets the bits of now */
	WR_TRACER_WORD_UNDO = 8,	/* of UPROOT: before again */
};
/** A number of the running program. */
struct wr_tracer_word {
	uint64_t addr, before, now;
	uint32_t bytes;			/* 1, 4 or 8 */
	uint32_t flags;			/* wr_tracer_word_flags */
};
enum {
	WR_TRACER_PLANT_CODE = 4096,	/* bytes of it: the first page */
	WR_TRACER_PLANT_BYTES = 8192,	/* and data, the second */
};
/** What the first word of the data says; the planted code writes it. */
enum wr_tracer_planted_state {
	WR_TRACER_PLANT_WAITS,
	WR_TRACER_PLANT_RUNS,
	WR_TRACER_PLANT_DONE,
};
/**
 * PLANT: two pages are mapped at addr in the running program, filled, and the
 * words are changed so that it calls what lies there; all of it while every
 * thread stands still. UPROOT: the pages go; a function that has not been
 * called is never called then. HS_ERR_REFUSED with EAGAIN: not just now.
 *
 * With n_box, addr is that of a struct wr_probe_box, and nothing is mapped: the
 * box must begin with state and number, and gets n_box bytes. UPROOT: what is
 * waiting in it under `number` is dropped, and the words are undone where they
 * still are as they were left.
 *
 * fds: pidfd of the target; memfd of n_stacks ranges; memfd of n_words
 * wr_tracer_word; memfd of WR_TRACER_PLANT_BYTES or n_box (PLANT only).
 */
struct wr_tracer_plant {
	struct wr_tracer_head head;
	int32_t pid;
	uint32_t n_stacks, n_words, stop_ms;
	uint64_t syscall_ret, restore_rt;
	uint64_t addr;			/* whole pages, where nothing is */
	uint32_t n_box, reserved;
	/** Of the box before; number of the pages' second word (UPROOT). */
	uint64_t box_state, box_number;
};
struct wr_tracer_planted {
	struct wr_tracer_head head;
	struct wr_tracer_status status;
	/** wr_tracer_planted_state, or wr_probe_box_state, before. */
	uint32_t state;
	uint32_t reserved;
	uint64_t pause_ns;
};
#endif
