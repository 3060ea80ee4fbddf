/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The command line: language.md, section 1. */
#ifndef SH_OPTIONS_H
#define SH_OPTIONS_H

#include "err.h"
#include "vec.h"

#include "view.h"

enum sh_mode {
	SH_NONE, /* a shell that is not attached */
	SH_ATTACH,
	SH_RUN,
	SH_OPEN,
	SH_DEMO,
	SH_DOCTOR,
	SH_CHECK,
	SH_HELP,
	SH_VERSION,
};

enum sh_when { SH_AUTO, SH_ALWAYS, SH_NEVER };

/** An -e or an -x. */
struct sh_input {
	const char *text; /* the command, or the file's name */
	bool is_file;
};

/** Strings are borrowed from argv. {0} is a fine start. */
struct sh_options {
	enum sh_mode mode;
	const char *about; /* of SH_HELP: a command, or NULL */
	const char *target; /* PID, NAME or FILE; NULL in other modes */
	const char *process; /* of SH_CHECK: PID, NAME or a core; or NULL */
	char *const *argv; /* of SH_RUN: PROG and what follows, NULL */
	HS_VEC(struct sh_input) inputs;
	bool stop_on_error;
	enum vw_format format;
	uint64_t max_pause_ns; /* 0: not said */
	const char *rung; /* "copy", "live"; NULL: the best there is */
	HS_VEC(const char *) plugin_dirs, plugins;
	enum sh_when color;
	bool no_pager, quiet;
	bool ns; /* target is a number within its container */
	bool probe; /* of SH_RUN: preload heapsh-probe.so */
};
void sh_options_deinit(struct sh_options *o);

/** HS_ERR_USAGE, with a remedy where one is near. */
struct hs_err *sh_options_parse(struct sh_options *o, int argc,
				char *const *argv) HS_MUST_USE;
/** What --help prints, of one command (its name) or all (NULL). free(). */
char *sh_options_help(const char *about);
#endif
