// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tg_packet.h"

enum {
	CLONE_MS = 60000,	/* page tables of a few TB */
	STOP_MS_MAX = 10000,
};

static uint64_t wall_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct hs_err *clone_failed(const struct tg_held *h, int errnum)
{
	struct hs_err *err = hs_err_os(errnum, "clone process %d", h->pid);

	switch (errnum) {
	case EAGAIN:
		return hs_err_remedy(err, "raise pids.max or RLIMIT_NPROC of "
				     "the process");
	case ENOMEM:
		return hs_err_remedy(err, "raise its memory limit, or see "
				     "vm.overcommit_memory");
	default:
		return err;
	}
}

/*
 * A thread of the target hangs inside clone(). We cannot take it back, nor let
 * the others wait for it. Our own end can: the kernel lets all go on, the
 * thread's frame restores it and the child's ends it.
 */
static void give_up(void)
{
	_exit(70);
}

/* The call itself. All threads stand still. */
static struct hs_err *call_clone(struct tg_tracer *t, struct tg_held *h)
{
	struct tg_hijack *hi = &t->hijack;
	uint64_t start = hs_now_ns();
	struct tg_remote io = {
		.call = {
			.nr = SYS_clone,
			// No flags, no exit signal: no fork handlers run, and
			// the parent is not told of its child.
			.args = { 0, hi->frame.child_sp },
		},
	};
	enum tg_end end = tg_hijack_call(
		t, hi, start + UINT64_C(1) * CLONE_MS * TG_MS, &io);

	h->clone_ns = hs_now_ns() - start;
	h->snap = io.child;
	if (end == TG_LATE)
		give_up();
	if (end == TG_ENDED)
		return hs_err_new(HS_ERR_GONE,
				  "clone process %d: it has ended", h->pid);
	if (end == TG_ODD)
		return hs_err_new(HS_ERR_OTHER,
				  "clone process %d: thread %d took a fault",
				  h->pid, hi->task->tid);
	if (io.result < 0)
		return clone_failed(h, (int)-io.result);
	return NULL;
}

/*
 * Each is at a signal, in a restartable sequence or on a stack that is none.
 * The first two have passed a moment later: the client tries again (EAGAIN).
 */
static struct hs_err *none_usable(const struct tg_held *h)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_REFUSED,
			   "clone process %d: none of its %zu threads stands "
			   "where it can be used", h->pid, h->stop.tasks.n);

	err->errnum = EAGAIN;
	return err;
}

static struct hs_err *clone_in(struct tg_tracer *t, struct tg_held *h,
			       int mem_fd)
{
	struct tg_hijack *hi = &t->hijack;
	struct hs_err *err;

	h->victim = tg_hijack_choose(&h->stop, &h->stacks, mem_fd);
	if (h->victim == h->stop.tasks.n)
		return none_usable(h);
	err = tg_hijack_begin(hi, h->pid, &h->stop.tasks.v[h->victim],
			      &h->gadgets, mem_fd);
	if (err)
		return err;
	h->taken_ns = wall_clock_ns();
	err = call_clone(t, h);
	tg_hijack_end(hi);
	h->sp = hi->frame.child_sp;
	h->scratch = hi->frame.scratch;
	return err;
}

/* Stop, clone, let go. h->snap is set when there is a clone, also on error. */
static struct hs_err *stop_and_clone(struct tg_tracer *t, struct tg_held *h,
				     uint32_t stop_ms)
{
	HS_CLOSE int mem_fd = tg_proc_open(h->pid, "mem", O_RDWR);
	struct hs_err *err;

	if (mem_fd < 0)
		return hs_err_new(mem_fd == -ENOENT || mem_fd == -ESRCH ?
					  HS_ERR_GONE :
					  HS_ERR_DENIED,
				  "open memory of process %d: %s", h->pid,
				  strerror(-mem_fd));
	err = tg_stop_all(t, &h->stop, UINT64_C(1) * stop_ms * TG_MS);
	if (err)
		return err;
	err = clone_in(t, h, mem_fd);
	tg_stop_end(t, &h->stop);
	h->pause_ns = h->stop.ended_ns - h->stop.started_ns;
	return err;
}

static struct hs_err *make_snap(struct tg_tracer *t, struct tg_held *h,
				uint32_t stop_ms)
{
	struct hs_err *err = stop_and_clone(t, h, stop_ms);

	if (!err)
		err = tg_clone_adopt(t, h->snap);
	if (!err && tg_arch_get_regs(h->snap, &h->base))
		err = hs_err_os(errno, "read registers of clone %d", h->snap);
	if (!err)
		err = tg_clone_disarm(t, h);
	return err;
}

struct hs_err *tg_take_stacks(struct tg_packet *in, size_t i, uint32_t n,
			      struct tg_stacks *ret)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, i);
	struct wr_tracer_range *v;
	struct hs_err *err;

	if (fd < 0 || n > WR_TRACER_STACKS)
		return hs_err_new(HS_ERR_FORMAT, "read stacks: %u of them", n);
	v = hs_xcalloc(n ? n : 1, sizeof(*v));
	err = tg_memfd_read(fd, 0, v, n * sizeof(*v));
	if (err) {
		free(v);
		return err;
	}
	free(ret->v);
	*ret = (struct tg_stacks){ .v = v, .n = n };
	return NULL;
}

static struct hs_err *take_request(struct tg_packet *in, struct tg_held *h,
				   uint32_t *ret_stop_ms)
{
	struct wr_tracer_freeze q;
	struct hs_err *err;

	memcpy(&q, in->bytes, sizeof(q));
	if (in->head.size != sizeof(q) || q.pid <= 0 || !q.stop_ms ||
	    q.stop_ms > STOP_MS_MAX)
		return hs_err_new(HS_ERR_FORMAT, "freeze: wrong request");
	h->pid = q.pid;
	h->gadgets = (struct tg_gadgets){
		.syscall_ret = q.syscall_ret,
		.restore_rt = q.restore_rt,
	};
	h->together = q.flags & WR_TRACER_TOGETHER;
	h->pidfd = tg_packet_take_fd(in, 0);
	if (h->pidfd < 0)
		return hs_err_new(HS_ERR_FORMAT, "freeze: no pidfd");
	h->stop.pid = h->pid;
	h->stop.pidfd = h->pidfd;
	*ret_stop_ms = q.stop_ms;
	err = tg_take_stacks(in, 1, q.n_stacks, &h->stacks);
	if (!err && !tg_process_lives(h->pidfd))
		err = hs_err_new(HS_ERR_GONE, "freeze process %d: it has ended",
				 h->pid);
	return err;
}

struct hs_err *tg_do_freeze(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out)
{
	struct tg_held *h = hs_xalloc(sizeof(*h));
	uint32_t stop_ms = 0;
	struct hs_err *err;

	h->pidfd = h->snap_mem = -1;
	if (t->held.n >= WR_TRACER_INSTANTS)
		err = hs_err_remedy(hs_err_new(HS_ERR_REFUSED,
					       "freeze: %zu instants are held",
					       t->held.n),
				    "release");
	else
		err = take_request(in, h, &stop_ms);
	if (!err)
		err = make_snap(t, h, stop_ms);
	if (!err) {
		h->id = ++t->last_id;
		err = tg_reply_frozen(h, out);
	}
	if (err) {
		tg_bury(t, h);
		(void)tg_reap(t);
		return err;
	}
	hs_vec_push(&t->held, h);
	return NULL;
}
