// SPDX-License-Identifier: Apache-2.0
/**
 * A thread's window on an image.
 *
 * A sweep lends its chunk, so that most views cost a compare. What objects
 * point to beside it is anywhere: those views fetch aligned blocks, each by one
 * read, and find them again through a hash. A range that lies across blocks is
 * put together in one of four scratch buffers.
 *
 *	im_view --> lent chunk --> last block --> hash of blocks --> scratch
 *	            (free)         (free)         (one probe)        (one copy)
 *
 * Blocks and scratch buffers carry the number of the last view whose pointer
 * leads into them. One of the last VIEWS views is never given away: that is the
 * rule that im_view() promises.
 */
#include "image_priv.h"

#include <malloc.h>

enum {
	VIEWS = 4,			/* im_view: "until the next four" */
	VIEW_MAX = 64 << 20,		/* bytes of one view */
	/*
	 * Measured: a read of a word costs 1.4 us, of 16 KiB 4 us, of 64 KiB
	 * 13 us. So a block is fetched by a quarter first, and whole when it
	 * is touched elsewhere. Of a live process single pages: to touch a
	 * page there is to make it grow.
	 */
	BLOCK_SHIFT = 16,
	BLOCK_SHIFT_LIVE = 12,
	QUARTER = 4,			/* pages */
	/*
	 * Where blocks are given away after a few views of them, all over the
	 * image is looked at, and what lies beside was read in vain: then
	 * single pages are. (A list of 20 million objects in random order: a
	 * third of the time.)
	 */
	FEW_VIEWS = 12,
	SCATTERED = 64,			/* blocks in a row, more or less */
	CACHE_MAX = 128 << 20,		/* bytes of blocks of one reader */
	/*
	 * That many at first. A sweep in the order of addresses comes back to
	 * few blocks that it has left: had it as many as it could have, it
	 * would fill 128 MB with what nobody asks for again.
	 */
	CACHE_FIRST = 1 << 20,
	CACHE_SHARE = 16,		/* and that part of the budget */
	BLOCKS_MIN = 2 * VIEWS,		/* had even when the budget is gone */
	SCRATCH_KEEP = 1 << 20,		/* larger ones are given back */
	LITTLE = 1 << 16,		/* had even when the budget is gone */
	NONE = UINT32_MAX,
};

struct block {
	uint64_t number;	/* address >> shift */
	uint64_t used;		/* last view that points into it */
	uint8_t *bytes;
	uint32_t next;		/* of the same bucket, or NONE */
	uint16_t fetched;	/* a bit a page: looked at */
	uint16_t readable;	/* and there */
	uint16_t views;		/* since it was taken, at most FEW_VIEWS */
	bool again;		/* second chance of the clock */
};

struct scratch {
	uint64_t addr, len;	/* len 0: holds nothing */
	uint64_t used;
	uint8_t *bytes;
	size_t cap;
};

struct im_reader {
	struct im_image *im;
	struct hs_budget *budget;
	uint64_t lent_addr, lent_len;
	const uint8_t *lent;
	uint64_t last_addr, last_len;	/* readable bytes of the block last */
	const uint8_t *last_bytes;
	struct block *last;
	uint64_t view;			/* number of the current one */
	unsigned shift;
	bool bytewise;			/* pages may be readable in part */
	struct block *blocks;
	uint32_t n_blocks, max_blocks;
	uint32_t room;			/* blocks worth having, so far */
	uint64_t *gone;			/* number + 1 of those given away */
	uint32_t hand;			/* of the clock */
	unsigned scattered;		/* 0 .. 2 * SCATTERED: see FEW_VIEWS */
	uint32_t *buckets, mask;
	struct scratch scratch[VIEWS];
};

