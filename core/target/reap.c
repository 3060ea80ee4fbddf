// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "text.h"
#include "tg_packet.h"
#include "tg_proc.h"

/*
 * A clone is a child of the target, which knows nothing of it and so never
 * waits for it. When it has ended, one thread of the target (the others run
 * on) is made to do wait4() for it.
 */
enum {
	TRIES = 20,		/* then the zombie stays, with the target */
	ONE_MS = 100,		/* for one thread to stop */
	ALL_MS = 1000,		/* for any thread to be found */
};

static struct tg_grave *grave_of(struct tg_tracer *t, pid_t pid)
{
	for (size_t i = 0; i < t->graves.n; i++) {
		if (t->graves.v[i]->pid == pid &&
		    tg_process_lives(t->graves.v[i]->pidfd))
			return t->graves.v[i];
	}
	return NULL;
}

static void grave_destroy(struct tg_grave *g)
{
	hs_close_p(&g->pidfd);
	free(g->stacks.v);
	hs_vec_deinit(&g->zombies);
	free(g);
}

/* What is needed to find a thread of the target again moves over. */
static struct tg_grave *make_grave(struct tg_tracer *t, struct tg_held *h)
{
	struct tg_grave *g = grave_of(t, h->pid);

	if (!g) {
		g = hs_xalloc(sizeof(*g));
		g->pid = h->pid;
		g->pidfd = h->pidfd;
		h->pidfd = -1;
		hs_vec_push(&t->graves, g);
	}
	free(g->stacks.v);
	g->stacks = h->stacks;
	h->stacks = (struct tg_stacks){ 0 };
	g->gadgets = h->gadgets;
	g->tries = 0;
	if (h->victim < h->stop.tasks.n)
		g->tid = h->stop.tasks.v[h->victim].tid;
	return g;
}

void tg_bury(struct tg_tracer *t, struct tg_held *h)
{
	tg_held_end_eval(t, h);
	if (h->snap || h->dead_snap) {
		struct tg_zombie z = { .pid = h->dead_snap };
		struct tg_grave *g;

		if (h->snap) {
			z.pid = h->snap;
			z.dying = !tg_clone_end(t, h->snap);
		}
		g = make_grave(t, h);
		hs_vec_push(&g->zombies, z);
	}
	tg_held_destroy(h);
}

/* All that have ended, from one thread that is hijacked. */
static void wait_for_zombies(struct tg_tracer *t, struct tg_grave *g)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * TG_CALL_MS * TG_MS;
	size_t n = 0;

	for (size_t i = 0; i < g->zombies.n; i++) {
		struct tg_zombie *z = &g->zombies.v[i];
		pid_t pid = tg_pid_within(g->pid, z->pid);
		struct tg_remote io = {
			.call = {
				.nr = SYS_wait4,
				.args = { (uint64_t)pid, 0, WNOHANG | __WALL,
					  0 },
			},
		};

		if (!z->dying &&
		    tg_hijack_call(t, &t->hijack, deadline, &io) == TG_DONE &&
		    (io.result == pid || io.result == -ECHILD))
			continue;
		g->zombies.v[n++] = *z;
	}
	g->zombies.n = n;
}

/* Stop this thread and use it. false: it cannot be used. */
static bool use_thread(struct tg_tracer *t, struct tg_grave *g,
		       struct tg_stop *s, pid_t tid, int mem_fd)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * ONE_MS * TG_MS;
	struct hs_err *err = NULL;
	struct tg_task task;
	bool ok;

	if (!tg_stop_one(t, s, tid, deadline, &task))
		return false;
	ok = tg_process_lives(g->pidfd) &&
	     tg_hijack_rank(&task, &g->stacks) && !tg_in_rseq(&task, mem_fd);
	if (ok) {
		err = tg_hijack_begin(&t->hijack, g->pid, &task, &g->gadgets,
				      mem_fd);
		ok = !err;
		hs_err_free(err);
	}
	if (ok) {
		wait_for_zombies(t, g);
		tg_hijack_end(&t->hijack);
	}
	tg_let_go(t, &task);
	return ok;
}

static bool any_thread(struct tg_tracer *t, struct tg_grave *g,
		       struct tg_stop *s, int mem_fd)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * ALL_MS * TG_MS;
	struct dirent *e;
	bool done = false;
	char path[48];
	DIR *d;

	if (g->tid && use_thread(t, g, s, g->tid, mem_fd))
		return true;
	snprintf(path, sizeof(path), "/proc/%d/task", g->pid);
	d = opendir(path);
	while (d && !done && hs_now_ns() < deadline && (e = readdir(d))) {
		uint64_t tid;

		if (hs_parse_u64(e->d_name, &tid) && tid <= INT32_MAX &&
		    (pid_t)tid != g->tid)
			done = use_thread(t, g, s, (pid_t)tid, mem_fd);
	}
	if (d)
		closedir(d);
	return done;
}

