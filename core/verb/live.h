/* SPDX-License-Identifier: Apache-2.0 */
/**
 * call … live=1: a call in the running program itself. Both forms of the verb
 * fill a box; here it is tried in a copy, then made. Private to verbs.
 */
#ifndef VB_LIVE_H
#define VB_LIVE_H

#include "probe_wire.h"
#include "verb_priv.h"

struct vb_live_call {
	const struct lg_call *call;
	const struct vb_services *sv;
	struct vb_live live;
	char *name; /* of what is called */
	char *what; /* "call NAME live=1" */
	uint64_t wait_ns;
	uint32_t cpu_ms;
	bool refused; /* what is refused in a copy is no matter */
	struct wr_probe_box *box; /* WR_PROBE_BOX_BYTES */
};
#define VB_LIVE_CALL HS_CLEANUP(vb_live_deinit) struct vb_live_call

/** Option live. */
struct hs_err *vb_live_wanted(const struct lg_call *call,
			      bool *ret) HS_MUST_USE;
/**
 * Options yes and wait; the probe, an instant and an empty box. HS_ERR_REFUSED
 * without yes=1: what would happen.
 */
struct hs_err *vb_live_init(const struct lg_call *call, const char *name,
			    struct vb_live_call *ret) HS_MUST_USE;
void vb_live_deinit(struct vb_live_call *c);

/**
 * A value that the call is about: objects must be those of the user's instant
 * and alive, now and when it is made.
 */
struct hs_err *vb_live_value(struct vb_live_call *c,
			     struct lg_value *v) HS_MUST_USE;
/** The steps of a script. */
void vb_live_script(struct vb_live_call *c, const struct heapsh_script *s);

/** In a copy: any end but its return is an error. The box is as it was. */
struct hs_err *vb_live_try(struct vb_live_call *c,
			   const struct heapsh_script *s) HS_MUST_USE;
/** In the program: the box is as the probe has left it. */
struct hs_err *vb_live_go(struct vb_live_call *c) HS_MUST_USE;
/** Text that a step has kept, in the box: *n bytes, bounded. Borrowed. */
const char *vb_live_text(const struct vb_live_call *c, uint32_t step,
			 size_t *n);
/** "ValueError: no such name", escaped; "" where no step has failed. free() */
char *vb_live_raised(const struct vb_live_call *c,
		     const struct heapsh_script *s);

/** Memory of the program as it runs: vb_read_fn of arg struct vb_live_call. */
uint64_t vb_live_read(void *arg, uint64_t addr, void *buf, uint64_t len);

/* invoke.c: OBJ(ARG…) */
struct hs_err *vb_invoke_live(const struct lg_call *call, uint32_t cpu_ms,
			      struct lg_value **ret) HS_MUST_USE;

/* clang-format off */
#define VB_LIVE_OPTIONS \
	{ .name = "live", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "1: in the running program itself, by the probe; 0" }, \
	{ .name = "yes", .kind = LG_ARG_OPTION, .values = "0|1", \
	  .help = "with live: 1: yes, change the running program; 0" }, \
	{ .name = "wait", .kind = LG_ARG_OPTION, .values = "TIME", \
	  .help = "with live: for it to come to a safe point; 5s" }
/* clang-format on */
#endif
