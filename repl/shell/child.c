// SPDX-License-Identifier: GPL-3.0-or-later
// Programs that the user names: pipes, the pager, !cmd.
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

struct hs_err *sh_child_start(const char *command, int *ret_fd, pid_t *ret)
{
	HS_CLOSE int in = -1, out = -1;
	int fds[2];
	pid_t pid;

	if (ret_fd) {
		if (pipe2(fds, O_CLOEXEC))
			return hs_err_os(errno, "make a pipe");
		in = fds[0];
		out = fds[1];
	}
	pid = fork();
	if (pid < 0)
		return hs_err_os(errno, "start '%s'", command);
	if (!pid) {
		sh_signals_reset();
		if (ret_fd)
			dup2(in, 0);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (ret_fd) {
		*ret_fd = out;
		out = -1;
	}
	*ret = pid;
	return NULL;
}

int sh_child_wait(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

bool sh_child_found(const char *command)
{
	static const char script[] = "command -v -- \"$1\" >/dev/null 2>&1";
	const char *first = command + strspn(command, "( \t");
	HS_FREE char *word = hs_xstrndup(first, strcspn(first, " \t;|&<>()"));
	pid_t pid;

	// What begins in another way (a quote, a $) is sh's to look at.
	if (!*word || strpbrk(word, "'\"$`\\={}*?[~"))
		return true;
	pid = fork();
	if (pid < 0)
		return true;
	if (!pid) {
		sh_signals_reset();
		execl("/bin/sh", "sh", "-c", script, "sh", word, (char *)NULL);
		_exit(0);
	}
	return sh_child_wait(pid) == 0;
}
