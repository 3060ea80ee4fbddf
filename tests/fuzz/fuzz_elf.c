// SPDX-License-Identifier: Apache-2.0
// Any bytes as an ELF file that a process has mapped: its symbols, its build
// id, and what it tells for debugging.
#include "symbols.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static void ask(struct im_symtab *t)
{
	const struct im_sym *s = im_symtab_find(t, "symbol");

	if (s && s->name >= t->text.n)
		abort();
	for (size_t i = 0; i < t->syms.n; i++) {
		// Each name ends within the text.
		if (!memchr(t->text.v + t->syms.v[i].name, 0,
			    t->text.n - t->syms.v[i].name))
			abort();
		s = im_symtab_cover(t, t->syms.v[i].addr + 1);
		if (s && s->addr > t->syms.v[i].addr + 1)
			abort();
	}
	(void)im_symtab_cover(t, 0);
	(void)im_symtab_cover(t, UINT64_MAX);
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct im_symtab *t = hs_xalloc(sizeof(*t));
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char id[41] = "";

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	if (im_file_build_id(fd, id) && strlen(id) > 40)
		abort();
	(void)im_debug_of_file(fd);
	(void)im_symtab_from_file(t, fd, 0x400000);
	im_symtab_finish(t);
	ask(t);
	im_symtab_destroy(t);
	close(fd);
}

enum { DYNSYM = 1, DYNSTR, VERSYM, SYMTAB, STRTAB, DEBUG, NAMES, SECTIONS };

static struct {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Shdr sh[SECTIONS];
	struct {
		Elf64_Nhdr nh;
		char name[4];
		uint8_t id[20];
	} build_id;
	Elf64_Sym dynsym[3], symtab[3];
	uint16_t versions[3], pad;
	char strings[32], names[48];
} file;

#define AT(member) offsetof(__typeof__(file), member)

static void section(int i, const char *name, uint32_t type, uint64_t at,
		    uint64_t size)
{
	const char *found = memmem(file.names, sizeof(file.names), name,
				   strlen(name) + 1);

	file.sh[i] = (Elf64_Shdr){
		.sh_name = (uint32_t)(found - file.names), .sh_type = type,
		.sh_offset = at, .sh_size = size, .sh_addralign = 1,
	};
}

static void make_sections(void)
{
	static const char names[] = "\0.dynsym\0.text\0.symtab\0.debug_info\0";

	memcpy(file.names, names, sizeof(names));
	memcpy(file.strings, "\0symbol\0local@V1\0other", 23);
	section(DYNSYM, ".dynsym", SHT_DYNSYM, AT(dynsym), sizeof(file.dynsym));
	section(DYNSTR, ".text", SHT_STRTAB, AT(strings), sizeof(file.strings));
	section(VERSYM, ".text", SHT_GNU_versym, AT(versions),
		sizeof(file.versions));
	section(SYMTAB, ".symtab", SHT_SYMTAB, AT(symtab), sizeof(file.symtab));
	section(STRTAB, ".text", SHT_STRTAB, AT(strings), sizeof(file.strings));
	section(DEBUG, ".debug_info", SHT_PROGBITS, AT(strings), 8);
	section(NAMES, ".text", SHT_STRTAB, AT(names), sizeof(file.names));
	file.sh[DYNSYM].sh_link = DYNSTR;
	file.sh[VERSYM].sh_link = DYNSYM;
	file.sh[SYMTAB].sh_link = STRTAB;
	file.sh[DYNSYM].sh_entsize = file.sh[SYMTAB].sh_entsize =
		sizeof(Elf64_Sym);
	file.sh[VERSYM].sh_entsize = sizeof(uint16_t);
}

static void __attribute__((__constructor__)) make_file(void)
{
	static const Elf64_Sym syms[3] = {
		{ 0 },
		{ .st_name = 1, .st_info = STT_FUNC | STB_GLOBAL << 4,
		  .st_shndx = 1, .st_value = 16, .st_size = 8 },
		{ .st_name = 8, .st_info = STT_OBJECT, .st_shndx = 1,
		  .st_value = 64 },
	};

	file.eh = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = AT(ph), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1, .e_shoff = AT(sh),
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
		.e_shstrndx = NAMES,
	};
	file.ph = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = AT(build_id),
				.p_filesz = sizeof(file.build_id) };
	file.build_id.nh = (Elf64_Nhdr){ 4, 20, NT_GNU_BUILD_ID };
	memcpy(file.build_id.name, "GNU", 4);
	memcpy(file.dynsym, syms, sizeof(syms));
	memcpy(file.symtab, syms, sizeof(syms));
	make_sections();
}

static struct fuzz_seed seeds[] = { { &file, sizeof(file) } };

FUZZ_MAIN(seeds, HS_ARRAY_SIZE(seeds))
