// SPDX-License-Identifier: Apache-2.0
// All that is printed here comes from the records of the verbs.
#include "verb_priv.h"

static void add_pair(struct hs_text *t, const char *name, const char *text)
{
	hs_text_addf(t, "    %-15s  %s\n", name, text);
}

static const json_t *shell_verbs(const struct lg_call *call)
{
	const struct vb_services *sv = call->session->services;

	return sv && sv->shell_verbs ? sv->shell_verbs(sv->engine) : NULL;
}

enum { TEXT_COLUMNS = 76 };

/* Words of a paragraph, broken into lines. */
static void add_wrapped(struct hs_text *t, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " "), width = hs_text_width(text, n);

		if (column && column + 1 + width > TEXT_COLUMNS) {
			hs_text_addc(t, '\n');
			column = 0;
		}
		if (column++)
			hs_text_addc(t, ' ');
		hs_text_addn(t, text, n);
		column += width;
		text += n + (text[n] == ' ');
	}
	hs_text_addc(t, '\n');
}

static void add_table(struct hs_text *t, const char *of)
{
	const struct lg_word *w;

	for (size_t i = 0; (w = lg_words_of(of, i)); i++)
		add_pair(t, w->name, w->help);
}

static const struct lg_verb *verb_named(const struct lg_session *s,
					const char *name, size_t n)
{
	for (size_t i = 0; i < s->n_verbs; i++)
		if (strlen(s->verbs[i]->name) == n &&
		    !memcmp(s->verbs[i]->name, name, n))
			return s->verbs[i];
	return NULL;
}

/* --- help ----------------------------------------------------------------- */

/*
 * Sixty verbs in the order of the alphabet help nobody at night. Those that no
 * group names come last; tests/unit/verb_run.c wants none there.
 */
static const struct group {
	const char *title, *verbs;
} groups[] = {
	{ "What is there",
	  "show|find|summary|iso|rows|modules|show threads|show frames|"
	  "show modules|call" },
	{ "How large is it",
	  "asizeof|asized|asizesof|flatsize|basicsize|itemsize|leng|"
	  "duplicates|waste" },
	{ "Why is it alive",
	  "why|top|retained|sp|shpaths|pathsin|pathsout|rp|get_rp|refs|"
	  "named_refs|refbrowser|graph|locals|cycles|garbage graph|audit" },
	{ "What has changed",
	  "track start|track diff|snap|snaps|use|summary diff|setref|load|"
	  "release" },
	{ "Process and shell",
	  "attach|open|detach|doctor|info setup|probe status|probe load|"
	  "plugins|plugins disable|plugins enable|plugin load|set|help" },
};

static bool is_in(const struct group *g, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = g->verbs; *at;) {
		size_t k = strcspn(at, "|");

		if (k == n && !memcmp(at, name, n))
			return true;
		at += k + (at[k] == '|');
	}
	return false;
}

static void add_group(const struct lg_session *s, const struct group *g,
		      struct hs_text *t)
{
	for (const char *at = g->verbs; *at;) {
		size_t k = strcspn(at, "|");
		const struct lg_verb *verb = verb_named(s, at, k);

		if (verb)
			add_pair(t, verb->name, verb->summary);
		at += k + (at[k] == '|');
	}
}

static void add_ungrouped(const struct lg_session *s, struct hs_text *t)
{
	bool titled = false;

	for (size_t i = 0; i < s->n_verbs; i++) {
		size_t k = 0;

		while (k < HS_ARRAY_SIZE(groups) &&
		       !is_in(&groups[k], s->verbs[i]->name))
			k++;
		if (k < HS_ARRAY_SIZE(groups))
			continue;
		if (!titled)
			hs_text_add(t, "\nMore:\n\n");
		titled = true;
		add_pair(t, s->verbs[i]->name, s->verbs[i]->summary);
	}
}

