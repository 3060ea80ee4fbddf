/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of the client. */
#ifndef TG_CLIENT_H
#define TG_CLIENT_H

#include "target.h"
#include "tg_arch.h"
#include "tg_packet.h"
#include "tg_proc.h"

/** What a freeze needs to know. */
struct tg_plan {
	int pid;
	int pidfd;
	uint64_t start_time;
	uint32_t n_threads;	/* about */
	bool together;		/* as in the report */
	struct tg_gadgets gadgets;
	HS_VEC(struct wr_tracer_range) stacks;
};

/** HS_ERR_GONE: "attach to PID: it has ended". */
struct hs_err *tg_gone(int pid) HS_MUST_USE;
/**
 * err, or that the process has ended, when it has: then whatever err says is
 * but a consequence. NULL stays NULL. start_time 0: not known.
 */
struct hs_err *tg_or_gone(struct hs_err *err, int pid,
			  uint64_t start_time) HS_MUST_USE;
/** Ask and wait for the answer. HS_ERR of the tracer comes as it is. */
struct hs_err *tg_client_ask(struct tg_client *c, struct tg_packet *q,
			     int timeout_ms, struct tg_packet *ret) HS_MUST_USE;
/** Another number whenever a copy of some process has been made or ended. */
uint64_t tg_client_clones(const struct tg_client *c);
/**
 * errno with which the kernel refuses the tracer (c NULL: us), or 0; and the
 * pid of the tracer, or 0.
 */
struct hs_err *tg_client_probe(struct tg_client *c, int pid, int *ret_denied,
			       int *ret_tracer) HS_MUST_USE;
/** From here on plan->pidfd means the process of the report and no other. */
struct hs_err *tg_pin(const struct tg_report *r,
		      struct tg_plan *p) HS_MUST_USE;
/** Threads of in, of which there are in->n_threads, out of a memfd. */
struct hs_err *tg_take_threads(struct tg_instant *in, int fd) HS_MUST_USE;
void tg_mirror_free(struct tg_mirror *c);
/** Stacks of the process as maps has them now, into *ret. */
void tg_find_stacks(const struct tg_maps *maps, struct tg_plan *ret);
/** Find both gadgets in the mapped files. HS_ERR_UNSUPPORTED. */
struct hs_err *tg_find_gadgets(int pid, const struct tg_maps *maps,
			       struct tg_gadgets *ret) HS_MUST_USE;
/**
 * Mappings that are shared with others into a memfd at *offset, which moves
 * on: first those that are writable, then the others; adds to the counts.
 */
struct hs_err *tg_add_shared(const struct tg_maps *maps, int fd,
			     uint64_t *offset, uint32_t *ret_shared,
			     uint32_t *ret_closed) HS_MUST_USE;

/** The probe's own bytes, as it is to lie in a process. */
struct tg_blob {
	uint8_t *bytes;		/* free() */
	uint64_t size;
	uint64_t entry;		/* address */
	struct wr_tracer_map maps[8];	/* bytes of each: at addr - base */
	uint32_t n_maps;
};
/** Bytes of address space that it needs. */
uint64_t tg_blob_size(void);
/** Lay it out for that address (whole pages). */
void tg_blob_create(uint64_t base, struct tg_blob *ret);

/** Ranges in a memfd, which is added to q. */
struct hs_err *tg_add_ranges(struct tg_packet *q,
			     const struct wr_tracer_range *v,
			     size_t n) HS_MUST_USE;
#endif
