// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct an_size_options o;
	VB_OBJECTS objects = { 0 };
	uint64_t bytes = 0;
	struct hs_err *err = vb_size_options(call, &o);

	if (!err)
		err = vb_objects(call, UINT32_MAX, &objects);
	if (!err)
		err = vb_size_compat(call, &objects, &o);
	if (!err)
		err = vb_stats(call, VB_STATS_TOTAL, &objects, &o, ret);
	if (err || *ret)
		return err;
	if (objects.addr.n)
		err = an_asizeof(objects.in->model, objects.addr.v,
				 objects.addr.n, &o, call->task, &bytes);
	if (!err)
		*ret = lg_bytes(bytes);
	return err;
}

static const struct lg_arg options[] = {
	VB_SIZE_OPTIONS,
	VB_ABOVE_OPTION,
	{ .name = NULL },
};

const struct lg_verb vb_asizeof = {
	.name = "asizeof",
	.args = vb_set_args,
	.options = options,
	.summary = "bytes of objects and of everything they refer to",
	.help = "Bytes that the objects and all they reach by strong "
		"references hold, each object once. Classes, functions, "
		"modules and code count 0 unless code=1. With compat=pympler "
		"it is what Pympler's asizeof() would answer within the "
		"program; help compat says where the two differ.",
	.examples = "asizeof __main__.cache\nasizeof threads[0].frames[0]."
		    "locals['x']\nasizeof (heap & dict)\nasizeof x align=1\n"
		    "asizeof __main__.cache stats=2 above=64k\n"
		    "asizeof __main__.cache compat=pympler",
	.run = run,
};
