// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The second rung, as the engine has it: a memory file of our own. */
enum {
	COPY_STOP_MS = 200,
	COPY_TRIES = 3,
	COPY_MS = 120000,	/* for the answer */
	MAPS_MAX = 64 << 20,	/* tg_read_file() reads no more */
};

void tg_mirror_free(struct tg_mirror *c)
{
	if (!c)
		return;
	hs_close_p(&c->fd);
	free(c->pieces);
	free(c->maps);
	free(c);
}

static struct hs_err *take_pieces(struct tg_mirror *c, uint64_t bytes, int fd)
{
	uint64_t size, used = 0;
	struct hs_err *err;

	if (hs_mul_overflows(c->n_pieces, sizeof(*c->pieces), &size) ||
	    (off_t)size != lseek(fd, 0, SEEK_END))
		return hs_err_new(HS_ERR_FORMAT, "read a copy: wrong size");
	c->pieces = hs_xalloc(size + 1);
	err = tg_memfd_read(fd, 0, c->pieces, size);
	for (size_t i = 0; !err && i < c->n_pieces; i++) {
		const struct wr_tracer_range *r = &c->pieces[i];

		if (r->start >= r->end || r->end - r->start > bytes - used ||
		    (i && r->start < r[-1].end))
			err = hs_err_new(HS_ERR_FORMAT,
					 "read a copy: wrong piece %zu", i);
		used += r->end - r->start;
	}
	return err;
}

static struct hs_err *take_maps(struct tg_mirror *c, int fd)
{
	if (c->maps_bytes > MAPS_MAX)
		return hs_err_new(HS_ERR_FORMAT, "read a copy: wrong size");
	c->maps = hs_xalloc(c->maps_bytes + 1);
	return tg_memfd_read(fd, 0, c->maps, c->maps_bytes);
}

static struct hs_err *take_copy(struct tg_packet *a, int pid, uint64_t bytes,
				int fd, struct tg_instant **ret)
{
	HS_CLOSE int threads_fd = tg_packet_take_fd(a, 0);
	HS_CLOSE int pieces_fd = tg_packet_take_fd(a, 1);
	HS_CLOSE int maps_fd = tg_packet_take_fd(a, 2);
	struct tg_instant *in = hs_xalloc(sizeof(*in));
	struct wr_tracer_copied r;
	struct hs_err *err;

	memcpy(&r, a->bytes, sizeof(r));
	in->pid = in->image_pid = pid;
	in->mem_fd = -1;
	in->pause_ns = r.pause_ns;
	in->taken_ns = r.taken_ns;
	in->n_threads = r.n_threads;
	in->mirror = hs_xalloc(sizeof(*in->mirror));
	in->mirror->fd = fd;
	in->mirror->n_pieces = r.n_pieces;
	in->mirror->maps_bytes = r.maps_bytes;
	err = tg_take_threads(in, threads_fd);
	if (!err)
		err = take_pieces(in->mirror, bytes, pieces_fd);
	if (!err)
		err = take_maps(in->mirror, maps_fd);
	if (err)
		tg_instant_free(in);
	else
		*ret = in;
	return err;
}

/* Memory for it, which is there before anything is stopped. */
static struct hs_err *make_room(int pid, uint64_t bytes, int *ret)
{
	HS_CLOSE int fd = -1;
	struct hs_err *err;
	int rc;

	err = tg_memfd_create(&fd);
	if (err)
		return err;
	do
		rc = posix_fallocate(fd, 0, (off_t)bytes);
	while (rc == EINTR);
	if (rc)
		return hs_err_os(rc, "copy process %d: have %llu bytes of "
				 "memory", pid, (unsigned long long)bytes);
	*ret = fd;
	fd = -1;
	return NULL;
}

static struct hs_err *copy_once(struct tg_client *c, const struct tg_plan *plan,
				const struct wr_tracer_copy *ask, int memfd,
				struct tg_instant **ret)
{
	struct wr_tracer_copy m = *ask;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, WR_TRACER_COPY, sizeof(m), 0);
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	tg_packet_add_fd(&q, dup(plan->pidfd));
	tg_packet_add_fd(&q, dup(memfd));
	err = tg_client_ask(c, &q, COPY_MS, &a);
	if (err)
		return err;
	return take_copy(&a, plan->pid, m.bytes,
			 fcntl(memfd, F_DUPFD_CLOEXEC, 3), ret);
}

struct hs_err *tg_copy(struct tg_client *c, const struct tg_report *report,
		       uint64_t max_pause_ns, struct tg_instant **ret)
{
	struct wr_tracer_copy m = {
		.pid = report->pid,
		.bytes = hs_align_up(tg_copy_bytes(report), 4096),
		.max_ns = max_pause_ns ? max_pause_ns : TG_MAX_PAUSE_NS,
	};
	struct tg_plan plan = { .pid = report->pid,
				.start_time = report->start_time };
	HS_CLOSE int memfd = -1;
	struct hs_err *err;

	err = tg_pin(report, &plan);
	if (!err)
		err = make_room(m.pid, m.bytes, &memfd);
	for (int i = 0; !err; i++) {
		m.stop_ms = (COPY_STOP_MS + report->n_threads / 5) << i;
		err = copy_once(c, &plan, &m, memfd, ret);
		if (!err)
			break;
		if (err->code != HS_ERR_TIMEOUT || i + 1 == COPY_TRIES)
			continue;
		hs_err_free(err);
		err = NULL;
		usleep(100000u << i);
	}
	hs_close_p(&plan.pidfd);
	return tg_or_gone(err, report->pid, report->start_time);
}
