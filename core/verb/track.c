// SPDX-License-Identifier: Apache-2.0
// track start and track diff: Pympler's SummaryTracker over instants.
#include "verb_priv.h"

/* A new instant, its summary made while it can be read. Borrowed. */
static struct hs_err *take(const struct lg_call *call,
			   const struct an_summary **sum,
			   struct lg_instant **ret)
{
	const struct vb_services *sv;
	LG_GUARD attached = NULL;
	struct hs_err *err = vb_services(call, &sv);

	if (!err)
		err = sv->snap(sv->engine, NULL, &attached);
	if (!err)
		err = lg_current(call->session, ret);
	return err ? err : vb_summary_of(call, *ret, sum);
}

static void follow(struct lg_session *s, struct lg_instant *in)
{
	struct lg_instant *before = s->tracked;

	s->tracked = lg_instant_ref(in);
	lg_instant_unref(before);
}

static struct hs_err *run_start(const struct lg_call *call,
				struct lg_value **ret)
{
	const struct an_summary *sum;
	struct lg_instant *in;
	struct hs_err *err = take(call, &sum, &in);

	if (err)
		return err;
	follow(call->session, in);
	*ret = lg_words("Tracking from instant %u on: track diff", in->number);
	return NULL;
}

static struct hs_err *run_diff(const struct lg_call *call,
			       struct lg_value **ret)
{
	const struct an_summary *after;
	struct lg_instant *in;
	struct an_summary *diff;
	struct hs_err *err;

	if (!call->session->tracked)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"track diff: "
						"nothing is tracked yet"),
				     "track start");
	err = take(call, &after, &in);
	if (err)
		return err;
	diff = an_summary_diff(call->session->tracked->summary, after);
	err = vb_summary_table(call, in, diff, true, ret);
	an_summary_destroy(diff);
	if (!err)
		follow(call->session, in);
	return err;
}

static const struct lg_arg options[] = {
	VB_SUMMARY_OPTIONS,
	{ .name = NULL },
};

const struct lg_verb vb_track_start = {
	.name = "track start",
	.summary = "take an instant to compare later ones with",
	.help = "As Pympler's SummaryTracker begins.",
	.examples = "track start",
	.flags = LG_VERB_NO_RESULT,
	.run = run_start,
};
const struct lg_verb vb_track_diff = {
	.name = "track diff",
	.options = options,
	.flags = LG_VERB_LISTS,
	.summary = "take an instant and print what it has more than the last",
	.help = "New - last, by type, as Pympler's SummaryTracker prints it; "
		"then the new instant is the last.",
	.examples = "track diff\ntrack diff sort=count",
	.run = run_diff,
};
