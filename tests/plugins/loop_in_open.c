// SPDX-License-Identifier: Apache-2.0
// Claims every process, and never comes back from open().
#include "bad.h"

static const char *loop(struct heapsh_image *im, void **state,
			struct heapsh_status *ret)
{
	volatile unsigned n = 0;

	(void)im;
	(void)state;
	(void)ret;
	for (;;)
		n++;
	return NULL;
}

static const struct heapsh_plugin plugin = {
	BAD_PLUGIN(loop), .probe = bad_probe,
};

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *host)
{
	(void)host;
	return &plugin;
}
