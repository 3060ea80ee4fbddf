// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

/*
 * Callbacks for functions that want one: each keeps what it was called with,
 * and answers what the client has said. They are made here, not by libffi:
 * its closures need memory that is written and executed.
 */

/** As collect_common leaves them on the stack. */
struct registers {
	uint64_t ints[6];
	uint64_t floats[8];
};

/*
 * The one request under way. A callback is given no word of ours, and in a
 * copy there is one thread.
 */
static struct wr_probe_request *current;

uint64_t pb_collected(uint64_t which, const struct registers *r,
		      const uint64_t *stack);
void pb_collect_0(void);
void pb_collect_1(void);
void pb_collect_2(void);
void pb_collect_3(void);

_Static_assert(WR_PROBE_COLLECTORS == 4, "one stub for each");
#define STUB(n) \
	".globl pb_collect_" #n "\n" \
	".hidden pb_collect_" #n "\n" \
	".type pb_collect_" #n ", @function\n" \
	"pb_collect_" #n ":\n" \
	"	endbr64\n" \
	"	movl $" #n ", %eax\n" \
	"	jmp collect_common\n"

/* 120 bytes of room: 8 (return address) + 120 is a multiple of 16. */
__asm__(".pushsection .text\n"
	STUB(0) STUB(1) STUB(2) STUB(3)
	"collect_common:\n"
	"	subq $120, %rsp\n"
	"	movq %rdi, (%rsp)\n"
	"	movq %rsi, 8(%rsp)\n"
	"	movq %rdx, 16(%rsp)\n"
	"	movq %rcx, 24(%rsp)\n"
	"	movq %r8, 32(%rsp)\n"
	"	movq %r9, 40(%rsp)\n"
	"	movsd %xmm0, 48(%rsp)\n"
	"	movsd %xmm1, 56(%rsp)\n"
	"	movsd %xmm2, 64(%rsp)\n"
	"	movsd %xmm3, 72(%rsp)\n"
	"	movsd %xmm4, 80(%rsp)\n"
	"	movsd %xmm5, 88(%rsp)\n"
	"	movsd %xmm6, 96(%rsp)\n"
	"	movsd %xmm7, 104(%rsp)\n"
	"	movl %eax, %edi\n"
	"	movq %rsp, %rsi\n"
	"	leaq 128(%rsp), %rdx\n"
	"	call pb_collected\n"
	"	movq %rax, %xmm0\n"
	"	addq $120, %rsp\n"
	"	ret\n"
	".popsection\n");

void pb_collectors(struct wr_probe_request *q)
{
	q->collectors[0] = (uint64_t)pb_collect_0;
	q->collectors[1] = (uint64_t)pb_collect_1;
	q->collectors[2] = (uint64_t)pb_collect_2;
	q->collectors[3] = (uint64_t)pb_collect_3;
}

void pb_collect_for(struct wr_probe_request *q)
{
	q->n_collected = 0;
	q->used = q->out;
	current = q;
}

uint64_t pb_collected(uint64_t which, const struct registers *r,
		      const uint64_t *stack)
{
	struct wr_probe_request *q = current;
	struct wr_probe_collected *c;

	if (!q)
		return 0;
	q->n_collected++;
	if (q->out_end - q->used >= sizeof(*c)) {
		c = (struct wr_probe_collected *)q->used;
		c->which = which;
		for (int i = 0; i < 6; i++)
			c->ints[i] = r->ints[i];
		for (int i = 0; i < 8; i++)
			c->floats[i] = r->floats[i];
		for (int i = 0; i < 6; i++)
			c->stack[i] = stack[i];
		q->used += sizeof(*c);
	}
	return q->answers[which];
}
