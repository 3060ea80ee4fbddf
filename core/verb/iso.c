// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);

	if (!err)
		*ret = lg_set(nodes.in, nodes.set, AN_BY_CLODO);
	return err;
}

const struct lg_verb vb_iso = {
	.name = "iso",
	.args = vb_set_args,
	.summary = "a set of objects",
	.help = "The objects themselves; a class is the class, not its "
		"instances (those are heap & CLASS).",
	.examples = "iso __main__.cache\niso(a, b).referrers",
	.run = run,
};
