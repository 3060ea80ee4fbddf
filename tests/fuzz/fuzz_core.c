// SPDX-License-Identifier: Apache-2.0
// Any bytes as a core: opened, read from end to end, asked for symbols.
#include "image.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

enum { TOUCHED = 64 };	/* mappings that are read */

static void read_all(struct im_image *im)
{
	const struct im_mapping *m;
	size_t n = im_mappings(im, &m), i;
	struct im_reader *r;
	uint8_t buf[8192];

	if (im_reader_create(im, NULL, &r))
		abort();
	for (i = 0; i < n && i < TOUCHED; i++) {
		uint64_t len = m[i].end - m[i].start;

		if (m[i].start >= m[i].end || (i && m[i].start < m[i - 1].end))
			abort();
		len = len < sizeof(buf) ? len : sizeof(buf);
		if (im_read(im, m[i].start, buf, len) > len)
			abort();
		im_view(r, m[i].start, len);
		im_view(r, m[i].end - 8, 16);
	}
	im_reader_destroy(r);
}

static void ask(struct im_image *im)
{
	const struct im_module *mods;
	size_t n = im_modules(im, &mods), i;
	uint64_t addr, size;
	const char *name;

	im_symbol(im, NULL, "symbol", &addr, &size);
	for (i = 0; i < n && i < TOUCHED; i++)
		im_symbol_at(im, mods[i].start + 16, &name, &addr);
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct im_image *im;
	struct hs_err *err;
	char path[64];

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = im_open_core(path, &im);
	close(fd);
	if (err) {
		hs_err_free(err);
		return;
	}
	read_all(im);
	ask(im);
	im_destroy(im);
}

/*
 * A core of one process: notes, and a module whose own headers, dynamic
 * section, hash and symbols are in its one segment.
 */
enum { MODULE = 0x400000 };

struct module {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	struct {
		Elf64_Nhdr nh;
		char name[4];
		uint8_t id[20];
	} build_id;
	Elf64_Dyn dynamic[6];
	uint32_t hash[4 + 2 + 1 + 2];	/* head, bloom, bucket, chain */
	Elf64_Sym syms[3];
	char strings[16];
};

struct note_file {
	Elf64_Nhdr nh;
	char name[8];
	uint64_t head[2], entry[3];
	char path[8];
} __attribute__((__packed__));

static struct {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	struct note_file note;
	struct module module;
} core;

#define AT(member) (MODULE + offsetof(struct module, member))
#define IDENT { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }

static const struct module module_seed = {
	.eh = { .e_ident = IDENT, .e_type = ET_DYN, .e_machine = EM_X86_64,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 },
	.ph = { { .p_type = PT_LOAD, .p_memsz = 0x2000 },
		{ .p_type = PT_NOTE,
		  .p_vaddr = offsetof(struct module, build_id),
		  .p_filesz = 36 },
		{ .p_type = PT_DYNAMIC,
		  .p_vaddr = offsetof(struct module, dynamic),
		  .p_memsz = sizeof(Elf64_Dyn[6]) } },
	.build_id = { { 4, 20, NT_GNU_BUILD_ID }, "GNU", { 1, 2, 3 } },
	.dynamic = { { DT_SYMTAB, { AT(syms) } },
		     { DT_STRTAB, { AT(strings) } },
		     { DT_STRSZ, { 16 } }, { DT_GNU_HASH, { AT(hash) } } },
	.hash = { 1, 1, 1, 0, 0, 0, 1, 4, 5 },
	.syms = { { 0 },
		  { .st_name = 1, .st_info = STT_FUNC | STB_GLOBAL << 4,
		    .st_shndx = 1, .st_value = 16, .st_size = 8 },
		  { .st_name = 8, .st_info = STT_OBJECT, .st_shndx = 1 } },
	.strings = "\0symbol\0local",
};

static void make_core(void)
{
	size_t offset = offsetof(__typeof__(core), module);

	core.eh = module_seed.eh;
	core.eh.e_type = ET_CORE;
	core.ph[0] = (Elf64_Phdr){ .p_type = PT_NOTE,
		.p_offset = offsetof(__typeof__(core), note),
		.p_filesz = sizeof(core.note) };
	core.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R,
		.p_vaddr = MODULE, .p_offset = offset,
		.p_filesz = sizeof(core.module), .p_memsz = 0x2000 };
	core.ph[2] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W,
		.p_vaddr = 0x600000, .p_filesz = 64, .p_memsz = 4096 };
	core.note = (struct note_file){ { 5, 48, NT_FILE }, "CORE",
		{ 1, 4096 }, { MODULE, MODULE + 0x2000, 0 }, "/a.so" };
	core.module = module_seed;
}

static struct fuzz_seed seeds[] = { { &core, sizeof(core) } };

static void __attribute__((__constructor__)) make_seeds(void)
{
	make_core();
}

FUZZ_MAIN(seeds, HS_ARRAY_SIZE(seeds))
