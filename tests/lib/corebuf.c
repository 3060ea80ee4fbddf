// SPDX-License-Identifier: Apache-2.0
#include "corebuf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t add(struct corebuf *c, const void *bytes, size_t n)
{
	size_t at = c->n;

	if (n > sizeof(c->bytes) - at)
		abort();
	if (n)
		memcpy(c->bytes + at, bytes, n);
	c->n += n;
	return at;
}

void corebuf_init(struct corebuf *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->eh.e_ident, ELFMAG, SELFMAG);
	c->eh.e_ident[EI_CLASS] = ELFCLASS64;
	c->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	c->eh.e_ident[EI_VERSION] = EV_CURRENT;
	c->eh.e_type = ET_CORE;
	c->eh.e_machine = EM_X86_64;
	c->eh.e_version = EV_CURRENT;
	c->eh.e_phoff = sizeof(c->eh);
	c->eh.e_ehsize = sizeof(c->eh);
	c->eh.e_phentsize = sizeof(c->ph[0]);
	c->n = sizeof(c->eh) + sizeof(c->ph);
}

void corebuf_load(struct corebuf *c, uint64_t addr, uint32_t flags,
		  const void *bytes, uint64_t filesz, uint64_t memsz)
{
	Elf64_Phdr *ph = &c->ph[c->eh.e_phnum++];

	ph->p_type = PT_LOAD;
	ph->p_flags = flags;
	ph->p_vaddr = addr;
	ph->p_filesz = filesz;
	ph->p_memsz = memsz;
	ph->p_offset = add(c, bytes, filesz);
}

void corebuf_note(struct corebuf *c, uint32_t type, const void *desc, size_t n)
{
	Elf64_Nhdr nh = { 5, (uint32_t)n, type };
	size_t padded = (n + 3) / 4 * 4;

	if (c->n_notes + sizeof(nh) + 8 + padded > sizeof(c->notes))
		abort();
	memcpy(c->notes + c->n_notes, &nh, sizeof(nh));
	memcpy(c->notes + c->n_notes + sizeof(nh), "CORE\0\0\0", 8);
	memcpy(c->notes + c->n_notes + sizeof(nh) + 8, desc, n);
	c->n_notes += sizeof(nh) + 8 + padded;
}

void corebuf_finish(struct corebuf *c)
{
	Elf64_Phdr *ph;

	if (c->n_notes) {
		ph = &c->ph[c->eh.e_phnum++];
		ph->p_type = PT_NOTE;
		ph->p_filesz = c->n_notes;
		ph->p_offset = add(c, c->notes, c->n_notes);
	}
	memcpy(c->bytes, &c->eh, sizeof(c->eh));
	memcpy(c->bytes + sizeof(c->eh), c->ph, sizeof(c->ph));
}

int corebuf_fd(const struct corebuf *c, size_t n)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	if (fd < 0 || write(fd, c->bytes, n) != (ssize_t)n)
		abort();
	return fd;
}
