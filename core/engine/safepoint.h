/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the running program is to do itself, at a safe point of its runtime:
 * load the probe (load.c), or make a call (live.c). Its plugin says which
 * numbers make it call a function; all of it is tried on copies, and done in
 * the process itself only where nothing speaks against it.
 */
#ifndef EN_SAFEPOINT_H
#define EN_SAFEPOINT_H

#include "engine.h"
#include "tg_eval.h"
#include "tg_plant.h"

/** One such thing on its way. {0} before en_safepoint_begin(). */
struct en_safepoint {
	const char *what; /* "probe load", for messages */
	struct en_engine *en;
	struct en_instant *in;
	struct tg_eval *eval;
	struct tg_plan *plan;
	struct tg_planting p;
	uint64_t deadline_ns;
};

/** Of the instant in, which is to be of the process as it is now. */
struct hs_err *en_safepoint_begin(struct en_engine *en, struct lg_instant *in,
				  const char *what,
				  struct en_safepoint *ret) HS_MUST_USE;
void en_safepoint_end(struct en_safepoint *s);

/** "probe load: WHY; nothing was changed". remedy: or NULL. */
struct hs_err *en_safepoint_no(const struct en_safepoint *s, const char *why,
			       const char *remedy);
/** Is it there, running, and free to do as it likes? */
struct hs_err *en_safepoint_check(const struct en_safepoint *s) HS_MUST_USE;
/** Address of a symbol in the instant; 0: there is none. */
uint64_t en_safepoint_symbol(const struct en_safepoint *s, const char *module,
			     const char *name);
/** Has a file of /proc a line with this word? */
bool en_proc_has(int pid, const char *file, const char *word);

/** The words by which it comes to call function(arg), and around it. */
struct hs_err *en_safepoint_words(struct en_safepoint *s, uint64_t function,
				  uint64_t arg) HS_MUST_USE;
/** A function in the copy; that it does not return is an error. */
struct hs_err *en_safepoint_call(struct en_safepoint *s, uint64_t function,
				 const uint64_t *args, size_t n,
				 uint64_t *ret) HS_MUST_USE;
/** From now on it may be planted, so long. */
struct hs_err *en_safepoint_ready(struct en_safepoint *s,
				  uint64_t wait_ns) HS_MUST_USE;
/** Nothing has happened: it may be tried again. */
bool en_safepoint_not_now(const struct hs_err *err);
struct hs_err *en_safepoint_plant(struct en_safepoint *s) HS_MUST_USE;
/** *ret: what became of it. What cannot be taken out stays, and is told. */
struct hs_err *en_safepoint_uproot(struct en_safepoint *s,
				   uint32_t *ret) HS_MUST_USE;
#endif
