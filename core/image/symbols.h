/* SPDX-License-Identifier: Apache-2.0 */
/** The symbols of one module, by name and by address. For this room only. */
#ifndef IM_SYMBOLS_H
#define IM_SYMBOLS_H

#include <elf.h>

#include "image_priv.h"

struct im_sym {
	uint64_t addr, size;	/* absolute; size 0: not told */
	uint32_t name;		/* offset in the table's text */
	uint32_t rank;		/* im_sym_rank, of the source and the symbol */
	bool resolver;		/* STT_GNU_IFUNC */
};

/** Of two symbols of one name the lower rank is meant. */
enum im_sym_rank { IM_SYM_GLOBAL, IM_SYM_HIDDEN, IM_SYM_LOCAL, IM_SYM_RANKS };

struct im_symtab {
	HS_VEC(struct im_sym) syms;
	HS_VEC(char) text;		/* NUL-terminated names */
	uint32_t *by_name;		/* open addressing: index + 1 */
	size_t n_buckets;		/* a power of two, or 0 */
	_Atomic(uint32_t *) by_addr;	/* indexes; made on first use */
	uint32_t source;		/* of what is being added */
	bool from_memory;		/* of one process alone: not shared */
	bool shared;			/* with other images; never freed */
};

/** A raw symbol table, as a file or the memory of the process has it. */
struct im_rawsyms {
	const Elf64_Sym *syms;
	size_t n;
	const char *strings;
	size_t strings_size;
	const uint16_t *versions;	/* .gnu.version, or NULL */
	bool versioned_names;		/* names may end in @VERSION: .symtab */
};

/** Add a table; those added earlier win. bias is added to every value. */
void im_symtab_add(struct im_symtab *t, const struct im_rawsyms *raw,
		   uint64_t bias);
/** Make the index by name; nothing may be added afterwards. */
void im_symtab_finish(struct im_symtab *t);
const struct im_sym *im_symtab_find(const struct im_symtab *t,
				    const char *name);
/** The symbol that covers addr: size 0 covers up to the next one. */
const struct im_sym *im_symtab_cover(struct im_symtab *t, uint64_t addr);
/** Nothing is done to one that is shared. */
void im_symtab_destroy(struct im_symtab *t);

/** .dynsym and .symtab of an ELF file; false when it is none. symfile.c */
bool im_symtab_from_file(struct im_symtab *t, int fd, uint64_t bias);
/** What an ELF file tells beyond .dynsym. */
enum im_debug im_debug_of_file(int fd);
/** What PT_DYNAMIC leads to, all read from memory. symdyn.c */
void im_symtab_from_memory(struct im_symtab *t, struct im_image *im,
			   const struct im_loaded *mod);

#endif
