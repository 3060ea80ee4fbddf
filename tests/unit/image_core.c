// SPDX-License-Identifier: Apache-2.0
// ELF cores made by hand: whole, cut short, and lying.
#include "image.h"

#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#include "corebuf.h"
#include "unit.h"

enum { PAGE = 4096 };

static struct corebuf *core;
static char own_path[4096];	/* of this test's own executable */
static uint8_t page[4 * PAGE];

static struct hs_err *open_first(size_t n, struct im_image **ret)
{
	HS_CLOSE int fd = corebuf_fd(core, n);
	HS_FREE char *path = hs_xasprintf("/proc/self/fd/%d", fd);

	return im_open_core(path, ret);
}

static struct im_image *open_whole(void)
{
	struct im_image *im;
	struct hs_err *err;

	corebuf_finish(core);
	err = open_first(core->n, &im);
	if (err)
		fail_msg("%s", err->message);
	return im;
}

static void assert_refused(size_t n, enum hs_code code, const char *why)
{
	struct im_image *im;
	struct hs_err *err = open_first(n, &im);

	assert_non_null(err);
	assert_int_equal(err->code, code);
	if (!strstr(err->message, why))
		fail_msg("\"%s\" does not say \"%s\"", err->message, why);
	hs_err_free(err);
}

static int begin(void **state)
{
	size_t i;

	(void)state;
	core = hs_xalloc(sizeof(*core));
	corebuf_init(core);
	for (i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * 7 + (i >> 8));
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(core);
	return 0;
}

static void what_was_dumped_is_read_and_the_rest_is_a_hole(void **state)
{
	const struct im_mapping *maps;
	uint8_t buf[4 * PAGE];
	struct im_image *im;

	(void)state;
	corebuf_load(core, 0x10000, PF_R | PF_W, page, 2 * PAGE, 2 * PAGE);
	corebuf_load(core, 0x12000, PF_R, page, PAGE, 3 * PAGE);
	corebuf_load(core, 0x20000, 0, page, 0, PAGE);
	im = open_whole();
	assert_int_equal(im_read(im, 0x10000, buf, sizeof(buf)), 3 * PAGE);
	assert_memory_equal(buf, page, 2 * PAGE);
	assert_memory_equal(buf + 2 * PAGE, page, PAGE);
	assert_int_equal(im_read(im, 0x13000, buf, 1), 0);
	assert_int_equal(im_read(im, 0x20000, buf, 1), 0);
	assert_int_equal(im_read(im, 0xffff, buf, 1), 0);
	assert_int_equal(im_missing(im), 0);
	assert_int_equal(im_mappings(im, &maps), 3);
	assert_int_equal(maps[1].prot, PROT_READ);
	assert_int_equal(maps[1].end, 0x15000);
	im_destroy(im);
}

static void segments_over_one_another_keep_the_lower_ones_bytes(void **state)
{
	uint8_t buf[4 * PAGE];
	struct im_image *im;

	(void)state;
	corebuf_load(core, 0x11000, PF_R, page + PAGE, 2 * PAGE, 2 * PAGE);
	corebuf_load(core, 0x10000, PF_R, page, 2 * PAGE, 2 * PAGE);
	corebuf_load(core, 0x10000, PF_R, page + 3, PAGE, PAGE);
	im = open_whole();
	assert_int_equal(im_read(im, 0x10000, buf, sizeof(buf)), 3 * PAGE);
	assert_memory_equal(buf, page, 3 * PAGE);
	im_destroy(im);
}

static void headers_that_lie_are_cut_down(void **state)
{
	uint8_t buf[PAGE];
	struct im_image *im;

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, PAGE, PAGE);
	corebuf_load(core, 0x20000, PF_R, page, PAGE, PAGE);
	corebuf_load(core, 0x30000, PF_R, page, PAGE, PAGE);
	corebuf_load(core, 0x40000, PF_R, page, PAGE, PAGE);
	corebuf_load(core, UINT64_MAX - PAGE, PF_R, page, PAGE, PAGE);
	core->ph[1].p_offset = UINT64_MAX - 8;
	core->ph[2].p_memsz = UINT64_MAX;
	core->ph[3].p_filesz = UINT64_MAX;
	core->ph[4].p_memsz = 2 * PAGE;
	im = open_whole();
	assert_int_equal(im_read(im, 0x10000, buf, PAGE), PAGE);
	assert_int_equal(im_read(im, 0x20000, buf, PAGE), 0);
	assert_int_equal(im_read(im, 0x30000, buf, PAGE), 0);
	assert_int_equal(im_read(im, 0x40000, buf, PAGE), PAGE);
	assert_memory_equal(buf, page, PAGE);
	assert_int_equal(im_missing(im), PAGE);
	im_destroy(im);
}

