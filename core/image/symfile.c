// SPDX-License-Identifier: Apache-2.0
// Symbols of an ELF file, by libelf. The file is read, not mapped: one that is
// cut short under us would otherwise end us with SIGBUS.
#include "symbols.h"

#include <gelf.h>
#include <libelf.h>

/** Data of a section when it has any, is whole and of the wanted type. */
static const Elf_Data *section_data(Elf *elf, size_t index, Elf64_Word type)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	Elf_Data *data;
	GElf_Shdr sh;

	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_type != type)
		return NULL;
	data = elf_getdata(scn, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

/** .gnu.version of the symbol table at index, of at least n entries. */
static const uint16_t *find_versions(Elf *elf, size_t index, size_t n)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn))) {
		const Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_GNU_versym ||
		    sh.sh_link != index)
			continue;
		data = section_data(elf, elf_ndxscn(scn), SHT_GNU_versym);
		if (data && data->d_size / sizeof(uint16_t) >= n)
			return data->d_buf;
	}
	return NULL;
}

static void add_section(struct im_symtab *t, Elf *elf, Elf_Scn *scn,
			const GElf_Shdr *sh, uint64_t bias)
{
	size_t index = elf_ndxscn(scn);
	const Elf_Data *syms = section_data(elf, index, sh->sh_type);
	const Elf_Data *text = section_data(elf, sh->sh_link, SHT_STRTAB);
	struct im_rawsyms raw = { 0 };

	if (!syms || !text)
		return;
	raw.syms = syms->d_buf;
	raw.n = syms->d_size / sizeof(Elf64_Sym);
	raw.strings = text->d_buf;
	raw.strings_size = text->d_size;
	raw.versioned_names = sh->sh_type == SHT_SYMTAB;
	if (sh->sh_type == SHT_DYNSYM)
		raw.versions = find_versions(elf, index, raw.n);
	im_symtab_add(t, &raw, bias);
}

static void add_sections(struct im_symtab *t, Elf *elf, Elf64_Word type,
			 uint64_t bias)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == type)
			add_section(t, elf, scn, &sh, bias);
	}
}

static bool is_ours(Elf *elf)
{
	GElf_Ehdr eh;

	return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &eh) &&
	       gelf_getclass(elf) == ELFCLASS64 &&
	       eh.e_ident[EI_DATA] == ELFDATA2LSB &&
	       eh.e_machine == EM_X86_64;
}

bool im_symtab_from_file(struct im_symtab *t, int fd, uint64_t bias)
{
	bool ours;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	ours = is_ours(elf);
	if (ours) {
		add_sections(t, elf, SHT_DYNSYM, bias);
		add_sections(t, elf, SHT_SYMTAB, bias);
	}
	elf_end(elf);
	return ours;
}

enum im_debug im_debug_of_file(int fd)
{
	enum im_debug found = IM_DEBUG_NONE;
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!is_ours(elf) || elf_getshdrstrndx(elf, &names)) {
		elf_end(elf);
		return found;
	}
	while (found != IM_DEBUG_DWARF && (scn = elf_nextscn(elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		if (sh.sh_type == SHT_SYMTAB)
			found = IM_DEBUG_SYMBOLS;
		if (sh.sh_type != SHT_NOBITS && name &&
		    !strcmp(name, ".debug_info"))
			found = IM_DEBUG_DWARF;
	}
	elf_end(elf);
	return found;
}
