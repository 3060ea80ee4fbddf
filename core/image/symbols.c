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

static struct im_symtab *load(struct im_image *im, const struct im_loaded *mod)
{
	struct im_symtab *t = hs_xalloc(sizeof(*t));
	int fd = im_open_module(im, mod);

	if (fd >= 0) {
		im_symtab_from_file(t, fd, mod->pub.bias);
		close(fd);
	}
	if (!t->syms.n)
		im_symtab_from_memory(t, im, mod);
	load_debug(t, im, mod);
	im_symtab_finish(t);
	return t;
}

static const struct im_symtab *symtab(struct im_image *im, size_t i)
{
	struct im_loaded *mod = &im->loaded[i];
	struct im_symtab *t = atomic_load_explicit(&mod->symtab,
						   memory_order_acquire);

	if (t)
		return t;
	pthread_mutex_lock(&im->symtab_lock);
	t = atomic_load_explicit(&mod->symtab, memory_order_relaxed);
	if (!t) {
		t = load(im, mod);
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

bool im_symbol_at(struct im_image *im, uint64_t addr, const char **name,
		  uint64_t *offset)
{
	const struct im_mapping *m = im_mapping_at(im, addr);
	const struct im_symtab *t;
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
