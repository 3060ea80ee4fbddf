// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/wait.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "tg_proc.h"

/*
 * A process that filters its system calls may be ended by one that it does not
 * know. Its filters are asked here, before a call is made: they are programs
 * of a small machine (Linux, Documentation/networking/filter.rst), and their
 * answer depends on nothing but the call. To set them aside instead
 * (PTRACE_O_SUSPEND_SECCOMP) would not do: should we die in the middle, they
 * would be back before the thread's own registers are. On clones it does.
 */
enum {
	FILTERS_MAX = 64,	/* one above the other; Chromium has 2 or 3 */
};

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t v = 0;

	if (at <= sizeof(*d) - sizeof(v))
		memcpy(&v, (const char *)d + at, sizeof(v));
	return v;
}

/* One filter's machine. */
struct machine {
	uint32_t a, x, mem[BPF_MEMWORDS];
};

static void operate(struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_ADD: m->a += v; break;
	case BPF_SUB: m->a -= v; break;
	case BPF_MUL: m->a *= v; break;
	case BPF_DIV: m->a = v ? m->a / v : 0; break;
	case BPF_AND: m->a &= v; break;
	case BPF_OR: m->a |= v; break;
	case BPF_XOR: m->a ^= v; break;
	case BPF_LSH: m->a = v < 32 ? m->a << v : 0; break;
	case BPF_RSH: m->a = v < 32 ? m->a >> v : 0; break;
	case BPF_NEG: m->a = -m->a; break;
	default: break;		// the kernel has let no other in
	}
}

static uint32_t branch(const struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_JA: return f->k;
	case BPF_JEQ: return m->a == v ? f->jt : f->jf;
	case BPF_JGT: return m->a > v ? f->jt : f->jf;
	case BPF_JGE: return m->a >= v ? f->jt : f->jf;
	case BPF_JSET: return m->a & v ? f->jt : f->jf;
	default: return 0;
	}
}

static uint32_t fetch(const struct machine *m, const struct sock_filter *f,
		      const struct seccomp_data *d)
{
	switch (BPF_MODE(f->code)) {
	case BPF_ABS: return load(d, f->k);
	case BPF_MEM: return m->mem[f->k % BPF_MEMWORDS];
	case BPF_LEN: return sizeof(*d);
	default: return f->k;
	}
}

uint32_t tg_filter_run(const struct sock_filter *v, size_t n,
		       const struct seccomp_data *d)
{
	struct machine m = { 0 };

	// Jumps go forward only, so that it ends.
	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *f = &v[pc];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD: m.a = fetch(&m, f, d); break;
		case BPF_LDX: m.x = fetch(&m, f, d); break;
		case BPF_ST: m.mem[f->k % BPF_MEMWORDS] = m.a; break;
		case BPF_STX: m.mem[f->k % BPF_MEMWORDS] = m.x; break;
		case BPF_ALU: operate(&m, f); break;
		case BPF_JMP: pc += branch(&m, f); break;
		case BPF_RET:
			return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		case BPF_MISC:
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* The calls that a hijacked thread, or its orphaned child, may make. */
static bool permits(const struct sock_filter *v, size_t n,
		    const struct tg_gadgets *g, uint64_t sp)
{
	const struct seccomp_data calls[] = {
		{ .nr = SYS_clone, .args = { 0, sp } },
		{ .nr = SYS_wait4, .args = { 1, 0, WNOHANG | __WALL } },
		{ .nr = SYS_rt_sigreturn },
		{ .nr = SYS_exit_group },
	};

	for (size_t i = 0; i < HS_ARRAY_SIZE(calls); i++) {
		struct seccomp_data d = calls[i];
		uint32_t action;

		d.arch = AUDIT_ARCH_X86_64;
		d.instruction_pointer = g->syscall_ret + 2;
		action = tg_filter_run(v, n, &d) & SECCOMP_RET_ACTION_FULL;
		if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG)
			return false;
	}
	return true;
}

/* 0: none; 2: filters. */
static uint64_t mode_of(pid_t pid, pid_t tid)
{
	HS_TEXT t = { 0 };
	char name[40];

	snprintf(name, sizeof(name), "task/%d/status", tid);
	if (!tg_read_proc(pid, name, &t))
		return 2;
	return tg_field_u64(hs_text_str(&t), "Seccomp");
}

static struct hs_err *refused(pid_t tid)
{
	return hs_err_new(HS_ERR_REFUSED, "use thread %d: it filters system "
			  "calls (seccomp), and its filter does not permit "
			  "ours, or is not shown to us", tid);
}

/* Filter i of a thread; its length, or -errno. */
static long get_filter(pid_t tid, unsigned int i, struct sock_filter *ret)
{
	long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, ret);

	return n < 0 ? -errno : n;
}

struct hs_err *tg_filter_check(pid_t pid, pid_t tid, const struct tg_gadgets *g,
			       uint64_t sp)
{
	HS_FREE struct sock_filter *v = NULL;

	for (unsigned int i = 0; i < FILTERS_MAX; i++) {
		long n = get_filter(tid, i, NULL);

		if (n == -ENOENT)
			return NULL;	// that was all
		if (n < 0)		// not for us, or there is none
			return mode_of(pid, tid) ? refused(tid) : NULL;
		if (!v)
			v = hs_xcalloc(BPF_MAXINSNS, sizeof(*v));
		if (n > BPF_MAXINSNS || get_filter(tid, i, v) != n ||
		    !permits(v, (size_t)n, g, sp))
			return refused(tid);
	}
	return refused(tid);
}