static void a_core_cut_at_each_kilobyte_tells_what_is_missing(void **state)
{
	size_t first, n;
	uint8_t buf[4 * PAGE];

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, 4 * PAGE, 4 * PAGE);
	corebuf_load(core, 0x80000, PF_R, page, 2 * PAGE, 2 * PAGE);
	corebuf_finish(core);
	first = core->ph[0].p_offset;
	for (n = sizeof(Elf64_Ehdr) + sizeof(core->ph); n <= core->n;
	     n += n + 1024 > core->n && n < core->n ? core->n - n : 1024) {
		size_t a = n - first < 4 * PAGE ? n - first : 4 * PAGE;
		size_t b = n - first - a;
		struct im_image *im;

		assert_null(open_first(n, &im));
		assert_int_equal(im_read(im, 0x10000, buf, sizeof(buf)), a);
		assert_memory_equal(buf, page, a);
		assert_int_equal(im_read(im, 0x80000, buf, sizeof(buf)), b);
		assert_int_equal(im_missing(im), 6 * PAGE - a - b);
		im_destroy(im);
	}
}

static void more_segments_than_the_header_can_count(void **state)
{
	Elf64_Shdr sh = { .sh_info = 2 };
	struct im_image *im;
	char c;

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, PAGE, PAGE);
	corebuf_load(core, 0x20000, PF_R, page, PAGE, PAGE);
	core->eh.e_phnum = PN_XNUM;
	core->eh.e_shoff = core->n;
	memcpy(core->bytes + core->n, &sh, sizeof(sh));
	core->n += sizeof(sh);
	im = open_whole();
	assert_int_equal(im_read(im, 0x20000, &c, 1), 1);
	im_destroy(im);
	// A number that the file cannot hold.
	sh.sh_info = UINT32_MAX;
	memcpy(core->bytes + core->eh.e_shoff, &sh, sizeof(sh));
	assert_null(open_first(core->n, &im));
	im_destroy(im);
}

static void add_thread(int tid, uint64_t ip, uint64_t orig_rax)
{
	struct elf_prstatus st = { .pr_pid = tid };
	struct user_regs_struct regs = {
		.rip = ip, .rsp = 0x7ffc0000, .fs_base = 0x7f00,
		.orig_rax = orig_rax, .rdi = 1, .r9 = 6,
	};

	memcpy(st.pr_reg, &regs, sizeof(regs));
	corebuf_note(core, NT_PRSTATUS, &st, sizeof(st));
}

static void threads_and_command_come_from_the_notes(void **state)
{
	struct elf_prpsinfo ps = { .pr_pid = 4711, .pr_fname = "python3",
				   .pr_psargs = "python3 app.py " };
	const struct im_thread *t;
	struct im_image *im;

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, PAGE, PAGE);
	add_thread(4711, 0x1234, 202);
	corebuf_note(core, NT_PRPSINFO, &ps, sizeof(ps));
	add_thread(4712, 0x5678, UINT64_MAX);
	im = open_whole();
	assert_int_equal(im_info(im)->kind, IM_CORE);
	assert_int_equal(im_info(im)->pid, 4711);
	assert_string_equal(im_info(im)->command, "python3 app.py");
	assert_int_equal(im_threads(im, &t), 2);
	assert_int_equal(t[0].tid, 4711);
	assert_int_equal(t[0].ip, 0x1234);
	assert_int_equal(t[0].sp, 0x7ffc0000);
	assert_int_equal(t[0].tls, 0x7f00);
	assert_int_equal(t[0].syscall, 202);
	assert_int_equal(t[0].args[0], 1);
	assert_int_equal(t[0].args[5], 6);
	assert_string_equal(t[0].comm, "python3");
	assert_int_equal(t[1].syscall, -1);
	im_destroy(im);
}

