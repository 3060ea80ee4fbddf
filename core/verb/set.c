// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

static void add_setting(json_t *doc, const struct lg_session *s,
			const struct lg_setting *setting)
{
	json_t *row = vb_row(doc);

	vb_cell_text(row, setting->name);
	vb_cell_text(row, lg_setting(s, setting->name));
	vb_cell_text(row, setting->values);
	vb_cell_text(row, setting->help);
}

/* All settings, or the one. */
static struct hs_err *list(const struct lg_call *call, const char *name,
			   struct lg_value **ret)
{
	static const char *const columns[] = { "Setting", "Value", "Possible",
					       "", NULL };
	const struct lg_session *s = call->session;
	json_t *doc = vb_table(columns);
	bool found = !name;

	for (size_t i = 0; i < s->n_settings; i++) {
		if (name && strcmp(name, s->settings[i].name))
			continue;
		add_setting(doc, s, &s->settings[i]);
		found = true;
	}
	if (found) {
		*ret = lg_table(NULL, doc);
		return NULL;
	}
	json_decref(doc);
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "no setting %s", name),
			     "set lists them");
}

/* Stored first, so that the engine finds it; taken back when it refuses. */
static struct hs_err *change(const struct lg_call *call, const char *name,
			     const char *value)
{
	struct lg_session *s = call->session;
	const struct vb_services *sv = s->services;
	const char *before = lg_setting(s, name);
	HS_FREE char *old = before ? hs_xstrdup(before) : NULL;
	struct hs_err *err = lg_set_setting(s, name, value), *undo;

	if (err || !sv || !sv->changed)
		return err;
	err = sv->changed(sv->engine, name, value);
	if (err && old) {
		undo = lg_set_setting(s, name, old);
		hs_err_free(undo);
	}
	return err;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	const char *first = vb_word(call, 0), *value = vb_word(call, 1);
	const char *equals = first ? strchr(first, '=') : NULL;
	HS_FREE char *name = NULL;

	if (!first)
		return list(call, NULL, ret);
	name = hs_xstrndup(first,
			   equals ? (size_t)(equals - first) : strlen(first));
	if (value && !strcmp(value, "=") && vb_word(call, 2))
		value = vb_word(call, 2); // set rows = 20
	else if (equals && equals[1])
		value = equals + 1;
	return value ? change(call, name, value) : list(call, name, ret);
}

static const struct lg_arg args[] = {
	{ .name = "NAME=VALUE",
	  .kind = LG_ARG_SETTING,
	  .optional = true,
	  .help = "a setting; without a value it is shown" },
	{ .name = "VALUE",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .help = "its value, where NAME has none" },
	{ .name = "VALUE",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .help = "the same, behind a lone =" },
	{ .name = NULL },
};

const struct lg_verb vb_set = {
	.name = "set",
	.args = args,
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "show or change settings",
	.help = "A setting holds until the shell ends. set NAME VALUE is the "
		"same as set NAME=VALUE. Of sets of objects tells: help sets.",
	.examples = "set\nset rows=30\nset hold=off",
	.run = run,
};
