// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct an_size_options o;
	VB_OBJECTS objects = { 0 };
	HS_FREE uint64_t *bytes = NULL;
	HS_FREE struct lg_value **items = NULL;
	struct hs_err *err = vb_size_options(call, &o);
	size_t n;

	if (!err)
		err = vb_objects(call, VB_MAX_LISTED, &objects);
	if (!err)
		err = vb_size_compat(call, &objects, &o);
	if (!err)
		err = vb_stats(call, VB_STATS_EACH, &objects, &o, ret);
	if (err || *ret)
		return err;
	n = objects.addr.n;
	bytes = hs_xcalloc(n + 1, sizeof(*bytes));
	items = hs_xcalloc(n + 1, sizeof(*items));
	if (n)
		err = an_asizesof(objects.in->model, objects.addr.v, n, &o,
				  call->task, bytes);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		items[i] = lg_bytes(bytes[i]);
	*ret = lg_list(items, n);
	for (size_t i = 0; i < n; i++)
		lg_unref(items[i]);
	return NULL;
}

static const struct lg_arg options[] = {
	VB_SIZE_OPTIONS,
	VB_ABOVE_OPTION,
	{ .name = NULL },
};

const struct lg_verb vb_asizesof = {
	.name = "asizesof",
	.args = vb_objects_args,
	.options = options,
	.summary = "as asizeof, one number an object",
	.help = "An object's own bytes count for that object alone; what "
		"several share counts for the first that reaches it; an "
		"object that is given again prints 0, with compat=pympler the "
		"same number again.",
	.examples = "asizesof __main__.users __main__.sessions",
	.run = run,
};
