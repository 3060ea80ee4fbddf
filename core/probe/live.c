// SPDX-License-Identifier: Apache-2.0
#include "pb_priv.h"

/*
 * A call in the running program. serve() is called by the program itself, at a
 * safe point of its runtime, and with the number of a request. Who has asked
 * may have died since, the process may be a child of the one that was asked,
 * and what the call is about may be gone: then nothing is done. A number that
 * is not the box's, or was served before, is nothing at all: so an entry that
 * somebody has left in the runtime's queue does no harm.
 */
enum {
	/* x86-64: asm/unistd_64.h */
	SYS_GETPID = 39,
	SYS_CLOCK_GETTIME = 228,
	SYS_PROCESS_VM_READV = 310,
	REALTIME = 0, /* uapi/linux/time.h: CLOCK_REALTIME */
};

static struct {
	union {
		struct wr_probe_box box;
		uint8_t bytes[WR_PROBE_BOX_BYTES];
	};
} memory __attribute__((__aligned__(64)));

_Static_assert(WR_PROBE_BOX_DATA >= 32768, "room for arguments and texts");

static int serve(uint64_t number);

/** What heapsh reads in the program: the one name that is exported. */
struct wr_probe_state heapsh_probe_0
	__attribute__((__visibility__("default"))) = {
		.magic = WR_PROBE_MAGIC,
		.version = WR_PROBE_VERSION,
		.box_bytes = WR_PROBE_BOX_BYTES,
		.box = (uint64_t)&memory,
		.serve = (uint64_t)serve,
	};

static long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* --- is it still to be done? --------------------------------------------- */

/* Within the lease: a clock that was set, forth or back, ends it, too. */
static int is_late(const struct wr_probe_box *b)
{
	const uint64_t lease = UINT64_C(1000000) * WR_PROBE_LEASE_MS;
	struct {
		int64_t s, ns;
	} now = { 0 };
	uint64_t left;

	if (b->until_ns == UINT64_MAX)
		return 0;
	if (call6(SYS_CLOCK_GETTIME, REALTIME, (long)&now, 0, 0, 0, 0))
		return 1;
	left = b->until_ns - ((uint64_t)now.s * 1000000000 + (uint64_t)now.ns);
	return left > lease;
}

static int is_child(const struct wr_probe_box *b)
{
	return b->pid &&
	       (uint64_t)call6(SYS_GETPID, 0, 0, 0, 0, 0, 0) != b->pid;
}

/* By way of the kernel: what it guards may be unmapped. */
static int holds(const struct wr_probe_guard *g)
{
	uint64_t v = 0, n = g->bytes == 4 ? 4 : 8;
	struct {
		uint64_t at, n;
	} to = { (uint64_t)&v, n };
	struct {
		uint64_t at, n;
	} from = { g->addr, n };
	long pid = call6(SYS_GETPID, 0, 0, 0, 0, 0, 0);
	long done = call6(SYS_PROCESS_VM_READV, pid, (long)&to, 1, (long)&from,
			  1, 0);

	return done == (long)n && v >= g->least && v <= g->most;
}

static int drop(struct wr_probe_box *b, uint64_t why)
{
	b->why = why;
	__atomic_store_n(&b->state, WR_PROBE_BOX_DROPPED, __ATOMIC_RELEASE);
	return 0;
}

static int may_go(struct wr_probe_box *b)
{
	if (is_child(b))
		return drop(b, WR_PROBE_DROPPED_CHILD);
	if (is_late(b))
		return drop(b, WR_PROBE_DROPPED_LATE);
	for (uint32_t i = 0; i < b->n_guards && i < WR_PROBE_GUARDS; i++) {
		if (!holds(&b->guards[i]))
			return drop(b, WR_PROBE_DROPPED_GUARD + i);
	}
	return 1;
}

/* --- steps --------------------------------------------------------------- */

