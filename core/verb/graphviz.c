// SPDX-License-Identifier: Apache-2.0
// A graph in the words of graphviz, to a file: as it is, or drawn by dot(1).
#include "verb_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	DRAW_MS = 60000,	/* a picture of 500 objects takes a second */
	LOOK_MS = 20,
	SAID = 200,		/* bytes of its complaint that are shown */
};

extern char **environ;

/* What dot -T takes, by the ending of the name; NULL: the words themselves. */
static const char *const drawn[] = { "svg", "png", "pdf", "ps", "eps", "jpg",
				     "gif", "webp", "json", "plain" };

static const char *format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < HS_ARRAY_SIZE(drawn); i++)
		if (!strcasecmp(dot + 1, drawn[i]))
			return drawn[i];
	return NULL;
}

static struct hs_err *cannot(const struct lg_call *call, const char *path,
			     int why)
{
	HS_TEXT name = { 0 };
	struct hs_err *err;

	hs_text_escape(&name, path, strlen(path));
	err = hs_err_os(why, "%s: write %s", call->verb->name,
			   hs_text_str(&name));
	return why == EEXIST ? hs_err_remedy(err, "another name for file=")
			     : err;
}

static bool write_all(int fd, const struct hs_text *t)
{
	for (size_t at = 0; at < t->len;) {
		ssize_t n = write(fd, t->s + at, t->len - at);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* The child's exit status; -1: it was ended, since it takes too long. */
static int end_of(const struct lg_call *call, pid_t pid)
{
	int status;

	for (int ms = 0; ms < DRAW_MS && !hs_cancelled(call->task);
	     ms += LOOK_MS) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (got < 0 && errno != EINTR)
			return -1;
		poll(NULL, 0, LOOK_MS);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return -1;
}

static struct hs_err *complaint(const struct lg_call *call, int fd)
{
	char said[SAID + 1] = "";
	ssize_t n = pread(fd, said, SAID, 0);
	HS_TEXT t = { 0 };

	if (hs_cancelled(call->task))
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	if (n > 0)
		hs_text_escape(&t, said, strcspn(said, "\n"));
	return hs_err_remedy(hs_err_new(HS_ERR_OTHER, "%s: draw it: dot %s%s",
					call->verb->name,
					t.len ? "says " : "failed",
					hs_text_str(&t)),
			     "file=NAME.dot keeps it as text");
}

/* in, out and said are its standard streams. */
static struct hs_err *spawn(const struct lg_call *call, const char *format,
			    int in, int out, int said)
{
	HS_FREE char *option = hs_xasprintf("-T%s", format);
	char *argv[] = { (char *)"dot", option, NULL };
	posix_spawn_file_actions_t acts;
	pid_t pid;
	int e;

	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, in, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	posix_spawn_file_actions_adddup2(&acts, said, 2);
	e = posix_spawnp(&pid, "dot", &acts, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	if (e == ENOENT)
		return hs_err_remedy(
			hs_err_new(HS_ERR_UNSUPPORTED,
				   "%s: draw it: graphviz is not installed",
				   call->verb->name),
			"file=NAME.dot, or apt install graphviz");
	if (e)
		return hs_err_os(e, "%s: run dot", call->verb->name);
	return end_of(call, pid) ? complaint(call, said) : NULL;
}

static struct hs_err *draw(const struct lg_call *call, const char *format,
			   const struct hs_text *t, int out)
{
	int in = memfd_create("dot", MFD_CLOEXEC);
	int said = memfd_create("said", MFD_CLOEXEC);
	struct hs_err *err = NULL;

	if (in < 0 || said < 0 || !write_all(in, t) || lseek(in, 0, SEEK_SET))
		err = hs_err_os(errno, "%s: keep %zu bytes for dot",
				   call->verb->name, t->len);
	else
		err = spawn(call, format, in, out, said);
	if (in >= 0)
		close(in);
	if (said >= 0)
		close(said);
	return err;
}

struct hs_err *vb_dot_to_file(const struct lg_call *call, const char *path,
			      const struct hs_text *t)
{
	const char *format = format_of(path);
	struct hs_err *err = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return cannot(call, path, errno);
	if (format)
		err = draw(call, format, t, fd);
	else if (!write_all(fd, t))
		err = cannot(call, path, errno);
	if (close(fd) && !err)
		err = cannot(call, path, errno);
	if (err)
		unlink(path);
	return err;
}
