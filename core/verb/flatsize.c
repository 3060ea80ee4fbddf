// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	HS_FREE struct lg_value **items = NULL;
	struct hs_err *err = vb_objects(call, VB_MAX_LISTED, &objects);
	size_t n = 0;

	items = hs_xcalloc(objects.addr.n + 1, sizeof(*items));
	for (; !err && n < objects.addr.n; n += !err) {
		struct md_object o;

		err = vb_object_at(call, objects.in, objects.addr.v[n], &o);
		if (err)
			break;
		items[n] = o.o.flags & HEAPSH_OBJECT_APPROXIMATE
				   ? lg_bytes_about(o.o.flat)
				   : lg_bytes(o.o.flat);
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

const struct lg_verb vb_flatsize = {
	.name = "flatsize",
	.args = args,
	.summary = "own bytes of an object, as the runtime itself answers",
	.help = "CPython: what sys.getsizeof would answer, without running "
		"it. A '~' stands before the size of a type whose layout is "
		"that of its nearest known base.",
	.examples = "flatsize __main__.cache",
	.run = run,
};
