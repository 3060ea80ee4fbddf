// SPDX-License-Identifier: GPL-3.0-or-later
#include "options.h"

#include "text.h"

/* Before the command, in their order: what is typed, what it does. */
static const struct {
	const char *name;
	enum sh_mode mode;
	const char *operand; /* NULL: none */
	bool optional; /* it may be missing */
	const char *usage, *help;
} commands[] = {
	{ "attach", SH_ATTACH, "PID or NAME", false,
	  "attach PID|NAME [options]",
	  "explore a running process" },
	{ "run", SH_RUN, "PROG", false, "run [options] [--] PROG [ARG...]",
	  "start a program and explore it" },
	{ "open", SH_OPEN, "FILE", false, "open FILE [options]",
	  "explore an ELF core" },
	{ "plugin-check", SH_CHECK, "FILE", false,
	  "plugin-check FILE [PID|NAME|CORE]",
	  "hold a plugin against <heapsh/plugin.h>" },
	{ "demo", SH_DEMO, NULL, false, "demo [options]",
	  "start a small leaking service and explore it" },
	{ "doctor", SH_DOCTOR, "PID or NAME", true, "doctor [PID|NAME]",
	  "what is permitted, and what to do about the rest" },
};

enum option_id {
	OPT_EVAL,
	OPT_SCRIPT,
	OPT_STOP,
	OPT_FORMAT,
	OPT_LIVE,
	OPT_COPY,
	OPT_PROBE,
	OPT_MAX_PAUSE,
	OPT_NS,
	OPT_PLUGIN_PATH,
	OPT_PLUGIN,
	OPT_COLOR,
	OPT_NO_PAGER,
	OPT_QUIET,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option_row {
	enum option_id id;
	char letter; /* 0: none */
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
} rows[] = {
	{ OPT_EVAL, 'e', "eval", "COMMAND",
	  "run COMMAND, print, and exit after the last -e" },
	{ OPT_SCRIPT, 'x', "script", "FILE",
	  "the same, line by line from FILE ('-': standard input)" },
	{ OPT_STOP, 0, "stop-on-error", NULL,
	  "of -e and -x, stop at the first command that fails" },
	{ OPT_FORMAT, 'f', "format", "FORMAT",
	  "text, json (one document a line) or csv" },
	{ OPT_LIVE, 0, "live", NULL,
	  "stop nothing: read the program as it runs" },
	{ OPT_COPY, 0, "stop", NULL,
	  "stop it while its memory is copied, instead of a clone" },
	{ OPT_PROBE, 0, "probe", NULL,
	  "of run, load heapsh-probe.so: others may attach later" },
	{ OPT_MAX_PAUSE, 0, "max-pause", "TIME",
	  "refuse to attach when a longer pause is expected (50ms, 2s)" },
	{ OPT_NS, 0, "ns", NULL,
	  "PID is the number that it has in its container" },
	{ OPT_PLUGIN_PATH, 0, "plugin-path", "DIR",
	  "look for plugins there, too; as HEAPSH_PLUGIN_PATH" },
	{ OPT_PLUGIN, 0, "plugin", "NAME",
	  "use only this plugin (repeat for more)" },
	{ OPT_COLOR, 0, "color", "WHEN", "auto, always or never" },
	{ OPT_NO_PAGER, 0, "no-pager", NULL, "print long results at once" },
	{ OPT_QUIET, 'q', "quiet", NULL, "results and errors only" },
	{ OPT_VERSION, 'V', "version", NULL, "print the version" },
	{ OPT_HELP, 'h', "help", NULL, "print this" },
};

void sh_options_deinit(struct sh_options *o)
{
	hs_vec_deinit(&o->inputs);
	hs_vec_deinit(&o->plugin_dirs);
	hs_vec_deinit(&o->plugins);
}

static struct hs_err *usage(const char *fmt, ...) HS_PRINTF(1, 2);
static struct hs_err *usage(const char *fmt, ...)
{
	HS_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return hs_err_remedy(hs_err_new(HS_ERR_USAGE, "%s", s ? s : "usage"),
			     "heapsh --help");
}

/* Index of word in the words of "a|b|c", or -1. */
static int choose(const char *word, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return (int)i;
	return -1;
}

static struct hs_err *set_format(struct sh_options *o, const char *value)
{
	static const char *const words[] = { "text", "json", "csv" };
	int i = choose(value, words, HS_ARRAY_SIZE(words));

	if (i < 0)
		return usage("--format %s: it is text, json or csv", value);
	o->format = (enum vw_format)i;
	return NULL;
}

static struct hs_err *set_color(struct sh_options *o, const char *value)
{
	static const char *const words[] = { "auto", "always", "never" };
	int i = choose(value, words, HS_ARRAY_SIZE(words));

