// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Values of options, by name. A wrong one is answered with what is possible. */

static const struct lg_option *option_of(const struct lg_call *c,
					 const char *name)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (!strcmp(c->options[i].name, name))
			return &c->options[i];
	return NULL;
}

static struct hs_err *wrong(const struct lg_call *c, const char *name)
{
	const struct lg_arg *declared = lg_verb_option(c->verb, name);
	const struct lg_value *v = option_of(c, name)->value;
	size_t n = 0;
	const char *text = lg_as_text(v, &n);
	HS_TEXT shown = { 0 };

	hs_text_escape(&shown, text ? text : lg_kind_words(v),
		       text ? n : strlen(lg_kind_words(v)));
	return hs_err_remedy(
		hs_err_new(HS_ERR_USAGE, "%s: option %s cannot be %s",
			   c->verb->name, name, hs_text_str(&shown)),
		"%s=%s", name, declared ? declared->values : "VALUE");
}

const char *lg_opt_text(const struct lg_call *c, const char *name)
{
	const struct lg_option *o = option_of(c, name);

	return o ? lg_as_text(o->value, NULL) : NULL;
}

struct hs_err *lg_opt_u64(const struct lg_call *c, const char *name,
			  uint64_t def, uint64_t *ret)
{
	const struct lg_option *o = option_of(c, name);
	const char *text = lg_opt_text(c, name);
	uint64_t v = def;

	if (!o) {
		*ret = def;
		return NULL;
	}
	if (text ? !hs_parse_u64(text, &v)
		 : o->value->kind != LG_INT || o->value->u.i < 0)
		return wrong(c, name);
	*ret = text ? v : (uint64_t)o->value->u.i;
	return NULL;
}

struct hs_err *lg_opt_bool(const struct lg_call *c, const char *name, bool def,
			   bool *ret)
{
	static const char *const yes[] = { "1", "on", "yes", "true", "True" };
	static const char *const no[] = { "0", "off", "no", "false", "False" };
	const struct lg_option *o = option_of(c, name);
	const char *text = lg_opt_text(c, name);

	if (!o) {
		*ret = def;
		return NULL;
	}
	if (!text && (o->value->kind == LG_BOOL || o->value->kind == LG_INT)) {
		*ret = o->value->u.i;
		return NULL;
	}
	for (size_t i = 0; text && i < HS_ARRAY_SIZE(yes); i++) {
		if (strcmp(text, yes[i]) && strcmp(text, no[i]))
			continue;
		*ret = !strcmp(text, yes[i]);
		return NULL;
	}
	return wrong(c, name);
}

struct hs_err *lg_opt_size(const struct lg_call *c, const char *name,
			   uint64_t def, uint64_t *ret)
{
	const char *text = lg_opt_text(c, name);
	uint64_t v;

	if (!text)
		return lg_opt_u64(c, name, def, ret);
	if (!strcmp(text, "none") || !strcmp(text, "all")) {
		*ret = UINT64_MAX;
		return NULL;
	}
	if (!hs_parse_size(text, &v))
		return wrong(c, name);
	*ret = v;
	return NULL;
}

struct hs_err *lg_opt_word(const struct lg_call *c, const char *name,
			   unsigned def, unsigned *ret)
{
	const struct lg_arg *declared = lg_verb_option(c->verb, name);
	const char *text = lg_opt_text(c, name);
	const char *at = declared ? declared->values : "";

	if (!option_of(c, name)) {
		*ret = def;
		return NULL;
	}
	for (unsigned i = 0; text; i++) {
		size_t n = strcspn(at, "|");

		if (strlen(text) == n && !strncmp(at, text, n)) {
			*ret = i;
			return NULL;
		}
		if (!at[n])
			break;
		at += n + 1;
	}
	return wrong(c, name);
}
