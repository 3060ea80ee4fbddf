/* SPDX-License-Identifier: Apache-2.0 */
/**
 * graph: words that lie elsewhere than their object (the items of a list).
 * What is at hand, or follows those before, is looked at at once. The rest is
 * noted, and looked at in the order of addresses when all has been swept: else
 * each would cost a read, or all memory that was read would be kept.
 */
#ifndef GR_WORDS_PRIV_H
#define GR_WORDS_PRIV_H

#include "notes_priv.h"

typedef void gr_word_fn(void *arg, uint64_t word);

/** Of one thread. */
struct gr_words {
	struct hs_task *task;		/* borrowed, as reader is */
	struct im_reader *reader;
	gr_word_fn *fn;			/* is given each word */
	void *arg;
	struct gr_notes *later;		/* address -> how many; NULL: none */
	uint64_t last;			/* address */
	unsigned in_a_row;		/* that lay near the one before */
};

void gr_words_init(struct gr_words *w, struct hs_task *task,
		   struct im_reader *reader, gr_word_fn *fn, void *arg);
void gr_words_deinit(struct gr_words *w);
/** Look at n words from addr on, now or later. */
struct hs_err *gr_words_take(struct gr_words *w, uint64_t addr, uint64_t n)
	HS_MUST_USE;
/** Look at what is left to be looked at, each word once. */
struct hs_err *gr_words_rest(struct gr_words *w) HS_MUST_USE;
#endif
