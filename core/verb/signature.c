// SPDX-License-Identifier: Apache-2.0
#include "signature.h"

#include "text.h"

/** Where the text is being read. */
struct reader {
	struct hs_arena *arena;
	const char *text, *at;
	unsigned int depth;
};

/** Names of types beside C's own words. LP64: System V ABI, x86-64, 3.1.2. */
static const struct {
	const char *name;
	char code;
} names[] = {
	{ "size_t", 'L' },    { "ssize_t", 'l' },   { "ptrdiff_t", 'l' },
	{ "intptr_t", 'l' },  { "uintptr_t", 'L' }, { "off_t", 'l' },
	{ "int8_t", 'b' },    { "uint8_t", 'B' },   { "int16_t", 'h' },
	{ "uint16_t", 'H' },  { "int32_t", 'i' },   { "uint32_t", 'I' },
	{ "int64_t", 'l' },   { "uint64_t", 'L' },  { "time_t", 'l' },
	{ "pid_t", 'i' },     { "uid_t", 'I' },	    { "gid_t", 'I' },
	{ "wchar_t", 'i' },   { "gboolean", 'i' },  { "gint", 'i' },
	{ "guint", 'I' },     { "gsize", 'L' },	    { "gssize", 'l' },
	{ "gpointer", 'p' },  { "gconstpointer", 'p' },
};

static struct hs_err *wrong(const struct reader *r, const char *what)
{
	struct hs_err *err = hs_err_new(HS_ERR_USAGE,
					"read the signature '%s': %s at "
					"'%.20s'", r->text, what, r->at);

	return hs_err_remedy(err, "call \"size_t (void *)\" FUNCTION ARG…");
}

static void skip(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n')
		r->at++;
}

static bool take(struct reader *r, const char *s)
{
	skip(r);
	if (strncmp(r->at, s, strlen(s)))
		return false;
	r->at += strlen(s);
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* Length of the word that comes next, 0: there is none. */
static size_t word(struct reader *r)
{
	size_t n = 0;

	skip(r);
	while (is_letter(r->at[n]))
		n++;
	return n;
}

static bool is(const struct reader *r, size_t n, const char *s)
{
	return strlen(s) == n && !strncmp(r->at, s, n);
}

static bool take_word(struct reader *r, const char *s)
{
	size_t n = word(r);

	if (!is(r, n, s))
		return false;
	r->at += n;
	return true;
}

/* --- types --------------------------------------------------------------- */

static uint32_t size_of(char code)
{
	switch (code) {
	case 'v': return 0;
	case 'b': case 'B': return 1;
	case 'h': case 'H': return 2;
	case 'i': case 'I': case 'f': return 4;
	case 'D': return 16;
	default: return 8;
	}
}

struct vb_ctype *vb_ctype_of(struct hs_arena *arena, char code)
{
	struct vb_ctype *t = hs_arena_alloc(arena, sizeof(*t));

	*t = (struct vb_ctype){
		.code = code,
		.size = size_of(code),
		.align = size_of(code) ? size_of(code) : 1,
	};
	return t;
}

/** C's own words of one type, counted. */
struct words {
	unsigned int n_long, n_char, n_short, n_int, n_signed, n_unsigned;
	unsigned int n_float, n_double, n_void, n_bool;
};

static bool take_own_word(struct reader *r, struct words *w)
{
	const struct {
		const char *name;
		unsigned int *n;
	} own[] = {
		{ "long", &w->n_long },	    { "char", &w->n_char },
		{ "short", &w->n_short },   { "int", &w->n_int },
		{ "signed", &w->n_signed }, { "unsigned", &w->n_unsigned },
		{ "float", &w->n_float },   { "double", &w->n_double },
		{ "void", &w->n_void },	    { "bool", &w->n_bool },
		{ "_Bool", &w->n_bool },
	};
	size_t n = word(r);

	for (size_t i = 0; n && i < HS_ARRAY_SIZE(own); i++) {
		if (is(r, n, own[i].name)) {
			++*own[i].n;
			r->at += n;
			return true;
		}
	}
	return false;
}

static char code_of_words(const struct words *w)
{
	bool u = w->n_unsigned;

	if (w->n_void)
		return 'v';
	if (w->n_bool)
		return 'B';
	if (w->n_float)
		return 'f';
	if (w->n_double)
		return w->n_long ? 'D' : 'd';
	if (w->n_char)
		return u ? 'B' : 'b';
	if (w->n_short)
		return u ? 'H' : 'h';
	if (w->n_long)
		return u ? 'L' : 'l';
	if (w->n_int || w->n_signed || u)
		return u ? 'I' : 'i';
	return 0;
}

static void take_qualifiers(struct reader *r)
{
	static const char *const q[] = { "const", "volatile", "restrict",
					 "__restrict", "register" };
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < HS_ARRAY_SIZE(q); i++)
			more = more || take_word(r, q[i]);
	}
}

