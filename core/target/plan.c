// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A thread may be used when it stands on a real stack: the main thread's, or
 * a mapping of its own with an inaccessible page below. What is below the
 * stack pointer there is nobody's. It would not be so on a stack that a
 * program cut out of its heap (coroutines), where it may be the next object.
 */

/*
 * glibc's arenas look alike: a mapping behind inaccessible memory. They begin
 * at multiples of HEAP_MAX_SIZE (malloc/arena.c, glibc 2.36: 64 MiB), as do
 * Go's. A thread's stack nearly never does.
 */
enum { ARENA = 64 << 20 };

static bool is_stack(const struct tg_maps *maps, size_t i)
{
	const struct tg_map *m = &maps->v.v[i], *below;

	if (strcmp(m->prot, "rw-p") != 0)
		return false;
	if (!strcmp(tg_map_path(maps, m), "[stack]"))
		return true;
	if (m->inode || !i || m->start % ARENA == 0)
		return false;
	below = &maps->v.v[i - 1];
	return below->end == m->start && !strncmp(below->prot, "---", 3);
}

void tg_find_stacks(const struct tg_maps *maps, struct tg_plan *ret)
{
	for (size_t i = 0; i < maps->v.n; i++) {
		struct wr_tracer_range r = { maps->v.v[i].start,
					     maps->v.v[i].end };

		if (is_stack(maps, i) && ret->stacks.n < WR_TRACER_STACKS)
			hs_vec_push(&ret->stacks, r);
	}
}

struct hs_err *tg_pin(const struct tg_report *r, struct tg_plan *p)
{
	uint64_t start;

	p->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (p->pidfd < 0 && errno != ESRCH)
		return hs_err_os(errno, "attach to %d: open a pidfd", r->pid);
	if (p->pidfd < 0 || !tg_start_time(r->pid, &start) ||
	    start != r->start_time)
		return tg_gone(r->pid);
	return NULL;
}

struct hs_err *tg_plan_create(const struct tg_report *report,
			      struct tg_plan **ret)
{
	struct tg_plan *p = hs_xalloc(sizeof(*p));
	struct tg_maps maps = { 0 };
	struct hs_err *err;

	p->pid = report->pid;
	p->start_time = report->start_time;
	p->n_threads = report->n_threads;
	p->together = report->together;
	err = tg_pin(report, p);
	if (!err)
		err = tg_maps_read(p->pid, &maps);
	if (!err)
		err = tg_find_gadgets(p->pid, &maps, &p->gadgets);
	if (!err)
		tg_find_stacks(&maps, p);
	tg_maps_deinit(&maps);
	if (!err) {
		*ret = p;
		return NULL;
	}
	tg_plan_destroy(p);
	return tg_or_gone(err, report->pid, report->start_time);
}

void tg_plan_destroy(struct tg_plan *plan)
{
	if (!plan)
		return;
	hs_close_p(&plan->pidfd);
	hs_vec_deinit(&plan->stacks);
	free(plan);
}
