// SPDX-License-Identifier: Apache-2.0
#include "tg_arch.h"

/*
 * "syscall; ret", which every libc has many of, and the body of __restore_rt:
 * "mov $15, %rax; syscall" as glibc, musl and Go write it, or with %eax.
 */
static const uint8_t syscall_ret[] = { 0x0f, 0x05, 0xc3 };
static const uint8_t restore_rax[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00,
				       0x00, 0x00, 0x0f, 0x05 };
static const uint8_t restore_eax[] = { 0xb8, 0x0f, 0x00, 0x00,
				       0x00, 0x0f, 0x05 };

static int64_t find(const uint8_t *text, size_t n, const uint8_t *what,
		    size_t len)
{
	const uint8_t *p = memmem(text, n, what, len);

	return p ? p - text : -1;
}

int64_t tg_arch_find_syscall_ret(const uint8_t *text, size_t n)
{
	return find(text, n, syscall_ret, sizeof(syscall_ret));
}

int64_t tg_arch_find_restore_rt(const uint8_t *text, size_t n)
{
	int64_t at = find(text, n, restore_rax, sizeof(restore_rax));

	return at >= 0 ? at : find(text, n, restore_eax, sizeof(restore_eax));
}

bool tg_arch_gadgets_valid(const uint8_t *s, const uint8_t *r)
{
	return !memcmp(s, syscall_ret, sizeof(syscall_ret)) &&
	       (!memcmp(r, restore_rax, sizeof(restore_rax)) ||
		!memcmp(r, restore_eax, sizeof(restore_eax)));
}
