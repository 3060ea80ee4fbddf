// SPDX-License-Identifier: Apache-2.0
#include "doc.h"

#include <math.h>

#include "unit.h"

static void assert_encodes(json_t *value, const char *expected)
{
	HS_FREE char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	assert_string_equal(s, expected);
	json_decref(value);
}

static void a_document_has_the_common_fields_in_order(void **state)
{
	json_t *doc = wr_doc_create("bytes");
	HS_FREE char *s = NULL;

	(void)state;
	wr_doc_stamp(doc, "asizeof obj", 2, false);
	json_object_set_new(doc, "value", wr_u64(328));
	s = wr_doc_encode(doc);
	assert_string_equal(s, "{\"schema\":1,\"command\":\"asizeof obj\","
			       "\"type\":\"bytes\",\"instant\":2,"
			       "\"partial\":false,\"value\":328}");
	json_decref(doc);
}

static void no_instant_is_null(void **state)
{
	json_t *doc = wr_doc_create("none");

	(void)state;
	wr_doc_stamp(doc, "x = 1", 0, true);
	assert_true(json_is_null(json_object_get(doc, "instant")));
	assert_true(json_is_true(json_object_get(doc, "partial")));
	json_decref(doc);
}

static void integers_beyond_2_53_are_strings(void **state)
{
	(void)state;
	assert_encodes(wr_u64(9007199254740992), "9007199254740992");
	assert_encodes(wr_u64(9007199254740993), "\"9007199254740993\"");
	assert_encodes(wr_u64(UINT64_MAX), "\"18446744073709551615\"");
	assert_encodes(wr_i64(-9007199254740992), "-9007199254740992");
	assert_encodes(wr_i64(INT64_MIN), "\"-9223372036854775808\"");
}

static void what_was_written_is_read_back(void **state)
{
	static const uint64_t u[] = { 0, 1, 1ULL << 53, (1ULL << 53) + 1,
				      UINT64_MAX };
	static const int64_t i[] = { 0, -1, INT64_MIN, INT64_MAX };
	json_t *j;
	size_t k;

	(void)state;
	for (k = 0; k < HS_ARRAY_SIZE(u); k++) {
		j = wr_u64(u[k]);
		assert_true(wr_as_u64(j) == u[k]);
		json_decref(j);
	}
	for (k = 0; k < HS_ARRAY_SIZE(i); k++) {
		j = wr_i64(i[k]);
		assert_true(wr_as_i64(j) == i[k]);
		json_decref(j);
	}
	assert_int_equal(wr_as_u64(NULL), 0);
}

static void addresses_and_reals_have_their_form(void **state)
{
	(void)state;
	assert_encodes(wr_addr(0x7f00dead), "\"0x7f00dead\"");
	assert_encodes(wr_real(NAN), "\"NaN\"");
	assert_encodes(wr_real(-INFINITY), "\"-Infinity\"");
	assert_encodes(wr_real(0.5), "0.5");
}

static void bytes_that_are_not_utf8_stand_beside_as_hex(void **state)
{
	json_t *doc = json_object();

	(void)state;
	wr_set_text(doc, "value", "a\xff\xc3\xa9\xed\xa0\x80", 7);
	assert_string_equal(wr_get_text(doc, "value"),
			    "a\\xff\xc3\xa9\\xed\\xa0\\x80");
	assert_string_equal(wr_get_text(doc, "value_hex"), "61ffc3a9eda080");
	wr_set_text(doc, "plain", "\xc3\xa9", 2);
	assert_null(json_object_get(doc, "plain_hex"));
	json_decref(doc);
}

static void no_control_leaves_in_an_encoded_document(void **state)
{
	static const char nasty[] =
		"\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6";
	json_t *doc = wr_doc_create("text"), *back;
	HS_FREE char *s = NULL;
	const char *p;

	(void)state;
	wr_set_text(doc, "value", nasty, sizeof(nasty) - 1);
	s = wr_doc_encode(doc);
	for (p = s; *p; p++)
		assert_true(*p >= ' ' && *p <= '~');
	assert_null(wr_doc_decode(s, strlen(s), &back));
	assert_string_equal(wr_get_text(back, "value"), nasty);
	json_decref(back);
	json_decref(doc);
}

static void an_error_carries_code_remedy_and_column(void **state)
{
	struct hs_err *err = hs_err_new(HS_ERR_USAGE, "read '%s': why", "a b");
	json_t *doc;

	(void)state;
	err = hs_err_remedy(err, "help");
	err->column = 3;
	doc = wr_doc_error(err);
	assert_string_equal(wr_get_text(doc, "type"), "error");
	assert_string_equal(wr_get_text(doc, "code"),
			    hs_code_name(HS_ERR_USAGE));
	assert_string_equal(wr_get_text(doc, "message"), "read 'a b': why");
	assert_string_equal(wr_get_text(doc, "remedy"), "help");
	assert_int_equal(wr_get_i64(doc, "column"), 3);
	json_decref(doc);
	hs_err_free(err);
}

static void broken_documents_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"1",
		"{}",
		"{\"schema\":2,\"command\":\"\",\"type\":\"none\","
		"\"instant\":null,\"partial\":false}",
		"{\"schema\":1,\"command\":\"\",\"type\":7,"
		"\"instant\":null,\"partial\":false}",
		"{\"schema\":1,\"command\":\"\",\"type\":\"none\","
		"\"instant\":\"\",\"partial\":false}",
		"{\"schema\":1,\"command\":\"\",\"type\":\"none\","
		"\"instant\":null}",
		"{\"schema\":1,\"command\":\"\",\"type\":\"none\","
		"\"instant\":null,\"partial\":false} x",
	};
	struct hs_err *err;
	json_t *doc = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < HS_ARRAY_SIZE(bad); i++) {
		err = wr_doc_decode(bad[i], strlen(bad[i]), &doc);
		assert_non_null(err);
		assert_int_equal(err->code, HS_ERR_FORMAT);
		assert_null(doc);
		hs_err_free(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_has_the_common_fields_in_order),
		cmocka_unit_test(no_instant_is_null),
		cmocka_unit_test(integers_beyond_2_53_are_strings),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(addresses_and_reals_have_their_form),
		cmocka_unit_test(bytes_that_are_not_utf8_stand_beside_as_hex),
		cmocka_unit_test(no_control_leaves_in_an_encoded_document),
		cmocka_unit_test(an_error_carries_code_remedy_and_column),
		cmocka_unit_test(broken_documents_are_refused),
	};
	return UNIT_RUN(tests);
}
