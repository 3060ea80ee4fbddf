// SPDX-License-Identifier: Apache-2.0
// "show threads" and "show frames": the set words, for those who guess verbs.
#include "verb_priv.h"

static struct hs_err *run_threads(const struct lg_call *call,
				  struct lg_value **ret)
{
	return lg_word_value(call->session, "threads", ret);
}

static struct hs_err *run_frames(const struct lg_call *call,
				 struct lg_value **ret)
{
	return lg_word_value(call->session, "frames", ret);
}

const struct lg_verb vb_show_threads = {
	.name = "show threads",
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "threads of the runtime and where each is",
	.help = "The same as the word threads. '*' marks the one that held "
		"the runtime's lock.",
	.examples = "show threads\nthreads[0].frames\nthreads['MainThread']",
	.run = run_threads,
};
const struct lg_verb vb_show_frames = {
	.name = "show frames",
	.options = lg_listing_options,
	.flags = LG_VERB_LISTS,
	.summary = "frames of all threads, the innermost of each first",
	.help = "The same as the word frames.",
	.examples = "show frames\nthreads[0].frames[2].locals['x']",
	.run = run_frames,
};
