/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HS_BUDGET_PRIV_H
#define HS_BUDGET_PRIV_H

#include "base.h"

/**
 * Bytes of memory that this process could still get, the least of what
 * root/proc/meminfo and every control group above us say. root is "" but in
 * tests. UINT64_MAX when nothing can be read.
 */
uint64_t hs_memory_available(const char *root);

#endif
