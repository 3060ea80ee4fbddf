// SPDX-License-Identifier: Apache-2.0
// A table that ends before the members that every plugin has.
#include "bad.h"

static const struct heapsh_plugin plugin = { .size = 16, .name = "short" };

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *host)
{
	(void)host;
	return &plugin;
}
