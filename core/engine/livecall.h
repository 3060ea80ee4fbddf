/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of live=1: a call that is put into the box of the program. */
#ifndef EN_LIVECALL_H
#define EN_LIVECALL_H

#include "safepoint.h"

/** A call on its way. */
struct en_live_calling {
	struct en_safepoint s;
	struct vb_live *live;
	struct wr_probe_box *box; /* what is asked, what is answered */
	uint64_t wait_ns; /* to begin; and as long again to end */
};
/** Bytes of it that are used. */
static inline uint64_t en_live_size(const struct wr_probe_box *box)
{
	uint64_t used =
		box->used < WR_PROBE_BOX_DATA ? box->used : WR_PROBE_BOX_DATA;

	return hs_align_up(sizeof(*box) + used, 8);
}

/**
 * Once, in the instant that there is. *ret_again: nothing was called, and in
 * another instant it may be.
 */
struct hs_err *en_live_go(struct en_live_calling *c,
			  bool *ret_again) HS_MUST_USE;
#endif
