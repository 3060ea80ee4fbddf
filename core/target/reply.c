// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>

#include "tg_packet.h"

/* Threads, and behind them their XSTATE areas. */

static void describe(const struct tg_task *task, uint64_t offset,
		     struct wr_tracer_thread *ret)
{
	_Static_assert(sizeof(ret->regs) == sizeof(task->state.regs),
		       "registers of a thread");
	*ret = (struct wr_tracer_thread){
		.tid = task->tid,
		.signal = (uint32_t)task->signal,
		.sigmask = task->state.sigmask,
		.xstate_offset = offset,
		.xstate_size = task->state.xstate_size,
	};
	memcpy(ret->regs, &task->state.regs, sizeof(ret->regs));
}

struct hs_err *tg_write_threads(const struct tg_stop *s, int fd)
{
	size_t n = s->tasks.n;
	HS_FREE struct wr_tracer_thread *v = hs_xcalloc(n ? n : 1, sizeof(*v));
	uint64_t offset = n * sizeof(*v);

	for (size_t i = 0; i < n; i++) {
		const struct tg_state *st = &s->tasks.v[i].state;
		struct hs_err *err;

		describe(&s->tasks.v[i], offset, &v[i]);
		err = tg_memfd_write(fd, offset, st->xstate, st->xstate_size);
		if (err)
			return err;
		offset += st->xstate_size;
	}
	return tg_memfd_write(fd, 0, v, n * sizeof(*v));
}

struct hs_err *tg_reply_frozen(const struct tg_held *h, struct tg_packet *out)
{
	pid_t image = h->eval ? h->eval : h->snap;
	struct wr_tracer_frozen r;
	struct hs_err *err;
	int mem, fd;

	mem = tg_proc_open(image, "mem", O_RDONLY);
	if (mem < 0)
		return hs_err_os(-mem, "open memory of clone %d", image);
	tg_packet_add_fd(out, mem);
	err = tg_memfd_create(&fd);
	if (err)
		return err;
	tg_packet_add_fd(out, fd);
	err = tg_write_threads(&h->stop, fd);
	if (err)
		return err;
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.id = h->id;
	r.pid = h->pid;
	r.snap_pid = h->snap;
	r.eval_pid = h->eval;
	r.n_threads = (uint32_t)h->stop.tasks.n;
	r.pause_ns = h->pause_ns;
	r.clone_ns = h->clone_ns;
	r.taken_ns = h->taken_ns;
	r.settle_ns = h->settle_ns;
	r.settle_state = h->settle_state;
	r.victim = h->victim;
	r.settled_thread = h->settled_thread;
	r.reserved = 0;
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}

struct hs_err *tg_do_get(struct tg_tracer *t, struct tg_packet *in,
			 struct tg_packet *out)
{
	struct wr_tracer_release q;
	struct tg_held *h;

	memcpy(&q, in->bytes, sizeof(q));
	h = in->head.size == sizeof(q) ? tg_held_find(t, q.id) : NULL;
	if (!h || !h->snap)
		return hs_err_new(HS_ERR_NAME,
				  "get an instant: it is not held any more");
	return tg_reply_frozen(h, out);
}
