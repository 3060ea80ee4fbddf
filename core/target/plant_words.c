// SPDX-License-Identifier: Apache-2.0
#include "tg_planting.h"

#include <errno.h>
#include <sys/uio.h>

/*
 * Words of the program that are changed while it stands still. All of them by
 * one request to the kernel: killed between two, we would leave a queue whose
 * count says one thing and whose ends another.
 */

static uint64_t masked(const struct wr_tracer_word *w, uint64_t v)
{
	return w->bytes == 8 ? v : v & ((UINT64_C(1) << 8 * w->bytes) - 1);
}

static bool read_word(const struct tg_sowing *p, const struct wr_tracer_word *w,
		      uint64_t *ret)
{
	*ret = 0;
	return tg_mem_read(p->mem_fd, w->addr, ret, w->bytes);
}

/* The program has moved on since it was looked at. */
static struct hs_err *moved(const struct tg_sowing *p, size_t i)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_REFUSED,
			   "change process %d: word %zu, at "
			   "0x%llx, is not what it was",
			   p->q.pid, i, (unsigned long long)p->words[i].addr);

	err->errnum = EAGAIN;
	return err;
}

struct hs_err *tg_words_check(const struct tg_sowing *p, bool planted)
{
	for (size_t i = 0; i < p->q.n_words; i++) {
		const struct wr_tracer_word *w = &p->words[i];
		bool ours = planted && w->flags & WR_TRACER_WORD_SET;
		uint64_t v;

		if (!(w->flags & WR_TRACER_WORD_CHECK) ||
		    (ours && !(w->flags & WR_TRACER_WORD_UNDO)))
			continue;
		if (!read_word(p, w, &v))
			return tg_sow_cannot(p, "read memory of");
		if (v != masked(w, ours ? w->now : w->before))
			return moved(p, i);
	}
	return NULL;
}

/** Numbers, and where they are to go. */
struct changes {
	uint64_t v[WR_TRACER_WORDS];
	struct iovec from[WR_TRACER_WORDS], to[WR_TRACER_WORDS];
	size_t n, bytes;
};

static void add(struct changes *c, const struct wr_tracer_word *w, uint64_t v)
{
	c->v[c->n] = v;
	c->from[c->n] = (struct iovec){ &c->v[c->n], w->bytes };
	c->to[c->n] = (struct iovec){ (void *)(uintptr_t)w->addr, w->bytes };
	c->bytes += w->bytes;
	c->n++;
}

static bool one_by_one(const struct tg_sowing *p, const struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!tg_mem_write(p->mem_fd, (uintptr_t)c->to[i].iov_base,
				  &c->v[i], c->to[i].iov_len))
			return false;
	}
	return true;
}

/* A kernel may be built without the call, and a sandbox may refuse it. */
static bool write_all(const struct tg_sowing *p, const struct changes *c)
{
	ssize_t done = c->n ? process_vm_writev(p->q.pid, c->from, c->n, c->to,
						c->n, 0)
			    : 0;

	return done == (ssize_t)c->bytes || one_by_one(p, c);
}

struct hs_err *tg_words_write(const struct tg_sowing *p)
{
	struct changes c = { .n = 0 };

	for (size_t i = 0; i < p->q.n_words; i++) {
		const struct wr_tracer_word *w = &p->words[i];
		uint64_t v = 0;

		if (!(w->flags & (WR_TRACER_WORD_SET | WR_TRACER_WORD_OR)))
			continue;
		if (w->flags & WR_TRACER_WORD_OR && !read_word(p, w, &v))
			return tg_sow_cannot(p, "read memory of");
		add(&c, w, v | w->now);
	}
	if (write_all(p, &c))
		return NULL;
	tg_words_undo(p);
	return tg_sow_cannot(p, "write into");
}

/* Backwards: first that nothing is there, then what was. */
void tg_words_undo(const struct tg_sowing *p)
{
	struct changes c = { .n = 0 };

	for (size_t i = p->q.n_words; i-- > 0;) {
		const struct wr_tracer_word *w = &p->words[i];

		if (w->flags & WR_TRACER_WORD_UNDO)
			add(&c, w, w->before);
	}
	(void)write_all(p, &c);
}
