// SPDX-License-Identifier: GPL-3.0-or-later
// heapsh demo: a small service that leaks.
#include "shell.h"

#include <unistd.h>

/* What leaks in demo/leaky.py, and how one sees it. */
static const struct {
	const char *line, *help;
} suggestions[] = {
	{ "heap", "all that lives, by class: who are the many Visits?" },
	{ "asized __main__.cache detail=2", "the leak, with what hangs on it" },
	{ "heap & __main__.Visit", "one class as a set; then _[0], _.byid" },
};

static char *script_path(void)
{
	return sh_own_file("share/demo/leaky.py",
			   "../share/heapsh/demo/leaky.py",
			   HEAPSH_PKGDATADIR "/demo/leaky.py");
}

/* python3 of a folder of PATH, unless the system has one where Debian does. */
static char *find_python(void)
{
	const char *path = getenv("PATH"), *end;

	if (!access("/usr/bin/python3", X_OK))
		return hs_xstrdup("/usr/bin/python3");
	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		HS_FREE char *file =
			hs_xasprintf("%.*s/python3", (int)(end - path), path);

		if (*file == '/' && !access(file, X_OK))
			return hs_take(file);
	}
	return NULL;
}

struct hs_err *sh_demo_argv(json_t **ret)
{
	HS_FREE char *python = find_python(), *script = script_path();

	if (!python)
		return hs_err_remedy(hs_err_new(HS_ERR_UNSUPPORTED,
						"demo: there is no python3"),
				     "sudo apt install python3-minimal");
	if (access(script, R_OK))
		return hs_err_os(2, "demo: read %s", script);
	*ret = json_pack("[ss]", python, script);
	return NULL;
}

void sh_demo(struct sh_shell *sh)
{
	size_t i;

	if (!sh->interactive) {
		sh_run_line(sh, suggestions[0].line);
		sh->last = true;
		sh_run_line(sh, suggestions[1].line);
		sh->last = false;
		return;
	}
	puts("A service that keeps what it should forget. Try:");
	for (i = 0; i < HS_ARRAY_SIZE(suggestions); i++)
		printf("    %-34s %s\n", suggestions[i].line,
		       suggestions[i].help);
	fflush(stdout);
}
