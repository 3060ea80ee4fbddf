/* SPDX-License-Identifier: Apache-2.0 */
/**
 * target: a running process is stopped, cloned and let go; the clone is the
 * frozen image. Two halves.
 *
 * The tracer (tg_tracer_main) is a process of one thread that does ptrace and
 * nothing else: it parses no file of the target and lives longer than the
 * engine. The client (everything else here) runs in the engine: it decides
 * beforehand all that can be decided, and tells the tracer addresses.
 *
 *	tg_check		may we, and what will it cost? stops nothing
 *	tg_plan_create		instructions to use and stacks to stand on
 *	tg_freeze		the one stop: an instant
 *	tg_settle		run a copy of the copy up to a consistent point
 *	tg_release		nothing stays
 *
 * All functions of one client are called from one thread at a time.
 */
#ifndef TG_TARGET_H
#define TG_TARGET_H

#include <sys/user.h>

#include "base.h"
#include "err.h"
#include "tracer_wire.h"

struct tg_client;
struct tg_plan;

/**
 * The tracer. Serves until control_fd ends (then it releases every instant
 * and returns) or gives it another service socket (WR_TRACER_SERVICE); the end
 * of service_fd alone releases nothing. Both are SOCK_SEQPACKET, and taken
 * over; service_fd may be -1. Closes every other descriptor above 2, and
 * ignores SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGPIPE. Returns the exit
 * status. It must be given a process of its own, without other threads.
 */
int tg_tracer_main(int control_fd, int service_fd);
/**
 * Give the tracer behind control_fd (borrowed) a new service socket; its other
 * end is for tg_client_create(). For the shell, when an engine has died.
 */
struct hs_err *tg_new_service(int control_fd, int *ret_service_fd) HS_MUST_USE;

/** Client of the tracer behind service_fd, which it takes over. */
struct hs_err *tg_client_create(int service_fd,
				struct tg_client **ret) HS_MUST_USE;
/** Releases nothing: instants stay in the tracer. NULL is fine. */
void tg_client_destroy(struct tg_client *c);

/** How an instant may be had, best first. */
enum tg_rung {
	TG_CLONE,	/* stop, clone, resume: tg_freeze() */
	TG_COPY,	/* stop, copy all to us, resume: tg_copy() */
	TG_LIVE,	/* stop nothing, and read what changes */
};

#define TG_MAX_PAUSE_NS UINT64_C(2000000000)

struct tg_options {
	uint64_t max_pause_ns;	/* refuse above; 0: 2 s */
	uint32_t cow_percent;	/* of RSS, that the target may copy; 0: 5 */
	enum tg_rung rung;	/* which one is asked for */
	uint64_t copy_bytes;	/* of memory that we have for a copy */
};

/** What is in the way of a rung. */
enum tg_obstacle {
	TG_NO_OBSTACLE,
	TG_MISSING, TG_NOT_PERMITTED, TG_FOREIGN,	/* of every rung */
	TG_TRACED, TG_LONG,				/* of clone and copy */
	TG_FILTERED, TG_SHADOW, TG_NAMESPACES, TG_WATCHED, TG_NO_PIDS,
	TG_NO_MEMORY, TG_OVERCOMMIT,			/* of the clone */
	TG_NO_ROOM_HERE,				/* of the copy */
};

/**
 * /proc/PID/mem, read-only, for the caller to close; or -errno. Where we may
 * not open it ourselves it is the tracer's (c may be NULL): of what it started
 * it is the parent, which yama lets in, and we are not.
 */
int tg_memory(struct tg_client *c, int pid);

/** What tg_check saw. All of it before any stop, hence a moment old. */
struct tg_report {
	int pid;
	uint64_t start_time;	/* clock ticks since boot: field 22 of stat */
	uint32_t uid, gid;	/* effective */
	uint32_t n_threads;
	uint64_t rss_bytes;
	uint64_t huge_bytes;	/* of it, in transparent huge pages */
	uint64_t table_bytes;	/* page tables, which clone() copies */
	uint64_t pause_ns;	/* expected: the formulas are in room.c */
	uint64_t copy_pause_ns;	/* of the second rung */
	uint64_t needed_bytes;	/* memory the clone may come to cost */
	uint64_t left_bytes;	/* in its cgroup; UINT64_MAX: no limit */
	bool together;		/* a clone's end there would be its own */
	enum tg_obstacle obstacle;	/* that was met first */
	char comm[16];
};
/** Bytes of ours that a copy may come to need. */
static inline uint64_t tg_copy_bytes(const struct tg_report *r)
{
	return r->rss_bytes + r->rss_bytes / 8 + (UINT64_C(16) << 20);
}

