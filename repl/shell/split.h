/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * A line is cut into commands, and each command into what the engine is to
 * read and where its output goes: language.md, section 2.
 */
#ifndef SH_SPLIT_H
#define SH_SPLIT_H

#include "err.h"
#include "vec.h"

enum sh_sink {
	SH_SINK_NONE, /* where the shell prints */
	SH_SINK_PIPE, /* "| command" */
	SH_SINK_NEW, /* "> file": must not exist */
	SH_SINK_APPEND, /* ">> file" */
	SH_SINK_OVER, /* ">| file" */
};

struct sh_command {
	char *text; /* for the engine; no blanks at its ends */
	enum sh_sink sink;
	char *to; /* the file, or what sh runs; NULL without */
	char *escape; /* of "!cmd": cmd; then text is "" */
};
struct sh_commands {
	struct sh_command *v;
	size_t n, cap;
};
void sh_commands_deinit(struct sh_commands *c);

/** Empty commands are left out. HS_ERR_USAGE with a column of line. */
struct hs_err *sh_split(const char *line, struct sh_commands *ret) HS_MUST_USE;
/**
 * For completion: where the command begins in which byte point of the line
 * lies. *names_file: point is behind a redirection, or in source or !.
 */
size_t sh_split_start(const char *line, size_t point, bool *names_file);
#endif
