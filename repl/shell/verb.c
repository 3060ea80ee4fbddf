// SPDX-License-Identifier: GPL-3.0-or-later
// The shell's own verbs. The engine gets their records for help.
#include "shell.h"

#include <ctype.h>

#include "signals.h"

static int run_history(struct sh_shell *sh, const char *rest, struct sh_out *o)
{
	const struct vw_style style = sh_style(sh, o->fd);
	size_t i;

	if (*rest) {
		sh_say("heapsh: history: '%s' is one word too many", rest);
		return SH_EXIT_FAILED;
	}
	for (i = 0; i < sh->lines.n; i++) {
		HS_TEXT t = { 0 };

		hs_text_addf(&t, "%5zu  ", i + 1);
		vw_foreign(&t, &style, sh->lines.v[i], strlen(sh->lines.v[i]));
		hs_text_addc(&t, '\n');
		sh_out_add(sh, o, hs_text_str(&t), t.len);
	}
	return 0;
}

/* The lines print by themselves: each may have a sink of its own. */
static int run_source(struct sh_shell *sh, const char *rest, struct sh_out *o)
{
	struct hs_err *err;

	(void)o;
	if (!*rest)
		err = hs_err_new(HS_ERR_USAGE, "source: FILE is missing");
	else
		err = sh_run_file(sh, rest, sh->last);
	if (!err)
		return 0;
	sh_out_error(sh, err, NULL);
	return SH_EXIT_FAILED;
}

static int run_quit(struct sh_shell *sh, const char *rest, struct sh_out *o)
{
	(void)rest;
	(void)o;
	sh->quit = true;
	return 0;
}

int sh_verb_escape(const char *command)
{
	const char *shell = "exec \"${SHELL:-/bin/sh}\"";
	struct hs_err *err;
	pid_t child;
	int status;

	err = sh_child_start(*command ? command : shell, NULL, &child);
	if (err) {
		sh_say("heapsh: %s", err->message);
		hs_err_free(err);
		return SH_EXIT_FAILED;
	}
	status = sh_child_wait(child);
	return status ? SH_EXIT_FAILED : 0;
}

static const struct sh_verb verbs[] = {
	{ "history", "history", "the lines of this shell, with their numbers",
	  "_N is the result of line N. Lines of earlier shells are found with "
	  "arrow up and Ctrl-R.",
	  run_history },
	{ "source", "source FILE", "run the lines of a file",
	  "A line that fails does not end the file.", run_source },
	{ "quit", "quit", "give the program back and leave",
	  "So do exit, exit() and Ctrl-D.", run_quit },
	{ "exit", "exit", "the same as quit", "See quit.", run_quit },
	{ "!", "!COMMAND", "run a command of your shell",
	  "All of the line is sh's, with its own ; | and >. Without a command "
	  "it is an interactive shell.",
	  NULL }, /* sh_split() knows it by its first byte */
};

const struct sh_verb *sh_verb_find(const char *text, const char **rest)
{
	size_t i, n = strcspn(text, " \t");
	const char *after = text + n + strspn(text + n, " \t");

	// "quit = 3" names a variable.
	if (after[0] == '=' && after[1] != '=')
		return NULL;
	// As a call, too, as other prompts want it.
	if (n > 2 && !strncmp(text + n - 2, "()", 2))
		n -= 2;
	for (i = 0; i < HS_ARRAY_SIZE(verbs); i++) {
		if (!verbs[i].run || strlen(verbs[i].name) != n ||
		    strncmp(verbs[i].name, text, n))
			continue;
		*rest = after;
		return &verbs[i];
	}
	return NULL;
}

json_t *sh_verbs_json(void)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(verbs); i++)
		json_array_append_new(all, json_pack("{ssssssss}", "name",
						     verbs[i].name, "usage",
						     verbs[i].usage, "summary",
						     verbs[i].summary, "help",
						     verbs[i].help));
	return all;
}
