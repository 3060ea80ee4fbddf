// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include "tg_plant.h"

/*
 * Planted code, position-independent. rbx keeps the data, r12 what leave() has
 * answered. The stack is aligned as for any function: three words below the
 * return address. The last step is a jump: munmap() takes the pages away and
 * returns to who has called us, so that nothing stays where nobody looks.
 */
_Static_assert(offsetof(struct tg_plant_data, munmap) == 16 &&
		       offsetof(struct tg_plant_data, result) == 24 &&
		       offsetof(struct tg_plant_data, reason) == 32 &&
		       offsetof(struct tg_plant_data, dlopen) == 40 &&
		       offsetof(struct tg_plant_data, dlerror) == 48 &&
		       offsetof(struct tg_plant_data, leave) == 56 &&
		       offsetof(struct tg_plant_data, back) == 64 &&
		       offsetof(struct tg_plant_data, path) == 72,
	       "offsets in the code below");
_Static_assert(WR_TRACER_PLANT_CODE == 4096 && WR_TRACER_PLANT_BYTES == 8192,
	       "the pages in the code below");
_Static_assert(WR_TRACER_PLANT_RUNS == 1 && WR_TRACER_PLANT_DONE == 2,
	       "states in the code below");
__asm__(".pushsection .rodata\n"
	"tg_plant_begin:\n"
	"	endbr64\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	subq $8, %rsp\n"
	"	movq %rdi, %rbx\n"
	"	movq $1, (%rbx)\n"
	"	movq 56(%rbx), %rax\n"
	"	testq %rax, %rax\n"
	"	jz 1f\n"
	"	call *%rax\n"
	"1:	movq %rax, %r12\n"
	"	leaq 72(%rbx), %rdi\n"
	"	movl $2, %esi\n"		/* RTLD_NOW, bits/dlfcn.h */
	"	call *40(%rbx)\n"
	"	movq %rax, 24(%rbx)\n"
	"	testq %rax, %rax\n"
	"	jnz 2f\n"
	"	call *48(%rbx)\n"
	"	movq %rax, 32(%rbx)\n"
	"2:	movq 64(%rbx), %rax\n"
	"	testq %rax, %rax\n"
	"	jz 3f\n"
	"	movq %r12, %rdi\n"
	"	call *%rax\n"
	"3:	movq $2, (%rbx)\n"
	"	xorl %eax, %eax\n"
	"	cmpq $0, 24(%rbx)\n"	/* why it failed is still read */
	"	je 4f\n"
	"	movq 16(%rbx), %rax\n"
	"4:	leaq -4096(%rbx), %rdi\n"
	"	movl $8192, %esi\n"
	"	addq $8, %rsp\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	testq %rax, %rax\n"
	"	jnz 5f\n"
	"	ret\n"
	"5:	jmp *%rax\n"			/* answers 0, to our caller */
	"tg_plant_end:\n"
	".popsection\n");

extern const uint8_t tg_plant_begin[], tg_plant_end[];

const uint8_t *tg_arch_plant_code(size_t *ret_size)
{
	*ret_size = (size_t)(tg_plant_end - tg_plant_begin);
	return tg_plant_begin;
}
