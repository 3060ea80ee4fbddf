// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tg_packet.h"

/*
 * A copy is a clone of the image in which code of the program is called. It
 * has one thread, no descriptor, nothing writable in common with others, and
 * is killed with the tracer. run.c looks at every system call before it is
 * made; here it is made, filled and ended.
 */
enum { ROOM_MIB_MAX = 1 << 20 };

/** A request, taken apart. */
struct opening {
	struct tg_tracer *t;
	struct tg_held *h;
	struct wr_tracer_guest q;
	struct wr_tracer_write *writes;
	struct wr_tracer_map maps[WR_TRACER_MAPS];
	int lists_fd;
	uint64_t content;	/* offset of the maps' bytes */
	struct tg_guest *c;
};

static void guest_free(struct tg_guest *c, size_t n_threads)
{
	for (size_t i = 0; c->others && i < n_threads; i++)
		free(c->others[i].xstate);
	free(c->others);
	free(c->ranges);
	hs_close_p(&c->mem_fd);
	free(c);
}

void tg_guest_end(struct tg_tracer *t, struct tg_held *h, struct tg_guest *c)
{
	size_t n = 0;

	if (c->pid)
		tg_clone_reap(t, h, c->parent, c->pid);
	for (size_t i = 0; i < h->guests.n; i++) {
		if (h->guests.v[i] != c)
			h->guests.v[n++] = h->guests.v[i];
	}
	h->guests.n = n;
	guest_free(c, h->stop.tasks.n);
}

struct tg_guest *tg_guest_find(struct tg_tracer *t, uint64_t id,
			     struct tg_held **ret_held)
{
	for (size_t i = 0; i < t->held.n; i++) {
		struct tg_held *h = t->held.v[i];

		for (size_t k = 0; k < h->guests.n; k++) {
			if (h->guests.v[k]->id != id)
				continue;
			*ret_held = h;
			return h->guests.v[k];
		}
	}
	return NULL;
}

/* --- the request --- */

static struct hs_err *check_maps(const struct opening *o)
{
	for (uint32_t i = 0; i < o->q.n_maps; i++) {
		const struct wr_tracer_map *m = &o->maps[i];

		if (!m->len || m->len > WR_TRACER_MAP_BYTES ||
		    m->bytes > m->len || (m->addr | m->len) & 4095 ||
		    m->prot & ~7U)
			return hs_err_new(HS_ERR_FORMAT, "copy: wrong map %u",
					  i);
	}
	return NULL;
}

static struct hs_err *take_lists(struct opening *o)
{
	size_t n_ranges = (size_t)o->q.n_shared + o->q.n_closed;
	uint64_t at = o->q.n_writes * sizeof(*o->writes);
	struct hs_err *err;

	o->writes = hs_xcalloc(o->q.n_writes + 1, sizeof(*o->writes));
	o->c->ranges = hs_xcalloc(n_ranges + 1, sizeof(*o->c->ranges));
	o->c->n_ranges = n_ranges;
	err = tg_take_writes(o->lists_fd, 0, o->q.n_writes, o->writes);
	if (!err)
		err = tg_memfd_read(o->lists_fd, at, o->c->ranges,
				    n_ranges * sizeof(*o->c->ranges));
	at += n_ranges * sizeof(*o->c->ranges);
	if (!err)
		err = tg_memfd_read(o->lists_fd, at, o->maps,
				    o->q.n_maps * sizeof(o->maps[0]));
	o->content = at + o->q.n_maps * sizeof(o->maps[0]);
	return err ? err : check_maps(o);
}

static struct hs_err *take_request(struct opening *o, struct tg_packet *in)
{
	memcpy(&o->q, in->bytes, sizeof(o->q));
	if (in->head.size != sizeof(o->q) ||
	    o->q.n_writes > WR_TRACER_WRITES ||
	    o->q.n_shared > WR_TRACER_SHARED ||
	    o->q.n_closed > WR_TRACER_SHARED ||
	    o->q.n_maps > WR_TRACER_MAPS || o->q.room_mib > ROOM_MIB_MAX)
		return hs_err_new(HS_ERR_FORMAT, "copy: wrong request");
	o->h = tg_held_find(o->t, o->q.id);
	if (!o->h || !(o->h->eval || o->h->snap))
		return hs_err_new(HS_ERR_NAME,
				  "copy: the instant is not held any more");
	if (o->h->guests.n >= WR_TRACER_GUESTS)
		return hs_err_new(HS_ERR_REFUSED, "copy: there are %zu",
				  o->h->guests.n);
	if (o->q.thread >= o->h->stop.tasks.n)
		return hs_err_new(HS_ERR_FORMAT, "copy: no thread %u",
				  o->q.thread);
	o->c->thread = o->q.thread;
	o->lists_fd = tg_packet_take_fd(in, 0);
	return take_lists(o);
}

