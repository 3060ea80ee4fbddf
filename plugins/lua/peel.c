/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects without following lists: a walk of five million links is five million
 * cache misses, one after another.
 *
 * Each object of a list is what exactly one other, or the list's head, names as
 * next. So all that could be objects are looked at in the order of addresses,
 * by several threads (gather.c), and what they name is marked. What nobody
 * names is no object but what one has left behind: it is taken away, and so,
 * perhaps, is what only it had named, and so on. What is left is what the heads
 * lead to, or rings.
 *
 *	head --> a --> b --> c --> 0
 *	               ^
 *	x --> y -------'	x is named by nobody: x and y are left-overs
 *
 * That there are no rings, that no object was overlooked, and that nothing
 * was torn, the collector's own count proves: sizes add up to it, to the byte,
 * or the lists are followed after all.
 */
#include "lualinks.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	SPAN = 64 << 10,	/* bytes of one read, which takes 13 us: */
	FEW = 9,		/* as long as so many of 8 bytes */
	MAX_FIXED = 1 << 16,	/* objects that are never collected */
};

struct peeling {
	struct lua *st;
	struct lua_links *links;
	struct lua_addresses stale, extra;	/* extra: named, not gathered */
	uint32_t *left;				/* of links->more, how often */
	uint64_t sum;				/* of flat sizes */
	bool failed;
};

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* --- taking away --------------------------------------------------------- */

/* Each address that has three names or more once, and how many above two. */
static void count_more(struct peeling *x)
{
	struct lua_addresses *more = &x->links->more;
	uint64_t n = 0;

	if (more->n == 0)
		return;
	x->left = calloc(more->n, sizeof(*x->left));
	if (x->left == NULL) {
		x->failed = true;
		return;
	}
	qsort(more->v, more->n, sizeof(*more->v), ascending);
	for (uint64_t i = 0; i < more->n; i++) {
		if (n == 0 || more->v[n - 1] != more->v[i])
			more->v[n++] = more->v[i];
		x->left[n - 1]++;
	}
	more->n = n;
}

/* One name less of those above two: false when there is none. */
static bool take_more(struct peeling *x, uint64_t addr)
{
	const struct lua_addresses *more = &x->links->more;
	const uint64_t *at = NULL;

	if (more->n != 0)
		at = bsearch(&addr, more->v, more->n, sizeof(*at), ascending);
	if (at == NULL || x->left[at - more->v] == 0)
		return false;
	x->left[at - more->v]--;
	return true;
}

/* Who named addr is gone: true when nobody is left who does. */
static bool unname(struct peeling *x, struct lua_window *v, uint64_t addr)
{
	uint64_t w = addr >> 9 & (LUA_WINDOW_WORDS - 1);
	uint64_t bit = UINT64_C(1) << (addr >> 3 & 63);

	if (v->again == NULL || !(v->again[w] & bit)) {
		v->once[w] &= ~bit;
		return true;
	}
	if (!take_more(x, addr))
		v->again[w] &= ~bit;
	return false;
}

/* What named next is no object, nor is what only it names. */
static void take_away(struct peeling *x, uint64_t next)
{
	const struct lua_mem *m = &x->st->mem;
	struct lua_window *v;

	for (;;) {
		next &= LUA_LINK_NEXT;
		v = next & 7 ? NULL : lua_links_window(x->links, next);
		if (v == NULL || !unname(x, v, next) || !lua_link_has(v, next))
			return;
		next = lua_word(m, next, m->lay->gc_next);
	}
}

static void find_stale_in(struct peeling *x, uint64_t base,
			  const struct lua_window *v)
{
	uint64_t bits;

	for (uint64_t w = 0; w < LUA_WINDOW_WORDS; w++) {
		for (bits = v->bits[w] & ~v->once[w]; bits != 0;
		     bits &= bits - 1) {
			if (!lua_addresses_add(&x->stale, base + (w << 9) +
				((uint64_t)__builtin_ctzll(bits) << 3)))
				x->failed = true;
		}
	}
}

