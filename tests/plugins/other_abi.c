// SPDX-License-Identifier: Apache-2.0
// Of another major: it has an entry that this host does not know.
const void *heapsh_plugin_7(const void *host);

const void *heapsh_plugin_7(const void *host)
{
	return host;
}
