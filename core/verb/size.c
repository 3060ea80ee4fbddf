// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

struct hs_err *vb_size_options(const struct lg_call *call,
			       struct an_size_options *ret)
{
	struct hs_err *err;

	an_size_options_init(ret);
	err = lg_opt_u64(call, "align", ret->align, &ret->align);
	if (!err)
		err = lg_opt_size(call, "limit", ret->limit, &ret->limit);
	if (!err)
		err = lg_opt_bool(call, "code", ret->code, &ret->code);
	if (err)
		return err;
	if (ret->align & (ret->align - 1) || ret->align > 1 << 20)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s: align=%llu is not a "
						"power of two",
						call->verb->name,
						(unsigned long long)ret->align),
				     "align=8, or align=1 for none");
	return NULL;
}

struct hs_err *vb_check_compat(const struct lg_call *call, struct md_model *m,
			       const char *name, struct md_compat *ret)
{
	const struct heapsh_claim *claim = md_claim(m);
	HS_FREE char *near = NULL;

	if (!md_compat(m, ret))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "%s: compat=%s: no other tool's rules are "
				  "known of %s",
				  call->verb->name, name, claim->runtime);
	if (!strcmp(name, ret->name))
		return NULL;
	near = hs_xasprintf("compat=%s", ret->name);
	return hs_err_remedy(hs_err_new(HS_ERR_NAME,
					"%s: compat=%s: not known of %s",
					call->verb->name, name, claim->runtime),
			     "%s", near);
}

/* Options that say nothing without compat=. */
static const char *const of_compat[] = { "clip", "frames", "ignored", "infer",
					 "derive" };

static bool is_given(const struct lg_call *call, const char *name)
{
	for (size_t i = 0; i < call->n_options; i++)
		if (!strcmp(call->options[i].name, name))
			return true;
	return false;
}

static struct hs_err *no_compat(const struct lg_call *call)
{
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(of_compat); i++)
		if (is_given(call, of_compat[i]))
			return hs_err_remedy(
				hs_err_new(HS_ERR_USAGE,
					   "%s: option %s is of compat= only",
					   call->verb->name, of_compat[i]),
				"help compat");
	return NULL;
}

static struct hs_err *compat_flags(const struct lg_call *call, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t flag;
		bool def;
	} row[] = {
		{ "frames", HEAPSH_COMPAT_FRAMES, false },
		{ "ignored", HEAPSH_COMPAT_IGNORED, true },
		{ "infer", HEAPSH_COMPAT_INFER, false },
		{ "derive", 0, false },
	};
	struct hs_err *err = NULL;
	bool on;

	for (size_t i = 0; !err && i < HS_ARRAY_SIZE(row); i++) {
		err = lg_opt_bool(call, row[i].name, row[i].def, &on);
		if (!err && on != row[i].def)
			*ret |= row[i].flag;
	}
	return err;
}

struct hs_err *vb_size_compat(const struct lg_call *call,
			      const struct vb_objects *objects,
			      struct an_size_options *o)
{
	const char *name = lg_opt_text(call, "compat");
	struct md_compat compat;
	struct hs_err *err;

	if (!is_given(call, "compat"))
		return no_compat(call);
	name = name ? name : "?";
	err = compat_flags(call, &o->compat_options);
	if (!err)
		err = lg_opt_u64(call, "clip", o->clip, &o->clip);
	if (err || !objects->in)
		return err;
	err = vb_check_compat(call, objects->in->model, name, &compat);
	if (err)
		return err;
	o->compat = true;
	if (!is_given(call, "limit"))
		o->limit = compat.limit;
	return NULL;
}