/** forced: also over the limit, for the little that nothing works without. */
static bool charge(struct hs_budget *b, uint64_t bytes, bool forced)
{
	uint64_t now, peak;

	if (!b)
		return true;
	now = atomic_fetch_add(&b->used, bytes) + bytes;
	if (b->limit && now > b->limit && !forced) {
		atomic_fetch_sub(&b->used, bytes);
		return false;
	}
	peak = atomic_load(&b->peak);
	while (peak < now &&
	       !atomic_compare_exchange_weak(&b->peak, &peak, now))
		;
	return true;
}

static void uncharge(struct hs_budget *b, uint64_t bytes)
{
	if (b)
		atomic_fetch_sub(&b->used, bytes);
}

struct hs_err *im_reader_create(struct im_image *im, struct hs_budget *budget,
				struct im_reader **ret)
{
	struct im_reader *r = hs_xalloc(sizeof(*r));
	uint32_t n = 64;

	r->im = im;
	r->budget = budget;
	r->shift = im->info.kind == IM_LIVE ? BLOCK_SHIFT_LIVE : BLOCK_SHIFT;
	// Segments of a file begin and end where the file says.
	r->bytewise = im->info.kind != IM_LIVE && im->info.kind != IM_CLONE;
	r->max_blocks = CACHE_MAX >> r->shift;
	while (n < 2 * r->max_blocks)
		n *= 2;
	r->mask = n - 1;
	r->room = CACHE_FIRST >> r->shift;
	r->gone = hs_xcalloc(n, sizeof(*r->gone));
	r->blocks = hs_xcalloc(r->max_blocks, sizeof(*r->blocks));
	r->buckets = hs_xcalloc(n, sizeof(*r->buckets));
	memset(r->buckets, 0xff, n * sizeof(*r->buckets));
	// Old enough to be taken by the first view.
	r->view = VIEWS;
	*ret = r;
	return NULL;
}

void im_reader_destroy(struct im_reader *r)
{
	uint32_t i;

	if (!r)
		return;
	for (i = 0; i < r->n_blocks; i++)
		free(r->blocks[i].bytes);
	uncharge(r->budget, (uint64_t)r->n_blocks << r->shift);
	for (i = 0; i < VIEWS; i++) {
		uncharge(r->budget, r->scratch[i].cap);
		free(r->scratch[i].bytes);
	}
	free(r->gone);
	free(r->blocks);
	free(r->buckets);
	free(r);
}

void im_reader_lend(struct im_reader *r, uint64_t addr, const void *bytes,
		    uint64_t len)
{
	r->lent_addr = addr;
	r->lent = bytes;
	r->lent_len = bytes ? len : 0;
}

/* --- blocks -------------------------------------------------------------- */

static uint32_t hash(const struct im_reader *r, uint64_t number)
{
	// Fibonacci hashing: Knuth, TAOCP 3, 6.4.
	return (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 40) &
	       r->mask;
}

static uint32_t *bucket(struct im_reader *r, uint64_t number)
{
	return &r->buckets[hash(r, number)];
}

static struct block *find_block(struct im_reader *r, uint64_t number)
{
	uint32_t i = *bucket(r, number);

	while (i != NONE && r->blocks[i].number != number)
		i = r->blocks[i].next;
	return i == NONE ? NULL : &r->blocks[i];
}

static void link_block(struct im_reader *r, struct block *b)
{
	uint32_t *at = bucket(r, b->number);

	b->next = *at;
	*at = (uint32_t)(b - r->blocks);
}

void im_reader_trim(struct im_reader *r)
{
	uint32_t n = r->n_blocks, i;

	memset(r->buckets, 0xff, ((size_t)r->mask + 1) * sizeof(*r->buckets));
	r->n_blocks = 0;
	for (i = 0; i < n; i++) {
		struct block *b = &r->blocks[i];

		if (r->view - b->used >= VIEWS) {
			free(b->bytes);
			continue;
		}
		r->blocks[r->n_blocks] = *b;
		link_block(r, &r->blocks[r->n_blocks++]);
	}
	uncharge(r->budget, (uint64_t)(n - r->n_blocks) << r->shift);
	r->hand = 0;
	r->last = NULL;
	r->last_len = 0;
	// Small blocks do not go back to the system by themselves.
	malloc_trim(0);
}

