// SPDX-License-Identifier: Apache-2.0
// Which ELF files are mapped, by the headers in memory: the file may have been
// replaced since, and in a core there may be none.
#include "image_priv.h"

#include <elf.h>
#include <sys/mman.h>

enum {
	/* Headers beyond these are a lie: glibc's own objects have 14. */
	PHDRS_MAX = 256,
	NOTES_MAX = 1 << 16,
	BUILD_ID_MAX = 20,	/* bytes: SHA-1, ld's longest */
};

/** Headers of one candidate. */
struct headers {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[PHDRS_MAX];
	size_t n;
};

static const char deleted[] = " (deleted)";

size_t im_path_len(const char *path)
{
	size_t n = strlen(path), tail = sizeof(deleted) - 1;

	return n > tail && !strcmp(path + n - tail, deleted) ? n - tail : n;
}

bool im_build_id(const uint8_t *notes, size_t n, char ret[41])
{
	size_t at = 0, i;
	Elf64_Nhdr nh;

	while (n - at >= sizeof(nh)) {
		size_t name, desc;

		memcpy(&nh, notes + at, sizeof(nh));
		name = at + sizeof(nh);
		if (nh.n_namesz > n - name)
			return false;
		desc = name + hs_align_up(nh.n_namesz, 4);
		if (desc > n || nh.n_descsz > n - desc)
			return false;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && nh.n_descsz &&
		    nh.n_descsz <= BUILD_ID_MAX) {
			for (i = 0; i < nh.n_descsz; i++)
				snprintf(ret + 2 * i, 3, "%02x",
					 notes[desc + i]);
			return true;
		}
		at = desc + hs_align_up(nh.n_descsz, 4);
		if (at > n)
			return false;
	}
	return false;
}

/** Read and check the headers at addr. *other is set for another machine's. */
static bool read_headers(struct im_image *im, uint64_t addr, struct headers *h,
			 bool *other)
{
	if (im_read(im, addr, &h->eh, sizeof(h->eh)) != sizeof(h->eh) ||
	    memcmp(h->eh.e_ident, ELFMAG, SELFMAG))
		return false;
	if (h->eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->eh.e_machine != EM_X86_64) {
		*other = true;
		return false;
	}
	if ((h->eh.e_type != ET_EXEC && h->eh.e_type != ET_DYN) ||
	    h->eh.e_phentsize != sizeof(h->ph[0]) || !h->eh.e_phnum ||
	    h->eh.e_phnum > PHDRS_MAX || h->eh.e_phoff > NOTES_MAX)
		return false;
	h->n = h->eh.e_phnum;
	return im_read(im, addr + h->eh.e_phoff, h->ph,
		       h->n * sizeof(h->ph[0])) == h->n * sizeof(h->ph[0]);
}

/**
 * Bias and extent of what was mapped from m on, by its PT_LOADs. False when
 * they are none that could have been mapped here.
 */
static bool place(const struct headers *h, const struct im_mapping *m,
		  struct im_loaded *ret)
{
	uint64_t low = UINT64_MAX, high = 0, end;
	size_t i;

	for (i = 0; i < h->n; i++) {
		const Elf64_Phdr *ph = &h->ph[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (hs_add_overflows(ph->p_vaddr, ph->p_memsz, &end))
			return false;
		low = ph->p_vaddr < low ? ph->p_vaddr : low;
		high = end > high ? end : high;
	}
	if (low >= high)
		return false;
	low &= ~(uint64_t)(IM_PAGE - 1);
	high = hs_align_up(high, IM_PAGE);
	if (high <= low || high - low > UINT64_MAX - m->start)
		return false;
	ret->pub.bias = m->start - low;
	ret->pub.start = m->start;
	ret->pub.end = m->start + (high - low);
	return true;
}

static void read_build_id(struct im_image *im, const Elf64_Phdr *ph,
			  struct im_loaded *mod)
{
	uint8_t notes[2048];
	uint64_t n = ph->p_filesz < sizeof(notes) ? ph->p_filesz :
						    sizeof(notes);

	if (mod->pub.build_id[0])
		return;
	n = im_read(im, mod->pub.bias + ph->p_vaddr, notes, n);
	im_build_id(notes, n, mod->pub.build_id);
}

static void read_segments(struct im_image *im, const struct headers *h,
			  struct im_loaded *mod)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		const Elf64_Phdr *ph = &h->ph[i];

