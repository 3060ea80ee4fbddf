// SPDX-License-Identifier: Apache-2.0
// plugins and plugin load.
#include "verb_priv.h"

static struct hs_err *run_plugins(const struct lg_call *call,
				  struct lg_value **ret)
{
	static const char *const columns[] = { "Name", "Version", "State",
					       "File", NULL };
	const struct md_plugin_info *v = NULL;
	const struct vb_services *sv;
	struct hs_err *err = vb_services(call, &sv);
	json_t *doc;
	size_t n;

	if (err)
		return err;
	n = sv->plugins(sv->engine, &v);
	doc = vb_table(columns);
	for (size_t i = 0; i < n; i++) {
		json_t *row = vb_row(doc);

		vb_cell_text(row, v[i].name ? v[i].name : "");
		vb_cell_text(row, v[i].version ? v[i].version : "");
		vb_cell_text(row, v[i].problem ? v[i].problem : "loaded");
		vb_cell_text(row, v[i].path ? v[i].path : "");
	}
	*ret = lg_table(NULL, doc);
	return NULL;
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

static const struct lg_arg load_args[] = {
	{ .name = "FILE", .kind = LG_ARG_FILE, .help = "a plugin's .so" },
	{ .name = NULL },
};

const struct lg_verb vb_plugins = {
	.name = "plugins",
	.flags = LG_VERB_NO_TARGET,
	.summary = "plugins that are loaded, and why others are not",
	.help = "A plugin says what the memory of a runtime means.",
	.examples = "plugins",
	.run = run_plugins,
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
