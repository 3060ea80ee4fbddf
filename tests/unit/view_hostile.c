// SPDX-License-Identifier: GPL-3.0-or-later
// Documents that an engine should not send, with text that a program under
// inspection chose: nothing but printable text and newlines may come out.
#include "view.h"

#include <locale.h>

#include "unit.h"

/* Clears the screen, sets the title, hides, reorders, ends the line. */
#define NASTY_KEY "\\u001b[2J\\u001b]0;x\\u0007\\u007f\\u009b2J\\u202e\\r\\n"
#define NASTY NASTY_KEY "\\u0000"

static const char *const types[] = {
	"attached", "bytes",   "number", "bool",  "none",  "text",
	"list",     "sized",   "set",    "diff",  "table", "object",
	"error",    "summary", "words",  "novel", NASTY,
};

static const char *const members[] = {
	"\"value\":\"" NASTY "\"",
	"\"value\":[\"" NASTY "\",{\"type\":\"text\",\"value\":\"" NASTY "\"},"
	"{\"" NASTY_KEY "\":1}]",
	"\"items\":[{\"name\":\"" NASTY "\",\"refs\":[{\"name\":\"" NASTY
	"\"}]}]",
	"\"" NASTY_KEY "\":{\"" NASTY_KEY "\":\"" NASTY "\"}",
	"\"program\":\"" NASTY "\",\"runtime\":\"" NASTY
	"\",\"version\":\"" NASTY "\",\"rung\":\"" NASTY "\",\"pid\":\"" NASTY
	"\"",
	"\"message\":\"" NASTY "\",\"remedy\":\"" NASTY "\",\"column\":900",
	"\"title\":\"" NASTY "\",\"columns\":[{\"name\":\"" NASTY
	"\",\"unit\":\"" NASTY "\"}],\"rows\":[[\"" NASTY "\",\"" NASTY
	"\"],[],{\"a\":1}]",
	"\"header\":\"" NASTY "\",\"kind\":\"" NASTY "\",\"by\":\"id\","
	"\"rows\":[{\"kind\":\"" NASTY "\",\"type\":\"" NASTY
	"\",\"retained\":\"" NASTY "\",\"index\":-5,\"size\":\"x\"}]",
	"\"rows\":[1,null,[[]],\"s\"],\"columns\":7,\"more\":-1,\"value\":1.5",
	"\"rows\":{\"a\":1},\"columns\":[null,3],\"items\":[3,{\"refs\":[1]}],"
	"\"value\":{\"a\":[]},\"count\":{},\"unread\":3",
	"\"address\":\"" NASTY "\",\"flat\":\"" NASTY
	"\",\"rows\":[{\"" NASTY_KEY "\":\"" NASTY "\"},[]]",
};

static bool is_safe(const char *s, size_t n, const struct vw_style *style)
{
	size_t i, len;
	uint32_t cp;

	for (i = 0; i < n; i += len) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		if (!len || cp == 0x7f || (cp >= 0x80 && cp < 0xa0) ||
		    (cp >= 0x202a && cp <= 0x202e) ||
		    (cp >= 0x80 && !style->utf8))
			return false;
		if (cp < ' ' && cp != '\n' &&
		    !(cp == '\r' && style->format == VW_CSV))
			return false;
	}
	return true;
}

static void check(const char *type, const char *more,
		  const struct vw_style *style)
{
	HS_FREE char *json = hs_xasprintf(
		"{\"schema\":1,\"type\":\"%s\",\"command\":\"" NASTY
		"\",\"instant\":1,\"partial\":false,%s}",
		type, more);
	HS_TEXT t = { 0 };
	json_t *doc = json_loads(json, JSON_ALLOW_NUL, NULL);

	assert_non_null(doc);
	vw_doc(&t, doc, style);
	json_decref(doc);
	if (!is_safe(hs_text_str(&t), t.len, style))
		fail_msg("%s", json);
}

static void no_control_ever_comes_out(void **state)
{
	struct vw_style style = { 0 };
	size_t i, k, f;

	(void)state;
	for (f = 0; f < 12; f++) {
		style.format = (enum vw_format)(f % 3);
		style.utf8 = f / 3 % 2;
		style.width = f / 6 ? 30 : 0;
		for (i = 0; i < HS_ARRAY_SIZE(types); i++)
			for (k = 0; k < HS_ARRAY_SIZE(members); k++)
				check(types[i], members[k], &style);
	}
}

static void escaping_twice_is_escaping_once(void **state)
{
	const struct vw_style style = { .utf8 = true };
	HS_TEXT once = { 0 }, twice = { 0 };
	const char nasty[] = "\x1b\\x1b\\n\n\xc3";

	(void)state;
	vw_foreign(&once, &style, nasty, sizeof(nasty) - 1);
	vw_foreign(&twice, &style, hs_text_str(&once), once.len);
	assert_string_equal(hs_text_str(&once), hs_text_str(&twice));
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
	const struct vw_style style = { .utf8 = true };
	size_t i;

	(void)state;
	for (i = 1; i < 12; i++) {
		HS_TEXT t = { 0 };

		vw_clip(&t, &style, "日本語日本語", i);
		assert_true(hs_text_width(hs_text_str(&t), t.len) <= i);
		assert_true(is_safe(hs_text_str(&t), t.len, &style));
	}
}

static void json_without_utf8_is_the_same_json(void **state)
{
	const struct vw_style style = { .format = VW_JSON };
	json_t *doc = json_pack("{ss}", "value", "\xf0\x9f\x98\x80 \xc3\xa9");
	HS_TEXT t = { 0 };
	json_t *back;

	(void)state;
	vw_doc(&t, doc, &style);
	assert_string_equal(hs_text_str(&t),
			    "{\"value\":\"\\ud83d\\ude00 \\u00e9\"}\n");
	back = json_loads(hs_text_str(&t), 0, NULL);
	assert_true(json_equal(doc, back));
	json_decref(back);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_control_ever_comes_out),
		cmocka_unit_test(escaping_twice_is_escaping_once),
		cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
		cmocka_unit_test(json_without_utf8_is_the_same_json),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return UNIT_RUN(tests);
}
