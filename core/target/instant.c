// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/*
 * An instant as the engine has it: what the tracer answered, taken apart. The
 * tracer is ours and is believed in what it says, but lengths are checked: a
 * half-written answer must not end the engine.
 */
enum {
	STOP_MS = 60,		/* for all threads to stop; then undo */
	STOP_THREADS = 5,	/* that cost another millisecond */
	STOP_MS_MAX = 5000,
	TRIES = 4,		/* each with twice the time */
	MISSES = 16,		/* threads stood at signals each time */
	MISS_US = 1000,
	FREEZE_MS = 90000,	/* terabytes */
	SETTLE_MS = 90000,
	RELEASE_MS = 90000,
	LIMIT_MS = 60,		/* 62 ms was the longest run seen */
	MAX_THREADS = 4 << 20,	/* PID_MAX_LIMIT, Linux */
};

void tg_instant_free(struct tg_instant *in)
{
	if (!in)
		return;
	hs_close_p(&in->mem_fd);
	tg_mirror_free(in->mirror);
	free(in->threads);
	free(in->bytes);
	free(in);
}

static void take_thread(const struct wr_tracer_thread *w, int pid,
			const uint8_t *bytes, uint64_t size,
			struct tg_thread *t)
{
	struct tg_call in;
	HS_TEXT comm = { 0 };
	char name[40];

	memcpy(&t->regs, w->regs, sizeof(t->regs));
	tg_arch_blocked_in(&t->regs, &in);
	t->tid = w->tid;
	t->syscall = in.nr;
	memcpy(t->args, in.args, sizeof(t->args));
	t->fs_base = t->regs.fs_base;
	t->sigmask = w->sigmask;
	t->signal = (int)w->signal;
	if (w->xstate_size && w->xstate_offset <= size &&
	    size - w->xstate_offset >= w->xstate_size) {
		t->xstate = bytes + w->xstate_offset;
		t->xstate_size = w->xstate_size;
	}
	snprintf(name, sizeof(name), "task/%d/comm", t->tid);
	if (tg_read_proc(pid, name, &comm) && comm.len > 1)
		snprintf(t->comm, sizeof(t->comm), "%.*s", (int)comm.len - 1,
			 comm.s);
}

struct hs_err *tg_take_threads(struct tg_instant *in, int fd)
{
	const struct wr_tracer_thread *w;
	off_t size = lseek(fd, 0, SEEK_END);
	struct hs_err *err;

	if (size < 0 || in->n_threads > MAX_THREADS ||
	    (uint64_t)size < in->n_threads * sizeof(*w))
		return hs_err_new(HS_ERR_FORMAT, "read threads: wrong size");
	in->bytes = hs_xalloc((size_t)size + 1);
	err = tg_memfd_read(fd, 0, in->bytes, (size_t)size);
	if (err)
		return err;
	in->threads = hs_xcalloc(in->n_threads + 1, sizeof(*in->threads));
	w = in->bytes;
	for (uint32_t i = 0; i < in->n_threads; i++)
		take_thread(&w[i], in->pid, in->bytes, (uint64_t)size,
			    &in->threads[i]);
	return NULL;
}

static struct hs_err *take_instant(struct tg_packet *a,
				   struct tg_instant **ret)
{
	struct tg_instant *in = hs_xalloc(sizeof(*in));
	HS_CLOSE int threads_fd = tg_packet_take_fd(a, 1);
	struct wr_tracer_frozen r;
	struct hs_err *err;

	memcpy(&r, a->bytes, sizeof(r));
	*in = (struct tg_instant){
		.id = r.id,
		.pid = r.pid,
		.snap_pid = r.snap_pid,
		.eval_pid = r.eval_pid,
		.image_pid = r.eval_pid ? r.eval_pid : r.snap_pid,
		.mem_fd = tg_packet_take_fd(a, 0),
		.taken_ns = r.taken_ns,
		.pause_ns = r.pause_ns,
		.clone_ns = r.clone_ns,
		.settle_ns = r.settle_ns,
		.state = (enum wr_tracer_settle_state)r.settle_state,
		.settled_thread = r.settled_thread,
		.n_threads = r.n_threads,
	};
	tg_stat_field(in->pid, TG_STAT_MINFLT, &in->faults_first);
	err = tg_take_threads(in, threads_fd);
	if (err)
		tg_instant_free(in);
	else
		*ret = in;
	return err;
}

