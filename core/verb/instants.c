// SPDX-License-Identifier: Apache-2.0
// snap, snaps, use, release: moments of one process.
#include "verb_priv.h"

#include <time.h>

static struct hs_err *run_snap(const struct lg_call *call,
			       struct lg_value **ret)
{
	const struct vb_services *sv;
	const char *name = vb_word(call, 0);
	struct lg_instant *in;
	struct hs_err *err = vb_services(call, &sv);
	uint64_t number;

	if (err)
		return err;
	if (name && hs_parse_u64(name, &number))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"snap: a name is "
						"not a number: %s",
						name),
				     "use %s goes to an earlier instant", name);
	if (name && !sv->instant(sv->engine, name, &in))
		return hs_err_new(HS_ERR_USAGE,
				  "snap: instant %u has the name "
				  "%s",
				  in->number, name);
	return sv->snap(sv->engine, name, ret);
}

static json_t *time_of(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[32];

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return json_string("");
	return json_string(text);
}

static void add_instant(json_t *doc, const struct lg_instant *in,
			const struct lg_instant *current)
{
	json_t *row = vb_row(doc);

	vb_cell(row, json_string(in == current ? "*" : ""));
	vb_cell(row, wr_u64(in->number));
	vb_cell_text(row, in->name ? in->name : "");
	vb_cell(row, time_of(in->taken_ns));
	vb_cell(row, json_string(in->kept ? "kept" :
				 in->released ? "released" : "held"));
	vb_cell(row, in->graph ? wr_u64(gr_n(in->graph)) : json_null());
}

static struct hs_err *run_snaps(const struct lg_call *call,
				struct lg_value **ret)
{
	static const char *const columns[] = { "",      "#Instant", "Name",
					       "Taken", "State",    "#Objects",
					       NULL };
	struct lg_instant *const *all = NULL;
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);
	json_t *doc;
	size_t n;

	if (err)
		return err;
	n = sv->instants(sv->engine, &all);
	doc = vb_table(columns);
	for (size_t i = 0; i < n; i++)
		add_instant(doc, all[i], call->session->current);
	*ret = lg_table(NULL, doc);
	return NULL;
}

/* "@2" is how the prompt has it. */
static const char *which(const struct lg_call *call)
{
	const char *word = vb_word(call, 0);

	return word && *word == '@' ? word + 1 : word;
}

static struct hs_err *run_use(const struct lg_call *call, struct lg_value **ret)
{
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);

	return err ? err : sv->use(sv->engine, which(call), ret);
}

static struct hs_err *run_release(const struct lg_call *call,
				  struct lg_value **ret)
{
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);

	return err ? err : sv->release(sv->engine, which(call), ret);
}

static const struct lg_arg snap_args[] = {
	{ .name = "NAME",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .help = "name of the new instant" },
	{ .name = NULL },
};
static const struct lg_arg use_args[] = {
	{ .name = "INSTANT",
	  .kind = LG_ARG_INSTANT,
	  .help = "name or number; snaps lists them" },
	{ .name = NULL },
};
static const struct lg_arg release_args[] = {
	{ .name = "INSTANT",
	  .kind = LG_ARG_INSTANT,
	  .optional = true,
	  .help = "name or number; without it the current one" },
	{ .name = NULL },
};

const struct lg_verb vb_snap = {
	.name = "snap",
	.args = snap_args,
	.flags = LG_VERB_NO_RESULT,
	.summary = "take a new instant of the process and make it current",
	.help = "The process is stopped as long as attach said. Values of "
		"earlier instants stay; set operators between instants go by "
		"address, type and content.",
	.examples = "snap\nsnap before",
	.run = run_snap,
};
const struct lg_verb vb_snaps = {
	.name = "snaps",
	.options = lg_listing_options,
	.flags = LG_VERB_NO_TARGET | LG_VERB_LISTS,
	.summary = "the instants that were taken",
	.help = "'*' marks the current one. A kept instant was released, "
		"but its pages are in our memory and answer.",
	.examples = "snaps",
	.run = run_snaps,
};
const struct lg_verb vb_use = {
	.name = "use",
	.args = use_args,
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "make an earlier instant current",
	.help = "heap, names and addresses are then those of that instant.",
	.examples = "use before\nuse 1",
	.run = run_use,
};
const struct lg_verb vb_release = {
	.name = "release",
	.args = release_args,
	.flags = LG_VERB_NO_RESULT,
	.summary = "give an instant's copy of the process back",
	.help = "Its pages are copied into memory of ours first, as far as "
		"that allows (set memory=), and still answer; the program "
		"pays nothing any more. Pages of the last two that were "
		"released are kept. By itself it is given back when "
		"nobody has typed for a while (set hold=), or when the "
		"program had to copy too much because of it (set cow=).",
	.examples = "release\nrelease before",
	.run = run_release,
};
