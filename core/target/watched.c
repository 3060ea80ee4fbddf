// SPDX-License-Identifier: Apache-2.0
#include "tg_check.h"

#include <dirent.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <unistd.h>

/*
 * A process whose memory is watched by userfaultfd may have asked to be told of
 * each child (UFFD_FEATURE_EVENT_FORK): its clone() then waits in the kernel,
 * where no signal and no tracer ends it, until somebody has read the message.
 * Where that is a thread of its own, it stands still with all the others, and
 * they would for as long as we wait. Whoever can read has the descriptor.
 */

/* Linux, fs/userfaultfd.c, userfaultfd_show_fdinfo(): API:features:all. */
static bool tells_of_forks(int pid, const char *fd)
{
	HS_FREE char *name = hs_xasprintf("fdinfo/%s", fd);
	unsigned long long features;
	HS_TEXT text = { 0 };
	const char *api;

	if (!tg_read_proc(pid, name, &text))
		return false;
	api = tg_field(hs_text_str(&text), "API");
	return api && sscanf(api, "%*x:%llx", &features) == 1 &&
	       features & UFFD_FEATURE_EVENT_FORK;
}

static bool is_watcher(const char *folder, const char *fd)
{
	static const char watcher[] = "anon_inode:[userfaultfd]";
	HS_FREE char *path = hs_xasprintf("%s/%s", folder, fd);
	char to[sizeof(watcher)];
	ssize_t n = readlink(path, to, sizeof(to));

	return n == sizeof(watcher) - 1 && !memcmp(to, watcher, (size_t)n);
}

struct hs_err *tg_check_watched(const struct tg_asking *k)
{
	HS_FREE char *folder = hs_xasprintf("/proc/%d/fd", k->pid);
	DIR *d = opendir(folder);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d)))
		found = is_watcher(folder, e->d_name) &&
			tells_of_forks(k->pid, e->d_name);
	if (d)
		closedir(d);
	return found ? tg_refuse(k, "it watches its memory by userfaultfd, and "
				    "must be told of each child before that "
				    "is there")
		     : NULL;
}
