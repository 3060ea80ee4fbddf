// SPDX-License-Identifier: GPL-3.0-or-later
// Programs that a pipe may lead to, for Tab: those of $PATH.
#include "shell.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "map.h"

#include "programs.h"

enum {
	MAX_FOLDERS = 64,
	MAX_LOOKS = 100000, /* names of all folders that are looked at */
};

struct search {
	const char *prefix;
	size_t n, looks;
	struct hs_strmap seen;
	void (*found)(void *arg, const char *name);
	void *arg;
};

/* Bytes at the end of a name that a line would need quotes for are no use. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' ||
		    strchr("|;&<>()$`\\\"'*?[#!", *name))
			return false;
	return true;
}

static void look_in(struct search *s, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && s->looks < MAX_LOOKS && (e = readdir(dir))) {
		s->looks++;
		if (strncmp(e->d_name, s->prefix, s->n) ||
		    !is_plain(e->d_name) || e->d_name[0] == '.' ||
		    faccessat(dirfd(dir), e->d_name, X_OK, 0))
			continue;
		if (hs_strmap_put(&s->seen, e->d_name, 0))
			s->found(s->arg, e->d_name);
	}
	if (dir)
		closedir(dir);
}

void sh_programs(const char *prefix, void (*found)(void *, const char *),
		 void *arg)
{
	struct search s = { .prefix = prefix,
			    .n = strlen(prefix),
			    .found = found,
			    .arg = arg };
	const char *path = getenv("PATH");
	size_t i, n;

	for (i = 0; path && *path && i < MAX_FOLDERS; i++) {
		HS_FREE char *folder = NULL;

		n = strcspn(path, ":");
		folder = hs_xstrndup(path, n);
		if (*folder == '/') // never the working directory
			look_in(&s, folder);
		path += n + (path[n] == ':');
	}
	hs_strmap_deinit(&s.seen);
}
