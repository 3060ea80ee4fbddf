// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <unistd.h>

#include "map.h"
#include "text.h"
#include "tg_proc.h"

/*
 * Stopping every thread of a process. PTRACE_SEIZE, never ATTACH: it stops
 * nothing by itself and leaves no SIGSTOP behind. A running thread may start
 * another until it has stopped, so the folder is read until a reading that
 * began when all known threads stood still shows none that is new.
 */

/** One attempt. */
struct scan {
	struct tg_tracer *t;
	struct tg_stop *stop;
	struct hs_map seen;	/* tid -> 1; 0: it has ended */
	uint64_t limit_ns, deadline_ns;	/* from the first that is ours */
	bool found, denied;	/* in the last reading */
};

enum { BLOCK_SPARE = 16 };	/* threads that may start meanwhile */

static void add_block(struct tg_stop *s, size_t n_threads)
{
	size_t one = s->xstate_bytes ? s->xstate_bytes : TG_XSTATE_MAX;
	size_t size = n_threads * one + TG_XSTATE_MAX;
	struct tg_block b = { .bytes = hs_xalloc(size), .size = size };

	memset(b.bytes, 0, size);	// not during the stop
	hs_vec_push(&s->blocks, b);
}

/* Room for one XSTATE area, of which the caller uses what it gets. */
static void *xstate_room(struct tg_stop *s)
{
	struct tg_block *b = s->blocks.n ? &s->blocks.v[s->blocks.n - 1] : NULL;

	if (!b || b->size - b->used < TG_XSTATE_MAX) {
		add_block(s, BLOCK_SPARE);
		b = &s->blocks.v[s->blocks.n - 1];
	}
	return (char *)b->bytes + b->used;
}

static struct hs_err *denied(const struct tg_stop *s, int errnum)
{
	struct hs_err *err;

	if (errnum == ESRCH)
		return hs_err_new(HS_ERR_GONE,
				  "freeze process %d: it has ended", s->pid);
	err = hs_err_new(HS_ERR_DENIED,
			 "freeze process %d: the kernel refuses ptrace: %s",
			 s->pid, strerror(errnum));
	return hs_err_remedy(err, "heapsh attach %d --live", s->pid);
}

/* It did not stop for an earlier attempt, and has been ours since. */
static bool take_lingering(struct tg_tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->lingering.n; i++) {
		if (t->lingering.v[i] == tid) {
			t->lingering.v[i] = t->lingering.v[--t->lingering.n];
			return true;
		}
	}
	return false;
}

/*
 * As PTRACE_SEIZE, with errno, of a thread that another heapsh may have just
 * now. Who waits here has stopped nothing yet: no two wait for each other.
 */
static bool seize_in_turn(pid_t tid, uint64_t deadline_ns)
{
	enum { LOST = 8 };	/* to others who came first; or it is refused */
	int errnum = 0, tracer;

	for (int i = 0; i < LOST; i++) {
		if (!ptrace(PTRACE_SEIZE, tid, 0, 0))
			return true;
		errnum = errno;
		if (errnum != EPERM ||
		    !tg_await_turn(tid, getpid(), deadline_ns, &tracer))
			break;
	}
	errno = errnum;
	return false;
}

static bool seize_first(struct scan *sc, pid_t tid)
{
	bool ours = seize_in_turn(tid, hs_now_ns() + UINT64_C(1) * TG_TURN_MS *
							     TG_MS);

	sc->deadline_ns = hs_now_ns() + sc->limit_ns;
	return ours;
}

/* With errno; no waiting where others of the process stand still already. */
static bool seize_thread(struct scan *sc, pid_t tid)
{
	if (take_lingering(sc->t, tid))
		return true;
	if (!sc->stop->tasks.n)
		return seize_first(sc, tid);
	return !ptrace(PTRACE_SEIZE, tid, 0, 0);
}

/* NULL, also when the thread has ended meanwhile. */
static struct hs_err *seize(struct scan *sc, pid_t tid)
{
	struct tg_task task = { .tid = tid };

