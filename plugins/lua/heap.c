/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enumeration: what the walk of the lists has found, told in the order of
 * addresses, chunk by chunk, on several threads.
 */
#include "lualinks.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	PAGE = 4096,
	GAP = 16 * PAGE,	/* is read rather than cut out */
	MAX_FIXED = 1 << 16,	/* objects that are never collected */
	BATCH = 64,		/* objects that the host is told at once */
};

/* What the host is told of an object. */
static void emit(struct lua *st, const struct lua_mem *m,
		 const struct lua_object *o, struct heapsh_sink *sink)
{
	struct heapsh_object out = { .address = o->addr };

	out.type = lua_type_of(st, o);
	out.flags = o->torn ? HEAPSH_OBJECT_TORN : 0;
	out.flat = o->flat;
	out.held = o->flat;
	sink->object(sink, &out);
	if (sink->want & HEAPSH_WANT_EDGES)
		lua_edges(st, m, o, sink);
}

void lua_objects_at(void *state, const uint64_t *addr, uint32_t n,
		    struct heapsh_sink *sink)
{
	struct lua *st = state;
	struct lua_object o;
	struct lua_mem m;

	lua_walk(st, sink->reader);
	m = st->mem;
	m.reader = sink->reader;
	for (uint32_t i = 0; i < n; i++) {
		if (lua_object_at(st, &m, addr[i], &o))
			emit(st, &m, &o, sink);
		else
			sink->nothing(sink, addr[i]);
	}
}

/* --- sweep --------------------------------------------------------------- */

static void emit_seen(struct lua *st, const struct lua_mem *m, uint64_t at,
		      struct heapsh_sink *sink)
{
	struct lua_object o;

	if (lua_describe(m, at, lua_kind_at(m, at), &o))
		emit(st, m, &o, sink);
}

/* Objects on their way to the host, some at a time. */
struct batch {
	struct heapsh_sink *sink;
	uint32_t n;
	struct heapsh_object v[BATCH];
};

static void flush(struct batch *b)
{
	struct heapsh_sink *sink = b->sink;

	if (HEAPSH_HAS(sink, objects) && sink->objects != NULL && b->n != 0)
		sink->objects(sink, b->v, b->n);
	else
		for (uint32_t i = 0; i < b->n; i++)
			sink->object(sink, &b->v[i]);
	b->n = 0;
}

/* An object of which the note says all that is wanted. */
static void emit_noted(struct lua *st, const struct lua_mem *m, uint64_t at,
		       uint32_t note, struct batch *b)
{
	uint32_t kind = note >> LUA_NOTE_KIND, flat = note & LUA_NOTE_ASK;
	struct heapsh_object *o;

	// a userdata may lead to another runtime: edges.c, frontier()
	if (flat == LUA_NOTE_ASK || (kind == LUA_USERDATA &&
				     b->sink->want & HEAPSH_WANT_EDGES)) {
		flush(b);
		emit_seen(st, m, at, b->sink);
		return;
	}
	o = &b->v[b->n++];
	*o = (struct heapsh_object){ .address = at, .flat = flat,
				     .held = flat };
	o->type = st->class_types[note >> LUA_NOTE_CLASS & LUA_NOTE_CLASSES];
	if (o->type == UINT32_MAX)
		o->type = st->types[kind];
	if (b->n == BATCH)
		flush(b);
}

static void emit_upvalue(struct lua *st, const struct lua_mem *m, uint64_t at,
			 struct batch *b)
{
	uint32_t flat = (uint32_t)m->lay->sizeof_upval;

	emit_noted(st, m, at, flat | (uint32_t)LUA_UPVALUE << LUA_NOTE_KIND, b);
}

/* 512 bytes of addresses, and which of them are what. */
struct word {
	uint64_t base;
	uint64_t could;		/* be objects: they have notes… */
	uint64_t are;		/* objects */
	uint64_t upvalues;	/* of 5.3, which are in no list */
	const uint32_t *note;	/* … from here on */
};

static void sweep_word(struct lua *st, const struct lua_mem *m, struct word *w,
		       struct batch *b)
{
	uint64_t left = w->could | w->are | w->upvalues, bit, at;

	for (; left != 0; left &= left - 1) {
		bit = left & -left;
		at = w->base + ((uint64_t)__builtin_ctzll(bit) << 3);
		if (w->could & w->are & bit) {
			emit_noted(st, m, at, *w->note, b);
		} else if (w->are & bit) {
			flush(b);
			emit_seen(st, m, at, b->sink);
		} else if (w->upvalues & bit) {
			emit_upvalue(st, m, at, b);
		}
		w->note += (w->could & bit) != 0;
	}
}

