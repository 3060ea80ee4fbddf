/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The least host that a plugin can stand on: /proc/PID/mem of a process that
 * holds still, and the symbols of those of its files that are a runtime's. For
 * tests of the parts of plugins.
 */
#ifndef PEEK_HOST_H
#define PEEK_HOST_H

#include <heapsh/plugin.h>

extern const struct heapsh_host peek_host;

/** NULL: no such process, or not permitted. */
struct heapsh_image *peek_open(int pid);
/** It will not go on: read each page once. */
void peek_keep_pages(struct heapsh_image *im);
void peek_close(struct heapsh_image *im);

#endif
