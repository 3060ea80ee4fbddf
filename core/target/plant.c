// SPDX-License-Identifier: Apache-2.0
#include "tg_planting.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tg_packet.h"

/*
 * A function is planted into the running program: two pages of memory, and a
 * few words of the program's own, changed while all threads stand still, by
 * which it comes to call the function itself, where and when its own code
 * could have done the same. None of its threads is made to run anything but
 * mmap, mprotect and munmap.
 *
 * Should we die: before the words are written there are two pages that nothing
 * leads to; behind, the function is called once, as if we lived, and takes the
 * pages away itself. What was left is found by its address, from the request
 * that maps it on (leftpages.c).
 *
 * Where the program has loaded the probe, the function and its memory are the
 * probe's, and no page is needed, nor a thread: the box is filled, the word
 * that says so last. The probe itself drops what nobody waits for any more.
 */
enum {
	STOP_MS_MAX = 10000,
	PAGE = 4096,
};

static void sowing_deinit(struct tg_sowing *p)
{
	tg_stop_deinit(&p->stop);
	hs_close_p(&p->stop.pidfd);
	hs_close_p(&p->mem_fd);
	free(p->stacks.v);
	free(p);
}

struct hs_err *tg_sow_cannot(const struct tg_sowing *p, const char *what)
{
	return hs_err_os(errno, "%s process %d", what, p->q.pid);
}

struct hs_err *tg_sow_not_now(const struct tg_sowing *p, const char *why)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_REFUSED, "use process %d: %s", p->q.pid, why);

	err->errnum = EAGAIN;
	return err;
}

/* --- the request --- */

static struct hs_err *take_words(struct tg_sowing *p, struct tg_packet *in)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 2);
	struct hs_err *err;

	if (fd < 0 || p->q.n_words > WR_TRACER_WORDS)
		return hs_err_new(HS_ERR_FORMAT, "plant: %u words",
				  p->q.n_words);
	err = tg_memfd_read(fd, 0, p->words,
			    p->q.n_words * sizeof(p->words[0]));
	for (uint32_t i = 0; !err && i < p->q.n_words; i++) {
		uint32_t n = p->words[i].bytes;

		if ((n != 1 && n != 4 && n != 8) || p->words[i].addr % n ||
		    p->words[i].addr >> 47)
			err = hs_err_new(HS_ERR_FORMAT, "plant: word %u", i);
	}
	return err;
}

static struct hs_err *take_content(struct tg_sowing *p, struct tg_packet *in)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 3);

	if (fd < 0)
		return hs_err_new(HS_ERR_FORMAT, "plant: no content");
	return tg_memfd_read(fd, 0, p->content,
			     p->q.n_box ? p->q.n_box : WR_TRACER_PLANT_BYTES);
}

static struct hs_err *take_request(struct tg_sowing *p, struct tg_packet *in)
{
	struct hs_err *err;

	memcpy(&p->q, in->bytes, sizeof(p->q));
	p->stop.pid = p->q.pid;
	p->stop.pidfd = tg_packet_take_fd(in, 0);
	p->gadgets = (struct tg_gadgets){ .syscall_ret = p->q.syscall_ret,
					  .restore_rt = p->q.restore_rt };
	if (in->head.size != sizeof(p->q) || p->q.pid <= 0 || !p->q.stop_ms ||
	    p->q.stop_ms > STOP_MS_MAX || p->stop.pidfd < 0 || !p->q.addr ||
	    p->q.addr % (p->q.n_box ? 8 : PAGE) || p->q.addr >> 47 ||
	    p->q.n_box > sizeof(p->content) || p->q.n_box % 8)
		return hs_err_new(HS_ERR_FORMAT, "plant: wrong request");
	err = tg_take_stacks(in, 1, p->q.n_stacks, &p->stacks);
	if (!err)
		err = take_words(p, in);
	if (err)
		return err;
	p->mem_fd = tg_proc_open(p->q.pid, "mem", O_RDWR);
	if (p->mem_fd < 0)
		return hs_err_new(HS_ERR_DENIED,
				  "open memory of process %d: "
				  "%s",
				  p->q.pid, strerror(-p->mem_fd));
	if (!tg_process_lives(p->stop.pidfd))
		return hs_err_new(HS_ERR_GONE, "process %d has ended",
				  p->q.pid);
	return NULL;
}

/* --- all of it --- */

static void reply(const struct tg_sowing *p, struct tg_packet *out)
{
	struct wr_tracer_planted r;

	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.state = p->state;
	r.reserved = 0;
	r.pause_ns = p->stop.ended_ns - p->stop.started_ns;
	memcpy(out->bytes, &r, sizeof(r));
}

static struct hs_err *do_it(struct tg_sowing *p, struct tg_packet *out,
			    struct hs_err *(*check)(struct tg_sowing *p),
			    struct hs_err *(*step)(struct tg_sowing *p))
{
	struct hs_err *err =
		tg_stop_all(p->t, &p->stop, UINT64_C(1) * p->q.stop_ms * TG_MS);

	if (err)
		return err;
	err = check(p);
	if (!err)
		err = step(p);
	tg_stop_end(p->t, &p->stop);
	if (!err)
		reply(p, out);
	return err;
}

static struct tg_sowing *sowing_create(struct tg_tracer *t)
{
	struct tg_sowing *p = hs_xalloc(sizeof(*p));

	p->t = t;
	p->mem_fd = p->stop.pidfd = -1;
	return p;
}

struct hs_err *tg_do_plant(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out)
{
	struct tg_sowing *p = sowing_create(t);
	struct hs_err *err = take_request(p, in);

	if (!err)
		err = take_content(p, in);
	if (!err)
		err = p->q.n_box
			      ? do_it(p, out, tg_box_check, tg_box_plant)
			      : do_it(p, out, tg_pages_check, tg_pages_plant);
	sowing_deinit(p);
	return err;
}

struct hs_err *tg_do_uproot(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out)
{
	struct tg_sowing *p = sowing_create(t);
	struct hs_err *err = take_request(p, in);

	if (!err)
		err = p->q.n_box
			      ? do_it(p, out, tg_box_look, tg_box_uproot)
			      : do_it(p, out, tg_pages_look, tg_pages_uproot);
	sowing_deinit(p);
	return err;
}
