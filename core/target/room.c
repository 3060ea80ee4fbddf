// SPDX-License-Identifier: Apache-2.0
#include "tg_check.h"

/*
 * What an instant costs, before it is taken: how long the process stands
 * still, and whose memory it needs.
 */
enum {
	SPARE_BYTES = 4 << 20,	/* kernel stacks and the like */
	/*
	 * S, E, one that runs code and the next one; and as many that the
	 * program may want to start meanwhile.
	 */
	SPARE_PIDS = 8,
};

/*
 * Milliseconds: 30 per GB of small pages, 2 per GB of huge ones, 0.07 per
 * thread. Measured on Linux 6.18 with 1 to 10 GB (16-28 per GB, at most 48;
 * 1001 threads 73 ms).
 */
static uint64_t clone_pause_ns(const struct tg_report *r)
{
	uint64_t huge = r->huge_bytes < r->rss_bytes ? r->huge_bytes :
						       r->rss_bytes;

	// 30 ms per GiB are 28.6 ns per KiB.
	return (r->rss_bytes - huge) / TG_KB * 28 + huge / TG_KB * 2 +
	       UINT64_C(70000) * r->n_threads + 500000;
}

/* Only when it matters: it makes the kernel walk all of the page tables. */
static void read_huge_pages(const struct tg_asking *k)
{
	HS_TEXT t = { 0 };

	if (tg_read_proc(k->pid, "smaps_rollup", &t))
		k->r->huge_bytes =
			tg_field_u64(hs_text_str(&t), "AnonHugePages") * TG_KB;
}

/*
 * A copy is made at memory's own speed: 1.1 to 2.2 GB/s into memory that has
 * been touched before (Linux 6.18, two shared cores). 900 ms per GiB.
 */
static uint64_t copy_pause_ns(const struct tg_report *r)
{
	return r->rss_bytes / TG_KB * 858 + UINT64_C(70000) * r->n_threads +
	       500000;
}

void tg_estimate(const struct tg_asking *k)
{
	struct tg_report *r = k->r;

	r->pause_ns = clone_pause_ns(r);
	if (r->pause_ns > k->o.max_pause_ns / 4 && !r->huge_bytes) {
		read_huge_pages(k);
		r->pause_ns = clone_pause_ns(r);
	}
	r->copy_pause_ns = copy_pause_ns(r);
	r->needed_bytes = 2 * r->table_bytes +
			  r->rss_bytes / 100 * k->o.cow_percent + SPARE_BYTES;
}

struct hs_err *tg_check_pause(const struct tg_asking *k)
{
	uint64_t max = k->o.max_pause_ns;
	uint64_t pause = k->o.rung == TG_COPY ? k->r->copy_pause_ns :
						k->r->pause_ns;
	HS_TEXT why = { 0 };

	if (pause <= max)
		return NULL;
	hs_text_add(&why, "it would stand still for about ");
	hs_text_duration(&why, pause);
	hs_text_add(&why, ", and the limit is ");
	hs_text_duration(&why, max);
	return tg_refuse(k, hs_text_str(&why));
}

struct hs_err *tg_check_overcommit(const struct tg_asking *k)
{
	HS_TEXT mode = { 0 };
	HS_TEXT info = { 0 };
	const char *s = hs_text_str(&k->status), *m;
	uint64_t need = tg_field_u64(s, "VmData") + tg_field_u64(s, "VmStk");
	uint64_t limit, used;

	if (!tg_read_file("/proc/sys/vm/overcommit_memory", &mode) ||
	    hs_text_str(&mode)[0] != '2' ||
	    !tg_read_file("/proc/meminfo", &info))
		return NULL;
	m = hs_text_str(&info);
	limit = tg_field_u64(m, "CommitLimit");
	used = tg_field_u64(m, "Committed_AS");
	if (used < limit && limit - used > need)
		return NULL;
	return tg_refuse(k, "vm.overcommit_memory is 2, and a second process "
			 "of its size would go over the limit");
}

struct hs_err *tg_check_pids(const struct tg_asking *k)
{
	struct tg_headroom left;

	tg_headroom_read(k->pid, &left);
	if (left.pids.amount >= SPARE_PIDS)
		return NULL;
	return tg_refuse(k, "its cgroup has no room for another process "
			 "(pids.max)");
}

struct hs_err *tg_check_memory(const struct tg_asking *k)
{
	struct tg_report *r = k->r;
	struct tg_headroom left;
	HS_TEXT why = { 0 };

	tg_headroom_read(k->pid, &left);
	r->left_bytes = left.memory.amount;
	r->together = left.memory.together;
	// A clone that is ended, as the first to go, would be all of it: there
	// must be room for a second of each page.
	if (r->together)
		r->needed_bytes += r->rss_bytes;
	if (left.memory.amount >= r->needed_bytes)
		return NULL;
	hs_text_add(&why, "its cgroup has ");
	hs_text_size(&why, left.memory.amount);
	hs_text_add(&why, " of memory left, and a copy may come to need ");
	hs_text_size(&why, r->needed_bytes);
	if (r->together)
		hs_text_add(&why, " (if there were none left, its whole group "
			    "would be ended: memory.oom.group)");
	return tg_refuse(k, hs_text_str(&why));
}

/* A copy of our own has to fit where we are. */
struct hs_err *tg_check_ours(const struct tg_asking *k)
{
	uint64_t need = tg_copy_bytes(k->r), have = k->o.copy_bytes;
	HS_TEXT why = { 0 };

	if (need <= have)
		return NULL;
	hs_text_add(&why, "a copy of its memory takes ");
	hs_text_size(&why, need);
	hs_text_add(&why, ", and heapsh may use ");
	hs_text_size(&why, have);
	return tg_refuse(k, hs_text_str(&why));
}
