/* SPDX-License-Identifier: Apache-2.0 */
/* One look through all memory that can be written: what could be an object? */
#include "lualinks.h"
#include "luasearch.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	PART = 256 << 10,	/* bytes of it that are read at once */
	OVERLAP = 4096,		/* beyond them: a closure's 255 up-values */
	ROOM = 1 << 20,		/* objects that memory is mapped for */
	KNOWN = 256,		/* metatables that a thread has told of */
	LATE = 16,		/* names: cache misses at one time */
	UPVALUES_SHARE = 16,	/* of memory, in words: half of it */
};

/* What the threads share. */
struct job {
	struct lua *st;
	struct lua_links *links;
	struct lua_search in;
	bool with_links;
	bool counted;			/* up-values are, and no objects */
	uint64_t most_upvalues;		/* words for them, a thread */
	pthread_mutex_t lock;		/* of st and links */
	_Atomic uint64_t next;		/* piece */
	_Atomic bool failed;
};

/* One of them. */
struct gatherer {
	struct job *job;
	uint8_t *buf;			/* PART + OVERLAP */
	uint64_t *link;			/* of the window, n */
	uint32_t *note;
	uint32_t n;
	uint64_t link_room, note_room;
	struct lua_window *window;
	struct { uint64_t metatable; uint32_t class; } known[KNOWN];
	/* names to come: their windows are on the way from memory */
	struct { struct lua_window *window; uint64_t addr; } late[LATE];
	uint32_t n_late;
	uint64_t last_key;		/* of the window named last */
	struct lua_window *last;
	uint64_t mine[LUA_WINDOW_WORDS];	/* names within window */
	uint64_t mine_key;
	struct lua_addresses upvalues;	/* as links have them */
	bool overfull;
	char apart[128];		/* the next one's cache lines */
};

/* --- names --------------------------------------------------------------- */

/* A second name, or one more. False: out of memory. */
static bool name_again(struct lua_links *x, struct lua_window *v,
		       uint64_t addr)
{
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	uint64_t bit = UINT64_C(1) << (addr >> 3 & 63);

	if (v->again == NULL)
		v->again = calloc(LUA_WINDOW_WORDS, sizeof(*v->again));
	if (v->again == NULL)
		return false;
	if (v->again[w] & bit)
		return lua_addresses_add(&x->more, addr);
	v->again[w] |= bit;
	return true;
}

static bool name_once(struct lua_window *v, uint64_t addr)
{
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	uint64_t bit = UINT64_C(1) << (addr >> 3 & 63);

	return !(atomic_fetch_or_explicit(&v->once[w], bit,
					  memory_order_relaxed) & bit);
}

bool lua_links_name(struct lua_links *x, uint64_t addr, pthread_mutex_t *lock)
{
	struct lua_window *v = addr & 7 ? NULL : lua_links_window(x, addr);
	bool ok;

	if (v == NULL || name_once(v, addr))
		return true;
	if (lock != NULL)
		pthread_mutex_lock(lock);
	ok = name_again(x, v, addr);
	if (lock != NULL)
		pthread_mutex_unlock(lock);
	return ok;
}

static void name_twice(struct job *j, struct lua_window *v, uint64_t addr)
{
	pthread_mutex_lock(&j->lock);
	if (!name_again(j->links, v, addr))
		j->failed = true;
	pthread_mutex_unlock(&j->lock);
}

static void name_now(struct gatherer *g, struct lua_window *v, uint64_t addr)
{
	if (!name_once(v, addr))
		name_twice(g->job, v, addr);
}

/* What was made one after another often lies so: no other thread is asked. */
static void name_mine(struct gatherer *g, uint64_t addr)
{
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	uint64_t bit = UINT64_C(1) << (addr >> 3 & 63);

	if (g->mine[w] & bit)
		name_twice(g->job, g->window, addr);
	g->mine[w] |= bit;
}

/* … until the window ends. base: its address. */
static void tell_mine(struct gatherer *g, uint64_t base)
{
	uint64_t w, had;

	for (w = 0; w < LUA_WINDOW_WORDS; w++) {
		if (g->mine[w] == 0)
			continue;
		had = atomic_fetch_or_explicit(&g->window->once[w], g->mine[w],
					       memory_order_relaxed);
		for (had &= g->mine[w]; had != 0; had &= had - 1)
			name_twice(g->job, g->window, base + (w << 9) +
				   ((uint64_t)__builtin_ctzll(had) << 3));
		g->mine[w] = 0;
	}
}

