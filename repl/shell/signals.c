// SPDX-License-Identifier: GPL-3.0-or-later
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct sh_signals sh_signals = { .wake_fd = -1 };

static int wake_write = -1;
static struct wr_shared *shared_memory;

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };

static void on_signal(int number)
{
	int saved = errno;

	switch (number) {
	case SIGINT:
		sh_signals.interrupted = 1;
		if (shared_memory)
			atomic_store(&shared_memory->task.cancel, 1);
		break;
	case SIGWINCH:
		sh_signals.resized = 1;
		break;
	case SIGTSTP:
		sh_signals.suspended = 1;
		break;
	default:
		sh_signals.ended = number;
		if (shared_memory)
			atomic_store(&shared_memory->task.cancel, 1);
		break;
	}
	// Full is as good as written.
	if (write(wake_write, "", 1) < 0)
		errno = 0;
	errno = saved;
}

static void set(int number, void (*handler)(int))
{
	// No SA_RESTART: a wait for a child or a terminal looks at the words.
	struct sigaction sa = { .sa_handler = handler };

	sigaction(number, &sa, NULL);
}

struct hs_err *sh_signals_init(struct wr_shared *shared)
{
	int fds[2];
	size_t i;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return hs_err_os(errno, "make a pipe for signals");
	sh_signals.wake_fd = fds[0];
	wake_write = fds[1];
	shared_memory = shared;
	for (i = 0; i < HS_ARRAY_SIZE(caught); i++)
		set(caught[i], on_signal);
	set(SIGPIPE, SIG_IGN);
	return NULL;
}

void sh_signals_drain(void)
{
	char bytes[64];

	while (read(sh_signals.wake_fd, bytes, sizeof(bytes)) > 0)
		;
}

void sh_signals_catch_suspend(bool on)
{
	set(SIGTSTP, on ? on_signal : SIG_DFL);
}

void sh_signals_reset(void)
{
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(caught); i++)
		set(caught[i], SIG_DFL);
	set(SIGTSTP, SIG_DFL);
	set(SIGPIPE, SIG_DFL);
}
