/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of the tracer: one request to plant, or to uproot. plant.c takes it
 * and stops the program; the others change it meanwhile.
 */
#ifndef TG_PLANTING_H
#define TG_PLANTING_H

#include "probe_wire.h"
#include "tg_priv.h"

struct tg_sowing {
	struct tg_tracer *t;
	struct wr_tracer_plant q;
	struct tg_stop stop;
	struct tg_stacks stacks;
	struct tg_gadgets gadgets;
	struct wr_tracer_word words[WR_TRACER_WORDS];
	uint8_t content[WR_PROBE_BOX_BYTES]; /* or WR_TRACER_PLANT_BYTES */
	int mem_fd;
	uint32_t state; /* wr_tracer_planted_state; of a box, its own */
	bool gone; /* it has taken the pages away */
};
_Static_assert((int)WR_PROBE_BOX_BYTES >= (int)WR_TRACER_PLANT_BYTES,
	       "content has room for both");

/** "WHAT process PID", with errno. */
struct hs_err *tg_sow_cannot(const struct tg_sowing *p,
			     const char *what) HS_MUST_USE;
/** Nothing has changed, and a moment later it may go: EAGAIN. */
struct hs_err *tg_sow_not_now(const struct tg_sowing *p,
			      const char *why) HS_MUST_USE;

/* --- plant_words.c: numbers of the program's own --- */

/** planted: those that are ours must still be as we have left them. */
struct hs_err *tg_words_check(const struct tg_sowing *p,
			      bool planted) HS_MUST_USE;
/** All or none; none on error. */
struct hs_err *tg_words_write(const struct tg_sowing *p) HS_MUST_USE;
void tg_words_undo(const struct tg_sowing *p);

/* --- plant_pages.c: two pages of ours; check, then step, twice --- */

struct hs_err *tg_pages_check(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_pages_plant(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_pages_look(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_pages_uproot(struct tg_sowing *p) HS_MUST_USE;

/* --- plant_box.c: the same in a box of the probe's --- */

struct hs_err *tg_box_check(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_box_plant(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_box_look(struct tg_sowing *p) HS_MUST_USE;
struct hs_err *tg_box_uproot(struct tg_sowing *p) HS_MUST_USE;
#endif
