// SPDX-License-Identifier: Apache-2.0
// Plugins on disk: found, checked, loaded. What is wrong with one is kept
// beside its name and never hinders the others.
#include "model_priv.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>

#define ENTRY "heapsh_plugin_"

enum {
	OTHER_ABIS = 100,	/* majors looked for, to name the one found */
	PLUGIN_NAME_MAX = 64,
};

/* ABI 0.0 ends with this member: a smaller table is none. */
#define PLUGIN_SIZE_MIN \
	(offsetof(struct heapsh_plugin, get_interface) + sizeof(void (*)(void)))

struct md_loaded *md_loaded_of(const struct md_host *host,
			       const struct heapsh_plugin *p)
{
	size_t i;

	for (i = 0; i < host->loaded.n; i++) {
		if (host->loaded.v[i]->plugin == p)
			return host->loaded.v[i];
	}
	return NULL;
}

/* --- one file ------------------------------------------------------------ */

/** Why a library without our entry is no plugin for us. free(). */
static char *no_entry(void *dl)
{
	char name[sizeof(ENTRY) + 8];
	int major;

	for (major = 0; major < OTHER_ABIS; major++) {
		snprintf(name, sizeof(name), ENTRY "%d", major);
		if (dlsym(dl, name))
			return hs_xasprintf("it is for plugin ABI %d, and this "
					    "heapsh has %d", major,
					    HEAPSH_ABI_MAJOR);
	}
	return hs_xasprintf("it is no heapsh plugin (no " ENTRY "%d)",
			    HEAPSH_ABI_MAJOR);
}

/** Why the table cannot be used, or NULL. free(). */
static char *check_table(const struct heapsh_plugin *p)
{
	if (!p)
		return hs_xasprintf("it declined to be loaded");
	if (p->size < PLUGIN_SIZE_MIN)
		return hs_xasprintf("its table has %u bytes instead of %zu",
				    p->size, PLUGIN_SIZE_MIN);
	if (!p->probe || !p->open || !p->at || !p->roots)
		return hs_xasprintf("its table lacks probe, open, at or roots");
	return NULL;
}

/** dlopen and ask for the table. Returns the problem, or NULL. free(). */
static char *open_file(struct md_loaded *own)
{
	char *problem = md_distrust(own->path);
	heapsh_entry_fn *entry;
	struct md_call call;

	if (problem)
		return problem;
	if (!md_enter(own, MD_LOAD, NULL, &call))
		return hs_xasprintf("it is disabled");
	own->dl = dlopen(own->path, RTLD_NOW | RTLD_LOCAL);
	// ISO C has no way from an object's pointer to a function's; POSIX has.
	*(void **)&entry = own->dl ? dlsym(own->dl, "heapsh_plugin_0") : NULL;
	if (entry)
		own->plugin = entry(&md_services);
	else
		problem = own->dl ? no_entry(own->dl) : hs_xstrdup(dlerror());
	md_leave(&call);
	return problem ? problem : check_table(own->plugin);
}

static const char *copy_text(struct md_host *host, const char *s)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, s, strnlen(s, MD_NAME_MAX));
	return hs_arena_strndup(&host->text, hs_text_str(&t), t.len);
}

void md_open_plugin(struct md_loaded *own)
{
	HS_FREE char *problem = open_file(own);

	own->problem = problem ? copy_text(own->host, problem) : NULL;
	if (!problem) {
		own->version = own->plugin->version ?
			copy_text(own->host, own->plugin->version) : "";
		return;
	}
	own->plugin = NULL;
	if (own->dl)
		dlclose(own->dl);
	own->dl = NULL;
}

static struct md_loaded *add(struct md_host *host, const char *name,
			     const char *path)
{
	struct md_loaded *own = hs_xalloc(sizeof(*own));

	own->host = host;
	own->name = hs_arena_strndup(&host->text, name, strlen(name));
	own->path = copy_text(host, path);
	own->version = "";
	hs_vec_push(&host->loaded, own);
	return own;
}

/* --- folders ------------------------------------------------------------- */

static bool is_among(const struct md_strings *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (!strcmp(names->v[i], name))
			return true;
	}
	return false;
}

/** How it ended, when it is among those that are skipped; or NULL. */
static const char *skip_reason(const struct md_host *host, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < host->skip.n; i++) {
		const char *skip = host->skip.v[i];

		if (!strncmp(skip, name, n) && (!skip[n] || skip[n] == ':'))
			return skip[n] && skip[n + 1] ? skip + n + 1 :
							"it has crashed";
	}
	return NULL;
}

static bool is_known(const struct md_host *host, const char *name)
{
	size_t i;

	for (i = 0; i < host->loaded.n; i++) {
		if (!strcmp(host->loaded.v[i]->name, name))
			return true;
	}
	return false;
}

/** Letters, digits, '_' and '-': what --plugin NAME can say. */
static bool is_name(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' &&
		    s[i] != '-')
			return false;
	}
	return n && n <= PLUGIN_NAME_MAX;
}

