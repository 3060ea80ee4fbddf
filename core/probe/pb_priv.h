/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The probe: code that runs in copies of other people's programs. It is
 * linked with libffi and with nothing else, so that it can be put into a
 * process by copying its bytes: no name of it is looked up, and it has no
 * relocation but those that add where it lies. What the C library would give
 * is in libc.c.
 */
#ifndef PB_PRIV_H
#define PB_PRIV_H

#include <stddef.h>

#include "probe_wire.h"

/** What heapsh reads in the program: the one name that is exported. live.c */
extern struct wr_probe_state heapsh_probe_0;

/** Serve one request. Returns wr_probe_answered. */
uint64_t pb_run(struct wr_probe_request *q);
/** Where the tracer begins; see entry.c. */
void pb_entry(void);

/** VISIT, VALUE and TEXT, from q->progress on. */
uint64_t pb_batch(struct wr_probe_request *q);
/** FOREIGN: through libffi. */
uint64_t pb_foreign(struct wr_probe_request *q);

/** Fill q->collectors. */
void pb_collectors(struct wr_probe_request *q);
/** The request whose callbacks are collected from now on. */
void pb_collect_for(struct wr_probe_request *q);
#endif
