// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	uint64_t record;
	struct hs_err *err = lg_opt_u64(call, "record", 0, &record);

	return err ? err : lg_stat_load(vb_word(call, 0), record, ret);
}

static const struct lg_arg args[] = {
	{ .name = "FILE",
	  .kind = LG_ARG_FILE,
	  .help = "statistics: of SET.dump(), or of Heapy's" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "record",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "which of the file's, from 0; 0" },
	{ .name = NULL },
};

const struct lg_verb vb_load = {
	.name = "load",
	.args = args,
	.options = options,
	.flags = LG_VERB_NO_TARGET,
	.summary = "a statistic of sets from a file",
	.help = "Numbers by kind, without objects. A difference is made with "
		"SET.diff(load('FILE')), or of two with -.",
	.examples = "load heap.hpy\nload heap.hpy record=3\n"
		    "heap.diff(load('heap.hpy'))",
	.run = run,
};
