// SPDX-License-Identifier: Apache-2.0
// The image itself: what it is made of, and reads of single things.
#include "image_priv.h"
#include "symbols.h"

const struct im_info *im_info(const struct im_image *im)
{
	return &im->info;
}

size_t im_mappings(const struct im_image *im, const struct im_mapping **ret)
{
	*ret = im->maps;
	return im->n_maps;
}

size_t im_threads(const struct im_image *im, const struct im_thread **ret)
{
	*ret = im->threads;
	return im->n_threads;
}

size_t im_modules(const struct im_image *im, const struct im_module **ret)
{
	*ret = im->modules;
	return im->n_modules;
}

const struct im_module *im_program(const struct im_image *im)
{
	return im->n_modules ? &im->modules[im->program] : NULL;
}

uint64_t im_missing(const struct im_image *im)
{
	return im->missing;
}

const struct im_mapping *im_mapping_at(const struct im_image *im, uint64_t addr)
{
	size_t lo = 0, hi = im->n_maps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (im->maps[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < im->n_maps && im->maps[lo].start <= addr ?
		&im->maps[lo] : NULL;
}

uint64_t im_read(struct im_image *im, uint64_t addr, void *buf, uint64_t len)
{
	uint64_t got;

	// The last byte of the address space is nobody's.
	if (len > UINT64_MAX - addr)
		len = UINT64_MAX - addr;
	if (!len)
		return 0;
	got = im->source.read(im->ctx, addr, buf, len);
	return got < len ? got : len;
}

bool im_read_u64(struct im_image *im, uint64_t addr, uint64_t *ret)
{
	uint64_t v;

	if (im_read(im, addr, &v, sizeof(v)) != sizeof(v))
		return false;
	*ret = v;
	return true;
}

bool im_read_u32(struct im_image *im, uint64_t addr, uint32_t *ret)
{
	uint32_t v;

	if (im_read(im, addr, &v, sizeof(v)) != sizeof(v))
		return false;
	*ret = v;
	return true;
}

int64_t im_read_str(struct im_image *im, uint64_t addr, char *buf, size_t cap)
{
	size_t done = 0;

	if (!cap)
		return -1;
	// A page at a time: most strings are short, and the next page may be
	// another mapping's.
	while (done < cap - 1) {
		uint64_t want = IM_PAGE - (addr + done) % IM_PAGE, got;
		char *nul;

		if (want > cap - 1 - done)
			want = cap - 1 - done;
		got = im_read(im, addr + done, buf + done, want);
		nul = memchr(buf + done, '\0', got);
		if (nul)
			return nul - buf;
		done += got;
		if (got < want)
			break;
	}
	buf[done] = '\0';
	return done || cap == 1 ? (int64_t)done : -1;
}

void im_destroy(struct im_image *im)
{
	size_t i;

	if (!im)
		return;
	for (i = 0; i < im->n_modules; i++)
		im_symtab_destroy(atomic_load(&im->loaded[i].symtab));
	if (im->source.destroy)
		im->source.destroy(im->ctx);
	pthread_mutex_destroy(&im->symtab_lock);
	hs_arena_deinit(&im->text);
	free(im->maps);
	free(im->threads);
	free(im->modules);
	free(im->loaded);
	free(im);
}

/** Copies sorted, disjoint, with paths of the image's own. */
static void copy_maps(struct im_image *im, const struct im_make *make)
{
	im_mapping_vec maps = { 0 };
	size_t i;

	for (i = 0; i < make->n_maps; i++) {
		struct im_mapping m = make->maps[i];
		const char *path = m.path ? m.path : "";

		// One mapping after another is of the same file, mostly.
		if (maps.n && !strcmp(maps.v[maps.n - 1].path, path))
			m.path = maps.v[maps.n - 1].path;
		else
			m.path = hs_arena_strndup(&im->text, path,
						  strlen(path));
		m.module = UINT32_MAX;
		hs_vec_push(&maps, m);
	}
	im_sort_maps(&maps);
	im->maps = maps.v;
	im->n_maps = maps.n;
}

static void copy_threads(struct im_image *im, const struct im_make *make)
{
	im->threads = hs_xcalloc(make->n_threads + 1, sizeof(*im->threads));
	im->n_threads = make->n_threads;
	if (make->n_threads)
		memcpy(im->threads, make->threads,
		       make->n_threads * sizeof(*im->threads));
}

struct hs_err *im_make(const struct im_make *make, struct im_image **ret)
{
	const char *command = make->info.command ? make->info.command : "";
	struct im_image *im = hs_xalloc(sizeof(*im));
	struct hs_err *err;

	im->info = make->info;
	im->info.command = hs_arena_strndup(&im->text, command,
					    strlen(command));
	im->source = make->source;
	im->ctx = make->ctx;
	im->root_pid = make->root_pid;
	im->missing = make->missing;
	pthread_mutex_init(&im->symtab_lock, NULL);
	copy_maps(im, make);
	copy_threads(im, make);
	err = im_find_modules(im, make->phdr);
	if (err) {
		im_destroy(im);
		return err;
	}
	*ret = im;
	return NULL;
}

struct hs_err *im_create(const struct im_info *info,
			 const struct im_mapping *maps, size_t n_maps,
			 const struct im_thread *threads, size_t n_threads,
			 const struct im_source *source, void *ctx,
			 int root_pid, struct im_image **ret)
{
	const struct im_make make = {
		.info = *info, .maps = maps, .n_maps = n_maps,
		.threads = threads, .n_threads = n_threads,
		.source = *source, .ctx = ctx, .root_pid = root_pid,
	};

	return im_make(&make, ret);
}
