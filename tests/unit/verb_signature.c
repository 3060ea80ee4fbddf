// SPDX-License-Identifier: Apache-2.0
// C signatures, as people type them and as they do not.
#include "signature.h"

#include "unit.h"

static struct hs_arena arena;

static int drop(void **state)
{
	(void)state;
	hs_arena_deinit(&arena);
	return 0;
}

static struct vb_signature *parse(const char *text)
{
	struct vb_signature *s = NULL;
	struct hs_err *err = vb_signature_parse(&arena, text, &s);

	if (err)
		fail_msg("%s", err->message);
	return s;
}

static void fails(const char *text, const char *part)
{
	struct vb_signature *s = NULL;
	struct hs_err *err = vb_signature_parse(&arena, text, &s);

	assert_non_null(err);
	if (!strstr(err->message, part))
		fail_msg("%s: not '%s'", err->message, part);
	assert_null(s);
	hs_err_free(err);
}

/* Codes of the result and of each parameter, one after the other. */
static void has_codes(const char *text, const char *want)
{
	struct vb_signature *s = parse(text);
	char codes[256];
	size_t used = 0;

	assert_true(vb_ctype_codes(s->result, codes, sizeof(codes) - 1,
				   &used));
	for (uint32_t i = 0; i < s->n_params; i++)
		assert_true(vb_ctype_codes(s->params[i], codes,
					   sizeof(codes) - 1, &used));
	codes[used] = 0;
	assert_string_equal(codes, want);
}

static void types_have_their_codes(void **state)
{
	(void)state;
	has_codes("void (void)", "v");
	has_codes("void ()", "v");
	has_codes("int (char, signed char, unsigned char)", "ibbB");
	has_codes("long long unsigned int (short, unsigned short int)",
		  "LhH");
	has_codes("size_t(const void*restrict p,uint32_t n)", "LpI");
	has_codes("double frexp(double x, int *exp)", "ddp");
	has_codes("long double (float, _Bool)", "DfB");
	has_codes("FILE *(*fn)(const char *, enum mode)", "ppi");
	has_codes("struct dirent *(DIR *d)", "pp");
	has_codes("void (int a[], char *argv[4])", "vpp");
	has_codes("int (const char *, ...);", "ip");
	assert_true(parse("int (const char *, ...)")->variadic);
}

static void structs_are_laid_out(void **state)
{
	struct vb_ctype *t;

	(void)state;
	t = parse("struct { char c; struct { int a[3]; } s; short h; } ()")
		    ->result;
	assert_int_equal(t->n_members, 3);
	assert_int_equal(t->offsets[1], 4);
	assert_int_equal(t->offsets[2], 16);
	assert_int_equal(t->size, 20);
	assert_int_equal(t->align, 4);
	has_codes("void (struct { char c; double d[2]; } x)", "v{b{dd}}");
}

static void callbacks_keep_their_signature(void **state)
{
	struct vb_signature *s =
		parse("void (int (*f)(const void *, double), "
		      "void (*)(void))");

	(void)state;
	assert_int_equal(s->n_params, 2);
	assert_int_equal(s->params[0]->code, 'p');
	assert_int_equal(s->params[0]->callback->n_params, 2);
	assert_int_equal(s->params[0]->callback->result->code, 'i');
	assert_int_equal(s->params[1]->callback->n_params, 0);
}

static void text_is_one_star_of_char(void **state)
{
	(void)state;
	assert_true(parse("const char *(void)")->result->is_text);
	assert_false(parse("char **(void)")->result->is_text);
	assert_false(parse("unsigned char *(void)")->result->is_text);
	assert_false(parse("void *(void)")->result->is_text);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	fails("", "a type is expected");
	fails("int", "'(' and the types");
	fails("int (", "a type is expected");
	fails("int (int", "')' is expected");
	fails("int (int) x", "nothing more is expected");
	fails("blob (int)", "a type that is not known");
	fails("int (struct blob)", "a type that is not known");
	fails("int (int, void)", "cannot be void");
	fails("int (struct { })", "without members");
	fails("int (struct { int a })", "';' is expected");
	fails("int (struct { int a[0]; })", "an array of 1 to 64");
	fails("int (struct { int a[9999]; })", "an array of 1 to 64");
	fails("int (int (int))", "a function pointer is");
}

/* Everything that nests, grows or ends early comes to an end. */
static void nonsense_ends(void **state)
{
	static const char *const seeds[] = {
		"int (struct { int a[64]; struct { char c[64]; } b[64]; } *)",
		"void (int (*)(int (*)(int (*)(int (*)(int (*)(int))))))",
		"struct { struct { struct { int a; } b[9]; } c[9]; } (...)",
	};
	uint32_t seed = 1;

	(void)state;
	for (size_t k = 0; k < HS_ARRAY_SIZE(seeds); k++) {
		for (int i = 0; i < 3000; i++) {
			HS_FREE char *s = hs_xstrdup(seeds[k]);
			struct vb_signature *sig;
			size_t n = strlen(s);

			for (int j = 0; j < 3; j++) {
				seed = seed * 1103515245 + 12345;
				s[(seed >> 8) % n] =
					"(){}[];,*. i9"[(seed >> 20) % 13];
			}
			hs_err_free(vb_signature_parse(&arena, s, &sig));
			hs_arena_deinit(&arena);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(types_have_their_codes, drop),
		cmocka_unit_test_teardown(structs_are_laid_out, drop),
		cmocka_unit_test_teardown(callbacks_keep_their_signature,
					  drop),
		cmocka_unit_test_teardown(text_is_one_star_of_char, drop),
		cmocka_unit_test_teardown(what_is_wrong_is_said, drop),
		cmocka_unit_test_teardown(nonsense_ends, drop),
	};

	return UNIT_RUN(tests);
}
