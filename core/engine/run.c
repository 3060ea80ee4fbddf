// SPDX-License-Identifier: Apache-2.0
/* A program that we start ourselves: heapsh run, heapsh demo. */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/** How long a program may take until its runtime is up, or says a line. */
enum { START_MS = 20000, LOOK_MS = 10 };

/** Wait until fd has a whole line (its text is of no interest). */
static struct hs_err *wait_line(struct en_engine *en, int fd)
{
	uint64_t end = hs_now_ns() + START_MS * UINT64_C(1000000);
	char c = 0;

	while (c != '\n') {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (hs_cancelled(&en->task))
			return hs_check_cancel(&en->task);
		if (hs_now_ns() > end)
			return hs_err_new(HS_ERR_TIMEOUT,
				"start the program: it did not become ready "
				"within %d s", START_MS / 1000);
		if (poll(&p, 1, 100) <= 0)
			continue;
		if (read(fd, &c, 1) != 1)
			return hs_err_new(HS_ERR_GONE,
				"start the program: it ended before it was "
				"ready");
	}
	return NULL;
}

/** Attach as soon as a plugin recognises the runtime in it. */
static struct hs_err *attach_when_up(struct en_engine *en,
				     struct lg_instant **ret)
{
	uint64_t end = hs_now_ns() + START_MS * UINT64_C(1000000);
	struct hs_err *err;

	for (;;) {
		err = en_attach(en, en->child, ret);
		if (!err || err->code == HS_ERR_GONE ||
		    err->code == HS_ERR_DENIED || hs_now_ns() > end)
			return err;
		if (hs_cancelled(&en->task)) {
			hs_err_free(err);
			return hs_check_cancel(&en->task);
		}
		if (kill(en->child, 0) && errno == ESRCH)
			return err;
		hs_err_free(err);
		usleep(LOOK_MS * 1000);
	}
}

/*
 * The environment with the probe before what else is preloaded. *ret is a new
 * array of borrowed strings, of which *ret_new is to be freed as well.
 */
static struct hs_err *preload(const char ***ret, char **ret_new)
{
	static const char name[] = "LD_PRELOAD=";
	HS_FREE char *path = en_where_probe();
	const char *old = getenv("LD_PRELOAD");
	size_t n = 0, k = 1;

	if (access(path, R_OK))
		return hs_err_os(errno, "load the probe %s", path);
	if (strpbrk(path, " :"))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "load the probe %s: the loader takes no "
				  "path with a blank or a colon", path);
	while (environ[n])
		n++;
	*ret = hs_xcalloc(n + 2, sizeof(**ret));
	*ret_new = old && *old ? hs_xasprintf("%s%s:%s", name, path, old) :
				 hs_xasprintf("%s%s", name, path);
	(*ret)[0] = *ret_new;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(environ[i], name, strlen(name)))
			(*ret)[k++] = environ[i];
	}
	return NULL;
}

static struct hs_err *spawn(struct en_engine *en, const json_t *argv, int out,
			    bool probe)
{
	size_t n = json_array_size(argv);
	HS_FREE const char **v = hs_xcalloc(n + 1, sizeof(*v));
	HS_FREE const char **env = NULL;
	HS_FREE char *added = NULL;
	struct tg_spawn s = { .argv = v, .env = (void *)environ,
			      .stdio = { -1, out >= 0 ? out : 1, 2 },
			      .own_group = true };
	struct hs_err *err;
	int pid;

	for (size_t i = 0; i < n; i++) {
		v[i] = json_string_value(json_array_get(argv, i));
		if (!v[i])
			return hs_err_new(HS_ERR_FORMAT,
					  "start a program: bad arguments");
	}
	if (!n)
		return hs_err_new(HS_ERR_USAGE, "start a program: which?");
	err = probe ? preload(&env, &added) : NULL;
	if (err)
		return err;
	if (env)
		s.env = env;
	err = tg_spawn(en->tracer, &s, &pid);
	if (!err)
		en_own_child(en, pid);
	return err;
}

struct hs_err *en_run(struct en_engine *en, const json_t *hello,
		      struct lg_instant **ret)
{
	bool waits = json_is_true(json_object_get(hello, "wait_line"));
	HS_CLOSE int in = -1, out = -1;
	struct hs_err *err;
	int fds[2];

	if (!en->tracer)
		return hs_err_new(HS_ERR_OTHER, "run: there is no tracer");
	if (waits) {
		if (pipe2(fds, O_CLOEXEC))
			return hs_err_os(errno, "make a pipe");
		in = fds[0];
		out = fds[1];
	}
	en->end_child = json_is_true(json_object_get(hello, "end_child"));
	err = spawn(en, json_object_get(hello, "argv"), out,
		    json_is_true(json_object_get(hello, "probe")));
	if (err)
		return err;
	hs_close_p(&out);
	out = -1;
	if (waits)
		err = wait_line(en, in);
	return err ? err : attach_when_up(en, ret);
}

void en_own_child(struct en_engine *en, int pid)
{
	en->child = pid;
	hs_close_p(&en->child_fd);
	// The number may be another's by the time that we end it; this cannot.
	en->child_fd = (int)syscall(SYS_pidfd_open, pid, 0);
}

void en_end_child(struct en_engine *en)
{
	if (en->child_fd >= 0 && en->end_child)
		syscall(SYS_pidfd_send_signal, en->child_fd, SIGTERM, NULL, 0);
	hs_close_p(&en->child_fd);
	en->child_fd = -1;
	en->child = 0;
}
