/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verb: one verb, one file, one const record (struct lg_verb); verbs that
 * differ in a word share a file. A verb returns a value and never prints.
 *
 * To add a verb: write core/verb/NAME.c with `const struct lg_verb vb_NAME`,
 * add one line to verbs.def, the file to local.mk, and a test to
 * tests/unit/verb_run.c. Help, completion and usage errors come from the
 * record. "track diff" is vb_track_diff.
 */
#ifndef VB_VERB_H
#define VB_VERB_H

#include "lang.h"

struct tg_eval;

/** The table that the engine gives to the session. */
extern const struct lg_verb *const vb_verbs[];
extern const size_t vb_n_verbs;
extern const struct lg_setting vb_settings[];
extern const size_t vb_n_settings;

struct im_image;
struct wr_probe_state;
/** Has the program loaded heapsh-probe.so, and what does that say? probe.c */
bool vb_probe_state(struct im_image *im, struct wr_probe_state *ret);

struct wr_probe_box;
struct tg_eval_result;
/** The probe in the running program. */
struct vb_live {
	struct lg_instant *in;
	uint64_t box, serve;	/* addresses: struct wr_probe_state */
	int pid;
};

/** What the engine does for verbs; lg_session.services points to it. */
struct vb_services {
	void *engine;
	/** Attach to pid, take the first instant; answers "attached". */
	struct hs_err *(*attach)(void *engine, int pid,
				 struct lg_value **ret);
	struct hs_err *(*open)(void *engine, const char *path,
			       struct lg_value **ret);
	/** A new instant of the attached process becomes current. */
	struct hs_err *(*snap)(void *engine, const char *name,
			       struct lg_value **ret);
	/** Make an earlier one current: by name or number. */
	struct hs_err *(*use)(void *engine, const char *which,
			      struct lg_value **ret);
	/** Give the current instant's clone back (NULL), or a named one's. */
	struct hs_err *(*release)(void *engine, const char *which,
				  struct lg_value **ret);
	struct hs_err *(*detach)(void *engine, struct lg_value **ret);
	/** All instants, oldest first; borrowed until the next call. */
	size_t (*instants)(void *engine, struct lg_instant *const **ret);
	/** Instant by name or number, borrowed; HS_ERR_NAME. */
	struct hs_err *(*instant)(void *engine, const char *which,
				  struct lg_instant **ret);
	size_t (*plugins)(void *engine, const struct md_plugin_info **ret);
	struct hs_err *(*plugin_load)(void *engine, const char *path);
	/** Use it no more, or again; HS_ERR_NAME. */
	struct hs_err *(*plugin_switch)(void *engine, const char *name,
					bool on);
	/** A setting has changed: hold, cow, memory, … are acted upon. */
	struct hs_err *(*changed)(void *engine, const char *name,
				  const char *value);
	/** Verbs of the shell, for help: names and summaries, JSON array of
	 *  {name, usage, summary, help}. Borrowed. */
	const json_t *(*shell_verbs)(void *engine);
	/**
	 * Evaluator of an instant, borrowed until it is released.
	 * HS_ERR_UNSUPPORTED where no code can be run.
	 */
	struct hs_err *(*eval)(void *engine, struct lg_instant *in,
			       struct tg_eval **ret);
	/**
	 * Have the running program load heapsh-probe.so, at a safe point of
	 * its runtime, waiting at most so long; answers a sentence.
	 */
	struct hs_err *(*probe_load)(void *engine, uint64_t wait_ns,
				     struct lg_value **ret);
	/**
	 * Calls in the running program itself, for messages of `what`: a new
	 * instant for it, and the probe there; or why it cannot be used.
	 * live_end() when through.
	 */
	struct hs_err *(*live_begin)(void *engine, const char *what,
				     struct vb_live *ret);
	void (*live_end)(void *engine, struct vb_live *live);
	/**
	 * The call in a copy of that, by the same function: *io is as it has
	 * left it. No guard is looked at there; ret: as of tg_eval_call().
	 */
	struct hs_err *(*live_try)(void *engine, const char *what,
				   const struct vb_live *live, uint32_t cpu_ms,
				   struct wr_probe_box *io,
				   struct tg_eval_result *ret);
	/**
	 * The call itself, at a safe point that is waited for at most so long,
	 * and its result as long again: served once, or the error says what
	 * became of it. All of *io but its head is the caller's; it comes back
	 * as the probe has left it: foreign bytes. live->in may be another.
	 */
	struct hs_err *(*live_call)(void *engine, const char *what,
				    struct vb_live *live, uint64_t wait_ns,
				    struct wr_probe_box *io);
	/** Rows of "doctor": [[what, value, to type], …]; pid 0: of here. */
	struct hs_err *(*doctor)(void *engine, int pid, json_t **ret);
	/** Rows of "info setup": [[what, value], …]. New reference. */
	json_t *(*setup)(void *engine);
};
#endif