static void mapped_files_name_the_segments(void **state)
{
	struct {
		uint64_t head[2], entry[2][3];
		char names[32];
	} files = {
		{ 2, PAGE },
		{ { 0x10000, 0x11000, 3 }, { 0x12000, 0x14000, 0 } },
		"/a b\0/lib/none.so",
	};
	const struct im_mapping *m;
	struct im_image *im;
	char c;

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, 2 * PAGE, 2 * PAGE);
	corebuf_load(core, 0x13000, PF_R, page, PAGE, PAGE);
	corebuf_note(core, NT_FILE, &files, sizeof(files));
	im = open_whole();
	assert_int_equal(im_mappings(im, &m), 4);
	assert_string_equal(m[0].path, "/a b");
	assert_int_equal(m[0].offset, 3 * PAGE);
	assert_string_equal(m[1].path, "");
	// No segment tells of it, and no such file is here.
	assert_int_equal(m[2].start, 0x12000);
	assert_string_equal(m[2].path, "/lib/none.so");
	assert_int_equal(m[3].offset, PAGE);
	assert_int_equal(im_read(im, 0x12000, &c, 1), 0);
	im_destroy(im);
}

/** NT_FILE: path mapped at 0x400000 from its beginning, 64 pages of it. */
static void add_mapped_file(const char *path)
{
	uint64_t files[5 + 512] = { 1, PAGE, 0x400000, 0x400000 + 64 * PAGE };

	assert_true(strlen(path) < 4096);
	memcpy(&files[5], path, strlen(path));
	corebuf_note(core, NT_FILE, files, 40 + strlen(path) + 1);
}

/** Bytes of the file at path, at most n. */
static size_t file_bytes(const char *path, uint8_t *ret, size_t n)
{
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	n = fread(ret, 1, n, f);
	fclose(f);
	return n;
}

static void what_a_core_leaves_out_comes_from_the_same_file(void **state)
{
	static uint8_t file[8 * PAGE], got[8 * PAGE];
	const struct im_module *mod;
	struct im_image *im;
	size_t n;

	(void)state;
	n = file_bytes("/proc/self/exe", file, sizeof(file));
	assert_int_equal(n, sizeof(file));
	// Its first page is there, with headers and build id; the rest is not.
	corebuf_load(core, 0x400000, PF_R | PF_X, file, PAGE, 4 * PAGE);
	corebuf_load(core, 0x404000, PF_R | PF_W, file, 0, PAGE);
	add_mapped_file(own_path);
	im = open_whole();
	assert_int_equal(im_modules(im, &mod), 1);
	assert_int_equal(strlen(mod->build_id), 40);
	assert_int_equal(im_read(im, 0x400000, got, sizeof(got)), 4 * PAGE);
	assert_memory_equal(got, file, 4 * PAGE);
	// The process may have written there.
	assert_int_equal(im_read(im, 0x404000, got, PAGE), 0);
	// No segment tells of these: the file does.
	assert_int_equal(im_read(im, 0x405000, got, PAGE), PAGE);
	assert_memory_equal(got, file + 5 * PAGE, PAGE);
	im_destroy(im);
}

static void a_file_of_another_build_is_not_used(void **state)
{
	static uint8_t file[PAGE], got[PAGE];
	struct im_image *im;
	uint8_t *id;

	(void)state;
	file_bytes("/proc/self/exe", file, sizeof(file));
	id = memmem(file, sizeof(file), "GNU\0", 4);
	while (id && id[-4] != NT_GNU_BUILD_ID)
		id = memmem(id + 1, sizeof(file) - (size_t)(id + 1 - file),
			    "GNU\0", 4);
	assert_non_null(id);
	id[4] ^= 1;
	corebuf_load(core, 0x400000, PF_R | PF_X, file, PAGE, 4 * PAGE);
	add_mapped_file(own_path);
	im = open_whole();
	assert_int_equal(im_read(im, 0x401000, got, PAGE), 0);
	im_destroy(im);
}

