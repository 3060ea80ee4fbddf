// SPDX-License-Identifier: Apache-2.0
// The files behind a process's modules. A path in maps is a name in the
// process's own mount namespace, and may name another file by now.
#include "image_priv.h"
#include "symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <gelf.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Open for looking only (O_PATH): neither a device nor a fifo notices. */
static int open_path(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		// A link in a container is followed in the container.
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return (int)fd;
	// Linux before 5.6, or a seccomp filter that does not know the call:
	// the caller compares inode or build id in any case.
	while (*path == '/')
		path++;
	return openat(root, path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
}

int im_open_regular(const char *root, const char *path)
{
	HS_CLOSE int dir = open(root[0] ? root : "/",
				O_PATH | O_DIRECTORY | O_CLOEXEC);
	HS_CLOSE int fd = -1;
	HS_FREE char *again = NULL;
	struct stat st;

	if (dir < 0)
		return -1;
	fd = open_path(dir, path);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -1;
	again = hs_xasprintf("/proc/self/fd/%d", fd);
	return open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

bool im_file_build_id(int fd, char ret[41])
{
	uint8_t notes[2048];
	bool found = false;
	size_t n = 0, i;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_getphdrnum(elf, &n))
		n = 0;
	for (i = 0; i < n && !found; i++) {
		GElf_Phdr ph;
		ssize_t got;

		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_NOTE)
			continue;
		got = pread(fd, notes, ph.p_filesz < sizeof(notes) ?
			    ph.p_filesz : sizeof(notes), (off_t)ph.p_offset);
		found = got > 0 && im_build_id(notes, (size_t)got, ret);
	}
	elf_end(elf);
	return found;
}

static bool is_same_file(int fd, const struct im_loaded *mod)
{
	char id[41];
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (mod->inode && st.st_ino == mod->inode && st.st_dev == mod->dev)
		return true;
	/*
	 * overlayfs and btrfs show another device in maps than stat() does,
	 * and a core tells no inode.
	 */
	return mod->pub.build_id[0] && im_file_build_id(fd, id) &&
	       !strcmp(id, mod->pub.build_id);
}

static int take_if_same(int fd, const struct im_loaded *mod)
{
	if (fd < 0 || is_same_file(fd, mod))
		return fd;
	close(fd);
	return -1;
}

static int open_below(int pid, const struct im_loaded *mod)
{
	HS_FREE char *root = pid ? hs_xasprintf("/proc/%d/root", pid) :
				   hs_xstrdup("");

	return take_if_same(im_open_regular(root, mod->pub.path), mod);
}

/** By what the kernel itself holds open: also a file without a name. */
static int open_mapped(int pid, const struct im_loaded *mod)
{
	HS_FREE char *map = hs_xasprintf("/proc/%d/map_files/%llx-%llx", pid,
					 (unsigned long long)mod->pub.start,
					 (unsigned long long)mod->first_end);
	HS_FREE char *exe = hs_xasprintf("/proc/%d/exe", pid);
	int fd = take_if_same(open(map, O_RDONLY | O_CLOEXEC), mod);

	// map_files asks for CAP_CHECKPOINT_RESTORE, exe does not.
	return fd >= 0 ? fd : take_if_same(open(exe, O_RDONLY | O_CLOEXEC),
					   mod);
}

int im_open_module(struct im_image *im, const struct im_loaded *mod)
{
	const int pids[] = { im->root_pid, im->info.pid };
	size_t i, n = im->root_pid ? HS_ARRAY_SIZE(pids) : 1;
	int fd;

	if (mod->pub.path[0] != '/')
		return -1;
	// The clone first: it may have outlived the program, or the reverse.
	for (i = 0; i < n; i++) {
		fd = open_below(pids[i], mod);
		if (fd < 0 && pids[i])
			fd = open_mapped(pids[i], mod);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

int im_open_debug(struct im_image *im, const char *build_id)
{
	HS_FREE char *path = NULL, *root = NULL;
	int fd = -1;

	if (strlen(build_id) < 4)
		return -1;
	path = hs_xasprintf("/usr/lib/debug/.build-id/%.2s/%s.debug", build_id,
			    build_id + 2);
	if (im->root_pid) {
		root = hs_xasprintf("/proc/%d/root", im->root_pid);
		fd = im_open_regular(root, path);
	}
	return fd >= 0 ? fd : im_open_regular("", path);
}

enum im_debug im_debug(struct im_image *im, const struct im_module *module)
{
	size_t i = (size_t)(module - im->modules);
	HS_CLOSE int file = im_open_module(im, &im->loaded[i]);
	HS_CLOSE int debug = im_open_debug(im, module->build_id);
	enum im_debug a, b;

	a = file < 0 ? IM_DEBUG_NONE : im_debug_of_file(file);
	b = debug < 0 ? IM_DEBUG_NONE : im_debug_of_file(debug);
	return a > b ? a : b;
}