/* Once. Adds how long threads stood still for it. */
static bool try_threads(struct tg_tracer *t, struct tg_grave *g,
			struct tg_stop *s, int mem_fd, uint64_t *pause_ns)
{
	bool done;

	s->started_ns = 0;
	tg_hurry(t, true);
	done = any_thread(t, g, s, mem_fd);
	tg_hurry(t, false);
	if (s->started_ns)
		*pause_ns += hs_now_ns() - s->started_ns;
	return done;
}

/*
 * A thread that waits for its share of a busy processor, is at a signal or in
 * a restartable sequence is of use a moment later. Asked ever more seldom,
 * since each time it stands still; and only the first time so patiently.
 */
static void use_some_thread(struct tg_tracer *t, struct tg_grave *g,
			    struct tg_stop *s, int mem_fd, uint64_t *pause_ns)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * ALL_MS * TG_MS;
	uint64_t ms = 1;

	while (!try_threads(t, g, s, mem_fd, pause_ns) && !g->tries &&
	       tg_process_lives(g->pidfd) && hs_now_ns() < deadline) {
		tg_task_sleep(t->signal_fd, hs_now_ns() + ms * TG_MS);
		tg_sweep_lingering(t);
		ms *= 2;
	}
}

static size_t ended(const struct tg_grave *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->zombies.n; i++)
		n += !g->zombies.v[i].dying;
	return n;
}

/* Clones that had not ended when they were killed: have they by now? */
static void look_at_dying(struct tg_grave *g)
{
	for (size_t i = 0; i < g->zombies.n; i++) {
		struct tg_event ev;

		if (!g->zombies.v[i].dying)
			continue;
		tg_task_poll(g->zombies.v[i].pid, false, &ev);
		if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST)
			g->zombies.v[i].dying = false;
	}
}

/* true: nothing is left to be done for this target, or can be. */
static bool visit(struct tg_tracer *t, struct tg_grave *g, uint64_t *pause_ns)
{
	struct tg_stop s = { .pid = g->pid, .pidfd = g->pidfd };
	HS_CLOSE int mem_fd = -1;

	look_at_dying(g);
	if (!tg_process_lives(g->pidfd))
		return ended(g) == g->zombies.n;
	if (!ended(g))
		return false;
	mem_fd = tg_proc_open(g->pid, "mem", O_RDWR);
	tg_stop_prepare(t, &s, 1);
	if (mem_fd >= 0)
		use_some_thread(t, g, &s, mem_fd, pause_ns);
	tg_stop_deinit(&s);
	return !g->zombies.n || (++g->tries >= TRIES && ended(g) ==
							g->zombies.n);
}

uint64_t tg_reap(struct tg_tracer *t)
{
	uint64_t pause_ns = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->graves.n; i++) {
		if (visit(t, t->graves.v[i], &pause_ns))
			grave_destroy(t->graves.v[i]);
		else
			t->graves.v[n++] = t->graves.v[i];
	}
	t->graves.n = n;
	return pause_ns;
}

size_t tg_unreaped(const struct tg_tracer *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->graves.n; i++)
		n += t->graves.v[i]->zombies.n;
	return n;
}

/* --- what others left --- */

static struct hs_err *take_zombies(struct tg_grave *g, struct tg_packet *in,
				   uint32_t n)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 2);
	HS_FREE struct wr_tracer_range *v = NULL;
	struct hs_err *err;

	if (fd < 0 || n > WR_TRACER_STACKS)
		return hs_err_new(HS_ERR_FORMAT, "clean: %u zombies", n);
	v = hs_xcalloc(n + 1, sizeof(*v));
	err = tg_memfd_read(fd, 0, v, n * sizeof(*v));
	for (uint32_t i = 0; !err && i < n; i++) {
		struct tg_zombie z = { .pid = (pid_t)v[i].start };

		if (z.pid > 0)
			hs_vec_push(&g->zombies, z);
	}
	return err;
}

struct hs_err *tg_do_clean(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out)
{
	struct tg_grave *g = hs_xalloc(sizeof(*g));
	struct wr_tracer_released r;
	struct wr_tracer_clean q;
	struct hs_err *err;

	memcpy(&q, in->bytes, sizeof(q));
	g->pid = q.pid;
	g->gadgets = (struct tg_gadgets){ .syscall_ret = q.syscall_ret,
					  .restore_rt = q.restore_rt };
	g->pidfd = tg_packet_take_fd(in, 0);
	if (in->head.size != sizeof(q) || q.pid <= 0 || g->pidfd < 0)
		err = hs_err_new(HS_ERR_FORMAT, "clean: wrong request");
	else
		err = tg_take_stacks(in, 1, q.n_stacks, &g->stacks);
	if (!err)
		err = take_zombies(g, in, q.n_zombies);
	if (err) {
		grave_destroy(g);
		return err;
	}
	hs_vec_push(&t->graves, g);
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.pause_ns = tg_reap(t);
	r.n_left = (uint32_t)tg_unreaped(t);
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}
