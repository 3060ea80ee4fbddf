// SPDX-License-Identifier: Apache-2.0
#include "toymodel.h"

#include <pthread.h>
#include <sys/mman.h>

#include "map.h"
#include "text.h"
#include "vec.h"

enum { MAGIC = 0x7e0b };
#define ADDRESS ((UINT64_C(1) << 48) - 8)

struct head {
	uint16_t magic, type, flags, shift;
	uint32_t refcount, n_words;
	uint32_t flat, held;
	uint64_t words_at;
};
_Static_assert(sizeof(struct head) == TOY_HEAD, "see toymodel.h");

struct segment {
	uint64_t start, len;
	uint8_t *bytes;
};

struct root {
	uint64_t target;
	const char *name;
	uint32_t flags;
};

struct md_model {
	HS_VEC(struct segment) segments;
	HS_VEC(struct heapsh_range) claims, holes;
	HS_VEC(struct md_type) types;
	HS_VEC(struct root) roots;
	struct hs_map texts;
	_Atomic uint32_t n_known;
	unsigned tricks;
};

struct toy {
	struct md_model m;
};

struct im_reader {
	struct md_model *m;
	uint64_t start, len;
	const uint8_t *bytes;
};

struct toy *toy_create(void)
{
	return hs_xalloc(sizeof(struct toy));
}

void toy_destroy(struct toy *toy)
{
	size_t i;

	for (i = 0; i < toy->m.segments.n; i++)
		munmap(toy->m.segments.v[i].bytes, toy->m.segments.v[i].len);
	hs_vec_deinit(&toy->m.segments);
	hs_vec_deinit(&toy->m.claims);
	hs_vec_deinit(&toy->m.holes);
	hs_vec_deinit(&toy->m.types);
	hs_vec_deinit(&toy->m.roots);
	hs_map_deinit(&toy->m.texts);
	free(toy);
}

struct md_model *toy_model(struct toy *toy)
{
	return &toy->m;
}

void toy_set_tricks(struct toy *toy, unsigned tricks)
{
	toy->m.tricks = tricks;
}

void toy_map(struct toy *toy, uint64_t start, uint64_t len, bool claimed)
{
	struct segment s = { start, len, NULL };

	s.bytes = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.bytes == MAP_FAILED)
		abort();
	hs_vec_push(&toy->m.segments, s);
	if (claimed)
		toy_claim(toy, start, len);
}

void toy_claim(struct toy *toy, uint64_t start, uint64_t len)
{
	const struct heapsh_range r = { start, start + len };

	hs_vec_push(&toy->m.claims, r);
}

void toy_hole(struct toy *toy, uint64_t start, uint64_t len)
{
	const struct heapsh_range r = { start, start + len };

	hs_vec_push(&toy->m.holes, r);
}

uint32_t toy_type(struct toy *toy, const char *name, uint32_t flags,
		  uint64_t address, bool late)
{
	struct md_type t = { .flags = flags, .address = address };

	memcpy(&t.name, &name, sizeof(name));
	hs_vec_push(&toy->m.types, t);
	if (!late)
		atomic_store(&toy->m.n_known, (uint32_t)toy->m.types.n);
	return (uint32_t)toy->m.types.n - 1;
}

/* Pointer to len bytes, or NULL; *most: how many there are. */
static uint8_t *memory(const struct md_model *m, uint64_t addr, uint64_t len,
		       uint64_t *most)
{
	const struct segment *s;
	const struct heapsh_range *h;
	uint64_t n;
	size_t i, k;

	for (i = 0; i < m->segments.n; i++) {
		s = &m->segments.v[i];
		if (addr - s->start >= s->len)
			continue;
		n = s->len - (addr - s->start);
		n = n < len ? n : len;
		for (k = 0; k < m->holes.n; k++) {
			h = &m->holes.v[k];
			if (addr < h->end && h->start < addr + n)
				n = addr < h->start ? h->start - addr : 0;
		}
		*most = n;
		return n ? s->bytes + (addr - s->start) : NULL;
	}
	*most = 0;
	return NULL;
}