static struct hs_err *parse_param(struct reader *r, struct vb_ctype **ret);

/* Lay the members out as the ABI does. */
static struct hs_err *lay_out(struct reader *r, struct vb_ctype *s)
{
	uint64_t at = 0;

	s->align = 1;
	s->offsets = hs_arena_alloc(r->arena,
				    s->n_members * sizeof(*s->offsets));
	for (uint32_t i = 0; i < s->n_members; i++) {
		const struct vb_ctype *m = s->members[i];

		at = hs_align_up(at, m->align);
		s->offsets[i] = (uint32_t)at;
		at += m->size;
		if (m->align > s->align)
			s->align = m->align;
		if (at > VB_SIG_BYTES)
			return wrong(r, "a struct that is too large");
	}
	s->size = (uint32_t)hs_align_up(at, s->align);
	return NULL;
}

static struct vb_ctype *new_struct(struct reader *r)
{
	struct vb_ctype *s = vb_ctype_of(r->arena, '{');

	s->members = hs_arena_alloc(r->arena,
				    VB_SIG_MEMBERS * sizeof(*s->members));
	return s;
}

static struct hs_err *parse_array(struct reader *r, struct vb_ctype **type)
{
	struct vb_ctype *array = new_struct(r);
	uint64_t n = 0;
	size_t digits = word(r);
	HS_FREE char *number = hs_xstrndup(r->at, digits);

	if (!hs_parse_u64(number, &n) || !n || n > VB_SIG_MEMBERS)
		return wrong(r, "an array of 1 to 64 is expected");
	r->at += digits;
	if (!take(r, "]"))
		return wrong(r, "']' is expected");
	while (array->n_members < n)
		array->members[array->n_members++] = *type;
	*type = array;
	return lay_out(r, array);
}

/* Behind "struct {". */
static struct hs_err *parse_struct(struct reader *r, struct vb_ctype **ret)
{
	struct vb_ctype *s = new_struct(r), *m = NULL;
	struct hs_err *err;

	while (!take(r, "}")) {
		if (s->n_members == VB_SIG_MEMBERS)
			return wrong(r, "more than 64 members");
		err = parse_param(r, &m);
		if (!err && take(r, "["))
			err = parse_array(r, &m);
		if (err)
			return err;
		if (m->code == 'v')
			return wrong(r, "a member cannot be void");
		s->members[s->n_members++] = m;
		if (!take(r, ";"))
			return wrong(r, "';' is expected");
	}
	if (!s->n_members)
		return wrong(r, "a struct without members");
	*ret = s;
	return lay_out(r, s);
}

/* A name: of the table, or of what is behind a pointer. */
static struct hs_err *parse_name(struct reader *r, struct vb_ctype **ret)
{
	size_t n = word(r);

	if (!n)
		return wrong(r, "a type is expected");
	for (size_t i = 0; i < HS_ARRAY_SIZE(names); i++) {
		if (is(r, n, names[i].name)) {
			r->at += n;
			*ret = vb_ctype_of(r->arena, names[i].code);
			return NULL;
		}
	}
	r->at += n;
	take_qualifiers(r);
	skip(r);
	if (*r->at == '*') {
		*ret = vb_ctype_of(r->arena, 'v');
		return NULL;
	}
	r->at -= n;
	return wrong(r, "a type that is not known");
}

static struct hs_err *parse_base(struct reader *r, struct vb_ctype **ret)
{
	struct words w = { 0 };
	char code;

	take_qualifiers(r);
	if (take_word(r, "struct") && take(r, "{"))
		return parse_struct(r, ret);
	if (take_word(r, "enum")) {
		r->at += word(r);
		*ret = vb_ctype_of(r->arena, 'i');
		return NULL;
	}
	(void)take_word(r, "union");
	while (take_own_word(r, &w))
		take_qualifiers(r);
	code = code_of_words(&w);
	if (!code)
		return parse_name(r, ret);
	*ret = vb_ctype_of(r->arena, code);
	(*ret)->is_bool = w.n_bool;
	(*ret)->is_text = code == 'b' && !w.n_signed;
	return NULL;
}

