// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tg_packet.h"
#include "tg_proc.h"

/*
 * A clone of a clone. Its parent stands still and is data: the call is made in
 * it without a byte of its memory being written, since the stack pointer of
 * the child is given apart. It is ours from birth, and dies with us: ptrace
 * hands the options of the parent down.
 */
struct hs_err *tg_clone_of(struct tg_tracer *t, struct tg_held *h,
			   pid_t parent, pid_t *ret)
{
	struct tg_remote io = { .call = { .nr = SYS_clone,
					  .args = { 0, h->sp } } };
	uint64_t deadline = hs_now_ns() + UINT64_C(60000) * TG_MS;
	enum tg_end end = tg_remote_call(t, parent, &h->base, &h->gadgets,
					 h->sp, deadline, &io);

	*ret = io.child;
	if (end != TG_DONE)
		return hs_err_new(HS_ERR_OTHER, "clone the clone %d: it %s",
				  parent,
				  end == TG_ENDED ? "has ended" : "hangs");
	if (io.result < 0)
		return hs_err_os((int)-io.result, "clone the clone %d",
				 parent);
	return tg_clone_adopt(t, io.child);
}

enum tg_end tg_clone_call(struct tg_tracer *t, struct tg_held *h, pid_t pid,
			  struct tg_call call, int64_t *ret)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * TG_CLONE_MS * TG_MS;
	struct tg_remote io = { .call = call };
	enum tg_end end = tg_remote_call(t, pid, &h->base, &h->gadgets, h->sp,
					 deadline, &io);

	*ret = io.result;
	return end;
}

bool tg_clone_confine(struct tg_tracer *t, struct tg_held *h, pid_t pid,
		      const struct wr_tracer_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct tg_call c = {
			.nr = SYS_mprotect,
			.args = { v[i].start, v[i].end - v[i].start,
				  PROT_READ },
		};
		int64_t result;

		if (tg_clone_call(t, h, pid, c, &result) != TG_DONE ||
		    result < 0)
			return false;
	}
	return true;
}

bool tg_clone_write(int mem_fd, const struct wr_tracer_write *w, size_t n)
{
	for (size_t i = 0; i < n; i++, w++) {
		uint8_t b[WR_TRACER_WRITE_BYTES];

		if (w->mode != WR_TRACER_SET &&
		    !tg_mem_read(mem_fd, w->addr, b, w->len))
			return false;
		for (uint32_t k = 0; k < w->len; k++) {
			if (w->mode == WR_TRACER_SET)
				b[k] = w->bytes[k];
			else if (w->mode == WR_TRACER_OR)
				b[k] |= w->bytes[k];
			else
				b[k] &= w->bytes[k];
		}
		if (!tg_mem_write(mem_fd, w->addr, b, w->len))
			return false;
	}
	return true;
}

struct hs_err *tg_take_writes(int fd, uint64_t offset, size_t n,
			      struct wr_tracer_write *ret)
{
	struct hs_err *err = tg_memfd_read(fd, offset, ret, n * sizeof(*ret));

	for (size_t i = 0; !err && i < n; i++) {
		if (ret[i].len > WR_TRACER_WRITE_BYTES ||
		    ret[i].mode > WR_TRACER_AND)
			err = hs_err_new(HS_ERR_FORMAT, "wrong write %zu", i);
	}
	return err;
}

void tg_clone_reap(struct tg_tracer *t, struct tg_held *h, pid_t parent,
		   pid_t child)
{
	struct tg_call c = {
		.nr = SYS_wait4,
		.args = { 0, 0, WNOHANG | __WALL, 0 },
	};
	int64_t result;

	// Else it would become init's zombie when its parent ends. Where that
	// fails there is nothing better to do.
	if (!tg_clone_end(t, child) || !parent)
		return;
	c.args[0] = (uint64_t)tg_pid_within(parent, child);
	(void)tg_clone_call(t, h, parent, c, &result);
}
