// SPDX-License-Identifier: Apache-2.0
// Memory of a process that was copied while it stood still. What was not
// copied had not been written: of files it is read from the process itself (a
// file's own pages do not change), of anonymous memory it was zero.
#include "image_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct piece {
	uint64_t start, end;
	const char *bytes;
};

struct copy {
	int mem_fd;		/* /proc/PID/mem of the process, or -1 */
	char *bytes;		/* the whole of the memory file */
	size_t size;
	struct piece *v;	/* sorted, disjoint */
	size_t n;
	struct hs_arena arena;	/* of paths in maps */
	im_mapping_vec maps;	/* sorted, disjoint */
};

static void copy_destroy(void *ctx)
{
	struct copy *c = ctx;

	if (c->bytes)
		munmap(c->bytes, c->size);
	hs_close_p(&c->mem_fd);
	hs_vec_deinit(&c->maps);
	hs_arena_deinit(&c->arena);
	free(c->v);
	free(c);
}

/** The first piece that ends behind addr; n when there is none. */
static size_t piece_at(const struct copy *c, uint64_t addr)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct im_mapping *mapping_at(const struct copy *c, uint64_t addr)
{
	size_t lo = 0, hi = c->maps.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->maps.v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->maps.n && c->maps.v[lo].start <= addr ?
		       &c->maps.v[lo] : NULL;
}

/** Bytes at addr that are in no piece; at most len, up to the mapping's end. */
static uint64_t read_rest(const struct copy *c, uint64_t addr, void *buf,
			  uint64_t len)
{
	const struct im_mapping *m = mapping_at(c, addr);
	ssize_t got;

	if (!m || m->shared)
		return 0;
	len = len < m->end - addr ? len : m->end - addr;
	if (!m->inode && !m->path[0]) {
		memset(buf, 0, len);
		return len;
	}
	// A private page that may have been written since tells nothing.
	if (m->prot & PROT_WRITE || addr > INT64_MAX)
		return 0;
	do
		got = pread(c->mem_fd, buf, len, (off_t)addr);
	while (got < 0 && errno == EINTR);
	return got > 0 ? (uint64_t)got : 0;
}

static uint64_t copy_read(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	const struct copy *c = ctx;
	uint64_t done = 0;

	while (done < len) {
		uint64_t at = addr + done, want = len - done, got;
		size_t i = piece_at(c, at);
		const struct piece *p = i < c->n ? &c->v[i] : NULL;

		if (p && p->start <= at) {
			got = want < p->end - at ? want : p->end - at;
			memcpy((char *)buf + done, p->bytes + (at - p->start),
			       got);
		} else {
			if (p && want > p->start - at)
				want = p->start - at;
			got = read_rest(c, at, (char *)buf + done, want);
		}
		if (!got)
			break;
		done += got;
	}
	return done;
}

static struct hs_err *map_bytes(struct copy *c, const struct im_copy *in)
{
	struct stat st;
	void *p;

	if (fstat(in->fd, &st) || st.st_size <= 0)
		return hs_err_new(HS_ERR_FORMAT, "open the copy of process %d: "
				  "it is empty", in->pid);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, in->fd, 0);
	if (p == MAP_FAILED)
		return hs_err_os(errno, "map the copy of process %d", in->pid);
	c->bytes = p;
	c->size = (size_t)st.st_size;
	return NULL;
}

static struct hs_err *take_pieces(struct copy *c, const struct im_copy *in)
{
	uint64_t used = 0;

	c->v = hs_xcalloc(in->n_ranges + 1, sizeof(*c->v));
	c->n = in->n_ranges;
	for (size_t i = 0; i < c->n; i++) {
		uint64_t start = in->ranges[i].start, end = in->ranges[i].end;

		if (start >= end || end - start > c->size - used ||
		    (i && start < c->v[i - 1].end))
			return hs_err_new(HS_ERR_FORMAT, "open the copy of "
					  "process %d: wrong piece %zu",
					  in->pid, i);
		c->v[i] = (struct piece){ start, end, c->bytes + used };
		used += end - start;
	}
	return NULL;
}

struct hs_err *im_open_copy(const struct im_copy *in, struct im_image **ret)
{
	struct im_make make = {
		.info = { IM_COPY, in->pid, 8, true, in->taken_ns, NULL, 0 },
		.threads = in->threads, .n_threads = in->n_threads,
		.source = { copy_read, copy_destroy }, .root_pid = in->pid,
	};
	HS_FREE char *command = im_process_command(in->pid);
	struct copy *c = hs_xalloc(sizeof(*c));
	struct hs_err *err;

	c->mem_fd = in->mem_fd < 0 ? -1 :
				     fcntl(in->mem_fd, F_DUPFD_CLOEXEC, 3);
	im_parse_maps(in->maps, in->maps_bytes, &c->arena, &c->maps);
	err = map_bytes(c, in);
	if (!err)
		err = take_pieces(c, in);
	if (err) {
		copy_destroy(c);
		return err;
	}
	make.ctx = c;
	make.info.command = command;
	make.info.rss = im_process_rss(in->pid);
	make.phdr = im_process_phdr(in->pid);
	make.maps = c->maps.v;
	make.n_maps = c->maps.n;
	return im_make(&make, ret);
}
