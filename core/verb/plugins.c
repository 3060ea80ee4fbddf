// SPDX-License-Identifier: Apache-2.0
// plugins, plugins disable, plugins enable and plugin load.
#include "verb_priv.h"

/** "loaded", or why it is not used. free(). */
static char *state_of(const struct md_plugin_info *p)
{
	if (p->problem)
		return hs_xstrdup(p->problem);
	if (p->fault)
		return hs_xasprintf("disabled: %s", p->fault);
	return hs_xstrdup("loaded");
}

static void add_row(json_t *doc, const struct md_plugin_info *p)
{
	HS_FREE char *state = state_of(p);
	json_t *row = vb_row(doc);
	HS_TEXT text = { 0 };

	vb_cell_text(row, p->name);
	vb_cell_text(row, p->version);
	if (!p->problem)
		hs_text_addf(&text, "%d.%u", HEAPSH_ABI_MAJOR, p->abi_minor);
	vb_cell_text(row, hs_text_str(&text));
	vb_cell_text(row, p->claim);
	json_array_append_new(row, wr_u64(p->calls));
	hs_text_clear(&text);
	hs_text_addf(&text, "%.1f", (double)p->time_ns / 1e6);
	vb_cell_text(row, hs_text_str(&text));
	json_array_append_new(row, wr_u64(p->reads));
	vb_cell_text(row, state);
	vb_cell_text(row, p->path);
}

static struct hs_err *run_plugins(const struct lg_call *call,
				  struct lg_value **ret)
{
	static const char *const columns[] = {
		"Name", "Version", "ABI", "Last claim", "#Calls", "#ms",
		"#Reads", "State", "File", NULL
	};
	const struct md_plugin_info *v = NULL;
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);
	json_t *doc;
	size_t n;

	if (err)
		return err;
	n = sv->plugins(sv->engine, &v);
	doc = vb_table(columns);
	for (size_t i = 0; i < n; i++)
		add_row(doc, &v[i]);
	*ret = lg_table(NULL, doc);
	return NULL;
}

static struct hs_err *turn(const struct lg_call *call, bool on,
			   struct lg_value **ret)
{
	const struct vb_services *sv;
	const char *name = vb_word(call, 0);
	struct hs_err *err = vb_services(call, &sv);

	if (!err)
		err = sv->plugin_switch(sv->engine, name, on);
	if (!err)
		*ret = on ? lg_words("%s is asked again", name) :
			    lg_words("%s is asked no more; its instants answer "
				     "again after 'plugins enable %s'", name,
				     name);
	return err;
}

static struct hs_err *run_disable(const struct lg_call *call,
				  struct lg_value **ret)
{
	return turn(call, false, ret);
}

static struct hs_err *run_enable(const struct lg_call *call,
				 struct lg_value **ret)
{
	return turn(call, true, ret);
}

static struct hs_err *run_load(const struct lg_call *call,
			       struct lg_value **ret)
{
	const struct vb_services *sv;
	const char *path = vb_word(call, 0);
	struct hs_err *err = vb_services(call, &sv);

	if (!err)
		err = sv->plugin_load(sv->engine, path);
	if (!err)
		*ret = lg_words("Loaded %s: it is asked at the next attach or "
				"open",
				path);
	return err;
}

static const struct lg_arg name_args[] = {
	{ .name = "NAME", .kind = LG_ARG_WORD, .help = "as plugins lists it" },
	{ .name = NULL },
};
static const struct lg_arg load_args[] = {
	{ .name = "FILE", .kind = LG_ARG_FILE, .help = "a plugin's .so" },
	{ .name = NULL },
};

const struct lg_verb vb_plugins = {
	.name = "plugins",
	.options = lg_listing_options,
	.flags = LG_VERB_NO_TARGET | LG_VERB_LISTS,
	.summary = "plugins that are loaded, and why others are not",
	.help = "A plugin says what the memory of a runtime means. Last claim: "
		"what it answered when it was last asked whose a process is. "
		"Calls, ms, Reads: how often it was called, how long it ran, "
		"how often it read.\n"
		"One that contradicts itself, reads or emits without an end is "
		"disabled, and State says why; one that crashes or loops is "
		"left out.",
	.examples = "plugins\nplugins disable example\nplugins enable example",
	.run = run_plugins,
};
const struct lg_verb vb_plugins_disable = {
	.name = "plugins disable",
	.args = name_args,
	.flags = LG_VERB_NO_TARGET | LG_VERB_NO_RESULT,
	.summary = "use a plugin no more",
	.help = "It is not asked whose a process is, and instants that it "
		"opened answer nothing until it is enabled.",
	.examples = "plugins disable example",
	.run = run_disable,
};
const struct lg_verb vb_plugins_enable = {
	.name = "plugins enable",
	.args = name_args,
	.flags = LG_VERB_NO_TARGET | LG_VERB_NO_RESULT,
	.summary = "use a plugin again",
	.help = "Also one that was disabled for what it did, or left out for "
		"having crashed.",
	.examples = "plugins enable example",
	.run = run_enable,
};
const struct lg_verb vb_plugin_load = {
	.name = "plugin load",
	.args = load_args,
	.flags = LG_VERB_NO_TARGET | LG_VERB_NO_RESULT,
	.summary = "load one more plugin",
	.help = "Refused where others can write the file.",
	.examples = "plugin load ./myruntime.so",
	.run = run_load,
};
