// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

/*
 * What compiler and libffi take for granted. Slow is good enough: structures
 * of a few words are copied.
 */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
void __attribute__((__noreturn__)) abort(void);
void __attribute__((__noreturn__)) __stack_chk_fail(void);

void *memcpy(void *to, const void *from, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
	return ret;
}

void *memset(void *to, int c, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep stosb"
			 : "+D"(to), "+c"(n)
			 : "a"(c)
			 : "memory");
	return ret;
}

void abort(void)
{
	__builtin_trap();
}

void __stack_chk_fail(void)
{
	__builtin_trap();
}