static void unlink_block(struct im_reader *r, struct block *b)
{
	uint32_t *at = bucket(r, b->number), i = (uint32_t)(b - r->blocks);

	while (*at != NONE && *at != i)
		at = &r->blocks[*at].next;
	if (*at == i)
		*at = b->next;
	if (r->last == b)
		r->last_len = 0;
}

/** Was it worth more than its first pages? */
static void note_views(struct im_reader *r, const struct block *b)
{
	if (b->views < FEW_VIEWS)
		r->scattered += r->scattered < 2 * SCATTERED;
	else
		r->scattered -= r->scattered > 4 ? 4 : r->scattered;
}

/**
 * A block that none of the last views points into, taken out of the hash. Each
 * of them points into one at most, and so does the last block: five of the
 * BLOCKS_MIN, so that there always is another.
 */
static struct block *evict(struct im_reader *r)
{
	for (;;) {
		struct block *b = &r->blocks[r->hand];

		r->hand = r->hand + 1 < r->n_blocks ? r->hand + 1 : 0;
		if (r->view - b->used < VIEWS)
			continue;
		if (b->again) {
			b->again = false;
			continue;
		}
		unlink_block(r, b);
		note_views(r, b);
		r->gone[hash(r, b->number)] = b->number + 1;
		return b;
	}
}

/** Was a block given away that is wanted now? Then one more is worth it. */
static void note_return(struct im_reader *r, uint64_t number)
{
	uint64_t *gone = &r->gone[hash(r, number)];

	if (*gone != number + 1)
		return;
	*gone = 0;
	r->room += r->room < r->max_blocks;
}

/** Blocks are there to be read again: they must not take what others need. */
static uint32_t most_blocks(const struct im_reader *r)
{
	uint64_t limit = r->budget ? r->budget->limit : 0, n;

	n = limit ? limit / CACHE_SHARE >> r->shift : r->room;
	n = n < BLOCKS_MIN ? BLOCKS_MIN : n;
	return n < r->room ? (uint32_t)n : r->room;
}

/** A new block while there may be more, else an old one. NULL: no memory. */
static struct block *take_block(struct im_reader *r)
{
	uint64_t size = UINT64_C(1) << r->shift;
	bool few = r->n_blocks < BLOCKS_MIN;
	struct block *b;
	void *bytes;

	if (r->n_blocks >= most_blocks(r) || !charge(r->budget, size, few))
		return evict(r);
	bytes = malloc(size);
	if (!bytes) {
		uncharge(r->budget, size);
		return few ? NULL : evict(r);
	}
	b = &r->blocks[r->n_blocks++];
	b->bytes = bytes;
	return b;
}

static uint32_t page_mask(unsigned first, unsigned last)
{
	return ((UINT32_C(2) << (last - first)) - 1) << first;
}

/** One read; where it stops, page by page, so that a hole hides nothing. */
static void fill(struct im_reader *r, struct block *b, unsigned first,
		 unsigned last)
{
	uint64_t base = b->number << r->shift;
	uint64_t at = (uint64_t)first * IM_PAGE;
	uint64_t end = (uint64_t)(last + 1) * IM_PAGE, stop;

	b->fetched |= (uint16_t)page_mask(first, last);
	while (at < end) {
		stop = at + im_read(r->im, base + at, b->bytes + at, end - at);
		for (; at + IM_PAGE <= stop; at += IM_PAGE)
			b->readable |= (uint16_t)(1u << at / IM_PAGE);
		at += IM_PAGE;
	}
}