/* --- it is made --- */

/*
 * What it allocates beyond this fails, as on a machine that has no more. Where
 * the limit cannot be set the OOM killer takes the copy first.
 */
static void limit_memory(const struct opening *o)
{
	HS_CLOSE int fd = tg_proc_open(o->c->pid, "statm", O_RDONLY);
	struct rlimit lim = { 0 };
	char text[64] = "";
	uint64_t pages;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return;
	pages = strtoull(text, NULL, 10);
	if (!pages || prlimit(o->c->pid, RLIMIT_AS, NULL, &lim))
		return;
	lim.rlim_cur = pages * 4096 + ((rlim_t)o->q.room_mib << 20);
	for (uint32_t i = 0; i < o->q.n_maps; i++)
		lim.rlim_cur += o->maps[i].len;
	if (lim.rlim_max != RLIM_INFINITY && lim.rlim_cur > lim.rlim_max)
		lim.rlim_cur = lim.rlim_max;
	(void)prlimit(o->c->pid, RLIMIT_AS, &lim, NULL);
}

/*
 * What the program may map, and what is ours beside it. Where the limit cannot
 * be raised, the mapping fails and says so.
 */
static void make_room(const struct opening *o)
{
	static const __rlimit_resource_t of[] = { RLIMIT_AS, RLIMIT_DATA };
	rlim_t ours = 0;

	for (uint32_t i = 0; i < o->q.n_maps; i++)
		ours += o->maps[i].len;
	for (size_t i = 0; i < HS_ARRAY_SIZE(of); i++) {
		struct rlimit lim;

		if (prlimit(o->c->pid, of[i], NULL, &lim) ||
		    lim.rlim_cur > RLIM_INFINITY - ours)
			continue;
		lim.rlim_cur += ours;
		if (lim.rlim_max < lim.rlim_cur)
			lim.rlim_max = lim.rlim_cur;
		(void)prlimit(o->c->pid, of[i], &lim, NULL);
	}
}

static struct hs_err *map_call(const struct opening *o, struct tg_call call,
			       const char *what, int64_t expected)
{
	int64_t result;
	enum tg_end end =
		tg_clone_call(o->t, o->h, o->c->pid, call, &result);

	if (end != TG_DONE)
		return hs_err_new(HS_ERR_OTHER, "%s copy %d: it does not "
				  "answer", what, o->c->pid);
	if (result < 0 && result > -4096)
		return hs_err_os((int)-result, "%s copy %d", what, o->c->pid);
	if (result != expected)
		return hs_err_new(HS_ERR_OTHER, "%s copy %d: the place is "
				  "taken", what, o->c->pid);
	return NULL;
}

static struct hs_err *fill_map(const struct opening *o,
			       const struct wr_tracer_map *m, uint64_t from)
{
	HS_FREE uint8_t *buf = hs_xalloc(m->bytes + 1);
	struct hs_err *err = tg_memfd_read(o->lists_fd, from, buf, m->bytes);

	if (!err && m->bytes &&
	    !tg_mem_write(o->c->mem_fd, m->addr, buf, m->bytes))
		err = hs_err_os(errno, "write into copy %d", o->c->pid);
	return err;
}

/*
 * What is shared does not count as the program's data, of which it may have no
 * more (RLIMIT_DATA); and nobody else has it, since a copy makes no child.
 */
static struct hs_err *make_map(const struct opening *o,
			       const struct wr_tracer_map *m, uint64_t from)
{
	struct tg_call map = {
		.nr = SYS_mmap,
		.args = { m->addr, m->len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				  MAP_FIXED_NOREPLACE,
			  ~UINT64_C(0), 0 },
	};
	struct tg_call protect = {
		.nr = SYS_mprotect,
		.args = { m->addr, m->len, m->prot },
	};
	struct hs_err *err =
		map_call(o, map, "map memory into", (int64_t)m->addr);

	if (err && err->errnum == ENOMEM) {
		hs_err_free(err);
		map.args[3] ^= MAP_PRIVATE | MAP_SHARED;
		err = map_call(o, map, "map memory into", (int64_t)m->addr);
	}
	if (!err)
		err = fill_map(o, m, from);
	if (!err && m->prot != (PROT_READ | PROT_WRITE))
		err = map_call(o, protect, "protect memory of", 0);
	return err;
}

