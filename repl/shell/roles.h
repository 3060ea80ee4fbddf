/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * The other two roles: the tracer, started once, and the engine, started again
 * whenever it has died. The tracer keeps the instants meanwhile: the shell has
 * a copy of the engine's end of the tracer's socket, so that the next engine
 * gets the same one.
 */
#ifndef SH_ROLES_H
#define SH_ROLES_H

#include <sys/types.h>

#include "vec.h"

#include "wire.h"

struct sh_roles {
	pid_t tracer, engine; /* 0: not running */
	int control_fd; /* to the tracer: its end ends the tracer */
	int service_fd; /* the engine's end of the tracer's socket */
	int engine_fd; /* frames; -1 while there is no engine */
	int shared_fd;
	struct wr_shared *shared;
	struct wr_reader reader;
	HS_VEC(const char *) plugin_dirs, plugins; /* strings borrowed */
	/* Plugins that ended an engine, "NAME:how"; owned. */
	HS_VEC(char *) skip;
	char *died; /* the name of the last of them, or NULL */
};

/** Start both. r is zeroed but for plugin_dirs and plugins. */
struct hs_err *sh_roles_start(struct sh_roles *r) HS_MUST_USE;
/** An engine, where there is none. */
struct hs_err *sh_engine_start(struct sh_roles *r) HS_MUST_USE;
/**
 * Kill the engine if it still runs, and wait for it. Answers how it ended:
 * "was killed by signal 11 (Segmentation fault) in open()". free(). *plugin:
 * the plugin that ran, when it is to blame (a fault, an exit, or loops: we
 * killed it since it gave no answer); it is left out from now on. Else NULL:
 * someone else's SIGKILL says nothing of the plugin. Borrowed from r.
 */
char *sh_engine_bury(struct sh_roles *r, bool loops, const char **plugin);
/** True once when the tracer is found dead; reaps it. */
bool sh_tracer_died(struct sh_roles *r);
/** End both: the tracer gives every instant back. Waits a little. */
void sh_roles_end(struct sh_roles *r);
/**
 * A file of ours: beside our own program in a build tree; where it lies in an
 * installation that was moved; else where it was configured to lie. The first
 * two are paths from our own folder. free().
 */
char *sh_own_file(const char *beside, const char *moved,
		  const char *installed);
#endif
