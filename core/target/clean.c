// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <signal.h>
#include <unistd.h>

/* Zombies that an earlier heapsh, which was killed, has left in a process. */
enum {
	CLEAN_MS = 30000,
	AT_ONCE = 64,	/* for so many one thread stands still */
};

static struct hs_err *ask(struct tg_client *c, const struct tg_plan *plan,
			  const struct wr_tracer_range *zombies, size_t n)
{
	struct wr_tracer_clean m = {
		.pid = plan->pid,
		.n_stacks = (uint32_t)plan->stacks.n,
		.n_zombies = (uint32_t)n,
		.syscall_ret = plan->gadgets.syscall_ret,
		.restore_rt = plan->gadgets.restore_rt,
	};
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_CLEAN, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	tg_packet_add_fd(&q, dup(plan->pidfd));
	err = tg_add_ranges(&q, plan->stacks.v, plan->stacks.n);
	if (!err)
		err = tg_add_ranges(&q, zombies, n);
	return err ? err : tg_client_ask(c, &q, CLEAN_MS, &a);
}

static size_t left_now(int pid)
{
	HS_FREE struct tg_leftover *v = NULL;

	return tg_leftovers(pid, &v);
}

/* Some of them. */
static struct hs_err *clean_some(struct tg_client *c,
				 const struct tg_plan *plan)
{
	struct wr_tracer_range z[AT_ONCE] = { { 0 } };
	HS_FREE struct tg_leftover *v = NULL;
	size_t n = tg_leftovers(plan->pid, &v);

	n = n < AT_ONCE ? n : AT_ONCE;
	for (size_t i = 0; i < n; i++) {
		// Nobody holds it any more: it is a second of its program.
		if (v[i].running)
			(void)kill(v[i].pid, SIGKILL);
		z[i] = (struct wr_tracer_range){ (uint64_t)v[i].pid,
						 (uint64_t)v[i].running };
	}
	return n ? ask(c, plan, z, n) : NULL;
}

struct hs_err *tg_clean(struct tg_client *c, int pid, size_t *ret)
{
	size_t n = left_now(pid), left = n, before = n + 1;
	struct tg_plan *plan = NULL;
	struct tg_report report;
	struct hs_err *err = tg_check(c, pid, NULL, &report);

	if (!err)
		err = tg_plan_create(&report, &plan);
	while (!err && left && left < before) {
		before = left;
		err = clean_some(c, plan);
		left = left_now(pid);
	}
	tg_plan_destroy(plan);
	if (!err)
		*ret = n > left ? n - left : 0;
	return err;
}
