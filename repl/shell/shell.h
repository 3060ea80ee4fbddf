/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * shell: lines in, documents out. It holds no value and knows no verb but its
 * own; whatever it shows of the target has been through view.
 */
#ifndef SH_SHELL_H
#define SH_SHELL_H

#include "options.h"
#include "roles.h"
#include "split.h"

#include "view.h"

enum {
	/* design.md, section 8. */
	SH_EXIT_FAILED = 1,
	SH_EXIT_USAGE = 2,
	SH_EXIT_NOT_ATTACHED = 3,
	SH_EXIT_GONE = 4,
	SH_EXIT_INTERRUPTED = 130,
	SH_EXIT_CLOSED = 141,
};

/** What the engine's last DONE said of it. */
struct sh_state {
	bool attached;
	char *prompt; /* "4711 @2", escaped; owned */
	uint64_t taken_ns; /* of the current instant; 0: none */
	json_t *settings; /* or NULL */
};

struct sh_shell {
	const struct sh_options *options;
	struct sh_roles roles;
	struct sh_state state;
	bool interactive; /* prompt, pager */
	unsigned line; /* number of the last line */
	HS_VEC(char *) lines; /* line n is lines.v[n - 1] */
	unsigned depth; /* of source within source */
	bool last; /* no command comes after this one */
	bool released; /* QUIT has been said */
	bool quit;
	int status; /* what we shall exit with */
};

/* --- talk.c: asking the engine -------------------------------------------- */

/** What to do with a document; doc is borrowed. */
typedef void sh_on_doc(struct sh_shell *sh, json_t *doc, void *arg);
/**
 * Send a frame and serve what comes until DONE (or MATCHES, given to on_doc).
 * Answers the exit status of it. When the engine dies meanwhile, says so and
 * starts another: SH_EXIT_FAILED.
 */
int sh_ask(struct sh_shell *sh, enum wr_type type, uint32_t arg,
	   const char *text, sh_on_doc *on_doc, void *on_doc_arg);
/** Start roles, say HELLO, show what was attached. Answers the status. */
int sh_begin(struct sh_shell *sh);
/** Release everything; wait for it a little. Twice is fine. */
void sh_release(struct sh_shell *sh);
/** What came while nobody asked: words, or the engine's death. */
void sh_idle(struct sh_shell *sh);
/** Setting as the engine last told it, or "". Borrowed. */
const char *sh_setting(const struct sh_shell *sh, const char *name);

/* --- run.c: lines --------------------------------------------------------- */

/** Run a line; it gets the next number. Status goes to sh->status. */
void sh_run_line(struct sh_shell *sh, const char *line);
/** -e and -x, or standard input when it is no terminal. */
void sh_run_inputs(struct sh_shell *sh);
/** Lines of a file ("-": standard input). HS_ERR_OS. */
struct hs_err *sh_run_file(struct sh_shell *sh, const char *path,
			   bool ends) HS_MUST_USE;
/** Remember the graver of two exit statuses. */
void sh_note(struct sh_shell *sh, int status);
/** Whether lines should go on being run. */
bool sh_goes_on(const struct sh_shell *sh);

/* --- out.c: where output goes --------------------------------------------- */

struct sh_out {
	enum sh_sink sink;
	int fd; /* of file or pipe; 1 without a sink */
	pid_t child; /* of a pipe */
	char *created; /* a file that is ours to unlink; or NULL */
	struct hs_text text; /* not yet written */
	bool closed; /* the reader is gone: write no more */
	bool goes_on; /* the last document was a part */
	bool wrote;
};
/** Open the file, start the child. command may be NULL: our own output. */
struct hs_err *sh_out_open(struct sh_shell *sh,
			   const struct sh_command *command,
			   struct sh_out *ret) HS_MUST_USE;
void sh_out_add(struct sh_shell *sh, struct sh_out *o, const char *s, size_t n);
/** Show a document: results to o, words to standard error. */
void sh_out_doc(struct sh_shell *sh, struct sh_out *o, const json_t *doc);
/** Write what is left (through a pager), wait for the child. Its status. */
int sh_out_close(struct sh_shell *sh, struct sh_out *o, bool failed);
/** A sentence for people: to standard error, escaped, one line. */
void sh_say(const char *fmt, ...) HS_PRINTF(1, 2);
/** The same of text that the engine wrote. */
void sh_say_text(const char *s, size_t n);
/** Show an error (taken over) as the format wants it; line may be NULL. */
void sh_out_error(struct sh_shell *sh, struct hs_err *err, const char *line);

/* --- child.c -------------------------------------------------------------- */

/** Start sh -c command with standard input from *ret_fd (NULL: ours). */
struct hs_err *sh_child_start(const char *command, int *ret_fd,
			      pid_t *ret) HS_MUST_USE;
/** Its exit status as a shell would say it. */
int sh_child_wait(pid_t child);
/** Whether sh would find the first word of command. */
bool sh_child_found(const char *command);

/* --- verb.c: the shell's own ---------------------------------------------- */

struct sh_verb {
	const char *name, *usage, *summary, *help;
	/** rest: what follows the name, no blanks at its ends. Its status. */
	int (*run)(struct sh_shell *sh, const char *rest, struct sh_out *o);
};
/** By the first word of text; *rest is behind it. NULL: not ours. */
const struct sh_verb *sh_verb_find(const char *text, const char **rest);
/** For HELLO, so that help knows them. New reference. */
json_t *sh_verbs_json(void);
/** Run what follows a "!". Its status. */
int sh_verb_escape(const char *command);

/* --- progress.c ----------------------------------------------------------- */

struct sh_progress {
	bool shown;
	uint64_t drawn_ns;
};
/** Draw when a second has passed and standard error is a terminal. */
void sh_progress_tick(struct sh_progress *p, const struct wr_shared *shared);
void sh_progress_erase(struct sh_progress *p);
/** The line without its controls, at most columns wide; for tests, too. */
void sh_progress_text(struct hs_text *ret, const struct wr_shared *shared,
		      uint64_t now_ns, const struct vw_style *style);

/* --- line.c: the only file that includes readline ------------------------- */

/** Read lines from the terminal and run them, until the end. */
void sh_interact(struct sh_shell *sh);

/* --- find.c, demo.c, style.c ---------------------------------------------- */

/** The one process that is called so. HS_ERR_NAME lists several or none. */
struct hs_err *sh_find_process(const char *name, int *ret) HS_MUST_USE;
/** The one process that has this number in its own, inner namespace. */
struct hs_err *sh_find_inner(const char *number, int *ret) HS_MUST_USE;
/** Interpreter and script of the demo, as an argv for HELLO. New reference. */
struct hs_err *sh_demo_argv(json_t **ret) HS_MUST_USE;
/** Three things to type; without a terminal, what they print. */
void sh_demo(struct sh_shell *sh);
/** How to print to fd, which output goes to. */
struct vw_style sh_style(const struct sh_shell *sh, int fd);
/** "3m", "12s": since ns of CLOCK_REALTIME. */
void sh_age(struct hs_text *t, uint64_t since_ns);
#endif
