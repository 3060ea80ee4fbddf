/* SPDX-License-Identifier: Apache-2.0 */
/** An ELF core, as its headers and notes tell it. For core*.c only. */
#ifndef IM_CORE_PRIV_H
#define IM_CORE_PRIV_H

#include "image_priv.h"

/** A PT_LOAD. Sorted, disjoint. */
struct core_segment {
	uint64_t start, end;	/* addresses; end exclusive */
	uint64_t dumped;	/* bytes from start that the core holds */
	uint64_t offset;	/* of them in the core */
	uint32_t prot;
};

/** A range of a file that was mapped (NT_FILE). Sorted, disjoint. */
struct core_file {
	uint64_t start, end;
	uint64_t offset;	/* in the file */
	const char *path;
	int fd;			/* of the same file here, or -1; not ours */
};

struct core_notes {
	HS_VEC(struct im_thread) threads;
	im_mapping_vec files;	/* NT_FILE, before it is sorted */
	struct hs_arena text;
	const char *command;	/* in text, or NULL */
	char comm[17];
	int pid;
	uint64_t phdr, vdso;	/* AT_PHDR, AT_SYSINFO_EHDR, or 0 */
};

/** Add what the bytes of one PT_NOTE say. What is wrong is left out. */
void im_core_parse_notes(struct core_notes *notes, const uint8_t *bytes,
			 size_t n);
void im_core_notes_deinit(struct core_notes *notes);

#endif