static struct hs_err *freeze_once(struct tg_client *c,
				  const struct tg_plan *plan, uint32_t stop_ms,
				  struct tg_instant **ret)
{
	struct wr_tracer_freeze m = {
		.pid = plan->pid,
		.n_stacks = (uint32_t)plan->stacks.n,
		.syscall_ret = plan->gadgets.syscall_ret,
		.restore_rt = plan->gadgets.restore_rt,
		.flags = plan->together ? WR_TRACER_TOGETHER : 0,
		.stop_ms = stop_ms < STOP_MS_MAX ? stop_ms : STOP_MS_MAX,
	};
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;
	int fd;

	tg_packet_init(&q, WR_TRACER_FREEZE, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	fd = dup(plan->pidfd);
	tg_packet_add_fd(&q, fd);
	err = tg_add_ranges(&q, plan->stacks.v, plan->stacks.n);
	if (!err)
		err = tg_client_ask(c, &q, FREEZE_MS, &a);
	return err ? err : take_instant(&a, ret);
}

static bool is_late(const struct hs_err *err)
{
	return err->code == HS_ERR_TIMEOUT;
}

/* No thread stood where it can be used, just then (freeze.c). */
static bool is_missed(const struct hs_err *err)
{
	return err->code == HS_ERR_REFUSED && err->errnum == EAGAIN;
}

/*
 * A thread that waits for the disk, for memory or for its share of the
 * processor is free again a moment later: it is worth another try, after the
 * target has run for a while. The first is short, since until it is given up
 * the other threads stand still.
 */
struct hs_err *tg_freeze(struct tg_client *c, const struct tg_plan *plan,
			 struct tg_instant **ret)
{
	uint32_t stop_ms = STOP_MS + plan->n_threads / STOP_THREADS;
	int late = 0, missed = 0;

	for (;;) {
		struct hs_err *err = freeze_once(c, plan, stop_ms << late, ret);
		bool again = err && ((is_late(err) && late + 1 < TRIES) ||
				     (is_missed(err) && missed + 1 < MISSES));

		if (!again)
			return tg_or_gone(err, plan->pid, plan->start_time);
		usleep(is_late(err) ? 100000u << late++ :
				      MISS_US * (unsigned int)++missed);
		hs_err_free(err);
	}
}

struct hs_err *tg_adopt(struct tg_client *c, uint64_t id,
			struct tg_instant **ret)
{
	struct wr_tracer_release m = { .id = id };
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_GET, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	err = tg_client_ask(c, &q, FREEZE_MS, &a);
	return err ? err : take_instant(&a, ret);
}

/* --- settle --- */

/* Shared mappings, writable or not, of which there are *ret_n. */
static struct hs_err *add_shared(const struct tg_maps *maps, bool writable,
				 int fd, uint64_t *offset, uint32_t *ret_n)
{
	struct hs_err *err = NULL;

	for (size_t i = 0; !err && i < maps->v.n; i++) {
		const struct tg_map *m = &maps->v.v[i];
		struct wr_tracer_range r = { m->start, m->end };

		if (m->prot[3] != 's' || (m->prot[1] == 'w') != writable)
			continue;
		err = tg_memfd_write(fd, *offset, &r, sizeof(r));
		*offset += sizeof(r);
		++*ret_n;
	}
	return err;
}

struct hs_err *tg_add_shared(const struct tg_maps *maps, int fd,
			     uint64_t *offset, uint32_t *ret_shared,
			     uint32_t *ret_closed)
{
	struct hs_err *err = add_shared(maps, true, fd, offset, ret_shared);

	return err ? err : add_shared(maps, false, fd, offset, ret_closed);
}

static struct hs_err *settle_request(const struct tg_instant *in,
				     const struct tg_script *s,
				     struct tg_packet *q)
{
	struct wr_tracer_settle m = {
		.id = in->id,
		.thread = s->thread,
		.calls = s->calls,
		.limit_ms = s->limit_ms ? s->limit_ms : LIMIT_MS,
		.n_before = (uint32_t)s->n_before,
		.n_after = (uint32_t)s->n_after,
	};
	struct tg_maps maps = { 0 };
	uint64_t before = s->n_before * sizeof(*s->before);
	uint64_t after = s->n_after * sizeof(*s->after);
	struct hs_err *err;
	int fd;

