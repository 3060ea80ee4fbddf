// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

/* The instant before the current one. */
static struct hs_err *previous(const struct lg_call *call,
			       struct lg_instant *current,
			       struct lg_instant **ret)
{
	const struct vb_services *sv;
	struct lg_instant *const *all = NULL;
	struct hs_err *err = vb_services(call, &sv);
	size_t n;

	if (err)
		return err;
	n = sv->instants(sv->engine, &all);
	for (size_t i = 1; i < n; i++) {
		if (all[i] != current)
			continue;
		*ret = all[i - 1];
		return NULL;
	}
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"summary diff: there is no instant "
					"before instant %u",
					current->number),
			     "snap, and later summary diff");
}

/* diff: previous and current; diff A: A and current; diff A B. */
static struct hs_err *which(const struct lg_call *call, struct lg_instant **a,
			    struct lg_instant **b)
{
	struct hs_err *err = vb_instant(call, vb_word(call, 1), b);

	if (err)
		return err;
	return call->n_args ? vb_instant(call, vb_word(call, 0), a)
			    : previous(call, *b, a);
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	const struct an_summary *before, *after;
	struct lg_instant *a, *b;
	struct an_summary *diff;
	struct hs_err *err = which(call, &a, &b);

	if (!err)
		err = vb_summary_of(call, a, &before);
	if (!err)
		err = vb_summary_of(call, b, &after);
	if (err)
		return err;
	diff = an_summary_diff(before, after);
	err = vb_summary_table(call, b, diff, true, ret);
	an_summary_destroy(diff);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "A",
	  .kind = LG_ARG_INSTANT,
	  .optional = true,
	  .help = "earlier instant; without it the previous one" },
	{ .name = "B",
	  .kind = LG_ARG_INSTANT,
	  .optional = true,
	  .help = "later instant; without it the current one" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	VB_SUMMARY_OPTIONS,
	{ .name = NULL },
};

const struct lg_verb vb_summary_diff = {
	.name = "summary diff",
	.args = args,
	.options = options,
	.flags = LG_VERB_LISTS,
	.summary = "what one instant has more than another, by type",
	.help = "B - A. Rows that did not change are left out. An instant's "
		"summary outlives its release.",
	.examples = "summary diff\nsummary diff before after\nsummary diff 1",
	.run = run,
};