static struct hs_err *parse_type(struct reader *r, struct vb_ctype **ret)
{
	struct hs_err *err = parse_base(r, ret);

	take_qualifiers(r);
	while (!err && take(r, "*")) {
		bool text = (*ret)->is_text && (*ret)->code == 'b';

		*ret = vb_ctype_of(r->arena, 'p');
		(*ret)->is_text = text;
		take_qualifiers(r);
	}
	return err;
}

static struct hs_err *parse_params(struct reader *r, struct vb_signature *s);

/* Behind "(*" of a parameter: name, ')', and its own parameters. */
static struct hs_err *parse_callback(struct reader *r, struct vb_ctype **type)
{
	struct vb_signature *s = hs_arena_alloc(r->arena, sizeof(*s));
	struct hs_err *err;

	*s = (struct vb_signature){ .result = *type };
	take_qualifiers(r);
	r->at += word(r);
	if (!take(r, ")") || !take(r, "("))
		return wrong(r, "a function pointer is RESULT (*)(TYPES)");
	err = parse_params(r, s);
	*type = vb_ctype_of(r->arena, 'p');
	(*type)->callback = s;
	return err;
}

/* A type and what may follow it: a name, "(*)(…)". */
static struct hs_err *parse_param(struct reader *r, struct vb_ctype **ret)
{
	struct hs_err *err;

	if (r->depth++ == VB_SIG_DEPTH)
		return wrong(r, "it is nested too deeply");
	err = parse_type(r, ret);
	if (!err && take(r, "(")) {
		if (take(r, "*"))
			err = parse_callback(r, ret);
		else
			err = wrong(r, "a function pointer is RESULT "
				       "(*)(TYPES)");
	} else if (!err) {
		r->at += word(r);
	}
	r->depth--;
	return err;
}

/* An array parameter is a pointer. */
static void decay(struct reader *r, struct vb_ctype **t)
{
	while (take(r, "[")) {
		r->at += word(r);
		(void)take(r, "]");
		*t = vb_ctype_of(r->arena, 'p');
	}
}

/* Behind "(", up to and with ")". */
static struct hs_err *parse_params(struct reader *r, struct vb_signature *s)
{
	if (take(r, ")"))
		return NULL;
	for (;;) {
		struct vb_ctype *t = NULL;
		struct hs_err *err;

		if (take(r, "...")) {
			s->variadic = true;
			break;
		}
		err = parse_param(r, &t);
		if (err)
			return err;
		decay(r, &t);
		if (t->code == 'v' && !s->n_params)
			break;
		if (t->code == 'v' || s->n_params == VB_SIG_PARAMS)
			return wrong(r, "a parameter cannot be void");
		s->params[s->n_params++] = t;
		if (!take(r, ","))
			break;
	}
	return take(r, ")") ? NULL : wrong(r, "')' is expected");
}

struct hs_err *vb_signature_parse(struct hs_arena *arena, const char *text,
				  struct vb_signature **ret)
{
	struct reader r = { .arena = arena, .text = text, .at = text };
	struct vb_signature *s = hs_arena_alloc(arena, sizeof(*s));
	struct hs_err *err;

	*s = (struct vb_signature){ 0 };
	err = parse_type(&r, &s->result);
	if (err)
		return err;
	if (take(&r, "(*")) {
		r.at += word(&r);
		(void)take(&r, ")");
	} else {
		r.at += word(&r);
	}
	if (!take(&r, "("))
		return wrong(&r, "'(' and the types of the parameters are "
				 "expected");
	err = parse_params(&r, s);
	skip(&r);
	if (!err && *r.at && *r.at != ';')
		err = wrong(&r, "nothing more is expected");
	if (!err)
		*ret = s;
	return err;
}

bool vb_ctype_codes(const struct vb_ctype *t, char *buf, size_t max,
		    size_t *used)
{
	if (*used >= max)
		return false;
	buf[(*used)++] = t->code;
	if (t->code != '{')
		return true;
	for (uint32_t i = 0; i < t->n_members; i++) {
		if (!vb_ctype_codes(t->members[i], buf, max, used))
			return false;
	}
	if (*used >= max)
		return false;
	buf[(*used)++] = '}';
	return true;
}
