// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tg_priv.h"
#include "unit.h"

/*
 * Seccomp filters, of which the kernel is the oracle: random programs are
 * installed in a child, which makes calls that do not exist, and the kernel's
 * answer is compared with ours.
 */
enum {
	FIRST = 4,		/* instructions that let real calls pass */
	BODY = 24,
	NO_CALL = 5000,		/* from here on there are no calls */
	CALLS = 20,
	PROGRAMS = 150,
};

static uint32_t seed = 12345;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Words of struct seccomp_data but for the instruction pointer's. */
static uint32_t word(void)
{
	uint32_t i = dice(14);

	return i < 2 ? i * 4 : 16 + (i - 2) * 4;
}

static struct sock_filter random_one(int left)
{
	static const uint16_t alu[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND,
					BPF_OR,	 BPF_XOR, BPF_LSH, BPF_RSH,
					BPF_NEG, BPF_DIV };
	static const uint16_t jmp[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint16_t src = dice(2) ? BPF_X : BPF_K;
	uint8_t jt = (uint8_t)dice((uint32_t)left);
	uint8_t jf = (uint8_t)dice((uint32_t)left);

	switch (dice(8)) {
	case 0: return (struct sock_filter){ BPF_LDX | BPF_IMM, 0, 0,
					     dice(40) };
	case 1: return (struct sock_filter){ BPF_ST, 0, 0, dice(16) };
	case 2: return (struct sock_filter){ BPF_LD | BPF_MEM, 0, 0, dice(16) };
	case 3: return (struct sock_filter){ BPF_MISC | (dice(2) ? BPF_TAX :
							 BPF_TXA), 0, 0, 0 };
	case 4: return (struct sock_filter){ BPF_JMP | jmp[dice(4)] | src, jt,
					     jf, dice(1000) };
	case 5:
	case 6: return (struct sock_filter){ BPF_ALU | alu[dice(10)] | src, 0,
					     0, 1 + dice(30) };
	default: return (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0,
					      word() };
	}
}

/* FIRST + BODY instructions, then: return an errno of what is in A. */
static size_t random_filter(struct sock_filter *v)
{
	size_t n = 0;

	v[n++] = (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 };
	v[n++] = (struct sock_filter){ BPF_JMP | BPF_JGE | BPF_K, 1, 0,
				       NO_CALL };
	v[n++] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0,
				       SECCOMP_RET_ALLOW };
	v[n++] = (struct sock_filter){ BPF_LDX | BPF_IMM, 0, 0, 7 };
	while (n < FIRST + BODY) {
		v[n] = random_one((int)(FIRST + BODY - n));
		n++;
	}
	v[n++] = (struct sock_filter){ BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff };
	v[n++] = (struct sock_filter){ BPF_ALU | BPF_OR | BPF_K, 0, 0,
				       SECCOMP_RET_ERRNO };
	v[n++] = (struct sock_filter){ BPF_RET | BPF_A, 0, 0, 0 };
	return n;
}

static struct seccomp_data random_call(void)
{
	struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64 };

	d.nr = (int)(NO_CALL + dice(1000));
	for (int i = 0; i < 6; i++)
		d.args[i] = (uint64_t)dice(2000) << (dice(2) ? 0 : 32);
	return d;
}

/* In a child: what the kernel says, compared. 2: it does not take it. */
static int compare(const struct sock_filter *v, size_t n)
{
	struct sock_fprog prog = { (unsigned short)n, (void *)v };
	int wrong = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 2;
	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data d = random_call();
		long got = syscall(d.nr, d.args[0], d.args[1], d.args[2],
				   d.args[3], d.args[4], d.args[5]);
		uint32_t ours = tg_filter_run(v, n, &d);

		// An errno of 0 is success.
		if (got == -1)
			got = errno;
		wrong += ours != (SECCOMP_RET_ERRNO | (uint32_t)got);
	}
	return wrong != 0;
}

static void filters_answer_as_the_kernels(void **state)
{
	int taken = 0;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		struct sock_filter v[FIRST + BODY + 3];
		size_t n = random_filter(v);
		int status;
		pid_t pid;

		seed = (uint32_t)i * 7919 + 1;
		n = random_filter(v);
		pid = fork();
		if (!pid)
			_exit(compare(v, n));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_not_equal(WEXITSTATUS(status), 1);
		taken += WEXITSTATUS(status) == 0;
	}
	// What reads memory that was not written is not taken.
	if (!taken)
		print_message("# this kernel takes no filter\n");
	else
		assert_true(taken > 10);
}

static void garbage_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct sock_filter v[32];
		struct seccomp_data d = random_call();

		for (size_t k = 0; k < HS_ARRAY_SIZE(v); k++)
			v[k] = (struct sock_filter){
				(uint16_t)dice(0x10000), (uint8_t)dice(256),
				(uint8_t)dice(256), dice(0xffffffff)
			};
		(void)tg_filter_run(v, dice(HS_ARRAY_SIZE(v) + 1), &d);
	}
	// Behind its end there is no permission.
	assert_int_equal(tg_filter_run(NULL, 0, NULL),
			 SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_answer_as_the_kernels),
		cmocka_unit_test(garbage_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
