/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's own lists: every object of a state is in one of them. Where
 * peel.c cannot do without, they are walked, once and by one thread; what is
 * found is a bit per object, and what the other threads must not find out each
 * for itself.
 *
 * A list may go round in circles or lead anywhere: it ends where an object was
 * met before, or where there is none.
 */
#include "lualinks.h"

#include <stdlib.h>

enum {
	MODE_ABSENT = 1 << 3,		/* Table.flags: bit TM_MODE, ltm.h */
	MAX_EPHEMERONS = 1 << 24,
	MAX_STRT = 1 << 28,
};

bool lua_grow(void *array, uint64_t n, uint64_t *cap, size_t item)
{
	void **v = array, *to;
	uint64_t want = *cap != 0 ? *cap * 2 : 64;

	if (n < *cap)
		return true;
	to = realloc(*v, want * item);
	if (to == NULL)
		return false;
	*v = to;
	*cap = want;
	return true;
}

/* --- classes ------------------------------------------------------------- */

static struct lua_class *class_slot(struct lua_class *classes, uint64_t cap,
				    uint64_t metatable)
{
	uint64_t i = metatable * UINT64_C(0x9e3779b97f4a7c15);

	for (i = (i ^ i >> 32) & (cap - 1); classes[i].metatable != 0 &&
	     classes[i].metatable != metatable;)
		i = (i + 1) & (cap - 1);
	return &classes[i];
}

static bool grow_classes(struct lua *st)
{
	uint64_t cap = st->cap_classes != 0 ? st->cap_classes * 2 : 64;
	struct lua_class *to = calloc(cap, sizeof(*to));

	if (to == NULL)
		return false;
	for (uint64_t i = 0; i < st->cap_classes; i++) {
		if (st->classes[i].metatable != 0)
			*class_slot(to, cap, st->classes[i].metatable) =
				st->classes[i];
	}
	free(st->classes);
	st->classes = to;
	st->cap_classes = cap;
	return true;
}

const struct lua_class *lua_class_of(const struct lua *st, uint64_t metatable)
{
	const struct lua_class *c;

	if (metatable == 0 || st->cap_classes == 0)
		return NULL;
	c = class_slot(st->classes, st->cap_classes, metatable);
	return c->metatable != 0 ? c : NULL;
}

/* lgc.c, traversetable: __mode is a string with a 'k', a 'v', or both */
static uint8_t mode_of(const struct lua_mem *m, uint64_t metatable)
{
	uint64_t n = 0, mode;
	const char *s;

	if (lua_u8(m, metatable, m->lay->tab_flags) & MODE_ABSENT)
		return 0;
	mode = lua_object_of(lua_table_str(m, metatable,
					   lua_words("__mode")));
	s = mode != 0 ? lua_text(m, mode, &n) : NULL;
	if (s == NULL)
		return 0;
	return (uint8_t)((memchr(s, 'k', n) != NULL ? LUA_WEAK_KEYS : 0) |
			 (memchr(s, 'v', n) != NULL ? LUA_WEAK_VALUES : 0));
}

static const struct lua_class *note_class(struct lua *st, uint64_t metatable)
{
	struct lua_class *c;

	if (st->cap_classes != 0) {
		c = class_slot(st->classes, st->cap_classes, metatable);
		if (c->metatable != 0)
			return c;
	}
	if (lua_kind_at(&st->mem, metatable) != LUA_TABLE)
		return NULL;
	if (st->n_classes * 2 >= st->cap_classes && !grow_classes(st)) {
		st->failed = true;
		return NULL;
	}
	c = class_slot(st->classes, st->cap_classes, metatable);
	c->metatable = metatable;
	c->type = UINT32_MAX;
	c->weak = mode_of(&st->mem, metatable);
	c->number = (uint32_t)++st->n_classes;
	return c;
}

/* --- tables with weak keys ----------------------------------------------- */

struct ephemerons {
	struct lua *st;
	uint64_t table;
};

