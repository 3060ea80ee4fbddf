// SPDX-License-Identifier: Apache-2.0
#include "words_priv.h"

enum {
	NOW = 4096,		/* bytes; more are worth a look of their own */
	NEAR = 64 << 10,	/* bytes: what a reader reads at a time */
	/*
	 * As many in a row near each other follow each other. One or two may
	 * do so by chance: a block read for each is kept in vain. (2 million
	 * objects, shuffled: 11 bytes an object.)
	 */
	IN_A_ROW = 4,
	OFTEN = 1024,		/* notes, until Ctrl-C is looked at */
};
#define MANY (UINT64_C(1) << 60)

void gr_words_init(struct gr_words *w, struct hs_task *task,
		   struct im_reader *reader, gr_word_fn *fn, void *arg)
{
	*w = (struct gr_words){
		.task = task, .reader = reader, .fn = fn, .arg = arg
	};
}

void gr_words_deinit(struct gr_words *w)
{
	gr_notes_destroy(w->later);
	w->later = NULL;
}

static void look(const struct gr_words *w, const uint8_t *p, uint64_t n)
{
	uint64_t word;

	for (; n; n--, p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if (word)
			w->fn(w->arg, word);
	}
}

/* Are these at addr the next of many that follow each other? */
static bool in_a_row(struct gr_words *w, uint64_t addr)
{
	bool is_near = addr - w->last + NEAR < 2 * NEAR;

	w->in_a_row = is_near ? w->in_a_row + (w->in_a_row < IN_A_ROW) : 0;
	w->last = addr;
	return w->in_a_row == IN_A_ROW;
}

struct hs_err *gr_words_take(struct gr_words *w, uint64_t addr, uint64_t n)
{
	uint64_t bytes = n * sizeof(uint64_t);
	const uint8_t *p = NULL;
	bool now;

	if (!n || n >= MANY || addr & 7 || bytes > UINT64_MAX - addr)
		return NULL;
	now = in_a_row(w, addr) && bytes <= NOW;
	if (bytes <= NOW)
		p = md_view_at_hand(w->reader, addr, bytes);
	if (!p && now)
		p = md_view(w->reader, addr, bytes);
	if (p)
		look(w, p, n);
	if (p || now)
		return NULL;
	if (!w->later)
		w->later = gr_notes_create(w->task);
	return gr_notes_put(w->later, addr, n << 3);
}

/*
 * Words from *from on, a block of a reader at a time. They end where they
 * cannot be read, as those of an object that is torn do: there *from stays.
 */
static struct hs_err *look_from(struct gr_words *w, uint64_t *from,
				uint64_t end)
{
	struct hs_err *err = NULL;
	uint64_t at, n;
	const uint8_t *p;

	for (at = *from; at < end && !err; at += n) {
		n = NEAR - (at & (NEAR - 1));
		n = n < end - at ? n : end - at;
		p = md_view(w->reader, at, n);
		if (!p)
			break;
		look(w, p, n / sizeof(uint64_t));
		if (n == NEAR)
			err = hs_check_cancel(w->task);
	}
	*from = at;
	return err;
}

/*
 * Many may claim the same words, of which there may be many: by address none
 * is looked at twice.
 */
static struct hs_err *look_at_all(struct gr_words *w, struct gr_drain *d)
{
	uint64_t done = 0, n = 0;
	struct hs_err *err = NULL;
	struct gr_note note;

	while (!err && gr_drain_next(d, &note)) {
		if (note.key > done)
			done = note.key;
		err = look_from(w, &done, note.key + note.value);
		if (!err && !(++n % OFTEN))
			err = hs_check_cancel(w->task);
	}
	return err;
}

struct hs_err *gr_words_rest(struct gr_words *w)
{
	struct hs_err *err;
	struct gr_drain d;

	if (!w->later)
		return NULL;
	err = gr_notes_seal(w->later);
	if (!err)
		err = gr_drain_init(&d, w->task, &w->later, 1);
	if (err)
		return err;
	err = look_at_all(w, &d);
	gr_drain_deinit(&d);
	return err;
}