uint64_t toy_put(struct toy *toy, const struct toy_object *o)
{
	struct head h = {
		.magic = MAGIC,
		.type = (uint16_t)o->type,
		.flags = (uint16_t)o->flags,
		.shift = (uint16_t)o->shift,
		.refcount = o->refcount,
		.n_words = o->n_words,
		.flat = o->flat,
		.held = o->held,
		.words_at = o->words_at,
	};
	uint64_t most, at = o->words_at ? o->words_at : o->addr + TOY_HEAD;
	uint8_t *p = memory(&toy->m, o->addr, TOY_HEAD, &most);

	if (!p || most < TOY_HEAD)
		abort();
	memcpy(p, &h, sizeof(h));
	p = memory(&toy->m, at, o->n_words * 8, &most);
	if (o->n_words && (!p || most < o->n_words * 8))
		abort();
	if (o->n_words)
		memcpy(p, o->words, o->n_words * 8);
	return TOY_HEAD + (o->words_at ? 0 : (o->n_words + 1) / 2 * 16);
}

uint64_t toy_edge(uint64_t target, uint32_t flags, uint32_t label)
{
	return target | (flags & 7) |
	       (uint64_t) !!(flags & HEAPSH_EDGE_KEY) << 48 |
	       (uint64_t)label << 52;
}

void toy_root(struct toy *toy, uint64_t target, const char *name)
{
	const struct root r = { target, name, 0 };

	hs_vec_push(&toy->m.roots, r);
}

void toy_found(struct toy *toy, uint64_t target)
{
	const struct root r = { target, "", HEAPSH_ROOT_FOUND };

	hs_vec_push(&toy->m.roots, r);
}

void toy_text(struct toy *toy, uint64_t addr, const char *text)
{
	hs_map_put(&toy->m.texts, addr, (uintptr_t)text);
}

/* --- bytes -------------------------------------------------------------- */

uint64_t md_read(struct md_model *m, uint64_t addr, void *buf, uint64_t len)
{
	uint64_t most;
	const uint8_t *p = memory(m, addr, len, &most);

	if (p)
		memcpy(buf, p, most);
	return most;
}

void md_trim(struct md_model *m)
{
	(void)m;
}

struct hs_err *md_reader_create(struct md_model *m, struct hs_budget *budget,
				struct im_reader **ret)
{
	(void)budget;
	*ret = hs_xalloc(sizeof(**ret));
	(*ret)->m = m;
	return NULL;
}

void md_reader_destroy(struct im_reader *r)
{
	free(r);
}

void md_reader_lend(struct im_reader *r, uint64_t addr, const void *bytes,
		    uint64_t len)
{
	r->start = addr;
	r->bytes = bytes;
	r->len = len;
}

static const void *view(const struct md_model *m, const struct im_reader *r,
			uint64_t addr, uint64_t len)
{
	uint64_t most;
	const void *p;

	if (r && len <= r->len && addr - r->start <= r->len - len)
		return r->bytes + (addr - r->start);
	p = memory(m, addr, len, &most);
	return most == len ? p : NULL;
}

const void *md_view(struct im_reader *r, uint64_t addr, uint64_t len)
{
	return view(r->m, r, addr, len);
}

const void *md_view_at_hand(struct im_reader *r, uint64_t addr, uint64_t len)
{
	return len <= r->len && addr - r->start <= r->len - len ?
		       r->bytes + (addr - r->start) :
		       NULL;
}

/* --- the plugin's side -------------------------------------------------- */

static void learn_type(struct md_model *m, uint32_t type)
{
	uint32_t known = atomic_load(&m->n_known);

	while (type >= known &&
	       !atomic_compare_exchange_weak(&m->n_known, &known, type + 1))
		;
}

static bool label_has_word(uint32_t label)
{
	return label == HEAPSH_LABEL_VALUE || label == HEAPSH_LABEL_ATTR ||
	       label == HEAPSH_LABEL_LOCAL || label == HEAPSH_LABEL_NAME;
}

