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

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	HS_FREE struct lg_value **items = NULL;
	struct hs_err *err = vb_objects(call, VB_MAX_LISTED, &objects);
	bool eval = false;
	size_t n = 0;

	if (!err)
		err = lg_opt_bool(call, "eval", false, &eval);
	items = hs_xcalloc(objects.addr.n + 1, sizeof(*items));
	for (; !err && n < objects.addr.n; n += !err) {
		struct md_object o;

		err = vb_object_at(call, objects.in, objects.addr.v[n], &o);
		if (!err)
			err = answer(objects.in->model, &o, eval, &items[n]);
	}
	if (!err) {
		*ret = vb_one_or_list(items, n);
		return NULL;
	}
	while (n)
		lg_unref(items[--n]);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "object, or set of a few" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "eval",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "also what the object's own code answers" },
	{ .name = NULL },
};

const struct lg_verb vb_flatsize = {
	.name = "flatsize",
	.args = args,
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
