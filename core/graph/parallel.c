// SPDX-License-Identifier: Apache-2.0
#include "graph_priv.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct part {
	gr_part_fn *fn;
	void *arg;
	_Atomic bool *stop;
	unsigned thread;
	struct hs_err *err;
};

static void *run_part(void *arg)
{
	struct part *p = arg;

	p->err = p->fn(p->arg, p->thread);
	if (p->err)
		atomic_store(p->stop, true);
	return NULL;
}

/*
 * What is sent to the process from outside is for its main thread; what a
 * thread does to itself must still end it.
 */
static void block_foreign_signals(sigset_t *old)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
				   SIGTRAP };
	sigset_t set;
	size_t i;

	sigfillset(&set);
	for (i = 0; i < HS_ARRAY_SIZE(own); i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_SETMASK, &set, old);
}

struct hs_err *gr_parallel(unsigned n, gr_part_fn *fn, void *arg,
			   _Atomic bool *stop)
{
	struct part parts[GR_MAX_THREADS];
	pthread_t ids[GR_MAX_THREADS];
	struct hs_err *err = NULL;
	unsigned started, i;
	sigset_t old;

	if (n <= 1)
		return fn(arg, 0);
	block_foreign_signals(&old);
	for (started = 1; started < n; started++) {
		parts[started] = (struct part){ fn, arg, stop, started, NULL };
		if (pthread_create(&ids[started], NULL, run_part,
				   &parts[started]))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	parts[0] = (struct part){ fn, arg, stop, 0, NULL };
	run_part(&parts[0]);
	for (i = 0; i < started; i++) {
		if (i)
			pthread_join(ids[i], NULL);
		if (err)
			hs_err_free(parts[i].err);
		else
			err = parts[i].err;
	}
	return err;
}

unsigned gr_threads(unsigned wanted)
{
	long cores;

	if (!wanted) {
		cores = sysconf(_SC_NPROCESSORS_ONLN);
		wanted = cores > 0 ? (unsigned)cores : 1;
	}
	return wanted < GR_MAX_THREADS ? wanted : GR_MAX_THREADS;
}