/* All windows there will be are there. */
static void name(struct gatherer *g, uint64_t addr)
{
	uint64_t key = addr >> LUA_WINDOW_SHIFT;
	uint32_t i;

	if (key == g->mine_key) {
		name_mine(g, addr);
		return;
	}
	i = g->n_late++ % LATE;
	if (g->late[i].window != NULL)
		name_now(g, g->late[i].window, g->late[i].addr);
	if (g->last_key != key) {
		g->last_key = key;
		g->last = lua_links_window(g->job->links, addr);
	}
	g->late[i].window = g->last;
	g->late[i].addr = addr;
	if (g->last != NULL)
		__builtin_prefetch(&g->last->once[addr >> 9 &
						  (LUA_WINDOW_WORDS - 1)], 1);
}

static void name_late(struct gatherer *g)
{
	for (uint32_t i = 0; i < LATE; i++) {
		if (g->late[i].window != NULL)
			name_now(g, g->late[i].window, g->late[i].addr);
		g->late[i].window = NULL;
	}
}

/* --- notes --------------------------------------------------------------- */

/* Number of the class, as a note has it; 0: none that anybody tells of. */
static uint32_t class_of(struct gatherer *g, uint64_t addr, uint64_t metatable)
{
	uint32_t i = metatable >> 4 & (KNOWN - 1), class;
	bool each;

	if (metatable & 7 ||
	    metatable - g->job->in.low >= g->job->in.high - g->job->in.low)
		return 0;
	if (g->known[i].metatable == metatable)
		return g->known[i].class;
	pthread_mutex_lock(&g->job->lock);
	class = lua_note_metatable(g->job->st, metatable, addr, &each);
	pthread_mutex_unlock(&g->job->lock);
	// those of tables with weak keys are each told
	if (!each) {
		g->known[i].metatable = metatable;
		g->known[i].class = class;
	}
	return class;
}

static uint32_t note_of(struct gatherer *g, uint64_t addr, const uint8_t *p,
			enum lua_kind kind)
{
	uint64_t metatable = 0, flat;
	uint32_t class = 0;

	// a value of 5.1 is like a grey table: see find_marks()
	if (g->job->st->mem.lay->minor == 1 && !g->job->with_links &&
	    p[g->job->st->mem.lay->gc_marked] == 0 &&
	    (kind == LUA_TABLE || kind == LUA_USERDATA))
		return LUA_NOTE_ASK | (uint32_t)kind << LUA_NOTE_KIND;
	flat = lua_flat_in(&g->job->st->mem, p, kind, &metatable);
	if (metatable != 0)
		class = class_of(g, addr, metatable);
	if (flat >= LUA_NOTE_ASK || class > LUA_NOTE_CLASSES) {
		flat = LUA_NOTE_ASK;
		class = 0;
	}
	return (uint32_t)flat | class << LUA_NOTE_CLASS |
	       (uint32_t)kind << LUA_NOTE_KIND;
}

/* One that there are few of. */
static bool keep_address(struct job *j, struct lua_addresses *to, uint64_t addr)
{
	bool ok;

	pthread_mutex_lock(&j->lock);
	ok = lua_addresses_add(to, addr);
	pthread_mutex_unlock(&j->lock);
	if (!ok)
		j->failed = true;
	return ok;
}

/* Whether it is a closure is not known yet: more than fit are none. */
static void add_upvalues(struct gatherer *g, uint64_t addr, const uint8_t *p)
{
	const struct job *j = g->job;
	const struct lua_layout *l = j->st->mem.lay;
	uint64_t n = p[l->cl_nupvalues], i, uv;

	if (g->upvalues.n + 2 * n > j->most_upvalues)
		g->overfull = true;
	for (i = 0; i < n && !g->overfull; i++) {
		uv = lua_at64(p, l->cl_upvals + 8 * (int32_t)i);
		if (!(uv & 7) && lua_search_has(&j->in, uv) &&
		    (!lua_addresses_add(&g->upvalues, addr) ||
		     !lua_addresses_add(&g->upvalues, uv)))
			g->overfull = true;
	}
}

static void add(struct gatherer *g, uint64_t addr, const uint8_t *p,
		enum lua_kind kind)
{
	uint64_t next = lua_at64(p, 0) & LUA_LINK_NEXT;

	g->window->bits[addr >> 9 & (LUA_WINDOW_WORDS - 1)] |=
		UINT64_C(1) << (addr >> 3 & 63);
	g->note[g->n] = note_of(g, addr, p, kind);
	if (g->job->with_links)
		g->link[g->n] = next | (uint64_t)kind << LUA_KIND_SHIFT;
	else if (next != 0)
		name(g, next);
	if (kind == LUA_CLOSURE && g->job->counted)
		add_upvalues(g, addr, p);
	if (kind == LUA_STRING && g->job->st->mem.lay->minor == 1 &&
	    p[g->job->st->mem.lay->gc_marked] & LUA_FIXED_BIT)
		keep_address(g->job, &g->job->links->fixed, addr);
	g->n++;
}