typedef uint64_t step_fn(uint64_t, uint64_t, uint64_t, uint64_t);
typedef void release_fn(uint64_t);

/* As much of it as there is room for, and where it is now. */
static void keep_text(struct wr_probe_box *b, struct wr_probe_step *s,
		      uint64_t length)
{
	const char *from = (const char *)s->result;
	char *to = (char *)b->data + b->used;
	uint64_t room = b->used < WR_PROBE_BOX_DATA
				? WR_PROBE_BOX_DATA - b->used
				: 0,
		 n = 0;

	while (n < length && n < room &&
	       (from[n] || s->flags & WR_PROBE_STEP_TEXT)) {
		to[n] = from[n];
		n++;
	}
	s->result = (uint64_t)to;
	s->length = (uint32_t)n;
	b->used += (uint32_t)n;
}

/* Has it failed? */
static int run_step(struct wr_probe_box *b, struct wr_probe_step *s)
{
	uint64_t a[WR_PROBE_STEP_ARGS];

	for (int i = 0; i < WR_PROBE_STEP_ARGS; i++)
		a[i] = s->from[i] && s->args[i] < WR_PROBE_STEPS
			       ? b->steps[s->args[i]].result
			       : s->args[i];
	s->has_run = 1;
	if (s->flags & WR_PROBE_STEP_TAKES && s->from[2] &&
	    s->args[2] < WR_PROBE_STEPS)
		b->steps[s->args[2]].flags &= ~(uint32_t)WR_PROBE_STEP_OWNS;
	s->result = s->function
			    ? ((step_fn *)s->function)(a[0], a[1], a[2], a[3])
			    : *(uint64_t *)(a[0] + a[1]);
	if ((s->flags & WR_PROBE_STEP_NOT_ZERO && !s->result) ||
	    (s->flags & WR_PROBE_STEP_NOT_MINUS && (int32_t)s->result < 0))
		return 1;
	if (s->flags & WR_PROBE_STEP_TEXT && s->result)
		keep_text(b, s, *(uint64_t *)a[1]);
	else if (s->flags & WR_PROBE_STEP_CSTR && s->result)
		keep_text(b, s, UINT64_MAX);
	return 0;
}

static void run_steps(struct wr_probe_box *b, uint32_t n)
{
	int failed_again = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct wr_probe_step *s = &b->steps[i];
		uint32_t on_error = s->flags & WR_PROBE_STEP_ON_ERROR;

		if (!(s->flags & WR_PROBE_STEP_ALWAYS) &&
		    (on_error ? !b->failed || failed_again : b->failed))
			continue;
		if (!run_step(b, s))
			continue;
		if (on_error)
			failed_again = 1;
		else if (!b->failed)
			b->failed = i + 1;
	}
	for (uint32_t i = n; i-- > 0;) {
		struct wr_probe_step *s = &b->steps[i];

		if (s->has_run && s->flags & WR_PROBE_STEP_OWNS && s->result)
			((release_fn *)b->release)(s->result);
	}
}

/* --- the call ------------------------------------------------------------ */

/* Always 0: to the runtime, that nothing has gone wrong. */
static int serve(uint64_t number)
{
	struct wr_probe_box *b = &memory.box;
	uint64_t waits = WR_PROBE_BOX_WAITS;
	uint32_t n = b->n_steps < WR_PROBE_STEPS ? b->n_steps : WR_PROBE_STEPS;

	if (b->number != number ||
	    !__atomic_compare_exchange_n(&b->state, &waits,
					 (uint64_t)WR_PROBE_BOX_RUNS, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return 0;
	if (!may_go(b))
		return 0;
	if (n)
		run_steps(b, n);
	b->answer = n ? (uint64_t)WR_PROBE_DONE : pb_run(&b->q);
	__atomic_store_n(&b->state, WR_PROBE_BOX_SERVED, __ATOMIC_RELEASE);
	return 0;
}