	if (i < 0)
		return usage("--color %s: it is auto, always or never", value);
	o->color = (enum sh_when)i;
	return NULL;
}

static struct hs_err *set_max_pause(struct sh_options *o, const char *value)
{
	if (!hs_parse_duration(value, &o->max_pause_ns) || !o->max_pause_ns)
		return usage("--max-pause %s: it is a time such as 50ms or 2s",
			     value);
	return NULL;
}

static struct hs_err *set_rung(struct sh_options *o, const char *rung)
{
	if (o->rung && strcmp(o->rung, rung))
		return usage("--live and --stop are two ways to attach: it is "
			     "one or the other");
	o->rung = rung;
	return NULL;
}

static struct hs_err *apply(struct sh_options *o, enum option_id id,
			    const char *value)
{
	struct sh_input input = { .text = value, .is_file = id == OPT_SCRIPT };

	switch (id) {
	case OPT_EVAL:
	case OPT_SCRIPT:
		hs_vec_push(&o->inputs, input);
		return NULL;
	case OPT_STOP:
		o->stop_on_error = true;
		return NULL;
	case OPT_FORMAT:
		return set_format(o, value);
	case OPT_LIVE:
		return set_rung(o, "live");
	case OPT_COPY:
		return set_rung(o, "copy");
	case OPT_MAX_PAUSE:
		return set_max_pause(o, value);
	case OPT_NS:
		o->ns = true;
		return NULL;
	case OPT_PLUGIN_PATH:
		hs_vec_push(&o->plugin_dirs, value);
		return NULL;
	case OPT_PLUGIN:
		hs_vec_push(&o->plugins, value);
		return NULL;
	case OPT_COLOR:
		return set_color(o, value);
	case OPT_NO_PAGER:
		o->no_pager = true;
		return NULL;
	case OPT_PROBE:
		o->probe = true;
		return NULL;
	case OPT_QUIET:
		o->quiet = true;
		return NULL;
	case OPT_VERSION:
		o->mode = SH_VERSION;
		return NULL;
	case OPT_HELP:
		o->mode = SH_HELP;
		return NULL;
	default:
		return usage("option %d has no meaning", id);
	}
}

static struct hs_err *unknown(const char *word)
{
	HS_FREE char *name = hs_xstrndup(word, strcspn(word, "="));
	const char *names[HS_ARRAY_SIZE(rows)], *near;
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(rows); i++)
		names[i] = rows[i].name;
	if (!strcmp(name, "-p") || !strcmp(name, "--pid"))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s is no option", name),
				     "heapsh attach PID");
	near = strncmp(name, "--", 2)
		       ? NULL
		       : hs_nearest(name + 2, names, HS_ARRAY_SIZE(names));
	if (near)
		return usage("%s is no option; --%s is", name, near);
	return usage("%s is no option", name);
}

/* Where in argv we are. */
struct cursor {
	char *const *argv; /* ends with NULL */
	int at;
};

/* argv[at] is "--name", "--name=value"; steps past it and its value. */
static struct hs_err *take_long(struct sh_options *o, struct cursor *c)
{
	const char *word = c->argv[c->at++], *value;
	size_t i, n = strcspn(word + 2, "=");

	for (i = 0; i < HS_ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].name) == n &&
		    !strncmp(rows[i].name, word + 2, n))
			break;
	if (i == HS_ARRAY_SIZE(rows))
		return unknown(word);
	value = word[2 + n] ? word + 3 + n : NULL;
	if (value && !rows[i].value)
		return usage("--%s takes no value", rows[i].name);
	if (!value && rows[i].value) {
		value = c->argv[c->at];
		if (!value)
			return usage("--%s: %s is missing", rows[i].name,
				     rows[i].value);
		c->at++;
	}
	return apply(o, rows[i].id, value);
}

/* argv[at] is "-q", "-qV", "-eCOMMAND" or "-e" with COMMAND after it. */
static struct hs_err *take_short(struct sh_options *o, struct cursor *c)
{
	const char *word = c->argv[c->at++], *p, *value;
	struct hs_err *err = NULL;
	size_t i;

	for (p = word + 1; *p && !err; p++) {
		for (i = 0; i < HS_ARRAY_SIZE(rows); i++)
			if (rows[i].letter == *p)
				break;
		if (i == HS_ARRAY_SIZE(rows))
			return unknown(word);
		if (!rows[i].value) {
			err = apply(o, rows[i].id, NULL);
			continue;
		}
		value = p[1] ? p + 1 : c->argv[c->at];
		if (!value)
			return usage("-%c: %s is missing", *p, rows[i].value);
		if (!p[1])
			c->at++;
		return apply(o, rows[i].id, value);
	}
	return err;
}