static void overview(const struct lg_call *call, struct hs_text *t)
{
	const struct lg_session *s = call->session;
	const json_t *shell = shell_verbs(call);
	const struct vb_topic *topic;
	const json_t *verb;
	size_t i;

	hs_text_add(t, "An expression prints its value: heap, __main__.x, "
		       "_.more. Words:\n\n");
	add_table(t, "words");
	for (i = 0; i < HS_ARRAY_SIZE(groups); i++) {
		hs_text_addf(t, "\n%s:\n\n", groups[i].title);
		add_group(s, &groups[i], t);
	}
	json_array_foreach (shell, i, verb)
		add_pair(t, wr_get_text(verb, "name"),
			 wr_get_text(verb, "summary"));
	add_ungrouped(s, t);
	hs_text_add(t, "\nhelp VERB says more of a verb, help TOPIC of:\n\n");
	for (i = 0; (topic = vb_topic(i)); i++)
		add_pair(t, topic->name, topic->summary);
	hs_text_add(t, "\nFirst: heap, _.more, top 10 by retained, why _[0], "
		       "asized OBJ detail=2; for a leak: track start, later "
		       "track diff.\n");
}

/* --- help VERB ------------------------------------------------------------ */

static void add_args(struct hs_text *t, const struct lg_arg *args,
		     bool are_options)
{
	for (const struct lg_arg *a = args; a && a->name; a++) {
		HS_FREE char *name =
			are_options ? hs_xasprintf("%s=%s", a->name, a->values)
				    : hs_xstrdup(a->name);

		add_pair(t, name, a->help ? a->help : "");
	}
}

static void add_examples(struct hs_text *t, const char *examples)
{
	const char *at = examples;

	hs_text_add(t, "\nExamples:\n\n");
	while (at && *at) {
		size_t n = strcspn(at, "\n");

		hs_text_addf(t, "    %.*s\n", (int)n, at);
		at += n + (at[n] == '\n');
	}
}

static void of_verb(const struct lg_verb *verb, struct hs_text *t)
{
	HS_FREE char *usage = lg_usage(verb);

	hs_text_addf(t, "%s\n    %s\n\n", usage, verb->summary);
	add_wrapped(t, verb->help);
	if (verb->args || verb->options)
		hs_text_addc(t, '\n');
	add_args(t, verb->args, false);
	add_args(t, verb->options, true);
	if (verb->examples)
		add_examples(t, verb->examples);
}

static bool of_shell_verb(const struct lg_call *call, const char *name,
			  struct hs_text *t)
{
	const json_t *verb;
	size_t i;

	json_array_foreach (shell_verbs(call), i, verb) {
		if (strcmp(wr_get_text(verb, "name"), name))
			continue;
		hs_text_addf(t, "%s\n    %s\n\n%s\n",
			     wr_get_text(verb, "usage"),
			     wr_get_text(verb, "summary"),
			     wr_get_text(verb, "help"));
		return true;
	}
	return false;
}

/* All verbs whose first word it is: "track", "info". */
static bool of_first_word(const struct lg_session *s, const char *name,
			  struct hs_text *t)
{
	size_t n = strlen(name);
	bool found = false;

	for (size_t i = 0; i < s->n_verbs; i++) {
		if (strncmp(s->verbs[i]->name, name, n) ||
		    s->verbs[i]->name[n] != ' ')
			continue;
		add_pair(t, s->verbs[i]->name, s->verbs[i]->summary);
		found = true;
	}
	return found;
}

/* --- help TOPIC, and words ------------------------------------------------ */

static bool of_topic(const char *name, struct hs_text *t)
{
	const struct vb_topic *topic;

	for (size_t i = 0; (topic = vb_topic(i)); i++) {
		if (strcmp(topic->name, name))
			continue;
		hs_text_add(t, topic->text);
		for (size_t k = 0; k < HS_ARRAY_SIZE(topic->tables); k++) {
			if (!topic->tables[k])
				break;
			hs_text_addc(t, '\n');
			add_table(t, topic->tables[k]);
		}
		return true;
	}
	return false;
}