/**
 * Decide whether pid may be frozen. Fills *ret as far as it came, also when
 * it refuses (ret->pid is 0 when there is no such process).
 *	HS_ERR_NAME	there is no such process
 *	HS_ERR_GONE	it has ended (a zombie)
 *	HS_ERR_DENIED	the kernel would refuse us; the remedy says what helps
 *	HS_ERR_REFUSED	it would be permitted, but not safe by this rung:
 *			see ret->obstacle
 * c is asked whether the tracer may; NULL: we ourselves.
 */
struct hs_err *tg_check(struct tg_client *c, int pid,
			const struct tg_options *options,
			struct tg_report *ret) HS_MUST_USE;

/** Is told of each obstacle. rungs: bits 1 << enum tg_rung; err: borrowed. */
struct tg_listener {
	void (*tell)(void *arg, enum tg_obstacle what, int rungs,
		     const struct hs_err *err);
	void *arg;
};
/**
 * All obstacles, not the first one alone. The error is that which stands in
 * the way of every rung: then there is nothing more to tell.
 */
struct hs_err *tg_survey(struct tg_client *c, int pid,
			 const struct tg_options *options,
			 struct tg_report *ret,
			 const struct tg_listener *to) HS_MUST_USE;

/* --- facts, for people --- */

enum { TG_CAP_SYS_PTRACE = 19, TG_CAP_SYS_ADMIN = 21 };
/** kernel.yama.ptrace_scope, or -1: the kernel has no such thing. */
int tg_yama_scope(void);
/** Have we this capability (of our own user namespace)? */
bool tg_capable(int cap);
/** Is pid in our namespace of this kind ("pid", "user", "mnt", …)? */
bool tg_same_namespace(int pid, const char *which);
/** uid: of the process. */
bool tg_is_dumpable(int pid, uint32_t uid);

/** What the tightest of its cgroups leaves a process. */
struct tg_left {
	uint64_t amount;	/* UINT64_MAX: no limit, or not known */
	char file[256];		/* that holds the limit, or "" */
	const char *none;	/* what is written there for no limit */
	bool together;		/* memory: who is ended for want of it takes
				   all of a group along (memory.oom.group) */
};
struct tg_headroom {
	struct tg_left memory, pids;	/* bytes; how many */
};

struct tg_facts {
	char state;		/* 'S', 'R', 'T', …; '?': not known */
	bool dumpable;
	uint32_t uid;
	uint32_t seccomp, filters;	/* mode; how many (Linux 5.9) */
	int tracer;		/* who traces it, or 0 */
	char tracer_comm[16];
	unsigned int foreign_spaces;	/* bits: pid, user, mnt, net */
	struct tg_headroom left;
};
/** false when there is no such process. */
bool tg_facts_read(int pid, struct tg_facts *ret);

/** Is it called as clones of ours are? */
bool tg_is_clone(int pid);

/** A clone that a heapsh which was killed could not take along. */
struct tg_leftover {
	int pid, parent;
	bool running;		/* not a zombie yet */
};
/** Those of parent (0: of all processes). *ret is freed with free(). */
size_t tg_leftovers(int parent, struct tg_leftover **ret);
/** Take them out of the process, as tg_release(). *ret: how many are gone. */
struct hs_err *tg_clean(struct tg_client *c, int pid, size_t *ret) HS_MUST_USE;

/**
 * Find in the mapped files of the checked process (never by touching its
 * pages) the two instruction sequences that a freeze needs, and the stacks on
 * which a frame may stand. Pins the process: HS_ERR_GONE when it is not the
 * one of the report any more. HS_ERR_UNSUPPORTED when nothing was found.
 */
struct hs_err *tg_plan_create(const struct tg_report *report,
			      struct tg_plan **ret) HS_MUST_USE;
void tg_plan_destroy(struct tg_plan *plan);

/** A thread at the instant. */
struct tg_thread {
	int tid;
	int64_t syscall;	/* it is blocked in, or -1 */
	uint64_t args[6];	/* of that */
	uint64_t fs_base;
	uint64_t sigmask;
	int signal;		/* it was about to get, or 0 */
	struct user_regs_struct regs;	/* as the kernel had them */
	const void *xstate;	/* NT_X86_XSTATE, or NULL */
	uint32_t xstate_size;
	char comm[16];		/* "" when it has ended since */
};

/** An instant. Owned by who got it; the clones live until tg_release(). */
struct tg_instant {
	uint64_t id;
	int pid;
	int snap_pid;		/* S: as the stop left it */
	int eval_pid;		/* E: settled; 0 when not */
	int image_pid;		/* E or else S: read this one */
	int mem_fd;		/* its /proc/PID/mem, owned; -1 once taken */
	uint64_t taken_ns;	/* CLOCK_REALTIME */
	uint64_t pause_ns;	/* the target stood still */
	uint64_t clone_ns;	/* of that, in clone() */
	uint64_t settle_ns;	/* target not stopped */
	enum wr_tracer_settle_state state;
	uint32_t settled_thread; /* index, when SETTLED */
	char why[96];		/* why not settled, or "" */
	uint32_t n_threads;
	struct tg_thread *threads;
	void *bytes;		/* what threads[].xstate point into */
	uint64_t faults_first;	/* of the target, when we had this */
	uint64_t copied;	/* what the last tg_copied() answered */
	uint64_t copied_before;	/* of that, before share_first */
	uint64_t share_first;	/* of S, since copies last came or went */
	uint64_t clones;	/* tg_client_clones() of that time */
	struct tg_mirror *mirror;	/* of tg_copy(); NULL: a clone */
};

