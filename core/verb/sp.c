// SPDX-License-Identifier: Apache-2.0
// sp, shpaths, pathsin, pathsout: how one comes to an object.
#include "verb_priv.h"

enum { MAX_PATHS = 10 };	/* guppy3 3.1.7, Path.py: maxpaths */

static struct hs_err *page_of(const struct lg_call *call, size_t *ret)
{
	uint64_t n;
	struct hs_err *err = lg_opt_u64(call, "maxpaths", MAX_PATHS, &n);

	if (!err && (!n || n > 100000))
		err = hs_err_new(HS_ERR_USAGE, "%s: maxpaths=%llu: 1 to 100000",
				 call->verb->name, (unsigned long long)n);
	if (!err)
		*ret = (size_t)n;
	return err;
}

/* Where Heapy has one source of the user's choice, it calls it Src. */
static struct hs_err *show(const struct lg_call *call,
			   const struct vb_nodes *nodes,
			   const struct an_paths_of *of, bool chosen,
			   struct lg_value **ret)
{
	bool src = chosen && of->from && gr_set_count(of->from) == 1;
	struct an_paths *p;
	char *note = NULL;
	size_t page;
	struct hs_err *err = page_of(call, &page);

	if (!err)
		err = an_paths(nodes->g, of, call->task, &p);
	if (err)
		return err;
	if (!an_paths_count(p) && of->direct)
		note = hs_xstrdup("there is no reference");
	else if (!an_paths_count(p) && of->from)
		note = hs_xstrdup("there is no way from src");
	else if (!an_paths_count(p))
		err = vb_no_path(call, nodes->set, &note);
	if (err)
		an_paths_destroy(p);
	else
		*ret = vb_paths(nodes->in, p, page, note, src);
	return err;
}

static struct hs_err *run_sp(const struct lg_call *call, struct lg_value **ret)
{
	struct an_paths_of of = { 0 };
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);

	if (!err)
		err = vb_option_nodes(call, nodes.in, "src", &of.from);
	of.to = nodes.set;
	if (!err)
		err = show(call, &nodes, &of, true, ret);
	gr_set_unref(of.from);
	return err;
}

static struct hs_err *run_in(const struct lg_call *call, struct lg_value **ret)
{
	struct an_paths_of of = { .direct = true };
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);

	if (!err)
		err = gr_set_referrers(nodes.set, call->task, &of.from);
	of.to = nodes.set;
	if (!err)
		err = show(call, &nodes, &of, false, ret);
	gr_set_unref(of.from);
	return err;
}

static struct hs_err *run_out(const struct lg_call *call,
			      struct lg_value **ret)
{
	struct an_paths_of of = { .direct = true };
	VB_NODES nodes = { 0 };
	struct hs_err *err = vb_nodes(call, &nodes);

	if (!err)
		err = gr_set_referents(nodes.set, call->task, &of.to);
	of.from = nodes.set;
	if (!err)
		err = show(call, &nodes, &of, true, ret);
	gr_set_unref(of.to);
	return err;
}

/* clang-format off */
#define MAXPATHS \
	{ .name = "maxpaths", .kind = LG_ARG_OPTION, .values = "N", \
	  .help = "paths that are shown at once; 10" }, \
	LG_LISTING_OPTIONS
/* clang-format on */

static const struct lg_arg sp_options[] = {
	MAXPATHS,
	{ .name = "src",
	  .kind = LG_ARG_OPTION,
	  .values = "(OBJ)",
	  .help = "from there, not from the roots" },
	{ .name = NULL },
};

static const struct lg_arg options[] = {
	MAXPATHS,
	{ .name = NULL },
};

#define SP_HELP                                                               \
	"All paths of the least length, from the roots: the interpreter's "   \
	"own references (h.Root.…), variables of every thread's frames, and " \
	"what C alone holds. Of a set: to each of its objects.\n\n"           \
	"_.more shows the next paths, _[3] is the objects of path 3, "        \
	"_.numpaths how many there are; _.avoided(-1) the next best paths "   \
	"without the last edges of these, _.avoided(0) without the roots."

const struct lg_verb vb_sp = {
	.name = "sp",
	.args = vb_set_args,
	.options = sp_options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "shortest paths from the roots to an object",
	.help = SP_HELP,
	.examples = "sp __main__.cache\nheap.bysize[0].sp\n"
		    "sp obj src=(__main__.app)",
	.run = run_sp,
};

const struct lg_verb vb_shpaths = {
	.name = "shpaths",
	.args = vb_set_args,
	.options = sp_options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "the same as sp",
	.help = SP_HELP,
	.examples = "shpaths __main__.cache",
	.run = run_sp,
};

const struct lg_verb vb_pathsin = {
	.name = "pathsin",
	.args = vb_set_args,
	.options = options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "references to an object, by name",
	.help = "Each strong reference: who holds it, and as what. Of a set: "
		"references to each of its objects.",
	.examples = "pathsin __main__.cache",
	.run = run_in,
};

const struct lg_verb vb_pathsout = {
	.name = "pathsout",
	.args = vb_set_args,
	.options = options,
	.flags = LG_VERB_OF_SETS | LG_VERB_LISTS,
	.summary = "references of an object, by name",
	.help = "Each strong reference of the object, also those to its class "
		"and to code.",
	.examples = "pathsout __main__.cache",
	.run = run_out,
};
