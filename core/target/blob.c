// SPDX-License-Identifier: Apache-2.0
#include "tg_client.h"

#include <assert.h>
#include <elf.h>

/*
 * The probe is part of this program: no file need be found, or believed. Its
 * bytes are those that the build has linked (core/probe); the only
 * relocations in it add the address where it lies.
 */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	".globl tg_blob_begin\n"
	".hidden tg_blob_begin\n"
	"tg_blob_begin:\n"
	".incbin \"heapsh-probe.so\"\n"
	".globl tg_blob_end\n"
	".hidden tg_blob_end\n"
	"tg_blob_end:\n"
	".popsection\n");
extern const uint8_t tg_blob_begin[], tg_blob_end[];

enum { PAGE = 4096 };

static const Elf64_Ehdr *header(void)
{
	return (const Elf64_Ehdr *)tg_blob_begin;
}

static const Elf64_Phdr *segment(unsigned int i)
{
	return (const Elf64_Phdr *)(tg_blob_begin + header()->e_phoff) + i;
}

uint64_t tg_blob_size(void)
{
	uint64_t top = 0;

	for (unsigned int i = 0; i < header()->e_phnum; i++) {
		const Elf64_Phdr *p = segment(i);

		if (p->p_type == PT_LOAD && p->p_vaddr + p->p_memsz > top)
			top = p->p_vaddr + p->p_memsz;
	}
	return hs_align_up(top, PAGE);
}

static uint32_t protection(const Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? 1U : 0) | (p->p_flags & PF_W ? 2U : 0) |
	       (p->p_flags & PF_X ? 4U : 0);
}

static void load(const Elf64_Phdr *p, uint64_t base, struct tg_blob *b)
{
	uint64_t start = p->p_vaddr & ~(uint64_t)(PAGE - 1);
	uint64_t end = hs_align_up(p->p_vaddr + p->p_memsz, PAGE);

	assert(b->n_maps < HS_ARRAY_SIZE(b->maps) && end <= b->size);
	memcpy(b->bytes + p->p_vaddr, tg_blob_begin + p->p_offset,
	       p->p_filesz);
	b->maps[b->n_maps++] = (struct wr_tracer_map){
		.addr = base + start,
		.len = end - start,
		.bytes = end - start,
		.prot = protection(p),
	};
}

static void relocate(const Elf64_Phdr *p, uint64_t base, struct tg_blob *b)
{
	const Elf64_Dyn *d = (const Elf64_Dyn *)(b->bytes + p->p_vaddr);
	uint64_t rela = 0, size = 0;

	for (; d->d_tag; d++) {
		if (d->d_tag == DT_RELA)
			rela = d->d_un.d_ptr;
		else if (d->d_tag == DT_RELASZ)
			size = d->d_un.d_val;
	}
	for (uint64_t i = 0; i < size / sizeof(Elf64_Rela); i++) {
		Elf64_Rela r;
		uint64_t v;

		memcpy(&r, b->bytes + rela + i * sizeof(r), sizeof(r));
		assert(ELF64_R_TYPE(r.r_info) == R_X86_64_RELATIVE);
		v = base + (uint64_t)r.r_addend;
		memcpy(b->bytes + r.r_offset, &v, sizeof(v));
	}
}

void tg_blob_create(uint64_t base, struct tg_blob *ret)
{
	*ret = (struct tg_blob){
		.size = tg_blob_size(),
		.entry = base + header()->e_entry,
	};
	ret->bytes = hs_xalloc(ret->size);
	for (unsigned int i = 0; i < header()->e_phnum; i++) {
		if (segment(i)->p_type == PT_LOAD)
			load(segment(i), base, ret);
	}
	for (unsigned int i = 0; i < header()->e_phnum; i++) {
		if (segment(i)->p_type == PT_DYNAMIC)
			relocate(segment(i), base, ret);
	}
}