/* What some of the stale name as next: one thread's share. */
struct asker {
	const struct lua_mem *m;
	const uint64_t *stale;		/* ascending */
	uint64_t *next, n;		/* of each */
	uint8_t buf[SPAN];
};

/* How many from i on are in one span of memory. */
static uint64_t near_by(const struct asker *a, uint64_t i)
{
	uint64_t n = 1;

	while (i + n < a->n && a->stale[i + n] - a->stale[i] <= SPAN - 8)
		n++;
	return n;
}

/* They are far between, or many beside each other. */
static void *ask(void *arg)
{
	struct asker *a = arg;
	const struct lua_mem *m = a->m;
	uint64_t i, k, n, got, len, at;

	for (i = 0; i < a->n; i += n) {
		n = near_by(a, i);
		n = n < FEW ? 1 : n;
		len = a->stale[i + n - 1] - a->stale[i] + 8;
		got = m->host->read(m->im, a->stale[i], a->buf, len);
		for (k = 0; k < n; k++) {
			at = a->stale[i + k] - a->stale[i];
			a->next[i + k] = at + 8 <= got ?
				lua_at64(a->buf + at, m->lay->gc_next) : 0;
		}
	}
	return NULL;
}

/* Of each stale one what it names, or NULL; free(). */
static uint64_t *ask_stale(const struct peeling *x)
{
	const struct lua_addresses *stale = &x->stale;
	uint64_t crew = (uint64_t)lua_crew_size(), i, from, end;
	uint64_t *next = calloc(stale->n + 1, sizeof(*next));
	struct asker *a = calloc(crew, sizeof(*a));

	for (i = 0; a != NULL && next != NULL && stale->n != 0 && i < crew;
	     i++) {
		from = stale->n * i / crew;
		end = stale->n * (i + 1) / crew;
		a[i].m = &x->st->mem;
		a[i].stale = stale->v + from;
		a[i].next = next + from;
		a[i].n = end - from;
	}
	if (a != NULL && next != NULL && stale->n != 0)
		lua_crew((int)crew, ask, a, sizeof(*a));
	if (a == NULL) {
		free(next);
		next = NULL;
	}
	free(a);
	return next;
}

/* All that nobody names, before the first of them is taken away. */
static void take_all(struct peeling *x)
{
	const struct lua_mem *m = &x->st->mem;
	const struct lua_links *l = x->links;
	uint64_t *next, i;

	for (i = 0; i < l->cap; i++) {
		if (l->keys[i] != 0)
			find_stale_in(x, (l->keys[i] - 1) << LUA_WINDOW_SHIFT,
				      l->windows[i]);
	}
	// so that memory is read in the order of addresses
	if (x->stale.n != 0)
		qsort(x->stale.v, x->stale.n, sizeof(*x->stale.v), ascending);
	next = ask_stale(x);
	x->failed = x->failed || next == NULL;
	for (i = 0; i < x->stale.n && !x->failed; i++) {
		take_away(x, next[i]);
		if (!(i & 0xffff) && m->host->cancelled(m->im))
			x->failed = true;
	}
	free(next);
}

/* --- is it right? -------------------------------------------------------- */

static bool is_named(const struct peeling *x, uint64_t addr)
{
	const struct lua_window *v = lua_links_window(x->links, addr);

	return v != NULL && lua_link_named(v, addr);
}

static void add_extra(struct peeling *x, uint64_t addr)
{
	const struct lua_mem *m = &x->st->mem;
	struct lua_object o;

	if (!lua_addresses_add(&x->extra, addr))
		x->failed = true;
	if (lua_describe(m, addr, lua_kind_at(m, addr), &o))
		x->sum += o.flat;
}

