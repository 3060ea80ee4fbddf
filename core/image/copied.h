/* SPDX-License-Identifier: Apache-2.0 */
/**
 * copied: a source of bytes that lie in our own memory. For what must outlive
 * the process it was read from. Runs must not overlap.
 */
#ifndef IM_COPIED_H
#define IM_COPIED_H

#include "image_priv.h"

struct im_copied;

/** budget (or NULL) must outlive it. The source's destroy ends it. */
struct im_copied *im_copied_create(struct hs_budget *budget);
/**
 * Memory for copies, zeroed, charged to task's budget, which is that of
 * im_copied_create(). It is c's.
 */
struct hs_err *im_copied_block(struct im_copied *c, struct hs_task *task,
			       uint64_t size, void **ret) HS_MUST_USE;
/** [addr, addr+len) reads as bytes (in a block of c), or as zeros (NULL). */
void im_copied_add(struct im_copied *c, uint64_t addr, const void *bytes,
		   uint64_t len);
/** After the last im_copied_add(), before the first read. */
void im_copied_sort(struct im_copied *c);

extern const struct im_source im_copied_source;
#endif