/* The edges, one after the other; *i from 0. */
static bool next_edge(const struct md_model *m, const uint64_t *words,
		      uint32_t n, uint32_t *i, struct heapsh_edge *e)
{
	uint64_t w, *text;

	if (*i >= n)
		return false;
	memset(e, 0, sizeof(*e));
	memcpy(&w, &words[*i], 8);
	e->target = w & ADDRESS;
	e->flags = (uint32_t)(w & 7) | (w >> 48 & 1 ? HEAPSH_EDGE_KEY : 0);
	e->label = w >> 52 & 15;
	e->a = *i;
	*i += 1;
	if (label_has_word(e->label) && *i < n) {
		memcpy(&e->a, &words[*i], 8);
		*i += 1;
	}
	if (e->label == HEAPSH_LABEL_NAME) {
		text = hs_map_get(&m->texts, e->a);
		e->text = text ? (const char *)(uintptr_t)*text : NULL;
	}
	return true;
}

static void object_of(uint64_t addr, const struct head *h,
		      struct heapsh_object *o)
{
	*o = (struct heapsh_object){
		.address = addr,
		.type = h->type,
		.flags = h->flags,
		.flat = (uint64_t)h->flat << h->shift,
		.held = (uint64_t)h->held << h->shift,
		.refcount = h->refcount,
	};
}

static void emit(struct md_model *m, uint64_t addr, const struct head *h,
		 struct heapsh_sink *sink)
{
	struct heapsh_object o;
	struct heapsh_edge e;
	const uint64_t *words;
	uint32_t i = 0;

	learn_type(m, h->type);
	object_of(addr, h, &o);
	sink->object(sink, &o);
	if (!(sink->want & HEAPSH_WANT_EDGES) || !h->n_words)
		return;
	words = view(m, sink->reader,
		     h->words_at ? h->words_at : addr + TOY_HEAD,
		     (uint64_t)h->n_words * 8);
	while (words && next_edge(m, words, h->n_words, &i, &e))
		sink->edge(sink, &e);
}

static void emit_strays(const struct heapsh_chunk *c, struct heapsh_sink *sink)
{
	struct heapsh_object o = { .address = c->address - 16 };
	const struct heapsh_edge e = { .target = c->address };

	sink->object(sink, &o);
	sink->edge(sink, &e);
	o.address = c->address + c->len;
	sink->object(sink, &o);
	o.address = c->address + 4;
	sink->object(sink, &o);
	o.address = c->address + c->len - 8;
	o.type = 60000;
	sink->object(sink, &o);
	sink->edge(sink, &e);
}

static bool is_object(const struct md_model *m, const struct head *h)
{
	return h->magic == MAGIC && h->type < m->types.n;
}

bool md_wants_bytes(const struct md_model *m, uint32_t want)
{
	(void)m;
	(void)want;
	return true;
}

void md_sweep(struct md_model *m, const struct heapsh_chunk *chunk,
	      struct heapsh_sink *sink)
{
	uint64_t at = hs_align_up(chunk->address, 16) - chunk->address, size;
	uint64_t held_back = 0;
	struct head h, back;

	if (m->tricks & TOY_STRAY)
		emit_strays(chunk, sink);
	for (; at + TOY_HEAD <= chunk->len; at += size) {
		size = 16;
		memcpy(&h, chunk->bytes + at, sizeof(h));
		if (!is_object(m, &h))
			continue;
		size = TOY_HEAD;
		if (!h.words_at)
			size += ((uint64_t)h.n_words + 1) / 2 * 16;
		if (m->tricks & TOY_BACKWARDS && !held_back) {
			held_back = chunk->address + at;
			back = h;
			continue;
		}
		emit(m, chunk->address + at, &h, sink);
		if (m->tricks & TOY_TWICE)
			emit(m, chunk->address + at, &h, sink);
		if (held_back)
			emit(m, held_back, &back, sink);
		held_back = 0;
	}
	if (held_back)
		emit(m, held_back, &back, sink);
}

void md_at(struct md_model *m, const uint64_t *addr, uint32_t n,
	   struct heapsh_sink *sink)
{
	const void *p;
	struct head h;
	uint32_t i;

	for (i = 0; i < n; i++) {
		p = addr[i] & 15 ? NULL :
				   view(m, sink->reader, addr[i], TOY_HEAD);
		if (p)
			memcpy(&h, p, sizeof(h));
		if (!p || !is_object(m, &h)) {
			sink->nothing(sink, addr[i]);
			continue;
		}
		if (m->tricks & TOY_UNASKED)
			emit(m, addr[i] + 16, &h, sink);
		emit(m, addr[i], &h, sink);
		if (m->tricks & TOY_UNASKED)
			emit(m, addr[i], &h, sink);
	}
}