/* addr may end a list though it is grey, which what is zero seems to be. */
static void add_grey_end(struct peeling *x, uint64_t addr)
{
	const struct lua_mem *m = &x->st->mem;
	struct lua_addresses *ends = &x->links->ends;

	if (addr == 0 || lua_kind_at(m, addr) == LUA_NOTHING ||
	    lua_u8(m, addr, m->lay->gc_marked) != 0 ||
	    lua_word(m, addr, m->lay->gc_next) != 0)
		return;
	if (!lua_addresses_add(ends, addr))
		x->failed = true;
}

/* A state's oldest object is its registry; what is fixed is fixed first. */
static void find_grey_ends(struct peeling *x)
{
	const struct lua *st = x->st;
	const int32_t next = st->mem.lay->gc_next;
	uint64_t at, last;

	for (uint32_t i = 0; i < st->n_states; i++) {
		add_grey_end(x, st->states[i].registry);
		last = 0;
		at = lua_word(&st->mem, st->states[i].global,
			      st->mem.lay->g_fixedgc);
		for (int k = 0; k < MAX_FIXED && at != 0; k++) {
			last = at;
			at = lua_word(&st->mem, at, next);
		}
		add_grey_end(x, last);
	}
}

/* What lists end in, and main threads, which may be in no list. */
static void find_extra(struct peeling *x)
{
	const struct lua_addresses *ends = &x->links->ends;
	const struct lua *st = x->st;

	find_grey_ends(x);
	for (uint64_t i = 0; i < ends->n; i++) {
		if (is_named(x, ends->v[i]))
			add_extra(x, ends->v[i]);
	}
	for (uint32_t i = 0; i < st->n_states; i++) {
		if (!is_named(x, st->states[i].main))
			add_extra(x, st->states[i].main);
	}
}

/* One thread's share of the sum. */
struct adder {
	struct lua_links *links;
	uint64_t number, n;		/* of n threads */
	uint64_t sum;
	struct lua_addresses asks;	/* have no size in their note */
	bool failed;
	char apart[128];		/* the next one's cache lines */
};

static void add_word(struct adder *a, uint64_t base, uint64_t bits,
		     uint64_t live, const uint32_t *note)
{
	uint64_t bit, sum = 0;
	uint32_t flat;

	for (; bits != 0; bits &= bits - 1) {
		bit = bits & -bits;
		flat = *note++ & LUA_NOTE_ASK;
		if (!(live & bit))
			continue;
		if (flat != LUA_NOTE_ASK)
			sum += flat;
		else if (!lua_addresses_add(&a->asks, base +
			((uint64_t)__builtin_ctzll(bit) << 3)))
			a->failed = true;
	}
	a->sum += sum;
}

static void add_window(struct adder *a, uint64_t base, struct lua_window *v)
{
	uint64_t named, live;

	for (uint64_t w = 0; w < LUA_WINDOW_WORDS; w++) {
		named = atomic_load_explicit(&v->once[w], memory_order_relaxed);
		live = named & v->bits[w];
		if (named != live)
			atomic_store_explicit(&v->once[w], live,
					      memory_order_relaxed);
		if (live != 0)
			add_word(a, base + (w << 9), v->bits[w], live,
				 v->note + v->rank[w]);
	}
}

static void *add_windows(void *arg)
{
	struct adder *a = arg;
	struct lua_links *x = a->links;

	for (uint64_t i = 0; i < x->cap; i++) {
		if (x->keys[i] != 0 && x->keys[i] % a->n == a->number)
			add_window(a, (x->keys[i] - 1) << LUA_WINDOW_SHIFT,
				   x->windows[i]);
	}
	return NULL;
}

/* Of 5.1, who was not described has not told of its metatable either. */
static void add_asks(struct peeling *x, const struct adder *a)
{
	const struct lua_mem *m = &x->st->mem;
	struct lua_object o;
	bool each;

	x->failed = x->failed || a->failed;
	x->sum += a->sum;
	for (uint64_t i = 0; i < a->asks.n; i++) {
		if (!lua_describe(m, a->asks.v[i],
				  lua_kind_at(m, a->asks.v[i]), &o))
			continue;
		x->sum += o.flat;
		if (m->lay->minor == 1 && o.metatable != 0)
			lua_note_metatable(x->st, o.metatable, o.addr, &each);
	}
}

