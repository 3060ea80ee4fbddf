/* SPDX-License-Identifier: Apache-2.0 */
/**
 * corebuf: small ELF cores made by hand, right and wrong ones. The layout is
 *
 *	Elf64_Ehdr | n Elf64_Phdr | bytes, in the order they were added
 *
 * Headers are the test's to spoil before corebuf_open().
 */
#ifndef HS_TESTS_COREBUF_H
#define HS_TESTS_COREBUF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { COREBUF_PHDRS = 16, COREBUF_MAX = 1 << 20 };

struct corebuf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[COREBUF_PHDRS];
	uint8_t bytes[COREBUF_MAX];	/* of the file; see corebuf_finish() */
	size_t n;			/* of bytes in use */
	uint8_t notes[8192];
	size_t n_notes;
};

/** An x86-64 core without anything in it. */
void corebuf_init(struct corebuf *c);
/** A PT_LOAD of memsz bytes at addr, filesz of them in the core. */
void corebuf_load(struct corebuf *c, uint64_t addr, uint32_t flags,
		  const void *bytes, uint64_t filesz, uint64_t memsz);
/** A note "CORE" of this type; they become one PT_NOTE. */
void corebuf_note(struct corebuf *c, uint32_t type, const void *desc,
		  size_t n);
/** Put headers and notes where they belong: now bytes[0..n) is the core. */
void corebuf_finish(struct corebuf *c);
/** A new file without a name of its first n bytes. */
int corebuf_fd(const struct corebuf *c, size_t n);

#endif
