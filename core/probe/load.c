// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

/*
 * The probe as a library of the program: preloaded, or loaded by the program
 * itself. It then does one thing: it lets processes of the same user attach
 * where the kernel would only let a parent (yama, ptrace_scope 1). To load it
 * is to consent to that, so nobody is waited for, no thread is made, no socket
 * opened, and nothing runs until somebody asks for a call (live.c). Copied
 * into a copy it does not come to this: nobody calls its constructors there.
 *
 * What is asked is forgotten by the kernel at fork(); a program that is
 * executed asks again, as long as LD_PRELOAD is handed down.
 */
enum {
	SYS_PRCTL = 157,	/* x86-64: asm/unistd_64.h */
	/* include/uapi/linux/prctl.h: PR_SET_PTRACER, PR_SET_PTRACER_ANY */
	SET_PTRACER = 0x59616d61,
};
#define PTRACER_ANY (~0UL)

static long prctl(long option, unsigned long arg)
{
	long ret;

	__asm__ volatile("xorl %%r10d, %%r10d\n\t"
			 "xorl %%r8d, %%r8d\n\t"
			 "syscall"
			 : "=a"(ret)
			 : "a"((long)SYS_PRCTL), "D"(option), "S"(arg),
			   "d"(0L)
			 : "rcx", "r8", "r10", "r11", "memory");
	return ret;
}

static void __attribute__((__constructor__, __used__)) loaded(void)
{
	heapsh_probe_0.ptracer = (int32_t)prctl(SET_PTRACER, PTRACER_ANY);
	heapsh_probe_0.loaded = 1;
}
