// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	static const char *const columns[] = { "What", "How it is", "Type",
					       NULL };
	const struct vb_services *sv;
	const char *word = vb_word(call, 0);
	struct hs_err *err = vb_services(call, &sv);
	json_t *doc, *rows = NULL;
	uint64_t pid = 0;

	if (err)
		return err;
	if (word && (!hs_parse_u64(word, &pid) || !pid || pid > INT32_MAX))
		return hs_err_new(HS_ERR_USAGE,
				  "doctor: %s is not a process number", word);
	err = sv->doctor(sv->engine, (int)pid, &rows);
	if (err)
		return err;
	doc = vb_table(columns);
	json_object_set_new(doc, "rows", rows);
	// Sentences, and lines to type: none of them is cut off.
	json_object_set_new(doc, "whole", json_true());
	*ret = lg_table_of(NULL, doc, UINT64_MAX, NULL);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "PID",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .help = "process number; without it, this machine" },
	{ .name = NULL },
};

const struct lg_verb vb_doctor = {
	.name = "doctor",
	.args = args,
	.options = lg_listing_options,
	.flags = LG_VERB_NO_TARGET | LG_VERB_LISTS,
	.summary = "what is permitted, recognised, in the way, and what to do",
	.help = "Of a process: who owns it, who traces it, what filters and "
		"limits it has, which runtime was found in it and whether its "
		"layout is trusted, what an instant would cost; for each "
		"obstacle, what to type. Nothing is stopped for that. What a "
		"heapsh that was killed has left in the process is taken "
		"away. Without a process: this machine, and where something "
		"was left.",
	.examples = "doctor 4711\ndoctor",
	.run = run,
};
