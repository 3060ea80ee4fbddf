// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The instructions that a thread is made to run are looked for in the files
 * that are mapped executable, not in the process: reading its memory would
 * bring in pages that it has not touched. The tracer compares the few bytes
 * themselves before it uses them, so a file that is not the mapped one can
 * mislead us but not the target.
 */
enum {
	CHUNK = 1 << 20,
	OVERLAP = TG_GADGET_BYTES - 1,
};

static int open_checked(const char *path, const struct tg_map *m)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	// maps and stat may disagree on the device (overlayfs, btrfs).
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
			st.st_ino != m->inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* map_files needs privileges, but knows deleted files; else by name. */
static int open_mapped(int pid, const struct tg_maps *maps,
		       const struct tg_map *m)
{
	HS_TEXT path = { 0 };
	int fd;

	hs_text_addf(&path, "/proc/%d/map_files/%llx-%llx", pid,
		     (unsigned long long)m->start, (unsigned long long)m->end);
	fd = open_checked(hs_text_str(&path), m);
	if (fd >= 0)
		return fd;
	hs_text_clear(&path);
	hs_text_addf(&path, "/proc/%d/root%s", pid, tg_map_path(maps, m));
	fd = open_checked(hs_text_str(&path), m);
	if (fd >= 0)
		return fd;
	hs_text_clear(&path);
	hs_text_addf(&path, "/proc/%d/exe", pid);
	return open_checked(hs_text_str(&path), m);
}

static void look_in(const uint8_t *text, size_t n, uint64_t addr,
		    struct tg_gadgets *g)
{
	int64_t at;

	// The tracer compares TG_GADGET_BYTES, which must be mapped as well.
	if (!g->syscall_ret) {
		at = tg_arch_find_syscall_ret(text, n);
		if (at >= 0 && (size_t)at + TG_GADGET_BYTES <= n)
			g->syscall_ret = addr + (uint64_t)at;
	}
	if (!g->restore_rt) {
		at = tg_arch_find_restore_rt(text, n);
		if (at >= 0 && (size_t)at + TG_GADGET_BYTES <= n)
			g->restore_rt = addr + (uint64_t)at;
	}
}

static void search(int fd, const struct tg_map *m, uint8_t *buf,
		   struct tg_gadgets *g)
{
	uint64_t size = m->end - m->start;

	for (uint64_t at = 0; at < size; at += CHUNK - OVERLAP) {
		uint64_t left = size - at;
		ssize_t n = pread(fd, buf, left < CHUNK ? left : CHUNK,
				  (off_t)(m->offset + at));

		if (n <= 0)
			return;
		look_in(buf, (size_t)n, m->start + at, g);
		if (g->syscall_ret && g->restore_rt)
			return;
	}
}

static bool is_text(const struct tg_map *m)
{
	return m->prot[0] == 'r' && m->prot[2] == 'x' && m->prot[3] == 'p' &&
	       m->inode;
}

/* libc.so.6, libc-2.31.so, ld-musl-x86_64.so.1: they have both. */
static bool is_libc(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-", 5) ||
	       !strncmp(name, "ld-musl", 7);
}

struct hs_err *tg_find_gadgets(int pid, const struct tg_maps *maps,
			       struct tg_gadgets *ret)
{
	HS_FREE uint8_t *buf = hs_xalloc(CHUNK);
	struct tg_gadgets g = { 0 };

	for (int libc = 1; libc >= 0; libc--) {
		for (size_t i = 0; i < maps->v.n; i++) {
			const struct tg_map *m = &maps->v.v[i];
			HS_CLOSE int fd = -1;

			if (!is_text(m) ||
			    is_libc(tg_map_path(maps, m)) != libc)
				continue;
			fd = open_mapped(pid, maps, m);
			if (fd >= 0)
				search(fd, m, buf, &g);
			if (g.syscall_ret && g.restore_rt) {
				*ret = g;
				return NULL;
			}
		}
	}
	return hs_err_new(HS_ERR_UNSUPPORTED,
			  "attach to %d: no file that it has mapped holds the "
			  "instructions that a freeze needs", pid);
}
