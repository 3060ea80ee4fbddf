// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include "signals.h"

/* Descriptors 0 to 2 are open, so that no socket of ours gets their number. */
static void hold_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Nobody types lines into a pipe; the demo also wants someone who reads. */
static bool is_interactive(const struct sh_options *o)
{
	return !o->inputs.n && o->mode != SH_DOCTOR && isatty(0) &&
	       (o->mode != SH_DEMO || isatty(1));
}

static void take_plugins(struct sh_shell *sh, const struct sh_options *o)
{
	size_t i;

	for (i = 0; i < o->plugin_dirs.n; i++)
		hs_vec_push(&sh->roles.plugin_dirs, o->plugin_dirs.v[i]);
	for (i = 0; i < o->plugins.n; i++)
		hs_vec_push(&sh->roles.plugins, o->plugins.v[i]);
}

/* heapsh doctor PID is the command of that name, and no more. */
static void run_doctor(struct sh_shell *sh)
{
	const char *target = sh->options->target;
	HS_FREE char *line = NULL;
	struct hs_err *err;
	int pid;

	if (target) {
		err = sh->options->ns ? sh_find_inner(target, &pid) :
					sh_find_process(target, &pid);
		if (err) {
			sh_out_error(sh, err, "doctor");
			sh_note(sh, SH_EXIT_NOT_ATTACHED);
			return;
		}
		line = hs_xasprintf("doctor %d", pid);
	}
	sh_run_line(sh, line ? line : "doctor");
}

static void run(struct sh_shell *sh)
{
	bool demo = sh->options->mode == SH_DEMO && !sh->options->inputs.n;

	if (sh->options->mode == SH_DOCTOR) {
		run_doctor(sh);
		if (!sh->options->inputs.n)
			return;
	}
	if (demo)
		sh_demo(sh);
	if (sh->interactive)
		sh_interact(sh);
	else if (!demo)
		sh_run_inputs(sh);
}

static void deinit(struct sh_shell *sh)
{
	size_t i;

	for (i = 0; i < sh->lines.n; i++)
		free(sh->lines.v[i]);
	hs_vec_deinit(&sh->lines);
	free(sh->state.prompt);
	json_decref(sh->state.settings);
}

static int explore(const struct sh_options *o)
{
	struct sh_shell sh = {
		.options = o,
		.interactive = is_interactive(o),
		.roles = { .control_fd = -1,
			   .service_fd = -1,
			   .engine_fd = -1,
			   .shared_fd = -1 },
	};
	int status;

	take_plugins(&sh, o);
	status = sh_begin(&sh);
	if (!status && o->mode != SH_CHECK) {
		run(&sh);
		// One who typed has seen what failed.
		status = sh.interactive && sh.status != SH_EXIT_CLOSED
				 ? 0
				 : sh.status;
	}
	if (!sh_signals.ended)
		sh_release(&sh);
	sh_roles_end(&sh.roles);
	deinit(&sh);
	return sh_signals.ended ? 128 + sh_signals.ended : status;
}

static int usage(struct hs_err *err)
{
	sh_say("heapsh: %s\n  try: %s", err->message, err->remedy);
	hs_err_free(err);
	return SH_EXIT_USAGE;
}

static int print(const char *s)
{
	fputs(s, stdout);
	return fflush(stdout) ? SH_EXIT_FAILED : 0;
}

/* Nothing is stopped for lines that are not there. */
static struct hs_err *check_scripts(const struct sh_options *o)
{
	size_t i;

	for (i = 0; i < o->inputs.n; i++) {
		const char *path = o->inputs.v[i].text;

		if (o->inputs.v[i].is_file && strcmp(path, "-") &&
		    access(path, R_OK))
			return hs_err_remedy(hs_err_os(errno, "read %s", path),
					     "-x FILE, -x - or -e COMMAND");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sh_options o = { 0 };
	HS_FREE char *help = NULL;
	struct hs_err *err;
	int status;

	hold_stdio();
	setlocale(LC_CTYPE, "");
	err = sh_options_parse(&o, argc, argv);
	if (!err)
		err = check_scripts(&o);
	if (err) {
		status = usage(err);
	} else if (o.mode == SH_HELP) {
		help = sh_options_help(o.about);
		status = print(help);
	} else if (o.mode == SH_VERSION) {
		status = print("heapsh " HEAPSH_VERSION "\n");
	} else {
		status = explore(&o);
	}
	sh_options_deinit(&o);
	return status;
}