/* Without a look at the chunk's bytes. True: that was all. */
static bool sweep_notes(struct lua *st, const struct lua_mem *m,
			const struct heapsh_chunk *chunk,
			struct heapsh_sink *sink)
{
	uint64_t end = chunk->address + chunk->len, at = chunk->address, i;
	const struct lua_window *v = NULL;
	const uint64_t *map, *upvalues;
	struct batch b = { .sink = sink };
	struct word w;

	if (st->links != NULL && st->class_types != NULL)
		v = lua_links_window(st->links, at);
	if (v == NULL || at >> LUA_WINDOW_SHIFT !=
				 (end - 1) >> LUA_WINDOW_SHIFT)
		return false;
	map = lua_space_window(&st->objects, at);
	upvalues = lua_space_window(&st->upvalues, at);
	for (at &= ~UINT64_C(511); at < end; at += 512) {
		i = at >> 9 & (LUA_WINDOW_WORDS - 1);
		w.base = at;
		w.are = map != NULL ? map[i] : 0;
		w.upvalues = upvalues != NULL ? upvalues[i] : 0;
		w.could = v->bits[i];
		w.note = v->note + v->rank[i];
		if ((w.are | w.upvalues) != 0)
			sweep_word(st, m, &w, &b);
	}
	flush(&b);
	return true;
}

void lua_sweep(void *state, const struct heapsh_chunk *chunk,
	       struct heapsh_sink *sink)
{
	uint64_t end = chunk->address + chunk->len, a, b;
	struct lua_cursor objects, upvalues;
	struct lua *st = state;
	struct lua_mem m = st->mem;
	struct lua_object o;

	m.reader = sink->reader;
	m.near = chunk->bytes;
	m.near_addr = chunk->address;
	m.near_len = chunk->bytes != NULL ? chunk->len : 0;
	if ((!(sink->want & HEAPSH_WANT_EDGES) ||
	     sink->want & HEAPSH_WANT_FRONTIER) &&
	    !((chunk->address | chunk->len) & 511) &&
	    sweep_notes(st, &m, chunk, sink))
		return;
	// two streams, each in order; the second is empty but in 5.3
	lua_cursor_init(&objects, &st->objects, chunk->address, end);
	lua_cursor_init(&upvalues, &st->upvalues, chunk->address, end);
	a = lua_cursor_next(&objects);
	b = lua_cursor_next(&upvalues);
	while (a < end || b < end) {
		bool first = a <= b;
		uint64_t at = first ? a : b;

		if (lua_describe(&m, at, first ? lua_kind_at(&m, at) :
						 LUA_UPVALUE, &o))
			emit(st, &m, &o, sink);
		if (first)
			a = lua_cursor_next(&objects);
		else
			b = lua_cursor_next(&upvalues);
	}
}

/* --- ranges -------------------------------------------------------------- */

struct ranges {
	struct lua *st;
	struct heapsh_range *v;
	uint32_t n, cap;
	struct heapsh_range last;	/* not yet told */
	uint64_t mapped;		/* end of the mapping that it lies in */
};

static void end_range(struct ranges *r)
{
	if (r->last.end != 0 && r->n < r->cap)
		r->v[r->n] = r->last;
	r->n += r->last.end != 0;
}

static uint64_t mapping_end(const struct lua_mem *m, uint64_t addr)
{
	struct heapsh_mapping map = { .size = sizeof(map) };

	for (uint32_t i = 0; m->host->mapping(m->im, i, &map); i++) {
		if (addr < map.end)
			return addr >= map.start ? map.end : addr;
	}
	return addr;
}

/* Pages in ascending order. */
static void add_page(struct ranges *r, uint64_t page)
{
	if (r->last.end != 0 && page < r->last.end)
		return;
	if (r->last.end != 0 && page - r->last.end <= GAP &&
	    page < r->mapped) {
		r->last.end = page + PAGE;
		return;
	}
	end_range(r);
	r->last.start = page;
	r->last.end = page + PAGE;
	r->mapped = mapping_end(&r->st->mem, page);
}

static void add_window(struct ranges *r, const struct lua_space *s,
		       uint64_t number)
{
	const uint64_t *map = lua_space_window(s, number << LUA_WINDOW_SHIFT);
	uint64_t w;

	for (w = 0; map != NULL && w < LUA_WINDOW_WORDS; w++) {
		if (map[w] != 0)
			add_page(r, ((number << LUA_WINDOW_SHIFT) + (w << 9)) &
					    ~(uint64_t)(PAGE - 1));
	}
}

static void add_space(struct ranges *r, const struct lua_space *s)
{
	uint64_t *windows = lua_space_windows(s), i;

	for (i = 0; windows != NULL && i < s->n; i++)
		add_window(r, s, windows[i]);
	end_range(r);
	r->last = (struct heapsh_range){ 0 };
	free(windows);
}

