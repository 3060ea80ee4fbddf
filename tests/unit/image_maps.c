// SPDX-License-Identifier: Apache-2.0
// /proc/PID/maps, as the kernel writes it and as nobody should.
#include "image_priv.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "unit.h"

static struct hs_arena arena;

static bool parse(const char *line, struct im_mapping *ret)
{
	return im_parse_map(line, strlen(line), &arena, ret);
}

static void a_line_is_taken_apart(void **state)
{
	struct im_mapping m;

	(void)state;
	assert_true(parse("7f06dd000000-7f06dd061000 r-xp 00061000 fe:01 "
			  "1318411                    /usr/lib/libpython.so",
			  &m));
	assert_int_equal(m.start, 0x7f06dd000000);
	assert_int_equal(m.end, 0x7f06dd061000);
	assert_int_equal(m.prot, PROT_READ | PROT_EXEC);
	assert_false(m.shared);
	assert_int_equal(m.offset, 0x61000);
	assert_int_equal(m.dev, makedev(0xfe, 1));
	assert_int_equal(m.inode, 1318411);
	assert_string_equal(m.path, "/usr/lib/libpython.so");
	assert_int_equal(m.module, UINT32_MAX);
}

static void a_line_may_have_no_path(void **state)
{
	struct im_mapping m;

	(void)state;
	assert_true(parse("00400000-00401000 ---s 00000000 00:00 0 ", &m));
	assert_int_equal(m.prot, 0);
	assert_true(m.shared);
	assert_string_equal(m.path, "");
	assert_true(parse("00400000-00401000 rw-p 00000000 00:00 0", &m));
	assert_true(parse("ffffffffff600000-ffffffffff601000 --xp 00000000 "
			  "00:00 0                  [vsyscall]", &m));
	assert_string_equal(m.path, "[vsyscall]");
}

static void paths_keep_their_blanks_and_get_back_their_newlines(void **state)
{
	struct im_mapping m;

	(void)state;
	assert_true(parse("1000-2000 r--p 0 0:1 7     /tmp/a b\\012 c.so "
			  "(deleted)", &m));
	assert_string_equal(m.path, "/tmp/a b\n c.so (deleted)");
	assert_int_equal(im_path_len(m.path), strlen("/tmp/a b\n c.so"));
	assert_true(parse("1000-2000 r--p 0 0:1 7 \\01\\0122", &m));
	assert_string_equal(m.path, "\\01\n2");
	assert_int_equal(im_path_len(" (deleted)"), strlen(" (deleted)"));
}

static void what_is_no_line_is_refused(void **state)
{
	static const char *const lines[] = {
		"", "-", "1000", "1000-", "1000-2000", "1000-2000 ", "x",
		"1000-2000 rwx 0 0:0 0", "1000-2000 rwxq 0 0:0 0",
		"2000-1000 rwxp 0 0:0 0", "1000-1000 rwxp 0 0:0 0",
		"1001-2000 rwxp 0 0:0 0", "1000-2001 rwxp 0 0:0 0",
		"1000-2000 rwxp 0 00 0", "1000-2000 rwxp 0 0:0 ",
		"11112222333344445-2000 rwxp 0 0:0 0",
		"1000-2000 rwxp 0 0:0 99999999999999999999",
	};
	struct im_mapping m;
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(lines); i++)
		assert_false(parse(lines[i], &m));
}

static void overlaps_are_cut(void **state)
{
	static const char text[] =
		"5000-6000 r--p 0 0:1 7 /b\n"
		"garbage\n"
		"1000-4000 r--p 0 0:1 7 /a\n"
		"3000-5000 rw-p 100 0:1 7 /c\n"
		"2000-3000 rw-p 0 0:1 7 /inside\n"
		"7000-8000 rw-p 0 0:1 7 /no newline";
	im_mapping_vec maps = { 0 };

	(void)state;
	im_parse_maps(text, sizeof(text) - 1, &arena, &maps);
	assert_int_equal(maps.n, 4);
	assert_int_equal(maps.v[0].end, 0x4000);
	assert_int_equal(maps.v[1].start, 0x4000);
	assert_int_equal(maps.v[1].offset, 0x1100);
	assert_string_equal(maps.v[2].path, "/b");
	assert_string_equal(maps.v[3].path, "/no newline");
	hs_vec_deinit(&maps);
}

static void build_ids_are_found_and_lies_are_not(void **state)
{
	uint8_t note[] = { 4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U',
			   0, 0xab, 0xcd, 0x01, 0 };
	char id[41] = "";
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(note) - 1; n++)
		assert_false(im_build_id(note, n, id));
	assert_true(im_build_id(note, sizeof(note), id));
	assert_string_equal(id, "abcd01");
	note[4] = 21;		// longer than any
	assert_false(im_build_id(note, sizeof(note), id));
	note[4] = 3;
	note[0] = 0xff;		// a name that does not end
	note[3] = 0xff;
	assert_false(im_build_id(note, sizeof(note), id));
}

static int free_arena(void **state)
{
	(void)state;
	hs_arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(a_line_may_have_no_path),
		cmocka_unit_test(
			paths_keep_their_blanks_and_get_back_their_newlines),
		cmocka_unit_test(what_is_no_line_is_refused),
		cmocka_unit_test(overlaps_are_cut),
		cmocka_unit_test(build_ids_are_found_and_lies_are_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_arena) != 0;
}
