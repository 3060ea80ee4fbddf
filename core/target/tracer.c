// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tg_packet.h"
#include "tg_priv.h"
#include "tg_proc.h"

/*
 * The tracer's loop. It sleeps until a request comes, a child of its own ends
 * or a clone does, or the shell is gone.
 */
enum {
	SEND_MS = 2000,		/* an engine that does not read is dropped */
	TICK_MS = 500,		/* while zombies or lingering threads wait */
};

/* --- what happens to clones and children by themselves --- */

void tg_note_end(struct tg_tracer *t, pid_t pid, int wait_status)
{
	for (size_t i = 0; i < t->children.n; i++) {
		struct tg_child *c = &t->children.v[i];

		if (c->pid == pid && !c->ended) {
			c->ended = true;
			c->wait_status = wait_status;
		}
	}
}

static bool is_lingering(const struct tg_tracer *t, pid_t pid)
{
	for (size_t i = 0; i < t->lingering.n; i++) {
		if (t->lingering.v[i] == pid)
			return true;
	}
	return false;
}

/* That one stops at last is not for us to take: it would never be let go. */
static void sweep_children(struct tg_tracer *t)
{
	for (size_t i = 0; i < t->children.n; i++) {
		const struct tg_child *c = &t->children.v[i];
		struct tg_event ev;

		if (c->ended)
			continue;
		tg_task_poll(c->pid, is_lingering(t, c->pid), &ev);
		if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST)
			tg_note_end(t, c->pid, ev.wait_status);
	}
}

static void sweep_guests(struct tg_tracer *t, struct tg_held *h)
{
	for (size_t i = 0; i < h->guests.n; i++) {
		struct tg_guest *c = h->guests.v[i];
		struct tg_event ev;

		if (!c->pid)
			continue;
		tg_task_poll(c->pid, false, &ev);
		if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST) {
			tg_clone_reap(t, h, c->parent, c->pid);
			c->pid = 0;
		}
	}
}

/* A clone was killed by others: the OOM killer, or a person. */
static void sweep_clones(struct tg_tracer *t)
{
	for (size_t i = 0; i < t->held.n; i++) {
		struct tg_held *h = t->held.v[i];
		struct tg_event ev;

		if (h->snap) {
			tg_task_poll(h->snap, false, &ev);
			if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST) {
				h->dead_snap = h->snap;
				h->snap = 0;
			}
		}
		sweep_guests(t, h);
		if (h->eval) {
			tg_task_poll(h->eval, false, &ev);
			if (ev.kind == TG_EV_END || ev.kind == TG_EV_LOST)
				tg_held_end_eval(t, h);
		}
	}
}

static bool is_known(const struct tg_tracer *t, pid_t pid)
{
	for (size_t i = 0; i < t->children.n; i++) {
		if (t->children.v[i].pid == pid)
			return true;
	}
	if (is_lingering(t, pid))
		return true;
	for (size_t i = 0; i < t->held.n; i++) {
		const struct tg_held *h = t->held.v[i];

		if (h->snap == pid || h->eval == pid)
			return true;
		for (size_t k = 0; k < h->guests.n; k++) {
			if (h->guests.v[k]->pid == pid)
				return true;
		}
	}
	return false;
}

/*
 * A target that is killed in the middle of clone() may leave a clone that we
 * were never told of; it stands still and would do so for ever. Let go, it
 * ends itself (x86_64_frame.c). Whatever else it might be, to let it go is
 * never wrong.
 */
static void sweep_strangers(struct tg_tracer *t)
{
	siginfo_t si = { 0 };

	if (!waitid(P_ALL, 0, &si,
		    WSTOPPED | WNOHANG | WNOWAIT | __WALL) &&
	    si.si_pid && !is_known(t, si.si_pid))
		hs_vec_push(&t->lingering, si.si_pid);
}

static void sweep(struct tg_tracer *t)
{
	tg_task_drain(t->signal_fd);
	sweep_children(t);
	sweep_clones(t);
	sweep_strangers(t);
	tg_sweep_lingering(t);
	if (t->graves.n)
		(void)tg_reap(t);
}

/* --- requests --- */

static struct hs_err *do_probe(struct tg_packet *in, struct tg_packet *out)
{
	struct wr_tracer_probe q;
	struct wr_tracer_probed r;
	int fd;

	memcpy(&q, in->bytes, sizeof(q));
	memcpy(&r, out->bytes, sizeof(r));
	if (in->head.size != sizeof(q))
		return hs_err_new(HS_ERR_FORMAT, "probe: wrong request");
	// Asks the kernel for what ptrace asks (PTRACE_MODE_ATTACH).
	fd = tg_proc_open(q.pid, "mem", O_RDONLY);
	r.head.size = sizeof(r);
	r.denied = fd < 0 ? -fd : 0;
	r.tracer = getpid();
	if (fd >= 0)
		tg_packet_add_fd(out, fd);
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}

