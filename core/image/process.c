// SPDX-License-Identifier: Apache-2.0
// Bytes of a process. One that runs: process_vm_readv, and where that fails
// /proc/PID/mem, which also reads PROT_NONE pages (FOLL_FORCE). A frozen clone:
// /proc/PID/mem alone. There process_vm_readv, from Linux 5.19, pins each page
// and so gives the clone a copy of its own of every page that it shares with
// the program: at half the speed (2.3 GB/s against 4.9 on 6.18), and for as
// much memory again as the program has.
#include "image_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum {
	/*
	 * Bytes asked for at once: measured best of 64 KiB to 16 MiB. A larger
	 * copy leaves the second-level cache.
	 */
	PIECE = 1 << 20,
	/* What is read through /proc/PID/mem before the fast way is tried
	 * again: a hole in a range costs one more call a piece. */
	SLOW_PIECE = 1 << 16,
	MAPS_LIMIT = 256 << 20,	/* bytes: over two million mappings */
	COMMAND_MAX = 4096,
};

struct im_process {
	int pid;
	int mem_fd;		/* bound to the memory, not to the number */
	int pidfd;		/* -1: the kernel has none (before 5.3) */
	bool shares;		/* its pages with the program: see above */
	atomic_bool refused;	/* process_vm_readv is not permitted */
};

static uint64_t process_read(void *ctx, uint64_t addr, void *buf, uint64_t len);
static void process_destroy(void *ctx);

const struct im_source im_process_source = { process_read, process_destroy };

/** Has it ended? Then its number may be another's already. */
static bool has_ended(const struct im_process *p)
{
	struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };

	return p->pidfd >= 0 && poll(&fd, 1, 0) != 0;
}

static uint64_t read_fast(struct im_process *p, uint64_t addr, void *buf,
			  uint64_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };
	ssize_t got;

	if (atomic_load_explicit(&p->refused, memory_order_relaxed))
		return 0;
	got = process_vm_readv(p->pid, &local, 1, &remote, 1, 0);
	if (got > 0)
		return (uint64_t)got;
	// Not "not mapped": it will not be better next time.
	if (got < 0 && (errno == EPERM || errno == ENOSYS || errno == ESRCH))
		atomic_store_explicit(&p->refused, true, memory_order_relaxed);
	return 0;
}

static uint64_t read_slow(struct im_process *p, uint64_t addr, void *buf,
			  uint64_t len)
{
	ssize_t got;

	// Addresses of the upper half are no file offsets ([vsyscall]).
	if (addr > INT64_MAX)
		return 0;
	do
		got = pread(p->mem_fd, buf, len, (off_t)addr);
	while (got < 0 && errno == EINTR);
	return got > 0 ? (uint64_t)got : 0;
}

/** Up to the first hole. */
static uint64_t read_shared(struct im_process *p, uint64_t addr, void *buf,
			    uint64_t len)
{
	uint64_t done = 0, want, got;

	while (done < len) {
		want = len - done < PIECE ? len - done : PIECE;
		got = read_slow(p, addr + done, (char *)buf + done, want);
		done += got;
		if (got < want)
			break;
	}
	return done;
}

static uint64_t process_read(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	struct im_process *p = ctx;
	uint64_t done = 0;

	// Its number may be another's by now, but its memory is not.
	if (p->shares)
		return read_shared(p, addr, buf, len);
	while (done < len) {
		uint64_t want = len - done, got;
		char *to = (char *)buf + done;

		want = want < PIECE ? want : PIECE;
		got = read_fast(p, addr + done, to, want);
		done += got;
		if (got == want)
			continue;
		/*
		 * The call stops where an iovec or, in practice, a page cannot
		 * be read. What follows is a PROT_NONE page, which the other
		 * way reads, or a hole.
		 */
		want -= got;
		want = want < SLOW_PIECE ? want : SLOW_PIECE;
		got = read_slow(p, addr + done, to + got, want);
		done += got;
		if (!got)
			break;
	}
	// Asked afterwards: an answer of "alive" then covers the reads.
	return done && has_ended(p) ? 0 : done;
}

