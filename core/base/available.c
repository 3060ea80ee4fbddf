// SPDX-License-Identifier: Apache-2.0
// How much memory may we use? Linux, Documentation/filesystems/proc.rst
// (meminfo) and Documentation/admin-guide/cgroup-v{1/memory,2}.rst.
#include "budget_priv.h"

#include "task.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The names under which both versions of control groups keep three numbers. */
struct group_files {
	const char *mount, *limit, *used, *cache_key;
};
static const struct group_files files_v1 = {
	"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
	"memory.usage_in_bytes", "total_inactive_file "
};
static const struct group_files files_v2[] = {
	{ "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file " },
	{ "/sys/fs/cgroup/unified", "memory.max", "memory.current",
	  "inactive_file " },
};

/* Start of a kernel's text file, NUL-terminated; false when unreadable. */
static bool read_start(const char *path, char *buf, size_t size)
{
	HS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	do {
		got = read(fd, buf + len, size - 1 - len);
		if (got > 0)
			len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	buf[len] = '\0';
	return got == 0;
}

/* Number behind key at the start of a line; false when there is none. */
static bool find_number(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);
	const char *line = text;
	char *end;

	while (strncmp(line, key, len)) {
		line = strchr(line, '\n');
		if (!line)
			return false;
		line++;
	}
	errno = 0;
	*ret = strtoull(line + len, &end, 10);
	return !errno && end != line + len;
}

static bool group_number(const char *dir, const char *file, const char *key,
			 uint64_t *ret)
{
	HS_FREE char *path = hs_xasprintf("%s/%s", dir, file);
	char buf[8192];

	return read_start(path, buf, sizeof(buf)) &&
	       find_number(buf, key, ret);
}

/* Bytes left in one group. "max", an unreadable file: no limit here. */
static uint64_t group_left(const char *dir, const struct group_files *f)
{
	uint64_t limit, used, cache = 0;

	if (!group_number(dir, f->limit, "", &limit) ||
	    !group_number(dir, f->used, "", &used))
		return UINT64_MAX;
	// File pages that nobody used lately are given up before anyone dies.
	if (group_number(dir, "memory.stat", f->cache_key, &cache))
		used -= cache < used ? cache : used;
	return used < limit ? limit - used : 0;
}

/* The least of all groups from path, which is cut down, up to the mount. */
static uint64_t groups_left(const char *root, const struct group_files *f,
			    char *path)
{
	uint64_t least = UINT64_MAX, left;
	HS_TEXT dir = { 0 };
	char *slash;

	for (;;) {
		hs_text_clear(&dir);
		hs_text_addf(&dir, "%s%s%s", root, f->mount, path);
		left = group_left(hs_text_str(&dir), f);
		least = left < least ? left : least;
		slash = strrchr(path, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* One line of /proc/self/cgroup: "4:memory:/a/b" (v1) or "0::/a/b" (v2). */
static uint64_t line_left(const char *root, char *line)
{
	char *names = strchr(line, ':');
	char *path = names ? strchr(names + 1, ':') : NULL;
	uint64_t least = UINT64_MAX, left;
	size_t i;

	if (!path)
		return UINT64_MAX;
	*names++ = '\0';
	*path++ = '\0';
	if (!strcmp(names, "memory"))
		return groups_left(root, &files_v1, path);
	if (*names)
		return UINT64_MAX;
	for (i = 0; i < HS_ARRAY_SIZE(files_v2); i++) {
		HS_FREE char *copy = hs_xstrdup(path);

		left = groups_left(root, &files_v2[i], copy);
		least = left < least ? left : least;
	}
	return least;
}

uint64_t hs_memory_available(const char *root)
{
	HS_FREE char *meminfo = hs_xasprintf("%s/proc/meminfo", root);
	HS_FREE char *groups = hs_xasprintf("%s/proc/self/cgroup", root);
	uint64_t least = UINT64_MAX, left;
	char buf[8192], *line, *save;

	if (read_start(meminfo, buf, sizeof(buf)) &&
	    find_number(buf, "MemAvailable:", &left) &&
	    !hs_mul_overflows(left, 1024, &left))
		least = left;
	if (!read_start(groups, buf, sizeof(buf)))
		return least;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		left = line_left(root, line);
		least = left < least ? left : least;
	}
	return least;
}

uint64_t hs_budget_default(void)
{
	uint64_t available = hs_memory_available("");

	return available == UINT64_MAX ? 0 : available / 2;
}