/** Have looked at these pages: by a quarter first, then at all. */
static void fetch(struct im_reader *r, struct block *b, unsigned first,
		  unsigned last)
{
	unsigned pages = 1u << (r->shift - BLOCK_SHIFT_LIVE), i, from;
	uint32_t want = page_mask(first, last);

	if (!(want & ~(uint32_t)b->fetched))
		return;
	if (r->scattered > SCATTERED) {
		// these alone
	} else if (b->fetched) {
		first = 0;
		last = pages - 1;
	} else if (pages > QUARTER) {
		first &= ~(QUARTER - 1u);
		last |= QUARTER - 1u;
	}
	for (i = first; i <= last; i++) {
		if (b->fetched >> i & 1)
			continue;
		for (from = i; i < last && !(b->fetched >> (i + 1) & 1); i++)
			;
		fill(r, b, from, i);
	}
}

/** The readable pages around one: views there need no look. */
static void set_last(struct im_reader *r, struct block *b, unsigned page)
{
	unsigned pages = 1u << (r->shift - BLOCK_SHIFT_LIVE);
	unsigned first = page, end = page + 1;

	if (b->readable == (uint16_t)page_mask(0, pages - 1)) {
		first = 0;
		end = pages;
	}
	while (first > 0 && (b->readable >> (first - 1) & 1))
		first--;
	while (end < pages && (b->readable >> end & 1))
		end++;
	r->last = b;
	r->last_bytes = b->bytes + (size_t)first * IM_PAGE;
	r->last_addr = (b->number << r->shift) + (uint64_t)first * IM_PAGE;
	r->last_len = (uint64_t)(end - first) * IM_PAGE;
}

/**
 * The block that holds [addr, addr+len), until the next one is asked for; NULL
 * when not all of it can be read.
 */
static struct block *get_block(struct im_reader *r, uint64_t addr,
			       uint64_t len)
{
	uint64_t number = addr >> r->shift;
	uint64_t from = addr & ((UINT64_C(1) << r->shift) - 1);
	unsigned first = (unsigned)(from / IM_PAGE);
	unsigned last = (unsigned)((from + len - 1) / IM_PAGE);
	uint32_t mask = page_mask(first, last);
	struct block *b = find_block(r, number);

	if (!b) {
		note_return(r, number);
		b = take_block(r);
		if (!b)
			return NULL;
		b->number = number;
		b->fetched = 0;
		b->readable = 0;
		b->views = 0;
		link_block(r, b);
	}
	b->again = true;
	if (b->views < FEW_VIEWS)
		b->views++;
	fetch(r, b, first, last);
	return (b->readable & mask) == mask ? b : NULL;
}

static const void *view_block(struct im_reader *r, uint64_t addr, uint64_t len)
{
	uint64_t from = addr & ((UINT64_C(1) << r->shift) - 1);
	struct block *b = get_block(r, addr, len);

	if (!b)
		return NULL;
	b->used = r->view;
	set_last(r, b, (unsigned)(from / IM_PAGE));
	return b->bytes + from;
}

/* --- scratch ------------------------------------------------------------- */

