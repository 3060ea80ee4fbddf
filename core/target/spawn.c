// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tg_packet.h"

/*
 * Programs for "run" and "demo". They are children of the tracer, because a
 * parent may trace where others may not (yama), and because the tracer is the
 * role that lives longest. They start as from a shell; nothing traces them
 * until somebody attaches.
 */
enum { EXEC_MS = 10000 };	/* a program on a slow network folder */

/** A request, taken apart. */
struct spawn {
	struct wr_tracer_spawn q;
	char *bytes;		/* folder, and all strings */
	char **argv, **env;	/* into bytes */
	int stdio[3];		/* borrowed from the packet */
};

static void spawn_deinit(struct spawn *s)
{
	free(s->bytes);
	free(s->argv);
	free(s->env);
}

static struct hs_err *wrong(const char *what)
{
	return hs_err_new(HS_ERR_FORMAT, "start a program: %s", what);
}

/* n strings from *at; false when there are not so many. */
static bool take_strings(char **at, const char *end, char **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char *nul = memchr(*at, 0, (size_t)(end - *at));

		if (!nul)
			return false;
		v[i] = *at;
		*at = nul + 1;
	}
	v[n] = NULL;
	return true;
}

static struct hs_err *take_request(struct tg_packet *in, struct spawn *s)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 0);
	char *at, *folder[2];
	struct hs_err *err;

	memcpy(&s->q, in->bytes, sizeof(s->q));
	if (in->head.size != sizeof(s->q) || !s->q.n_argv ||
	    s->q.bytes > WR_TRACER_ARGV || s->q.n_argv > s->q.bytes ||
	    s->q.n_env > s->q.bytes)
		return wrong("wrong request");
	for (int i = 0; i < 3; i++) {
		s->stdio[i] = in->n_fds > (size_t)i + 1 ? in->fds[i + 1] : -1;
		if (s->stdio[i] < 0)
			return wrong("descriptors are missing");
	}
	s->bytes = hs_xalloc(s->q.bytes + 1);
	err = tg_memfd_read(fd, 0, s->bytes, s->q.bytes);
	if (err)
		return err;
	at = s->bytes;
	s->argv = hs_xcalloc((size_t)s->q.n_argv + 1, sizeof(char *));
	s->env = hs_xcalloc((size_t)s->q.n_env + 1, sizeof(char *));
	if (!take_strings(&at, s->bytes + s->q.bytes, folder, 1) ||
	    !take_strings(&at, s->bytes + s->q.bytes, s->argv, s->q.n_argv) ||
	    !take_strings(&at, s->bytes + s->q.bytes, s->env, s->q.n_env))
		return wrong("strings are missing");
	return NULL;
}

/* In the child: errno goes to the pipe, which an exec closes. */
static void run_program(const struct spawn *s, int pipe_fd)
{
	int fds[3], e;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)signal(sig, SIG_DFL);
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (s->q.flags & WR_TRACER_OWN_GROUP)
		(void)setpgid(0, 0);
	// Out of the way first: a descriptor may be one of 0, 1, 2 itself.
	for (int i = 0; i < 3; i++) {
		fds[i] = fcntl(s->stdio[i], F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			goto failed;
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			goto failed;
	}
	if (*s->bytes && chdir(s->bytes))
		goto failed;
	environ = s->env;
	execvp(s->argv[0], s->argv);
failed:
	e = errno;
	(void)!write(pipe_fd, &e, sizeof(e));
	_exit(127);
}

/* 0 when it runs; else the child's errno, or ETIMEDOUT. */
static int exec_result(int pipe_fd)
{
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };
	int e = 0, n;

	do
		n = poll(&p, 1, EXEC_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return ETIMEDOUT;
	return read(pipe_fd, &e, sizeof(e)) == sizeof(e) ? e : 0;
}

static struct hs_err *start(struct tg_tracer *t, const struct spawn *s,
			    pid_t *ret)
{
	HS_CLOSE int out = -1;
	int pipe_fds[2], e;
	struct hs_err *err;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return hs_err_os(errno, "start %s", s->argv[0]);
	out = pipe_fds[0];
	pid = fork();
	if (pid == 0)
		run_program(s, pipe_fds[1]);
	e = errno;
	close(pipe_fds[1]);
	if (pid < 0)
		return hs_err_os(e, "start %s", s->argv[0]);
	e = exec_result(out);
	if (!e) {
		*ret = pid;
		return NULL;
	}
	(void)tg_clone_end(t, pid);
	err = hs_err_new(e == ENOENT || e == EACCES ? HS_ERR_NAME : HS_ERR_OS,
			 "start %s: %s", s->argv[0], strerror(e));
	err->errnum = e;
	return err;
}

struct hs_err *tg_do_spawn(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out)
{
	struct wr_tracer_spawned r;
	HS_CLEANUP(spawn_deinit) struct spawn s = { 0 };
	struct tg_child child = { 0 };
	struct hs_err *err;

	if (t->children.n >= WR_TRACER_CHILDREN)
		return wrong("there are too many already");
	err = take_request(in, &s);
	if (!err)
		err = start(t, &s, &child.pid);
	if (err)
		return err;
	hs_vec_push(&t->children, child);
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.pid = child.pid;
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}
