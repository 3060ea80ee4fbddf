/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What one look through memory, in the order of addresses and by several
 * threads, finds of the collector's lists: all that could be an object, how
 * large it is, and what is named as another's next. Mostly that is enough
 * (peel.c). Where it is not, what each says is next is kept too: a list that is
 * followed there touches no memory of the process, where each step of an old
 * heap's list would fetch a page (walk.c).
 *
 *	lua_links_gather()	bits, rank, note; once and again, or link
 *	lua_peel()		which of them are objects: once
 *	lua_links_settle()	what only a walk needs is given back
 */
#ifndef LUALINKS_H
#define LUALINKS_H

#include "luaheap.h"

enum {
	LUA_KIND_SHIFT = 48,	/* of a link, above the address */
	LUA_FIXED_BIT = 1 << 5,	/* 5.1: of a mark; lgc.h, FIXEDBIT */
};
#define LUA_LINK_NEXT ((UINT64_C(1) << LUA_KIND_SHIFT) - 1)

/**
 * A note says of an object what a sweep tells the host: kind, number of its
 * class and flat size, which is LUA_NOTE_ASK where it must be looked at.
 */
enum {
	LUA_NOTE_CLASS = 20,	/* bits below: flat */
	LUA_NOTE_KIND = 28,
	LUA_NOTE_CLASSES = 255,	/* numbers of classes from 1 */
	LUA_NOTE_ASK = (1 << LUA_NOTE_CLASS) - 1,
};

/** What could be objects of one MiB of addresses. */
struct lua_window {
	uint64_t bits[LUA_WINDOW_WORDS];
	uint32_t rank[LUA_WINDOW_WORDS];	/* before the word */
	/* is named as next; by two: made when there is one */
	_Atomic uint64_t once[LUA_WINDOW_WORDS];
	_Atomic(_Atomic uint64_t *) again;
	uint32_t *note;		/* by rank */
	uint64_t *link;		/* next | kind << LUA_KIND_SHIFT, or NULL */
};
/** Memory of mmap(). */
struct lua_mapped {
	void *start;
	size_t size;
	bool kept;		/* when settled */
};
struct lua_addresses {
	uint64_t *v, n, cap;
};
struct lua_links {
	uint64_t *keys;		/* number of the window + 1; 0: free */
	struct lua_window **windows;
	uint64_t n, cap;
	struct lua_addresses threads;	/* what could be threads */
	struct lua_addresses more;	/* named a third time, or more */
	struct lua_addresses ends;	/* like objects, but name none */
	struct lua_addresses fixed;	/* 5.1: strings that are not freed */
	struct lua_addresses upvalues;	/* 5.3: a closure, one of its, … */
	bool overfull;			/* … and of these more than can be */
	struct lua_mapped *mapped;
	uint64_t n_mapped, cap_mapped;
	struct lua_window *pool;	/* all windows */
	uint64_t n_pool, n_used;
	uint64_t last;		/* key that was asked for last */
	struct lua_window *last_window;
};

/**
 * Look all memory that st may have through; states that were not known are
 * added to st, metatables noted. with_links: for lua_link_at(); else for
 * lua_peel(). False: it is not worth it, or no memory.
 */
bool lua_links_gather(struct lua *st, bool with_links, struct lua_links *ret);
/** Give back what only the walk needs. */
void lua_links_settle(struct lua_links *x);
void lua_links_deinit(struct lua_links *x);
/**
 * Zeroed memory that lives as long as x, or until it is settled. NULL: there is
 * none.
 */
void *lua_links_map(struct lua_links *x, size_t size, bool kept);
bool lua_addresses_add(struct lua_addresses *a, uint64_t addr);
/** Room for n windows, all there will be. */
bool lua_links_init(struct lua_links *x, uint64_t n);
/** The window that holds addr, which is made; NULL: out of memory. */
struct lua_window *lua_links_add(struct lua_links *x, uint64_t addr);
/** The window that holds addr, or NULL. Of many threads. */
struct lua_window *lua_links_window(const struct lua_links *x, uint64_t addr);
/** Mark addr as named. lock: of x, of several threads. False: out of memory. */
bool lua_links_name(struct lua_links *x, uint64_t addr, pthread_mutex_t *lock);
/** Could there be an object at addr? Then its next, and kind. */
bool lua_link_at(struct lua_links *x, uint64_t addr, uint64_t *next,
		 enum lua_kind *kind);
static inline bool lua_link_has(const struct lua_window *v, uint64_t addr)
{
	return !(addr & 7) && v->bits[addr >> 9 & (LUA_WINDOW_WORDS - 1)] >>
				      (addr >> 3 & 63) & 1;
}
/** Rank of an address whose bit is set. */
static inline uint32_t lua_link_rank(const struct lua_window *v, uint64_t addr)
{
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	uint64_t below = (UINT64_C(1) << (addr >> 3 & 63)) - 1;

	return v->rank[w] + lua_bits_count(v->bits[w] & below);
}

/** Is addr named, as far as is known? */
static inline bool lua_link_named(const struct lua_window *v, uint64_t addr)
{
	return !(addr & 7) && v->once[addr >> 9 & (LUA_WINDOW_WORDS - 1)] >>
				      (addr >> 3 & 63) & 1;
}

/** Threads that are worth it: as many as cores, at most 8. */
int lua_crew_size(void);
/** Run fn n times, each in a thread, over the n arguments of size bytes. */
void lua_crew(int n, void *(*fn)(void *arg), void *args, size_t size);

/**
 * Find the objects among what could be some, and tell st. False: st is as it
 * was, and the lists must be followed.
 */
bool lua_peel(struct lua *st, struct lua_links *x);

/* --- unlisted.c: what is in no list ------------------------------------- */

/** 5.3: up-values are no objects of the collector's. */
bool lua_counts_upvalues(const struct lua_mem *m);
/**
 * Note up-values of a closure; those that a thread's stack is open for; of all
 * closures that were gathered and have been found to be objects. The bytes of
 * those that are new.
 */
uint64_t lua_closure_upvalues(struct lua *st, uint64_t closure);
uint64_t lua_open_upvalues(struct lua *st, uint64_t thread);
uint64_t lua_gathered_upvalues(struct lua *st, const struct lua_links *x);
/**
 * 5.1: mark what begins a chain of strings, and what threads name beside the
 * lists. False: out of memory.
 */
bool lua_name_unlisted(struct lua *st, struct lua_links *x);

#endif
