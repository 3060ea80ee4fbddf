// SPDX-License-Identifier: Apache-2.0
// What a held instant costs the target: each page that it writes is copied.
#include "tg_client.h"

#include <unistd.h>

/*
 * An anonymous page that nobody wrote since is mapped by the target, by S and,
 * where there is one, by E; one that the target wrote, by the copies alone. So
 * S's share of it (Pss: Linux, Documentation/filesystems/proc.rst) grows from
 * 1/3 to 1/2, or from 1/2 to 1. Where others map it too, a server's forked
 * workers, copies that run code, other instants, it is less from the start and
 * grows by less: then only what is seen to grow is counted.
 *
 * The share also grows when one of those others ends. Of our own copies we
 * know, and count anew from what the share is then. Whoever else ends, the
 * program has not copied more pages than it had faults.
 */
struct sharing {
	uint64_t at_first;	/* 1 / share of a page that is shared */
	uint64_t growth;	/* 1 / growth of it when it is copied */
};
static const struct sharing with_e = { 3, 6 }, without_e = { 2, 2 };

static uint64_t most(const struct tg_instant *in)
{
	uint64_t now;

	if (!tg_stat_field(in->pid, TG_STAT_MINFLT, &now))
		return 0;	// it has ended: nothing costs it anything
	if (now < in->faults_first)
		return 0;
	return (now - in->faults_first) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t tg_copied(struct tg_client *c, struct tg_instant *in)
{
	const struct sharing *s = in->eval_pid ? &with_e : &without_e;
	uint64_t share, alone, limit = most(in);
	HS_TEXT t = { 0 };

	if (!limit || !tg_read_proc(in->snap_pid, "smaps_rollup", &t))
		return 0;
	// Pss_Anon is of Linux 5.3. Pss counts libraries, which come and go.
	if (!tg_field(t.s, "Pss_Anon"))
		return 0;
	share = tg_field_u64(t.s, "Pss_Anon") * 1024;
	alone = tg_field_u64(t.s, "Anonymous") * 1024 / s->at_first;
	if (!in->share_first) {
		// What it was at the stop: the more has been copied since.
		in->share_first = alone < share ? alone : share;
		in->clones = tg_client_clones(c);
	} else if (in->clones != tg_client_clones(c)) {
		in->share_first = share;
		in->copied_before = in->copied;
		in->clones = tg_client_clones(c);
	}
	in->copied = in->copied_before;
	if (share > in->share_first)
		in->copied += (share - in->share_first) * s->growth;
	if (in->copied > limit)
		in->copied = limit;
	return in->copied;
}
