// SPDX-License-Identifier: Apache-2.0
// Overwrites what malloc() keeps beside a block and calls it: glibc finds out
// and aborts with the arena's lock held. Whoever allocates in a signal handler
// then waits for ever.
#include "bad.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *nothing(void *arg)
{
	return arg;
}

static void crash(struct heapsh_image *im, struct heapsh_claim *ret)
{
	char *volatile block;
	void *volatile keep;
	pthread_t thread;

	(void)im;
	(void)ret;
	// With one thread only, glibc takes no locks.
	if (pthread_create(&thread, NULL, nothing, NULL))
		abort();
	do {
		block = malloc(4000);
		memset(block, 0xff, 4064);
		keep = malloc(100000);
	} while (keep);
}

static const struct heapsh_plugin plugin = { BAD_PLUGIN(bad_open),
					     .probe = crash };

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *host)
{
	(void)host;
	return &plugin;
}
