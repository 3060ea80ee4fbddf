// SPDX-License-Identifier: Apache-2.0
/*
 * heapsh-engine: one binary, two roles, both started by the shell.
 *
 *   heapsh-engine --engine SOCKET_FD SHARED_FD SERVICE_FD
 *                 [--plugin-path DIR]… [--plugin NAME]… [--skip-plugin NAME]…
 *   heapsh-engine --tracer CONTROL_FD SERVICE_FD
 */
#include "engine.h"

#include <signal.h>
#include <stdio.h>

#include "text.h"

static int usage(void)
{
	fputs("heapsh-engine: started by heapsh, not by hand\n", stderr);
	return 2;
}

/** A descriptor's number, or -1. */
static int fd_of(const char *s)
{
	uint64_t v;

	return s && hs_parse_u64(s, &v) && v < INT32_MAX ? (int)v : -1;
}

static int tracer(char **argv)
{
	int control = fd_of(argv[0]), service = fd_of(argv[1]);

	if (control < 0 || service < 0)
		return usage();
	return tg_tracer_main(control, service);
}

static int engine(int argc, char **argv)
{
	struct en_options o = { 0 };

	if (argc < 3)
		return usage();
	o.socket_fd = fd_of(argv[0]);
	o.shared_fd = fd_of(argv[1]);
	o.service_fd = fd_of(argv[2]);
	if (o.socket_fd < 0 || o.shared_fd < 0)
		return usage();
	for (int i = 3; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--plugin-path"))
			hs_vec_push(&o.plugin_dirs, argv[i + 1]);
		else if (!strcmp(argv[i], "--plugin"))
			hs_vec_push(&o.plugins, argv[i + 1]);
		else if (!strcmp(argv[i], "--skip-plugin"))
			hs_vec_push(&o.skip, argv[i + 1]);
		else
			return usage();
	}
	en_where_plugins(&o);
	// Ctrl-C is the shell's: it sets the word that every loop looks at.
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return en_main(&o);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("heapsh-engine " HEAPSH_VERSION);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--tracer"))
		return tracer(argv + 2);
	if (argc >= 5 && !strcmp(argv[1], "--engine"))
		return engine(argc - 2, argv + 2);
	return usage();
}