	if (!seize_thread(sc, tid)) {
		if (errno == ESRCH && tid != sc->stop->pid)
			return NULL;
		// A thread that is just ending is refused as well. But not
		// the first one: then there is nothing to undo either.
		if (errno != EPERM || tid == sc->stop->pid)
			return denied(sc->stop, errno);
		sc->denied = true;
		return NULL;
	}
	if (!sc->stop->tasks.n) {
		if (!tg_process_lives(sc->stop->pidfd)) {
			tg_let_go(sc->t, &task);
			return denied(sc->stop, ESRCH);
		}
		sc->stop->started_ns = hs_now_ns();
	}
	hs_map_put(&sc->seen, (uint64_t)tid, 1);
	hs_vec_push(&sc->stop->tasks, task);
	sc->found = true;
	// Interrupted when all of this reading have been seized.
	return NULL;
}

static struct hs_err *read_folder(struct scan *sc)
{
	size_t first = sc->stop->tasks.n;
	struct hs_err *err = NULL;
	char path[48];
	struct dirent *e;
	DIR *d;

	sc->found = sc->denied = false;
	snprintf(path, sizeof(path), "/proc/%d/task", sc->stop->pid);
	d = opendir(path);
	if (!d)
		return denied(sc->stop, errno == ENOENT ? ESRCH : errno);
	while (!err && (e = readdir(d))) {
		uint64_t tid, *seen;

		if (!hs_parse_u64(e->d_name, &tid) || tid > INT32_MAX)
			continue;
		seen = hs_map_get(&sc->seen, tid);
		if (!seen || !*seen)
			err = seize(sc, (pid_t)tid);
	}
	closedir(d);
	for (size_t i = first; i < sc->stop->tasks.n; i++)
		(void)ptrace(PTRACE_INTERRUPT, sc->stop->tasks.v[i].tid, 0, 0);
	return err;
}

static void reap_ended(struct tg_tracer *t, pid_t but)
{
	for (size_t i = 0; t->stopped && i < t->stopped->tasks.n; i++) {
		struct tg_task *task = &t->stopped->tasks.v[i];
		struct tg_event ev;

		if (!task->tid || !task->stopped || task->tid == but)
			continue;
		tg_task_poll(task->tid, true, &ev);
		if (ev.kind != TG_EV_END && ev.kind != TG_EV_LOST)
			continue;
		tg_note_end(t, task->tid, ev.wait_status);
		task->tid = 0;
	}
	tg_sweep_lingering(t);
}

void tg_thread_wait(struct tg_tracer *t, pid_t tid, bool keep,
		    uint64_t deadline_ns, struct tg_event *ret)
{
	enum { SLICE_MS = 20 };

	for (;;) {
		uint64_t slice = hs_now_ns() + SLICE_MS * TG_MS;

		tg_task_wait(t->signal_fd, tid, keep,
			     slice < deadline_ns ? slice : deadline_ns, ret);
		if (ret->kind != TG_EV_NONE || hs_now_ns() >= deadline_ns)
			return;
		reap_ended(t, tid);
	}
}

static uint64_t mask_of(const struct hs_text *status, const char *key)
{
	const char *p = tg_field(hs_text_str(status), key);

	return p ? strtoull(p, NULL, 16) : 0;
}

/*
 * Ignored signals are not kept for a program, but for one that is traced they
 * are: what is pending now may not interrupt it once it is let go.
 */
static bool is_ignored(pid_t tid, int sig)
{
	const uint64_t by_default =
		1ull << (SIGCHLD - 1) | 1ull << (SIGURG - 1) |
		1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1);
	uint64_t bit = 1ull << (sig - 1);
	HS_TEXT status = { 0 };

	if (!tg_read_proc(tid, "status", &status))
		return false;
	return mask_of(&status, "SigIgn") & bit ||
	       (by_default & bit && !(mask_of(&status, "SigCgt") & bit));
}

/* A signal that is pending and not blocked: EINTR may be its doing. */
static bool signal_waits_in(const struct tg_task *task, uint32_t flags)
{
	enum { BATCH = 32 };
	siginfo_t si[BATCH];
	struct __ptrace_peeksiginfo_args a = { .flags = flags, .nr = BATCH };
	long n = ptrace(PTRACE_PEEKSIGINFO, task->tid, &a, si);

	if (n < 0 || n == BATCH)
		return true;
	for (long i = 0; i < n; i++) {
		int sig = si[i].si_signo;

		if (sig < 1 || sig > 64)
			return true;
		if (!(task->state.sigmask >> (sig - 1) & 1) &&
		    !is_ignored(task->tid, sig))
			return true;
	}
	return false;
}