/** Name of a file that ends in .so ("example"), or NULL. free(). */
static char *stem(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t n = strlen(base);

	if (n <= 3 || strcmp(base + n - 3, ".so") || !is_name(base, n - 3))
		return NULL;
	return hs_xstrndup(base, n - 3);
}

/** The first folder that has a name wins: nothing is loaded twice. */
static void consider(struct md_host *host, const char *name, const char *path)
{
	HS_FREE char *problem = NULL;
	const char *why;
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	if (host->only.n && !is_among(&host->only, name))
		return;
	if (is_known(host, name))
		return;
	why = skip_reason(host, name);
	if (!why) {
		md_open_plugin(add(host, name, path));
		return;
	}
	problem = hs_xasprintf("left out: %s", why);
	add(host, name, path)->problem = copy_text(host, problem);
}

/** DIR/NAME.so, DIR/NAME/NAME.so, DIR/NAME/.libs/NAME.so */
static void consider_entry(struct md_host *host, const char *dir,
			   const char *entry)
{
	HS_FREE char *name = stem(entry);
	HS_FREE char *path = NULL, *built = NULL;

	if (name) {
		path = hs_xasprintf("%s/%s", dir, entry);
		consider(host, name, path);
	} else if (is_name(entry, strlen(entry))) {
		path = hs_xasprintf("%s/%s/%s.so", dir, entry, entry);
		built = hs_xasprintf("%s/%s/.libs/%s.so", dir, entry, entry);
		consider(host, entry, path);
		consider(host, entry, built);
	}
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void scan(struct md_host *host, const char *dir)
{
	struct dirent **entries;
	// A folder that is not there is no error: the compiled-in one is only
	// there when heapsh is installed.
	int n = scandir(dir, &entries, no_dots, alphasort), i;

	for (i = 0; i < n; i++) {
		consider_entry(host, dir, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void copy_names(struct md_host *host, const char *const *names, size_t n,
		       struct md_strings *ret)
{
	size_t i;

	for (i = 0; i < n; i++)
		hs_vec_push(ret, hs_arena_strndup(&host->text, names[i],
						  strlen(names[i])));
}

struct hs_err *md_host_create(const char *const *dirs, size_t n_dirs,
			      const char *const *only, size_t n_only,
			      const char *const *skip, size_t n_skip,
			      struct md_host **ret)
{
	struct md_host *host = hs_xalloc(sizeof(*host));
	static char joint[] = "joint";

	host->joint.host = host;
	host->joint.plugin = &md_joint_plugin;
	host->joint.name = joint;
	pthread_mutex_init(&host->lock, NULL);
	copy_names(host, only, n_only, &host->only);
	copy_names(host, skip, n_skip, &host->skip);
	md_scan(host, dirs, n_dirs);
	*ret = host;
	return NULL;
}

void md_scan(struct md_host *host, const char *const *dirs, size_t n_dirs)
{
	size_t i;

	for (i = 0; i < n_dirs; i++)
		scan(host, dirs[i]);
}

void md_host_destroy(struct md_host *host)
{
	size_t i;

	if (!host)
		return;
	for (i = 0; i < host->loaded.n; i++) {
		if (host->loaded.v[i]->dl)
			dlclose(host->loaded.v[i]->dl);
		free(host->loaded.v[i]);
	}
	hs_vec_deinit(&host->loaded);
	hs_vec_deinit(&host->infos);
	hs_vec_deinit(&host->only);
	hs_vec_deinit(&host->skip);
	pthread_mutex_destroy(&host->lock);
	hs_arena_deinit(&host->text);
	free(host);
}

size_t md_plugins(struct md_host *host, const struct md_plugin_info **ret)
{
	size_t i;

	pthread_mutex_lock(&host->lock);
	host->infos.n = 0;
	for (i = 0; i < host->loaded.n; i++) {
		const struct md_loaded *l = host->loaded.v[i];
		struct md_plugin_info info = {
			l->name, l->path, l->version, l->problem, l->fault,
			l->claim, l->plugin ? l->plugin->abi_minor : 0,
			l->calls, l->time_ns, atomic_load(&l->reads),
		};

		hs_vec_push(&host->infos, info);
	}
	pthread_mutex_unlock(&host->lock);
	*ret = host->infos.v;
	return host->infos.n;
}

struct hs_err *md_load(struct md_host *host, const char *path)
{
	HS_FREE char *name = stem(path);
	HS_FREE char *full = NULL;
	struct md_loaded *own;

	if (!name)
		return hs_err_new(HS_ERR_USAGE, "load plugin %s: not a file "
				  "NAME.so", path);
	if (is_known(host, name))
		return hs_err_new(HS_ERR_USAGE, "load plugin %s: there is one "
				  "named %s already", path, name);
	// dlopen() looks for a bare name where libraries are.
	full = strchr(path, '/') ? hs_xstrdup(path) :
				   hs_xasprintf("./%s", path);
	own = add(host, name, full);
	md_open_plugin(own);
	if (!own->problem)
		return NULL;
	return hs_err_new(HS_ERR_PLUGIN, "load plugin %s: %s", path,
			  own->problem);
}