uint32_t md_ranges(struct md_model *m, struct heapsh_range *ret, uint32_t cap,
		   uint64_t *grain)
{
	size_t i;

	*grain = 16384;
	// Backwards: nobody promises an order.
	for (i = 0; i < m->claims.n && i < cap; i++)
		ret[i] = m->claims.v[m->claims.n - 1 - i];
	return (uint32_t)m->claims.n;
}

void md_roots(struct md_model *m,
	      void (*fn)(void *arg, const struct heapsh_root *root), void *arg)
{
	size_t i;

	for (i = 0; i < m->roots.n; i++) {
		const struct heapsh_root r = {
			.size = sizeof(r),
			.flags = m->roots.v[i].flags,
			.target = m->roots.v[i].target,
			.name = { m->roots.v[i].name,
				  strlen(m->roots.v[i].name) },
		};

		fn(arg, &r);
	}
}

/* --- types and single objects ------------------------------------------- */

uint32_t md_n_types(const struct md_model *m)
{
	return atomic_load(&m->n_known);
}

const struct md_type *md_type(const struct md_model *m, uint32_t type)
{
	return &m->types.v[type];
}

static const struct head *head_at(const struct md_model *m, uint64_t addr,
				  struct head *h)
{
	const void *p = addr & 15 ? NULL : view(m, NULL, addr, TOY_HEAD);

	if (p)
		memcpy(h, p, sizeof(*h));
	return p && is_object(m, h) ? h : NULL;
}

bool md_object_at(struct md_model *m, uint64_t addr, struct md_object *ret)
{
	struct head h;

	if (!head_at(m, addr, &h))
		return false;
	learn_type(m, h.type);
	object_of(addr, &h, &ret->o);
	ret->type = &m->types.v[h.type];
	return true;
}

struct hs_err *md_edges(struct md_model *m, uint64_t addr,
			struct md_edge **ret, size_t *n)
{
	const uint64_t *words;
	struct head h;
	uint32_t i = 0;

	if (!head_at(m, addr, &h))
		return hs_err_new(HS_ERR_NAME, "no object there");
	words = view(m, NULL, h.words_at ? h.words_at : addr + TOY_HEAD,
		     (uint64_t)h.n_words * 8);
	*n = 0;
	*ret = hs_xcalloc((size_t)h.n_words + 1, sizeof(**ret));
	while (words && next_edge(m, words, h.n_words, &i, &(*ret)[*n].e))
		++*n;
	return NULL;
}

char *md_render(struct md_model *m, uint64_t addr, uint32_t style, size_t max)
{
	uint64_t *text = hs_map_get(&m->texts, addr);
	struct head h;
	char *s;

	if (!head_at(m, addr, &h))
		return hs_xstrdup("?");
	if (!text)
		s = hs_xasprintf("<%s at %#llx>", m->types.v[h.type].name,
				 (unsigned long long)addr);
	else if (style != HEAPSH_RENDER_TEXT &&
		 m->types.v[h.type].flags & HEAPSH_TYPE_TEXT)
		s = hs_xasprintf("'%s'", (const char *)(uintptr_t)*text);
	else
		s = hs_xstrdup((const char *)(uintptr_t)*text);
	if (max && strlen(s) > max)
		s[max] = '\0';
	return s;
}

char *md_label(struct md_model *m, const struct heapsh_edge *e)
{
	(void)m;
	return hs_xasprintf("[%llu]", (unsigned long long)e->a);
}

char *md_kind_name(struct md_model *m, uint32_t type, uint32_t owner)
{
	if (!(m->types.v[type].flags & HEAPSH_TYPE_TABLE))
		return hs_xstrdup(m->types.v[type].name);
	if (owner == UINT32_MAX)
		return hs_xasprintf("%s (no owner)", m->types.v[type].name);
	return hs_xasprintf("%s of %s", m->types.v[type].name,
			    m->types.v[owner].name);
}

char *md_render_clipped(struct md_model *m, uint64_t addr, uint32_t style,
			size_t clip)
{
	return md_render(m, addr, style, clip);
}
