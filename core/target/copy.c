// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tg_packet.h"
#include "tg_proc.h"

/*
 * The second rung. All threads stand still while what the program has written
 * is copied: no call is made in it, so that this is also for those that filter
 * calls, or have no room for another process. Should the tracer die, the kernel
 * lets them go.
 *
 * What is copied is told by pagemap: of writable mappings each page that is
 * there, of others those that are not the file's any more (relocated tables,
 * memory that was closed). The rest can be read from the files later. The one
 * text that the tracer reads is the kernel's own, maps.
 */
enum {
	PAGE = 4096,
	ENTRIES = 4096,		/* of pagemap, read at once */
	PIECE = 1 << 20,	/* bytes between looks at the time */
};
/* Linux, Documentation/admin-guide/mm/pagemap.rst */
static const uint64_t PRESENT = UINT64_C(3) << 62;	/* or swapped */
static const uint64_t OF_FILE = UINT64_C(1) << 61;

struct copying {
	struct tg_tracer *t;
	struct wr_tracer_copy q;
	struct tg_stop stop;
	struct hs_text text;	/* of maps */
	struct tg_maps maps;
	char *to;		/* q.bytes of room */
	uint64_t used;
	HS_VEC(struct wr_tracer_range) pieces;	/* one after the other in to */
	uint64_t deadline_ns, taken_ns;
	int memfd, mem_fd, pagemap_fd;
};

static void copying_deinit(struct copying *c)
{
	if (c->to)
		munmap(c->to, c->q.bytes);
	hs_text_deinit(&c->text);
	tg_maps_deinit(&c->maps);
	hs_vec_deinit(&c->pieces);
	tg_stop_deinit(&c->stop);
	hs_close_p(&c->stop.pidfd);
	hs_close_p(&c->memfd);
	hs_close_p(&c->mem_fd);
	hs_close_p(&c->pagemap_fd);
}

/* Bytes from the start that could be read. */
static uint64_t read_some(struct copying *c, uint64_t addr, void *to,
			  uint64_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };
	ssize_t got = process_vm_readv(c->q.pid, &local, 1, &remote, 1, 0);

	if (got > 0)
		return (uint64_t)got;
	// What was closed with PROT_NONE can still be read this way.
	got = pread(c->mem_fd, to, len < PAGE ? len : PAGE, (off_t)addr);
	return got > 0 ? (uint64_t)got : 0;
}

static void add_piece(struct copying *c, uint64_t start, uint64_t len)
{
	struct wr_tracer_range r = { start, start + len };

	c->used += len;
	if (c->pieces.n && c->pieces.v[c->pieces.n - 1].end == start)
		c->pieces.v[c->pieces.n - 1].end += len;
	else
		hs_vec_push(&c->pieces, r);
}

static struct hs_err *copy_range(struct copying *c, uint64_t start,
				 uint64_t end)
{
	while (start < end) {
		uint64_t want = end - start < PIECE ? end - start : PIECE, got;

		if (c->q.bytes - c->used < want)
			return hs_err_new(HS_ERR_TIMEOUT,
					  "copy process %d: it has grown "
					  "meanwhile", c->q.pid);
		if (hs_now_ns() >= c->deadline_ns)
			return hs_err_new(HS_ERR_REFUSED,
					  "copy process %d: it takes longer "
					  "than the limit for its pause",
					  c->q.pid);
		got = read_some(c, start, c->to + c->used, want);
		got -= got % PAGE;
		if (got)
			add_piece(c, start, got);
		// A page that cannot be read (a device's) is a hole.
		start += got ? got : PAGE;
	}
	return NULL;
}

static bool is_wanted(const struct tg_map *m, uint64_t entry)
{
	return entry & PRESENT && (m->prot[1] == 'w' || !(entry & OF_FILE));
}

/* n pages from start on, of which entries tell. */
static struct hs_err *copy_pages(struct copying *c, const struct tg_map *m,
				 uint64_t start, const uint64_t *entries,
				 size_t n)
{
	struct hs_err *err = NULL;
	size_t from = 0, i;

	for (i = 0; !err && i <= n; i++) {
		if (i < n && is_wanted(m, entries[i]))
			continue;
		if (i > from)
			err = copy_range(c, start + from * PAGE,
					 start + i * PAGE);
		from = i + 1;
	}
	return err;
}

static struct hs_err *copy_mapping(struct copying *c, const struct tg_map *m)
{
	uint64_t entries[ENTRIES];
	uint64_t at = m->start;

