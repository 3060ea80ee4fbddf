/* SPDX-License-Identifier: Apache-2.0 */
/** plugins/example with all that it has, as a part of another plugin. */
#ifndef HS_TESTS_TOY_FULL_H
#define HS_TESTS_TOY_FULL_H

#include <heapsh/plugin.h>

heapsh_entry_fn toy_plugin;
#define EXAMPLE_ENTRY toy_plugin
#include "example_more.c"

#endif