static void a_32_bit_process_is_refused(void **state)
{
	Elf32_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32,
				       ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_EXEC, .e_machine = EM_386 };

	(void)state;
	memcpy(page, &eh, sizeof(eh));
	corebuf_load(core, 0x400000, PF_R | PF_X, page, PAGE, PAGE);
	add_mapped_file("/bin/old");
	corebuf_finish(core);
	assert_refused(core->n, HS_ERR_UNSUPPORTED, "it is a 32-bit program");
}

static void notes_that_lie_are_left_out(void **state)
{
	uint64_t files[] = { UINT64_MAX / 24, PAGE, 0x10000, 0x11000, 0 };
	uint64_t many[] = { 1, UINT64_MAX, 0x10000, 0x11000, 2, 0x61 };
	const struct im_thread *t;
	const struct im_mapping *m;
	struct im_image *im;
	size_t i;

	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, PAGE, PAGE);
	corebuf_note(core, NT_PRSTATUS, page, 40);
	corebuf_note(core, NT_FILE, files, sizeof(files));
	corebuf_note(core, NT_FILE, files, 8);
	corebuf_note(core, NT_FILE, many, sizeof(many));
	corebuf_note(core, NT_AUXV, page, 17);
	im = open_whole();
	assert_int_equal(im_threads(im, &t), 0);
	assert_int_equal(im_mappings(im, &m), 1);
	assert_string_equal(m[0].path, "");
	im_destroy(im);
	// Sizes of notes that run out of their segment.
	for (i = 0; i + 4 <= core->n_notes; i += 4) {
		memset(core->bytes + core->ph[1].p_offset + i, 0xff, 4);
		assert_null(open_first(core->n, &im));
		im_destroy(im);
	}
}

static void other_files_are_refused_with_the_reason(void **state)
{
	(void)state;
	corebuf_load(core, 0x10000, PF_R, page, PAGE, PAGE);
	corebuf_finish(core);
	assert_refused(0, HS_ERR_FORMAT, "not an ELF file");
	assert_refused(40, HS_ERR_FORMAT, "ends within its ELF header");
	assert_refused(sizeof(Elf64_Ehdr) + 10, HS_ERR_FORMAT, "no PT_LOAD");
	core->bytes[EI_CLASS] = ELFCLASS32;
	assert_refused(core->n, HS_ERR_UNSUPPORTED, "it is 32-bit");
	core->bytes[EI_CLASS] = ELFCLASS64;
	core->bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	assert_refused(core->n, HS_ERR_UNSUPPORTED, "another machine");
	core->bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
	core->bytes[offsetof(Elf64_Ehdr, e_type)] = ET_DYN;
	assert_refused(core->n, HS_ERR_FORMAT, "but no core");
	memcpy(core->bytes, "\x28\xb5\x2f\xfd", 4);
	assert_refused(core->n, HS_ERR_FORMAT, "it is compressed (zstd)");
}

static void what_is_no_file_is_refused(void **state)
{
	struct im_image *im;
	struct hs_err *err = im_open_core("/", &im);

	(void)state;
	assert_string_equal(err->message, "open core /: not a regular file");
	hs_err_free(err);
	err = im_open_core("/dev/null", &im);
	assert_int_equal(err->code, HS_ERR_FORMAT);
	hs_err_free(err);
	err = im_open_core("/nonexistent", &im);
	assert_int_equal(err->code, HS_ERR_OS);
	hs_err_free(err);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_dumped_is_read_and_the_rest_is_a_hole),
		TEST(segments_over_one_another_keep_the_lower_ones_bytes),
		TEST(headers_that_lie_are_cut_down),
		TEST(a_core_cut_at_each_kilobyte_tells_what_is_missing),
		TEST(more_segments_than_the_header_can_count),
		TEST(threads_and_command_come_from_the_notes),
		TEST(mapped_files_name_the_segments),
		TEST(what_a_core_leaves_out_comes_from_the_same_file),
		TEST(a_file_of_another_build_is_not_used),
		TEST(a_32_bit_process_is_refused),
		TEST(notes_that_lie_are_left_out),
		TEST(other_files_are_refused_with_the_reason),
		TEST(what_is_no_file_is_refused),
	};

	if (readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) < 0)
		return 1;
	return UNIT_RUN(tests);
}