/** Memory of a process that was copied while it stood still. */
struct tg_mirror {
	int fd;			/* memory file: the pieces, back to back */
	struct wr_tracer_range *pieces;	/* sorted, disjoint */
	size_t n_pieces;
	char *maps;		/* text of /proc/PID/maps, as it was then */
	size_t maps_bytes;
};

/**
 * Stop every thread, clone, resume. *ret is the caller's (tg_instant_free).
 *	HS_ERR_GONE	the target ended meanwhile
 *	HS_ERR_TIMEOUT	a thread did not stop (disk wait, vfork, frozen cgroup)
 *	HS_ERR_DENIED, HS_ERR_REFUSED	as tg_check
 *	HS_ERR_OS	clone() failed: ENOMEM, EAGAIN (pids limit)
 * On every failure the target goes on as if nothing had been.
 */
struct hs_err *tg_freeze(struct tg_client *c, const struct tg_plan *plan,
			 struct tg_instant **ret) HS_MUST_USE;

/**
 * Stop every thread, copy what the process has written to memory of ours,
 * resume: ret->mirror. Makes no call in the process and leaves nothing to be
 * released; id is 0, mem_fd -1. HS_ERR_REFUSED: it took longer than
 * max_pause_ns (0: 2 s), and was given up; HS_ERR_OS: no memory for it.
 * Others as tg_freeze().
 */
struct hs_err *tg_copy(struct tg_client *c, const struct tg_report *report,
		       uint64_t max_pause_ns,
		       struct tg_instant **ret) HS_MUST_USE;
/** Frees our side and closes mem_fd; the clones stay. NULL is fine. */
void tg_instant_free(struct tg_instant *in);

/** How to settle. Neutral of runtimes: heapsh_settle (plugin.h) fits in. */
struct tg_script {
	uint32_t thread;	/* index in threads[]: the identity to take */
	uint32_t limit_ms;	/* of processor time; 0: 60 */
	enum wr_tracer_calls calls;
	const struct wr_tracer_write *before;	/* written before it runs */
	size_t n_before;
	const struct wr_tracer_write *after;	/* when it has stopped */
	size_t n_after;
};

/**
 * Make E from S and run it as the script says, up to the first system call
 * that is not let pass, which is not executed. The target has no part in it.
 * Success of the function is not success of settling: see in->state and
 * in->why. When SETTLED, image_pid, eval_pid, mem_fd and the registers of the
 * thread are E's; else nothing changes and E is gone. An instant is settled
 * once.
 */
struct hs_err *tg_settle(struct tg_client *c, struct tg_instant *in,
			 const struct tg_script *script) HS_MUST_USE;

/**
 * End the clones and take the zombie away: one thread of the target stands
 * still for a moment. in stays valid for reading its facts until
 * tg_instant_free(); its mem_fd reads nothing any more. A target that has
 * ended is no error.
 */
struct hs_err *tg_release(struct tg_client *c, struct tg_instant *in)
	HS_MUST_USE;
/**
 * Bytes that the target had to copy because this instant is held. Of a program
 * that shares its memory with forks of its own, and where other copies of it
 * come and go, less than that. 0 where the kernel does not say (before Linux
 * 5.3). Walks the copy's page tables: about 5 ms/GB of our time, the target is
 * not touched.
 */
uint64_t tg_copied(struct tg_client *c, struct tg_instant *in);

/** Instants held and children spawned. *ret is freed with free(). */
struct hs_err *tg_list(struct tg_client *c, struct wr_tracer_item **ret,
		       size_t *ret_n) HS_MUST_USE;
/** Take over an instant that tg_list() named, as after tg_freeze(). */
struct hs_err *tg_adopt(struct tg_client *c, uint64_t id,
			struct tg_instant **ret) HS_MUST_USE;

struct tg_spawn {
	const char *const *argv;	/* NULL-terminated; argv[0] by PATH */
	const char *const *env;		/* NULL-terminated */
	const char *folder;		/* NULL: ours */
	int stdio[3];			/* -1: /dev/null */
	bool own_group;			/* process group of its own */
};
/**
 * Start a program as a child of the tracer (for run and demo). It starts
 * normally, traced by nobody. Its end is seen in tg_list(). HS_ERR_NAME when
 * it cannot be executed.
 */
struct hs_err *tg_spawn(struct tg_client *c, const struct tg_spawn *spawn,
			int *ret_pid) HS_MUST_USE;
#endif