/*
 * Threads have LUA_EXTRASPACE before them and so may lie between the others:
 * they are few, and known by their state.
 */
static void add_thread(struct gatherer *g, uint64_t addr, const uint8_t *p)
{
	struct job *j = g->job;
	uint64_t next = lua_at64(p, 0);

	if (!j->in.marks[p[j->st->mem.lay->gc_marked]] ||
	    !lua_search_is_global(&j->in, &j->st->mem,
				  lua_at64(p, j->st->mem.lay->th_global)))
		return;
	if (next == 0)
		keep_address(j, &j->links->ends, addr);
	else if (!(next & 7) && lua_search_has(&j->in, next) &&
		 keep_address(j, &j->links->threads, addr))
		add(g, addr, p, LUA_THREAD);
}

static void add_state(struct job *j, uint64_t addr)
{
	pthread_mutex_lock(&j->lock);
	lua_add_state(&j->st->mem, addr, j->st->states, &j->st->n_states);
	pthread_mutex_unlock(&j->lock);
}

static void add_linked(struct gatherer *g, uint64_t addr, const uint8_t *p)
{
	const struct lua_layout *l = g->job->st->mem.lay;
	enum lua_kind kind = lua_kind_in(l, p);

	if (kind == LUA_THREAD)
		add_thread(g, addr, p);
	else if (g->job->in.marks[p[l->gc_marked]])
		add(g, addr, p, kind);
}

/* 5.1: an open up-value is grey once it is marked, and points to its stack. */
static bool is_open(const struct job *j, const uint8_t *p)
{
	const struct lua_layout *l = j->st->mem.lay;

	return l->minor == 1 && lua_kind_in(l, p) == LUA_UPVALUE &&
	       lua_search_has(&j->in, lua_at64(p, l->upval_v));
}

/*
 * An object that ends a list says 0; it is none of those that are gathered, nor
 * one that is grey, or every zero could be one.
 */
static void add_end(struct gatherer *g, uint64_t addr, const uint8_t *p)
{
	const struct lua_layout *l = g->job->st->mem.lay;
	enum lua_kind kind = lua_kind_in(l, p);
	uint8_t mark = p[l->gc_marked];

	if (kind == LUA_THREAD)
		add_thread(g, addr, p);
	else if (l->minor == 1 && kind == LUA_STRING)
		add_linked(g, addr, p);	// the last of one of many chains
	else if (g->job->in.marks[mark] && (mark != 0 || is_open(g->job, p)))
		keep_address(g->job, &g->job->links->ends, addr);
}

/*
 * Every 8 or 16 bytes could begin an object: its tag is one of few, and what is
 * next lies in memory.
 */
static void gather_words(struct gatherer *g, uint64_t addr, uint64_t n)
{
	const struct lua_layout *l = g->job->st->mem.lay;
	const uint64_t low = g->job->in.low, span = g->job->in.high - low;
	const uint64_t ahead = lua_state_ahead(l) + addr;
	const uint64_t stride = g->job->in.stride;
	const uint8_t *kinds = lua_kinds[l->minor], *buf = g->buf, *p;
	const int32_t tt = l->gc_tt;
	const bool odd = stride == 16;	// threads lie between
	uint64_t i, next;

	for (i = -addr & (stride - 1); i < n; i += stride) {
		p = buf + i;
		next = lua_at64(p, 0);
		if (next - i == ahead)
			add_state(g->job, addr + i - (uint64_t)l->th_global);
		if (kinds[p[tt]] != LUA_NOTHING && !(next & 7)) {
			if (next - low < span)
				add_linked(g, addr + i, p);
			else if (next == 0)
				add_end(g, addr + i, p);
		}
		if (p[8 + tt] == LUA_THREAD_TAG && odd)
			add_thread(g, addr + i + 8, p + 8);
	}
}

static void count_window(struct lua_window *v)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < LUA_WINDOW_WORDS; i++) {
		v->rank[i] = sum;
		sum += lua_bits_count(v->bits[i]);
	}
}

static void gather_part(struct gatherer *g, uint64_t addr, uint64_t n)
{
	const struct lua_mem *m = &g->job->st->mem;
	uint64_t got = m->host->read(m->im, addr, g->buf, n + OVERLAP);

	// the last header of a mapping may have nothing behind it
	memset(g->buf + got, 0, n + OVERLAP - got);
	n = got < n ? got & ~UINT64_C(7) : n;
	if (n != 0)
		gather_words(g, addr, n);
}

/* What is read stays in the core's cache while it is looked at. */
static void gather_piece(struct gatherer *g, const struct lua_piece *piece)
{
	uint64_t at, n;

	for (at = 0; at < piece->len; at += n) {
		n = piece->len - at < PART ? piece->len - at : PART;
		gather_part(g, piece->start + at, n);
	}
}