		if (ph->p_type == PT_NOTE) {
			read_build_id(im, ph, mod);
		} else if (ph->p_type == PT_DYNAMIC) {
			mod->dynamic = mod->pub.bias + ph->p_vaddr;
			mod->dynamic_size = ph->p_memsz;
		}
	}
	mod->phdr = mod->pub.start + h->eh.e_phoff;
}

/** Is there a mapping of the same file with code within the extent? */
static bool has_code(const struct im_image *im, size_t first,
		     const struct im_loaded *mod)
{
	const struct im_mapping *m = &im->maps[first];
	size_t i;

	for (i = first; i < im->n_maps && im->maps[i].start < mod->pub.end;
	     i++) {
		if ((im->maps[i].prot & PROT_EXEC) &&
		    im->maps[i].inode == m->inode &&
		    !strcmp(im->maps[i].path, m->path))
			return true;
	}
	return false;
}

static void name_module(struct im_image *im, const struct im_mapping *m,
			struct im_loaded *mod)
{
	const char *path = hs_arena_strndup(&im->text, m->path,
					    im_path_len(m->path));
	const char *slash = strrchr(path, '/');

	mod->pub.path = path;
	mod->pub.name = slash && slash[1] ? slash + 1 : path;
	mod->dev = m->dev;
	mod->inode = m->inode;
	mod->first_end = m->end;
}

/** Could an ELF file begin at this mapping? */
static bool is_candidate(const struct im_mapping *m)
{
	return !m->offset && m->path[0] &&
	       (m->path[0] == '/' || !strcmp(m->path, "[vdso]"));
}

typedef HS_VEC(struct im_loaded) loaded_vec;

static void collect(struct im_image *im, loaded_vec *ret, bool *other)
{
	struct headers *h = hs_xalloc(sizeof(*h));
	size_t i;

	for (i = 0; i < im->n_maps; i++) {
		const struct im_mapping *m = &im->maps[i];
		struct im_loaded mod = { 0 };

		if (!is_candidate(m) || !read_headers(im, m->start, h, other) ||
		    !place(h, m, &mod))
			continue;
		// A file that is only being looked at is no module. A core
		// may leave out the pages with code, and their protection.
		if (im->info.kind != IM_CORE && !has_code(im, i, &mod))
			continue;
		name_module(im, m, &mod);
		read_segments(im, h, &mod);
		// Extents that lie end where the next one begins.
		if (ret->n && ret->v[ret->n - 1].pub.end > m->start)
			ret->v[ret->n - 1].pub.end = m->start;
		hs_vec_push(ret, mod);
	}
	free(h);
}

static void mark_mappings(struct im_image *im)
{
	size_t i, k = 0;

	for (i = 0; i < im->n_maps; i++) {
		struct im_mapping *m = &im->maps[i];

		while (k < im->n_modules && im->modules[k].end <= m->start)
			k++;
		if (k < im->n_modules && im->modules[k].start <= m->start)
			m->module = (uint32_t)k;
	}
}

/** The module that AT_PHDR points into; else the lowest. */
static size_t find_program(const struct im_image *im, uint64_t phdr)
{
	size_t i;

	for (i = 0; i < im->n_modules; i++) {
		if (phdr >= im->modules[i].start && phdr < im->modules[i].end)
			return i;
	}
	return 0;
}

struct hs_err *im_find_modules(struct im_image *im, uint64_t phdr)
{
	loaded_vec found = { 0 };
	bool other = false;
	size_t i;

	collect(im, &found, &other);
	if (!found.n && other) {
		hs_vec_deinit(&found);
		return hs_err_new(HS_ERR_UNSUPPORTED, "read the modules of the "
				  "process: it is a 32-bit program, or of "
				  "another machine than x86-64, and heapsh "
				  "reads 64-bit x86-64 only");
	}
	im->loaded = found.v;
	im->n_modules = found.n;
	im->modules = hs_xcalloc(found.n + 1, sizeof(*im->modules));
	for (i = 0; i < found.n; i++)
		im->modules[i] = found.v[i].pub;
	mark_mappings(im);
	im->program = find_program(im, phdr);
	return NULL;
}