/* Those of the two spaces may overlap: the host joins them. */
uint32_t lua_ranges(void *state, struct heapsh_range *ret, uint32_t cap,
		    uint64_t *grain)
{
	struct ranges r = { .st = state, .v = ret, .cap = cap };

	lua_walk(state, NULL);
	*grain = PAGE;
	add_space(&r, &r.st->objects);
	add_space(&r, &r.st->upvalues);
	return r.n;
}

/* --- roots --------------------------------------------------------------- */

struct rooter {
	const struct lua *st;
	void (*emit)(void *arg, const struct heapsh_root *root);
	void *arg;
	uint32_t number;		/* of the state, from 1 */
};

static void root(struct rooter *r, uint64_t target, const char *name)
{
	struct heapsh_root out = { .size = sizeof(out), .target = target };
	char text[96];

	if (target == 0)
		return;
	// those of a second state are said to be its
	snprintf(text, sizeof(text), "L%u.%s", r->number, name);
	out.name = lua_words(r->number > 1 ? text : name);
	r->emit(r->arg, &out);
}

static void root_list(struct rooter *r, uint64_t at, const char *word)
{
	struct lua_chain chain = { 0 };
	char name[64];

	for (uint64_t i = 0; i < MAX_FIXED && at != 0; i++) {
		if (lua_chain_repeats(&chain, at) ||
		    !lua_space_has(&r->st->objects, at))
			return;
		snprintf(name, sizeof(name), "%s[%llu]", word,
			 (unsigned long long)i);
		root(r, at, name);
		at = lua_word(&r->st->mem, at, r->st->mem.lay->gc_next);
	}
}

/* lua.h: the basic types, in the order of their numbers */
static const char *const basic[] = { "nil", "boolean", "lightuserdata",
	"number", "string", "table", "function", "userdata", "thread" };

static void roots_of(struct rooter *r, const struct lua_state *s)
{
	const struct lua_mem *m = &r->st->mem;
	const struct lua_layout *l = m->lay;
	char name[64];

	root(r, s->globals, "_G");
	root(r, s->registry, "registry");
	root(r, s->main, "mainthread");
	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++) {
		snprintf(name, sizeof(name), "<metatable of %s>", basic[i]);
		root(r, lua_word(m, s->global, l->g_mt + 8 * (int32_t)i),
		     name);
	}
	root_list(r, lua_word(m, s->global, l->g_fixedgc), "fixed");
	root_list(r, lua_word(m, s->global, l->g_tobefnz), "tobefinalized");
	root_list(r, lua_word(m, s->global, l->g_tmudata), "tobefinalized");
}

/* One chain of the table of strings. */
static void root_chain(struct rooter *r, uint64_t at)
{
	const struct lua_mem *m = &r->st->mem;
	struct lua_chain chain = { 0 };
	uint32_t left;

	for (left = MAX_FIXED; left != 0 && !lua_chain_repeats(&chain, at) &&
	     lua_space_has(&r->st->objects, at); left--) {
		if (lua_u8(m, at, m->lay->gc_marked) & LUA_FIXED_BIT)
			root(r, at, "fixed");
		at = lua_word(m, at, m->lay->str_hnext);
	}
}

static void root_chains(struct rooter *r, const struct lua_state *s)
{
	const struct lua_mem *m = &r->st->mem;
	uint64_t n = lua_u32(m, s->global, m->lay->g_strt_size), i;
	uint64_t hash = lua_word(m, s->global, m->lay->g_strt_hash);

	for (i = 0; i < n && n <= LUA_MAX_ITEMS; i++)
		root_chain(r, lua_word(m, hash + 8 * i, 0));
}

/*
 * 5.1 marks strings that it never frees (lstring.h, luaS_fix). One look through
 * memory has noted them, or all strings are looked at.
 */
static void roots_fixed(struct rooter *r)
{
	const struct lua *st = r->st;
	const struct lua_addresses *fixed;

	if (st->mem.lay->g_fixedgc >= 0)
		return;
	r->number = 1;
	if (st->links == NULL || !st->peeled) {
		for (uint32_t i = 0; i < st->n_states; i++, r->number++)
			root_chains(r, &st->states[i]);
		return;
	}
	fixed = &st->links->fixed;
	for (uint64_t i = 0; i < fixed->n && i < MAX_FIXED; i++) {
		if (lua_space_has(&st->objects, fixed->v[i]))
			root(r, fixed->v[i], "fixed");
	}
}

void lua_roots(void *state,
	       void (*emit_root)(void *arg, const struct heapsh_root *root),
	       void *arg)
{
	struct rooter r = { .st = state, .emit = emit_root, .arg = arg };

	lua_walk(state, NULL);
	for (uint32_t i = 0; i < r.st->n_states; i++) {
		r.number = i + 1;
		roots_of(&r, &r.st->states[i]);
	}
	roots_fixed(&r);
}
