/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of the evaluator. */
#ifndef TG_EVALUATOR_H
#define TG_EVALUATOR_H

#include "tg_client.h"
#include "tg_eval.h"

enum {
	TG_EVAL_DATA = 40 << 20, /* bytes, at area */
	TG_EVAL_SCRATCH = 1 << 20, /* behind them */
};

struct tg_eval {
	struct tg_client *client;
	const struct tg_instant *in;
	struct hs_task *task;
	uint32_t thread;
	uint64_t enter;
	struct wr_tracer_write *writes;
	size_t n_writes;

	uint64_t area; /* address, the same in all copies; 0: none */
	uint64_t blob; /* likewise */
	uint64_t stack; /* likewise, where one is needed */
	uint64_t entry;
	uint64_t sp; /* to begin at; 0: the thread's own stack */

	uint64_t copy; /* 0: there is none */
	int pid, mem_fd; /* of it */
	bool spoilt; /* nothing more can run in it */
	uint64_t number; /* how many there have been */
};

/** What the tracer is asked for: evalcopy.c. Sets area, blob, entry, sp. */
struct hs_err *tg_eval_copy_request(struct tg_eval *e,
				    struct tg_packet *q) HS_MUST_USE;
#endif
