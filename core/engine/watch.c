// SPDX-License-Identifier: Apache-2.0
/*
 * Plugins that do not come back. Code that loops cannot be ended but with the
 * process that it runs in: the shell starts an engine without the plugin, and
 * the tracer still has the instants.
 */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { LIMIT_MS_MAX = 3600 * 1000 };

struct en_watch {
	struct en_engine *en;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end;
};

/** Wait for one tick. False: the engine ends. */
static bool sleep_tick(struct en_watch *w)
{
	struct timespec until;
	bool end;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += MD_TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&w->lock);
	while (!w->end &&
	       !pthread_cond_timedwait(&w->ended, &w->lock, &until))
		;
	end = w->end;
	pthread_mutex_unlock(&w->lock);
	return !end;
}

static void *watch(void *arg)
{
	struct en_watch *w = arg;
	struct wr_shared *shared = w->en->shared;
	struct md_overdue o;

	while (sleep_tick(w)) {
		if (!md_tick(w->en->host, &o))
			continue;
		// No lock of the plugin's, nor malloc's, is needed from here.
		snprintf(shared->plugin, sizeof(shared->plugin), "%s",
			 o.plugin);
		snprintf(shared->call, sizeof(shared->call), "%s", o.call);
		shared->overdue_ms = o.ms;
		signal(SIGALRM, SIG_DFL);
		kill(getpid(), SIGALRM);
	}
	return NULL;
}

struct hs_err *en_watch_start(struct en_engine *en)
{
	const char *ms = getenv("HEAPSH_PLUGIN_MS");
	struct en_watch *w = hs_xalloc(sizeof(*w));
	pthread_condattr_t attr;
	uint64_t v;
	int e;

	if (ms && hs_parse_u64(ms, &v) && v && v <= LIMIT_MS_MAX)
		md_set_limit_ms(en->host, (unsigned)v);
	w->en = en;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	e = pthread_create(&w->thread, NULL, watch, w);
	if (e) {
		free(w);
		return hs_err_os(e, "start the thread that watches plugins");
	}
	en->watch = w;
	return NULL;
}

void en_watch_end(struct en_engine *en)
{
	struct en_watch *w = en->watch;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->end = true;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	free(w);
	en->watch = NULL;
}
