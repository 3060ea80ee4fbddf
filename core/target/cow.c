// SPDX-License-Identifier: Apache-2.0
// What a held instant costs the target: each page that it writes is copied.
#include "target.h"
#include "tg_proc.h"

/*
 * An anonymous page that nobody wrote since is mapped by the target, by S and,
 * where there is one, by E; one that the target wrote, by the copies alone. So
 * S's share of it (Pss: Linux, Documentation/filesystems/proc.rst) grows from
 * 1/3 to 1/2, or from 1/2 to 1. Where others map it too, a server's forked
 * workers, it is less from the start and grows by less: then only what is seen
 * to grow is counted.
 */
struct sharing {
	uint64_t at_first;	/* 1 / share of a page that is shared */
	uint64_t growth;	/* 1 / growth of it when it is copied */
};
static const struct sharing with_e = { 3, 6 }, without_e = { 2, 2 };

uint64_t tg_copied(struct tg_instant *in)
{
	const struct sharing *s = in->eval_pid ? &with_e : &without_e;
	uint64_t share, alone;
	HS_TEXT t = { 0 };

	if (!tg_read_proc(in->snap_pid, "smaps_rollup", &t))
		return 0;
	// Pss_Anon is of Linux 5.3. Pss counts libraries, which come and go.
	if (!tg_field(t.s, "Pss_Anon"))
		return 0;
	share = tg_field_u64(t.s, "Pss_Anon") * 1024;
	alone = tg_field_u64(t.s, "Anonymous") * 1024 / s->at_first;
	if (!in->pss_first)
		in->pss_first = share;
	// The less was the target's alone at first: the more was copied.
	if (alone > in->pss_first)
		alone = in->pss_first;
	return share > alone ? (share - alone) * s->growth : 0;
}