/* "heapsh 4711", "heapsh core.4711", "heapsh ./app" */
static struct hs_err *guess(const char *word)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_USAGE, "'%s' is no command", word);
	const char *slash = strrchr(word, '/');

	if (strspn(word, "0123456789") == strlen(word))
		return hs_err_remedy(err, "heapsh attach %s", word);
	if (!strncmp(slash ? slash + 1 : word, "core", 4))
		return hs_err_remedy(err, "heapsh open %s", word);
	if (slash)
		return hs_err_remedy(err, "heapsh run %s", word);
	hs_err_free(err);
	return NULL;
}

static struct hs_err *take_command(struct sh_options *o, size_t *ret,
				   const char *word)
{
	struct hs_err *err;
	const char *names[HS_ARRAY_SIZE(commands)], *near;
	HS_TEXT all = { 0 };
	size_t i;

	if (!strcmp(word, "help") || !strcmp(word, "version")) {
		o->mode = *word == 'h' ? SH_HELP : SH_VERSION;
		return NULL;
	}
	for (i = 0; i < HS_ARRAY_SIZE(commands); i++) {
		if (!strcmp(word, commands[i].name)) {
			o->mode =
				o->mode == SH_NONE ? commands[i].mode : o->mode;
			o->about = commands[i].name;
			*ret = i;
			return NULL;
		}
		names[i] = commands[i].name;
		hs_text_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	err = guess(word);
	if (err)
		return err;
	near = hs_nearest(word, names, HS_ARRAY_SIZE(names));
	if (near)
		return usage("'%s' is no command; '%s' is", word, near);
	err = usage("'%s' is no command: there are %s", word,
		    hs_text_str(&all));
	return hs_err_remedy(err, "heapsh attach %s, heapsh run %s, or heapsh "
				  "--help", word, word);
}

/* A word that is no option: the command, then its operand. */
static struct hs_err *take_word(struct sh_options *o, struct cursor *c,
				size_t *command)
{
	const char *word = c->argv[c->at];

	if (*command == HS_ARRAY_SIZE(commands)) {
		c->at++;
		return take_command(o, command, word);
	}
	if (o->mode == SH_CHECK && o->target && !o->process) {
		o->process = word;
		c->at++;
		return NULL;
	}
	if (!commands[*command].operand || o->target)
		return usage("%s: '%s' is one word too many",
			     commands[*command].name, word);
	o->target = word;
	if (o->mode == SH_RUN)
		o->argv = c->argv + c->at;
	c->at++;
	return NULL;
}

static struct hs_err *check(const struct sh_options *o, size_t command)
{
	if (o->mode == SH_HELP || o->mode == SH_VERSION)
		return NULL;
	if (command < HS_ARRAY_SIZE(commands) && commands[command].operand &&
	    !commands[command].optional && !o->target)
		return usage("%s: %s is missing", commands[command].name,
			     commands[command].operand);
	if (o->probe && o->mode != SH_RUN)
		return usage("--probe is of run: a program that runs already "
			     "cannot be started with it");
	return NULL;
}

struct hs_err *sh_options_parse(struct sh_options *o, int argc,
				char *const *argv)
{
	struct cursor c = { .argv = argv, .at = 1 };
	size_t command = HS_ARRAY_SIZE(commands);
	struct hs_err *err = NULL;
	bool words = false;
	const char *word;

	// What follows PROG is the program's.
	while (!err && c.at < argc && !o->argv) {
		word = argv[c.at];
		if (words || word[0] != '-' || !word[1]) {
			err = take_word(o, &c, &command);
		} else if (!strcmp(word, "--")) {
			words = true;
			c.at++;
		} else if (word[1] == '-') {
			err = take_long(o, &c);
		} else {
			err = take_short(o, &c);
		}
	}
	return err ? err : check(o, command);
}

static void add_commands(struct hs_text *t, const char *about)
{
	size_t i;

	hs_text_add(t, "Usage: heapsh COMMAND [options]\n"
		       "Explore the heap of a program that was not prepared "
		       "for it.\n\n");
	for (i = 0; i < HS_ARRAY_SIZE(commands); i++)
		if (!about || !strcmp(about, commands[i].name))
			hs_text_addf(t, "  heapsh %-34s %s\n",
				     commands[i].usage, commands[i].help);
}

char *sh_options_help(const char *about)
{
	struct hs_text t = { 0 };
	size_t i;

	add_commands(&t, about);
	hs_text_addc(&t, '\n');
	for (i = 0; i < HS_ARRAY_SIZE(rows); i++) {
		HS_FREE char *name =
			hs_xasprintf("--%s%s%s", rows[i].name,
				     rows[i].value ? " " : "",
				     rows[i].value ? rows[i].value : "");

		if (rows[i].letter)
			hs_text_addf(&t, "  -%c, ", rows[i].letter);
		else
			hs_text_add(&t, "      ");
		hs_text_addf(&t, "%-22s %s\n", name, rows[i].help);
	}
	hs_text_add(&t, "\nWithout -e or -x it is a shell: type help there.\n");
	return hs_text_take(&t);
}
