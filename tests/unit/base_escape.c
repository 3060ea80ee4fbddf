// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "unit.h"

#include <locale.h>
#include <wchar.h>
#include <wctype.h>

static void expect_n(const char *in, size_t n, const char *out)
{
	HS_TEXT once = { 0 }, twice = { 0 };

	hs_text_escape(&once, in, n);
	assert_string_equal(hs_text_str(&once), out);
	assert_int_equal(once.len, strlen(out));
	hs_text_escape(&twice, once.s, once.len);
	assert_string_equal(hs_text_str(&twice), out);
}

static void expect(const char *in, const char *out)
{
	expect_n(in, strlen(in), out);
}

static void plain_text_is_kept(void **state)
{
	(void)state;
	expect("", "");
	expect("plain ~text\\ 'with' \"quotes\"",
	       "plain ~text\\ 'with' \"quotes\"");
	expect("gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x90\x8d",
	       "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x90\x8d");
}

static void every_c0_and_del_is_escaped(void **state)
{
	char c, want[8];
	int i;

	(void)state;
	for (i = 0; i < 0x20; i++) {
		c = (char)i;
		snprintf(want, sizeof(want), "\\x%02x", i);
		expect_n(&c, 1,
			 i == '\n' ? "\\n" :
			 i == '\t' ? "\\t" :
			 i == '\r' ? "\\r" : want);
	}
	expect("\x7f", "\\x7f");
	expect("a\x1b[2Jb\x1b]0;title\x07", "a\\x1b[2Jb\\x1b]0;title\\x07");
	expect_n("a\0b", 3, "a\\x00b");
}

static void every_c1_is_escaped_as_character_and_as_byte(void **state)
{
	char utf8[2] = "\xc2", byte, want[8];
	int i;

	(void)state;
	for (i = 0x80; i < 0xa0; i++) {
		utf8[1] = byte = (char)i;
		snprintf(want, sizeof(want), "\\u%04x", i);
		expect_n(utf8, 2, want);
		snprintf(want, sizeof(want), "\\x%02x", i);
		expect_n(&byte, 1, want);
	}
	expect("\xc2\xa0", "\xc2\xa0");
}

static void bidi_controls_and_separators_are_escaped(void **state)
{
	(void)state;
	expect("\xd8\x9c", "\\u061c");
	expect("\xe2\x80\x8e\xe2\x80\x8f", "\\u200e\\u200f");
	expect("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
	expect("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae",
	       "\\u202a\\u202b\\u202c\\u202d\\u202e");
	expect("\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9",
	       "\\u2066\\u2067\\u2068\\u2069");
	// Their neighbours are harmless.
	expect("\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
	       "\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}

static void overlong_forms_are_bytes(void **state)
{
	(void)state;
	expect("\xc0\x9b", "\\xc0\\x9b");
	expect("\xc1\xbf", "\\xc1\\xbf");
	expect("\xe0\x80\x9b", "\\xe0\\x80\\x9b");
	expect("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
	expect("\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b");
	expect("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
}

static void surrogates_are_bytes(void **state)
{
	(void)state;
	expect("\xed\xa0\x80", "\\xed\\xa0\\x80");
	expect("\xed\xbf\xbf", "\\xed\\xbf\\xbf");
	expect("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80");
}

static void beyond_unicode_are_bytes(void **state)
{
	(void)state;
	expect("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd");
	expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	expect("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
	expect("\xff\xfe", "\\xff\\xfe");
}

static void cut_off_sequences_do_not_swallow_what_follows(void **state)
{
	(void)state;
	expect("\xe2\x80", "\\xe2\\x80");
	expect("\xf0\x9f\x90", "\\xf0\\x9f\\x90");
	expect("\xe2\x1b[m", "\\xe2\\x1b[m");
	expect("\xe2\x80\x1b", "\\xe2\\x80\\x1b");
	expect("\xc3(", "\\xc3(");
	expect("\xc3\xc3\xbc", "\\xc3\xc3\xbc");
	expect("\x80\xbf", "\\x80\\xbf");
	// What lies behind n is not looked at.
	expect_n("\xe2\x80\x99", 2, "\\xe2\\x80");
}

static void all_code_points_agree_with_iswcntrl(void **state)
{
	HS_TEXT t = { 0 };
	char utf8[8];
	uint32_t cp, back;
	size_t len;

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (cp = 0; cp <= 0x10ffff; cp++) {
		len = wcrtomb(utf8, (wchar_t)cp, &(mbstate_t){ 0 });
		if (len == (size_t)-1)
			continue;
		assert_int_equal(hs_utf8_decode(utf8, len, &back), len);
		assert_int_equal(back, cp);
		hs_text_clear(&t);
		hs_text_escape(&t, utf8, len);
		// libc's control characters are a part of ours.
		if (iswcntrl((wint_t)cp))
			assert_int_equal(t.s[0], '\\');
		else if (t.s[0] == '\\')
			assert_true(cp == '\\' || cp == 0x61c ||
				    (cp >= 0x200e && cp <= 0x2069));
		else
			assert_memory_equal(t.s, utf8, len);
	}
	setlocale(LC_CTYPE, "C");
}

static void every_pair_of_bytes_comes_out_printable(void **state)
{
	HS_TEXT t = { 0 };
	char in[2];
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 0x10000; i++) {
		in[0] = (char)(i >> 8);
		in[1] = (char)i;
		hs_text_clear(&t);
		hs_text_escape(&t, in, 2);
		for (k = 0; k < t.len; k++) {
			assert_true((uint8_t)t.s[k] >= 0x20);
			assert_int_not_equal(t.s[k], 0x7f);
		}
	}
}

static void width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(hs_text_width("", 0), 0);
	assert_int_equal(hs_text_width("abc", 3), 3);
	assert_int_equal(hs_text_width("abc", 2), 2);
	assert_int_equal(hs_text_width("\xff", 1), 1);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(hs_text_width("\xe6\xbc\xa2", 3), 2);
	assert_int_equal(hs_text_width("e\xcc\x81", 3), 1);
	assert_int_equal(hs_text_width("\xc3\xbc", 2), 1);
	setlocale(LC_CTYPE, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_is_kept),
		cmocka_unit_test(every_c0_and_del_is_escaped),
		cmocka_unit_test(every_c1_is_escaped_as_character_and_as_byte),
		cmocka_unit_test(bidi_controls_and_separators_are_escaped),
		cmocka_unit_test(overlong_forms_are_bytes),
		cmocka_unit_test(surrogates_are_bytes),
		cmocka_unit_test(beyond_unicode_are_bytes),
		cmocka_unit_test(cut_off_sequences_do_not_swallow_what_follows),
		cmocka_unit_test(all_code_points_agree_with_iswcntrl),
		cmocka_unit_test(every_pair_of_bytes_comes_out_printable),
		cmocka_unit_test(width_counts_columns),
	};

	return UNIT_RUN(tests);
}