static struct hs_err *do_release(struct tg_tracer *t, struct tg_packet *in,
				 struct tg_packet *out)
{
	struct wr_tracer_release q;
	struct wr_tracer_released r;
	size_t n = 0;

	memcpy(&q, in->bytes, sizeof(q));
	memcpy(&r, out->bytes, sizeof(r));
	if (in->head.size != sizeof(q))
		return hs_err_new(HS_ERR_FORMAT, "release: wrong request");
	r.n_released = 0;
	for (size_t i = 0; i < t->held.n; i++) {
		struct tg_held *h = t->held.v[i];

		if (q.id && h->id != q.id) {
			t->held.v[n++] = h;
			continue;
		}
		// Without fresh ones, those of the freeze must do.
		if (q.id && q.n_stacks)
			hs_err_free(tg_take_stacks(in, 0, q.n_stacks,
						   &h->stacks));
		tg_bury(t, h);
		r.n_released++;
	}
	t->held.n = n;
	r.pause_ns = tg_reap(t);
	r.n_left = (uint32_t)tg_unreaped(t);
	r.head.size = sizeof(r);
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}

static void list_items(const struct tg_tracer *t, struct wr_tracer_item *v)
{
	for (size_t i = 0; i < t->held.n; i++) {
		const struct tg_held *h = t->held.v[i];

		*v++ = (struct wr_tracer_item){
			.id = h->id,
			.pid = h->pid,
			.snap_pid = h->snap,
			.eval_pid = h->eval,
			.state = h->settle_state,
			.gone = !tg_process_lives(h->pidfd),
		};
	}
	for (size_t i = 0; i < t->children.n; i++) {
		const struct tg_child *c = &t->children.v[i];

		*v++ = (struct wr_tracer_item){
			.pid = c->pid,
			.state = c->ended,
			.wait_status = c->wait_status,
			.gone = c->ended,
		};
	}
}

/* Children that have ended have been told, and are forgotten. */
static void forget_ended(struct tg_tracer *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->children.n; i++) {
		if (!t->children.v[i].ended)
			t->children.v[n++] = t->children.v[i];
	}
	t->children.n = n;
}

static struct hs_err *do_list(struct tg_tracer *t, struct tg_packet *out)
{
	size_t n = t->held.n + t->children.n;
	HS_FREE struct wr_tracer_item *v = hs_xcalloc(n + 1, sizeof(*v));
	struct wr_tracer_listed r;
	struct hs_err *err;
	int fd;

	list_items(t, v);
	err = tg_memfd_create(&fd);
	if (err)
		return err;
	tg_packet_add_fd(out, fd);
	err = tg_memfd_write(fd, 0, v, n * sizeof(*v));
	if (err)
		return err;
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.n = (uint32_t)n;
	r.n_lingering = (uint32_t)t->lingering.n;
	memcpy(out->bytes, &r, sizeof(r));
	forget_ended(t);
	return NULL;
}

static struct hs_err *perform(struct tg_tracer *t, struct tg_packet *in,
			      struct tg_packet *out)
{
	switch (in->head.type) {
	case WR_TRACER_PROBE:
		return do_probe(in, out);
	case WR_TRACER_FREEZE:
		return tg_do_freeze(t, in, out);
	case WR_TRACER_COPY:
		return tg_do_copy(t, in, out);
	case WR_TRACER_CLEAN:
		return tg_do_clean(t, in, out);
	case WR_TRACER_PLANT:
		return tg_do_plant(t, in, out);
	case WR_TRACER_UPROOT:
		return tg_do_uproot(t, in, out);
	case WR_TRACER_SETTLE:
		return tg_do_settle(t, in, out);
	case WR_TRACER_RELEASE:
		return do_release(t, in, out);
	case WR_TRACER_LIST:
		return do_list(t, out);
	case WR_TRACER_GET:
		return tg_do_get(t, in, out);
	case WR_TRACER_SPAWN:
		return tg_do_spawn(t, in, out);
	case WR_TRACER_GUEST:
		return tg_do_guest(t, in, out);
	case WR_TRACER_RUN:
		return tg_do_run(t, in, out);
	case WR_TRACER_GUEST_END:
		return tg_do_guest_end(t, in, out);
	default:
		return hs_err_new(HS_ERR_FORMAT, "tracer: request %u is not "
				  "known", in->head.type);
	}
}

/* The reply is the status alone. Frees err. */
static void reply_error(struct tg_packet *out, struct hs_err *err)
{
	struct wr_tracer_status s = {
		.code = err->code,
		.errnum = err->errnum,
		.addr = err->addr,
	};

	strncpy(s.text, err->message, sizeof(s.text) - 1);
	if (err->remedy)
		strncpy(s.remedy, err->remedy, sizeof(s.remedy) - 1);
	hs_err_free(err);
	tg_packet_deinit(out);
	out->head.size = sizeof(out->head) + sizeof(s);
	memcpy(out->bytes + sizeof(out->head), &s, sizeof(s));
}