static bool signal_waits(const struct tg_task *task)
{
	return signal_waits_in(task, 0) ||
	       signal_waits_in(task, PTRACE_PEEKSIGINFO_SHARED);
}

/*
 * Our doing: it stopped for us, or for a signal that nobody would have told it
 * of, were it not traced.
 */
static bool stopped_by_us(const struct tg_task *task)
{
	return task->clean || (task->signal >= 1 && task->signal <= 64 &&
			       is_ignored(task->tid, task->signal));
}

/*
 * A stop of ours that ended a call with EINTR: let it be made again. At once,
 * so that our death does not leave the EINTR to the program.
 */
static void hide_interruption(struct tg_task *task)
{
	struct user_regs_struct again = task->state.regs;

	task->resume = task->state.regs;
	if (!tg_arch_rewind(&again) || !stopped_by_us(task) ||
	    signal_waits(task))
		return;
	task->resume = again;
	task->rewound = !tg_arch_set_regs(task->tid, &again);
}

/* A signal has come since: its handler is to see the call interrupted. */
static void unhide_interruption(const struct tg_task *task)
{
	if (task->rewound && signal_waits(task))
		(void)tg_arch_set_regs(task->tid, &task->state.regs);
}

/* A stop: what it was, and the state. false: the thread has ended since. */
static bool record(struct tg_stop *s, struct tg_task *task,
		   const struct tg_event *ev)
{
	task->stopped = true;
	task->clean = tg_event_is_interrupt(ev);
	task->signal = task->clean ? 0 : ev->signal;
	task->state.xstate = xstate_room(s);
	if (tg_arch_get_state(task->tid, &task->state))
		return false;
	s->blocks.v[s->blocks.n - 1].used +=
		hs_align_up(task->state.xstate_size, 64);
	hide_interruption(task);
	return true;
}

static struct hs_err *collect_one(struct scan *sc, struct tg_task *task)
{
	struct tg_stop *s = sc->stop;
	struct tg_event ev;

	tg_thread_wait(sc->t, task->tid, true, sc->deadline_ns, &ev);
	switch (ev.kind) {
	case TG_EV_NONE:
		return hs_err_new(HS_ERR_TIMEOUT,
				  "freeze process %d: thread %d did not stop "
				  "(it waits for a disk, a vfork or a freezer)",
				  s->pid, task->tid);
	case TG_EV_STOP:
		// A job that was stopped is stopped again by the kernel when
		// it is let go.
		(void)record(s, task, &ev);
		return NULL;
	case TG_EV_END:
	case TG_EV_LOST:
	default:
		tg_note_end(sc->t, task->tid, ev.wait_status);
		hs_map_put(&sc->seen, (uint64_t)task->tid, 0);
		task->tid = 0;
		return NULL;
	}
}

/*
 * From the last to the first: a dying process reports its first thread only
 * when the others have been reaped.
 */
static struct hs_err *collect(struct scan *sc)
{
	struct tg_stop *s = sc->stop;
	size_t n = 0;

	for (size_t i = s->tasks.n; i-- > 0;) {
		struct hs_err *err;

		if (s->tasks.v[i].stopped)
			continue;
		err = collect_one(sc, &s->tasks.v[i]);
		if (err)
			return err;
	}
	for (size_t i = 0; i < s->tasks.n; i++) {
		if (s->tasks.v[i].tid)
			s->tasks.v[n++] = s->tasks.v[i];
	}
	s->tasks.n = n;
	return n ? NULL : denied(s, ESRCH);
}

static struct hs_err *stop_rounds(struct scan *sc)
{
	for (;;) {
		struct hs_err *err = read_folder(sc);

		if (!err && sc->found)
			err = collect(sc);
		if (err)
			return err;
		if (!sc->found && !sc->denied)
			return NULL;
		if (hs_now_ns() >= sc->deadline_ns)
			return hs_err_new(HS_ERR_TIMEOUT,
					  "freeze process %d: it starts "
					  "threads faster than they can be "
					  "stopped, or one of them is "
					  "traced already",
					  sc->stop->pid);
		if (sc->denied)
			sched_yield();
	}
}

