// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

enum {
	MAX_DETAIL = 64, /* levels: the tree is printed recursively */
	MAX_NODES = 100000, /* a document must stay below WR_MAX_PAYLOAD */
};

static void set_new(json_t *doc, const char *key, json_t *value)
{
	json_object_set_new(doc, key, value);
}

/* At most MAX_DETAIL levels deep. *budget: nodes that may still follow. */
static void add_node(json_t *doc, const struct an_sized *s, size_t *budget)
{
	json_t *refs = json_array();
	size_t i;

	wr_set_text(doc, "name", s->name, strlen(s->name));
	set_new(doc, "address", wr_addr(s->addr));
	set_new(doc, "size", wr_u64(s->size));
	set_new(doc, "flat", wr_u64(s->flat));
	set_new(doc, "held", wr_u64(s->held));
	if (s->approximate)
		set_new(doc, "approximate", json_true());
	for (i = 0; i < s->n_refs && *budget; i++) {
		json_t *ref = json_object();

		--*budget;
		json_array_append_new(refs, ref);
		add_node(ref, &s->refs[i], budget);
	}
	set_new(doc, "refs", refs);
	if (i < s->n_refs)
		set_new(doc, "more", wr_u64(s->n_refs - i));
}

static json_t *sized_doc(const struct an_sized *sized, size_t n)
{
	json_t *doc = wr_doc_create("sized"), *items = json_array();
	size_t budget = MAX_NODES;

	for (size_t i = 0; i < n; i++) {
		json_t *item = json_object();

		add_node(item, &sized[i], &budget);
		json_array_append_new(items, item);
	}
	if (n == 1)
		json_object_update(doc, json_array_get(items, 0));
	set_new(doc, "items", items);
	return doc;
}

static struct hs_err *tree_options(const struct lg_call *call,
				   struct an_size_options *o)
{
	uint64_t detail;
	struct hs_err *err = vb_size_options(call, o);

	if (!err)
		err = lg_opt_u64(call, "detail", 0, &detail);
	if (!err)
		err = lg_opt_size(call, "above", 0, &o->above);
	if (err)
		return err;
	if (detail > MAX_DETAIL)
		return hs_err_new(HS_ERR_USAGE,
				  "asized: detail=%llu: at most "
				  "%d levels",
				  (unsigned long long)detail, MAX_DETAIL);
	o->detail = (unsigned)detail;
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct an_size_options o;
	VB_OBJECTS objects = { 0 };
	struct an_sized *sized;
	struct hs_err *err = tree_options(call, &o);
	size_t n;

	if (!err)
		err = vb_objects(call, VB_MAX_LISTED, &objects);
	if (!err)
		err = vb_size_compat(call, &objects, &o);
	if (!err)
		err = vb_stats(call, VB_STATS_TREES, &objects, &o, ret);
	if (err || *ret)
		return err;
	n = objects.addr.n;
	sized = hs_xcalloc(n + 1, sizeof(*sized));
	if (n)
		err = an_asized(objects.in->model, objects.addr.v, n, &o,
				call->task, sized);
	if (!err) {
		*ret = lg_table(objects.in, sized_doc(sized, n));
		for (size_t i = 0; i < n; i++)
			an_sized_deinit(&sized[i]);
	}
	free(sized);
	return err;
}

static const struct lg_arg options[] = {
	{ .name = "detail",
	  .kind = LG_ARG_OPTION,
	  .values = "N",
	  .help = "levels of referents that are shown; 0" },
	{ .name = "above",
	  .kind = LG_ARG_OPTION,
	  .values = "SIZE",
	  .help = "leave out what is smaller; with stats as in asizeof" },
	VB_SIZE_OPTIONS,
	{ .name = NULL },
};

const struct lg_verb vb_asized = {
	.name = "asized",
	.args = vb_objects_args,
	.options = options,
	.summary = "deep and flat size of objects and of what they refer to",
	.help = "size= is deep (as asizeof), flat= is what the runtime itself "
		"answers, held= is shown where the object's own blocks hold "
		"another number of bytes. Referents are ordered by size; "
		"what several share is counted where it is met first.",
	.examples = "asized __main__.cache detail=2\nasized _[0].theone "
		    "detail=1 above=64k",
	.run = run,
};