static void process_destroy(void *ctx)
{
	struct im_process *p = ctx;

	if (p->mem_fd >= 0)
		close(p->mem_fd);
	if (p->pidfd >= 0)
		close(p->pidfd);
	free(p);
}

struct hs_err *im_process_create(int pid, int mem_fd, struct im_process **ret)
{
	struct im_process *p = hs_xalloc(sizeof(*p));

	p->pid = pid;
	p->mem_fd = mem_fd;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0 && errno == ESRCH) {
		process_destroy(p);
		return hs_err_new(HS_ERR_GONE, "open process %d: it has ended",
				  pid);
	}
	*ret = p;
	return NULL;
}

char *im_process_command(int pid)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/cmdline", pid);
	HS_FREE char *raw = NULL;
	struct hs_err *err;
	size_t n, i;

	err = im_slurp(path, COMMAND_MAX, &raw, &n);
	if (err) {
		hs_err_free(err);
		return hs_xstrdup("");
	}
	while (n && !raw[n - 1])
		n--;
	for (i = 0; i < n; i++) {
		if (!raw[i])
			raw[i] = ' ';
	}
	return hs_xstrndup(raw, n);
}

uint64_t im_process_rss(int pid)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/statm", pid);
	HS_FREE char *raw = NULL;
	struct hs_err *err;
	uint64_t pages = 0;
	size_t n, i;

	err = im_slurp(path, IM_PAGE, &raw, &n);
	if (err) {
		hs_err_free(err);
		return 0;
	}
	for (i = 0; i < n && raw[i] != ' '; i++)
		;
	for (i++; i < n && raw[i] >= '0' && raw[i] <= '9'; i++)
		pages = pages * 10 + (uint64_t)(raw[i] - '0');
	return pages * IM_PAGE;
}

uint64_t im_process_phdr(int pid)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/auxv", pid);
	HS_FREE char *raw = NULL;
	struct hs_err *err;
	uint64_t pair[2];
	size_t n, i;

	err = im_slurp(path, IM_PAGE, &raw, &n);
	if (err) {
		hs_err_free(err);
		return 0;
	}
	for (i = 0; i + sizeof(pair) <= n; i += sizeof(pair)) {
		memcpy(pair, raw + i, sizeof(pair));
		if (pair[0] == AT_PHDR)
			return pair[1];
	}
	return 0;
}

static struct hs_err *read_maps(int pid, struct hs_arena *arena,
				im_mapping_vec *ret)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/maps", pid);
	HS_FREE char *raw = NULL;
	struct hs_err *err;
	size_t n;

	err = im_slurp(path, MAPS_LIMIT, &raw, &n);
	if (err)
		return err;
	im_parse_maps(raw, n, arena, ret);
	if (!ret->n)
		return hs_err_new(HS_ERR_GONE, "open process %d: it has no "
				  "memory (it has ended, or is the kernel's)",
				  pid);
	return NULL;
}

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

struct hs_err *im_open_process(enum im_kind kind, int who, int pid, int mem_fd,
			       const struct im_thread *threads,
			       size_t n_threads, struct im_image **ret)
{
	struct im_make make = {
		.info = { kind, who, 8, true, realtime_ns(), NULL, 0 },
		.threads = threads, .n_threads = n_threads,
		.source = im_process_source, .root_pid = pid,
	};
	HS_FREE char *command = im_process_command(who);
	struct hs_arena arena = { 0 };
	im_mapping_vec maps = { 0 };
	struct im_process *p;
	struct hs_err *err;

	err = im_process_create(pid, mem_fd, &p);
	if (err)
		return err;
	err = read_maps(pid, &arena, &maps);
	if (err) {
		process_destroy(p);
	} else {
		p->shares = kind == IM_CLONE && mem_fd >= 0;
		make.info.command = command;
		make.info.rss = im_process_rss(who);
		make.ctx = p;
		make.maps = maps.v;
		make.n_maps = maps.n;
		make.phdr = im_process_phdr(pid);
		err = im_make(&make, ret);
	}
	hs_vec_deinit(&maps);
	hs_arena_deinit(&arena);
	return err;
}