	while (at < m->end) {
		size_t n = (m->end - at) / PAGE;
		struct hs_err *err;
		ssize_t got;

		n = n < ENTRIES ? n : ENTRIES;
		got = pread(c->pagemap_fd, entries, n * sizeof(*entries),
			    (off_t)(at / PAGE * sizeof(*entries)));
		if (got < (ssize_t)sizeof(*entries))
			return NULL;	// [vsyscall], which is nobody's
		n = (size_t)got / sizeof(*entries);
		err = copy_pages(c, m, at, entries, n);
		if (err)
			return err;
		at += n * PAGE;
	}
	return NULL;
}

static uint64_t wall_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct hs_err *copy_all(struct copying *c)
{
	struct hs_err *err;

	c->taken_ns = wall_clock_ns();
	if (!tg_read_proc(c->q.pid, "maps", &c->text))
		return hs_err_os(errno, "read mappings of process %d",
				 c->q.pid);
	err = tg_maps_read(c->q.pid, &c->maps);
	for (size_t i = 0; !err && i < c->maps.v.n; i++) {
		if (c->maps.v.v[i].end <= INT64_MAX)
			err = copy_mapping(c, &c->maps.v.v[i]);
	}
	return err;
}

static struct hs_err *take_request(struct copying *c, struct tg_packet *in)
{
	memcpy(&c->q, in->bytes, sizeof(c->q));
	c->stop.pid = c->q.pid;
	c->stop.pidfd = tg_packet_take_fd(in, 0);
	c->memfd = tg_packet_take_fd(in, 1);
	if (in->head.size != sizeof(c->q) || c->q.pid <= 0 || !c->q.stop_ms ||
	    !c->q.bytes || c->q.bytes > INT64_MAX || c->memfd < 0 ||
	    c->stop.pidfd < 0 ||
	    lseek(c->memfd, 0, SEEK_END) < (off_t)c->q.bytes)
		return hs_err_new(HS_ERR_FORMAT, "copy: wrong request");
	// The pages are there already; here they are mapped, before the stop.
	c->to = mmap(NULL, c->q.bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, c->memfd, 0);
	if (c->to == MAP_FAILED) {
		c->to = NULL;
		return hs_err_os(errno, "copy process %d: map %llu bytes",
				 c->q.pid, (unsigned long long)c->q.bytes);
	}
	c->mem_fd = tg_proc_open(c->q.pid, "mem", O_RDONLY);
	c->pagemap_fd = tg_proc_open(c->q.pid, "pagemap", O_RDONLY);
	if (c->mem_fd < 0 || c->pagemap_fd < 0)
		return hs_err_new(HS_ERR_DENIED, "copy process %d: its memory "
				  "is not open to us", c->q.pid);
	if (!tg_process_lives(c->stop.pidfd))
		return hs_err_new(HS_ERR_GONE, "copy process %d: it has ended",
				  c->q.pid);
	return NULL;
}

static struct hs_err *reply(struct copying *c, struct tg_packet *out)
{
	struct wr_tracer_copied r;
	struct hs_err *err;
	int fd;

	err = tg_memfd_create(&fd);
	if (err)
		return err;
	tg_packet_add_fd(out, fd);
	err = tg_write_threads(&c->stop, fd);
	if (!err)
		err = tg_packet_add_bytes(out, c->pieces.v,
					  c->pieces.n * sizeof(*c->pieces.v));
	if (!err)
		err = tg_packet_add_bytes(out, c->text.s, c->text.len);
	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.n_threads = (uint32_t)c->stop.tasks.n;
	r.n_pieces = c->pieces.n;
	r.maps_bytes = c->text.len;
	r.pause_ns = c->stop.ended_ns - c->stop.started_ns;
	r.taken_ns = c->taken_ns;
	memcpy(out->bytes, &r, sizeof(r));
	return err;
}

struct hs_err *tg_do_copy(struct tg_tracer *t, struct tg_packet *in,
			  struct tg_packet *out)
{
	struct copying c = { .t = t, .memfd = -1, .mem_fd = -1,
			     .pagemap_fd = -1 };
	struct hs_err *err = take_request(&c, in);

	if (!err)
		err = tg_stop_all(t, &c.stop,
				  UINT64_C(1) * c.q.stop_ms * TG_MS);
	if (!err) {
		c.deadline_ns = c.stop.started_ns + c.q.max_ns;
		err = copy_all(&c);
		tg_stop_end(t, &c.stop);
	}
	if (!err)
		err = reply(&c, out);
	copying_deinit(&c);
	return err;
}
