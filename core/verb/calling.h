/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of call: a function of C, its arguments and its result. */
#ifndef VB_CALLING_H
#define VB_CALLING_H

#include "marshal.h"
#include "tg_eval.h"
#include "verb_priv.h"

/** One call on its way. */
struct vb_calling {
	const struct lg_call *call;
	struct lg_instant *in;
	struct tg_eval *eval;
	struct hs_arena arena;
	struct vb_signature *sig;
	const char *name; /* of the function, as typed */
	uint64_t function;
	uint32_t cpu_ms;
	struct tg_eval_area area;
	struct vb_bytes bytes;
	struct wr_probe_request q;
	struct vb_ctype *types[WR_PROBE_FOREIGN_ARGS]; /* of arguments */
	size_t n_callbacks;
	const struct vb_signature *callbacks[WR_PROBE_COLLECTORS];
	struct tg_eval_result result;
};

/** Does one of its parameters want a function? */
bool vb_call_wants_callback(const struct vb_calling *c);
/** Arguments and types into c->bytes, from its base on, and c->q. */
struct hs_err *vb_call_put(struct vb_calling *c) HS_MUST_USE;
/** Its result, with what callbacks were called with, from the copy. */
struct hs_err *vb_call_get(struct vb_calling *c,
			   struct lg_value **ret) HS_MUST_USE;
#endif