/* 5.3: they are no objects, but counted. */
static void add_upvalues(struct peeling *x)
{
	struct lua *st = x->st;
	uint64_t i;

	x->sum += lua_gathered_upvalues(st, x->links);
	for (i = 0; i < x->extra.n; i++) {
		if (lua_kind_at(&st->mem, x->extra.v[i]) == LUA_CLOSURE)
			x->sum += lua_closure_upvalues(st, x->extra.v[i]);
		else if (lua_kind_at(&st->mem, x->extra.v[i]) == LUA_THREAD)
			x->sum += lua_open_upvalues(st, x->extra.v[i]);
	}
	for (i = 0; i < x->links->threads.n; i++) {
		if (is_named(x, x->links->threads.v[i]))
			x->sum += lua_open_upvalues(st,
						    x->links->threads.v[i]);
	}
}

/* From here on once has the objects that were gathered, and no other. */
static bool adds_up(struct peeling *x)
{
	struct lua *st = x->st;
	int n = lua_crew_size();
	struct adder *a = calloc((size_t)n, sizeof(*a));
	uint64_t want = 0;

	if (a == NULL)
		return false;
	for (int i = 0; i < n; i++)
		a[i] = (struct adder){ .links = x->links, .n = (uint64_t)n,
				       .number = (uint64_t)i };
	lua_crew(n, add_windows, a, sizeof(*a));
	for (int i = 0; i < n; i++) {
		add_asks(x, &a[i]);
		free(a[i].asks.v);
	}
	free(a);
	if (lua_counts_upvalues(&st->mem))
		add_upvalues(x);
	for (uint32_t i = 0; i < st->n_states; i++)
		want += lua_count(&st->mem, &st->states[i]);
	return !x->failed && x->sum == want;
}

/* --- telling ------------------------------------------------------------- */

static bool tell(struct peeling *x)
{
	struct lua *st = x->st;
	const struct lua_links *l = x->links;
	uint64_t i;

	for (i = 0; i < l->cap; i++) {
		if (l->keys[i] != 0 &&
		    !lua_space_lend(&st->objects, (l->keys[i] - 1)
				    << LUA_WINDOW_SHIFT,
				    (uint64_t *)l->windows[i]->once))
			return false;
	}
	for (i = 0; i < l->threads.n; i++) {
		if (lua_space_has(&st->objects, l->threads.v[i]) &&
		    !lua_note_object(st, l->threads.v[i]))
			return false;
	}
	for (i = 0; i < x->extra.n; i++) {
		if (!lua_note_object(st, x->extra.v[i]))
			return false;
	}
	return true;
}

static void name_heads(struct peeling *x, int32_t head)
{
	const struct lua_mem *m = &x->st->mem;

	for (uint32_t i = 0; i < x->st->n_states; i++) {
		uint64_t at = lua_word(m, x->st->states[i].global, head);

		if (at != 0 && !lua_links_name(x->links, at, NULL))
			x->failed = true;
	}
}

static bool peel(struct peeling *x)
{
	const struct lua_layout *l = x->st->mem.lay;
	const int32_t heads[] = { l->g_allgc, l->g_finobj, l->g_tobefnz,
				  l->g_fixedgc };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		name_heads(x, heads[i]);
	if (!lua_name_unlisted(x->st, x->links))
		x->failed = true;
	count_more(x);
	if (!x->failed)
		take_all(x);
	find_extra(x);
	if (x->failed || !adds_up(x))
		return false;
	if (!tell(x))
		x->st->failed = true;
	return true;
}

bool lua_peel(struct lua *st, struct lua_links *links)
{
	struct peeling x = { .st = st, .links = links };
	bool ok = !links->overfull && peel(&x);

	if (!ok)
		lua_space_deinit(&st->upvalues);
	free(x.stale.v);
	free(x.extra.v);
	free(x.left);
	return ok;
}