/* --- sockets --- */

static void serve(struct tg_tracer *t)
{
	TG_PACKET in = { 0 };
	TG_PACKET out = { 0 };
	struct hs_err *err;
	bool eof;

	err = tg_packet_recv(t->service_fd, 0, &in, &eof);
	if (eof || (err && err->code == HS_ERR_OS)) {
		hs_err_free(err);
		hs_close_p(&t->service_fd);	// its instants are kept
		return;
	}
	if (err && err->code == HS_ERR_TIMEOUT) {
		hs_err_free(err);
		return;
	}
	tg_packet_init(&out, in.head.type, sizeof(out.head), in.head.seq);
	if (!err)
		err = perform(t, &in, &out);
	if (err)
		reply_error(&out, err);
	err = tg_packet_send(t->service_fd, &out, SEND_MS);
	if (err)
		hs_close_p(&t->service_fd);
	hs_err_free(err);
}

/* false: the shell is gone. */
static bool obey(struct tg_tracer *t)
{
	TG_PACKET in = { 0 };
	struct hs_err *err;
	bool eof;

	err = tg_packet_recv(t->control_fd, 0, &in, &eof);
	if (eof || (err && err->code == HS_ERR_OS)) {
		hs_err_free(err);
		return false;
	}
	if (!err && in.head.type == WR_TRACER_SERVICE && in.n_fds == 1) {
		hs_close_p(&t->service_fd);
		t->service_fd = tg_packet_take_fd(&in, 0);
	}
	hs_err_free(err);
	return true;
}

static void loop(struct tg_tracer *t)
{
	for (;;) {
		struct pollfd p[3] = {
			{ .fd = t->control_fd, .events = POLLIN },
			{ .fd = t->signal_fd, .events = POLLIN },
			{ .fd = t->service_fd, .events = POLLIN },
		};
		bool waiting = t->graves.n || t->lingering.n;
		int n = poll(p, 3, waiting ? TICK_MS : -1);

		if (n < 0 && errno != EINTR)
			return;
		if (n == 0 || (n > 0 && p[1].revents))
			sweep(t);
		if (n > 0 && p[0].revents && !obey(t))
			return;
		else if (n > 0 && p[2].revents && t->service_fd == p[2].fd)
			serve(t);
	}
}

/* In order: what is held ends, and nothing of it stays in any target. */
static void release_all(struct tg_tracer *t)
{
	enum { ROUNDS = 20 };

	while (t->held.n)
		tg_bury(t, t->held.v[--t->held.n]);
	for (int i = 0; i < ROUNDS; i++) {
		(void)tg_reap(t);
		tg_sweep_lingering(t);
		if (!t->graves.n && !t->lingering.n)
			return;
		tg_task_drain(t->signal_fd);
		tg_task_sleep(t->signal_fd, hs_now_ns() + 50 * TG_MS);
	}
}

/* --- begin --- */

static void ignore_terminal(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				       SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU,
				       SIGUSR1, SIGUSR2, SIGALRM };

	for (size_t i = 0; i < HS_ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What the shell had open is not for us, nor for programs that we start. */
static void close_others(const struct tg_tracer *t)
{
	int keep[] = { 2, t->control_fd, t->service_fd, t->signal_fd, INT_MAX };
	size_t n = HS_ARRAY_SIZE(keep);

	qsort(keep, n, sizeof(keep[0]), by_number);
	for (size_t i = 0; i + 1 < n; i++) {
		if (keep[i] >= 2 && keep[i] + 1 < keep[i + 1])
			(void)close_range((unsigned int)keep[i] + 1,
					  (unsigned int)keep[i + 1] - 1, 0);
	}
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int tg_tracer_main(int control_fd, int service_fd)
{
	struct tg_tracer *t = hs_xalloc(sizeof(*t));

	(void)prctl(PR_SET_NAME, TG_TRACER_NAME);
	ignore_terminal();
	tg_arch_areas(&t->hijack.areas);
	t->nice = getpriority(PRIO_PROCESS, 0);
	t->control_fd = control_fd;
	t->service_fd = service_fd;
	t->signal_fd = open_signals();
	if (t->signal_fd < 0) {
		free(t);
		return 1;
	}
	close_others(t);
	(void)fcntl(control_fd, F_SETFD, FD_CLOEXEC);
	if (service_fd >= 0)
		(void)fcntl(service_fd, F_SETFD, FD_CLOEXEC);
	loop(t);
	release_all(t);
	hs_close_p(&t->service_fd);
	hs_close_p(&t->signal_fd);
	hs_close_p(&t->control_fd);
	hs_vec_deinit(&t->held);
	hs_vec_deinit(&t->graves);
	hs_vec_deinit(&t->children);
	hs_vec_deinit(&t->lingering);
	free(t);
	return 0;
}
