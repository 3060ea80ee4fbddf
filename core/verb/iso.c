// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *to_ids(const struct lg_call *call, struct gr_graph *g,
			     const struct vb_objects *objects, uint32_t *ids)
{
	for (size_t i = 0; i < objects->addr.n; i++) {
		uint64_t addr = objects->addr.v[i];
		struct hs_err *err;

		ids[i] = gr_id(g, addr);
		if (ids[i] != GR_NONE)
			continue;
		err = hs_err_new(HS_ERR_NAME,
				 "%s: 0x%llx was not found in "
				 "the heap",
				 call->verb->name, (unsigned long long)addr);
		err->addr = addr;
		return err;
	}
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_OBJECTS objects = { 0 };
	HS_FREE uint32_t *ids = NULL;
	struct gr_graph *g;
	struct gr_set *set;
	struct hs_err *err = vb_objects(call, UINT32_MAX, &objects);

	if (!err && !objects.in)
		err = lg_current(call->session, &objects.in);
	if (!err)
		err = lg_instant_graph(objects.in, call->task, &g);
	if (err)
		return err;
	ids = hs_xcalloc(objects.addr.n + 1, sizeof(*ids));
	err = to_ids(call, g, &objects, ids);
	if (!err)
		err = gr_set_of(g, ids, objects.addr.n, &set);
	if (err)
		return err;
	*ret = lg_set(objects.in, set, AN_BY_CLODO);
	gr_set_unref(set);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ",
	  .kind = LG_ARG_VALUE,
	  .many = true,
	  .help = "object or set" },
	{ .name = NULL },
};

const struct lg_verb vb_iso = {
	.name = "iso",
	.args = args,
	.summary = "a set of objects",
	.help = "The objects themselves; a class is the class, not its "
		"instances (those are heap & CLASS).",
	.examples = "iso __main__.cache\niso(a, b).referrers",
	.run = run,
};