static struct hs_err *make_maps(const struct opening *o)
{
	uint64_t from = o->content;
	struct hs_err *err = NULL;

	for (uint32_t i = 0; !err && i < o->q.n_maps; i++) {
		err = make_map(o, &o->maps[i], from);
		from += o->maps[i].bytes;
	}
	return err;
}

/* kill() and its like name it by this. */
static void ask_name(const struct opening *o)
{
	struct tg_call who = { .nr = SYS_gettid };
	int64_t tid;

	o->c->self = o->c->pid;
	if (tg_clone_call(o->t, o->h, o->c->pid, who, &tid) == TG_DONE &&
	    tid > 0)
		o->c->self = (pid_t)tid;
}

static struct hs_err *fill(struct opening *o)
{
	struct tg_guest *c = o->c;
	struct hs_err *err;

	c->mem_fd = tg_proc_open(c->pid, "mem", O_RDWR);
	if (c->mem_fd < 0)
		return hs_err_os(-c->mem_fd, "open memory of copy %d", c->pid);
	if (clock_getcpuclockid(c->pid, &c->clock))
		return hs_err_new(HS_ERR_OTHER, "copy %d has ended", c->pid);
	if (!tg_clone_confine(o->t, o->h, c->pid, c->ranges, o->q.n_shared))
		return hs_err_new(HS_ERR_REFUSED,
				  "copy %d: memory shared with others could "
				  "not be closed", c->pid);
	make_room(o);
	err = make_maps(o);
	if (!err && !tg_clone_write(c->mem_fd, o->writes, o->q.n_writes))
		err = hs_err_os(errno, "write into copy %d", c->pid);
	if (!err) {
		ask_name(o);
		limit_memory(o);
	}
	return err;
}

static struct hs_err *reply(const struct opening *o, uint64_t start,
			    struct tg_packet *out)
{
	int fd = tg_proc_open(o->c->pid, "mem", O_RDWR);
	struct wr_tracer_guest_made r;

	if (fd < 0)
		return hs_err_os(-fd, "open memory of copy %d", o->c->pid);
	tg_packet_add_fd(out, fd);
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.guest = o->c->id;
	r.pid = o->c->pid;
	r.clone_ns = hs_now_ns() - start;
	memcpy(out->bytes, &r, sizeof(r));
	return NULL;
}

static struct hs_err *open_copy(struct opening *o, struct tg_packet *out)
{
	uint64_t start = hs_now_ns();
	struct tg_held *h = o->h;
	struct hs_err *err;

	o->c->parent = h->eval ? h->eval : h->snap;
	err = tg_clone_of(o->t, h, o->c->parent, &o->c->pid);
	if (!err)
		err = fill(o);
	if (err)
		return err;
	o->c->id = ++o->t->last_id;
	return reply(o, start, out);
}

struct hs_err *tg_do_guest(struct tg_tracer *t, struct tg_packet *in,
			  struct tg_packet *out)
{
	struct opening o = { .t = t, .lists_fd = -1 };
	struct hs_err *err;

	o.c = hs_xalloc(sizeof(*o.c));
	o.c->mem_fd = -1;
	err = take_request(&o, in);
	if (!err)
		err = open_copy(&o, out);
	hs_close_p(&o.lists_fd);
	free(o.writes);
	if (!err)
		hs_vec_push(&o.h->guests, o.c);
	else if (o.h)
		tg_guest_end(t, o.h, o.c);
	else
		guest_free(o.c, 0);
	return err;
}

struct hs_err *tg_do_guest_end(struct tg_tracer *t, struct tg_packet *in,
			      struct tg_packet *out)
{
	struct wr_tracer_status status = { 0 };
	struct wr_tracer_guest_end q;
	struct tg_held *h;
	struct tg_guest *c;

	memcpy(&q, in->bytes, sizeof(q));
	if (in->head.size != sizeof(q))
		return hs_err_new(HS_ERR_FORMAT, "end a copy: wrong request");
	c = tg_guest_find(t, q.guest, &h);
	if (c)
		tg_guest_end(t, h, c);
	out->head.size = sizeof(out->head) + sizeof(status);
	memcpy(out->bytes + sizeof(out->head), &status, sizeof(status));
	return NULL;
}