	err = tg_memfd_create(&fd);
	if (err)
		return err;
	tg_packet_init(q, WR_TRACER_SETTLE, sizeof(m), 0);
	tg_packet_add_fd(q, fd);
	err = tg_memfd_write(fd, 0, s->before, before);
	if (!err)
		err = tg_memfd_write(fd, before, s->after, after);
	if (!err)
		err = tg_maps_read(in->snap_pid, &maps);
	after += before;
	if (!err)
		err = tg_add_shared(&maps, fd, &after, &m.n_shared,
				    &m.n_closed);
	tg_maps_deinit(&maps);
	m.head = q->head;
	memcpy(q->bytes, &m, sizeof(m));
	return err;
}

static void explain(struct tg_instant *in, const struct wr_tracer_settled *r)
{
	switch (in->state) {
	case WR_TRACER_LIMIT:
		snprintf(in->why, sizeof(in->why),
			 "no consistent point within %.0f ms",
			 (double)r->run_ns / 1e6);
		break;
	case WR_TRACER_FAULT:
		if (r->signal)
			snprintf(in->why, sizeof(in->why),
				 "the copy took signal %d", r->signal);
		else
			snprintf(in->why, sizeof(in->why),
				 "the copy could not be written to");
		break;
	case WR_TRACER_ENDED:
		snprintf(in->why, sizeof(in->why), "the copy has ended");
		break;
	case WR_TRACER_UNCONFINED:
		snprintf(in->why, sizeof(in->why),
			 "memory shared with others could not be closed");
		break;
	case WR_TRACER_UNSETTLED:
	case WR_TRACER_SETTLED:
	default:
		break;
	}
}

/* The image is E from now on. */
static void become_settled(struct tg_instant *in, uint32_t thread,
			   const struct wr_tracer_settled *r, int mem_fd)
{
	struct tg_thread *t = &in->threads[thread];

	hs_close_p(&in->mem_fd);
	in->mem_fd = mem_fd;
	in->eval_pid = in->image_pid = r->eval_pid;
	in->settled_thread = thread;
	memcpy(&t->regs, r->regs, sizeof(t->regs));
	t->syscall = r->call;
	tg_arch_call_args(&t->regs, t->args);
}

struct hs_err *tg_settle(struct tg_client *c, struct tg_instant *in,
			 const struct tg_script *script)
{
	struct wr_tracer_settled r;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	if (script->thread >= in->n_threads)
		return hs_err_new(HS_ERR_USAGE, "settle: there is no thread %u",
				  script->thread);
	err = settle_request(in, script, &q);
	if (!err)
		err = tg_client_ask(c, &q, SETTLE_MS, &a);
	if (err)
		return err;
	memcpy(&r, a.bytes, sizeof(r));
	in->settle_ns = r.clone_ns + r.run_ns;
	in->state = (enum wr_tracer_settle_state)r.state;
	if (in->state == WR_TRACER_SETTLED)
		become_settled(in, script->thread, &r,
			       tg_packet_take_fd(&a, 0));
	explain(in, &r);
	return NULL;
}

/* --- release --- */

static struct hs_err *release(struct tg_client *c, uint64_t id, int pid)
{
	struct wr_tracer_release m = { .id = id };
	struct tg_plan plan = { 0 };
	struct tg_maps maps = { 0 };
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_RELEASE, sizeof(m), 0);
	m.head = q.head;
	// Threads may have come and gone: fresh stacks for the second stop.
	if (pid) {
		hs_err_free(tg_maps_read(pid, &maps));
		tg_find_stacks(&maps, &plan);
		tg_maps_deinit(&maps);
		m.n_stacks = (uint32_t)plan.stacks.n;
	}
	memcpy(q.bytes, &m, sizeof(m));
	err = tg_add_ranges(&q, plan.stacks.v, plan.stacks.n);
	if (!err)
		err = tg_client_ask(c, &q, RELEASE_MS, &a);
	hs_vec_deinit(&plan.stacks);
	return err;
}

struct hs_err *tg_release(struct tg_client *c, struct tg_instant *in)
{
	// A copy is ours alone. (0 would mean all of them.)
	return in->id ? release(c, in->id, in->pid) : NULL;
}
