// SPDX-License-Identifier: Apache-2.0
// Tests of the rooms to the right run over this: the example, and more.
#include "toy_full.h"

const struct heapsh_plugin *heapsh_plugin_0(const struct heapsh_host *h)
{
	static struct heapsh_plugin full;

	full = *toy_plugin(h);
	full.name = "toy_full";
	return &full;
}
