// SPDX-License-Identifier: Apache-2.0
// Symbols of the whole image: each module's table is made on first use.
#include "symbols.h"

#include <unistd.h>

static void load_debug(struct im_symtab *t, struct im_image *im,
		       const struct im_loaded *mod)
{
	char id[41];
	int fd = im_open_debug(im, mod->pub.build_id);

	if (fd < 0)
		return;
	if (im_file_build_id(fd, id) && !strcmp(id, mod->pub.build_id))
		im_symtab_from_file(t, fd, mod->pub.bias);
	close(fd);
}

/**
 * An attach looks at one process through three images, and a session through
 * one an instant: what was read of a file, which its build id tells from any
 * other, is read once. Kept for ever, up to so many.
 */
enum { SHARED_MAX = 256 };

struct shared {
	char build_id[41];
	uint64_t dev, inode, bias;
	struct im_symtab *table;
};
static struct shared shared[SHARED_MAX];
static size_t n_shared;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static struct im_symtab *find_shared(const struct im_loaded *mod)
{
	struct im_symtab *found = NULL;

	pthread_mutex_lock(&shared_lock);
	for (size_t i = 0; i < n_shared && !found; i++) {
		if (shared[i].bias == mod->pub.bias &&
		    shared[i].inode == mod->inode &&
		    shared[i].dev == mod->dev &&
		    !strcmp(shared[i].build_id, mod->pub.build_id))
			found = shared[i].table;
	}
	pthread_mutex_unlock(&shared_lock);
	return found;
}

static void share(const struct im_loaded *mod, struct im_symtab *t)
{
	struct shared *s;

	pthread_mutex_lock(&shared_lock);
	if (n_shared < SHARED_MAX) {
		s = &shared[n_shared++];
		memcpy(s->build_id, mod->pub.build_id, sizeof(s->build_id));
		s->bias = mod->pub.bias;
		s->dev = mod->dev;
		s->inode = mod->inode;
		s->table = t;
		t->shared = true;
	}
	pthread_mutex_unlock(&shared_lock);
}

static struct im_symtab *load(struct im_image *im, const struct im_loaded *mod)
{
	struct im_symtab *t = hs_xalloc(sizeof(*t));
	int fd = im_open_module(im, mod);

	if (fd >= 0) {
		im_symtab_from_file(t, fd, mod->pub.bias);
		close(fd);
	}
	if (!t->syms.n) {
		im_symtab_from_memory(t, im, mod);
		t->from_memory = true;
	}
	load_debug(t, im, mod);
	im_symtab_finish(t);
	return t;
}

static struct im_symtab *symtab(struct im_image *im, size_t i)
{
	struct im_loaded *mod = &im->loaded[i];
	struct im_symtab *t = atomic_load_explicit(&mod->symtab,
						   memory_order_acquire);

	if (t)
		return t;
	pthread_mutex_lock(&im->symtab_lock);
	t = atomic_load_explicit(&mod->symtab, memory_order_relaxed);
	if (!t) {
		t = mod->pub.build_id[0] ? find_shared(mod) : NULL;
		if (!t)
			t = load(im, mod);
		if (mod->pub.build_id[0] && !t->shared && !t->from_memory)
			share(mod, t);
		atomic_store_explicit(&mod->symtab, t, memory_order_release);
	}
	pthread_mutex_unlock(&im->symtab_lock);
	return t;
}

static bool find_in(struct im_image *im, size_t i, const char *name,
		    uint64_t *ret, uint64_t *size)
{
	const struct im_sym *s = im_symtab_find(symtab(im, i), name);

	if (!s)
		return false;
	*ret = s->addr;
	if (size)
		*size = s->size;
	return true;
}

bool im_symbol(struct im_image *im, const char *module, const char *name,
	       uint64_t *ret, uint64_t *size)
{
	size_t i;

	if (!im->n_modules)
		return false;
	if ((!module || !strcmp(im->modules[im->program].name, module)) &&
	    find_in(im, im->program, name, ret, size))
		return true;
	for (i = 0; i < im->n_modules; i++) {
		if (i == im->program ||
		    (module && strcmp(im->modules[i].name, module)))
			continue;
		if (find_in(im, i, name, ret, size))
			return true;
	}
	return false;
}

bool im_is_resolver(struct im_image *im, uint64_t addr)
{
	const struct im_mapping *m = im_mapping_at(im, addr);
	const struct im_sym *s;

	if (!m || m->module == UINT32_MAX)
		return false;
	s = im_symtab_cover(symtab(im, m->module), addr);
	return s && s->addr == addr && s->resolver;
}

bool im_symbol_at(struct im_image *im, uint64_t addr, const char **name,
		  uint64_t *offset)
{
	const struct im_mapping *m = im_mapping_at(im, addr);
	struct im_symtab *t;
	const struct im_sym *s;

	if (!m || m->module == UINT32_MAX)
		return false;
	t = symtab(im, m->module);
	s = im_symtab_cover(t, addr);
	if (!s)
		return false;
	*name = t->text.v + s->name;
	*offset = addr - s->addr;
	return true;
}
