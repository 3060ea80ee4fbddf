// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

#include "tg_plant.h"

/*
 * Planted code, position-independent. rbx keeps the data, r12 what leave() has
 * answered. The stack is aligned as for any function: three words below the
 * return address.
 */
_Static_assert(offsetof(struct tg_plant_data, result) == 8 &&
		       offsetof(struct tg_plant_data, reason) == 16 &&
		       offsetof(struct tg_plant_data, dlopen) == 24 &&
		       offsetof(struct tg_plant_data, dlerror) == 32 &&
		       offsetof(struct tg_plant_data, leave) == 40 &&
		       offsetof(struct tg_plant_data, back) == 48 &&
		       offsetof(struct tg_plant_data, path) == 56,
	       "offsets in the code below");
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
	"	movq 40(%rbx), %rax\n"
	"	testq %rax, %rax\n"
	"	jz 1f\n"
	"	call *%rax\n"
	"1:	movq %rax, %r12\n"
	"	leaq 56(%rbx), %rdi\n"
	"	movl $2, %esi\n"		/* RTLD_NOW, bits/dlfcn.h */
	"	call *24(%rbx)\n"
	"	movq %rax, 8(%rbx)\n"
	"	testq %rax, %rax\n"
	"	jnz 2f\n"
	"	call *32(%rbx)\n"
	"	movq %rax, 16(%rbx)\n"
	"2:	movq 48(%rbx), %rax\n"
	"	testq %rax, %rax\n"
	"	jz 3f\n"
	"	movq %r12, %rdi\n"
	"	call *%rax\n"
	"3:	movq $2, (%rbx)\n"
	"	xorl %eax, %eax\n"
	"	addq $8, %rsp\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	ret\n"
	"tg_plant_end:\n"
	".popsection\n");

extern const uint8_t tg_plant_begin[], tg_plant_end[];

const uint8_t *tg_arch_plant_code(size_t *ret_size)
{
	*ret_size = (size_t)(tg_plant_end - tg_plant_begin);
	return tg_plant_begin;
}
