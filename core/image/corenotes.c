// SPDX-License-Identifier: Apache-2.0
// Notes of a core. Their layouts are Linux's, fs/binfmt_elf.c (fill_prstatus,
// fill_psinfo, fill_files_note), and glibc's <sys/procfs.h>.
#include "core_priv.h"

#include <elf.h>
#include <sys/procfs.h>
#include <sys/user.h>

enum { THREADS_MAX = 1 << 20, FILES_MAX = 1 << 21 };

/** One note. */
struct note {
	uint32_t type;
	const uint8_t *desc;
	size_t n;
};

static void add_thread(struct core_notes *notes, const struct note *note)
{
	struct elf_prstatus st;
	struct user_regs_struct regs;
	struct im_thread t = { 0 };

	if (note->n < sizeof(st) || notes->threads.n >= THREADS_MAX)
		return;
	memcpy(&st, note->desc, sizeof(st));
	memcpy(&regs, st.pr_reg, sizeof(regs));
	t.tid = st.pr_pid;
	t.ip = regs.rip;
	t.sp = regs.rsp;
	t.tls = regs.fs_base;
	t.syscall = (int64_t)regs.orig_rax >= 0 ? (int64_t)regs.orig_rax : -1;
	t.args[0] = regs.rdi;
	t.args[1] = regs.rsi;
	t.args[2] = regs.rdx;
	t.args[3] = regs.r10;
	t.args[4] = regs.r8;
	t.args[5] = regs.r9;
	hs_vec_push(&notes->threads, t);
}

static void set_process(struct core_notes *notes, const struct note *note)
{
	struct elf_prpsinfo ps;
	size_t n;

	if (note->n < sizeof(ps) || notes->command)
		return;
	memcpy(&ps, note->desc, sizeof(ps));
	notes->pid = ps.pr_pid;
	memcpy(notes->comm, ps.pr_fname, sizeof(ps.pr_fname));
	notes->comm[sizeof(ps.pr_fname)] = '\0';
	// The kernel puts blanks between the arguments, and one at the end.
	n = strnlen(ps.pr_psargs, sizeof(ps.pr_psargs));
	while (n && ps.pr_psargs[n - 1] == ' ')
		n--;
	notes->command = hs_arena_strndup(&notes->text, ps.pr_psargs, n);
}

static void set_auxv(struct core_notes *notes, const struct note *note)
{
	Elf64_auxv_t a;
	size_t at;

	for (at = 0; note->n - at >= sizeof(a); at += sizeof(a)) {
		memcpy(&a, note->desc + at, sizeof(a));
		if (a.a_type == AT_PHDR)
			notes->phdr = a.a_un.a_val;
		else if (a.a_type == AT_SYSINFO_EHDR)
			notes->vdso = a.a_un.a_val;
	}
}

/** One entry of NT_FILE; its name is the n_left bytes at name. */
static bool add_file(struct core_notes *notes, const uint64_t entry[3],
		     uint64_t page, const char *name, size_t n)
{
	struct im_mapping m = { .start = entry[0], .end = entry[1],
				.module = UINT32_MAX };

	if (m.start >= m.end || hs_mul_overflows(entry[2], page, &m.offset) ||
	    hs_add_overflows(m.offset, m.end - m.start, &page))
		return false;
	m.path = hs_arena_strndup(&notes->text, name, n);
	hs_vec_push(&notes->files, m);
	return true;
}

/**
 *	count | page size | count times: start, end, offset in pages |
 *	count names, each with its NUL
 */
static void add_files(struct core_notes *notes, const struct note *note)
{
	uint64_t head[2], entry[3], i;
	const char *name, *end = (const char *)note->desc + note->n;

	if (note->n < sizeof(head))
		return;
	memcpy(head, note->desc, sizeof(head));
	if (head[0] > FILES_MAX ||
	    head[0] > (note->n - sizeof(head)) / sizeof(entry))
		return;
	name = (const char *)note->desc + sizeof(head) +
	       head[0] * sizeof(entry);
	for (i = 0; i < head[0]; i++) {
		size_t n = strnlen(name, (size_t)(end - name));

		if (name + n == end)
			return;
		memcpy(entry, note->desc + sizeof(head) + i * sizeof(entry),
		       sizeof(entry));
		add_file(notes, entry, head[1], name, n);
		name += n + 1;
	}
}

static void add_note(struct core_notes *notes, const struct note *note)
{
	switch (note->type) {
	case NT_PRSTATUS:
		add_thread(notes, note);
		break;
	case NT_PRPSINFO:
		set_process(notes, note);
		break;
	case NT_AUXV:
		set_auxv(notes, note);
		break;
	case NT_FILE:
		add_files(notes, note);
		break;
	default:	// registers that nobody here asks for
		break;
	}
}

void im_core_parse_notes(struct core_notes *notes, const uint8_t *bytes,
			 size_t n)
{
	size_t at = 0;
	Elf64_Nhdr nh;

	while (n - at >= sizeof(nh)) {
		struct note note;
		size_t name, desc;

		memcpy(&nh, bytes + at, sizeof(nh));
		name = at + sizeof(nh);
		if (nh.n_namesz > n - name)
			return;
		desc = name + hs_align_up(nh.n_namesz, 4);
		if (desc > n || nh.n_descsz > n - desc)
			return;
		note.type = nh.n_type;
		note.desc = bytes + desc;
		note.n = nh.n_descsz;
		if (nh.n_namesz == 5 && !memcmp(bytes + name, "CORE", 5))
			add_note(notes, &note);
		at = desc + hs_align_up(nh.n_descsz, 4);
		if (at > n)
			return;
	}
}

void im_core_notes_deinit(struct core_notes *notes)
{
	hs_vec_deinit(&notes->threads);
	hs_vec_deinit(&notes->files);
	hs_arena_deinit(&notes->text);
}