/* Where what is found in a window goes, for as much as there can be: most. */
static bool make_room(struct gatherer *g, uint64_t most)
{
	struct lua_links *x = g->job->links;
	uint64_t room = g->job->in.bytes / 8;

	room = room < ROOM ? room : ROOM;
	if (g->job->with_links && g->link_room < most) {
		g->link_room = room;
		g->link = lua_links_map(x, room * sizeof(*g->link), false);
	}
	if (g->note_room < most) {
		g->note_room = room;
		g->note = lua_links_map(x, room * sizeof(*g->note), true);
	}
	return g->note != NULL && (g->link != NULL || !g->job->with_links);
}

static void keep(struct gatherer *g)
{
	struct lua_window *v = g->window;

	v->note = g->note;
	g->note += g->n;
	g->note_room -= g->n;
	if (g->job->with_links) {
		v->link = g->link;
		g->link += g->n;
		g->link_room -= g->n;
	}
	count_window(v);
}

static uint64_t window_of(const struct lua_piece *p)
{
	return p->start >> LUA_WINDOW_SHIFT;
}

/* Pieces of one window are one after another, and of one thread. */
static void gather_window(struct gatherer *g, const struct lua_piece *p,
			  uint64_t n)
{
	struct job *j = g->job;
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < n && window_of(&p[i]) == window_of(p); i++)
		bytes += p[i].len;
	g->n = 0;
	pthread_mutex_lock(&j->lock);
	if (!make_room(g, bytes / 8))
		j->failed = true;
	pthread_mutex_unlock(&j->lock);
	g->window = lua_links_window(j->links, p->start);
	if (j->failed)
		return;
	g->mine_key = window_of(p);
	for (uint64_t i = 0; i < n && window_of(&p[i]) == window_of(p); i++)
		gather_piece(g, &p[i]);
	tell_mine(g, window_of(p) << LUA_WINDOW_SHIFT);
	keep(g);
	if (j->st->mem.host->cancelled(j->st->mem.im))
		j->failed = true;
}

static void *gather(void *arg)
{
	struct gatherer *g = arg;
	struct job *j = g->job;
	const struct lua_piece *p = j->in.pieces;
	uint64_t i;

	g->buf = malloc(PART + OVERLAP);
	if (g->buf == NULL)
		j->failed = true;
	while (!j->failed && (i = j->next++) < j->in.n_pieces) {
		// a window belongs to who takes its first piece
		if (i == 0 || window_of(&p[i]) != window_of(&p[i - 1]))
			gather_window(g, &p[i], j->in.n_pieces - i);
	}
	name_late(g);
	free(g->buf);
	return NULL;
}

/* All windows, before any is looked at: what is named may lie in any. */
static bool make_windows(struct job *j)
{
	const struct lua_piece *p = j->in.pieces;
	uint64_t i, n = 0;

	for (i = 0; i < j->in.n_pieces; i++)
		n += i == 0 || window_of(&p[i]) != window_of(&p[i - 1]);
	if (!lua_links_init(j->links, n))
		return false;
	for (i = 0; i < j->in.n_pieces; i++) {
		if (lua_links_add(j->links, p[i].start) == NULL)
			return false;
	}
	return true;
}

static void take_upvalues(struct job *j, struct gatherer *g)
{
	struct lua_links *x = j->links;

	x->overfull = x->overfull || g->overfull;
	for (uint64_t i = 0; i < g->upvalues.n && !j->failed; i++)
		j->failed = !lua_addresses_add(&x->upvalues, g->upvalues.v[i]);
	free(g->upvalues.v);
}

static void run(struct job *j)
{
	int n = lua_crew_size();
	struct gatherer *g = calloc((size_t)n, sizeof(*g));

	if (g == NULL) {
		j->failed = true;
		return;
	}
	for (int i = 0; i < n; i++)
		g[i].job = j;
	j->counted = !j->with_links && lua_counts_upvalues(&j->st->mem);
	j->most_upvalues = j->in.bytes / UPVALUES_SHARE / (unsigned)n;
	lua_crew(n, gather, g, sizeof(*g));
	for (int i = 0; i < n; i++)
		take_upvalues(j, &g[i]);
	free(g);
}

bool lua_links_gather(struct lua *st, bool with_links, struct lua_links *ret)
{
	struct job j = { .st = st, .links = ret, .with_links = with_links };
	bool worth_it = lua_search_init(st, &j.in);

	pthread_mutex_init(&j.lock, NULL);
	if (worth_it && make_windows(&j))
		run(&j);
	else
		j.failed = true;
	pthread_mutex_destroy(&j.lock);
	lua_search_deinit(&j.in);
	if (j.failed)
		lua_links_deinit(ret);
	return !j.failed;
}
