// SPDX-License-Identifier: Apache-2.0
// Whose code may be loaded: what only root and we ourselves can change.
#include "model_priv.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/** Why one file or folder is not trusted, or NULL. free(). */
static char *distrust_one(const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return hs_xasprintf("%s belongs to user %u", path,
				    (unsigned)st->st_uid);
	// In a folder with the sticky bit others cannot replace what is ours.
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return NULL;
	if (st->st_mode & (S_IWGRP | S_IWOTH))
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
