// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

/* Ours, and what the object's own code answers beside it. */
static struct hs_err *answer(struct md_model *m, const struct md_object *o,
			     bool eval, struct lg_value **ret)
{
	struct lg_value *pair[2];
	uint64_t flat = 0;
	struct hs_err *err = NULL;

	if (eval)
		err = md_ask_flat(m, o->o.address, &flat);
	if (err)
		return hs_err_wrap(err, "ask %s at 0x%llx for its size",
				   o->type->name,
				   (unsigned long long)o->o.address);
	*ret = o->o.flags & HEAPSH_OBJECT_APPROXIMATE
		       ? lg_bytes_about(o->o.flat)
		       : lg_bytes(o->o.flat);
	if (!eval)
		return NULL;
	pair[0] = *ret;
	pair[1] = lg_bytes(flat);
	*ret = lg_list(pair, 2);
	lg_unref(pair[0]);
	lg_unref(pair[1]);
	return NULL;
}

/* By another tool's rules: what it takes for the object's own bytes. */
static struct hs_err *by_compat(const struct lg_call *call, struct md_model *m,
				uint64_t addr, uint64_t align,
				struct lg_value **ret)
{
	struct heapsh_compat_thing t;

	if (!md_compat_thing(m, addr, &t))
		return hs_err_new(HS_ERR_FAULT,
				  "%s: read the object at 0x%llx: it has no "
				  "rule", call->verb->name,
				  (unsigned long long)addr);
	*ret = lg_bytes(align > 1 ? hs_align_up(t.flat, align) : t.flat);
	return NULL;
}

struct options {
	bool eval, compat;
	uint64_t align;
};

static struct hs_err *options_of(const struct lg_call *call,
				 const struct vb_objects *objects,
				 struct options *ret)
{
	const char *name = lg_opt_text(call, "compat");
	struct md_compat compat;
	struct hs_err *err = lg_opt_bool(call, "eval", false, &ret->eval);

	if (!err)
		err = lg_opt_u64(call, "align", 0, &ret->align);
	if (err)
		return err;
	if (ret->align & (ret->align - 1) || ret->align > 1 << 20)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"flatsize: align=%llu is not a "
						"power of two",
						(unsigned long long)ret->align),
				     "align=8, or none of it");
	ret->compat = name;
	if (!name || !objects->in)
		return NULL;
	err = vb_check_compat(call, objects->in->model, name, &compat);
	if (!err)
		md_compat_begin(objects->in->model, 0);
	return err;
}

static struct hs_err *one(const struct lg_call *call,
			  const struct vb_objects *objects, size_t i,
			  const void *options, struct lg_value **ret)
{
	const struct options *with = options;
	struct md_model *m = objects->in->model;
	struct md_object o;
	struct hs_err *err =
		vb_object_at(call, objects->in, objects->addr.v[i], &o);

	if (err)
		return err;
	if (with->compat)
		return by_compat(call, m, objects->addr.v[i], with->align, ret);
	if (with->align > 1)
		o.o.flat = hs_align_up(o.o.flat, with->align);
	return answer(m, &o, with->eval, ret);
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	struct options with = { 0 };
	struct hs_err *err = vb_objects(call, VB_MAX_LISTED, &objects);

	if (!err)
		err = options_of(call, &objects, &with);
	return err ? err : vb_answer_each(call, &objects, one, &with, ret);
}

static const struct lg_arg options[] = {
	{ .name = "eval",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "also what the object's own code answers" },
	{ .name = "align",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "round up to a multiple of N, a power of two; none" },
	VB_COMPAT_OPTION,
	{ .name = NULL },
};

const struct lg_verb vb_flatsize = {
	.name = "flatsize",
	.args = vb_objects_args,
	.options = options,
	.summary = "own bytes of an object, as the runtime itself answers",
	.help = "CPython: what sys.getsizeof would answer, without running "
		"it. A '~' stands before the size of a type whose layout is "
		"that of its nearest known base. With eval=1 the object is "
		"asked, too, in a disposable copy of the process: a "
		"__sizeof__ written in Python is part of no other number.",
	.examples = "flatsize __main__.cache\nflatsize __main__.cache eval=1",
	.run = run,
};