/** One that holds the range already, or the one unused for longest. */
static struct scratch *pick_scratch(struct im_reader *r, uint64_t addr,
				    uint64_t len)
{
	struct scratch *oldest = &r->scratch[0];
	size_t i;

	for (i = 0; i < VIEWS; i++) {
		struct scratch *s = &r->scratch[i];

		if (s->len >= len && addr >= s->addr &&
		    addr - s->addr <= s->len - len)
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	oldest->len = 0;
	return oldest;
}

/** Free a block, so that the budget has room for a scratch buffer. */
static bool give_back(struct im_reader *r)
{
	struct block *b, *end;

	if (r->n_blocks <= BLOCKS_MIN)
		return false;
	b = evict(r);
	free(b->bytes);
	uncharge(r->budget, UINT64_C(1) << r->shift);
	end = &r->blocks[--r->n_blocks];
	if (b != end) {
		unlink_block(r, end);
		*b = *end;
		link_block(r, b);
	}
	if (r->hand == r->n_blocks)
		r->hand = 0;
	return true;
}

/**
 * A little is had even when the budget is gone, as some blocks are: what lies
 * across the edge of two blocks would be as if it were not there, and a plugin
 * find the program's layout wrong.
 */
static bool charge_scratch(struct im_reader *r, uint64_t bytes)
{
	while (!charge(r->budget, bytes, false)) {
		if (!give_back(r))
			return bytes <= LITTLE &&
			       charge(r->budget, bytes, true);
	}
	return true;
}

static bool size_scratch(struct im_reader *r, struct scratch *s, uint64_t len)
{
	size_t cap = (size_t)hs_align_up(len, IM_PAGE);

	if (s->cap >= len && (s->cap <= SCRATCH_KEEP || s->cap / 2 < len))
		return true;
	uncharge(r->budget, s->cap);
	free(s->bytes);
	s->cap = 0;
	s->bytes = charge_scratch(r, cap) ? malloc(cap) : NULL;
	if (s->bytes)
		s->cap = cap;
	return s->bytes;
}

/** From blocks: the neighbours are looked at next, most of the time. */
static bool copy_blocks(struct im_reader *r, uint64_t addr, uint8_t *to,
			uint64_t len)
{
	uint64_t size = UINT64_C(1) << r->shift;

	while (len) {
		uint64_t from = addr & (size - 1);
		uint64_t n = len < size - from ? len : size - from;
		const struct block *b = get_block(r, addr, n);

		if (!b)
			return false;
		memcpy(to, b->bytes + from, n);
		addr += n;
		to += n;
		len -= n;
	}
	return true;
}

static const void *view_scratch(struct im_reader *r, uint64_t addr,
				uint64_t len)
{
	struct scratch *s = pick_scratch(r, addr, len);
	bool whole;

	s->used = r->view;
	if (s->len)
		return s->bytes + (addr - s->addr);
	if (!size_scratch(r, s, len))
		return NULL;
	// What is larger than a block goes past the cache, or would empty it.
	whole = len <= UINT64_C(1) << r->shift &&
		copy_blocks(r, addr, s->bytes, len);
	if (!whole && (r->bytewise || len > UINT64_C(1) << r->shift))
		whole = im_read(r->im, addr, s->bytes, len) == len;
	if (!whole)
		return NULL;
	s->addr = addr;
	s->len = len;
	return s->bytes;
}

const void *im_view(struct im_reader *r, uint64_t addr, uint64_t len)
{
	const void *found;

	// A distance below a start wraps and is larger than any length.
	if (HS_LIKELY(len <= r->lent_len &&
		      addr - r->lent_addr <= r->lent_len - len))
		return r->lent + (addr - r->lent_addr);
	if (len <= r->last_len && addr - r->last_addr <= r->last_len - len) {
		r->last->used = r->view;
		return r->last_bytes + (addr - r->last_addr);
	}
	if (!len || len > VIEW_MAX || len > UINT64_MAX - addr)
		return NULL;
	r->view++;
	if (addr >> r->shift != (addr + len - 1) >> r->shift)
		return view_scratch(r, addr, len);
	found = view_block(r, addr, len);
	return found || !r->bytewise ? found : view_scratch(r, addr, len);
}

const void *im_view_at_hand(struct im_reader *r, uint64_t addr, uint64_t len)
{
	uint64_t from = addr & ((UINT64_C(1) << r->shift) - 1);
	struct block *b;
	uint32_t mask;

	if (len <= r->lent_len && addr - r->lent_addr <= r->lent_len - len)
		return r->lent + (addr - r->lent_addr);
	if (!len || len > (UINT64_C(1) << r->shift) - from)
		return NULL;
	b = find_block(r, addr >> r->shift);
	mask = page_mask((unsigned)(from / IM_PAGE),
			 (unsigned)((from + len - 1) / IM_PAGE));
	if (!b || (b->readable & mask) != mask)
		return NULL;
	b->again = true;
	if (b->views < FEW_VIEWS)
		b->views++;
	return b->bytes + from;
}
