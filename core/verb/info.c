// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	static const char *const columns[] = { "What", "Value", NULL };
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);
	json_t *doc;

	if (err)
		return err;
	doc = vb_table(columns);
	json_object_set_new(doc, "rows", sv->setup(sv->engine));
	*ret = lg_table_of(NULL, doc, UINT64_MAX, NULL);
	return NULL;
}

const struct lg_verb vb_info_setup = {
	.name = "info setup",
	.options = lg_listing_options,
	.flags = LG_VERB_NO_TARGET | LG_VERB_LISTS,
	.summary = "what was recognised, what is missing, how to get it",
	.help = "Runtime and layout, plugins, what this machine permits.",
	.examples = "info setup",
	.run = run,
};
