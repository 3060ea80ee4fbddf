// SPDX-License-Identifier: Apache-2.0
// Whose code may be loaded: what only root and we ourselves can change.
#include "model_priv.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * A group of one: the user's own, which has the user's name and nobody else in
 * it. Where that is the custom, umask is 002, and group-writable means nothing
 * (as Debian's sshd has it, auth.c, secure_permissions()).
 */
static bool is_private_group(const struct stat *st)
{
	const struct passwd *owner = getpwuid(st->st_uid);
	const struct group *group;
	HS_FREE char *name = NULL;

	if (!owner || owner->pw_gid != st->st_gid)
		return false;
	name = hs_xstrdup(owner->pw_name);
	group = getgrgid(st->st_gid);
	return group && !strcmp(group->gr_name, name) && !group->gr_mem[0];
}

/** Why one file or folder is not trusted, or NULL. free(). */
static char *distrust_one(const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return hs_xasprintf("%s belongs to user %u", path,
				    (unsigned)st->st_uid);
	// In a folder with the sticky bit others cannot replace what is ours.
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return NULL;
	if ((st->st_mode & S_IWOTH) ||
	    ((st->st_mode & S_IWGRP) && !is_private_group(st)))
		return hs_xasprintf("others can write to %s (chmod go-w)",
				    path);
	return NULL;
}

char *md_distrust(const char *path)
{
	HS_FREE char *real = realpath(path, NULL);
	struct stat st;
	char *why = NULL, *slash;

	if (!real)
		return hs_xasprintf("%s", strerror(errno));
	if (stat(real, &st) || !S_ISREG(st.st_mode))
		return hs_xasprintf("not a regular file");
	while (!(why = distrust_one(real, &st)) && strcmp(real, "/")) {
		slash = strrchr(real, '/');
		// "/a" lies in "/".
		slash[slash == real] = '\0';
		if (stat(real, &st))
			return hs_xasprintf("%s: %s", real, strerror(errno));
	}
	return why;
}