static bool of_topics(const char *name, struct hs_text *t)
{
	const struct vb_topic *topic;

	if (strcmp(name, "topics"))
		return false;
	hs_text_add(t, "help TOPIC, where TOPIC is one of:\n\n");
	for (size_t i = 0; (topic = vb_topic(i)); i++)
		add_pair(t, topic->name, topic->summary);
	return true;
}

/* A word or an attribute: its one line. ".more" too. */
static bool of_word(const char *name, struct hs_text *t)
{
	static const char *const tables[] = { "words", "functions", "set",
					      "table", "thread",    "frame",
					      "relations" };
	const struct lg_word *w;

	if (*name == '.')
		name++;
	for (size_t k = 0; k < HS_ARRAY_SIZE(tables); k++)
		for (size_t i = 0; (w = lg_words_of(tables[k], i)); i++) {
			if (strcmp(w->name, name))
				continue;
			add_pair(t, w->name, w->help);
			return true;
		}
	return false;
}

static bool of_setting(const struct lg_session *s, const char *name,
		       struct hs_text *t)
{
	for (size_t i = 0; i < s->n_settings; i++) {
		if (strcmp(s->settings[i].name, name))
			continue;
		hs_text_addf(t, "set %s=%s\n    %s; it is %s\n", name,
			     s->settings[i].values, s->settings[i].help,
			     lg_setting(s, name));
		return true;
	}
	return false;
}

static struct hs_err *no_help(const struct lg_call *call, const char *name)
{
	const struct lg_session *s = call->session;
	HS_VEC(const char *) names = { 0 };
	const struct vb_topic *topic;
	const char *near;
	struct hs_err *err = hs_err_new(HS_ERR_NAME, "no help for %s", name);

	for (size_t i = 0; i < s->n_verbs; i++)
		hs_vec_push(&names, s->verbs[i]->name);
	for (size_t i = 0; (topic = vb_topic(i)); i++)
		hs_vec_push(&names, topic->name);
	near = hs_nearest(name, names.v, names.n);
	err = near ? hs_err_remedy(err, "help %s", near)
		   : hs_err_remedy(err, "help");
	hs_vec_deinit(&names);
	return err;
}

static bool of_name(const struct lg_call *call, const char *name,
		    struct hs_text *t)
{
	const struct lg_verb *verb =
		verb_named(call->session, name, strlen(name));

	if (verb) {
		of_verb(verb, t);
		return true;
	}
	return of_topics(name, t) || of_shell_verb(call, name, t) ||
	       of_first_word(call->session, name, t) || of_topic(name, t) ||
	       of_word(name, t) || of_setting(call->session, name, t);
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	const char *name = vb_word(call, 0);
	HS_TEXT t = { 0 };
	json_t *doc;

	if (!name || !*name)
		overview(call, &t);
	else if (!of_name(call, name, &t))
		return no_help(call, name);
	doc = wr_doc_create("help");
	wr_set_text(doc, "value", hs_text_str(&t), t.len);
	*ret = lg_table(NULL, doc);
	return NULL;
}

static const struct lg_arg args[] = {
	{ .name = "VERB|TOPIC",
	  .kind = LG_ARG_VERB,
	  .optional = true,
	  .values = "lines|objects|sets|sizes|compat|options|instants|paging|"
		    "threads|words|kinds|topics",
	  .help = "a verb, a topic, a word, an attribute or a setting" },
	{ .name = NULL },
};

const struct lg_verb vb_help = {
	.name = "help",
	.args = args,
	.flags = LG_VERB_NO_RESULT | LG_VERB_NO_TARGET,
	.summary = "what can be typed",
	.help = "NAME? is the same as help NAME.",
	.examples = "help\nhelp asized\nhelp sets",
	.run = run,
};
