// SPDX-License-Identifier: Apache-2.0
// Writes through a wild pointer when it is asked whose the process is.
#include "bad.h"

static void crash(struct heapsh_image *im, struct heapsh_claim *ret)
{
	int *volatile wild = (int *)8;

	(void)im;
	(void)ret;
	*wild = 1;
}

static const struct heapsh_plugin plugin = { BAD_PLUGIN(bad_open),
					     .probe = crash };

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *host)
{
	(void)host;
	return &plugin;
}
