// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

/*
 * A clone is data that happens to be a process. It never runs an instruction
 * of the program; what it must do (close its descriptors) it is made to do
 * call by call. It dies with the tracer (PTRACE_O_EXITKILL, on clones only:
 * on the target that would kill the target), and before the target when
 * memory is short.
 */

struct tg_held *tg_held_find(struct tg_tracer *t, uint64_t id)
{
	for (size_t i = 0; i < t->held.n; i++) {
		if (t->held.v[i]->id == id)
			return t->held.v[i];
	}
	return NULL;
}

void tg_held_destroy(struct tg_held *h)
{
	if (!h)
		return;
	tg_stop_deinit(&h->stop);
	free(h->stacks.v);
	hs_vec_deinit(&h->guests);
	hs_close_p(&h->pidfd);
	hs_close_p(&h->snap_mem);
	free(h);
}

struct hs_err *tg_clone_adopt(struct tg_tracer *t, pid_t pid)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
			     PTRACE_O_TRACECLONE;
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * TG_CLONE_MS * TG_MS;
	struct tg_event ev;

	tg_task_wait(t->signal_fd, pid, false, deadline, &ev);
	if (ev.kind == TG_EV_NONE)
		return hs_err_new(HS_ERR_TIMEOUT,
				  "hold clone %d: it does not begin to run",
				  pid);
	if (!tg_event_is_interrupt(&ev))
		return hs_err_new(HS_ERR_OTHER,
				  "hold clone %d: it ended at once", pid);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, options))
		return hs_err_os(errno, "hold clone %d", pid);
	// Its filter of calls (seccomp) is not asked where that is permitted:
	// there is nobody whom it could protect.
	(void)ptrace(PTRACE_SETOPTIONS, pid, 0,
		     options | PTRACE_O_SUSPEND_SECCOMP);
	return NULL;
}

/* A call in S, on its own. HS_ERR_OS with what the kernel answered. */
static struct hs_err *snap_call(struct tg_tracer *t, struct tg_held *h,
				const char *what, struct tg_call call)
{
	int64_t result;
	enum tg_end end = tg_clone_call(t, h, h->snap, call, &result);

	if (end != TG_DONE)
		return hs_err_new(HS_ERR_OTHER, "%s in clone %d: %s", what,
				  h->snap,
				  end == TG_LATE ? "it takes too long" :
						   "it has ended");
	if (result < 0 && result > -4096)
		return hs_err_os((int)-result, "%s in clone %d", what,
				 h->snap);
	return NULL;
}

/* Before Linux 5.9 there is no close_range(). */
static struct hs_err *close_each(struct tg_tracer *t, struct tg_held *h)
{
	struct hs_err *err = NULL;
	char path[32];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", h->snap);
	d = opendir(path);
	if (!d)
		return hs_err_os(errno, "list descriptors of clone %d",
				 h->snap);
	while (!err && (e = readdir(d))) {
		struct tg_call c = { .nr = SYS_close };

		if (hs_parse_u64(e->d_name, &c.args[0]))
			err = snap_call(t, h, "close a descriptor", c);
	}
	closedir(d);
	return err;
}

static struct hs_err *close_all(struct tg_tracer *t, struct tg_held *h)
{
	struct tg_call c = {
		.nr = SYS_close_range,
		.args = { 0, ~0U, 0 },
	};
	struct hs_err *err = snap_call(t, h, "close descriptors", c);

	if (!err || err->code != HS_ERR_OS || err->errnum != ENOSYS)
		return err;
	hs_err_free(err);
	return close_each(t, h);
}

static struct hs_err *set_name(struct tg_tracer *t, struct tg_held *h)
{
	static const char name[16] = WR_TRACER_CLONE;
	struct tg_call c = {
		.nr = SYS_prctl,
		.args = { PR_SET_NAME, h->scratch },
	};

	if (!tg_mem_write(h->snap_mem, h->scratch, name, sizeof(name)))
		return hs_err_os(errno, "write to clone %d", h->snap);
	return snap_call(t, h, "name", c);
}

/*
 * Unless its end were that of all in its cgroup (memory.oom.group): then it is
 * as likely to be chosen as the program itself, and no likelier.
 */
static void first_to_go(pid_t pid)
{
	int fd = tg_proc_open(pid, "oom_score_adj", O_WRONLY);

	// Where it is not permitted there is no limit that we could hit first
	// either: tg_check has looked at what memory is left.
	if (fd < 0)
		return;
	(void)!write(fd, "1000", 4);
	close(fd);
}

/* h->base and h->sp are set; the frames are still in S's memory. */
struct hs_err *tg_clone_disarm(struct tg_tracer *t, struct tg_held *h)
{
	const struct tg_hijack *hi = &t->hijack;
	struct hs_err *err;
	int fd;

	if (!h->together)
		first_to_go(h->snap);
	fd = tg_proc_open(h->snap, "mem", O_RDWR);
	if (fd < 0)
		return hs_err_os(-fd, "open memory of clone %d", h->snap);
	h->snap_mem = fd;
	err = close_all(t, h);
	if (!err)
		err = set_name(t, h);
	if (err)
		return err;
	// From here S is, byte for byte, what the target was.
	if (!tg_mem_write(h->snap_mem, hi->frame.addr, hi->saved,
			  hi->frame.size))
		return hs_err_os(errno, "write to clone %d", h->snap);
	return NULL;
}

bool tg_clone_end(struct tg_tracer *t, pid_t pid)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * TG_END_MS * TG_MS;
	struct tg_event ev;

	(void)kill(pid, SIGKILL);
	do
		tg_task_wait(t->signal_fd, pid, false, deadline, &ev);
	while (ev.kind == TG_EV_STOP);
	return ev.kind != TG_EV_NONE;
}

void tg_held_end_eval(struct tg_tracer *t, struct tg_held *h)
{
	while (h->guests.n)
		tg_guest_end(t, h, h->guests.v[h->guests.n - 1]);
	if (!h->eval)
		return;
	tg_clone_reap(t, h, h->snap, h->eval);
	h->eval = 0;
}
