/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A library is loaded by the running program itself, where and when its own
 * code could have done so. How it comes to call a function is its runtime's
 * business: words of its memory that are changed while it stands still. What
 * it calls then is this: dlopen(), and a mark that it is through. Where the
 * probe is loaded already, it calls the probe, which makes one call more.
 */
#ifndef TG_PLANT_H
#define TG_PLANT_H

#include "probe_wire.h"
#include "target.h"

/**
 * Who has planted it and what leads there, for one who finds it when that one
 * has been killed (leftpages.c). Written with the pages, before any word is.
 */
#define TG_PLANT_MAGIC "heapsh planting"
struct tg_plant_note {
	char magic[16];
	uint64_t addr;		/* of the pages */
	uint64_t owner_start;	/* its start time, as TG_STAT_START */
	uint64_t owner_space;	/* inode of its pid namespace */
	int32_t owner;		/* its pid there */
	int32_t pid;		/* the process, not a child that it forked */
	uint32_t n_words, reserved;
	struct wr_tracer_word words[WR_TRACER_WORDS];
};

/**
 * Data of the planted code, at the second page; both are gone afterwards: where
 * dlopen() has loaded something, the code's last step is munmap(). The layout
 * is known to x86_64_plant.c, and the first two words to plant.c.
 */
struct tg_plant_data {
	uint64_t state;		/* wr_tracer_planted_state */
	/** Not 0. Others may map memory there later. */
	uint64_t number;
	uint64_t munmap;	/* function of the program, or 0 */
	uint64_t result;	/* of dlopen() */
	uint64_t reason;	/* of dlerror(), when that was NULL: a text */
	uint64_t dlopen, dlerror;	/* functions of the program */
	uint64_t leave;		/* void *f(void), or 0: called before */
	uint64_t back;		/* void f(void *), or 0: and behind */
	char path[2560];	/* NUL-terminated */
	struct tg_plant_note note;
};

struct tg_planting {
	uint64_t addr;		/* of the pages, or of the probe's box */
	/** Not NULL: what the box is to hold, n_box bytes; borrowed. */
	const struct wr_probe_box *box;
	uint32_t n_box;
	uint64_t box_state, box_number;	/* that are in it before */
	struct tg_plant_data data;
	struct wr_tracer_word words[WR_TRACER_WORDS];
	uint32_t n_words;
	int pid;		/* that it was planted into */
	uint64_t pause_ns;	/* of all stops so far */
};

/**
 * An address where two pages may be mapped in process pid; 0: none. What lies
 * there is known for ours by the address alone: so it is from the moment that
 * it is mapped, by whomever and whatever may come then.
 */
uint64_t tg_plant_place(int pid);
/** Is it an address that tg_plant_place() may answer? By chance one page of
 * 16 million has one. */
bool tg_plant_is_place(uint64_t addr);
/** Address of the code, and of its argument. */
static inline uint64_t tg_plant_argument(const struct tg_planting *p)
{
	return p->addr + WR_TRACER_PLANT_CODE;
}
/** Both pages as they are to be: WR_TRACER_PLANT_BYTES at to. */
void tg_plant_content(const struct tg_planting *p, uint8_t *to);

/**
 * Plant. HS_ERR_REFUSED with errnum EAGAIN: the program has moved on since it
 * was looked at, or none of its threads can be used just now; nothing has
 * changed in it.
 */
struct hs_err *tg_plant(struct tg_client *c, const struct tg_plan *plan,
			struct tg_planting *p) HS_MUST_USE;
/** The data as the program has it now. HS_ERR_GONE: not there any more. */
struct hs_err *tg_plant_look(struct tg_client *c, const struct tg_planting *p,
			     int pid, struct tg_plant_data *ret) HS_MUST_USE;
/**
 * Take the pages out again; what has not been called by then is never called.
 * *ret: whether it was, wr_tracer_planted_state. Errors as tg_plant(): then it
 * is all still there.
 */
struct hs_err *tg_uproot(struct tg_client *c, const struct tg_plan *plan,
			 struct tg_planting *p, uint32_t *ret) HS_MUST_USE;

/** What became of pages that a heapsh has left which was killed. */
enum tg_left_state {
	TG_LEFT_IDLE,	/* nothing leads there */
	TG_LEFT_WAITS,	/* is called at the next safe point, once */
	TG_LEFT_BUSY,	/* goes by itself: it runs, or others wait behind it */
	TG_LEFT_UNSURE,	/* by one of another pid namespace, which may live */
};
struct tg_left_pages {
	int pid;
	uint64_t addr;
	enum tg_left_state state;
};
/** Those of process pid (0: of all). *ret is freed with free(). */
size_t tg_left_pages(int pid, struct tg_left_pages **ret);
/**
 * Take those that are idle or wait out of the process, as tg_uproot(): what
 * waits is never called. *ret: how many are gone.
 */
struct hs_err *tg_clean_pages(struct tg_client *c, int pid,
			      size_t *ret) HS_MUST_USE;

/** Memory of the running program (tg_memory); how many bytes were read. */
uint64_t tg_live_read(struct tg_client *c, int pid, uint64_t addr, void *buf,
		      uint64_t len);
/** Says in the box that we live: now, and for WR_PROBE_LEASE_MS. */
void tg_live_renew(int pid, uint64_t box);
/** CLOCK_REALTIME at which that ends, in ns. */
uint64_t tg_live_lease(void);
#endif
