// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

/*
 * The tracer sets the instruction pointer here, rdi to the request and the
 * stack pointer to a multiple of 16. The thread whose place we take may have
 * stood anywhere: emms makes the x87 stack empty, as each function expects it
 * (System V ABI, x86-64, 3.2.1). The trap behind the call is the return.
 */
_Static_assert(WR_PROBE_RETURN == 16, "length of the entry");
__asm__(".pushsection .text\n"
	".globl pb_entry\n"
	".hidden pb_entry\n"
	".type pb_entry, @function\n"
	".balign 16\n"
	"pb_entry:\n"
	"	emms\n"
	"	call pb_run\n"
	"	.org pb_entry + 15, 0x90\n"	/* nops, up to there */
	"	int3\n"
	"	ud2\n"
	".size pb_entry, . - pb_entry\n"
	".popsection\n");

typedef uint64_t any_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			uint64_t, uint64_t);

/* More arguments than a function has do no harm: its caller removes them. */
static uint64_t call(struct wr_probe_request *q)
{
	any_fn *fn = (any_fn *)q->function;
	const uint64_t *a = q->args;

	q->result = fn(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8],
		       a[9], a[10], a[11]);
	return WR_PROBE_DONE;
}

uint64_t pb_run(struct wr_probe_request *q)
{
	switch (q->op) {
	case WR_PROBE_HELLO:
		pb_collectors(q);
		return WR_PROBE_DONE;
	case WR_PROBE_CALL:
		return call(q);
	case WR_PROBE_FOREIGN:
		pb_collect_for(q);
		return pb_foreign(q);
	case WR_PROBE_VISIT:
	case WR_PROBE_VALUE:
	case WR_PROBE_TEXT:
		return pb_batch(q);
	default:
		return WR_PROBE_UNKNOWN;
	}
}