static bool note_ephemeron(void *arg, const struct lua_entry *e)
{
	struct ephemerons *x = arg;
	struct lua *st = x->st;

	// a string is a value: it is never taken from a weak table
	if (lua_object_of(e->key) == 0 || e->key.kind == LUA_STRING ||
	    lua_object_of(e->value) == 0)
		return true;
	if (st->n_ephemerons >= MAX_EPHEMERONS)
		return false;
	if (!lua_grow(&st->ephemerons, st->n_ephemerons, &st->cap_ephemerons,
		      sizeof(*st->ephemerons)) ||
	    lua_space_put(&st->keys, e->key.bits) < 0) {
		st->failed = true;
		return false;
	}
	st->ephemerons[st->n_ephemerons++] = (struct lua_ephemeron){
		e->key.bits, x->table, e->value.bits };
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct lua_ephemeron *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

uint32_t lua_note_metatable(struct lua *st, uint64_t metatable, uint64_t addr,
			    bool *each)
{
	const struct lua_class *c = note_class(st, metatable);

	// 5.1 knows no ephemerons: there such a value is strong
	*each = c != NULL && c->weak == LUA_WEAK_KEYS &&
		st->mem.lay->minor != 1;
	if (!*each)
		return c != NULL ? c->number : 0;
	if (lua_grow(&st->weak_tables, st->n_weak, &st->cap_weak,
		     sizeof(*st->weak_tables)))
		st->weak_tables[st->n_weak++] = addr;
	else
		st->failed = true;
	return c->number;
}

static void note_ephemerons(struct lua *st)
{
	struct ephemerons x = { .st = st };

	for (uint64_t i = 0; i < st->n_weak; i++) {
		x.table = st->weak_tables[i];
		if (lua_space_has(&st->objects, x.table))
			lua_table_each(&st->mem, x.table, note_ephemeron, &x);
	}
	if (st->n_ephemerons != 0)
		qsort(st->ephemerons, st->n_ephemerons,
		      sizeof(*st->ephemerons), by_key);
}

/* --- lists --------------------------------------------------------------- */

static void note_thread(struct lua *st, uint64_t addr)
{
	if (!lua_grow(&st->threads, st->n_threads, &st->cap_threads,
		      sizeof(*st->threads))) {
		st->failed = true;
		return;
	}
	st->threads[st->n_threads++] = addr;
}

/* head: its first bytes, or NULL: its metatable has been noted. */
static void note(struct lua *st, uint64_t addr, enum lua_kind kind,
		 const uint8_t *head)
{
	const struct lua_layout *l = st->mem.lay;
	uint64_t metatable;
	bool each;

	if (kind == LUA_THREAD)
		note_thread(st, addr);
	if (lua_counts_upvalues(&st->mem) && kind == LUA_THREAD)
		lua_open_upvalues(st, addr);
	else if (lua_counts_upvalues(&st->mem) && kind == LUA_CLOSURE)
		lua_closure_upvalues(st, addr);
	if (head == NULL || (kind != LUA_TABLE && kind != LUA_USERDATA))
		return;
	metatable = lua_word(&st->mem, addr, kind == LUA_TABLE ?
			     l->tab_metatable : l->udata_metatable);
	if (metatable != 0)
		lua_note_metatable(st, metatable, addr, &each);
}

bool lua_note_object(struct lua *st, uint64_t addr)
{
	const uint8_t *p = lua_view(&st->mem, addr, 16);

	if (p == NULL || lua_space_put(&st->objects, addr) < 0)
		return p == NULL;
	note(st, addr, lua_kind_in(st->mem.lay, p), p);
	return !st->failed;
}

/* A new object: false when it is none, or was met before. */
static bool meet(struct lua *st, uint64_t addr, uint64_t *next)
{
	const uint8_t *p = NULL;
	enum lua_kind kind;
	int had;

	if (st->links == NULL || !lua_link_at(st->links, addr, next, &kind)) {
		p = addr & 7 ? NULL : lua_view(&st->mem, addr, 16);
		kind = p != NULL ? lua_kind_in(st->mem.lay, p) : LUA_NOTHING;
		*next = p != NULL ? lua_at64(p, st->mem.lay->gc_next) : 0;
	}
	if (kind == LUA_NOTHING) {
		st->n_broken++;
		return false;
	}
	had = lua_space_put(&st->objects, addr);
	if (had != 0) {
		st->failed = st->failed || had < 0;
		return false;
	}
	note(st, addr, kind, p);
	return true;
}

static void walk_list(struct lua *st, uint64_t at, int32_t next)
{
	uint64_t n = 0, to;

	while (at != 0 && !st->failed && meet(st, at, &to)) {
		if (next != st->mem.lay->gc_next)
			to = lua_word(&st->mem, at, next);
		at = to;
		if (!(++n & 0x3fff) && st->mem.host->cancelled(st->mem.im))
			return;
	}
}

/* 5.1: strings are in their table only (lstring.c) */
static void walk_strings(struct lua *st, uint64_t global)
{
	const struct lua_layout *l = st->mem.lay;
	uint64_t hash = lua_word(&st->mem, global, l->g_strt_hash), i;
	uint64_t n = lua_u32(&st->mem, global, l->g_strt_size);

	for (i = 0; i < n && n <= MAX_STRT && !st->failed; i++)
		walk_list(st, lua_word(&st->mem, hash + 8 * i, 0),
			  l->str_hnext);
}

/* 5.1: open up-values are in their thread's list only (lfunc.c) */
static void walk_open(struct lua *st, uint64_t from)
{
	for (uint64_t i = from; i < st->n_threads; i++)
		walk_list(st, lua_word(&st->mem, st->threads[i],
				       st->mem.lay->th_openupval),
			  st->mem.lay->upval_open_next);
}

static void walk_state(struct lua *st, const struct lua_state *s)
{
	const struct lua_layout *l = st->mem.lay;
	const int32_t lists[] = { l->g_allgc, l->g_finobj, l->g_tobefnz,
				  l->g_fixedgc, l->g_tmudata };
	uint64_t from = st->n_threads, next;

	// of no list but 5.1's, where it is met again
	meet(st, s->main, &next);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		walk_list(st, lua_word(&st->mem, s->global, lists[i]),
			  l->gc_next);
	if (l->minor == 1) {
		// the main thread has ended the list that it stands in
		walk_list(st, lua_word(&st->mem, s->main, l->gc_next),
			  l->gc_next);
		walk_strings(st, s->global);
		walk_open(st, from);
	}
}

/* Coroutines in the order in which they were made, not the list's. */
static void order_threads(struct lua *st, uint64_t from)
{
	uint64_t i = from + 1, k = st->n_threads - 1, tmp;

	for (; i < k; i++, k--) {
		tmp = st->threads[i];
		st->threads[i] = st->threads[k];
		st->threads[k] = tmp;
	}
}

/* States that open() has not met: it looks only where most are. */
static void find_all_states(struct lua *st)
{
	struct lua_found *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return;
	f->mem = st->mem;
	memcpy(f->states, st->states, sizeof(f->states));
	f->n_states = st->n_states;
	if (lua_find_states(f, true)) {
		memcpy(st->states, f->states, sizeof(st->states));
		st->n_states = f->n_states;
	}
	free(f);
}

/* For sweep(): types of objects whose class is known by number. */
static void note_types(struct lua *st)
{
	st->class_types = malloc((st->n_classes + 1) *
				 sizeof(*st->class_types));
	if (st->class_types == NULL) {
		st->failed = true;
		return;
	}
	st->class_types[0] = UINT32_MAX;
	for (uint64_t i = 0; i < st->cap_classes; i++) {
		if (st->classes[i].metatable != 0)
			st->class_types[st->classes[i].number] =
				st->classes[i].type;
	}
}

void lua_walk_lists(struct lua *st)
{
	uint64_t from;

	for (uint32_t i = 0; i < st->n_states; i++) {
		from = st->n_threads;
		walk_state(st, &st->states[i]);
		if (from < st->n_threads)
			order_threads(st, from);
	}
}

static bool gather(struct lua *st)
{
	if (!lua_links_gather(st, false, st->links))
		return false;
	st->peeled = lua_peel(st, st->links);
	if (st->peeled)
		return true;
	lua_links_deinit(st->links);
	return lua_links_gather(st, true, st->links);
}

static void walk(struct lua *st)
{
	st->links = calloc(1, sizeof(*st->links));
	if (st->links == NULL || !gather(st)) {
		free(st->links);
		st->links = NULL;
		if (!st->looked_everywhere)
			find_all_states(st);
	}
	if (st->peeled)
		lua_threads_group(st);
	else
		lua_walk_lists(st);
	if (st->links != NULL)
		lua_links_settle(st->links);
	note_ephemerons(st);
	if (!lua_names_find(st))
		st->failed = true;
	note_types(st);
}

static void say(struct lua *st)
{
	if (st->failed)
		st->mem.host->diag(st->mem.im, HEAPSH_DIAG_WARNING,
				   "not enough memory to walk Lua's lists: "
				   "objects are missing");
	if (st->n_broken != 0)
		st->mem.host->diag(st->mem.im, HEAPSH_DIAG_WARNING,
				   "a list of Lua's collector leads to what is "
				   "no object: objects behind it are missing");
}

void lua_walk(struct lua *st, void *reader)
{
	if (st->walked)
		return;
	pthread_mutex_lock(&st->lock);
	if (!st->walked) {
		st->mem.reader = reader;
		walk(st);
		say(st);
		st->mem.reader = NULL;
		st->walked = true;
	}
	pthread_mutex_unlock(&st->lock);
}

bool lua_object_at(const struct lua *st, const struct lua_mem *m,
		   uint64_t addr, struct lua_object *ret)
{
	if (lua_space_has(&st->objects, addr))
		return lua_describe(m, addr, lua_kind_at(m, addr), ret);
	return lua_space_has(&st->upvalues, addr) &&
	       lua_describe(m, addr, LUA_UPVALUE, ret);
}

uint32_t lua_type_of(const struct lua *st, const struct lua_object *o)
{
	const struct lua_class *c = lua_class_of(st, o->metatable);

	return c != NULL && c->type != UINT32_MAX ? c->type :
						    st->types[o->kind];
}

void lua_clear(struct lua *st)
{
	lua_space_deinit(&st->objects);
	lua_space_deinit(&st->upvalues);
	lua_space_deinit(&st->keys);
	lua_names_free(st);
	if (st->links != NULL)
		lua_links_deinit(st->links);
	free(st->links);
	free(st->class_types);
	free(st->classes);
	free(st->threads);
	free(st->weak_tables);
	free(st->ephemerons);
	pthread_mutex_destroy(&st->lock);
}
