// SPDX-License-Identifier: Apache-2.0
// An ELF core as an image. The file is read, not mapped: a core that is still
// being written, or is cut short under us, is then only shorter than it was.
#include "core_priv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NOTES_MAX = 1 << 30,	/* bytes: some 3 KiB a thread */
	FDS_MAX = 256,		/* files kept open beside the core */
};

struct core {
	int fd;
	uint64_t size;		/* of the file */
	HS_VEC(struct core_segment) segments;
	HS_VEC(struct core_file) files;
	HS_VEC(int) fds;	/* of files[].fd, each once */
	uint64_t missing;
	struct hs_arena text;
};

/* --- reading ------------------------------------------------------------- */

/** Bytes read from the start, whatever calls that takes. */
static uint64_t read_at(int fd, void *buf, uint64_t len, uint64_t offset)
{
	uint64_t done = 0;

	while (done < len && offset <= INT64_MAX - done) {
		ssize_t got = pread(fd, (char *)buf + done, len - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (uint64_t)got;
	}
	return done;
}

/** The first segment that ends above addr, or NULL. */
static const struct core_segment *segment_above(const struct core *c,
						uint64_t addr)
{
	size_t lo = 0, hi = c->segments.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->segments.v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->segments.n ? &c->segments.v[lo] : NULL;
}

static const struct core_file *file_above(const struct core *c, uint64_t addr)
{
	size_t lo = 0, hi = c->files.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->files.v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->files.n ? &c->files.v[lo] : NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/**
 * What the core leaves out, from the file that was mapped. Not of a writable
 * segment: the process may have changed those bytes.
 */
static uint64_t read_file(const struct core *c, const struct core_segment *s,
			  uint64_t addr, void *buf, uint64_t len)
{
	const struct core_file *f = file_above(c, addr);

	if (s && s->start <= addr) {
		if (s->prot & PROT_WRITE)
			return 0;
		len = least(len, s->end - addr);
	} else if (s) {
		len = least(len, s->start - addr);
	}
	if (!f || f->start > addr || f->fd < 0)
		return 0;
	return read_at(f->fd, buf, least(len, f->end - addr),
		       f->offset + (addr - f->start));
}

static uint64_t core_read(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	struct core *c = ctx;
	uint64_t done = 0;

	while (done < len) {
		uint64_t at = addr + done, got;
		const struct core_segment *s = segment_above(c, at);
		char *to = (char *)buf + done;

		if (s && s->start <= at && at - s->start < s->dumped)
			got = read_at(c->fd, to, least(len - done, s->dumped -
						       (at - s->start)),
				      s->offset + (at - s->start));
		else
			got = read_file(c, s, at, to, len - done);
		if (!got)
			break;
		done += got;
	}
	return done;
}

static void core_destroy(void *ctx)
{
	struct core *c = ctx;
	size_t i;

	for (i = 0; i < c->fds.n; i++)
		close(c->fds.v[i]);
	close(c->fd);
	hs_vec_deinit(&c->segments);
	hs_vec_deinit(&c->files);
	hs_vec_deinit(&c->fds);
	hs_arena_deinit(&c->text);
	free(c);
}

/* --- headers ------------------------------------------------------------- */

/** What people have lying about instead of a core. */
static const struct {
	const char *magic;
	uint8_t n;
	const char *what, *remedy;
} other_files[] = {
	{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d" },
	{ "\x04\x22\x4d\x18", 4, "lz4", "lz4 -d" },
	{ "\xfd\x37zXZ", 5, "xz", "xz -d" },
	{ "\x1f\x8b", 2, "gzip", "gzip -d" },
};

static struct hs_err *not_elf(const char *path, const uint8_t *magic)
{
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(other_files); i++) {
		if (memcmp(magic, other_files[i].magic, other_files[i].n))
			continue;
		return hs_err_remedy(
			hs_err_new(HS_ERR_FORMAT, "open core %s: it is "
				   "compressed (%s)", path,
				   other_files[i].what),
			"%s %s", other_files[i].remedy, path);
	}
	return hs_err_new(HS_ERR_FORMAT, "open core %s: not an ELF file", path);
}

static struct hs_err *check_header(const char *path, const Elf64_Ehdr *eh,
				   uint64_t n)
{
	if (n < SELFMAG || memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return not_elf(path, eh->e_ident);
	if (n < sizeof(*eh))
		return hs_err_new(HS_ERR_FORMAT, "open core %s: it ends within "
				  "its ELF header", path);
	if (eh->e_ident[EI_CLASS] == ELFCLASS32)
		return hs_err_new(HS_ERR_UNSUPPORTED, "open core %s: it is "
				  "32-bit, and heapsh reads 64-bit x86-64 only",
				  path);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
		return hs_err_new(HS_ERR_UNSUPPORTED, "open core %s: it is of "
				  "another machine (ELF number %u), and heapsh "
				  "reads 64-bit x86-64 only", path,
				  eh->e_machine);
	if (eh->e_type != ET_CORE)
		return hs_err_new(HS_ERR_FORMAT, "open core %s: it is an ELF "
				  "file, but no core", path);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return hs_err_new(HS_ERR_FORMAT, "open core %s: its program "
				  "headers have %u bytes each instead of %zu",
				  path, eh->e_phentsize, sizeof(Elf64_Phdr));
	return NULL;
}

/** Program headers that are in the file. free() *ret. */
static size_t read_phdrs(const struct core *c, const Elf64_Ehdr *eh,
			 Elf64_Phdr **ret)
{
	uint64_t n = eh->e_phnum;
	Elf64_Shdr sh;

	/*
	 * More than 65534: the number is in the first section header (System V
	 * ABI, "ELF Header", PN_XNUM).
	 */
	if (n == PN_XNUM && read_at(c->fd, &sh, sizeof(sh), eh->e_shoff) ==
			sizeof(sh))
		n = sh.sh_info;
	if (eh->e_phoff >= c->size)
		n = 0;
	else
		n = least(n, (c->size - eh->e_phoff) / sizeof(**ret));
	*ret = hs_xcalloc(n + 1, sizeof(**ret));
	return read_at(c->fd, *ret, n * sizeof(**ret), eh->e_phoff) /
	       sizeof(**ret);
}

static void add_segment(struct core *c, const Elf64_Phdr *ph)
{
	struct core_segment s = { .start = ph->p_vaddr,
				  .offset = ph->p_offset };
	uint64_t claimed = least(ph->p_filesz, ph->p_memsz);

	if (!ph->p_memsz ||
	    hs_add_overflows(ph->p_vaddr, ph->p_memsz, &s.end))
		return;
	s.dumped = s.offset < c->size ? least(claimed, c->size - s.offset) : 0;
	s.prot = (ph->p_flags & PF_R ? PROT_READ : 0) |
		 (ph->p_flags & PF_W ? PROT_WRITE : 0) |
		 (ph->p_flags & PF_X ? PROT_EXEC : 0);
	c->missing += claimed - s.dumped;
	hs_vec_push(&c->segments, s);
}

static void add_notes(const struct core *c, const Elf64_Phdr *ph,
		      struct core_notes *notes)
{
	uint64_t n = ph->p_offset < c->size ?
		least(ph->p_filesz, c->size - ph->p_offset) : 0;
	HS_FREE uint8_t *bytes = NULL;

	n = least(n, NOTES_MAX);
	bytes = malloc(n + 1);
	if (!bytes)
		return;
	n = read_at(c->fd, bytes, n, ph->p_offset);
	im_core_parse_notes(notes, bytes, n);
}

static int by_start(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/** Segments that lie over one another: the lower one keeps its bytes. */
static void sort_segments(struct core *c)
{
	uint64_t covered = 0;
	size_t i, out = 0;

	if (c->segments.n)
		qsort(c->segments.v, c->segments.n, sizeof(*c->segments.v),
		      by_start);
	for (i = 0; i < c->segments.n; i++) {
		struct core_segment s = c->segments.v[i];
		uint64_t cut = s.start < covered ? covered - s.start : 0;

		if (cut >= s.end - s.start)
			continue;
		s.start += cut;
		s.offset += cut;
		s.dumped -= least(cut, s.dumped);
		covered = s.end;
		c->segments.v[out++] = s;
	}
	c->segments.n = out;
}

/* --- mappings ------------------------------------------------------------ */

static void copy_files(struct core *c, struct core_notes *notes)
{
	size_t i;

	im_sort_maps(&notes->files);
	for (i = 0; i < notes->files.n; i++) {
		const struct im_mapping *m = &notes->files.v[i];
		struct core_file f = { m->start, m->end, m->offset, NULL, -1 };

		f.path = hs_arena_strndup(&c->text, m->path, strlen(m->path));
		hs_vec_push(&c->files, f);
	}
}

/** The pieces of a segment, cut where a file's range begins or ends. */
static void map_segment(const struct core *c, const struct core_segment *s,
			uint64_t vdso, im_mapping_vec *ret)
{
	uint64_t at, end;

	for (at = s->start; at < s->end; at = end) {
		const struct core_file *f = file_above(c, at);
		struct im_mapping m = { .start = at, .prot = s->prot,
					.path = "" };

		end = s->end;
		if (f && f->start <= at) {
			end = least(end, f->end);
			m.path = f->path;
			m.offset = f->offset + (at - f->start);
		} else if (f) {
			end = least(end, f->start);
		}
		if (vdso && at == vdso)
			m.path = "[vdso]";
		m.end = end;
		hs_vec_push(ret, m);
	}
}

/** The parts of a file's range that no segment tells of. */
static void map_file(const struct core *c, const struct core_file *f,
		     im_mapping_vec *ret)
{
	uint64_t at = f->start;

	while (at < f->end) {
		const struct core_segment *s = segment_above(c, at);
		// How it was mapped is not said. Its bytes are the file's, so
		// it was not written to; it may be code, which gdb leaves out.
		struct im_mapping m = { .start = at,
					.prot = PROT_READ | PROT_EXEC,
					.path = f->path };

		m.offset = f->offset + (at - f->start);
		m.end = s ? least(f->end, s->start) : f->end;
		if (!s || s->start > at) {
			hs_vec_push(ret, m);
			at = m.end;
		} else {
			at = s->end;
		}
	}
}

static void map_all(const struct core *c, uint64_t vdso, im_mapping_vec *ret)
{
	size_t i;

	for (i = 0; i < c->segments.n; i++)
		map_segment(c, &c->segments.v[i], vdso, ret);
	for (i = 0; i < c->files.n; i++)
		map_file(c, &c->files.v[i], ret);
}

/** Open the files that are, by build id, the very ones that were mapped. */
static void open_files(struct core *c, struct im_image *im)
{
	size_t i, k;

	for (i = 0; i < im->n_modules && c->fds.n < FDS_MAX; i++) {
		const struct im_loaded *mod = &im->loaded[i];
		int fd = mod->pub.build_id[0] ? im_open_module(im, mod) : -1;

		if (fd < 0)
			continue;
		hs_vec_push(&c->fds, fd);
		for (k = 0; k < c->files.n; k++) {
			struct core_file *f = &c->files.v[k];

			if (f->start >= mod->pub.start &&
			    f->start < mod->pub.end &&
			    !strncmp(f->path, mod->pub.path,
				     strlen(mod->pub.path)))
				f->fd = fd;
		}
	}
}

/* --- opening ------------------------------------------------------------- */

static struct hs_err *open_file(const char *path, int *ret, struct stat *st)
{
	// O_NONBLOCK: a fifo would wait for its writer.
	HS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
			       O_NONBLOCK);

	if (fd < 0)
		return hs_err_os(errno, "open core %s", path);
	if (fstat(fd, st))
		return hs_err_os(errno, "open core %s", path);
	if (!S_ISREG(st->st_mode))
		return hs_err_new(HS_ERR_FORMAT, "open core %s: not a regular "
				  "file", path);
	*ret = fd;
	fd = -1;
	return NULL;
}

/** Everything that the headers lead to. */
static struct hs_err *read_core(struct core *c, const char *path,
				struct core_notes *notes)
{
	HS_FREE Elf64_Phdr *phdrs = NULL;
	Elf64_Ehdr eh = { 0 };
	struct hs_err *err;
	size_t n, i;

	err = check_header(path, &eh, read_at(c->fd, &eh, sizeof(eh), 0));
	if (err)
		return err;
	n = read_phdrs(c, &eh, &phdrs);
	for (i = 0; i < n; i++) {
		if (phdrs[i].p_type == PT_LOAD)
			add_segment(c, &phdrs[i]);
		else if (phdrs[i].p_type == PT_NOTE)
			add_notes(c, &phdrs[i], notes);
	}
	sort_segments(c);
	if (!c->segments.n)
		return hs_err_new(HS_ERR_FORMAT, "open core %s: no memory of "
				  "the process is in it (no PT_LOAD)", path);
	copy_files(c, notes);
	return NULL;
}

static struct hs_err *make_image(struct core *c, const struct stat *st,
				 struct core_notes *notes,
				 struct im_image **ret)
{
	struct im_make make = {
		.info = { IM_CORE, notes->pid, 8, true, 0, NULL, 0 },
		.threads = notes->threads.v, .n_threads = notes->threads.n,
		.source = { core_read, core_destroy }, .ctx = c,
		.phdr = notes->phdr, .missing = c->missing,
	};
	im_mapping_vec maps = { 0 };
	struct hs_err *err;
	size_t i;

	for (i = 0; i < notes->threads.n; i++)
		memcpy(notes->threads.v[i].comm, notes->comm, 16);
	make.info.command = notes->command;
	make.info.taken_ns = (uint64_t)st->st_mtim.tv_sec *
			     UINT64_C(1000000000) +
			     (uint64_t)st->st_mtim.tv_nsec;
	map_all(c, notes->vdso, &maps);
	make.maps = maps.v;
	make.n_maps = maps.n;
	err = im_make(&make, ret);
	hs_vec_deinit(&maps);
	if (!err)
		open_files(c, *ret);
	return err;
}

struct hs_err *im_open_core(const char *path, struct im_image **ret)
{
	struct core_notes notes = { 0 };
	struct hs_err *err;
	struct core *c;
	struct stat st;
	int fd = -1;

	err = open_file(path, &fd, &st);
	if (err)
		return err;
	c = hs_xalloc(sizeof(*c));
	c->fd = fd;
	c->size = (uint64_t)st.st_size;
	err = read_core(c, path, &notes);
	if (err)
		core_destroy(c);
	else
		err = hs_err_wrap(make_image(c, &st, &notes, ret),
				  "open core %s", path);
	im_core_notes_deinit(&notes);
	return err;
}