static size_t count_threads(pid_t pid)
{
	char path[48];
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

void tg_hurry(const struct tg_tracer *t, bool on)
{
	enum { STEPS = 15 };	/* a weight of 30 (sched_prio_to_weight) */

	(void)setpriority(PRIO_PROCESS, 0, on ? t->nice - STEPS : t->nice);
}

void tg_stop_prepare(const struct tg_tracer *t, struct tg_stop *s, size_t n)
{
	s->xstate_bytes = t->hijack.areas.bytes;
	add_block(s, n);
	hs_vec_reserve(&s->tasks, n);
}

struct hs_err *tg_stop_all(struct tg_tracer *t, struct tg_stop *s,
			   uint64_t limit_ns)
{
	size_t n = count_threads(s->pid) + BLOCK_SPARE;
	struct scan sc = { .t = t, .stop = s, .limit_ns = limit_ns };
	struct hs_err *err;

	tg_stop_prepare(t, s, n);
	t->stopped = s;
	tg_hurry(t, true);
	sc.deadline_ns = hs_now_ns() + limit_ns;
	err = stop_rounds(&sc);
	hs_map_deinit(&sc.seen);
	if (err)
		tg_stop_end(t, s);
	return err;
}

void tg_let_go(struct tg_tracer *t, const struct tg_task *task)
{
	if (!task->tid)
		return;
	if (task->stopped)
		unhide_interruption(task);
	if (!task->stopped ||
	    ptrace(PTRACE_DETACH, task->tid, 0, task->signal))
		hs_vec_push(&t->lingering, task->tid);
}

void tg_stop_end(struct tg_tracer *t, struct tg_stop *s)
{
	t->stopped = NULL;
	for (size_t i = 0; i < s->tasks.n; i++)
		tg_let_go(t, &s->tasks.v[i]);
	s->ended_ns = hs_now_ns();
	tg_hurry(t, false);
	tg_sweep_lingering(t);
}

void tg_stop_deinit(struct tg_stop *s)
{
	for (size_t i = 0; i < s->blocks.n; i++)
		free(s->blocks.v[i].bytes);
	hs_vec_deinit(&s->blocks);
	hs_vec_deinit(&s->tasks);
}

bool tg_stop_one(struct tg_tracer *t, struct tg_stop *s, pid_t tid,
		 uint64_t deadline_ns, struct tg_task *ret)
{
	struct tg_event ev;

	*ret = (struct tg_task){ .tid = tid };
	if (!take_lingering(t, tid) && !seize_in_turn(tid, deadline_ns))
		return false;
	if (!s->started_ns)
		s->started_ns = hs_now_ns();
	(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	tg_task_wait(t->signal_fd, tid, true, deadline_ns, &ev);
	if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST) {
		tg_note_end(t, tid, ev.wait_status);
		return false;
	}
	if (ev.kind == TG_EV_STOP && record(s, ret, &ev))
		return true;
	tg_let_go(t, ret);
	return false;
}

/* Late, but stopped: a call that this has ended is made again, too. */
static bool let_late_go(pid_t tid, const struct tg_event *ev)
{
	struct tg_task task = { .tid = tid,
				.clean = tg_event_is_interrupt(ev) };
	struct tg_state *s = &task.state;

	task.signal = task.clean ? 0 : ev->signal;
	if (!tg_arch_get_regs(tid, &s->regs) &&
	    !ptrace(PTRACE_GETSIGMASK, tid, sizeof(s->sigmask), &s->sigmask))
		hide_interruption(&task);
	return !ptrace(PTRACE_DETACH, tid, 0, task.signal);
}

/*
 * Threads that were seized and would not stop (or were killed while we let
 * them go): the moment they stop, or end, they are let go.
 */
void tg_sweep_lingering(struct tg_tracer *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->lingering.n; i++) {
		pid_t tid = t->lingering.v[i];
		struct tg_event ev;

		tg_task_poll(tid, true, &ev);
		if (ev.kind == TG_EV_STOP && let_late_go(tid, &ev))
			continue;
		if (ev.kind == TG_EV_NONE || ev.kind == TG_EV_STOP)
			t->lingering.v[n++] = tid;
		else
			tg_note_end(t, tid, ev.wait_status);
	}
	t->lingering.n = n;
}
