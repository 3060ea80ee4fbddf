// SPDX-License-Identifier: Apache-2.0
/* Where plugins and the probe are looked for. Never the working directory. */
#include "engine.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/** What is called name beside our own file, or from there. free(), NULL. */
static char *beside_us(const char *name, bool is_folder)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash, *dir;
	struct stat st;

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	dir = hs_xasprintf("%s/%s", exe, name);
	if (!stat(dir, &st) && S_ISDIR(st.st_mode) == is_folder)
		return dir;
	free(dir);
	return NULL;
}

static void add_path(struct en_options *o, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, ":");

		if (n && path[0] == '/')
			hs_vec_push(&o->plugin_dirs,
				    (const char *)hs_xstrndup(path, n));
		path += n + (path[n] == ':');
	}
}

void en_where_plugins(struct en_options *o)
{
	const char *path = secure_getenv("HEAPSH_PLUGIN_PATH");
	char *tree = beside_us("plugins", true);

	// "make install prefix=…" of what was configured for another
	if (!tree)
		tree = beside_us("../../lib/heapsh/plugins", true);
	if (path && getuid() == geteuid())
		add_path(o, path);
	hs_vec_push(&o->plugin_dirs,
		    tree ? (const char *)tree : HEAPSH_PLUGINDIR);
}

char *en_where_probe(void)
{
	char *tree = beside_us("heapsh-probe.so", false);

	if (!tree)
		tree = beside_us("../../lib/heapsh/heapsh-probe.so", false);
	return tree ? tree : hs_xstrdup(HEAPSH_PROBE);
}
