// SPDX-License-Identifier: GPL-3.0-or-later
// Lines: from the terminal, from -e, from files.
#include "shell.h"

#include <errno.h>

#include "signals.h"

enum { MAX_DEPTH = 16 }; /* of source within source */

/* How grave a status is; the gravest is what we exit with. */
static int rank(int status)
{
	static const int order[] = { 0,
				     SH_EXIT_FAILED,
				     SH_EXIT_USAGE,
				     SH_EXIT_NOT_ATTACHED,
				     SH_EXIT_GONE,
				     SH_EXIT_INTERRUPTED,
				     SH_EXIT_CLOSED };
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(order); i++)
		if (order[i] == status)
			return (int)i;
	return 1;
}

void sh_note(struct sh_shell *sh, int status)
{
	if (rank(status) > rank(sh->status))
		sh->status = rank(status) == 1 ? SH_EXIT_FAILED : status;
}

bool sh_goes_on(const struct sh_shell *sh)
{
	if (sh->quit || sh_signals.ended)
		return false;
	if (sh->interactive)
		return !sh->depth || !sh_signals.interrupted;
	return !sh_signals.interrupted &&
	       !(sh->options->stop_on_error && sh->status);
}

static void on_result(struct sh_shell *sh, json_t *doc, void *arg)
{
	sh_out_doc(sh, arg, doc);
}

/* One command without its sink. */
static int run_in(struct sh_shell *sh, const struct sh_command *c,
		  struct sh_out *o)
{
	const struct sh_verb *verb;
	const char *rest;

	verb = sh_verb_find(c->text, &rest);
	if (verb)
		return verb->run(sh, rest, o);
	return sh_ask(sh, WR_COMMAND, sh->line, c->text, on_result, o);
}

static int run_command(struct sh_shell *sh, const struct sh_command *c)
{
	struct sh_out o;
	struct hs_err *err;
	int status, sink_status;

	if (c->escape)
		return sh_verb_escape(c->escape);
	err = sh_out_open(sh, c, &o);
	if (err) {
		sh_out_error(sh, err, c->text);
		return SH_EXIT_FAILED;
	}
	status = run_in(sh, c, &o);
	// What head(1) did not want to read is no failure.
	if (o.closed && o.sink == SH_SINK_PIPE)
		status = 0;
	sink_status = sh_out_close(sh, &o, status != 0);
	return status ? status : sink_status;
}

static void remember(struct sh_shell *sh, const char *line)
{
	sh->line++;
	hs_vec_push(&sh->lines, hs_xstrdup(line));
}

void sh_run_line(struct sh_shell *sh, const char *line)
{
	struct sh_commands commands = { 0 };
	bool last = sh->last;
	struct hs_err *err;
	size_t i;

	err = sh_split(line, &commands);
	if (err || commands.n)
		remember(sh, line);
	if (err) {
		sh_out_error(sh, err, line);
		sh_note(sh, SH_EXIT_FAILED);
	}
	if (sh->interactive && !sh->depth)
		sh_signals.interrupted = 0;
	for (i = 0; i < commands.n && sh_goes_on(sh); i++) {
		sh->last = last && i + 1 == commands.n;
		sh_note(sh, run_command(sh, &commands.v[i]));
		if (sh_signals.interrupted && sh->interactive)
			break;
	}
	if (sh_signals.interrupted && !sh->interactive)
		sh_note(sh, SH_EXIT_INTERRUPTED);
	sh->last = last;
	sh_commands_deinit(&commands);
}

/* A line without its end; "" at the end of the file. */
static bool read_line(FILE *f, char **line, size_t *cap)
{
	ssize_t n = -1;

	// Ctrl-C that came while the last answer was printed ends it, too: who
	// writes the lines may wait for us.
	errno = EINTR;
	while (n < 0 && errno == EINTR && !sh_signals.interrupted &&
	       !sh_signals.ended && !feof(f)) {
		clearerr(f);
		n = getline(line, cap, f);
	}
	if (n < 0)
		return false;
	while (n && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		(*line)[--n] = '\0';
	return true;
}

/* ends: no command comes after this file's last line. That one is known only
 * once the next read has failed, so lines are run one behind; a terminal or
 * pipe, from which they come one by one, is not made to wait. */
static void run_stream(struct sh_shell *sh, FILE *f, bool ends)
{
	HS_FREE char *line = NULL, *next = NULL;
	size_t cap = 0, next_cap = 0, n;
	bool more, looks_ahead = ends && f != stdin;
	char *swap;

	more = read_line(f, &line, &cap);
	while (more && sh_goes_on(sh)) {
		more = looks_ahead ? read_line(f, &next, &next_cap) : true;
		sh->last = looks_ahead && !more;
		sh_run_line(sh, line);
		sh->last = false;
		if (!looks_ahead) {
			more = read_line(f, &line, &cap);
			continue;
		}
		swap = line;
		line = next;
		next = swap;
		n = cap;
		cap = next_cap;
		next_cap = n;
	}
}

struct hs_err *sh_run_file(struct sh_shell *sh, const char *path, bool ends)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;

	if (!f)
		return hs_err_os(errno, "read %s", path);
	if (sh->depth >= MAX_DEPTH) {
		fclose(f);
		return hs_err_new(HS_ERR_REFUSED,
				  "source %s: %d files within each other", path,
				  MAX_DEPTH);
	}
	sh->depth++;
	run_stream(sh, f, ends);
	sh->depth--;
	if (f != stdin)
		fclose(f);
	return NULL;
}

void sh_run_inputs(struct sh_shell *sh)
{
	const struct sh_options *o = sh->options;
	struct hs_err *err = NULL;
	bool last;
	size_t i;

	for (i = 0; i < o->inputs.n && sh_goes_on(sh); i++) {
		last = i + 1 == o->inputs.n;
		if (o->inputs.v[i].is_file) {
			err = sh_run_file(sh, o->inputs.v[i].text, last);
		} else {
			sh->last = last;
			sh_run_line(sh, o->inputs.v[i].text);
			sh->last = false;
		}
		if (err) {
			sh_out_error(sh, err, NULL);
			sh_note(sh, SH_EXIT_FAILED);
		}
		err = NULL;
	}
	if (!o->inputs.n)
		hs_err_free(sh_run_file(sh, "-", true));
	if (sh_signals.interrupted)
		sh_note(sh, SH_EXIT_INTERRUPTED);
}
