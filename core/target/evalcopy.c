// SPDX-License-Identifier: Apache-2.0
#include "tg_evaluator.h"

/* A copy that functions are called in: where what is ours lies in it. */
enum {
	ROOM_MIB = 1024, /* it may allocate at most */
	PAGE = 4096,
	ROOM = 64 << 10, /* that a thread must have left on its stack */
	MAIN_BYTES = 4 << 20, /* of a main thread's stack may be used */
	STACK_BYTES = 8 << 20, /* of ours: as a main thread mostly has */
	GUARD = 1 << 20, /* below it nothing is mapped */
	SP_GAP = 4096, /* above where it begins */
};

/* The middle of the largest gap: away from what grows. */
static void find_place(struct tg_eval *e, const struct tg_maps *maps)
{
	uint64_t end = UINT64_C(1) << 16, best = 0, at = 0;

	for (size_t i = 0; i < maps->v.n; i++) {
		const struct tg_map *m = &maps->v.v[i];

		if (m->start >> 47)
			break;
		if (m->start > end && m->start - end > best) {
			best = m->start - end;
			at = end + best / 2;
		}
		end = m->end;
	}
	e->area = hs_align_up(at, PAGE);
	e->blob = e->area + TG_EVAL_DATA + TG_EVAL_SCRATCH + PAGE;
	e->stack = hs_align_up(e->blob + tg_blob_size(), PAGE) + GUARD;
}

/* It grows by itself. */
static bool is_main_stack(const struct tg_maps *maps, uint64_t sp)
{
	for (size_t i = 0; i < maps->v.n; i++) {
		const struct tg_map *m = &maps->v.v[i];

		if (sp >= m->start && sp < m->end)
			return !strcmp(tg_map_path(maps, m), "[stack]") &&
			       m->end - sp < MAIN_BYTES;
	}
	return false;
}

/*
 * Does the thread stand where the functions that are called have room? On its
 * own stack they are best: what looks for pointers there finds them. But a
 * handler may have a stack of its own in the middle of other data, and so may
 * a coroutine; a stack may be small, and all but used up.
 */
static bool has_room(const struct tg_eval *e, const struct tg_maps *maps)
{
	uint64_t sp = e->in->threads[e->thread].regs.rsp;
	struct tg_plan plan = { 0 };
	bool found = is_main_stack(maps, sp);

	tg_find_stacks(maps, &plan);
	for (size_t i = 0; !found && i < plan.stacks.n; i++) {
		const struct wr_tracer_range *r = &plan.stacks.v[i];

		found = sp < r->end && sp >= r->start + ROOM;
	}
	hs_vec_deinit(&plan.stacks);
	return found;
}

static void find_stack(struct tg_eval *e, const struct tg_maps *maps)
{
	e->sp = has_room(e, maps) ? 0 : e->stack + STACK_BYTES - SP_GAP;
}

/** What travels with a request for a copy. */
struct lists {
	int fd;
	uint64_t offset;
};

static struct hs_err *add(struct lists *l, const void *v, uint64_t size)
{
	struct hs_err *err = tg_memfd_write(l->fd, l->offset, v, size);

	l->offset += size;
	return err;
}

static struct hs_err *add_maps(struct tg_eval *e, struct lists *l,
			       uint32_t *ret_n)
{
	const struct wr_tracer_map own[] = {
		{ .addr = e->area,
		  .len = TG_EVAL_DATA + TG_EVAL_SCRATCH,
		  .prot = 3 },
		{ .addr = e->stack, .len = STACK_BYTES, .prot = 3 },
	};
	uint32_t n_own = e->sp ? 2 : 1;
	struct tg_blob b;
	struct hs_err *err;

	tg_blob_create(e->blob, &b);
	e->entry = b.entry;
	err = add(l, b.maps, b.n_maps * sizeof(b.maps[0]));
	if (!err)
		err = add(l, own, n_own * sizeof(own[0]));
	for (uint32_t i = 0; !err && i < b.n_maps; i++)
		err = add(l, b.bytes + (b.maps[i].addr - e->blob),
			  b.maps[i].bytes);
	free(b.bytes);
	*ret_n = b.n_maps + n_own;
	return err;
}

/* Of what its cgroup has left, half: the other is the program's. */
static uint32_t room_mib(const struct tg_instant *in)
{
	struct tg_headroom left;
	uint64_t half;

	tg_headroom_read(in->pid, &left);
	half = left.memory.amount / 2 >> 20;
	return half < ROOM_MIB ? (uint32_t)half : ROOM_MIB;
}

struct hs_err *tg_eval_copy_request(struct tg_eval *e, struct tg_packet *q)
{
	struct wr_tracer_guest m = {
		.id = e->in->id,
		.thread = e->thread,
		.n_writes = (uint32_t)e->n_writes,
		.room_mib = room_mib(e->in),
	};
	struct tg_maps maps = { 0 };
	struct lists l = { 0 };
	struct hs_err *err = tg_memfd_create(&l.fd);

	if (err)
		return err;
	tg_packet_init(q, WR_TRACER_GUEST, sizeof(m), 0);
	tg_packet_add_fd(q, l.fd);
	err = tg_maps_read(e->in->image_pid, &maps);
	if (!err && !e->area)
		find_place(e, &maps);
	if (!err)
		find_stack(e, &maps);
	if (!err)
		err = add(&l, e->writes, e->n_writes * sizeof(*e->writes));
	if (!err)
		err = tg_add_shared(&maps, l.fd, &l.offset, &m.n_shared,
				    &m.n_closed);
	tg_maps_deinit(&maps);
	if (!err)
		err = add_maps(e, &l, &m.n_maps);
	m.head = q->head;
	memcpy(q->bytes, &m, sizeof(m));
	return err;
}
