// SPDX-License-Identifier: Apache-2.0
// Marks of one window, in a thread's own hands.
#include "window_priv.h"

enum { PAGE_WORDS = 8, PAGE_BITS = PAGE_WORDS * 64 };

/* Page of the window that addr is in; its marks are at hand. */
static unsigned page_of(struct gr_window *x, uint64_t addr)
{
	unsigned page = addr >> GR_SPACE_SMALL & (GR_WINDOW_PAGES - 1);
	uint32_t block;

	if (hs_bit_test_set(x->loaded, page))
		return page;
	block = gr_space_find(x->space, addr);
	if (block == GR_NONE)
		memset(x->marks[page], 0, sizeof(x->marks[page]));
	else
		memcpy(x->marks[page], gr_space_words(x->space, block),
		       sizeof(x->marks[page]));
	memset(x->wanted[page], 0, sizeof(x->wanted[page]));
	return page;
}

void gr_window_open(struct gr_window *x, const struct gr_space *space,
		    uint64_t addr)
{
	x->space = space;
	x->start = addr & ~(uint64_t)(GR_WINDOW - 1);
	memset(x->loaded, 0, sizeof(x->loaded));
	memset(x->pending, 0, sizeof(x->pending));
}

void gr_window_want(struct gr_window *x, uint64_t addr)
{
	unsigned page = page_of(x, addr);

	hs_bit_set(x->wanted[page], addr >> 3 & (PAGE_BITS - 1));
	hs_bit_set(x->pending, page);
}

void gr_window_meet(struct gr_window *x, uint64_t addr)
{
	unsigned page = page_of(x, addr);

	if (!hs_bit_test_set(x->marks[page], addr >> 3 & (PAGE_BITS - 1)))
		gr_window_want(x, addr);
}

uint32_t gr_window_take(struct gr_window *x, uint64_t *ret, uint32_t cap)
{
	uint64_t page, at, word;
	uint32_t n = 0, i;

	while (cap - n >= PAGE_BITS) {
		page = hs_bits_next(x->pending, GR_WINDOW_PAGES, 0);
		if (page == GR_WINDOW_PAGES)
			break;
		at = x->start + (page << GR_SPACE_SMALL);
		for (i = 0; i < PAGE_WORDS; i++, at += 64 * 8) {
			word = x->wanted[page][i];
			x->wanted[page][i] = 0;
			for (; word; word &= word - 1)
				ret[n++] = at + 8 * (uint64_t)
						    __builtin_ctzll(word);
		}
		hs_bit_clear(x->pending, page);
	}
	return n;
}

struct hs_err *gr_window_close(struct gr_window *x, struct hs_task *task,
			       struct gr_vec *changed)
{
	struct hs_err *err = NULL;
	struct gr_marks m;
	unsigned page;

	for (page = 0; page < GR_WINDOW_PAGES && !err; page++) {
		if (!hs_bit(x->loaded, page))
			continue;
		m.addr = x->start + ((uint64_t)page << GR_SPACE_SMALL);
		memcpy(m.words, x->marks[page], sizeof(m.words));
		err = gr_vec_push(task, changed, &m);
	}
	x->start = GR_NO_WINDOW;
	return err;
}

struct hs_err *gr_window_keep(struct gr_space *space, struct gr_vec *changed)
{
	const struct gr_marks *m = changed->v;
	struct hs_err *err;
	uint64_t *words, i;
	uint32_t block;
	unsigned k;

	for (i = 0; i < changed->n; i++) {
		err = gr_space_block(space, m[i].addr, &block);
		if (err)
			return err;
		words = gr_space_words(space, block);
		for (k = 0; k < PAGE_WORDS; k++)
			words[k] |= m[i].words[k];
	}
	changed->n = 0;
	return NULL;
}
