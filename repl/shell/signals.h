/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Signals become words in memory, and a byte in a pipe that poll() sees. */
#ifndef SH_SIGNALS_H
#define SH_SIGNALS_H

#include <signal.h>

#include "wire.h"

struct sh_signals {
	volatile sig_atomic_t interrupted; /* SIGINT */
	volatile sig_atomic_t ended; /* SIGTERM or SIGHUP: which */
	volatile sig_atomic_t resized; /* SIGWINCH */
	volatile sig_atomic_t suspended; /* SIGTSTP, while reading */
	int wake_fd; /* readable after any of them */
};
extern struct sh_signals sh_signals;

/** Catch them from now on; Ctrl-C also sets shared's cancel. */
struct hs_err *sh_signals_init(struct wr_shared *shared) HS_MUST_USE;
/** Empty the pipe. The words stay. */
void sh_signals_drain(void);
/** Ctrl-Z goes to the words (a line is being read), or stops us at once. */
void sh_signals_catch_suspend(bool on);
/** In a child before exec: all as they are by default. */
void sh_signals_reset(void);
#endif
