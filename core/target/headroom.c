// SPDX-License-Identifier: Apache-2.0
#include "target.h"
#include "tg_proc.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * How much memory and how many tasks the cgroups of a process still allow,
 * this one and all above it: cgroup v2 and both v1 controllers. What cannot
 * be read counts as no limit; the kernel has the last word anyway.
 */

/** Where one kind of controller keeps its numbers. */
struct kind {
	const char *mount;
	const char *limit, *usage, *stat;
	const char *brake;		/* a limit above which it is slowed */
	const char *together;		/* 1: all in it are ended at once */
	const char *reclaimable;	/* key in stat: cache that can go */
	const char *none;		/* what is written for no limit */
};
static const struct kind memory_v2 = {
	.mount = "/sys/fs/cgroup",
	.limit = "memory.max",
	.usage = "memory.current",
	.stat = "memory.stat",
	.brake = "memory.high",
	.together = "memory.oom.group",
	.reclaimable = "inactive_file",
	.none = "max",
};
static const struct kind memory_v1 = {
	.mount = "/sys/fs/cgroup/memory",
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.stat = "memory.stat",
	.reclaimable = "total_inactive_file",
	.none = "-1",
};
static const struct kind pids_v2 = {
	.mount = "/sys/fs/cgroup",
	.limit = "pids.max",
	.usage = "pids.current",
	.none = "max",
};
static const struct kind pids_v1 = {
	.mount = "/sys/fs/cgroup/pids",
	.limit = "pids.max",
	.usage = "pids.current",
	.none = "max",
};

static bool read_number(const char *folder, const char *name, uint64_t *ret)
{
	HS_TEXT path = { 0 };
	HS_TEXT t = { 0 };

	hs_text_addf(&path, "%s/%s", folder, name);
	if (!tg_read_file(hs_text_str(&path), &t) || !t.len ||
	    t.s[0] < '0' || t.s[0] > '9')	// "max"
		return false;
	*ret = strtoull(t.s, NULL, 10);
	return true;
}

/* "key 123" lines, of memory.stat. */
static uint64_t stat_number(const char *folder, const struct kind *k)
{
	HS_TEXT path = { 0 };
	HS_TEXT t = { 0 };
	size_t n = strlen(k->reclaimable);

	hs_text_addf(&path, "%s/%s", folder, k->stat);
	if (!tg_read_file(hs_text_str(&path), &t))
		return 0;
	for (const char *p = t.s; p && *p;) {
		if (!strncmp(p, k->reclaimable, n) && p[n] == ' ')
			return strtoull(p + n, NULL, 10);
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return 0;
}

static uint64_t left_in(const char *folder, const struct kind *k,
			const char *name)
{
	uint64_t limit, usage, cache = 0;

	if (!name || !read_number(folder, name, &limit) ||
	    !read_number(folder, k->usage, &usage))
		return UINT64_MAX;
	if (k->stat)
		cache = stat_number(folder, k);
	usage -= cache < usage ? cache : usage;
	return limit > usage ? limit - usage : 0;
}

/* What one limit of a group leaves, if that is less than what is known. */
static void one_limit(const char *folder, const struct kind *k,
		      const char *name, struct tg_left *ret)
{
	uint64_t left = left_in(folder, k, name);

	// v1 writes "no limit" as a number that is nearly as large.
	if (left >= ret->amount || left >= INT64_MAX / 2)
		return;
	ret->amount = left;
	snprintf(ret->file, sizeof(ret->file), "%s/%s", folder, name);
	ret->none = k->none;
}

/* Of the group of path and those above it: the least, and whose limit it is. */
static void least(const char *path, const struct kind *k, struct tg_left *ret)
{
	uint64_t together;
	HS_TEXT folder = { 0 };
	size_t base = strlen(k->mount);

	// A path that leads out of what we can see ("/../…") is left alone.
	if (strstr(path, ".."))
		return;
	// The top is "/".
	hs_text_addf(&folder, "%s%s", k->mount, strcmp(path, "/") ? path : "");
	for (;;) {
		char *slash = strrchr(folder.s, '/');

		one_limit(folder.s, k, k->limit, ret);
		one_limit(folder.s, k, k->brake, ret);
		if (k->together &&
		    read_number(folder.s, k->together, &together))
			ret->together |= together == 1;
		if (!slash || (size_t)(slash - folder.s) < base)
			break;
		folder.len = (size_t)(slash - folder.s);
		*slash = 0;
	}
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n) {
		if ((p == list || p[-1] == ',') && (!p[n] || p[n] == ','))
			return true;
	}
	return false;
}

/* "4:memory:/a/b", or "0::/a/b" of v2. */
static void add_line(char *line, struct tg_headroom *ret)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return;
	controllers++;
	*path++ = 0;
	if (!*controllers) {
		least(path, &memory_v2, &ret->memory);
		least(path, &pids_v2, &ret->pids);
	} else if (has_word(controllers, "memory")) {
		least(path, &memory_v1, &ret->memory);
	} else if (has_word(controllers, "pids")) {
		least(path, &pids_v1, &ret->pids);
	}
}

void tg_headroom_read(int pid, struct tg_headroom *ret)
{
	HS_TEXT t = { 0 };
	char *line, *next;

	*ret = (struct tg_headroom){ { .amount = UINT64_MAX },
				     { .amount = UINT64_MAX } };
	if (!tg_read_proc(pid, "cgroup", &t))
		return;
	for (line = t.s; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		add_line(line, ret);
	}
}
